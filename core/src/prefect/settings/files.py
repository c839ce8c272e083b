"""The files that settings are read from: TOML and `.env`."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from prefect.exceptions import ConfigurationError

__all__ = ["read_dotenv", "read_toml"]


def _version(path: Path) -> tuple[int, int] | None:
    """What changes whenever a file does; None if there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def read_toml(path: Path, must_contain: str = "") -> dict[str, Any]:
    """
    The content of a TOML file, empty if there is none. It is parsed again only after it was changed.

    Args:
        path: The file.
        must_contain: What must be in the file somewhere; else it is not parsed, and taken to be empty.

    Raises:
        ConfigurationError: It is not TOML.
    """
    path = path.absolute()
    version = _version(path)
    return {} if version is None else _parse_toml(path, version, must_contain)


@lru_cache(maxsize=8)
def _parse_toml(path: Path, version: tuple[int, int], must_contain: str) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    if must_contain not in text:
        return {}
    try:
        return _loads(text)
    except ValueError as error:
        message = f"{path} is not valid TOML: {error}"
        raise ConfigurationError(message) from error


def _loads(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib

        return tomllib.loads(text)
    import tomlkit

    return dict(tomlkit.parse(text).unwrap())


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env` file: lines of `NAME=value`, the value quoted if it holds ` #` or outer blanks."""
    path = path.absolute()
    version = _version(path)
    return {} if version is None or not path.is_file() else _parse_dotenv(path, version)


@lru_cache(maxsize=4)
def _parse_dotenv(path: Path, version: tuple[int, int]) -> dict[str, str]:
    variables = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            variables[name.strip()] = _unquoted(value.strip())
    return variables


def _unquoted(value: str) -> str:
    quote = value[:1]
    if quote in {'"', "'"}:
        end = value.find(quote, 1)
        if end > 0:
            return value[1:end]
    before, comment, _ = value.partition(" #")
    return before.rstrip() if comment else value
