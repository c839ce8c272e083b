"""Plugins as an installation has them: settings, the index in the home folder, other processes."""

import asyncio
import logging
import os
import subprocess
import sys
import textwrap

import pytest

from prefect.plugins import HookContext, load_prefect_collections, report, run_startup_hooks, safe_load_entrypoints
from prefect.plugins.errors import PluginLoadError
from prefect.plugins.loading import current_host
from prefect.settings import temporary_settings


@pytest.fixture
def install(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    modules = []

    def install(name, source, group="prefect.plugins"):
        module = f"{name}_for_integration_tests_{id(folder)}"
        modules.append(module)
        (folder / f"{module}.py").write_text(textwrap.dedent(source))
        metadata = folder / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")
        return module

    yield install
    for module in modules:
        sys.modules.pop(module, None)


def context():
    return HookContext("4.0", None, logging.getLogger)


SETUP = """
    import asyncio
    from prefect.plugins import SetupResult, register_hook
    @register_hook
    async def setup_environment(*, ctx):
        await asyncio.sleep(0)
        return SetupResult(env={"SETUP_FOR_TESTS": ctx.prefect_version, "SETUP_TOKEN": "hidden"}, note="done")
"""


@pytest.fixture
def clean_environment(monkeypatch):
    for name in ("SETUP_FOR_TESTS", "SETUP_TOKEN"):
        monkeypatch.setenv(name, "before")


def test_plugins_set_up_the_environment_when_that_is_enabled(install, clean_environment):
    install("setup", SETUP)
    assert asyncio.run(run_startup_hooks(context())) == []
    assert os.environ["SETUP_FOR_TESTS"] == "before"
    with temporary_settings({"PREFECT_PLUGINS_ENABLED": True}):
        [summary] = asyncio.run(run_startup_hooks(context()))
    assert (summary.plugin, summary.note, summary.error) == ("setup", "done", None)
    assert summary.env_preview["SETUP_FOR_TESTS"] == "4.0"
    assert "hidden" not in str(summary)
    assert os.environ["SETUP_FOR_TESTS"] == "4.0"


def test_a_plugin_that_takes_too_long_is_given_up_on(install):
    install(
        "slow",
        """
        import time
        from prefect.plugins import register_hook
        @register_hook
        def setup_environment(*, ctx):
            time.sleep(1)
        """,
    )
    with temporary_settings({"PREFECT_PLUGINS_ENABLED": True, "PREFECT_PLUGINS_SETUP_TIMEOUT_SECONDS": 0.05}):
        [summary] = asyncio.run(run_startup_hooks(context()))
    assert "took longer than 0.05 seconds" in summary.error


def test_a_plugin_that_fails_in_strict_mode_stops_the_start(install):
    install(
        "failing",
        """
        from prefect.plugins import register_hook
        @register_hook
        def setup_environment(*, ctx):
            raise ValueError("no credentials")
        """,
    )
    with temporary_settings({"PREFECT_PLUGINS_ENABLED": True}):
        [summary] = asyncio.run(run_startup_hooks(context()))
        assert "no credentials" in summary.error
    with temporary_settings({"PREFECT_PLUGINS_ENABLED": True, "PREFECT_PLUGINS_STRICT": True}):
        with pytest.raises(PluginLoadError, match="no credentials"):
            asyncio.run(run_startup_hooks(context()))


def test_database_parameters_are_merged(install):
    install(
        "database",
        """
        from prefect.plugins import register_hook
        @register_hook
        def set_database_connection_params(connection_url, settings):
            return {"password": "token for " + connection_url}
        """,
    )
    params = current_host().call_merged("set_database_connection_params", connection_url="db", settings=None)
    assert params == {"password": "token for db"}


def test_settings_choose_the_plugins(install):
    install("setup", SETUP)
    assert [each.status for each in report() if each.name == "setup"] == ["ok"]
    with temporary_settings({"PREFECT_PLUGINS_DENY": "setup"}):
        assert [each.status for each in report() if each.name == "setup"] == ["refused"]
    with temporary_settings({"PREFECT_PLUGINS_SAFE_MODE": True}):
        [found] = [each for each in report() if each.name == "setup"]
        assert "SAFE_MODE" in found.reason


def test_collections_are_imported_all_at_once_if_that_is_asked_for(install):
    good = install("good", "value = 1", group="prefect.collections")
    bad = install(
        "bad", "import os\nif not os.environ.get('MENDED'): raise RuntimeError('boom')", group="prefect.collections"
    )
    with temporary_settings({"PREFECT_PLUGINS_DENY": "nobody"}):
        loaded = load_prefect_collections()
        assert loaded["good"] is sys.modules[good]
        assert isinstance(loaded["bad"], PluginLoadError)
        os.environ["MENDED"] = "1"
        try:
            assert isinstance(load_prefect_collections()["bad"], PluginLoadError)
            assert load_prefect_collections(reload=True)["bad"] is sys.modules[bad]
        finally:
            del os.environ["MENDED"]


def test_entry_points_are_loaded_one_by_one():
    from importlib.metadata import EntryPoint, EntryPoints

    loaded = safe_load_entrypoints(
        EntryPoints([EntryPoint("ok", "json:dumps", "g"), EntryPoint("gone", "no_such_module_x:y", "g")])
    )
    assert loaded["ok"].__name__ == "dumps"
    assert isinstance(loaded["gone"], ModuleNotFoundError)


PROCESS = """
import sys
from prefect.plugins.registries import task_runners
print(task_runners.get("dusk").__name__, sorted({"pluggy"} & set(sys.modules)))
"""


def test_a_second_process_needs_no_pluggy(install, tmp_path):
    module = install(
        "dusk",
        """
        from prefect.plugins import TaskRunnerSpec, register_hook
        @register_hook
        def prefect_task_runners():
            return [TaskRunnerSpec("dusk", "fractions:Fraction")]
        """,
    )
    env = {**os.environ, "PREFECT_HOME": str(tmp_path / "home")}

    def run():
        return subprocess.run(
            [sys.executable, "-c", PROCESS], env=env, capture_output=True, text=True, check=True
        ).stdout

    assert run() == "Fraction ['pluggy']\n"
    assert run() == "Fraction []\n"
    assert module


def test_a_broken_plugin_breaks_neither_the_import_nor_other_lookups(install, tmp_path):
    install("broken", "raise SystemExit('broken')")
    code = (
        "import prefect\nfrom prefect import flow, task\nfrom prefect.serializers import Serializer\n"
        "from prefect.plugins.registries import blocks\n"
        "print(Serializer(type='json').type, blocks.get('secret').__name__)"
    )
    env = {**os.environ, "PREFECT_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("json Secret\n", "")
