"""Logging is configured once per process, before its first run: never by an import."""

from __future__ import annotations

import logging
import os
import re
import string
import threading
from pathlib import Path
from typing import Any

from prefect.exceptions import ConfigurationError
from prefect.settings import get_current_settings
from prefect.settings.legacy import setting_named

__all__ = [
    "DEFAULT_LOGGING_SETTINGS_PATH",
    "PROCESS_LOGGING_CONFIG",
    "ensure_logging_setup",
    "load_logging_config",
    "setup_logging",
    "to_envvar",
]

DEFAULT_LOGGING_SETTINGS_PATH = Path(__file__).parent / "logging.yml"
"""The configuration that holds when the user has none."""

PROCESS_LOGGING_CONFIG: dict[str, Any] = {}
"""The configuration that this process uses; empty until it is set up."""

# Reentrant: what is configured may log, and a logger may make sure that logging is set up.
_setting_up = threading.RLock()


def to_envvar(path: str) -> str:
    """A path in the configuration as part of a variable's name: `loggers.prefect.level` is `loggers_prefect_level`."""
    return re.sub(r"[^0-9a-zA-Z]+", "_", path)


def load_logging_config(path: Path) -> dict[str, Any]:
    """
    Read a configuration file, put in settings, and replace what environment variables replace.

    Args:
        path: A YAML file.

    Raises:
        ConfigurationError: It cannot be read.
    """
    text = path.read_text(encoding="utf-8")
    content = _parse_default(text) if path == DEFAULT_LOGGING_SETTINGS_PATH else _parse_yaml(text, path)
    if not isinstance(content, dict):
        message = f"{path} must be a mapping with the keys of a logging configuration, not {content!r}."
        raise ConfigurationError(message)
    return {key: _resolved(value, key) for key, value in content.items()}


def _parse_default(text: str) -> Any:
    """Our own file is JSON but for comments, which is YAML too: so the parser of YAML, slow to load, is not."""
    import json

    return json.loads(re.sub(r"(?m)^#.*$", "", text))


def _parse_yaml(text: str, path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        message = f"{path} is not valid YAML: {error}"
        raise ConfigurationError(message) from error


def _resolved(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, f"{path}_{key}") for key, item in value.items()}
    replacement = os.environ.get(f"PREFECT_LOGGING_{to_envvar(path).upper()}")
    if replacement is not None:
        return [part.strip() for part in replacement.split(",")] if isinstance(value, list) else replacement
    return _Template(value).safe_substitute(_Settings()) if isinstance(value, str) and "$" in value else value


class _Template(string.Template):
    """`${NAME}` alone: a `$` is common in formats."""

    pattern = r"\$\{(?P<braced>PREFECT_[A-Z0-9_]+)\}|(?P<escaped>(?!))|(?P<named>(?!))|(?P<invalid>(?!))"  # type: ignore[assignment]


class _Settings(dict[str, Any]):
    """The values of settings, by their variables."""

    def __missing__(self, name: str) -> str:
        setting = setting_named(name)
        if setting is None:
            raise KeyError(name)
        return str(setting.value())


def setup_logging(incremental: bool | None = None) -> dict[str, Any]:
    """
    Configure logging for this process. Calling it again is harmless: levels follow the settings.

    A program that has configured logging itself keeps its handlers: then only the loggers of the product get levels,
    and those of runs their way to the orchestrator.

    Args:
        incremental: Whether to leave handlers that are there alone; None: if there are any.

    Returns:
        The configuration.
    """
    with _setting_up:
        config = load_logging_config(_config_path())
        if incremental is None:
            incremental = bool(PROCESS_LOGGING_CONFIG) or bool(logging.getLogger().handlers)
        if incremental:
            _add(config)
        else:
            from logging.config import dictConfig

            dictConfig(config)
        _connect_extra_loggers(config)
        PROCESS_LOGGING_CONFIG.clear()
        PROCESS_LOGGING_CONFIG.update(config)
        return config


def ensure_logging_setup() -> None:
    """Configure logging for this process, unless that was done."""
    if not PROCESS_LOGGING_CONFIG:
        setup_logging()


def _config_path() -> Path:
    users = get_current_settings().logging.config_path
    return users if users.exists() else DEFAULT_LOGGING_SETTINGS_PATH


def _add(config: dict[str, Any]) -> None:
    """Set levels of the product's loggers, and give them the handlers that they do not have yet. The root stays."""
    from logging.config import DictConfigurator

    made: dict[str, logging.Handler] = {}
    configurator = DictConfigurator(config)
    configurator.config["formatters"] = {
        name: configurator.configure_formatter(formatter) for name, formatter in config.get("formatters", {}).items()
    }
    for name, logger_config in config.get("loggers", {}).items():
        logger = logging.getLogger(name)
        if "level" in logger_config:
            logger.setLevel(logger_config["level"])
        if "propagate" in logger_config:
            logger.propagate = logger_config["propagate"]
        for handler_name in logger_config.get("handlers", ()):
            handler_config = configurator.config["handlers"][handler_name]
            if not any(_is_of(handler, handler_config) for handler in logger.handlers):
                if handler_name not in made:
                    made[handler_name] = configurator.configure_handler(handler_config)
                logger.addHandler(made[handler_name])


def _is_of(handler: logging.Handler, handler_config: dict[str, Any]) -> bool:
    return f"{type(handler).__module__}.{type(handler).__qualname__}" == handler_config.get("class")


def _connect_extra_loggers(config: dict[str, Any]) -> None:
    """Let the records of other packages' loggers go where `prefect.extra` lets them go."""
    extra = logging.getLogger("prefect.extra")
    for name in get_current_settings().logging.extra_loggers or ():
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(extra.level)
        for handler in extra.handlers:
            if handler not in logger.handlers:
                logger.addHandler(handler)
