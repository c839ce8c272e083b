"""The Python on every page runs, every link between pages leads somewhere, and every command that is named exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from prefect.cli.app import app
from prefect.testing.utilities import prefect_test_harness

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "cookiecutter" / "README.md"])
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize(
    "page", [p for p in PAGES if BLOCK.search(p.read_text()) and p.name != "README.md"], ids=page_id
)
def test_the_python_of_a_page_runs(page: Path) -> None:
    namespace: dict[str, object] = {"__name__": "page"}
    with prefect_test_harness():
        for block in BLOCK.findall(page.read_text()):
            exec(compile(block, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not broken


CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^\$ (?:\S+/)?(prefect .*)$", re.MULTILINE)
INLINE = re.compile(r"`(prefect [a-z][^`\n]*)`")


def commands_of(text: str) -> list[str]:
    """What a page tells people to type."""
    typed = [command for block in CONSOLE.findall(text) for command in PROMPT.findall(block)]
    return [command.partition("  #")[0] for command in typed + INLINE.findall(text)]


def unknown_parts(command: str) -> list[str]:
    """The commands and options of a line that there are not."""
    level: Any = typer.main.get_command(app)
    unknown = []
    for word in shlex.split(command)[1:]:
        below = getattr(level, "commands", None)
        if word.startswith("-"):
            known = {option for each in level.params for option in (*each.opts, *each.secondary_opts)}
            unknown += [] if word.partition("=")[0] in known | {"--help"} else [word]
        elif below is not None and not word.isupper():
            if word in below:
                level = below[word]
            elif not any(each.param_type_name == "argument" for each in level.params):
                return [*unknown, word]
    return unknown


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_on_a_page_exist(page: Path) -> None:
    unknown = {command: parts for command in commands_of(page.read_text()) if (parts := unknown_parts(command))}
    assert not unknown


def test_unknown_commands_would_be_noticed() -> None:
    text = "`prefect flow-run ls --stat x` and\n```console\n$ .venv/bin/prefect flow-run resurrect ID  # back\n```\n"
    assert [unknown_parts(command) for command in commands_of(text)] == [["resurrect"], ["--stat"]]
