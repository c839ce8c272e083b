"""What is told of the tasks of flow runs, as events. Functions of the JSON that ECS gives, and of nothing else."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid5

from prefect.events.related import labels_as_related_resources
from prefect.events.schemas.events import Event
from prefect_aws.ecs.tasks import ending_of

__all__ = ["change_in", "container_of", "environment_of", "event_of", "run_of"]

Task = dict[str, Any]

_CHANGE = "ECS Task State Change"
_NAMES = UUID("0d4cf6a5-6a0e-4a5f-9a35-3c1c0b5d3c0e")
"""The namespace of the ids of events: the same status of the same task is the same event, however often it is heard of."""


def change_in(body: str) -> Task | None:
    """
    The task whose change EventBridge tells; None if it tells something else.

    Args:
        body: The text of a message.

    Raises:
        ValueError: It is no event of EventBridge, or lacks what all changes of tasks have.
    """
    try:
        told = json.loads(body)
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error})") from None
    if not isinstance(told, dict) or "detail-type" not in told:
        raise ValueError("it is no event of EventBridge: there is no 'detail-type'")
    if told["detail-type"] != _CHANGE:
        return None
    task = told.get("detail")
    missing = [
        name for name in ("taskArn", "clusterArn", "lastStatus") if not (isinstance(task, dict) and task.get(name))
    ]
    if missing or not isinstance(task, dict):
        raise ValueError(f"its 'detail' has no {', '.join(map(repr, missing))}")
    return {"updatedAt": told.get("time"), **task}


def _labels(task: Task) -> dict[str, str]:
    return {str(tag.get("key")): str(tag.get("value")) for tag in task.get("tags") or ()}


def run_of(task: Task) -> UUID | None:
    """The flow run that a task executes; None if it executes none."""
    for told in (_labels(task).get("prefect.io/flow-run-id"), task.get("startedBy")):
        try:
            return UUID(str(told))
        except ValueError:
            continue
    return None


def _override(task: Task) -> dict[str, Any]:
    """What the container that executes the flow run was started with; empty if it is not known."""
    overrides = (task.get("overrides") or {}).get("containerOverrides") or []
    for each in overrides:
        if any(variable.get("name") == "PREFECT__FLOW_RUN_ID" for variable in each.get("environment") or ()):
            return dict(each)
    return dict(overrides[0]) if overrides else {}


def container_of(task: Task) -> str:
    """The name of the container that executes the flow run; empty if it is not known."""
    return str(_override(task).get("name") or "")


def environment_of(task: Task) -> dict[str, str]:
    """The environment variables with which that container was started, as far as ECS tells them."""
    return {each["name"]: each.get("value", "") for each in _override(task).get("environment") or ()}


def event_of(task: Task) -> Event:
    """The event of the status that a task has."""
    arn, status, run = str(task["taskArn"]), str(task["lastStatus"]), run_of(task)
    labels = _labels(task) if run is None else {"prefect.io/flow-run-id": str(run), **_labels(task)}
    said = {"desired_status": task.get("desiredStatus"), "stop_code": task.get("stopCode")}
    if status == "STOPPED":
        ending = ending_of(task, container_of(task))
        said |= {"reason": ending.reason, "exit_code": ending.exit_code}
    told: dict[str, Any] = {
        "event": f"prefect.ecs.task.{status.lower()}",
        "resource": {
            "prefect.resource.id": f"prefect.ecs.task.{arn.rpartition('/')[2]}",
            "prefect.resource.name": arn,
            "ecs.task-arn": arn,
            "ecs.cluster-arn": str(task["clusterArn"]),
            "ecs.task-definition-arn": str(task.get("taskDefinitionArn", "")),
        },
        "related": labels_as_related_resources(labels, "ecs"),
        "payload": {name: value for name, value in said.items() if value not in {None, ""}},
        "id": uuid5(_NAMES, f"{arn}:{status}"),
    }
    if task.get("updatedAt"):
        told["occurred"] = task["updatedAt"]
    return Event.model_validate(told)
