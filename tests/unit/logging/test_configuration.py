from __future__ import annotations

import io
import logging
import subprocess
import sys
import textwrap

import pytest
import yaml

from prefect.exceptions import ConfigurationError
from prefect.logging.configuration import (
    DEFAULT_LOGGING_SETTINGS_PATH,
    PROCESS_LOGGING_CONFIG,
    ensure_logging_setup,
    load_logging_config,
    setup_logging,
    to_envvar,
)
from prefect.logging.handlers import APILogHandler, PrefectConsoleHandler
from prefect.settings import temporary_settings
from prefect.settings.context import reload_settings


def kinds(name: str) -> list[type]:
    """The handlers of a logger, without those that the test runner may have given it."""
    types = [type(handler) for handler in logging.getLogger(name).handlers]
    return [kind for kind in types if not kind.__module__.startswith("_pytest")]


def test_the_default_configuration(without_handlers):
    without_handlers()
    setup_logging()
    assert kinds("") == [PrefectConsoleHandler]
    assert kinds("prefect.flow_runs") == kinds("prefect.task_runs") == [APILogHandler]
    assert logging.getLogger("prefect").level == logging.INFO
    assert logging.getLogger("prefect.server").level == logging.WARNING
    assert logging.getLogger("prefect._internal").level == logging.ERROR
    assert logging.getLogger().level == logging.WARNING


def test_the_default_file_is_yaml_too():
    assert yaml.safe_load(DEFAULT_LOGGING_SETTINGS_PATH.read_text())["version"] == 1
    assert set(yaml.safe_load(DEFAULT_LOGGING_SETTINGS_PATH.read_text())) == set(
        load_logging_config(DEFAULT_LOGGING_SETTINGS_PATH)
    )


def test_setting_up_again_adds_nothing_and_follows_the_settings(without_handlers):
    without_handlers()
    setup_logging()
    with temporary_settings({"logging.level": "DEBUG"}):
        setup_logging()
        assert logging.getLogger("prefect").level == logging.DEBUG
        assert kinds("") == [PrefectConsoleHandler]
        assert kinds("prefect.flow_runs") == [APILogHandler]


def test_it_is_set_up_once():
    ensure_logging_setup()
    config = dict(PROCESS_LOGGING_CONFIG)
    assert config["version"] == 1
    logging.getLogger("prefect").setLevel("ERROR")
    ensure_logging_setup()
    assert logging.getLogger("prefect").level == logging.ERROR


def test_handlers_of_the_program_stay(without_handlers):
    without_handlers()
    stream = io.StringIO()
    own = logging.StreamHandler(stream)
    logging.getLogger().addHandler(own)
    logging.getLogger().setLevel("ERROR")
    setup_logging()
    assert logging.getLogger().handlers == [own]
    assert logging.getLogger().level == logging.ERROR
    assert kinds("prefect.flow_runs") == [APILogHandler]
    logging.getLogger("prefect.x").info("through the program's handler")
    assert "through the program's handler" in stream.getvalue()


def test_environment_variables_replace_values(monkeypatch):
    monkeypatch.setenv("PREFECT_LOGGING_LOGGERS_PREFECT_SERVER_LEVEL", "CRITICAL")
    monkeypatch.setenv("PREFECT_LOGGING_ROOT_HANDLERS", "console,debug")
    monkeypatch.setenv("PREFECT_LOGGING_FORMATTERS_STANDARD_DATEFMT", "%Y")
    config = load_logging_config(DEFAULT_LOGGING_SETTINGS_PATH)
    assert config["loggers"]["prefect.server"]["level"] == "CRITICAL"
    assert config["root"]["handlers"] == ["console", "debug"]
    assert config["formatters"]["standard"]["datefmt"] == "%Y"
    assert to_envvar("a.b-c d") == "a_b_c_d"


def test_the_users_file(tmp_path, monkeypatch):
    path = tmp_path / "my.yml"
    path.write_text(
        textwrap.dedent("""
        version: 1
        disable_existing_loggers: false
        formatters:
          cost:
            format: "$%(message)s ${PREFECT_API_URL} ${UNKNOWN}"
        handlers:
          mine:
            class: logging.StreamHandler
            formatter: cost
            stream: ext://sys.stdout
        loggers:
          prefect:
            level: "${PREFECT_LOGGING_LEVEL}"
            handlers: [mine]
        """)
    )
    monkeypatch.setenv("PREFECT_LOGGING_SETTINGS_PATH", str(path))
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "debug")
    monkeypatch.setenv("PREFECT_API_URL", "http://x/api")
    reload_settings()
    config = setup_logging()
    assert config["formatters"]["cost"]["format"] == "$%(message)s http://x/api ${UNKNOWN}"
    assert kinds("prefect") == [logging.StreamHandler]
    assert logging.getLogger("prefect").level == logging.DEBUG


@pytest.mark.parametrize(("text", "message"), [("a: [", "not valid YAML"), ("- a", "must be a mapping")])
def test_a_wrong_file_is_named(text, message, tmp_path):
    path = tmp_path / "logging.yml"  # where PREFECT_HOME has it
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=rf"logging\.yml.*{message}"):
        setup_logging()


def test_loggers_of_other_packages_belong_to_runs(monkeypatch):
    monkeypatch.setenv("PREFECT_LOGGING_EXTRA_LOGGERS", "their.package,other")
    reload_settings()
    try:
        setup_logging()
        setup_logging()
        assert kinds("their.package") == kinds("other") == [APILogHandler]
        assert logging.getLogger("other").level == logging.INFO
    finally:
        for name in ("their.package", "other"):
            logging.getLogger(name).handlers = []
            logging.getLogger(name).setLevel(logging.NOTSET)


def test_importing_configures_nothing_and_setting_up_loads_neither_yaml_nor_rich(tmp_path):
    code = """
        import logging, sys
        import prefect.logging, prefect.logging.configuration, prefect.logging.handlers
        assert not logging.getLogger().handlers and not logging.getLogger("prefect").handlers
        prefect.logging.configuration.setup_logging()
        assert not {"yaml", "rich", "httpx", "sqlalchemy"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
