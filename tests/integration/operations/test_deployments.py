"""Deployments, their schedules, and the runs that are asked of them one by one."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from prefect._contract.actions.deployments import (
    DeploymentCreate,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdate,
)
from prefect._contract.actions.runs import DeploymentFlowRunCreate, StateCreate
from prefect._contract.actions.settings import ConcurrencyLimitV2Create, VariableCreate, WorkPoolCreate, WorkQueueUpdate
from prefect._contract.endpoints import (
    deployments,
    flow_runs,
    flows,
    global_concurrency_limits as limits,
    ui_flows,
    variables,
    work_pools,
    work_queues,
)
from prefect._contract.filters import DeploymentFilter, FlowFilter, FlowRunFilter, TaskRunFilter
from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter
from prefect._contract.objects import FlowRunPolicy
from prefect._contract.retry_labels import labels_of_retries
from prefect._contract.schedules import CronSchedule, IntervalSchedule
from prefect._contract.sorting import DeploymentSort
from prefect._contract.state import StateDetails
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.ids import uuid7

DAILY, HOURLY = CronSchedule(cron="0 0 * * *"), CronSchedule(cron="0 * * * *")
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "s": {"type": "string", "default": "q"}},
    "required": ["n"],
}
TEMPLATE = {
    "job_configuration": {"command": "{{ command }}"},
    "variables": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "cpu": {"type": "integer", "default": 1}},
        "required": ["command"],
    },
}


@pytest.fixture
def client(orchestrator: Any) -> SyncPrefectClient:
    return SyncPrefectClient(orchestrator.transport)


def make(orchestrator: Any, name: str = "d", **fields: Any) -> Any:
    fields = fields if "flow_id" in fields else {"flow_id": orchestrator.flow(), **fields}
    return orchestrator.send(deployments.create_deployment(DeploymentCreate(name=name, **fields)))


def update(orchestrator: Any, id: UUID, **fields: Any) -> Any:
    orchestrator.send(deployments.update_deployment(id, DeploymentUpdate(**fields)))
    return orchestrator.send(deployments.read_deployment(id))


def run_of(orchestrator: Any, id: UUID, **fields: Any) -> Any:
    return orchestrator.send(deployments.create_flow_run_from_deployment(id, DeploymentFlowRunCreate(**fields)))


def pool(orchestrator: Any, name: str = "pool", **fields: Any) -> Any:
    return orchestrator.send(work_pools.create_work_pool(WorkPoolCreate(name=name, type="process", **fields)))


def refusal(orchestrator: Any, call: Any, match: str) -> int:
    with pytest.raises(PrefectHTTPStatusError, match=match) as refused:
        orchestrator.send(call)
    return refused.value.response.status_code


# -- one deployment


def test_a_deployment_is_created(orchestrator) -> None:
    flow = orchestrator.flow(labels={"of": "flow"})
    deployment = make(
        orchestrator,
        flow_id=flow,
        version="1",
        description="text",
        path="/p",
        entrypoint="f.py:f",
        tags=["a"],
        labels={"k": 1},
        parameters={"n": 1},
        pull_steps=[{"git": {}}],
        concurrency_options={"collision_strategy": "CANCEL_NEW"},
    )
    assert orchestrator.send(deployments.read_deployment(deployment.id)) == deployment
    assert orchestrator.send(deployments.read_deployment_by_name("flow", "d")) == deployment
    assert deployment.labels == {"of": "flow", "prefect.flow.id": str(flow), "k": 1}
    assert (deployment.paused, deployment.status.value, deployment.schedules) == (False, "NOT_READY", [])
    assert (deployment.work_pool_name, deployment.work_queue_id, deployment.parameter_openapi_schema) == (
        None,
        None,
        {},
    )
    assert (deployment.created, deployment.pull_steps) == (orchestrator.clock.now, [{"git": {}}])
    assert deployment.concurrency_options.collision_strategy.value == "CANCEL_NEW"
    for missing in (
        deployments.read_deployment(uuid7()),
        deployments.read_deployment_by_name("flow", "x"),
        deployments.read_deployment_by_name("x", "d"),
        deployments.update_deployment(uuid7(), DeploymentUpdate(paused=True)),
        deployments.delete_deployment(uuid7()),
        deployments.pause_deployment(uuid7()),
        deployments.resume_deployment(uuid7()),
        deployments.schedule_deployment(uuid7()),
        deployments.read_deployment_schedules(uuid7()),
        deployments.create_deployment_schedules(uuid7(), []),
        deployments.create_flow_run_from_deployment(uuid7(), DeploymentFlowRunCreate()),
        deployments.bulk_create_flow_runs_from_deployment(uuid7(), []),
        deployments.read_work_queues_of_deployment(uuid7()),
    ):
        with pytest.raises(ObjectNotFound, match="no deployment"):
            orchestrator.send(missing)
    call = deployments.create_deployment(DeploymentCreate(name="x", flow_id=uuid7()))
    assert refusal(orchestrator, call, "A deployment needs its flow") == 409
    call = deployments.create_deployment(DeploymentCreate(name="x", flow_id=flow, branch="b"))
    assert refusal(orchestrator, call, "leave branch out") == 422


def test_deploying_again_changes_what_is_said(orchestrator) -> None:
    pool(orchestrator)
    first = make(
        orchestrator,
        version="1",
        tags=["a"],
        labels={"k": 1},
        parameters={"n": 1},
        job_variables={"cpu": 2},
        work_pool_name="pool",
        concurrency_limit=2,
        paused=True,
        schedules=[DeploymentScheduleCreate(schedule=DAILY, slug="s")],
    )
    orchestrator.clock.pass_by(1)
    again = make(orchestrator, description="new")
    assert again.id == first.id
    kept = ("version", "tags", "job_variables", "work_pool_name", "paused", "global_concurrency_limit", "created")
    for field in kept:
        assert getattr(again, field) == getattr(first, field), field
    assert (again.description, again.parameters, again.schedules) == ("new", {}, [])
    assert (again.updated, "k" in again.labels) == (orchestrator.clock.now, False)
    assert make(orchestrator, concurrency_limit=None, paused=False).global_concurrency_limit is None
    assert orchestrator.send(deployments.count_deployments()) == 1


def test_fields_that_are_not_given_stay(orchestrator) -> None:
    id = make(orchestrator, version="1", tags=["a"], parameters={"n": 1}, description="d").id
    changed = update(orchestrator, id, description=None, tags=["b"])
    assert (changed.version, changed.tags, changed.parameters, changed.description) == ("1", ["b"], {"n": 1}, None)
    changed = update(orchestrator, id, parameters=None, job_variables=None, paused=None)
    assert (changed.parameters, changed.job_variables, changed.paused) == ({"n": 1}, {}, False)


def test_parameters_that_do_not_fit_are_refused_when_they_change(orchestrator) -> None:
    id = make(orchestrator, parameters={"n": "x"}, parameter_openapi_schema=SCHEMA).id
    call = deployments.update_deployment(id, DeploymentUpdate(parameters={"n": "x"}))
    assert refusal(orchestrator, call, "Error updating deployment: Validation failed for field 'n'") == 409
    assert update(orchestrator, id, parameters={"s": "a"}).parameters == {"s": "a"}
    assert update(orchestrator, id, parameters={"n": "x"}, enforce_parameter_schema=False).parameters == {"n": "x"}


# -- where it waits


def test_a_deployment_waits_in_a_queue(orchestrator) -> None:
    made = pool(orchestrator)
    default = make(orchestrator, work_pool_name="pool")
    assert (default.work_pool_name, default.work_queue_name) == ("pool", "default")
    assert default.work_queue_id == made.default_queue_id
    named = make(orchestrator, "named", work_pool_name="pool", work_queue_name="q")
    assert orchestrator.send(work_queues.read_work_pool_queue("pool", "q")).id == named.work_queue_id
    alone = make(orchestrator, "alone", work_queue_name="legacy")
    assert (alone.work_pool_name, alone.work_queue_name) == ("default-agent-pool", "legacy")
    moved = update(orchestrator, named.id, work_queue_name="other")
    assert (moved.work_pool_name, moved.work_queue_name) == ("pool", "other")
    with pytest.raises(ObjectNotFound, match="no work pool with name nope"):
        make(orchestrator, "x", work_pool_name="nope")
    with pytest.raises(ObjectNotFound, match="no work pool with name nope"):
        update(orchestrator, named.id, work_pool_name="nope")
    orchestrator.send(work_queues.update_work_pool_queue("pool", "other", WorkQueueUpdate(name="renamed")))
    assert orchestrator.send(deployments.read_deployment(named.id)).work_queue_name == "renamed"
    orchestrator.send(work_pools.delete_work_pool("pool"))
    left = orchestrator.send(deployments.read_deployment(named.id))
    assert (left.work_pool_name, left.work_queue_id, left.work_queue_name) == (None, None, "other")


def test_job_variables_are_what_the_pool_declares(orchestrator) -> None:
    pool(orchestrator, base_job_template=TEMPLATE)
    bad = DeploymentCreate(name="d", flow_id=orchestrator.flow(), work_pool_name="pool", job_variables={"cpu": "many"})
    assert refusal(orchestrator, deployments.create_deployment(bad), "field 'cpu'. Failure reason: 'many'") == 422
    id = make(orchestrator, work_pool_name="pool", job_variables={"cpu": 2, "unknown": [1]}).id
    for chosen, reason in (({}, "'command' is a required"), ({"command": "x", "cpu": "many"}, "field 'cpu'")):
        call = deployments.create_flow_run_from_deployment(id, DeploymentFlowRunCreate(job_variables=chosen))
        assert refusal(orchestrator, call, f"Error creating flow run: Validation failed.*{reason}") == 422
    run = run_of(orchestrator, id, job_variables={"command": "x", "cpu": None})
    assert run.job_variables == {"command": "x", "cpu": None}
    assert run_of(orchestrator, id, job_variables={"command": "{{ prefect.variables.c }}", "cpu": "{{ $CPU }}"}).id
    assert run_of(orchestrator, id, job_variables={"command": {"$ref": {"block_document_id": str(uuid7())}}}).id


def test_a_deployment_is_ready_while_somebody_asks_for_its_runs(orchestrator) -> None:
    pool(orchestrator)
    served, pooled = make(orchestrator, "served"), make(orchestrator, "pooled", work_pool_name="pool")
    status = lambda deployment: orchestrator.send(deployments.read_deployment(deployment.id)).status.value
    orchestrator.send(deployments.get_scheduled_flow_runs_for_deployments([served.id]))
    assert (status(served), status(pooled)) == ("READY", "NOT_READY")
    orchestrator.send(work_pools.get_scheduled_flow_runs_for_work_pool("pool"))
    assert status(pooled) == "READY"
    assert orchestrator.send(deployments.read_deployment(pooled.id)).last_polled == orchestrator.clock.now
    orchestrator.clock.pass_by(61)
    assert (status(served), status(pooled)) == ("NOT_READY", "NOT_READY")


# -- how many runs there may be


def test_a_deployment_has_a_limit_of_its_own(orchestrator) -> None:
    id = make(orchestrator, concurrency_limit=2).id
    limit = orchestrator.send(deployments.read_deployment(id)).global_concurrency_limit
    assert (limit.name, limit.limit, limit.active_slots) == (f"deployment:{id}", 2, 0)
    assert update(orchestrator, id, concurrency_limit=5).global_concurrency_limit.limit == 5
    assert update(orchestrator, id, description="x").global_concurrency_limit.id == limit.id
    assert update(orchestrator, id, concurrency_limit=None).global_concurrency_limit is None
    with pytest.raises(ObjectNotFound):
        orchestrator.send(limits.read_global_concurrency_limit(limit.name))
    for fields in ({"concurrency_limit": 0}, {"concurrency_limit": 1, "global_concurrency_limit_id": uuid7()}):
        call = deployments.update_deployment(id, DeploymentUpdate(**fields))
        assert refusal(orchestrator, call, "must be greater than 0|cannot have both") == 422


def test_deployments_share_a_limit(orchestrator) -> None:
    call = limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="shared", limit=4))
    shared = orchestrator.send(call).id
    first = make(orchestrator, "a", global_concurrency_limit_id=shared)
    second = make(orchestrator, "b", concurrency_limit=1)
    assert update(orchestrator, second.id, global_concurrency_limit_id=shared).global_concurrency_limit.name == "shared"
    names = [limit.name for limit in orchestrator.send(limits.read_global_concurrency_limits())]
    assert names == ["shared"]
    orchestrator.send(deployments.delete_deployment(first.id))
    assert len(orchestrator.send(limits.read_global_concurrency_limits())) == 1
    with pytest.raises(ObjectNotFound, match="no concurrency limit"):
        make(orchestrator, "c", global_concurrency_limit_id=uuid7())


def test_a_limit_goes_with_its_deployment(orchestrator) -> None:
    first = make(orchestrator, "a", concurrency_limit=1)
    make(orchestrator, "b", concurrency_limit=1)
    orchestrator.send(deployments.delete_deployment(first.id))
    assert len(orchestrator.send(limits.read_global_concurrency_limits())) == 1
    orchestrator.send(flows.delete_flow(first.flow_id))
    assert orchestrator.send(limits.read_global_concurrency_limits()) == []
    assert orchestrator.send(deployments.count_deployments()) == 0


# -- runs


def test_a_run_has_what_the_deployment_says_unless_it_says_otherwise(orchestrator) -> None:
    made = pool(orchestrator)
    deployment = make(
        orchestrator,
        flow_id=orchestrator.flow(labels={"f": 1}),
        parameters={"s": "deployed", "n": 0},
        parameter_openapi_schema=SCHEMA,
        tags=["dt"],
        labels={"l": "d"},
        version="v1",
        work_pool_name="pool",
        job_variables={"cpu": 1},
    )
    run = run_of(
        orchestrator, deployment.id, name="mine", parameters={"n": 1}, tags=["rt"], labels={"l": "r"}, context={"c": 1}
    )
    assert orchestrator.read(run).model_dump() == run.model_dump()
    assert (run.name, run.parameters, run.tags) == ("mine", {"s": "deployed", "n": 1}, ["rt", "dt"])
    ids = {"prefect.flow.id": str(deployment.flow_id), "prefect.deployment.id": str(deployment.id)}
    assert run.labels == {"f": 1, "l": "r", **ids}
    assert (run.deployment_id, run.deployment_version, run.auto_scheduled) == (deployment.id, "v1", False)
    assert (run.work_pool_name, run.work_pool_id, run.work_queue_id) == ("pool", made.id, made.default_queue_id)
    assert (run.job_variables, run.context) == ({}, {"c": 1})
    assert (run.state.type.value, run.next_scheduled_start_time) == ("SCHEDULED", orchestrator.clock.now)


def test_a_run_is_tried_as_often_as_the_labels_of_its_deployment_say_unless_it_says_otherwise(orchestrator) -> None:
    labels = labels_of_retries(3, 1.5)
    tough = make(orchestrator, labels=labels)
    asked = run_of(orchestrator, tough.id)
    assert (asked.empirical_policy.retries, asked.empirical_policy.retry_delay) == (3, 2)
    own = run_of(orchestrator, tough.id, empirical_policy=FlowRunPolicy(retries=1))
    assert (own.empirical_policy.retries, own.empirical_policy.retry_delay) == (1, None)
    soft = make(orchestrator, "soft", flow_id=tough.flow_id)
    assert run_of(orchestrator, soft.id).empirical_policy.retries is None
    odd = make(orchestrator, "odd", flow_id=tough.flow_id, labels={"prefect.flow.retries": "many"})
    assert run_of(orchestrator, odd.id).empirical_policy.retries is None


def test_a_flow_that_crashes_whenever_it_is_loaded_is_given_up(orchestrator) -> None:
    tough = make(orchestrator, labels=labels_of_retries(2, 0))
    run = run_of(orchestrator, tough.id)
    names = []
    for _ in range(3):
        for kind in ("PENDING", "CRASHED"):
            answer = orchestrator.send(flow_runs.set_flow_run_state(run.id, StateCreate(type=kind)))
        names.append(answer.state.name)
    assert names == ["AwaitingRetry", "AwaitingRetry", "Crashed"]


def test_a_run_may_wait_elsewhere_and_begin_otherwise(orchestrator) -> None:
    pool(orchestrator)
    id = make(orchestrator, work_pool_name="pool").id
    assert (run := run_of(orchestrator, id, work_queue_name="q")).work_queue_name == "q"
    assert run.work_pool_name == "pool"
    later = orchestrator.clock.now + timedelta(days=1)
    state = StateCreate(type="SCHEDULED", state_details=StateDetails(scheduled_time=later))
    assert run_of(orchestrator, id, state=state).expected_start_time == later
    assert run_of(orchestrator, id, state=StateCreate(type="PENDING")).state_name == "Pending"


def test_parameters_of_a_run_fit_the_schema(orchestrator) -> None:
    id = make(orchestrator, parameter_openapi_schema=SCHEMA).id
    for parameters, reason in (
        ({}, "'n' is a required property"),
        ({"n": "x"}, "field 'n'. Failure reason: 'x' is not of type 'integer'"),
        ({"n": True}, "True is not of type 'integer'"),
        ({"n": 1, "s": 5}, "5 is not of type 'string'"),
    ):
        call = deployments.create_flow_run_from_deployment(id, DeploymentFlowRunCreate(parameters=parameters))
        assert refusal(orchestrator, call, f"Error creating flow run: Validation failed.*{reason}") == 409
    assert run_of(orchestrator, id, parameters={"n": 1, "unknown": [2]}).parameters == {"n": 1, "unknown": [2]}
    assert run_of(orchestrator, id, parameters={"n": "x"}, enforce_parameter_schema=False).parameters == {"n": "x"}
    update(orchestrator, id, enforce_parameter_schema=False)
    assert run_of(orchestrator, id).parameters == {}


def test_parameters_of_a_run_may_say_where_their_values_are(orchestrator) -> None:
    orchestrator.send(variables.create_variable(VariableCreate(name="five", value=5)))
    id = make(orchestrator, parameter_openapi_schema=SCHEMA).id
    kind = lambda name, **fields: {"__prefect_kind": name, **fields}
    run = run_of(
        orchestrator,
        id,
        parameters={
            "n": kind("workspace_variable", variable_name="five"),
            "s": kind("jinja", template="{{ 1 + 1 }}!"),
            "deep": [{"x": kind("json", value="[1]")}, kind("none", value=3)],
        },
    )
    assert run.parameters == {"n": 5, "s": "2!", "deep": [{"x": [1]}, 3]}
    for value, reason in (
        (kind("json", value="{"), "Invalid JSON"),
        (kind("workspace_variable", variable_name="none"), "Variable 'none' not found"),
        (kind("jinja", template="{{ ''.__class__.__mro__ }}"), "Invalid jinja"),
        (kind("jinja", template="{{ 1/0 }}"), "Invalid jinja"),
        (
            kind("jinja", template="{% for n in range(999) %}" + 999 * "x" + "{% endfor %}"),
            "gives more than 524,288",
        ),
        (kind("jinja", template="{{ 'x' * 600000 }}"), "is not computed here"),
        (kind("jinja", template="{{ 9 ** 99 }}"), "is not computed here"),
        (kind("jinja", template="{{ range(10000) }}"), "at most 1000 numbers"),
        (kind("jinja", template="{{ x"), "Invalid jinja"),
    ):
        call = deployments.create_flow_run_from_deployment(id, DeploymentFlowRunCreate(parameters={"n": value}))
        assert refusal(orchestrator, call, f"Error hydrating flow run parameters: .*{reason}") == 400


def test_a_request_for_a_run_has_one_effect(orchestrator) -> None:
    id = make(orchestrator).id
    first = run_of(orchestrator, id, idempotency_key="k", name="first")
    assert run_of(orchestrator, id, idempotency_key="k", name="second") == first
    assert orchestrator.send(flow_runs.count_flow_runs()) == 1


def test_many_runs_are_created_at_once(orchestrator) -> None:
    id = make(orchestrator, parameter_openapi_schema=SCHEMA).id
    asked = [{"n": 1}, {"n": "x"}, {"n": 2}]
    call = lambda runs: deployments.bulk_create_flow_runs_from_deployment(id, runs)
    results = orchestrator.send(call([DeploymentFlowRunCreate(parameters=each) for each in asked])).results
    assert [result.status for result in results] == ["CREATED", "FAILED", "CREATED"]
    assert "'x' is not of type 'integer'" in results[1].error
    assert results[1].flow_run_id is None
    assert {run.id for run in orchestrator.send(flow_runs.read_flow_runs())} == {
        results[0].flow_run_id,
        results[2].flow_run_id,
    }
    assert orchestrator.send(call([])).results == []
    assert refusal(orchestrator, call([DeploymentFlowRunCreate()] * 101), "more than 100") == 400


def test_runs_that_wait_go_with_their_deployment_and_others_stay(orchestrator) -> None:
    id = make(orchestrator).id
    waiting = run_of(orchestrator, id)
    running, ended = (run_of(orchestrator, id, state=StateCreate(type=kind)) for kind in ("RUNNING", "COMPLETED"))
    orchestrator.send(deployments.delete_deployment(id))
    with pytest.raises(ObjectNotFound):
        orchestrator.read(waiting)
    assert [orchestrator.read(run).deployment_id for run in (running, ended)] == [id, id]


def test_the_runs_of_deployments_are_given_to_who_serves_them(orchestrator) -> None:
    one, two = make(orchestrator, "one").id, make(orchestrator, "two").id

    def wait(id: UUID, name: str, seconds: float) -> None:
        due = orchestrator.clock.now + timedelta(seconds=seconds)
        state = StateCreate(type="SCHEDULED", state_details=StateDetails(scheduled_time=due))
        run_of(orchestrator, id, name=name, state=state)

    for id, name, seconds in ((one, "a", -10), (two, "b", -20), (one, "c", 60)):
        wait(id, name, seconds)

    def given(ids: list[UUID], before: datetime | None = None, limit: int | None = None) -> list[str]:
        call = deployments.get_scheduled_flow_runs_for_deployments(ids, before, limit)
        return [run.name for run in orchestrator.send(call)]

    assert given([one, two]) == ["b", "a", "c"]
    assert given([one, two], orchestrator.clock.now) == ["b", "a"]
    assert given([one, two], limit=1) == ["b"]
    assert given([one]) == ["a", "c"]
    assert given([uuid7()]) == given([]) == []
    with pytest.raises(PrefectHTTPStatusError, match="Invalid limit"):
        given([one], limit=1000)


def test_a_run_that_names_a_deployment_has_its_label(orchestrator) -> None:
    id = make(orchestrator).id
    flow = orchestrator.flow()
    assert orchestrator.flow_run(flow_id=flow, deployment_id=id).labels["prefect.deployment.id"] == str(id)
    assert "prefect.deployment.id" not in orchestrator.flow_run(flow_id=flow, deployment_id=uuid7()).labels


# -- schedules


def schedules(orchestrator: Any, id: UUID) -> list[Any]:
    return orchestrator.send(deployments.read_deployment_schedules(id))


def test_deploying_again_finds_the_schedules(orchestrator) -> None:
    create = DeploymentScheduleCreate
    interval = lambda: IntervalSchedule(interval=timedelta(hours=1), anchor_date=orchestrator.clock.now)
    asked = lambda: [
        create(schedule=DAILY, slug="named", max_scheduled_runs=2, parameters={"x": 1}),
        create(schedule=HOURLY),
        create(schedule=interval(), active=False),
    ]
    id = make(orchestrator, schedules=asked()).id
    first = schedules(orchestrator, id)
    assert [(each.slug, each.active, each.max_scheduled_runs) for each in first] == [
        ("named", True, 2),
        (None, True, None),
        (None, False, None),
    ]
    orchestrator.clock.pass_by(1)
    make(orchestrator, schedules=asked())
    again = schedules(orchestrator, id)
    assert [each.id for each in again] == [each.id for each in first]
    assert again[2].schedule.anchor_date == orchestrator.clock.now
    changed = [create(schedule=HOURLY, slug="named"), create(schedule=DAILY, slug="new", replaces="none")]
    make(orchestrator, schedules=changed)
    assert [(each.id == first[0].id, each.slug, each.schedule) for each in schedules(orchestrator, id)] == [
        (True, "named", HOURLY),
        (False, "new", DAILY),
    ]
    make(orchestrator, schedules=[create(schedule=HOURLY, slug="renamed", replaces="named")])
    assert [(each.id, each.slug) for each in schedules(orchestrator, id)] == [(first[0].id, "renamed")]


def test_what_an_operator_paused_stays_paused(orchestrator) -> None:
    asked = lambda active: [DeploymentScheduleCreate(schedule=DAILY, slug="s", active=active)]
    id = make(orchestrator, schedules=asked(True)).id
    (schedule,) = schedules(orchestrator, id)
    call = deployments.update_deployment_schedule(id, schedule.id, DeploymentScheduleUpdate(active=False))
    orchestrator.send(call)
    is_active = lambda: schedules(orchestrator, id)[0].active
    for declared, expected in ((True, False), (True, False), (False, False), (True, True), (False, False)):
        make(orchestrator, schedules=asked(declared))
        assert is_active() is expected


def test_who_serves_a_deployment_undoes_its_own_pause_and_no_other(orchestrator) -> None:
    id = make(orchestrator).id
    read = lambda: orchestrator.send(deployments.read_deployment(id))
    end = lambda: orchestrator.send(deployments.pause_deployment(id, until_served=True))

    def serve() -> bool:
        make(orchestrator)
        orchestrator.send(deployments.resume_deployment(id, if_until_served=True))
        return not read().paused

    end()
    assert read().paused
    assert serve()
    orchestrator.send(deployments.pause_deployment(id))
    end()
    assert not serve()
    orchestrator.send(deployments.resume_deployment(id))
    end()
    update(orchestrator, id, paused=True)  # somebody insists while nobody serves it
    assert not serve()
    assert "prefect.paused-until-served" not in read().labels


def test_schedules_are_added_changed_and_deleted(orchestrator) -> None:
    id = make(orchestrator).id
    create = lambda *asked: orchestrator.send(deployments.create_deployment_schedules(id, list(asked)))
    (first, second) = create(
        DeploymentScheduleCreate(schedule=DAILY, slug="a", parameters={"x": 1}),
        DeploymentScheduleCreate(schedule=HOURLY),
    )
    assert [each.id for each in schedules(orchestrator, id)] == [first.id, second.id]
    assert (first.deployment_id, first.parameters, first.active) == (id, {"x": 1}, True)
    with pytest.raises(ObjectAlreadyExists, match="already a schedule with slug a"):
        create(DeploymentScheduleCreate(schedule=HOURLY, slug="a"))
    with pytest.raises(PrefectHTTPStatusError, match="less than or equal to 50"):
        create(DeploymentScheduleCreate(schedule=HOURLY, max_scheduled_runs=51))
    edit = lambda this, **fields: orchestrator.send(
        deployments.update_deployment_schedule(id, this.id, DeploymentScheduleUpdate(**fields))
    )
    edit(second, schedule=DAILY, slug="b", max_scheduled_runs=5, parameters={"y": 2})
    changed = schedules(orchestrator, id)[1]
    assert (changed.schedule, changed.slug, changed.max_scheduled_runs, changed.parameters) == (DAILY, "b", 5, {"y": 2})
    with pytest.raises(ObjectAlreadyExists):
        edit(second, slug="a")
    edit(second, max_scheduled_runs=None)
    assert schedules(orchestrator, id)[1].max_scheduled_runs is None
    other = make(orchestrator, "other").id
    for missing in (
        deployments.update_deployment_schedule(other, first.id, DeploymentScheduleUpdate(active=False)),
        deployments.delete_deployment_schedule(other, first.id),
        deployments.delete_deployment_schedule(id, uuid7()),
    ):
        with pytest.raises(ObjectNotFound, match="no schedule"):
            orchestrator.send(missing)
    orchestrator.send(deployments.delete_deployment_schedule(id, first.id))
    assert [each.slug for each in schedules(orchestrator, id)] == ["b"]


def test_an_update_changes_schedules_by_slug(orchestrator) -> None:
    id = make(orchestrator, schedules=[DeploymentScheduleCreate(schedule=DAILY, slug="a")]).id
    first = schedules(orchestrator, id)[0].id
    change = DeploymentScheduleUpdate
    update(orchestrator, id, schedules=[change(slug="a", schedule=HOURLY), change(slug="b", schedule=DAILY)])
    assert [(each.slug, each.schedule) for each in schedules(orchestrator, id)] == [("a", HOURLY), ("b", DAILY)]
    update(orchestrator, id, schedules=[change(slug="c", replaces="a")])
    assert [(each.id == first, each.slug) for each in schedules(orchestrator, id)] == [(True, "c"), (False, "b")]
    update(orchestrator, id, schedules=[])
    assert len(schedules(orchestrator, id)) == 2
    for bad, reason in ((change(schedule=DAILY), "provide a slug"), (change(slug="new"), "without a schedule")):
        call = deployments.update_deployment(id, DeploymentUpdate(schedules=[bad]))
        assert refusal(orchestrator, call, reason) == 422
    orchestrator.send(deployments.create_deployment_schedules(id, [DeploymentScheduleCreate(schedule=DAILY)]))
    update(orchestrator, id, schedules=[change(schedule=HOURLY)])
    assert [(each.slug, each.schedule) for each in schedules(orchestrator, id)] == [(None, HOURLY)]


# -- many deployments


def test_deployments_are_selected(orchestrator) -> None:
    pool(orchestrator)
    flow, other = orchestrator.flow("etl"), orchestrator.flow("other")
    a = make(orchestrator, "a", flow_id=flow, tags=["x", "y"], work_pool_name="pool", concurrency_limit=3, paused=True)
    b = make(orchestrator, "b", flow_id=flow, tags=["x"])
    c = make(orchestrator, "c", flow_id=other, work_pool_name="pool", work_queue_name="q", concurrency_limit=7)
    run_of(orchestrator, b.id)

    def listed(deployment: dict[str, Any] | None = None, **asked: Any) -> str:
        if deployment is not None:
            asked["deployment_filter"] = DeploymentFilter.model_validate(deployment)
        found = orchestrator.send(deployments.read_deployments(**asked))
        asked.pop("sort", None)
        if not {"limit", "offset"} & asked.keys():
            assert orchestrator.send(deployments.count_deployments(**asked)) == len(found)
        return "".join(each.name for each in found)

    assert listed() == listed({}) == "abc"
    assert listed({"id": {"any_": [a.id, c.id]}}) == "ac"
    assert listed({"id": {"not_any_": [a.id]}}) == "bc"
    assert listed({"name": {"like_": "A"}}) == "a"
    assert listed({"name": {"any_": ["a", "b"]}}) == "ab"
    assert listed({"tags": {"all_": ["x", "y"]}}) == "a"
    assert listed({"tags": {"any_": ["x", "z"]}}) == "ab"
    assert listed({"tags": {"is_null_": True}}) == "c"
    assert listed({"paused": {"eq_": True}}) == "a"
    assert listed({"paused": {"eq_": False}}) == "bc"
    assert listed({"concurrency_limit": {"ge_": 3, "le_": 5}}) == "a"
    assert listed({"concurrency_limit": {"is_null_": True}}) == "b"
    assert listed({"work_queue_name": {"any_": ["default", "zz"]}}) == "a"
    assert listed({"flow_or_deployment_name": {"like_": "ETL"}}) == "ab"
    assert listed({"flow_or_deployment_name": {"like_": "c"}}) == "c"
    assert listed({"operator": "or_", "paused": {"eq_": True}, "name": {"any_": ["c"]}}) == "ac"
    assert listed(flow_filter=FlowFilter(name={"any_": ["other"]})) == "c"
    assert listed(flow_run_filter=FlowRunFilter()) == "b"
    assert listed(task_run_filter=TaskRunFilter()) == ""
    assert listed(work_pool_filter=WorkPoolFilter()) == "ac"
    assert listed(work_queue_filter=WorkQueueFilter(name={"any_": ["q"]})) == "c"
    assert listed(work_pool_filter=WorkPoolFilter(name={"any_": ["no"]})) == ""
    assert listed(limit=1, offset=1) == "b"
    sorts = {sort.value: listed(sort=sort) for sort in DeploymentSort}
    assert sorts["NAME_DESC"] == "cba"
    assert (sorts["CONCURRENCY_LIMIT_ASC"], sorts["CONCURRENCY_LIMIT_DESC"]) == ("bac", "cab")
    page = orchestrator.send(deployments.paginate_deployments(limit=2, page=2))
    assert ([each.name for each in page.results], page.count, page.pages) == (["c"], 3, 2)


def test_flows_and_runs_are_selected_by_deployments(orchestrator) -> None:
    pool(orchestrator)
    flow, bare = orchestrator.flow("deployed"), orchestrator.flow("bare")
    id = make(orchestrator, flow_id=flow, work_pool_name="pool").id
    run_of(orchestrator, id, name="mine")
    orchestrator.flow_run(flow_id=flow, name="other")
    orchestrator.flow_run(flow_id=bare, name="bare")
    named = DeploymentFilter(name={"any_": ["d"]})

    def flows_by(**asked: Any) -> list[str]:
        return [each.name for each in orchestrator.send(flows.read_flows(**asked))]

    assert flows_by(flow_filter=FlowFilter(deployment={"is_null_": True})) == ["bare"]
    assert flows_by(flow_filter=FlowFilter(deployment={"is_null_": False})) == ["deployed"]
    assert flows_by(deployment_filter=named) == flows_by(deployment_filter=DeploymentFilter()) == ["deployed"]
    assert flows_by(work_pool_filter=WorkPoolFilter()) == ["deployed"]
    runs = orchestrator.send(flow_runs.read_flow_runs(deployment_filter=named))
    assert [run.name for run in runs] == ["mine"]
    runs = orchestrator.send(flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(deployment_id={"any_": [id]})))
    assert [run.name for run in runs] == ["mine"]
    assert orchestrator.send(flow_runs.count_flow_runs(deployment_filter=DeploymentFilter(name={"any_": ["x"]}))) == 0


def test_many_deployments_are_deleted(orchestrator) -> None:
    ids = [make(orchestrator, name, concurrency_limit=1).id for name in "abc"]
    chosen = DeploymentFilter(id={"any_": ids[:2]})
    assert set(orchestrator.send(deployments.bulk_delete_deployments(chosen)).deleted) == set(ids[:2])
    assert [each.name for each in orchestrator.send(deployments.read_deployments())] == ["c"]
    assert len(orchestrator.send(limits.read_global_concurrency_limits())) == 1
    for limit in (0, 51):
        assert refusal(orchestrator, deployments.bulk_delete_deployments(limit=limit), "between 1 and 50") == 422


def test_flows_tell_of_their_deployments_and_next_runs(orchestrator) -> None:
    flow, bare = orchestrator.flow("deployed"), orchestrator.flow("bare")
    ids = [make(orchestrator, name, flow_id=flow).id for name in "ab"]
    assert orchestrator.send(ui_flows.count_deployments_by_flow([flow, bare])) == {flow: 2, bare: 0}
    assert orchestrator.send(ui_flows.read_next_runs_by_flow([flow])) == {flow: None}
    due = orchestrator.clock.now + timedelta(hours=1)
    later = StateCreate(type="SCHEDULED", state_details=StateDetails(scheduled_time=due))
    run_of(orchestrator, ids[0], state=later, name="later")
    run_of(orchestrator, ids[1], name="now")
    found = orchestrator.send(ui_flows.read_next_runs_by_flow([flow, bare]))
    assert (found[flow].name, found[flow].next_scheduled_start_time) == ("now", orchestrator.clock.now)
    assert found[bare] is None
    assert refusal(orchestrator, ui_flows.read_next_runs_by_flow([uuid7()] * 201), "At most 200") == 422


def test_queues_that_choose_by_tags_tell_whether_they_take_a_deployment(orchestrator) -> None:
    from prefect._contract.actions.settings import WorkQueueCreate

    id = make(orchestrator, tags=["a"]).id
    for name, chosen in (
        ("all", None),
        ("a", {"tags": ["a", "b"]}),
        ("c", {"tags": ["c"]}),
        ("id", {"deployment_ids": [id]}),
    ):
        orchestrator.send(work_queues.create_work_queue(WorkQueueCreate(name=name, filter=chosen)))
    found = orchestrator.send(deployments.read_work_queues_of_deployment(id))
    assert {queue.name for queue in found} == {"default", "all", "a", "id"}


# -- the client


def test_the_client_deploys(client, orchestrator) -> None:
    flow = orchestrator.flow("etl")
    asked = [DeploymentScheduleCreate(schedule=DAILY, slug="s")]
    id = client.create_deployment(flow, "d", schedules=asked, tags=["a"], paused=True, concurrency_limit=2)
    deployment = client.read_deployment(str(id))
    assert client.read_deployment_by_name("etl/d") == deployment
    assert (deployment.paused, deployment.tags, deployment.global_concurrency_limit.limit) == (True, ["a"], 2)
    client.resume_deployment(str(id))
    assert not client.read_deployment(id).paused
    client.pause_deployment(id)
    assert client.read_deployment(id).paused
    client.set_deployment_paused_state(id, False)
    assert client.create_deployment(flow, "d") == id
    again = client.read_deployment(id)
    assert (again.paused, again.tags, again.global_concurrency_limit, again.schedules) == (False, [], None, [])
    for bad in ("abc", ""):
        with pytest.raises(ValueError, match="Invalid deployment ID"):
            client.read_deployment(bad)
    for bad in ("etl", "a/b/c"):
        with pytest.raises(ValueError, match="Invalid deployment name format"):
            client.read_deployment_by_name(bad)


def test_the_client_changes_schedules(client, orchestrator) -> None:
    id = client.create_deployment(orchestrator.flow(), "d")
    (made,) = client.create_deployment_schedules(
        id, [(DAILY, True)], max_scheduled_runs=3, parameters={"a": 1}, slug="s"
    )
    assert (made.schedule, made.max_scheduled_runs, made.parameters, made.slug) == (DAILY, 3, {"a": 1}, "s")
    client.create_deployment_schedules(id, [DeploymentScheduleCreate(schedule=HOURLY)])
    client.update_deployment_schedule(id, made.id, active=False)
    client.update_deployment_schedule(id, made.id, schedule=HOURLY)
    changed = client.read_deployment_schedules(id)[0]
    assert (changed.active, changed.schedule, changed.slug) == (False, HOURLY, "s")
    client.delete_deployment_schedule(id, made.id)
    assert len(client.read_deployment_schedules(id)) == 1


def test_the_client_of_async_code_runs_deployments(orchestrator) -> None:
    asyncio.run(_run_deployments(orchestrator, PrefectClient(orchestrator.transport)))


async def _run_deployments(orchestrator: Any, client: PrefectClient) -> None:
    id = await client.create_deployment(orchestrator.flow(), "d", parameters={"x": 1})
    run = await client.create_flow_run_from_deployment(
        id, parameters={"y": 2}, tags={"t"}, name="n", idempotency_key="k", labels={"l": 1}
    )
    assert (run.parameters, run.tags, run.name, run.labels["l"]) == ({"x": 1, "y": 2}, ["t"], "n", 1)
    assert [found.id for found in await client.get_scheduled_flow_runs_for_deployments([id])] == [run.id]
    assert [found.id for found in await client.read_deployments(deployment_filter=DeploymentFilter())] == [id]
    await client.update_deployment(id, DeploymentUpdate(description="new"))
    assert (await client.read_deployment_by_name("flow/d")).description == "new"
    await client.delete_deployment(id)
    with pytest.raises(ObjectNotFound):
        await client.read_deployment(id)
