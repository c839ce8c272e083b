"""`prefect plugins`, and commands of plugins: of real throw-away distributions, in processes of their own."""

from __future__ import annotations

import json
import textwrap

import pytest


class Site:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def install(self, name, source):
        module = name.replace("-", "_")
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source))
        metadata = self.folder / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[prefect.plugins]\n{name.removeprefix('prefect-')} = {module}\n")

    def module(self, name, source):
        (self.folder / f"{name}.py").write_text(textwrap.dedent(source))


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "site")


@pytest.fixture
def prefect(shell, site):
    """Runs the console script where the throw-away distributions are installed."""

    def run(*args, **options):
        return shell(*args, PYTHONPATH=str(site.folder), **options)

    return run


def cli_plugin(target, name="tea", help="Make tea."):
    return f"""
        from prefect.plugins import CliSpec, register_hook

        @register_hook
        def prefect_cli():
            return [CliSpec("{name}", "{target}", "{help}")]
    """


TYPER = """
    import typer

    app = typer.Typer()

    @app.command()
    def brew(cups: int = 1, profile: str = "mild") -> None:
        print(f"{cups} cups, {profile}")

    @app.command()
    def drink() -> None:
        print("drunk")

    open("imported.txt", "w").close()
"""


def test_commands_of_plugins(prefect, site, tmp_path):
    site.install("prefect-tea", cli_plugin("tea_commands:app"))
    site.module("tea_commands", TYPER)
    assert ["tea", "Make", "tea."] in [line.split() for line in prefect("--help").stdout.splitlines()]
    assert not (tmp_path / "imported.txt").exists(), "listing help imports no command"
    assert prefect("tea", "brew", "--cups", "2").stdout == "2 cups, mild\n"
    assert prefect("tea", "brew", "--profile", "strong").stdout == "1 cups, strong\n", "their options are theirs"
    assert "brew" in prefect("tea", "--help").stdout
    assert "No such command 'boil'" in prefect("tea", "boil", code=2).stderr


def test_commands_of_another_click(prefect, site):
    pytest.importorskip("click", reason="the newest typer brings its own")
    site.install("prefect-tea", cli_plugin("tea_commands:brew"))
    source = """
        import click

        @click.command()
        @click.option("--cups", default=1)
        @click.argument("kind")
        def brew(cups, kind):
            print(f"{cups} cups of {kind}")
    """
    site.module("tea_commands", source)
    assert prefect("tea", "green", "--cups", "2").stdout == "2 cups of green\n"
    assert "--cups" in prefect("tea", "--help").stdout
    assert prefect("tea", code=2).stderr


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no_such_module_at_all:app", "cannot be imported: ModuleNotFoundError"),
        ("json:dumps", "must be a typer.Typer or a click command, not function"),
    ],
)
def test_a_broken_command_breaks_nothing_else(prefect, site, target, message):
    site.install("prefect-tea", cli_plugin(target))
    assert "Make tea." in prefect("--help").stdout
    assert prefect("variable", "ls").stdout == "No variables found.\n"
    error = prefect("tea", code=1).stderr
    assert message in error
    assert "Traceback" not in error


def test_a_broken_plugin_breaks_nothing_else(prefect, site):
    site.install("prefect-broken", "raise RuntimeError('not today')")
    assert "flow-run" in prefect("--help").stdout
    assert prefect("version").returncode == 0
    assert prefect("variable", "ls").stdout == "No variables found.\n"
    listed = {each["name"]: each for each in json.loads(prefect("plugins", "list", "-o", "json").stdout)}
    assert listed["broken"]["status"] == "failed"
    assert listed["prefect"]["status"] == "built-in"
    for command in (["plugins"], ["plugins", "list"], ["plugins", "show", "prefect-broken"]):
        assert "RuntimeError: not today" in prefect(*command).stdout
    diagnosis = prefect("plugins", "diagnose", code=1).stdout
    assert "Traceback" in diagnosis
    assert "not today" in diagnosis


def test_health_checks(prefect, site):
    source = """
        from prefect.plugins import HealthCheck, register_hook

        def endpoint():
            raise ConnectionError("nobody answers")

        @register_hook
        def prefect_diagnose():
            return [HealthCheck("credentials", lambda: "found"), HealthCheck("endpoint", endpoint)]
    """
    site.install("prefect-checked", source)
    shown = prefect("plugins", "diagnose", code=1).stdout.splitlines()
    assert "ok  credentials: found" in shown
    assert "failed  endpoint: ConnectionError: nobody answers" in shown


def test_without_plugins(cli):
    assert "built-in" in cli("plugins").stdout
    assert "No plugin has failed." in cli("plugins", "diagnose").stdout
    assert "thread-pool" in cli("plugins", "show", "prefect").stdout
    assert cli.error("plugins", "show", "nothing").startswith("No plugin 'nothing' is installed. Installed: prefect")
