"""A runner tells, again and again, of the runs that are under way."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from prefect._contract.actions.runs import FlowCreate, FlowRunCreate
from prefect._contract.endpoints import flow_runs, flows
from prefect.client.base import current_transport
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.worker import EventsWorker
from prefect.runner import Runner
from prefect.testing.utilities import prefect_test_harness

CODE = """
import time
from prefect import flow

@flow
def work():
    time.sleep(1)
"""


def test_a_run_under_way_has_heartbeats(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)

    async def execute() -> None:
        runner = Runner(heartbeat_seconds=0.2)
        async with runner:
            await runner.execute_flow_run(run.id, entrypoint=f"{tmp_path}/code.py:work")

    with prefect_test_harness():
        send = current_transport().send
        flow_id = send(flows.create_flow(FlowCreate(name="work"))).id
        run = send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow_id)))
        anyio.run(execute)
        EventsWorker.instance().drain()
        with get_client(sync_client=True) as client:
            wanted = EventFilter(event=EventNameFilter(name=["prefect.flow-run.heartbeat"]))
            found = client.read_events(wanted).events
    assert {event.resource.id for event in found} == {f"prefect.flow-run.{run.id}"}
    assert len(found) >= 3


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_heartbeat_takes_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Runner(heartbeat_seconds=seconds)
