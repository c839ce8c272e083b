"""Pictures, as SVG that is made here: they need no script, and can be printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from markupsafe import Markup

from prefect_ui.view import GLYPHS, duration, parse_time

__all__ = ["gantt", "history_bars", "strip", "trend"]

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


def strip(runs: Sequence[Mapping[str, Any]], base: str, cells: int = 60, height: int = 44) -> Markup:
    """
    Recent runs, the latest at the right: a cell for each, as high as it took long, with the glyph of its state.

    Args:
        runs: Flow runs, the latest first.
        base: What addresses of pages begin with.
        cells: How many runs there is room for; what is older is left out.
        height: In units of the picture, without the glyphs.
    """
    step, shown = 16, list(runs[:cells])[::-1]
    longest = max((run["estimated_run_time"] for run in shown), default=0) or 1
    drawn = []
    for index, run in enumerate(shown):
        kind, size = (run["state_type"] or "").lower(), max(3.0, run["estimated_run_time"] / longest * height)
        begun = run["start_time"] or run["expected_start_time"]
        state, took = (run["state_name"] or "no state").lower(), duration(run["estimated_run_time"])
        told = f"{run['name']}: {state}, {took}, {_clock(begun)}"
        drawn.append(
            f'<a href="{escape(base)}/runs/flow-run/{escape(run["id"])}"><title>{escape(told)}</title>'
            f'<rect class="hit" x="{index * step}" y="0" width="{step}" height="{height + 16}"/>'
            f'<rect class="{kind}" x="{index * step + 2}" y="{height - size:.1f}" width="{step - 4}" height="{size:.1f}" rx="2"/>'
            f'<text class="{kind}" x="{index * step + step / 2}" y="{height + 13}" text-anchor="middle">'
            f"{GLYPHS.get(run['state_type'], '?')}</text></a>"
        )
    label = f"The last {len(shown)} runs, the latest at the right; the longest took {duration(longest)}"
    return _picture(max(1, len(shown)) * step, height + 16, label, drawn, "strip")


def trend(
    points: Sequence[Mapping[str, Any]], width: int = 960, height: int = 150, intervals: int = 30
) -> Markup | None:
    """
    How long runs took, as time went by: the median, and what 95 of 100 did not exceed. None for fewer than two moments.

    Args:
        points: Runs with `timestamp` and `duration`, what `/ui/flow_runs/history` answers.
        width: In units of the picture.
        height: In units of the picture.
        intervals: How many spans the time is divided into.
    """
    runs = sorted((begun, float(each["duration"])) for each in points if (begun := parse_time(each["timestamp"])))
    if len(runs) < 2 or runs[0][0] == runs[-1][0]:
        return None
    first, last = runs[0][0], runs[-1][0]
    left, top, foot = 64, 8, 22
    wide, high = width - left - 8, height - top - foot
    parts: list[list[float]] = [[] for _ in range(intervals)]
    for moment, took in runs:
        parts[min(intervals - 1, int((moment - first) / (last - first) * intervals))].append(took)
    most = max(max(part) for part in parts if part) or 1.0
    lines: dict[str, list[str]] = {"median": [], "slow": []}
    marks = []
    for index, part in enumerate(parts):
        if not part:
            continue
        part.sort()
        x = left + (index + 0.5) / intervals * wide
        median, slow = _quantile(part, 0.5), _quantile(part, 0.95)
        for name, took in (("median", median), ("slow", slow)):
            y = top + high * (1 - took / most)
            lines[name].append(f"{x:.1f},{y:.1f}")
            marks.append(f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>')
        began = first + (last - first) * index / intervals
        told = f"{_clock(began)}: {len(part)} runs, median {duration(median)}, 95 % within {duration(slow)}"
        marks.append(
            f'<rect class="hit" x="{x - wide / intervals / 2:.1f}" y="{top}" width="{wide / intervals:.1f}" height="{high}">'
            f"<title>{escape(told)}</title></rect>"
        )
    drawn = [
        f'<line x1="{left}" y1="{top}" x2="{width - 8}" y2="{top}"/>',
        f'<line x1="{left}" y1="{top + high}" x2="{width - 8}" y2="{top + high}"/>',
        f'<text class="soft" x="{left - 6}" y="{top + 8}" text-anchor="end">{duration(most)}</text>',
        f'<text class="soft" x="{left - 6}" y="{top + high}" text-anchor="end">0</text>',
        f'<text class="soft" x="{left}" y="{height - 6}">{_clock(first)}</text>',
        f'<text class="soft" x="{width - 8}" y="{height - 6}" text-anchor="end">{_clock(last)}</text>',
        *(f'<polyline class="{name}" points="{" ".join(line)}"/>' for name, line in lines.items()),
        *marks,
    ]
    return _picture(width, height, f"How long {len(runs)} runs took, median and 95th percentile", drawn)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The value that a share of ordered ones does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _clock(moment: str | datetime) -> str:
    parsed = parse_time(moment)
    return "" if parsed is None else parsed.strftime("%d %b %H:%M UTC")


def _picture(width: int, height: int, label: str, parts: Iterable[str], kind: str = "picture") -> Markup:
    """All of `parts` is markup already; what comes from users was escaped where it was put in."""
    size = f' width="{width}" height="{height}"' if kind == "strip" else ""  # others are as wide as the page
    return Markup(  # noqa: S704
        f'<svg class="{kind}"{size} role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    )
