"""Pictures, as SVG that is made here: they need no script, and can be printed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any

from markupsafe import Markup

from prefect_ui.view import GLYPHS, duration, parse_time

__all__ = ["clock", "history_bars", "picture", "round_times", "scatter", "strip", "trend"]

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
            bars.append(f"<g><title>{escape(clock(interval['interval_start']))}: {said}</title>{''.join(parts)}</g>")
    label = f"{sum(sum(each.values()) for each in counts)} runs over time, at most {most} in an interval"
    return picture(width, height, label, bars)


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
        told = f"{run['name']}: {state}, {took}, {clock(begun)}"
        room = (
            f'<rect class="hit" x="{index * step}" y="0" width="{step}" height="{height + 16}"/>' if height > 30 else ""
        )
        drawn.append(
            f'<a href="{escape(base)}/runs/flow-run/{escape(run["id"])}"><title>{escape(told)}</title>{room}'
            f'<rect class="{kind}" x="{index * step + 2}" y="{height - size:.1f}" width="{step - 4}" height="{size:.1f}" rx="2"/>'
            f'<text class="{kind}" x="{index * step + step / 2}" y="{height + 13}" text-anchor="middle">'
            f"{GLYPHS.get(run['state_type'], '?')}</text></a>"
        )
    label = f"The last {len(shown)} runs, the latest at the right; the longest took {duration(longest)}"
    return picture(max(1, len(shown)) * step, height + 16, label, drawn, "strip")


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
        told = f"{clock(began)}: {len(part)} runs, median {duration(median)}, 95 % within {duration(slow)}"
        marks.append(
            f'<rect class="hit" x="{x - wide / intervals / 2:.1f}" y="{top}" width="{wide / intervals:.1f}" height="{high}">'
            f"<title>{escape(told)}</title></rect>"
        )
    drawn = [
        f'<line x1="{left}" y1="{top}" x2="{width - 8}" y2="{top}"/>',
        f'<line x1="{left}" y1="{top + high}" x2="{width - 8}" y2="{top + high}"/>',
        f'<text class="soft" x="{left - 6}" y="{top + 8}" text-anchor="end">{duration(most)}</text>',
        f'<text class="soft" x="{left - 6}" y="{top + high}" text-anchor="end">0</text>',
        f'<text class="soft" x="{left}" y="{height - 6}">{clock(first)}</text>',
        f'<text class="soft" x="{width - 8}" y="{height - 6}" text-anchor="end">{clock(last)}</text>',
        *(f'<polyline class="{name}" points="{" ".join(line)}"/>' for name, line in lines.items()),
        *marks,
    ]
    return picture(width, height, f"How long {len(runs)} runs took, median and 95th percentile", drawn)


def scatter(
    points: Sequence[Mapping[str, Any]], base: str, now: datetime, width: int = 960, height: int = 170
) -> Markup | None:
    """
    Runs as points: when they began or will begin, and how long they took. None for fewer than two moments.

    Args:
        points: What `/ui/flow_runs/history` answers.
        base: What addresses of pages begin with.
        now: Divides what was from what is due.
        width: In units of the picture.
        height: In units of the picture.
    """
    runs = [(begun, float(each["duration"]), each) for each in points if (begun := parse_time(each["timestamp"]))]
    moments = sorted({begun for begun, _, _ in runs})
    if len(moments) < 2:
        return None
    begin, seconds = moments[0], (moments[-1] - moments[0]).total_seconds()
    left, top, foot = 64, 8, 20
    wide, high = width - left - 14, height - top - foot
    longest = max(_BRIEF * 10, *(took for _, took, _ in runs))

    def down(took: float) -> float:
        """Each tenfold time is as much higher."""
        return top + high * (1 - max(0.0, math.log(max(took, _BRIEF) / _BRIEF)) / math.log(longest / _BRIEF))

    drawn = []
    for took in _TIMES:
        if took <= longest:
            y = down(took)
            drawn.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 8}" y2="{y:.1f}"/>')
            drawn.append(f'<text class="soft" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{duration(took)}</text>')
    for at, label in round_times(begin, seconds, 7):
        drawn.append(
            f'<text class="soft" x="{left + at / seconds * wide:.1f}" y="{height - 5}" text-anchor="middle">{label}</text>'
        )
    if begin < now < moments[-1]:
        x = left + (now - begin).total_seconds() / seconds * wide
        drawn.append(
            f'<line class="now" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + high}"><title>now</title></line>'
        )
    for begun, took, each in runs:
        kind = each["state_type"].lower()
        x, y = left + (begun - begin).total_seconds() / seconds * wide, down(took)
        glyph = GLYPHS.get(each["state_type"], "?")
        mark = f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        if kind != "completed":  # told apart by more than colours
            mark = f'<text class="{kind}" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{glyph}</text>'
        drawn.append(
            f'<a href="{escape(base)}/runs/flow-run/{escape(each["id"])}">'
            f"<title>{glyph} {kind}, {duration(took)}, {clock(begun)}</title>{mark}</a>"
        )
    return picture(width, height, f"{len(runs)} runs: when they began or are due, and how long they took", drawn)


_BRIEF = 0.1
_TIMES = (0.1, 1, 10, 60, 600, 3600, 36000, 86400, 864000)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The value that a share of ordered ones does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


_STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600]
_STEPS += [7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 31536000]


def round_times(begin: datetime, seconds: float, most: int = 8) -> list[tuple[float, str]]:
    """
    Times for an axis: seconds since its beginning, and what is written there, of the clock or since the beginning.

    Args:
        begin: The beginning.
        seconds: How long the axis is.
        most: How many times there is room for.
    """
    step = next((step for step in _STEPS if seconds / step <= most), _STEPS[-1])
    first = 0.0 if step < 1 else -begin.timestamp() % step
    of_a_day = "%H:%M:%S" if step < 60 else "%H:%M" if seconds < 86400 else "%d %b %H:%M"
    form = of_a_day if step < 86400 else "%d %b %Y"
    made = []
    for number in range(int((seconds - first) / step + 1e-9) + 1):
        at = first + number * step
        label = f"+{round(at, 3):g} s" if step < 1 else (begin + timedelta(seconds=at)).strftime(form)
        made.append((at, label))
    return made


def clock(moment: str | datetime) -> str:
    """A moment, as short as a picture has room for."""
    parsed = parse_time(moment)
    return "" if parsed is None else parsed.strftime("%d %b %H:%M UTC")


def picture(width: int, height: int, label: str, parts: Iterable[str], kind: str = "picture") -> Markup:
    """
    A picture. All of `parts` is markup already: what comes from users was escaped where it was put in.

    Args:
        width: In units of the picture.
        height: In units of the picture.
        label: What it shows, for who cannot see it.
        parts: What is drawn.
        kind: `picture` is as wide as the page, `strip` and `graph` as their own size.
    """
    size = f' width="{width}" height="{height}"' if kind != "picture" else ""
    drawn = "".join(parts)
    role = "group" if "<a " in drawn else "img"  # what is in an image cannot be reached
    return Markup(  # noqa: S704
        f'<svg class="{kind}"{size} role="{role}" aria-label="{escape(label)}" viewBox="0 0 {width} {height}">{drawn}</svg>'
    )
