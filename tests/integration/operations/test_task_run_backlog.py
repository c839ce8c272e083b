"""Events about task runs of a process that is its own orchestrator: made once somebody asks, whatever happens before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.integration.operations.test_task_run_events import record, serve, told_of

from prefect._contract.automation_actions import DoNothing
from prefect._contract.automations import AutomationCreate
from prefect._contract.endpoints import automations, events, flow_runs, flows, recording, states, task_runs
from prefect._contract.events import Event
from prefect._contract.filters.events import EventFilter
from prefect._contract.recording import TaskRunRecord
from prefect._contract.triggers import EventTrigger
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.transaction import transact
from prefect.server.operations.work import UnitOfWork
from prefect.server.services.automations import make_triggers
from prefect.server.services.events import EVENT_BACKLOG
from prefect.server.services.retention import RETENTION
from prefect.settings import Settings, temporary_settings
from prefect.utilities.ids import uuid7


def keep(orchestrator: Any, *told: TaskRunRecord) -> None:
    orchestrator.send(recording.record_task_runs(list(told)))


def stored(orchestrator: Any, table: Any) -> int:
    look = orchestrator.transport.database.transaction
    return look(lambda connection: records.count(connection, table, []), write=False)


def perform(orchestrator: Any, what: Any, settings: Settings | None = None) -> Any:
    """Do what a service of a server does."""
    transport = orchestrator.transport

    def begin(connection: Any) -> UnitOfWork:
        work = transport._begin(connection)
        work.serves = True
        return work

    return transact(transport.database, begin, lambda work: what(work, settings or Settings()), write=True)


def all_told(orchestrator: Any) -> list[Event]:
    filter = EventFilter.model_validate({"event": {"prefix": ["prefect.task-run."]}, "order": "ASC"})
    return orchestrator.send(events.read_events(filter)).events


def ids(told: Iterable[TaskRunRecord]) -> list[UUID]:
    return [state.id for each in told for state in each.states]


def test_a_process_of_its_own_tells_what_a_server_tells(orchestrator: Any) -> None:
    flow_run = orchestrator.flow_run(flow_id=orchestrator.flow("dinner"), name="late")
    told = record(orchestrator, flow_run.id, "Pending", "Running", "Completed")
    keep(orchestrator, told)
    rows = stored(orchestrator, tables.event_backlog)
    keep(orchestrator, told)
    assert (stored(orchestrator, tables.event), stored(orchestrator, tables.event_backlog)) == (0, rows + 1)
    here = told_of(orchestrator, told.task_run.id)
    assert [event.id for event in here] == ids([told])

    twin = record(orchestrator, flow_run.id, "Pending", "Running", "Completed")
    serve(orchestrator, [twin])
    there = told_of(orchestrator, twin.task_run.id)
    moments = {"start_time", "end_time", "expected_start_time", "next_scheduled_start_time"}
    for one, other in zip(here, there, strict=True):
        assert one.event == other.event
        assert [each.root for each in one.related] == [each.root for each in other.related]
        labels, others = dict(one.resource.root), dict(other.resource.root)
        for differing in ("prefect.resource.id", "prefect.state-timestamp"):
            assert labels.pop(differing) != others.pop(differing)
        assert labels == others
        for event in (one, other):
            for name in moments:
                event.payload["task_run"].pop(name, None)
        assert one.payload == other.payload
    assert [event.follows for event in here] == [None, here[0].id, here[1].id]


def test_states_of_several_batches_follow_each_other(orchestrator: Any) -> None:
    first = record(orchestrator, None, "Pending", "Running")
    keep(orchestrator, first)
    assert len(all_told(orchestrator)) == 2
    second = record(orchestrator, None, "Completed", run=first.task_run)
    keep(orchestrator, second)
    keep(orchestrator, second)
    told = all_told(orchestrator)
    assert [event.id for event in told] == ids([first, second])
    assert [event.follows for event in told] == [None, told[0].id, told[1].id]
    assert stored(orchestrator, tables.event_backlog) == 0


def test_run_counts_are_those_of_the_time(orchestrator: Any) -> None:
    run = record(orchestrator, None, "Pending", "Running", "Pending", "Running", "Completed")
    run.task_run.run_count = 2
    keep(orchestrator, run)
    counts = [event.resource.root["prefect.run-count"] for event in all_told(orchestrator)]
    assert counts == ["0", "1", "1", "2", "2"]


def test_states_that_are_decided_on_by_the_orchestrator_are_told_as_such(orchestrator: Any) -> None:
    run = orchestrator.task_run(state={"type": "PENDING"})
    orchestrator.propose(run, "RUNNING")
    orchestrator.propose(run, "COMPLETED")
    told = told_of(orchestrator, run.id)
    entered = orchestrator.send(states.read_task_run_states(run.id))
    assert [event.id for event in told] == [state.id for state in entered]
    assert {event.resource.root["prefect.orchestration"] for event in told} == {"server"}


@pytest.mark.parametrize("goes", ["flow", "flow run", "flow runs", "task run"])
def test_a_run_that_is_deleted_is_told_of_before(orchestrator: Any, goes: str) -> None:
    flow = orchestrator.flow("dinner")
    flow_run = orchestrator.flow_run(flow_id=flow)
    early = record(orchestrator, flow_run.id, "Pending", "Running")
    keep(orchestrator, early)
    assert len(all_told(orchestrator)) == 2
    late = record(orchestrator, flow_run.id, "Completed", run=early.task_run)
    other = record(orchestrator, None, "Pending", "Running")
    keep(orchestrator, late, other)
    if goes == "flow":
        orchestrator.send(flows.delete_flow(flow))
    elif goes == "flow run":
        orchestrator.send(flow_runs.delete_flow_run(flow_run.id))
    elif goes == "flow runs":
        orchestrator.send(flow_runs.bulk_delete_flow_runs())
    else:
        orchestrator.send(task_runs.delete_task_run(early.task_run.id))
    told = all_told(orchestrator)
    assert [event.id for event in told] == ids([early, late, other])
    assert [each.name for each in told[2].related if each.role == "flow"] == ["dinner"]
    assert len(all_told(orchestrator)) == 5
    assert stored(orchestrator, tables.event_backlog) == 0


def test_what_is_no_longer_kept_does_not_come_back_when_its_run_goes(orchestrator: Any) -> None:
    settings = Settings()
    old = record(orchestrator, None, "Pending", "Running")
    orchestrator.clock.pass_by(settings.server.events.retention_period.total_seconds() + 60)
    new = record(orchestrator, None, "Completed", run=old.task_run)
    keep(orchestrator, old, new)
    assert [event.id for event in all_told(orchestrator)] == ids([new]), "what is no longer kept is not told at all"
    while perform(orchestrator, RETENTION.look):
        perform(orchestrator, RETENTION.act)
    assert [event.id for event in all_told(orchestrator)] == ids([new])
    orchestrator.flow()  # something is set aside
    orchestrator.send(task_runs.delete_task_run(old.task_run.id))
    assert [event.id for event in all_told(orchestrator)] == ids([new])


def test_runs_are_kept_until_they_were_told_of(orchestrator: Any) -> None:
    told = record(orchestrator, None, "Pending", "Running", "Completed")
    told.task_run.end_time = orchestrator.clock.now
    keep(orchestrator, told)
    settings = Settings(server={"services": {"db_vacuum": {"enabled": {"task_runs"}}}})
    orchestrator.clock.pass_by(timedelta(days=1000).total_seconds())
    assert not perform(orchestrator, RETENTION.look, settings)
    with temporary_settings({"PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P2000D"}):
        perform(orchestrator, EVENT_BACKLOG.act)
    assert stored(orchestrator, tables.event) == 3
    assert perform(orchestrator, RETENTION.look, settings)
    unwanted = Settings(
        server={"services": {"db_vacuum": {"enabled": {"task_runs"}}, "event_persister": {"enabled": False}}}
    )
    keep(orchestrator, record(orchestrator, None, "Pending"))
    assert perform(orchestrator, RETENTION.look, unwanted)


def test_a_server_takes_in_a_bounded_number_at_a_time(orchestrator: Any) -> None:
    for _ in range(5):
        keep(orchestrator, *(record(orchestrator, None, "Pending", "Running", "Completed") for _ in range(250)))
    seen = []
    while perform(orchestrator, EVENT_BACKLOG.look):
        perform(orchestrator, EVENT_BACKLOG.act)
        seen.append(stored(orchestrator, tables.event))
    assert seen == [1500, 3000, 3750]


def test_an_automation_hears_of_task_runs_that_were_set_aside_each_once(orchestrator: Any) -> None:
    trigger = EventTrigger(expect={"prefect.task-run.Completed"})
    asked = AutomationCreate(name="a", trigger=trigger, actions=[DoNothing()])
    keep(orchestrator, record(orchestrator, None, "Pending", "Running", "Completed"))  # before there is an automation
    orchestrator.send(automations.create_automation(asked))
    told = [record(orchestrator, None, "Pending", "Running", "Completed") for _ in range(3)]
    keep(orchestrator, *told)
    keep(orchestrator, *told)
    while perform(orchestrator, EVENT_BACKLOG.look):
        perform(orchestrator, EVENT_BACKLOG.act)
    triggers = make_triggers()
    while perform(orchestrator, triggers.look):
        perform(orchestrator, triggers.act)
    filter = EventFilter.model_validate({"event": {"name": ["prefect.automation.triggered"]}})
    fired = orchestrator.send(events.read_events(filter)).events
    assert {event.payload["triggering_event"]["id"] for event in fired} == {str(each.states[-1].id) for each in told}
    assert len(fired) == 3


def test_a_state_that_does_not_exist_is_not_told(orchestrator: Any) -> None:
    lost = record(orchestrator, uuid7(), "Pending")  # its flow run is gone
    keep(orchestrator, lost)
    assert all_told(orchestrator) == []
