"""How many there were in each interval, as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from prefect_ui.view import parse_time

__all__ = ["count_bars"]


def count_bars(counts: Sequence[Mapping[str, Any]], width: int = 960, height: int = 80) -> Markup:
    """
    A bar for each interval.

    Args:
        counts: What `/events/count-by/time` answers.
        width: In units of the picture.
        height: In units of the picture.
    """
    most = max((each["count"] for each in counts), default=0) or 1
    step = width / max(1, len(counts))
    bars = []
    for index, each in enumerate(counts):
        begin, size = parse_time(each["start_time"]), each["count"] / most * (height - 4)
        if begin is None or not each["count"]:
            continue
        told = f"{begin:%d %b %H:%M} UTC: {each['count']:,}"
        bars.append(
            f'<rect class="running" x="{index * step:.1f}" y="{height - size:.1f}" width="{max(1.0, step - 1):.1f}" '
            f'height="{size:.1f}"><title>{escape(told)}</title></rect>'
        )
    label = f"{sum(each['count'] for each in counts)} over time, at most {most} in an interval"
    return Markup(  # noqa: S704 - there is nothing of users in it
        f'<svg class="picture" role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}">{"".join(bars)}</svg>'
    )
