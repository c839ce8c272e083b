"""What the models of the contract have in common, and the rules that single ones have."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest
from pydantic import ValidationError

from prefect._contract import actions, filters, responses
from prefect._contract.actions import as_state_create
from prefect._contract.artifacts import FlowRunInput
from prefect._contract.base import ActionBaseModel, FilterBaseModel, PrefectBaseModel
from prefect._contract.blocks import BlockDocument
from prefect._contract.concurrency import ConcurrencyOptions
from prefect._contract.objects import (
    Constant,
    Flow,
    FlowRun,
    FlowRunPolicy,
    FlowRunResult,
    Parameter,
    TaskRun,
    TaskRunPolicy,
    TaskRunResult,
)
from prefect._contract.state import State, StateDetails
from prefect._contract.work_pools import WorkerMetadata, WorkPool, WorkPoolStatus, WorkQueueHealthPolicy
from prefect.schedules import Cron, Interval, RRule, Schedule

ALL_ACTIONS = [getattr(actions, name) for name in actions.__all__]
ACTIONS = [model for model in ALL_ACTIONS if isinstance(model, type) and issubclass(model, PrefectBaseModel)]
OPEN = {"FilterSet", "TaskWorkerFilter"}
FILTERS = [getattr(filters, name) for name in filters.__all__ if "Filter" in name and name not in OPEN]
ANSWERS = [
    model
    for model in (getattr(responses, name) for name in responses.__all__)
    if isinstance(model, type) and issubclass(model, PrefectBaseModel)
]


@pytest.mark.parametrize("model", ACTIONS + FILTERS, ids=lambda model: model.__name__)
def test_requests_refuse_fields_that_they_do_not_know(model):
    assert issubclass(model, (ActionBaseModel, FilterBaseModel))
    with pytest.raises(ValidationError, match="invented"):
        model.model_validate({"invented": 1})


@pytest.mark.parametrize("model", ANSWERS, ids=lambda model: model.__name__)
def test_answers_ignore_fields_that_they_do_not_know(model):
    assert model.model_config["extra"] == "ignore"


@pytest.mark.parametrize("model", [*ACTIONS, *FILTERS, *ANSWERS, FlowRun, TaskRun], ids=lambda model: model.__name__)
def test_every_model_has_a_schema(model):
    model.model_json_schema()


def test_durations_are_numbers_of_seconds_on_the_wire():
    run = FlowRun(flow_id=uuid4(), total_run_time=timedelta(seconds=1.5))
    assert json.loads(run.model_dump_json())["total_run_time"] == 1.5
    assert FlowRun.model_validate_json(run.model_dump_json()).total_run_time == timedelta(seconds=1.5)


def test_moments_are_utc_when_they_do_not_say_otherwise():
    run = FlowRun(flow_id=uuid4(), start_time="2020-01-01T00:00:00", end_time="2020-01-01T02:00:00+02:00")
    assert run.start_time == run.end_time == datetime(2020, 1, 1, tzinfo=timezone.utc)


def test_runs_without_a_name_get_one():
    names = {FlowRun(flow_id=uuid4()).name, FlowRun(flow_id=uuid4(), name="").name, FlowRun(flow_id=uuid4()).name}
    assert all("-" in name for name in names)
    assert TaskRun(task_key="a", dynamic_key="0", name="given").name == "given"


def test_lists_are_validated_item_by_item():
    flows = Flow.model_validate_list([{"name": "a"}, {"name": "b"}])
    assert [flow.name for flow in flows] == ["a", "b"]
    with pytest.raises(ValidationError):
        Flow.model_validate_list([{"name": "a/b"}])


def test_superseded_retry_fields_are_read():
    assert FlowRunPolicy(max_retries=2, retry_delay_seconds=5).retries == 2
    assert TaskRunPolicy(max_retries=2, retry_delay_seconds=5).retry_delay == 5
    assert FlowRunPolicy().retries is None
    assert FlowRunPolicy(max_retries=2, retries=1).retries == 1


def test_retry_delays_are_bounded():
    TaskRunPolicy(retry_delay=[1] * 50)
    with pytest.raises(ValidationError, match="more than 50 retry delays per task. These are 51"):
        TaskRunPolicy(retry_delay=[1] * 51)
    with pytest.raises(ValidationError, match="must be >= 0"):
        TaskRunPolicy(retry_jitter_factor=-0.5)


def test_parameters_are_bounded_in_size():
    actions.FlowRunCreate(flow_id=uuid4(), parameters={"x": "y" * 524_000})
    with pytest.raises(ValidationError, match="less than 524,288 bytes when serialized"):
        actions.FlowRunCreate(flow_id=uuid4(), parameters={"x": "y" * 525_000})
    with pytest.raises(ValidationError, match="less than 524,288 bytes when serialized"):
        actions.FlowRunUpdate(parameters={"x": "y" * 525_000})


def test_cache_keys_are_bounded_in_length():
    with pytest.raises(ValidationError, match="2000"):
        actions.TaskRunCreate(task_key="a", dynamic_key="0", cache_key="x" * 2001)


@pytest.mark.parametrize(
    "make",
    [
        lambda: actions.VariableCreate(name="A b", value=1),
        lambda: actions.VariableCreate(name="x" * 256, value=1),
        lambda: actions.VariableCreate(name="a", value=object()),
        lambda: actions.VariableUpdate(name="A b"),
        lambda: actions.ArtifactCreate(key="Not_a-key"),
        lambda: actions.BlockTypeCreate(name="a", slug="Not a slug"),
        lambda: actions.BlockTypeCreate(name="a", slug="a", logo_url="no url"),
        lambda: actions.BlockDocumentCreate(block_schema_id=uuid4(), block_type_id=uuid4()),
        lambda: actions.BlockDocumentCreate(block_schema_id=uuid4(), block_type_id=uuid4(), name="A_b"),
        lambda: actions.GlobalConcurrencyLimitCreate(name="a/b", limit=1),
        lambda: actions.GlobalConcurrencyLimitCreate(name="a", limit=-1),
        lambda: actions.ConcurrencyLimitV2Create(name="a", limit=1, slot_decay_per_second=-1),
        lambda: actions.WorkPoolCreate(name=" "),
        lambda: actions.WorkQueueCreate(name="a", priority=0),
        lambda: actions.DeploymentCreate(name="a/b", flow_id=uuid4()),
        lambda: actions.DeploymentScheduleCreate(schedule={"cron": "* * * * *"}, max_scheduled_runs=0),
        lambda: ConcurrencyOptions(collision_strategy="ENQUEUE", grace_period_seconds=10),
        lambda: FlowRunInput(flow_run_id=uuid4(), key="a b", value="1"),
        lambda: BlockDocument(block_schema_id=uuid4(), block_type_id=uuid4()),
        lambda: Flow(name="a/b"),
    ],
)
def test_what_breaks_a_rule_is_refused(make):
    with pytest.raises(ValidationError):
        make()


def test_anonymous_block_documents_need_no_name():
    assert BlockDocument(block_schema_id=uuid4(), block_type_id=uuid4(), is_anonymous=True).name is None


def test_labels_that_are_null_are_none():
    assert actions.FlowRunCreate(flow_id=uuid4(), labels=None).labels == {}


def test_labels_keep_their_types():
    labels = {"a": True, "b": 1, "c": 1.5, "d": "x"}
    flow = Flow.model_validate_json(Flow(name="f", labels=labels).model_dump_json())
    assert [type(value) for value in flow.labels.values()] == [bool, int, float, str]


def test_task_inputs_keep_their_kinds():
    inputs = {"x": [{"input_type": "flow_run", "id": str(uuid4())}, {"input_type": "parameter", "name": "p"}]}
    run = TaskRun(task_key="a", dynamic_key="0", task_inputs=inputs)
    assert [type(given).__name__ for given in run.task_inputs["x"]] == ["FlowRunResult", "Parameter"]


@pytest.mark.parametrize("options", [{}, {"exclude_unset": True}])
def test_task_inputs_keep_their_kinds_however_they_are_sent(options):
    given = [FlowRunResult(id=uuid4()), TaskRunResult(id=uuid4()), Parameter(name="p"), Constant(type="int")]
    request = actions.TaskRunCreate(task_key="a", dynamic_key="0", task_inputs={"x": given})
    again = actions.TaskRunCreate.model_validate_json(request.model_dump_json(**options))
    assert again.task_inputs["x"] == given
    assert {*given} == {*again.task_inputs["x"]}


def test_a_log_tells_its_worker_only_when_there_is_one():
    log = actions.LogCreate(name="a", level=20, message="m", timestamp="2020-01-01T00:00:00")
    assert "worker_id" not in log.model_dump()
    assert "worker_id" in log.model_copy(update={"worker_id": uuid4()}).model_dump()


class Record:
    """Like a result with its value at hand."""

    def __init__(self, metadata: object) -> None:
        self.metadata = metadata
        self.result = "secret"


METADATA = {"storage_key": "k"}


@pytest.mark.parametrize(("data", "sent"), [(METADATA, METADATA), (Record(METADATA), METADATA), ("value", None)])
def test_of_a_states_data_only_the_whereabouts_of_a_stored_result_are_sent(data, sent):
    state = State(type="COMPLETED", message="m", data=data, state_details=StateDetails(cache_key="k"))
    request = as_state_create(state)
    assert (request.type, request.name, request.message) == (state.type, "Completed", "m")
    assert request.state_details == state.state_details
    assert request.data == sent
    assert as_state_create(request) is request


@pytest.mark.parametrize(
    ("schedule", "kind"),
    [
        (Interval(60, timezone="Europe/Berlin", slug="s"), "IntervalSchedule"),
        (Cron("0 9 * * *", day_or=False, active=False), "CronSchedule"),
        (RRule("FREQ=DAILY", parameters={"x": 1}), "RRuleSchedule"),
        (Schedule(), "NoSchedule"),
    ],
)
def test_schedules_as_users_write_them_become_requests(schedule, kind):
    request = actions.DeploymentScheduleCreate.from_schedule(schedule)
    assert type(request.schedule).__name__ == kind
    assert (request.active, request.slug, request.parameters) == (schedule.active, schedule.slug, schedule.parameters)
    again = actions.DeploymentScheduleCreate.model_validate_json(request.model_dump_json())
    assert type(again.schedule).__name__ == kind


def test_work_pools_know_their_kind():
    assert WorkPool(name="a", type="ecs:push").is_push_pool
    assert WorkPool(name="a", type="x:managed").is_managed_pool
    assert not WorkPool(name="a", type="process").is_push_pool
    assert [status.display_name for status in WorkPoolStatus] == ["Ready", "Not ready", "Paused"]


def test_workers_may_tell_more_than_is_declared():
    assert WorkerMetadata.model_validate({"integrations": [], "kernel": "6.1"}).model_dump()["kernel"] == "6.1"


@pytest.mark.parametrize(("late", "age", "healthy"), [(0, 59, True), (0, 61, False), (1, 0, False), (0, None, False)])
def test_a_work_queue_is_healthy_when_it_is_polled_and_nothing_is_late(late, age, healthy):
    polled = None if age is None else datetime.now(timezone.utc) - timedelta(seconds=age)
    assert WorkQueueHealthPolicy().evaluate_health_status(late, polled) is healthy


def test_a_policy_without_limits_is_always_met():
    policy = WorkQueueHealthPolicy(maximum_late_runs=None, maximum_seconds_since_last_polled=None)
    assert policy.evaluate_health_status(9, None)


def test_updatable_fields_are_those_of_the_update():
    assert actions.BlockTypeUpdate.updatable_fields() == {
        "logo_url",
        "documentation_url",
        "description",
        "code_example",
    }


def test_an_input_is_decoded():
    assert FlowRunInput(flow_run_id=uuid4(), key="k", value='{"a": 1}').decoded_value == {"a": 1}
