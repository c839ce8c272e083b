"""The page about the command line says what the commands are."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from prefect.cli.app import COMMANDS, app
from prefect.cli.reference import render

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == render(), "python -m prefect.cli.reference > docs/reference/cli.md"


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
    for shown, text in getattr(command, "arguments", ()):
        assert text.endswith("."), shown
    for param in command.params:
        if param.param_type_name == "option" and not param.hidden:
            assert (param.help or "").endswith("."), param.name
