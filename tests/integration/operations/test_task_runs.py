"""Task runs, proposed one by one and recorded in batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from prefect._contract.actions.runs import LogCreate, StateCreate
from prefect._contract.endpoints import flow_runs, logs, recording, states, task_runs
from prefect._contract.filters import FlowFilter, FlowRunFilter, TaskRunFilter
from prefect._contract.objects import Constant, TaskRun, TaskRunPolicy, TaskRunResult
from prefect._contract.recording import TaskRunRecord
from prefect._contract.sorting import TaskRunSort
from prefect._contract.state import State, StateDetails, StateType
from prefect.exceptions import ObjectNotFound
from prefect.utilities.ids import uuid7


def test_a_task_run_is_read_as_it_was_created(orchestrator) -> None:
    run = orchestrator.flow_run(labels={"l": 1})
    inputs = {"x": [TaskRunResult(id=uuid7()), Constant(type="int")], "y": []}
    created = orchestrator.task_run(
        id=uuid7(),
        name="t",
        flow_run_id=run.id,
        task_key="k",
        dynamic_key="7",
        cache_key="c",
        cache_expiration=orchestrator.clock.now,
        task_version="v",
        empirical_policy=TaskRunPolicy(retries=1, retry_delay=[1, 2.5], retry_jitter_factor=0.5),
        tags=["a"],
        labels={"m": 2},
        task_inputs=inputs,
    )
    read = orchestrator.read(created)
    assert read == created.model_copy(update={"state": read.state})
    assert (read.name, read.task_key, read.dynamic_key, read.cache_key, read.tags) == ("t", "k", "7", "c", ["a"])
    assert read.task_inputs == inputs
    assert read.labels == {"l": 1, "prefect.flow.id": str(run.flow_id), "prefect.flow-run.id": str(run.id), "m": 2}
    assert read.state.state_details.task_run_id == read.id
    assert read.state.is_pending()


def test_a_task_run_is_created_once(orchestrator) -> None:
    run = orchestrator.flow_run()
    first = orchestrator.task_run(flow_run_id=run.id)
    assert orchestrator.task_run(flow_run_id=run.id).id == first.id
    assert orchestrator.task_run(flow_run_id=run.id, dynamic_key="1").id != first.id
    assert orchestrator.task_run().id != orchestrator.task_run().id
    assert orchestrator.task_run(id=first.id, task_key="other").id == first.id
    with pytest.raises(ObjectNotFound, match="no flow run"):
        orchestrator.task_run(flow_run_id=uuid7())


def test_states_follow_the_rules_for_tasks(orchestrator) -> None:
    run = orchestrator.flow_run(state=StateCreate(type="RUNNING"))
    task_run = orchestrator.task_run(
        flow_run_id=run.id, empirical_policy=TaskRunPolicy(retries=2, retry_delay=[10, 20])
    )
    orchestrator.clock.pass_by(1)
    assert orchestrator.propose(task_run, "RUNNING").status == "ACCEPT"
    delays = []
    for _ in range(2):
        answer = orchestrator.propose(task_run, "FAILED")
        assert (answer.status, answer.state.name) == ("REJECT", "AwaitingRetry")
        delays.append((answer.state.state_details.scheduled_time - orchestrator.clock.now).total_seconds())
        orchestrator.clock.pass_by(delays[-1])
        assert orchestrator.propose(task_run, "RUNNING").state.name == "Retrying"
    assert delays == [10, 20]
    orchestrator.clock.pass_by(2)
    assert orchestrator.propose(task_run, "FAILED").status == "ACCEPT"
    read = orchestrator.read(task_run)
    assert (read.run_count, read.flow_run_run_count, read.total_run_time) == (3, 1, timedelta(seconds=2))
    assert len(orchestrator.send(states.read_task_run_states(task_run.id))) == 7
    state = orchestrator.send(states.read_task_run_states(task_run.id))[-1]
    assert orchestrator.send(states.read_task_run_state(state.id)) == state


def test_tasks_run_only_while_their_flow_runs(orchestrator) -> None:
    task_run = orchestrator.task_run(flow_run_id=orchestrator.flow_run().id)
    answer = orchestrator.propose(task_run, "RUNNING")
    assert answer.status == "ABORT"
    assert orchestrator.propose(task_run, "RUNNING", force=True).status == "ACCEPT"


def test_task_runs_are_listed_found_and_paged(orchestrator) -> None:
    run = orchestrator.flow_run(flow_id=orchestrator.flow("parent"), name="r")
    first = orchestrator.task_run(flow_run_id=run.id, name="b")
    orchestrator.clock.pass_by(1)
    orchestrator.task_run(flow_run_id=run.id, dynamic_key="1", name="a", state=StateCreate(type="COMPLETED"))
    orchestrator.clock.pass_by(1)
    orchestrator.task_run(name="c")
    orchestrator.flow_run(parent_task_run_id=first.id)
    names = lambda **options: [run.name for run in orchestrator.send(task_runs.read_task_runs(**options))]
    assert names() == ["c", "a", "b"]
    assert names(sort=TaskRunSort.NAME_ASC) == ["a", "b", "c"]
    assert names(sort=TaskRunSort.NAME_DESC, limit=1, offset=1) == ["b"]
    assert names(sort=TaskRunSort.EXPECTED_START_TIME_ASC) == ["b", "a", "c"]
    assert names(sort=TaskRunSort.EXPECTED_START_TIME_DESC) == ["c", "a", "b"]
    assert names(sort=TaskRunSort.END_TIME_DESC)[0] == "a"
    assert len(names(sort=TaskRunSort.NEXT_SCHEDULED_START_TIME_ASC)) == 3
    assert names(flow_run_filter=FlowRunFilter(name={"any_": ["r"]})) == ["a", "b"]
    assert names(flow_filter=FlowFilter(name={"any_": ["parent"]})) == ["a", "b"]
    assert names(task_run_filter=TaskRunFilter(flow_run_id={"is_null_": True})) == ["c"]
    assert names(task_run_filter=TaskRunFilter(flow_run_id={})) == ["a", "b"]
    assert names(task_run_filter=TaskRunFilter(flow_run_id={"any_": [run.id]})) == ["a", "b"]
    assert names(task_run_filter=TaskRunFilter(subflow_runs={"exists_": True})) == ["b"]
    assert names(task_run_filter=TaskRunFilter(subflow_runs={"exists_": False})) == ["c", "a"]
    assert orchestrator.send(task_runs.count_task_runs(flow_filter=FlowFilter())) == 2
    page = orchestrator.send(task_runs.paginate_task_runs(limit=2, page=2))
    assert ([run.name for run in page.results], page.count, page.pages) == (["b"], 3, 2)


def test_a_task_run_is_renamed_and_deleted(orchestrator) -> None:
    task_run = orchestrator.task_run()
    line = LogCreate(name="l", level=1, message="m", timestamp=orchestrator.clock.now, task_run_id=task_run.id)
    orchestrator.send(logs.create_logs([line]))
    orchestrator.send(task_runs.set_task_run_name(task_run.id, "new"))
    assert orchestrator.read(task_run).name == "new"
    orchestrator.send(task_runs.delete_task_run(task_run.id))
    assert orchestrator.send(states.read_task_run_states(task_run.id)) == []
    assert orchestrator.send(logs.read_logs()) == []
    for call in (
        task_runs.read_task_run(task_run.id),
        task_runs.set_task_run_name(task_run.id, "x"),
        task_runs.delete_task_run(task_run.id),
        task_runs.set_task_run_state(task_run.id, StateCreate(type="RUNNING")),
        states.read_task_run_state(task_run.id),
    ):
        with pytest.raises(ObjectNotFound):
            orchestrator.send(call)


def test_a_history_counts_task_runs(orchestrator) -> None:
    start = orchestrator.clock.now
    orchestrator.task_run(state=StateCreate(type="FAILED"))
    orchestrator.clock.pass_by(60)
    orchestrator.task_run()
    call = task_runs.task_run_history(start, start + timedelta(seconds=61), timedelta(minutes=1))
    history = orchestrator.send(call)
    assert [[state.state_name for state in part.states] for part in history] == [["Failed"], ["Pending"]]


def a_record(orchestrator, *types: str, flow_run_id: Any = None) -> TaskRunRecord:
    run_id = uuid7()
    entered = [
        State(type=StateType(kind), timestamp=orchestrator.clock.now, state_details=StateDetails(task_run_id=run_id))
        for kind in types
    ]
    run = TaskRun(
        id=run_id,
        flow_run_id=flow_run_id,
        task_key="k",
        dynamic_key="0",
        state=entered[-1],
        state_id=entered[-1].id,
        expected_start_time=orchestrator.clock.now,
        run_count=1,
    )
    return TaskRunRecord(run, entered)


def test_recorded_task_runs_are_read_at_once(orchestrator) -> None:
    run = orchestrator.flow_run()
    batch = [a_record(orchestrator, "PENDING", "RUNNING", flow_run_id=run.id) for _ in range(150)]
    orchestrator.send(recording.record_task_runs(batch))
    orchestrator.send(recording.record_task_runs(batch))
    assert orchestrator.send(task_runs.count_task_runs(flow_run_filter=FlowRunFilter(id={"any_": [run.id]}))) == 150
    first = batch[0]
    assert [state.id for state in orchestrator.send(states.read_task_run_states(first.task_run.id))] == [
        state.id for state in first.states
    ]
    read = orchestrator.read(first.task_run)
    assert (read.state, read.state_type, read.run_count) == (
        first.states[-1].model_copy(
            update={"created": read.created, "updated": read.created, "timestamp": first.states[-1].timestamp}
        ),
        "RUNNING",
        1,
    )
    completed = State(type=StateType.COMPLETED, timestamp=orchestrator.clock.pass_by(1))
    first.task_run.state = completed
    orchestrator.send(recording.record_task_runs([TaskRunRecord(first.task_run, [completed])]))
    assert orchestrator.read(first.task_run).state_type == "COMPLETED"
    assert len(orchestrator.send(states.read_task_run_states(first.task_run.id))) == 3


def test_an_empty_batch_is_recorded(orchestrator) -> None:
    orchestrator.send(recording.record_task_runs([]))
    assert orchestrator.send(task_runs.count_task_runs()) == 0


def test_records_of_a_deleted_flow_run_went_with_it(orchestrator) -> None:
    kept, deleted = orchestrator.flow_run(), orchestrator.flow_run()
    orchestrator.send(flow_runs.delete_flow_run(deleted.id))
    batch = [a_record(orchestrator, "RUNNING", flow_run_id=run.id) for run in (kept, deleted, kept)]
    orchestrator.send(recording.record_task_runs([*batch, a_record(orchestrator, "RUNNING")]))
    assert orchestrator.send(task_runs.count_task_runs()) == 3


def test_a_batch_is_recorded_as_a_whole_or_not_at_all(orchestrator) -> None:
    good, bad = a_record(orchestrator, "RUNNING"), a_record(orchestrator, "RUNNING")
    bad.task_run.run_count = 10**30
    with pytest.raises(ValueError, match="too large|out of range"):
        orchestrator.send(recording.record_task_runs([good, bad]))
    assert orchestrator.send(task_runs.count_task_runs()) == 0
