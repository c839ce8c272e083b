"""Docstrings taken apart, and Markdown put together."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

_SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Attributes|Example|Examples):\s*$", re.MULTILINE)
_ARGUMENT = re.compile(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)


def description(documented: object) -> str:
    """The docstring up to its sections, each paragraph on one line."""
    before = _SECTION.split(inspect.getdoc(documented) or "")[0].strip()
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in before.split("\n\n"))


def first_line(docstring: str | None) -> str:
    """The first sentence of a docstring."""
    return " ".join((docstring or "").strip().split("\n\n")[0].split())


def arguments(documented: object) -> dict[str, str]:
    """What a docstring says of each argument."""
    parts = _SECTION.split(inspect.getdoc(documented) or "")
    sections = dict(zip(parts[1::2], parts[2::2]))
    return {name: " ".join(text.split()) for name, text in _ARGUMENT.findall(sections.get("Args", ""))}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    """A short piece of code within a sentence."""
    return f"`{text}`" if text else ""
