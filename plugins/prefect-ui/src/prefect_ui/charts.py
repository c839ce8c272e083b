"""Pictures, as SVG that is made here: they need no script, and can be printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from markupsafe import Markup

from prefect_ui.view import duration, parse_time

__all__ = ["gantt", "history_bars"]

_ORDER = ["COMPLETED", "RUNNING", "PENDING", "SCHEDULED", "PAUSED", "CANCELLING", "CANCELLED", "CRASHED", "FAILED"]


def history_bars(history: Sequence[Mapping[str, Any]], width: int = 960, height: int = 120) -> Markup:
    """
    How many runs there were in each interval of a history, by the states that they are in.

    Args:
        history: What `/flow_runs/history` answers.
        width: In units of the picture.
        height: In units of the picture.
    """
    counts = [{state["state_type"]: state["count_runs"] for state in each["states"]} for each in history]
    most = max((sum(each.values()) for each in counts), default=0) or 1
    step = width / max(1, len(history))
    bars = []
    for index, (each, interval) in enumerate(zip(counts, history, strict=True)):
        top = float(height)
        said = ", ".join(f"{number} {kind.lower()}" for kind, number in each.items()) or "none"
        parts = []
        for kind in _ORDER:
            if number := each.get(kind):
                size = number / most * (height - 4)
                top -= size
                parts.append(
                    f'<rect class="{kind.lower()}" x="{index * step:.1f}" y="{top:.1f}" '
                    f'width="{max(1.0, step - 1):.1f}" height="{size:.1f}"/>'
                )
        if parts:
            bars.append(f"<g><title>{escape(_clock(interval['interval_start']))}: {said}</title>{''.join(parts)}</g>")
    label = f"{sum(sum(each.values()) for each in counts)} runs over time, at most {most} in an interval"
    return _picture(width, height, label, bars)


def gantt(nodes: Iterable[Mapping[str, Any]], start: datetime, end: datetime, width: int = 960) -> Markup:
    """
    When the parts of a run were under way: a row for each, in the order given.

    Args:
        nodes: What the graph of a run has: `label`, `state_type`, `start_time`, `end_time`, `kind`, `id`; and `href`.
        start: Where the picture begins.
        end: Where it ends, and where what is under way is drawn to.
        width: In units of the picture.
    """
    left, row = 220, 20
    scale = (width - left - 10) / max(0.001, (end - start).total_seconds())
    drawn = []
    number = 0
    for node in nodes:
        began = parse_time(node["start_time"])
        if began is None:
            continue
        ended = parse_time(node["end_time"]) or end
        x = left + max(0.0, (began - start).total_seconds()) * scale
        length = max(2.0, (ended - began).total_seconds() * scale)
        y = number * row
        label = node["label"] if len(node["label"]) <= 30 else node["label"][:29] + "…"
        told = f"{node['label']}: {node['state_type'].lower()}, {duration(ended - began)}"
        drawn.append(
            f'<a href="{escape(node["href"])}"><title>{escape(told)}</title>'
            f'<text x="6" y="{y + 14}">{escape(label)}</text>'
            f'<rect class="{node["state_type"].lower()}" x="{x:.1f}" y="{y + 4}" width="{length:.1f}" height="12" rx="2"/></a>'
        )
        number += 1
    return _picture(width, max(1, number) * row + 4, f"When the {number} parts of the run were under way", drawn)


def _clock(moment: str) -> str:
    parsed = parse_time(moment)
    return "" if parsed is None else parsed.strftime("%d %b %H:%M UTC")


def _picture(width: int, height: int, label: str, parts: Iterable[str]) -> Markup:
    """All of `parts` is markup already; what comes from users was escaped where it was put in."""
    return Markup(  # noqa: S704
        f'<svg class="picture" role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    )
