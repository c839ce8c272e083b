"""`reference/cli.md`: every command of the core, with its arguments and options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from generators.text import code, table
from prefect.cli.app import COMMANDS, app

INTRODUCTION = """\
# Command line

<!-- Made by `python docs/generate.py` from prefect.cli. A test fails when this page says something else. -->

`prefect --help`, and `--help` after any command, show the same. Options of `prefect` itself may also stand after the command;
plugins add commands of their own.
"""


def root() -> Any:
    """The command `prefect`."""
    return typer.main.get_command(app)


def commands(names: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command and those below it, each with all of its words. Plugins' are left out."""
    yield names, command
    below = COMMANDS if len(names) == 1 else getattr(command, "commands", {})
    for name in below:
        yield from commands((*names, name), command.commands[name])


def arguments(command: Any) -> list[Any]:
    """What is given by place."""
    return [
        each for each in command.params if each.param_type_name == "argument" and not getattr(each, "hidden", False)
    ]


def options(command: Any) -> list[Any]:
    """What is given by name, but `--help`."""
    return [
        each
        for each in command.params
        if each.param_type_name == "option" and not getattr(each, "hidden", False) and each.name != "help"
    ]


def usage(names: tuple[str, ...], command: Any) -> str:
    """A command as it is typed."""
    words = [str(each.name).upper() if each.required else f"[{str(each.name).upper()}]" for each in arguments(command)]
    return " ".join([*names, *words])


def section(names: tuple[str, ...], command: Any) -> str:
    """What there is to say of one command."""
    aliases = COMMANDS[names[1]].aliases if len(names) == 2 else ()
    also = f" Also `prefect {aliases[0]}`." if aliases else ""
    text = " ".join(inspect.cleandoc(command.help or "").replace("\b", "").split())
    parts = [f"{'#' * min(len(names) + 1, 4)} {' '.join(names)}", f"{text}{also}"]
    rows = [(code(str(each.name).upper()), each.help or "") for each in arguments(command)]
    rows += [(", ".join(map(code, (*each.opts, *each.secondary_opts))), each.help or "") for each in options(command)]
    if not hasattr(command, "commands"):
        parts.append(f"```text\n{usage(names, command)}\n```")
    if rows:
        parts.append(table(("argument or option", "meaning"), rows))
    return "\n\n".join(part for part in parts if part)


def render() -> str:
    """The page."""
    return INTRODUCTION + "\n" + "\n\n".join(section(*each) for each in commands(("prefect",), root())) + "\n"
