"""Flow runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, LogCreate, StateCreate
from prefect._contract.endpoints import artifacts, flow_run_inputs, flow_runs, flows, logs, states
from prefect._contract.filters import FlowFilter, FlowRunFilter, TaskRunFilter
from prefect._contract.objects import FlowRunPolicy
from prefect._contract.sorting import FlowRunSort
from prefect._contract.state import StateType
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.ids import uuid7


def test_a_flow_run_is_read_as_it_was_created(orchestrator) -> None:
    flow_id = orchestrator.send(flows.create_flow(FlowCreate(name="f", labels={"team": "core"}))).id
    request = FlowRunCreate(
        flow_id=flow_id,
        name="run",
        flow_version="v1",
        parameters={"a": [1, None, {"b": "ü"}]},
        context={"c": 1},
        empirical_policy=FlowRunPolicy(retries=2, retry_delay=3),
        tags=["x", "y"],
        labels={"mine": True},
        idempotency_key="key",
        job_variables={"j": 1},
        work_queue_name="queue",
        parent_task_run_id=uuid7(),
    )
    created = orchestrator.send(flow_runs.create_flow_run(request))
    read = orchestrator.read(created)
    assert read == created.model_copy(update={"state": read.state})
    for name in ("name", "flow_version", "parameters", "context", "empirical_policy", "tags", "idempotency_key"):
        assert getattr(read, name) == getattr(request, name)
    assert read.labels == {"team": "core", "prefect.flow.id": str(flow_id), "mine": True}
    assert (read.job_variables, read.work_queue_name) == ({"j": 1}, "queue")
    assert read.state.is_pending()
    assert read.state.state_details.flow_run_id == read.id
    assert (read.expected_start_time, read.run_count, read.start_time) == (orchestrator.clock.now, 0, None)


def test_a_flow_run_begins_in_the_given_state(orchestrator) -> None:
    due = orchestrator.clock.now + timedelta(hours=1)
    later = orchestrator.flow_run(state=StateCreate(type="SCHEDULED", state_details={"scheduled_time": due}))
    assert (later.state_type, later.expected_start_time, later.next_scheduled_start_time) == ("SCHEDULED", due, due)
    running = orchestrator.flow_run(state=StateCreate(type="RUNNING", name="Off we go"))
    assert (running.run_count, running.start_time, running.state_name) == (1, orchestrator.clock.now, "Off we go")
    done = orchestrator.flow_run(state=StateCreate(type="COMPLETED"))
    assert (done.run_count, done.end_time) == (0, orchestrator.clock.now)


def test_the_same_key_names_the_same_run_of_a_flow(orchestrator) -> None:
    first = orchestrator.flow_run(idempotency_key="key")
    assert orchestrator.flow_run(idempotency_key="key").id == first.id
    assert orchestrator.flow_run(idempotency_key="other").id != first.id
    assert orchestrator.flow_run(idempotency_key="key", flow_id=orchestrator.flow("other")).id != first.id
    assert orchestrator.send(flow_runs.count_flow_runs()) == 3


def test_a_flow_run_needs_a_flow(orchestrator) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="A run needs its flow") as refused:
        orchestrator.flow_run(flow_id=uuid7())
    assert refused.value.response.status_code == 409


def test_parameters_have_a_bound(orchestrator) -> None:
    run = orchestrator.flow_run(parameters={"a": "x" * 500_000})
    assert len(orchestrator.read(run).parameters["a"]) == 500_000
    with pytest.raises(ValueError, match="less than 524,288 bytes"):
        orchestrator.flow_run(parameters={"a": "x" * 600_000})


def test_a_work_pool_that_is_named_must_be_there(orchestrator) -> None:
    with pytest.raises(ObjectNotFound, match="no work pool with name pool"):
        orchestrator.flow_run(work_pool_name="pool")


def test_a_flow_run_is_changed(orchestrator) -> None:
    run = orchestrator.flow_run(tags=["a"], parameters={"x": 1})
    moment = orchestrator.clock.pass_by(3)
    orchestrator.send(flow_runs.update_flow_run(run.id, name="new", tags=("b",), infrastructure_pid="7"))
    changed = orchestrator.read(run)
    assert (changed.name, changed.tags, changed.infrastructure_pid) == ("new", ["b"], "7")
    assert (changed.parameters, changed.updated) == ({"x": 1}, moment)
    orchestrator.send(flow_runs.set_flow_run_name(run.id, "newer"))
    orchestrator.send(flow_runs.update_flow_run(run.id, empirical_policy=FlowRunPolicy(retries=9)))
    orchestrator.send(flow_runs.update_flow_run_labels(run.id, {"one": 1}))
    orchestrator.send(flow_runs.update_flow_run_labels(run.id, {"two": 2.5, "one": "I"}))
    changed = orchestrator.read(run)
    assert (changed.name, changed.empirical_policy.retries) == ("newer", 9)
    assert changed.labels == {"prefect.flow.id": str(run.flow_id), "one": "I", "two": 2.5}


def test_times_and_counts_follow_the_states(orchestrator) -> None:
    run = orchestrator.flow_run()
    started = orchestrator.clock.pass_by(2)
    assert orchestrator.propose(run, "RUNNING").status == "ACCEPT"
    orchestrator.clock.pass_by(3)
    running = orchestrator.read(run)
    assert (running.start_time, running.run_count) == (started, 1)
    assert (running.estimated_run_time, running.estimated_start_time_delta) == (
        timedelta(seconds=3),
        timedelta(seconds=2),
    )
    ended = orchestrator.clock.pass_by(1)
    assert orchestrator.propose(run, "COMPLETED", message="done", data={"storage_key": "k"}).status == "ACCEPT"
    orchestrator.clock.pass_by(100)
    over = orchestrator.read(run)
    assert (over.end_time, over.total_run_time, over.estimated_run_time) == (
        ended,
        timedelta(seconds=4),
        timedelta(seconds=4),
    )
    assert (over.state.message, over.state.data, over.state.timestamp) == ("done", {"storage_key": "k"}, ended)
    history = orchestrator.send(states.read_flow_run_states(run.id))
    assert [state.type for state in history] == ["PENDING", "RUNNING", "COMPLETED"]
    assert orchestrator.send(states.read_flow_run_state(history[1].id)).timestamp == started
    assert over.state_id == history[2].id


def test_a_proposal_that_the_rules_reject_changes_nothing(orchestrator) -> None:
    run = orchestrator.flow_run(state=StateCreate(type="COMPLETED"))
    before = orchestrator.read(run)
    orchestrator.clock.pass_by(1)
    answer = orchestrator.propose(run, "FAILED")
    assert (answer.status, answer.details.type) == ("ABORT", "abort_details")
    assert answer.state.id == before.state_id
    assert orchestrator.read(run) == before
    assert orchestrator.propose(run, "FAILED", force=True).status == "ACCEPT"
    assert orchestrator.read(run).state_type == StateType.FAILED


def test_a_failure_with_retries_left_is_retried(orchestrator) -> None:
    run = orchestrator.flow_run(empirical_policy=FlowRunPolicy(retries=1, retry_delay=60))
    orchestrator.propose(run, "RUNNING")
    answer = orchestrator.propose(run, "FAILED")
    assert (answer.status, answer.state.name) == ("REJECT", "AwaitingRetry")
    waiting = orchestrator.read(run)
    assert waiting.next_scheduled_start_time == orchestrator.clock.now + timedelta(seconds=60)
    assert waiting.empirical_policy.retry_type == "in_process"
    early = orchestrator.propose(run, "RUNNING")
    assert (early.status, early.details.delay_seconds) == ("WAIT", 60)
    orchestrator.clock.pass_by(60)
    assert orchestrator.propose(run, "RUNNING").status == "ACCEPT"
    assert orchestrator.propose(run, "FAILED").status == "ACCEPT"
    assert orchestrator.read(run).run_count == 2


def test_the_same_proposal_twice_has_one_effect(orchestrator) -> None:
    run = orchestrator.flow_run()
    transition = {"transition_id": uuid7()}
    answers = [orchestrator.propose(run, "RUNNING", state_details=transition) for _ in range(3)]
    assert [answer.status for answer in answers] == ["ACCEPT"] * 3
    assert len({answer.state.id for answer in answers}) == 1
    assert orchestrator.read(run).run_count == 1
    assert len(orchestrator.send(states.read_flow_run_states(run.id))) == 2


def test_states_of_many_flow_runs_are_set_at_once(orchestrator) -> None:
    runs = [orchestrator.flow_run(name=f"r{number}", state=StateCreate(type="RUNNING")) for number in range(3)]
    done = orchestrator.flow_run(name="r-done", state=StateCreate(type="COMPLETED"))
    chosen = FlowRunFilter(name={"like_": "r"})
    answer = orchestrator.send(flow_runs.bulk_set_flow_run_state(StateCreate(type="CANCELLED"), chosen))
    assert [(result.flow_run_id, result.status) for result in answer.results] == [
        *((run.id, "ACCEPT") for run in runs),
        (done.id, "ABORT"),
    ]
    assert {orchestrator.read(run).state_type for run in runs} == {"CANCELLED"}


def test_a_paused_flow_run_is_resumed(orchestrator) -> None:
    run = orchestrator.flow_run(state=StateCreate(type="RUNNING"))
    refused = orchestrator.send(flow_runs.resume_flow_run(run.id))
    assert (refused.status, refused.details.reason) == ("ABORT", "Cannot resume a flow run that is not paused.")
    timeout = orchestrator.clock.now + timedelta(seconds=60)
    orchestrator.propose(run, "PAUSED", state_details={"pause_timeout": timeout, "pause_key": "p"})
    assert orchestrator.send(flow_runs.resume_flow_run(run.id)).status == "ACCEPT"
    resumed = orchestrator.read(run)
    assert (resumed.state_type, resumed.run_count, resumed.empirical_policy.pause_keys) == ("RUNNING", 1, {"p"})


def test_a_paused_flow_run_is_resumed_with_input(orchestrator) -> None:
    run = orchestrator.flow_run(state=StateCreate(type="RUNNING"))
    keys = {"schema": "p-schema", "response": "p-response", "description": "p-description"}
    schema = '{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}'
    orchestrator.send(flow_run_inputs.create_flow_run_input(run.id, "p-schema", schema))
    timeout = orchestrator.clock.now + timedelta(seconds=60)
    orchestrator.propose(run, "PAUSED", state_details={"pause_timeout": timeout, "run_input_keyset": keys})
    refused = orchestrator.send(flow_runs.resume_flow_run(run.id))
    assert (refused.status, refused.details.reason) == ("REJECT", "Run input is missing 'n'.")
    assert orchestrator.read(run).state_type == "PAUSED"
    assert orchestrator.send(flow_runs.resume_flow_run(run.id, {"n": 3})).status == "ACCEPT"
    assert orchestrator.send(flow_run_inputs.read_flow_run_input(run.id, "p-response")) == '{"n":3}'


def test_inputs_are_messages_by_key(orchestrator) -> None:
    run = orchestrator.flow_run()
    for key in ("a-1", "a-2", "b-3"):
        orchestrator.clock.pass_by(1)
        orchestrator.send(flow_run_inputs.create_flow_run_input(run.id, key, f'"{key}"', "me"))
    with pytest.raises(ObjectAlreadyExists, match="already a flow run input"):
        orchestrator.send(flow_run_inputs.create_flow_run_input(run.id, "a-1", "2"))
    keys = lambda *args: [i.key for i in orchestrator.send(flow_run_inputs.filter_flow_run_input(run.id, *args))]
    assert keys("a", 10, set()) == ["a-1", "a-2"]
    assert keys("a", 1, {"a-1"}) == ["a-2"]
    assert keys("", 10, set()) == ["a-1", "a-2", "b-3"]
    assert keys("%", 10, set()) == keys("A", 10, set()) == []
    with pytest.raises(PrefectHTTPStatusError, match="Invalid flow run input: key: .*lowercase"):
        orchestrator.send(flow_run_inputs.create_flow_run_input(run.id, "A 3", "1"))
    assert orchestrator.send(flow_run_inputs.read_flow_run_input(run.id, "a-1")) == '"a-1"'
    orchestrator.send(flow_run_inputs.delete_flow_run_input(run.id, "a-1"))
    for call in (flow_run_inputs.read_flow_run_input, flow_run_inputs.delete_flow_run_input):
        with pytest.raises(ObjectNotFound):
            orchestrator.send(call(run.id, "a-1"))
    with pytest.raises(ObjectNotFound, match="no flow run"):
        orchestrator.send(flow_run_inputs.create_flow_run_input(uuid7(), "k", "v"))


def test_flow_runs_are_listed_in_every_order(orchestrator) -> None:
    now = orchestrator.clock.now
    make = lambda name, **state: orchestrator.flow_run(name=name, state=StateCreate(**state))
    make("b", type="COMPLETED")
    orchestrator.clock.pass_by(10)
    make("c", type="SCHEDULED", state_details={"scheduled_time": now + timedelta(seconds=5)})
    orchestrator.clock.pass_by(10)
    make("a", type="RUNNING")
    names = lambda sort: [run.name for run in orchestrator.send(flow_runs.read_flow_runs(sort=sort))]
    assert names(None) == ["a", "c", "b"]
    assert names(FlowRunSort.ID_DESC) == ["a", "c", "b"]
    assert names(FlowRunSort.START_TIME_ASC) == ["b", "c", "a"]
    assert names(FlowRunSort.START_TIME_DESC) == ["a", "c", "b"]
    assert names(FlowRunSort.EXPECTED_START_TIME_ASC) == ["b", "c", "a"]
    assert names(FlowRunSort.EXPECTED_START_TIME_DESC) == ["a", "c", "b"]
    assert names(FlowRunSort.NAME_ASC) == ["a", "b", "c"]
    assert names(FlowRunSort.NAME_DESC) == ["c", "b", "a"]
    assert names(FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC)[-1] == "c"
    assert names(FlowRunSort.END_TIME_DESC)[0] == "b"
    assert {sort.value for sort in FlowRunSort} >= {"ID_DESC"}
    for sort in FlowRunSort:
        assert len(names(sort)) == 3


def test_flow_runs_are_found_by_flow_and_task_run(orchestrator) -> None:
    one = orchestrator.flow_run(flow_id=orchestrator.flow("one"), name="r1")
    two = orchestrator.flow_run(flow_id=orchestrator.flow("two"), name="r2")
    task_run = orchestrator.task_run(flow_run_id=two.id, name="t")
    sub = orchestrator.flow_run(flow_id=orchestrator.flow("sub"), name="r3", parent_task_run_id=task_run.id)
    names = lambda **options: sorted(run.name for run in orchestrator.send(flow_runs.read_flow_runs(**options)))
    assert names(flow_filter=FlowFilter(name={"any_": ["one"]})) == ["r1"]
    assert names(task_run_filter=TaskRunFilter(name={"any_": ["t"]})) == ["r2"]
    assert names(task_run_filter=TaskRunFilter()) == ["r2"]
    assert names(flow_run_filter=FlowRunFilter(parent_flow_run_id={"any_": [two.id]})) == ["r3"]
    assert names(flow_run_filter=FlowRunFilter(parent_task_run_id={"any_": [task_run.id]})) == ["r3"]
    assert names(flow_run_filter=FlowRunFilter(parent_task_run_id={"is_null_": True})) == ["r1", "r2"]
    assert names(flow_filter=FlowFilter(), flow_run_filter=FlowRunFilter(id={"not_any_": [one.id, sub.id]})) == ["r2"]
    assert orchestrator.send(flow_runs.count_flow_runs(flow_filter=FlowFilter(name={"like_": "O"}))) == 2


def test_a_page_of_flow_runs(orchestrator) -> None:
    for number in range(5):
        orchestrator.flow_run(name=f"r{number}")
    page = orchestrator.send(flow_runs.paginate_flow_runs(limit=2, page=2, sort=FlowRunSort.NAME_ASC))
    assert [run.name for run in page.results] == ["r2", "r3"]
    assert (page.count, page.limit, page.pages, page.page) == (5, 2, 3, 2)


def test_a_history_counts_runs_by_state_and_interval(orchestrator) -> None:
    start = orchestrator.clock.now
    for type_ in ("COMPLETED", "COMPLETED", "FAILED"):
        orchestrator.flow_run(state=StateCreate(type=type_))
    orchestrator.clock.pass_by(60)
    late = orchestrator.flow_run(tags=["late"])
    orchestrator.clock.pass_by(5)
    orchestrator.propose(late, "RUNNING")
    orchestrator.clock.pass_by(7)
    read = lambda **options: orchestrator.send(
        flow_runs.flow_run_history(start, start + timedelta(seconds=150), timedelta(minutes=1), **options)
    )
    history = read()
    assert [(part.interval_start - start).total_seconds() for part in history] == [0, 60, 120]
    assert [(part.interval_end - start).total_seconds() for part in history] == [60, 120, 180]
    counts = [{state.state_name: state.count_runs for state in part.states} for part in history]
    assert counts == [{"Completed": 2, "Failed": 1}, {"Running": 1}, {}]
    running = history[1].states[0]
    assert running.sum_estimated_run_time.total_seconds() == pytest.approx(7, abs=0.01)
    assert running.sum_estimated_lateness.total_seconds() == pytest.approx(5, abs=0.01)
    counts = [len(part.states) for part in read(flow_run_filter=FlowRunFilter(tags={"all_": ["late"]}))]
    assert counts == [0, 1, 0]
    many = orchestrator.send(flow_runs.flow_run_history(start, start + timedelta(seconds=1000), timedelta(seconds=1)))
    assert (len(many), many[0].states[0].count_runs, many[60].states[0].count_runs) == (1000, 2, 1)
    with pytest.raises(PrefectHTTPStatusError, match="must not be less than 1 second"):
        orchestrator.send(flow_runs.flow_run_history(start, start, timedelta(0)))
    with pytest.raises(PrefectHTTPStatusError, match="at most 2000 intervals"):
        orchestrator.send(flow_runs.flow_run_history(start, start + timedelta(days=1), timedelta(seconds=1)))


def test_lateness_is_an_average(orchestrator) -> None:
    assert orchestrator.send(flow_runs.average_flow_run_lateness()) is None
    first, _ = orchestrator.flow_run(), orchestrator.flow_run(state=StateCreate(type="COMPLETED"))
    orchestrator.clock.pass_by(4)
    orchestrator.propose(first, "RUNNING")
    orchestrator.flow_run()
    orchestrator.clock.pass_by(2)
    assert orchestrator.send(flow_runs.average_flow_run_lateness()) == pytest.approx((4 + 0 + 2) / 3, abs=0.01)


def test_deleting_a_flow_run_deletes_what_belongs_to_it(orchestrator) -> None:
    from prefect._contract.actions.runs import ArtifactCreate

    run = orchestrator.flow_run()
    task_run = orchestrator.task_run(flow_run_id=run.id)
    sub = orchestrator.flow_run(parent_task_run_id=task_run.id)
    lines = [LogCreate(name="l", level=20, message="m", timestamp=orchestrator.clock.now, flow_run_id=run.id)]
    orchestrator.send(logs.create_logs(lines))
    artifact = orchestrator.send(artifacts.create_artifact(ArtifactCreate(key="k", flow_run_id=run.id, data=1)))
    orchestrator.send(flow_runs.delete_flow_run(run.id))
    for gone in (run, task_run):
        with pytest.raises(ObjectNotFound):
            orchestrator.read(gone)
    assert orchestrator.send(states.read_flow_run_states(run.id)) == []
    assert orchestrator.send(states.read_task_run_states(task_run.id)) == []
    assert orchestrator.send(logs.read_logs()) == []
    assert orchestrator.send(artifacts.read_artifact(artifact.id)) == artifact
    assert orchestrator.read(sub).parent_task_run_id is None
    with pytest.raises(ObjectNotFound):
        orchestrator.send(flow_runs.delete_flow_run(run.id))


def test_flow_runs_are_deleted_in_bulk(orchestrator) -> None:
    runs = [orchestrator.flow_run(name=f"r{number}") for number in range(4)]
    chosen = FlowRunFilter(name={"any_": ["r0", "r1", "r2"]})
    assert orchestrator.send(flow_runs.bulk_delete_flow_runs(chosen, limit=2)).deleted == [runs[0].id, runs[1].id]
    assert orchestrator.send(flow_runs.count_flow_runs()) == 2


@pytest.mark.parametrize(
    "call",
    [
        flow_runs.read_flow_run(uuid7()),
        flow_runs.update_flow_run(uuid7(), name="x"),
        flow_runs.update_flow_run_labels(uuid7(), {"a": 1}),
        flow_runs.delete_flow_run(uuid7()),
        flow_runs.set_flow_run_state(uuid7(), StateCreate(type="RUNNING")),
        flow_runs.resume_flow_run(uuid7()),
        flow_runs.read_flow_run_graph(uuid7()),
        flow_runs.read_flow_run_dependencies(uuid7()),
        flow_runs.download_flow_run_logs(uuid7()),
        states.read_flow_run_state(uuid7()),
    ],
    ids=lambda call: f"{call.method} {call.path}",
)
def test_a_flow_run_that_does_not_exist_is_not_found(orchestrator, call) -> None:
    with pytest.raises(ObjectNotFound, match=r"There is no flow run( state)? with id"):
        orchestrator.send(call)
