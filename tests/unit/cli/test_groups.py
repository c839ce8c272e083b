"""Commands: arguments by position or by name, other names, and imports when they are used."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Annotated, Optional

import pytest
import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import Entry, LazyCommands, as_command, command, noun


@pytest.fixture
def app():
    app = noun("Things.", aliases={"list": "ls"})

    @command(app, "move")
    def move(
        source: Annotated[str, typer.Argument(help="From where.")],
        target: Annotated[str, typer.Argument(help="Where to.")],
        force: Annotated[bool, typer.Option("--force/--no-force")] = False,
    ) -> None:
        """Move something."""
        print(f"{source} -> {target} {force}")

    @command(app, "ls")
    def ls(names: Annotated[Optional[list[str]], typer.Argument(help="Which.")] = None) -> None:
        """List things."""
        print(names)

    return app


@pytest.fixture
def run(capsys):
    def run(app, *args):
        with pytest.raises(SystemExit) as end:
            typer.main.get_command(app).main(args=list(args), prog_name="things")
        written = capsys.readouterr()
        return SimpleNamespace(exit_code=end.value.code or 0, stdout=written.out, stderr=written.err)

    return run


@pytest.mark.parametrize(
    "args",
    [
        ("a", "b"),
        ("--source", "a", "--target", "b"),
        ("--target", "b", "a"),
        ("b", "--source", "a"),
        ("--target=b", "--source=a"),
    ],
)
def test_arguments_may_be_given_by_position_or_by_name(run, app, args):
    assert run(app, "move", *args).stdout == "a -> b False\n"


def test_options_stay_options(run, app):
    assert run(app, "move", "a", "--force", "b").stdout == "a -> b True\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a"], "Missing argument 'TARGET'"),
        (["--target", "b"], "Missing argument 'SOURCE'"),
        ([], "Missing argument 'SOURCE'"),
        (["a", "b", "c"], "unexpected extra argument"),
        (["a", "b", "--source", "c"], "unexpected extra argument (b)"),
    ],
)
def test_too_few_and_too_many_arguments(run, app, args, message):
    result = run(app, "move", *args)
    assert result.exit_code == 2
    assert message in result.stderr


def test_arguments_of_any_number(run, app):
    assert run(app, "ls", "a", "b").stdout == "['a', 'b']\n"
    assert run(app, "ls", "--names", "a", "--names", "b").stdout == "['a', 'b']\n"
    assert run(app, "ls").stdout == "None\n"


def test_other_names_are_the_same_command(run, app):
    assert run(app, "list", "a").stdout == "['a']\n"
    help_text = run(app).stdout
    assert "ls (list)" in help_text
    assert run(app).exit_code == 0


def test_help_shows_what_must_be_given(run, app):
    text = run(app, "move", "--help").stdout
    assert "move [OPTIONS] SOURCE TARGET" in text
    assert "From where." in text
    assert "--source" not in text
    assert "[NAMES...]" in run(app, "ls", "--help").stdout


class TestLazyCommands:
    @pytest.fixture
    def module(self, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(str(tmp_path))
        name = "lazy_command_of_a_test"
        (tmp_path / f"{name}.py").write_text(
            "import typer\napp = typer.Typer()\n@app.command()\ndef go(): print('gone')\n"
        )
        yield name
        sys.modules.pop(name, None)

    def test_a_command_is_imported_when_it_is_asked_for(self, module):
        commands = LazyCommands({"go": Entry(f"{module}:app", "Go.", ("walk",))}, list, {}.__getitem__)
        assert list(commands) == ["go", "walk"]
        assert module not in sys.modules
        assert commands["walk"] is commands["go"]
        assert module in sys.modules

    def test_plugins_are_asked_only_for_names_that_are_not_the_cores(self, module):
        asked = []
        further = typer.Typer()
        further.command()(lambda: None)

        def load(name):
            asked.append(name)
            return further

        commands = LazyCommands({"go": Entry(f"{module}:app", "Go.")}, lambda: ["go", "fly"], load)
        assert commands["go"] is not None
        assert asked == []
        assert commands["fly"] is not None
        assert asked == ["fly"]
        with pytest.raises(KeyError):
            commands["swim"]


def test_what_is_no_command_is_refused_by_name():
    with pytest.raises(CliError, match="'x' must be a typer.Typer or a click command, not int"):
        as_command(1, "x")
