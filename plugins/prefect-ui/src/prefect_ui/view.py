"""How pages are written: templates, and what times, durations and states look like in them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from prefect_ui.markdown import is_safe_link, render

__all__ = ["GLYPHS", "ago", "duration", "page", "parse_time"]

GLYPHS = {
    "SCHEDULED": "◷",
    "PENDING": "…",
    "RUNNING": "▶",
    "COMPLETED": "✓",
    "FAILED": "✗",
    "CRASHED": "⚡",
    "CANCELLING": "◌",
    "CANCELLED": "⊘",
    "PAUSED": "⏸",
}
"""What states look like besides their colour, by type."""

_NAVIGATION = [
    ("/dashboard", "Dashboard"),
    ("/runs", "Runs"),
    ("/flows", "Flows"),
    ("/deployments", "Deployments"),
    ("/work-pools", "Work pools"),
    ("/blocks", "Blocks"),
    ("/variables", "Variables"),
    ("/automations", "Automations"),
    ("/events", "Events"),
    ("/artifacts", "Artifacts"),
    ("/assets", "Assets"),
    ("/concurrency-limits", "Concurrency"),
    ("/settings", "Settings"),
]


def parse_time(text: str | datetime | None) -> datetime | None:
    """A moment as the API writes it."""
    if text is None or isinstance(text, datetime):
        return text
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def duration(seconds: float | timedelta | None) -> str:
    """
    A span of time for people: `0.3 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`.

    Args:
        seconds: Its length, in seconds unless it is one.
    """
    if seconds is None:
        return "-"
    total = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if total < 10:
        return f"{total:.1f} s" if total >= 0.05 or total == 0 else f"{total * 1000:.0f} ms"
    whole = round(total)
    if whole < 60:
        return f"{whole} s"
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    raise AssertionError(seconds)


def ago(moment: str | datetime | None, now: datetime | None = None) -> str:
    """How long ago a moment is, or how soon: `5 s ago`, `in 3 min 2 s`."""
    parsed = parse_time(moment)
    if parsed is None:
        return "-"
    passed = ((now or datetime.now(timezone.utc)) - parsed).total_seconds()
    if abs(passed) < 1:
        return "now"
    return f"{duration(round(passed))} ago" if passed > 0 else f"in {duration(round(-passed))}"


def _stamp(moment: str | datetime | None) -> str:
    parsed = parse_time(moment)
    return "" if parsed is None else parsed.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("prefect_ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "ago": ago,
        "duration": duration,
        "stamp": _stamp,
        "as_json": _as_json,
        "seconds_of": parse_time,
        "markdown": render,
    }
    made.globals |= {"glyphs": GLYPHS, "is_safe_link": is_safe_link}
    return made


def page(
    request: Request, template: str, title: str, *, live: str = "", status: int = 200, **values: Any
) -> HTMLResponse:
    """
    A page.

    Args:
        request: The request for it.
        template: The name of its template.
        title: What it is about, for its heading and the browser's tab.
        live: The page is shown anew when an event tells of one of these resources: beginnings of ids, separated by blanks.
        status: The status of the answer.
        values: What the template shows.
    """
    base: str = request.scope.get("root_path", "")
    path: str = request.url.path.removeprefix(base)

    def link(to: str, **query: Any) -> str:
        """The address of a page of ours, wherever the server is mounted. What is quoted already stays so."""
        said = {name: value for name, value in query.items() if value not in (None, "", [])}
        return base + quote(to, safe="/%:@~") + (f"?{urlencode(said, doseq=True)}" if said else "")

    def here(**changes: Any) -> str:
        """The address of this page with other query parameters; None removes one. What was said once is not said again."""
        changed = {"said", "wrong", *changes} if changes else changes
        said = [(name, value) for name, value in request.query_params.multi_items() if name not in changed]
        said += [(name, value) for name, value in changes.items() if value is not None]
        return base + path + (f"?{urlencode(said)}" if said else "")

    text = (
        _environment()
        .get_template(template)
        .render(
            title=title,
            live=live,
            link=link,
            here=here,
            path=path,
            query=request.query_params,
            navigation=[(to, name, path == to or path.startswith(f"{to}/")) for to, name in _NAVIGATION],
            now=datetime.now(timezone.utc),
            **values,
        )
    )
    return HTMLResponse(text, status)
