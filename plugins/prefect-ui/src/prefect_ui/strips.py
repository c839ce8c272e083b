"""The last runs of something as a row of cells: what became of them, and how long they took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from prefect_ui.view import GLYPHS, duration

__all__ = ["run_strip"]

_CELL = 14
_HEIGHT = 36
_FOOT = 13


def run_strip(runs: Sequence[Mapping[str, Any]], base: str) -> Markup:
    """
    A cell for each run, that links to it: its height tells how long the run took, its colour and glyph the state.

    Args:
        runs: Flow runs, the latest first, as lists of the API begin; they are drawn the other way round.
        base: The path at which the pages are.
    """
    if not runs:
        return Markup()
    lengths = [math.log1p(run["estimated_run_time"] or 0) for run in runs]
    most = max(lengths) or 1.0
    cells = []
    for index, (run, length) in enumerate(zip(reversed(runs), reversed(lengths), strict=True)):
        kind = run["state_type"] or "PENDING"
        tall = 3 + length / most * (_HEIGHT - _FOOT - 4)
        x = index * _CELL
        told = f"{run['name']}: {(run['state_name'] or kind).lower()}, {duration(run['estimated_run_time'])}"
        cells.append(
            f'<a href="{escape(base)}/runs/flow-run/{escape(run["id"])}" class="{kind.lower()}"><title>{escape(told)}</title>'
            f'<rect class="{kind.lower()}" x="{x}" y="{_HEIGHT - _FOOT - tall:.1f}" '
            f'width="{_CELL - 3}" height="{tall:.1f}" rx="2"/>'
            f'<text class="glyph {kind.lower()}" x="{x + (_CELL - 3) / 2}" y="{_HEIGHT - 2}">{GLYPHS.get(kind, "?")}</text></a>'
        )
    width = len(runs) * _CELL
    return Markup(  # noqa: S704 - what comes from users is escaped above
        f'<svg class="strip" role="group" aria-label="The last {len(runs)} runs, the latest at the right" '
        f'width="{width}" height="{_HEIGHT}" viewBox="0 0 {width} {_HEIGHT}">{"".join(cells)}</svg>'
    )
