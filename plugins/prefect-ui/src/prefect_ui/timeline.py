"""The picture of when the parts of a run waited and were under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape

from markupsafe import Markup

from prefect_ui.charts import picture, round_times

__all__ = ["Piece", "Row", "draw", "merged"]

_LEFT, _RIGHT, _TOP, _ROW = 230, 10, 24, 20
_WORST = ["FAILED", "CRASHED", "CANCELLED", "CANCELLING", "PAUSED", "RUNNING", "PENDING", "SCHEDULED", "COMPLETED"]


@dataclass(frozen=True, slots=True)
class Piece:
    """
    A span of time in one state.

    Args:
        state: The type of the state.
        start: When it began.
        end: When it ended, or now.
        is_waiting: Whether nothing was done in it; it is drawn lighter.
    """

    state: str
    start: datetime
    end: datetime
    is_waiting: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """
    A run, or several that are shown as one.

    Args:
        label: What it is called.
        href: Where it leads to.
        told: What is to be said of it.
        pieces: When it waited and was under way.
        depth: How many others it happened inside of.
    """

    label: str
    href: str
    told: str
    pieces: Sequence[Piece] = field(default_factory=list)
    depth: int = 0


def draw(rows: Sequence[Row], begin: datetime, end: datetime, width: int = 960) -> Markup:
    """
    A row for each, in the order given, under an axis of times.

    Args:
        rows: What is drawn.
        begin: Where the picture begins; what was before is cut off.
        end: Where it ends.
        width: In units of the picture.
    """
    seconds = max(0.001, (end - begin).total_seconds())
    scale = (width - _LEFT - _RIGHT) / seconds
    height = _TOP + max(1, len(rows)) * _ROW + 4
    drawn = _axis(begin, seconds, scale, height)
    for number, row in enumerate(rows):
        y, indent = _TOP + number * _ROW, 6 + min(row.depth, 6) * 12
        room = 30 - min(row.depth, 6) * 2
        label = row.label if len(row.label) <= room else row.label[: room - 1] + "…"
        bars = []
        for piece in row.pieces:
            x = _LEFT + max(0.0, (piece.start - begin).total_seconds()) * scale
            length = max(2.0, _LEFT + (piece.end - begin).total_seconds() * scale - x)
            kind = f"{piece.state.lower()} waiting" if piece.is_waiting else piece.state.lower()
            bars.append(f'<rect class="{kind}" x="{x:.1f}" y="{y + 4}" width="{length:.1f}" height="12" rx="2"/>')
        drawn.append(
            f'<a href="{escape(row.href)}"><title>{escape(row.told)}</title>'
            f'<text x="{indent}" y="{y + 14}">{escape(label)}</text>{"".join(bars)}</a>'
        )
    return picture(width, height, f"When the {len(rows)} parts of the run waited and were under way", drawn)


def merged(pieces: Sequence[Piece], begin: datetime, end: datetime, most: int = 240) -> list[Piece]:
    """
    Many spans as few: for each part of the time, the worst state that something was in.

    Args:
        pieces: The spans.
        begin: Where the picture begins.
        end: Where it ends.
        most: How many parts the time is divided into.
    """
    step = max((end - begin) / most, timedelta(microseconds=1))
    worst: dict[int, int] = {}
    for piece in pieces:
        first = max(0, (piece.start - begin) // step)
        for index in range(first, max(first, min(most - 1, (piece.end - begin) // step)) + 1):
            worst[index] = min(worst.get(index, len(_WORST)), _WORST.index(piece.state))
    made: list[Piece] = []
    for index in sorted(worst):
        state, start = _WORST[worst[index]], begin + index * step
        if made and made[-1].state == state and made[-1].end == start:
            start = made.pop().start
        made.append(Piece(state, start, begin + (index + 1) * step))
    return made


def _axis(begin: datetime, seconds: float, scale: float, height: int) -> list[str]:
    drawn = [f'<text class="soft" x="6" y="15">{begin.strftime("%d %b %Y, %H:%M:%S")} UTC</text>']
    for at, label in round_times(begin, seconds):
        x = _LEFT + at * scale
        drawn.append(
            f'<line x1="{x:.1f}" y1="{_TOP - 4}" x2="{x:.1f}" y2="{height}"/>'
            f'<text class="soft" x="{x:.1f}" y="15" text-anchor="{"start" if at == 0 else "middle"}">{label}</text>'
        )
    return drawn
