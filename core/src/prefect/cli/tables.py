"""Tables for people: as wide as the terminal, long words wrapped, ids whole. Piped, as wide as they need to be."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prefect.cli.output import paint, say

__all__ = ["Column", "available_width", "print_table", "render"]

_GAP = "  "
_NARROWEST = 6


@dataclass(frozen=True)
class Column:
    """
    A column.

    Args:
        title: What is at its top.
        whole: Whether its texts are never wrapped.
        colour: Colours a line of a cell, told the cell's whole text.
    """

    title: str
    whole: bool = False
    colour: Callable[[str, str], str] | None = None


def available_width() -> int | None:
    """How wide a line may be: COLUMNS, else the terminal's width; None where nobody's eye has to follow it."""
    if os.environ.get("COLUMNS", "").isdigit():
        return int(os.environ["COLUMNS"])
    if not sys.stdout.isatty():
        return None
    from prefect.settings import get_current_settings

    return shutil.get_terminal_size().columns if get_current_settings().cli.wrap_lines else None


def print_table(columns: Sequence[Column | str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """
    Write a table.

    Args:
        columns: Its columns.
        rows: The cells, by row.
        empty: What to write if there are no rows.
    """
    if not rows:
        say(empty)
        return
    say(render(columns, rows, available_width()))


def render(columns: Sequence[Column | str], rows: Sequence[Sequence[object]], width: int | None) -> str:
    """
    A table as text.

    Args:
        columns: Its columns.
        rows: The cells, by row.
        width: How wide it may be; None for as wide as it needs to be.
    """
    made = [Column(each) if isinstance(each, str) else each for each in columns]
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = _widths(made, cells, width)
    heads = [_padded(wrap(column.title, size), size) for column, size in zip(made, widths, strict=True)]
    lines = [paint(line, "bold") for line in _joined(heads, widths)]
    lines.append(paint(_GAP.join("-" * size for size in widths), "dim"))
    for row in cells:
        parts = []
        for column, size, cell in zip(made, widths, row, strict=True):
            part = _padded(wrap(cell, size) if width is not None else cell.splitlines(), size)
            parts.append([column.colour(line, cell) for line in part] if column.colour is not None else part)
        lines += _joined(parts, widths)
    return "\n".join(lines)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], available: int | None) -> list[int]:
    wanted = [
        max([width_of(column.title), *(width_of(line) for row in rows for line in row[number].splitlines())])
        for number, column in enumerate(columns)
    ]
    if available is None:
        return wanted
    excess = sum(wanted) + len(_GAP) * (len(columns) - 1) - available
    while excess > 0:
        # The widest gives way first, so that narrow ones stay as they are.
        can_give = [n for n, column in enumerate(columns) if not column.whole and wanted[n] > _NARROWEST]
        if not can_give:
            break
        widest = max(can_give, key=lambda n: wanted[n])
        wanted[widest] -= 1
        excess -= 1
    return wanted


def _padded(lines: Sequence[str], size: int) -> list[str]:
    return [line + " " * (size - width_of(line)) for line in lines or [""]]


def _joined(parts: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """Cells of several lines, side by side."""
    height = max(len(part) for part in parts)
    filled = [[*part, *[" " * size] * (height - len(part))] for part, size in zip(parts, widths, strict=True)]
    return [_GAP.join(line).rstrip() for line in zip(*filled, strict=True)]


def width_of(text: str) -> int:
    """How many places of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def wrap(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` places, broken between words where that is possible."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split(" "):
            candidate = f"{line} {word}" if line else word
            if width_of(candidate) <= width:
                line = candidate
                continue
            if line:
                lines.append(line)
            *full, line = _broken(word, width)
            lines += full
        lines.append(line)
    return lines


def _broken(word: str, width: int) -> list[str]:
    pieces, piece = [], ""
    for character in word:
        if width_of(piece + character) > width and piece:
            pieces.append(piece)
            piece = ""
        piece += character
    return [*pieces, piece]
