"""What is listed often, in the orders and by the filters that lists offer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints import (
    artifacts,
    deployments,
    events,
    flow_runs,
    flows,
    logs,
    states,
    task_runs,
    ui_flows,
    variables,
    work_pools,
    work_queues,
)
from prefect._contract.filters import DeploymentFilter, FlowFilter, FlowRunFilter, LogFilter, TaskRunFilter
from prefect._contract.filters.events import EventFilter
from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter
from prefect._contract.sorting import DeploymentSort, FlowRunSort, FlowSort, TaskRunSort
from prefect.utilities.time import UTC

__all__ = ["LISTS", "name_of"]

NOW, ID = datetime(2031, 1, 1, tzinfo=UTC), UUID("01900000-0000-7000-8000-000000000001")  # part of names of tests
FAILED = {"type": {"any_": ["FAILED"]}}

EVENTS: list[dict[str, Any]] = [
    {},
    {"order": "ASC"},
    {"event": {"name": ["a"]}},
    {"event": {"prefix": ["a."]}},
    {"resource": {"id": ["a"]}},
    {"resource": {"id_prefix": ["a."]}},
    {"resource": {"labels": {"prefect.resource.id": "a.*"}}},
    {"related": {"id": ["a"]}},
    {"related": {"labels": {"prefect.resource.id": ["a", "b.*"]}}},
    {"related": {"resources_in_roles": [("a", "b")]}},
    {"any_resource": {"id": ["a"]}},
    {"any_resource": {"id_prefix": ["a."]}},
    {"id": {"id": [ID]}},
]

LISTS: list[Call[Any]] = [
    *(
        events.read_events(EventFilter.model_validate({"occurred": {"since": NOW, "until": NOW}, **filters}))
        for filters in EVENTS
    ),
    *(flow_runs.read_flow_runs(sort=sort) for sort in FlowRunSort),
    *(flow_runs.read_flow_runs(sort=sort, flow_run_filter=FlowRunFilter(state=FAILED)) for sort in FlowRunSort),
    flow_runs.read_flow_runs(flow_filter=FlowFilter(name={"any_": ["f"]})),
    flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(id={"any_": [ID]})),
    flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["n"]})),
    flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(state={"name": {"any_": ["Late"]}})),
    flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(start_time={"after_": NOW})),
    flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(end_time={"after_": NOW})),
    flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(expected_start_time={"after_": NOW})),
    flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(parent_flow_run_id={"any_": [ID]})),
    flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(deployment_id={"any_": [ID]})),
    flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(idempotency_key={"any_": ["k"]})),
    flow_runs.read_flow_runs(task_run_filter=TaskRunFilter(id={"any_": [ID]})),
    flow_runs.paginate_flow_runs(page=3),
    flow_runs.flow_run_history(NOW, NOW + timedelta(hours=3), timedelta(hours=1)),
    *(
        task_runs.read_task_runs(sort=sort)
        for sort in TaskRunSort
        if sort != TaskRunSort.NEXT_SCHEDULED_START_TIME_ASC  # so few are scheduled that an index of all does not pay
    ),
    task_runs.read_task_runs(flow_run_filter=FlowRunFilter(id={"any_": [ID]})),
    task_runs.read_task_runs(task_run_filter=TaskRunFilter(flow_run_id={"any_": [ID]})),
    task_runs.read_task_runs(task_run_filter=TaskRunFilter(state=FAILED)),
    task_runs.read_task_runs(task_run_filter=TaskRunFilter(start_time={"after_": NOW})),
    task_runs.read_task_runs(flow_filter=FlowFilter(name={"any_": ["f"]})),
    task_runs.read_task_runs(flow_filter=FlowFilter(name={"any_": ["no such flow"]})),
    task_runs.read_task_runs(flow_filter=FlowFilter(name={"any_": ["no such flow"]}), sort=TaskRunSort.NAME_ASC),
    task_runs.read_task_runs(deployment_filter=DeploymentFilter(name={"any_": ["no such deployment"]})),
    task_runs.read_task_runs(flow_run_filter=FlowRunFilter(state={"name": {"any_": ["no such state"]}})),
    flow_runs.read_flow_runs(flow_filter=FlowFilter(name={"any_": ["no such flow"]}), sort=FlowRunSort.NAME_DESC),
    flow_runs.read_flow_runs(task_run_filter=TaskRunFilter(state={"type": {"any_": ["CRASHED"]}})),
    task_runs.count_task_runs(task_run_filter=TaskRunFilter(state=FAILED)),
    states.read_flow_run_states(ID),
    states.read_task_run_states(ID),
    logs.read_logs(LogFilter(flow_run_id={"any_": [ID]})),
    logs.read_logs(LogFilter(task_run_id={"any_": [ID]})),
    logs.read_logs(),
    artifacts.read_artifacts(),
    artifacts.read_latest_artifacts(),
    variables.read_variables(),
    *(flows.read_flows(sort=sort) for sort in FlowSort),
    flows.read_flows(deployment_filter=DeploymentFilter(name={"any_": ["d"]})),
    flow_runs.read_flow_runs(deployment_filter=DeploymentFilter(name={"any_": ["d"]})),
    flow_runs.read_flow_runs(work_pool_filter=WorkPoolFilter(name={"any_": ["p"]})),
    flow_runs.read_flow_runs(work_queue_filter=WorkQueueFilter(id={"any_": [ID]})),
    *(deployments.read_deployments(sort=sort) for sort in DeploymentSort if not sort.startswith("CONCURRENCY_LIMIT")),
    deployments.read_deployments(flow_filter=FlowFilter(name={"any_": ["f"]})),
    deployments.read_deployments(deployment_filter=DeploymentFilter(id={"any_": [ID]})),
    deployments.read_deployments(deployment_filter=DeploymentFilter(name={"any_": ["d"]})),
    deployments.read_deployments(flow_run_filter=FlowRunFilter(id={"any_": [ID]})),
    deployments.read_deployments(work_pool_filter=WorkPoolFilter(name={"any_": ["p"]})),
    deployments.read_deployments(work_queue_filter=WorkQueueFilter(name={"any_": ["q"]})),
    work_pools.read_work_pools(),
    work_queues.read_work_queues(),
    ui_flows.count_deployments_by_flow([ID]),
    ui_flows.read_next_runs_by_flow([ID]),
]


def name_of(call: Call[Any]) -> str:
    """The call, for people."""
    return f"{call.path} {call.body}"[:80]
