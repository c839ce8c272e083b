"""How things are, at a glance."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.charts import history_bars
from prefect_ui.pages.names import with_names
from prefect_ui.pages.run_filters import SPANS
from prefect_ui.view import page

__all__ = ["ROUTES"]

_BARS = 48
_TROUBLE = ["FAILED", "CRASHED"]


async def _dashboard(request: Request) -> Response:
    api = Api(request)
    span = request.query_params.get("since", "1d")
    length = SPANS.get(span, SPANS["1d"])
    end = datetime.now(timezone.utc)
    since = end - length
    lately = {"expected_start_time": {"after_": since.isoformat(), "before_": end.isoformat()}}
    asked = {"history_start": since.isoformat(), "history_end": end.isoformat()}
    seconds = max(1.0, length.total_seconds() / _BARS)
    trouble = {"flow_runs": {**lately, "state": {"type": {"any_": _TROUBLE}}}}
    waiting = {"flow_runs": {"state": {"name": {"any_": ["Late"]}}}}
    history, failed, late, running, pools = await asyncio.gather(
        api.post("/flow_runs/history", {**asked, "history_interval_seconds": seconds}),
        api.post("/flow_runs/filter", {**trouble, "sort": "EXPECTED_START_TIME_DESC", "limit": 8}),
        api.post("/flow_runs/count", waiting),
        api.post("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}, "limit": 8}),
        api.post("/work_pools/filter", {"limit": 20}),
    )
    names = await with_names(api, [*failed, *running])
    counts: dict[str, int] = {}
    lateness = 0.0
    for interval in history:
        for state in interval["states"]:
            counts[state["state_type"]] = counts.get(state["state_type"], 0) + state["count_runs"]
            lateness += state["sum_estimated_lateness"]
    return page(
        request,
        "dashboard.html",
        "Dashboard",
        live="prefect.flow-run. prefect.work-pool.",
        bars=history_bars(history),
        counts=counts,
        failed=failed,
        running=running,
        late=late,
        lateness=lateness / max(1, sum(counts.values())),
        pools=pools,
        names=names,
        span=span if span in SPANS else "1d",
        spans=SPANS,
    )


ROUTES = [Route("/dashboard", _dashboard)]
