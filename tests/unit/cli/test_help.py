"""Every command, argument and option says what it is."""

from __future__ import annotations

import pytest
import typer

from prefect.cli.app import COMMANDS, app


@pytest.mark.parametrize("name", COMMANDS)
def test_listed_help_is_the_commands_own(name):
    command = typer.main.get_command(app).commands[name]
    own = (command.help or "").strip().partition("\n")[0]
    assert COMMANDS[name].help == own


def commands():
    def walk(command, path):
        if hasattr(command, "list_commands"):
            for name in command.list_commands(None):
                yield from walk(command.commands[name], [*path, name])
        else:
            yield " ".join(path), command

    root = typer.main.get_command(app)
    return [found for name in COMMANDS for found in walk(root.commands[name], [name])]


@pytest.mark.parametrize(("path", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_everything_is_explained(path, command):
    assert (command.help or "").strip().partition("\n")[0].endswith(".")
    for param in command.params:
        if not getattr(param, "hidden", False):
            assert (param.help or "").endswith("."), param.name
