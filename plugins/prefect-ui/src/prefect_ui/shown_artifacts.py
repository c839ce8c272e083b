"""What is in artifacts, in the form that suits their types."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from prefect_ui.markdown import is_safe_link, render

__all__ = ["Picture", "Shown", "brief", "embedded_picture", "show"]

_MOST_ROWS = 1000
_EMBEDDED = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,(.*)", re.DOTALL)
"""SVG is not among them: it may contain scripts."""


@dataclass(frozen=True, slots=True)
class Shown:
    """
    What a template shows of an artifact.

    Args:
        form: `prose`, `table`, `progress`, `picture`, `link`, `json`.
        value: The markup, the percentage, the address, or the data.
        columns: The heads of a table.
        rows: The cells of a table.
        left_out: How many rows of a table are not among them.
    """

    form: str
    value: Any = None
    columns: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, as a file."""

    content: bytes
    media_type: str


def show(artifact: dict[str, Any]) -> Shown:
    """
    What to show of an artifact. What is not what its type says is shown as it is.

    Args:
        artifact: As the API answers.
    """
    kind, data = artifact["type"], artifact["data"]
    if kind == "markdown" and isinstance(data, str):
        return Shown("prose", render(data))
    if kind == "progress" and isinstance(data, (int, float)) and not isinstance(data, bool):
        return Shown("progress", min(100.0, max(0.0, float(data))))
    if kind == "image" and isinstance(data, str):
        if embedded_picture(artifact) is not None:
            return Shown("picture", data)
        if is_safe_link(data):
            return Shown("link", data)
    if kind == "table" and (table := _table(data)) is not None:
        return table
    return Shown("json", data)


def _table(data: Any) -> Shown | None:
    """A table, from rows as mappings, rows as lists, or columns by name."""
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return None
    if isinstance(data, dict) and all(isinstance(column, list) for column in data.values()):
        longest = max((len(column) for column in data.values()), default=0)
        rows = [[column[at] if at < len(column) else None for column in data.values()] for at in range(longest)]
        return _cut(list(data), rows)
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        columns = list(dict.fromkeys(name for row in data for name in row))
        return _cut(columns, [[row.get(name) for name in columns] for row in data])
    if isinstance(data, list) and all(isinstance(row, list) for row in data):
        return _cut([], data)
    return None


def _cut(columns: list[str], rows: list[list[Any]]) -> Shown:
    return Shown("table", columns=columns, rows=rows[:_MOST_ROWS], left_out=max(0, len(rows) - _MOST_ROWS))


def embedded_picture(artifact: dict[str, Any]) -> Picture | None:
    """The picture that is within an image artifact itself, if there is one."""
    found = _EMBEDDED.fullmatch(artifact["data"]) if isinstance(artifact["data"], str) else None
    if artifact["type"] != "image" or found is None:
        return None
    try:
        return Picture(base64.b64decode(found[2], validate=True), found[1])
    except (binascii.Error, ValueError):
        return None


def brief(artifact: dict[str, Any], room: int = 80) -> str:
    """
    A line that says what is in an artifact.

    Args:
        artifact: As the API answers.
        room: How long the line may be.
    """
    shown = show(artifact)
    if shown.form == "progress":
        return f"{shown.value:g} %"
    if shown.form == "table":
        rows = len(shown.rows) + shown.left_out
        return f"{rows:,} rows" + (f": {', '.join(shown.columns)}" if shown.columns else "")
    if shown.form == "picture":
        return "a picture"
    data = artifact["data"]
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    line = next((each.strip("# ").strip() for each in text.splitlines() if each.strip("# ").strip()), "")
    return line if len(line) <= room else line[: room - 1] + "…"
