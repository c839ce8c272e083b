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

_MOST_A_DAY = 4
"""Schedules that are due more often are told in words, and not by their times."""

_MOST_TIMES = 3000
"""How many times are worked out for one page: it takes a fraction of a second."""

_MOST_DEPLOYMENTS = 1000
_AHEAD = timedelta(days=365)
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


@dataclass
class _Due:
    """What is due: times by deployment, schedules in words, and how many schedules there was no time for."""

    times: dict[str, set[datetime]] = field(default_factory=lambda: defaultdict(set))
    often: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=list)
    left_out: int = 0


async def _calendar(request: Request) -> Response:
    api, query = Api(request), request.query_params
    now = datetime.now(timezone.utc)
    first = _month(query.get("month", ""), now)
    following = (first + timedelta(days=32)).replace(day=1)
    name = query.get("name", "").strip()
    deployments, runs = await asyncio.gather(_scheduling(api, name), _scheduled(api, name, first, following))
    due = await asyncio.to_thread(_due, deployments, max(first, now), following)
    often = {deployment["id"] for deployment, _ in due.often}
    for run in runs:
        moment = parse_time(run["next_scheduled_start_time"] or run["expected_start_time"])
        if moment is not None and not (run["auto_scheduled"] and run["deployment_id"] in often):
            due.times[run["deployment_id"]].add(moment)
    names = {each["id"]: each["name"] for each in deployments}
    names |= await names_of(api, "deployments", set(due.times) - set(names))
    days = [_Day(first.date() + timedelta(days=number)) for number in range((following - first).days)]
    for id, moments in due.times.items():
        for moment in moments:
            days[(moment.date() - first.date()).days].due[id].append(moment)
    return page(
        request,
        "calendar.html",
        f"Calendar of {first:%B %Y}",
        weeks=_weeks(days),
        chosen=next((day for day in days if day.date.isoformat() == query.get("day")), None),
        names=names,
        due=due,
        before=(first - timedelta(days=1)).strftime("%Y-%m") if first > now else "",
        after=following.strftime("%Y-%m") if first < now + _AHEAD else "",
        today=now.date(),
        lines=_LINES,
        in_words=in_words,
        is_cut=len(deployments) >= _MOST_DEPLOYMENTS,
        count=sum(len(moments) for moments in due.times.values()),
    )


def _month(said: str, now: datetime) -> datetime:
    """The first moment of a month, written as in `2031-05`; of this one if it is none."""
    try:
        month = datetime.strptime(said, "%Y-%m").replace(tzinfo=timezone.utc)
    except ValueError:
        month = now
    month = month if 1970 <= month.year <= 2999 else now
    return month.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


async def _scheduling(api: Api, name: str) -> list[dict[str, Any]]:
    """The deployments whose schedules create runs."""
    chosen = {"paused": {"eq_": False}, **({"flow_or_deployment_name": {"like_": name}} if name else {})}
    found: list[dict[str, Any]] = []
    while len(found) < _MOST_DEPLOYMENTS:
        asked = {"deployments": chosen, "sort": "NAME_ASC", "limit": _BATCH, "offset": len(found)}
        some = await api.post("/deployments/filter", asked)
        found += some
        if len(some) < _BATCH:
            break
    return found


async def _scheduled(api: Api, name: str, first: datetime, following: datetime) -> list[dict[str, Any]]:
    """The runs of deployments that are scheduled for a month."""
    chosen: dict[str, Any] = {
        "flow_runs": {
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "deployment_id": {"is_null_": False},
            "next_scheduled_start_time": {"after_": first.isoformat(), "before_": following.isoformat()},
        },
        "sort": "NEXT_SCHEDULED_START_TIME_ASC",
    }
    if name:
        chosen["deployments"] = {"flow_or_deployment_name": {"like_": name}}
    found: list[dict[str, Any]] = []
    while len(found) < _BATCH * 5:
        some = await api.post("/flow_runs/filter", {**chosen, "limit": _BATCH, "offset": len(found)})
        found += some
        if len(some) < _BATCH:
            break
    return found


def _due(deployments: Iterable[Mapping[str, Any]], start: datetime, end: datetime) -> _Due:
    """When schedules are due from a moment until another."""
    found, count = _Due(), 0
    for deployment in deployments if start < end else ():
        for schedule in deployment["schedules"]:
            if not schedule["active"]:
                continue
            if count >= _MOST_TIMES:
                found.left_out += 1
                continue
            moments = times_until(schedule["schedule"], start, end, _MOST_A_DAY)
            count += _MOST_A_DAY if moments is None else len(moments)
            if moments is None:
                found.often.append((deployment, schedule["schedule"]))
            else:
                found.times[deployment["id"]].update(moments)
    return found


def _weeks(days: list[_Day]) -> list[list[_Day | None]]:
    """Days in weeks that begin on Mondays, filled up with None."""
    cells: list[_Day | None] = [None] * days[0].date.weekday()
    cells += days
    cells += [None] * (-len(cells) % 7)
    return [cells[begin : begin + 7] for begin in range(0, len(cells), 7)]


ROUTES = [Route("/deployments/calendar", _calendar)]
