"""`reference/settings.md`: every environment variable, from the settings models."""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

import prefect
from generators.text import code, description, table
from prefect.settings import Settings
from prefect.settings.base import PrefectBaseSettings, environment_variables, group_of, settings_path, text_of
from prefect.settings.models.testing import TestingSettings
from prefect.settings.sources import Sources, reading

INTRODUCTION = """\
# Settings

<!-- Made by `python docs/generate.py` from prefect.settings. A test fails when this page says something else. -->

A setting is an environment variable; or a line in `.env`; or a key in `prefect.toml`, or in `pyproject.toml` below
`[tool.prefect]`; or part of the active profile (`prefect config set NAME=VALUE`). The first of these that has a value decides.
In Python all of them are `prefect.settings.get_current_settings()`, and `temporary_settings({"PREFECT_…": value})` changes
some for a while.

Lists are written with commas, or as JSON. Where a default begins with `$PREFECT_HOME` it follows that setting. Variables
in brackets are older names, which are read too.
"""

SELF_USED = {
    "home",
    "profiles_path",
    "debug_mode",
    *(f"server.database.{name}" for name in ("driver", "host", "port", "user", "name", "password")),
}
"""What the settings themselves read, to find and to make others."""

WORDS = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "secret text",
    timedelta: "duration",
}
LIMITS = {Ge: ("ge", "at least"), Gt: ("gt", "more than"), Le: ("le", "at most"), Lt: ("lt", "less than")}


def groups(model: type[PrefectBaseSettings], said: str = "") -> Iterator[tuple[type[PrefectBaseSettings], str]]:
    """A group and those below it, each with what is said of it."""
    yield model, said or description(model)
    for field in model.model_fields.values():
        below = group_of(field)
        if below is not None:
            yield from groups(below, description(below))


def type_words(annotation: Any) -> str:
    """A type in words."""
    if get_origin(annotation) in {Union, types.UnionType}:
        options = [each for each in get_args(annotation) if each is not type(None)]
        if {int, float} <= set(options):  # every whole number is a number
            options.remove(int)
        return " or ".join(dict.fromkeys(map(type_words, options)))
    if get_origin(annotation) is Literal:
        return ", ".join(map(code, get_args(annotation)))
    if hasattr(annotation, "__metadata__"):
        return type_words(get_args(annotation)[0])
    if get_origin(annotation) in {list, set, frozenset, tuple}:
        return f"list of {type_words(get_args(annotation)[0])}s" if get_args(annotation) else "list"
    if get_origin(annotation) is dict or annotation is dict:
        return "mapping"
    return WORDS.get(annotation, "anything")


@cache
def _words_of_the_code() -> tuple[frozenset[str], ...]:
    """For each module of the product the attributes that it reads and the names that it has."""
    root = Path(prefect.__file__).parent
    files = [file for file in root.rglob("*.py") if file.relative_to(root).parts[0] != "settings"]
    return tuple(_words_of(ast.parse(file.read_text(encoding="utf-8"))) for file in files)


def _words_of(tree: ast.Module) -> frozenset[str]:
    nodes = list(ast.walk(tree))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return frozenset(
        attributes | names | {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    )


@cache
def _words_of_logging() -> frozenset[str]:
    """All words of the configuration of logging, which names settings by their variables."""
    file = Path(prefect.__file__).parent / "logging" / "logging.yml"
    return frozenset(re.findall(r"\w+", file.read_text(encoding="utf-8")))


def is_idle(model: type[PrefectBaseSettings], name: str) -> bool:
    """
    Whether nothing reads a setting yet.

    A module reads it if it has an attribute of its name, and knows its group: by the attributes on the way to it, or by
    the class of the group.
    """
    path = settings_path(model)
    if model is TestingSettings or ".".join((*path, name)) in SELF_USED:
        return False
    if set(environment_variables(model)[name]) & _words_of_logging():
        return False
    return not any(
        name in words and (words.issuperset(path[-2:]) or model.__name__ in words) for words in _words_of_the_code()
    )


def _number(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


def limits(field: FieldInfo) -> str:
    """The limits of a number in words."""
    found = [
        f"{words} {_number(getattr(item, attribute)):g}"
        for item in field.metadata
        for kind, (attribute, words) in LIMITS.items()
        if isinstance(item, kind)
    ]
    return ", " + ", ".join(found) if found else ""


def default_words(value: Any, home: str) -> str:
    """A default as one would write it in the environment."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, timedelta) or (isinstance(value, dict) and value):
        return code(text_of(value).removesuffix(".0"))
    if isinstance(value, (list, set, dict)):
        return code(",".join(map(str, value))) or "empty"
    if value is None or value == "":
        return "unset" if value is None else "empty"
    return code(str(value).lower() if isinstance(value, bool) else str(value).replace(home, "$PREFECT_HOME"))


def rows(model: type[PrefectBaseSettings], defaults: PrefectBaseSettings, home: str) -> Iterator[tuple[str, ...]]:
    """A line for each setting of a group."""
    for name, (variable, *older) in environment_variables(model).items():
        field = model.model_fields[name]
        names = code(variable) + (f" ({', '.join(map(code, older))})" if older else "")
        default = "`~/.prefect`" if variable == "PREFECT_HOME" else default_words(getattr(defaults, name), home)
        meaning = f"{field.description or ''}{' **Without effect in this version.**' if is_idle(model, name) else ''}"
        yield names, type_words(field.annotation) + limits(field), default, meaning


def section(model: type[PrefectBaseSettings], said: str, settings: Settings) -> str:
    """A group: what it is, where it is, and its settings."""
    path = settings_path(model)
    defaults: Any = settings
    for step in path:
        defaults = getattr(defaults, step)
    title = ".".join(path) or "The root"
    place = f" In TOML files the table `[{title}]`; in Python `get_current_settings().{title}`." if path else ""
    lines = table(("variable", "type", "default", "meaning"), rows(model, defaults, str(settings.home)))
    return f"## {title}\n\n{said}{place}\n\n{lines}\n"


def render() -> str:
    """The page."""
    with reading(Sources()):  # neither this machine's environment nor its files
        settings = Settings()
    return INTRODUCTION + "\n" + "\n".join(section(model, said, settings) for model, said in groups(Settings))
