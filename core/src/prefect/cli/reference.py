"""The page of the documentation about the command line, made from the commands: `python -m prefect.cli.reference`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import typer

from prefect.cli.app import COMMANDS, app

__all__ = ["render"]

_HEAD = """# The command line

`prefect COMMAND --help` says the same in the terminal. Options for all commands may come before or after the command.

Exit codes: 0, done; 1, it could not be done, or a run did not complete; 2, the command was not understood; 130, interrupted by
Ctrl-C. Data goes to stdout, errors to stderr. With `-o json` stdout is JSON and nothing else.

Colours and progress are for terminals: `NO_COLOR=1`, `PREFECT_CLI_COLORS=false` or a pipe turn them off.
"""


def render() -> str:
    """The page, as Markdown."""
    root: Any = typer.main.get_command(app)
    parts = [_HEAD, "## Options for all commands\n", _options(root)]
    for name, entry in COMMANDS.items():
        aliases = f" Also: {_code(entry.aliases)}." if entry.aliases else ""
        parts.append(f"## prefect {name}\n\n{entry.help}{aliases}\n")
        parts += list(_below(root.commands[name], ["prefect", name]))
    return "\n".join(parts)


def _below(command: Any, path: list[str]) -> Iterator[str]:
    """What is said of a command; of a group, what is said of each of its commands."""
    if not hasattr(command, "list_commands"):
        yield _describe(command, path)
        return
    for name in command.list_commands(None):
        below = command.commands[name]
        others = [alias for alias, meant in command.aliases.items() if meant == name]
        if others:
            yield f"`{' '.join([*path, name])}` is also: {_code(others)}.\n"
        yield from _below(below, [*path, name])


def _describe(command: Any, path: list[str]) -> str:
    usage = " ".join([*path, *(shown for shown, _ in command.arguments), "[OPTIONS]"])
    arguments = "".join(f"| `{shown}` | {_cell(text)} |\n" for shown, text in command.arguments)
    heading = f"### {' '.join(path)}\n\n```text\n{usage}\n```\n\n" if len(path) > 2 else f"```text\n{usage}\n```\n\n"
    table = _options(command, arguments)
    return f"{heading}{inspect.cleandoc(command.help or '')}\n" + (f"\n{table}" if table else "")


def _options(command: Any, rows: str = "") -> str:
    """A table of options, below some rows that are there already."""
    for param in command.params:
        is_ours = param.name not in {"install_completion", "show_completion"}
        if param.param_type_name == "option" and not param.hidden and is_ours:
            rows += f"| {_flags(param)} | {_cell(param.help or '')}{_default(param)} |\n"
    return f"| | |\n|---|---|\n{rows}" if rows else ""


def _flags(param: Any) -> str:
    short_first = sorted(param.opts, key=len)
    value = "" if param.is_flag else f" {param.metavar or 'TEXT'}"
    return ", ".join(f"`{flag}{value}`" for flag in (*short_first, *param.secondary_opts))


def _default(param: Any) -> str:
    is_plain = isinstance(param.default, (int, str)) and not isinstance(param.default, bool)
    return f" Default: {param.default}." if is_plain else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.stdout.write(render())
