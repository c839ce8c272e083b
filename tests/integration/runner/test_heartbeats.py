"""A runner tells, again and again, of the runs that are under way."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from prefect import flow
from prefect._contract.actions.runs import FlowCreate, FlowRunCreate
from prefect._contract.endpoints import flow_runs, flows
from prefect._contract.objects import FlowRun
from prefect._engine.heartbeats import Heartbeat, heartbeat_of
from prefect.client.base import current_transport
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.worker import EventsWorker
from prefect.runner import Runner
from prefect.settings import temporary_settings
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


def test_a_run_that_nobody_has_started_a_process_for_has_heartbeats() -> None:
    wanted = EventFilter(event=EventNameFilter(name=["prefect.flow-run.heartbeat"]))

    @flow
    def bare() -> set[str]:
        deadline = time.monotonic() + 60
        with get_client(sync_client=True) as client:
            while not (found := client.read_events(wanted).events) and time.monotonic() < deadline:
                time.sleep(0.1)
        assert {related.role for event in found for related in event.related} >= {"flow"}
        return {event.resource.id for event in found}

    with prefect_test_harness(), temporary_settings({"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": 1}):
        state = bare(return_state=True)
        assert state.result() == {f"prefect.flow-run.{state.state_details.flow_run_id}"}


@pytest.mark.parametrize(("seconds", "beats"), [(30, 3), (180, 0)])
def test_signs_of_life_are_given_as_often_as_the_setting_says(seconds: int, beats: int) -> None:
    moment = [0.0]
    with prefect_test_harness():
        heartbeat = Heartbeat(FlowRun(flow_id=uuid4()), seconds, lambda: moment[0])
        for _ in range(20):
            moment[0] += 5
            heartbeat.beat()
        EventsWorker.instance().drain()
        with get_client(sync_client=True) as client:
            assert len(client.read_events().events) == beats


def test_a_process_that_was_started_for_a_run_leaves_its_signs_of_life_to_who_did_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = FlowRun(flow_id=uuid4())
    assert heartbeat_of(run) is not None
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(run.id))
    assert heartbeat_of(run) is None


def test_there_are_no_signs_of_life_if_the_setting_is_unset() -> None:
    with temporary_settings({"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": None}):
        assert heartbeat_of(FlowRun(flow_id=uuid4())) is None


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_heartbeat_takes_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Runner(heartbeat_seconds=seconds)
