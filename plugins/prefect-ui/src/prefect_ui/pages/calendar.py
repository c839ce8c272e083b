"""What is due in a month, over all deployments: the runs that are scheduled, and the times of schedules after those."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.pages.names import names_of
from prefect_ui.schedules import in_words, times_until
from prefect_ui.view import page, parse_time

__all__ = ["ROUTES"]

_MOST_TIMES = 800
"""How many times of a schedule are counted in a month: one that is due each hour is, one that is due each minute is not."""

_MOST_DEPLOYMENTS = 1000
_BATCH = 200
_LINES = 6


@dataclass
class _Day:
    """A day: what is due on it, by deployment."""

    date: date
    due: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def lines(self) -> list[tuple[str, datetime, int]]:
        """Deployments, each with its first time and how many there are, the earliest first."""
        found = [(id, min(times), len(times)) for id, times in self.due.items()]
        return sorted(found, key=lambda each: each[1])


async def _calendar(request: Request) -> Response:
    api = Api(request)
    now = datetime.now(timezone.utc)
    first = _month(request.query_params.get("month", ""), now)
    following = (first + timedelta(days=32)).replace(day=1)
    start = max(first, now)
    deployments, runs = await asyncio.gather(_scheduling(api), _scheduled(api, first, following))
    due, often = await asyncio.to_thread(_due, deployments, start, following)
    for run in runs:
        if (moment := parse_time(run["next_scheduled_start_time"] or run["expected_start_time"])) is not None:
            due[run["deployment_id"]].add(moment)
    names = {each["id"]: each["name"] for each in deployments}
    names |= await names_of(api, "deployments", set(due) - set(names))
    days = [_Day(first.date() + timedelta(days=number)) for number in range((following - first).days)]
    for id, moments in due.items():
        for moment in moments:
            days[(moment.date() - first.date()).days].due[id].append(moment)
    return page(
        request,
        "calendar.html",
        f"Calendar of {first:%B %Y}",
        live="",
        weeks=_weeks(days),
        names=names,
        often=often,
        before=(first - timedelta(days=1)).strftime("%Y-%m") if first.year > 1970 else "",
        after=following.strftime("%Y-%m"),
        today=now.date(),
        lines=_LINES,
        in_words=in_words,
        is_cut=len(deployments) >= _MOST_DEPLOYMENTS,
        count=sum(len(moments) for moments in due.values()),
    )


def _month(said: str, now: datetime) -> datetime:
    """The first moment of a month, written as in `2031-05`; of this one if it is none."""
    try:
        month = datetime.strptime(said, "%Y-%m").replace(tzinfo=timezone.utc)
    except ValueError:
        month = now
    month = month if 1970 <= month.year <= 2999 else now
    return month.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


async def _scheduling(api: Api) -> list[dict[str, Any]]:
    """The deployments whose schedules create runs."""
    found: list[dict[str, Any]] = []
    while len(found) < _MOST_DEPLOYMENTS:
        asked = {"deployments": {"paused": {"eq_": False}}, "sort": "NAME_ASC", "limit": _BATCH, "offset": len(found)}
        some = await api.post("/deployments/filter", asked)
        found += some
        if len(some) < _BATCH:
            break
    return found


async def _scheduled(api: Api, first: datetime, following: datetime) -> list[dict[str, Any]]:
    """The runs of deployments that are scheduled for a month."""
    chosen = {
        "state": {"type": {"any_": ["SCHEDULED"]}},
        "deployment_id": {"is_null_": False},
        "next_scheduled_start_time": {"after_": first.isoformat(), "before_": following.isoformat()},
    }
    found: list[dict[str, Any]] = []
    while len(found) < _BATCH * 10:
        asked = {"flow_runs": chosen, "sort": "NEXT_SCHEDULED_START_TIME_ASC", "limit": _BATCH, "offset": len(found)}
        some = await api.post("/flow_runs/filter", asked)
        found += some
        if len(some) < _BATCH:
            break
    return found


def _due(
    deployments: Iterable[Mapping[str, Any]], start: datetime, end: datetime
) -> tuple[dict[str, set[datetime]], list[tuple[Mapping[str, Any], Mapping[str, Any]]]]:
    """When deployments are due; and the schedules that are due too often for that, each after its deployment."""
    due: dict[str, set[datetime]] = defaultdict(set)
    often = []
    for deployment in deployments if start < end else ():
        for schedule in deployment["schedules"]:
            if not schedule["active"]:
                continue
            moments = times_until(schedule["schedule"], start, end, _MOST_TIMES)
            if len(moments) == _MOST_TIMES:
                often.append((deployment, schedule["schedule"]))
            else:
                due[deployment["id"]].update(moments)
    return due, often


def _weeks(days: list[_Day]) -> list[list[_Day | None]]:
    """Days in weeks that begin on Mondays, filled up with None."""
    cells: list[_Day | None] = [None] * days[0].date.weekday()
    cells += days
    cells += [None] * (-len(cells) % 7)
    return [cells[begin : begin + 7] for begin in range(0, len(cells), 7)]


ROUTES = [Route("/deployments/calendar", _calendar)]
