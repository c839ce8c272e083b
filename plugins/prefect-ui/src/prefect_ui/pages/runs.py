"""The list of flow runs, with a picture of them, and what can be done with several at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api, ApiError
from prefect_ui.charts import scatter
from prefect_ui.pages import saved_searches
from prefect_ui.pages.forms import done, number, read_pairs
from prefect_ui.pages.names import with_names
from prefect_ui.pages.run_filters import SORTS, SPANS, kept, selection
from prefect_ui.view import page

__all__ = ["ROUTES"]

_PAGE = 50
_PAST = 100
_FUTURE = 20


async def _runs(request: Request) -> Response:
    api, query = Api(request), request.query_params
    sort = SORTS.get(query.get("sort", ""), SORTS["newest"])[0]
    chosen = await selection(api, query)
    asked = {**chosen, "sort": sort, "page": number(request, "page"), "limit": _PAGE}
    found, points, searches = await asyncio.gather(
        api.post("/flow_runs/paginate", asked), _points(api, chosen), saved_searches.read(api)
    )
    names = await with_names(api, found["results"])
    return page(
        request,
        "runs.html",
        "Runs",
        live="prefect.flow-run.",
        found=found,
        names=names,
        picture=scatter(points, request.scope.get("root_path", ""), datetime.now(timezone.utc)),
        shown_points=len(points),
        searches=searches,
        filters=urlencode(kept(query.multi_items())),
        spans=SPANS,
        sorts=SORTS,
    )


async def _points(api: Api, chosen: dict[str, Any]) -> list[dict[str, Any]]:
    """The latest of the selected runs, and those that are due next, as points of a picture."""
    now = datetime.now(timezone.utc).isoformat()
    runs = chosen.get("flow_runs", {})
    span = runs.get("expected_start_time", {})
    past, future = await asyncio.gather(
        *(
            api.post("/ui/flow_runs/history", {**chosen, "flow_runs": {**runs, "expected_start_time": when}, **order})
            for when, order in (
                ({**span, "before_": now}, {"sort": "EXPECTED_START_TIME_DESC", "limit": _PAST}),
                ({"after_": now}, {"sort": "EXPECTED_START_TIME_ASC", "limit": _FUTURE}),
            )
        )
    )
    return [*past, *future]


async def _selected(request: Request) -> Response:
    """Do something with the runs that are selected in the list."""
    api, pairs = Api(request), await read_pairs(request)
    ids = [value for name, value in pairs if name == "run"]
    fields = dict(pairs)
    act = _ACTS.get(fields.get("what", ""))
    if act is None:
        raise HTTPException(404)

    async def act_on_all() -> str:
        if not ids:
            raise ApiError(422, "No run is selected.")
        return await act(api, ids)

    back = urlencode(kept(parse_qsl(fields.get("back", ""))))
    return await done(request, f"/runs?{back}" if back else "/runs", act_on_all)


def _runs_that(number: int) -> str:
    return f"{number:,} runs are" if number != 1 else "1 run is"


async def _propose(api: Api, ids: list[str], state: dict[str, Any], done_as: set[str], said: str) -> str:
    """Propose a state for runs; those that are in one of `done_as` then have it, or as good as."""
    body = {"flow_runs": {"id": {"any_": ids}}, "state": state, "limit": len(ids)}
    results = (await api.post("/flow_runs/bulk_set_state", body))["results"]
    refused = [
        each for each in results if each["status"] != "ACCEPT" and (each["state"] or {}).get("type") not in done_as
    ]
    told = [f"{_runs_that(len(results) - len(refused))} {said}."] if len(results) > len(refused) else []
    reasons = Counter(each["details"].get("reason") or "it does not say why" for each in refused)
    told += [f"The server did not accept {number:,}: {reason}" for reason, number in reasons.items()]
    if missing := len(ids) - len(results):
        told.append(f"{_runs_that(missing)} gone.")
    if refused or missing:
        raise ApiError(409, " ".join(told))
    return " ".join(told)


async def _cancel(api: Api, ids: list[str]) -> str:
    state = {"type": "CANCELLING", "message": "Cancelled in the web pages."}
    return await _propose(api, ids, state, {"CANCELLING", "CANCELLED"}, "cancelled, or being cancelled")


async def _retry(api: Api, ids: list[str]) -> str:
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retried in the web pages."}
    return await _propose(api, ids, state, set(), "to be run again")


async def _delete(api: Api, ids: list[str]) -> str:
    body = {"flow_runs": {"id": {"any_": ids}}, "limit": len(ids)}
    deleted = (await api.post("/flow_runs/bulk_delete", body))["deleted"]
    return f"{_runs_that(len(deleted))} deleted."


_ACTS = {"cancel": _cancel, "retry": _retry, "delete": _delete}

ROUTES = [Route("/runs", _runs), Route("/runs/selected", _selected, methods=["POST"]), *saved_searches.ROUTES]
