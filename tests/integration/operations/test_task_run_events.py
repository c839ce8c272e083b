"""Task runs that clients of Prefect 3 report as events, and events about task runs that servers record."""

from __future__ import annotations

import itertools
import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from prefect._contract.endpoints import events, states, task_runs
from prefect._contract.events import Event
from prefect._contract.filters.events import EventFilter
from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State, StateDetails, StateType
from prefect.exceptions import ObjectNotFound
from prefect.server.operations.recording import record_task_runs
from prefect.server.operations.transaction import transact
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7


class Report:
    """One task run as the client of Prefect 3.8.8 reports it, state by state."""

    def __init__(self, orchestrator: Any, flow_run_id: UUID | None = None, **fields: Any) -> None:
        self.orchestrator, self.id, self.flow_run_id = orchestrator, uuid7(), flow_run_id
        self.begun = orchestrator.clock.now
        self.told: list[Event] = []
        self.fields = {
            "name": "add-f22",
            "task_key": "add-c6acaa40",
            "dynamic_key": "ecfcd00d",
            "empirical_policy": {"max_retries": 0, "retry_delay_seconds": 0.0, "retries": 1, "retry_delay": 0},
            "tags": ["h", "a"],
            "labels": {"team": "x"},
            "task_inputs": {"a": [], "b": [{"input_type": "parameter", "name": "n"}]},
            "run_count": 0,
            "flow_run_run_count": 0,
            "expected_start_time": self.begun.isoformat(),
            "total_run_time": 0.0,
            **fields,
        }

    def state(self, name: str, kind: str, seconds: float, details: Any = None, **fields: Any) -> Event:
        """What is told when the task run enters a state, as many seconds after it began."""
        occurred = self.begun + timedelta(seconds=seconds)
        self.fields.update(fields)
        related = [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in ("a", "h")]
        if self.flow_run_id is not None:
            resource_id = f"prefect.flow-run.{self.flow_run_id}"
            related.append({"prefect.resource.id": resource_id, "prefect.resource.role": "flow-run"})
        event = Event.model_validate(
            {
                "occurred": occurred,
                "event": f"prefect.task-run.{name}",
                "resource": {
                    "prefect.resource.id": f"prefect.task-run.{self.id}",
                    "prefect.resource.name": self.fields["name"],
                    "prefect.state-timestamp": occurred.isoformat(),
                    "prefect.orchestration": "client",
                },
                "related": related,
                "payload": {
                    "intended": {"from": None, "to": kind},
                    "initial_state": None,
                    "validated_state": {
                        "type": kind,
                        "name": name,
                        "message": f"it is {name}",
                        "state_details": details or {},
                        "data": None,
                    },
                    "task_run": dict(self.fields),
                },
                "id": uuid7(),
                "follows": self.told[-1].id if self.told else None,
            }
        )
        self.told.append(event)
        return event

    def read(self) -> TaskRun:
        return self.orchestrator.send(task_runs.read_task_run(self.id))

    def states(self) -> list[State[Any]]:
        return self.orchestrator.send(states.read_task_run_states(self.id))


def at(report: Report, seconds: float) -> datetime:
    return report.begun + timedelta(seconds=seconds)


def tell(orchestrator: Any, *told: Event) -> None:
    orchestrator.send(events.create_events(list(told)))


def completed(report: Report) -> list[Event]:
    """What is told of a task run that is completed at its second try."""
    running = {"start_time": at(report, 1).isoformat(), "run_count": 1, "flow_run_run_count": 1}
    waiting = {"total_run_time": 2.0, "next_scheduled_start_time": at(report, 5).isoformat()}
    return [
        report.state("Pending", "PENDING", 0),
        report.state("Running", "RUNNING", 1, **running),
        report.state("AwaitingRetry", "SCHEDULED", 3, {"scheduled_time": at(report, 5).isoformat()}, **waiting),
        report.state("Retrying", "RUNNING", 5, run_count=2),
        report.state(
            "Completed",
            "COMPLETED",
            9,
            {"untrackable_result": True},
            end_time=at(report, 9).isoformat(),
            total_run_time=6.0,
        ),
    ]


def test_a_task_run_is_what_its_events_say(orchestrator: Any) -> None:
    flow_run = orchestrator.flow_run()
    report = Report(orchestrator, flow_run.id)
    for event in completed(report):
        tell(orchestrator, event)
    run = report.read()
    assert (run.name, run.task_key, run.dynamic_key) == ("add-f22", "add-c6acaa40", "ecfcd00d")
    assert (run.flow_run_id, run.tags, run.labels) == (flow_run.id, ["h", "a"], {"team": "x"})
    assert (run.run_count, run.flow_run_run_count, run.empirical_policy.retries) == (2, 1, 1)
    assert run.task_inputs["b"][0].name == "n"
    assert (run.expected_start_time, run.start_time, run.end_time) == (at(report, 0), at(report, 1), at(report, 9))
    assert run.total_run_time == timedelta(seconds=6)
    assert run.state is not None
    assert (run.state.id, run.state.name, run.state.timestamp) == (report.told[-1].id, "Completed", at(report, 9))
    assert run.state.state_details.untrackable_result is True
    assert run.state.state_details.task_run_id == report.id
    assert run.state.state_details.flow_run_id == flow_run.id
    entered = report.states()
    assert [state.id for state in entered] == [event.id for event in report.told]
    assert [state.message for state in entered] == [f"it is {state.name}" for state in entered]


SOME_ORDERS = list(itertools.islice(itertools.permutations(range(5)), 3, None, 11))


@pytest.mark.parametrize("order", SOME_ORDERS, ids=str)
def test_events_may_come_in_any_order(orchestrator: Any, order: tuple[int, ...]) -> None:
    report = Report(orchestrator)
    told = completed(report)
    for number in order:
        tell(orchestrator, told[number])
    assert [state.name for state in report.states()] == [
        "Pending",
        "Running",
        "AwaitingRetry",
        "Retrying",
        "Completed",
    ]
    run = report.read()
    assert (run.state_name, run.run_count, run.end_time) == ("Completed", 2, at(report, 9))


def test_events_may_come_twice_and_together(orchestrator: Any) -> None:
    report, other = Report(orchestrator), Report(orchestrator, name="other")
    told = completed(report)
    tell(orchestrator, *reversed(told), other.state("Pending", "PENDING", 0), *told)
    tell(orchestrator, *told)
    assert len(report.states()) == 5
    assert report.read().state_name == "Completed"
    assert other.read().state_name == "Pending"


def test_states_of_one_moment_are_in_the_order_of_their_ids(orchestrator: Any) -> None:
    report = Report(orchestrator)
    told = [report.state("Pending", "PENDING", 0), report.state("Running", "RUNNING", 0, run_count=1)]
    tell(orchestrator, *reversed(told))
    assert report.read().state_name == "Running"


def test_a_task_run_that_was_created_goes_on_by_events(orchestrator: Any) -> None:
    flow_run = orchestrator.flow_run()
    created = orchestrator.task_run(flow_run_id=flow_run.id, tags=["kept"])
    orchestrator.clock.pass_by(1)
    report = Report(orchestrator, flow_run.id, tags=["kept"])
    report.id = created.id
    tell(orchestrator, report.state("Running", "RUNNING", 0, run_count=1))
    run = report.read()
    assert (run.state_name, run.run_count, run.tags) == ("Running", 1, ["kept"])
    assert run.created == created.created
    assert [state.name for state in report.states()] == ["Pending", "Running"]


def test_task_runs_of_a_flow_run_that_is_gone_went_with_it(orchestrator: Any) -> None:
    report = Report(orchestrator, uuid7())
    tell(orchestrator, report.state("Pending", "PENDING", 0))
    with pytest.raises(ObjectNotFound):
        report.read()
    assert orchestrator.send(events.read_events()).total == 1


def test_events_that_report_no_task_run_are_events_all_the_same(
    orchestrator: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def changed(**labels: str | None) -> Event:
        event = Report(orchestrator).state("Pending", "PENDING", 0)
        for label, value in labels.items():
            name = f"prefect.{label.replace('__', '.').replace('_', '-')}"
            event.resource.root.pop(name, None)
            if value is not None:
                event.resource.root[name] = value
        return event

    without_payload, odd_state = changed(), changed()
    without_payload.payload.clear()
    odd_state.payload["validated_state"]["type"] = "SLEEPING"
    odd_id = changed(resource__id="prefect.task-run.none")
    with caplog.at_level(logging.WARNING, "prefect.server.events"):
        tell(orchestrator, changed(orchestration="server"), changed(orchestration=None))
        assert caplog.records == []
        tell(orchestrator, without_payload, odd_state, odd_id)
    assert len(caplog.records) == 3
    assert "payload has no 'validated_state'" in caplog.text
    assert "type: " in caplog.text
    assert orchestrator.send(task_runs.read_task_runs()) == []
    assert orchestrator.send(events.read_events()).total == 5


# -- what a server tells of task runs that are recorded


def serve(orchestrator: Any, records: list[TaskRunRecord]) -> None:
    """Record task runs as a server does."""
    transport = orchestrator.transport

    def begin(connection: Any) -> UnitOfWork:
        work = transport._begin(connection)
        work.serves = True
        return work

    transact(transport.database, begin, lambda work: record_task_runs(work, records), write=True)


def record(orchestrator: Any, flow_run_id: UUID | None, *names: str, run: TaskRun | None = None) -> TaskRunRecord:
    kinds = {"Pending": StateType.PENDING, "Running": StateType.RUNNING, "Completed": StateType.COMPLETED}
    run = run or TaskRun(id=uuid7(), name="t", task_key="k", dynamic_key="0", flow_run_id=flow_run_id, tags=["z", "b"])
    entered = []
    for name in names:
        details = StateDetails(task_run_id=run.id, flow_run_id=flow_run_id, cache_key="c")
        orchestrator.clock.pass_by(1)
        entered.append(State(type=kinds[name], name=name, timestamp=orchestrator.clock.now, state_details=details))
    run = run.model_copy(update={"state": entered[-1], "run_count": 1})
    return TaskRunRecord(run, entered)


def told_of(orchestrator: Any, run_id: UUID) -> list[Any]:
    filter = EventFilter.model_validate({"resource": {"id": [f"prefect.task-run.{run_id}"]}, "order": "ASC"})
    return orchestrator.send(events.read_events(filter)).events


def test_a_server_tells_of_the_task_runs_that_it_records(orchestrator: Any) -> None:
    flow_run = orchestrator.flow_run(flow_id=orchestrator.flow("dinner"), name="late")
    first = record(orchestrator, flow_run.id, "Pending", "Running")
    serve(orchestrator, [first])
    second = record(orchestrator, flow_run.id, "Completed", run=first.task_run)
    serve(orchestrator, [second])
    serve(orchestrator, [second])
    pending, running, completed = told_of(orchestrator, first.task_run.id)
    assert [event.id for event in (pending, running, completed)] == [
        state.id for state in (*first.states, *second.states)
    ]
    assert [event.follows for event in (pending, running, completed)] == [None, pending.id, running.id]
    assert completed.event == "prefect.task-run.Completed"
    assert completed.resource.root["prefect.orchestration"] == "client"
    assert [(each.role, each.name or each.id) for each in completed.related] == [
        ("tag", "prefect.tag.b"),
        ("tag", "prefect.tag.z"),
        ("flow-run", "late"),
        ("flow", "dinner"),
    ]
    assert completed.payload["intended"] == {"from": "RUNNING", "to": "COMPLETED"}
    assert completed.payload["initial_state"] == {"type": "RUNNING", "name": "Running"}
    assert completed.payload["validated_state"]["state_details"] == {"cache_key": "c"}
    assert completed.payload["task_run"]["task_key"] == "k"
    assert completed.payload["task_run"]["run_count"] == 1
    assert "id" not in completed.payload["task_run"]


def test_what_a_server_tells_can_be_told_to_another(orchestrator: Any) -> None:
    told = record(orchestrator, None, "Pending", "Running", "Completed")
    serve(orchestrator, [told])
    heard = [Event.model_validate(event.model_dump()) for event in told_of(orchestrator, told.task_run.id)]
    orchestrator.send(task_runs.delete_task_run(told.task_run.id))
    for event in heard:
        event.id = uuid7()  # as this orchestrator knows those
    tell(orchestrator, *heard)
    run = orchestrator.send(task_runs.read_task_run(told.task_run.id))
    assert (run.state_name, run.tags, run.task_key) == ("Completed", ["z", "b"], "k")


def test_how_often_a_task_run_had_run_is_told_of_each_state(orchestrator: Any) -> None:
    told = record(orchestrator, None, "Pending", "Running", "Completed")
    serve(orchestrator, [told])
    counts = [event.resource.root["prefect.run-count"] for event in told_of(orchestrator, told.task_run.id)]
    assert counts == ["0", "1", "1"]


def test_states_are_not_told_of_that_would_not_be_kept(orchestrator: Any) -> None:
    old, recent = orchestrator.task_run(), orchestrator.task_run()
    orchestrator.propose(old, "PENDING")
    orchestrator.clock.pass_by(timedelta(days=8).total_seconds())
    for run in (old, recent):
        orchestrator.propose(run, "RUNNING")
    assert [[event.event for event in told_of(orchestrator, run.id)] for run in (old, recent)] == [
        ["prefect.task-run.Running"],
        ["prefect.task-run.Running"],
    ]
