"""What else is involved in an event: the run that emits it, and what that belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from prefect._contract.events import RelatedResource
from prefect.client.base import ask, through
from prefect.exceptions import ObjectNotFound
from prefect.utilities.dual import Steps, adrive
from prefect.utilities.slugify import slugify

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient

__all__ = [
    "labels_as_related_resources",
    "object_as_related_resource",
    "place_of",
    "related_resources_from_run_context",
    "related_to_runs",
    "runs_of_context",
    "tags_as_related_resources",
]

_LABELLED = ("flow-run", "deployment", "flow", "work-pool")

Runs = tuple[Any, ...]
"""What `runs_of_context` found: it is known where an event is emitted, and the rest is asked for where it is sent."""


def tags_as_related_resources(tags: Iterable[str]) -> list[RelatedResource]:
    """Tags, as related resources."""
    return [
        RelatedResource({"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"})
        for tag in sorted(set(tags))
    ]


def object_as_related_resource(kind: str, role: str, object: Any) -> RelatedResource:
    """
    A record, as a related resource.

    Args:
        kind: What it is: `flow-run`.
        role: As what it is involved.
        object: The record; it has an id, and may have a name.
    """
    return _resource(kind, role, object.id, getattr(object, "name", None))


def labels_as_related_resources(labels: Mapping[str, str], worker_type: str) -> list[RelatedResource]:
    """
    What infrastructure belongs to, by the labels that workers give it: `prefect.io/flow-run-id` and so on.

    Args:
        labels: The labels, or tags, of the infrastructure.
        worker_type: The type of the worker that has started it.
    """
    found = [
        _resource(kind, kind, labels[f"prefect.io/{kind}-id"], labels.get(f"prefect.io/{kind}-name"))
        for kind in _LABELLED
        if f"prefect.io/{kind}-id" in labels
    ]
    worker = labels.get("prefect.io/worker-name")
    if worker is not None:
        found.append(_resource(f"worker.{worker_type}", "worker", slugify(worker), worker))
    return found


def _resource(kind: str, role: str, identifier: object, name: str | None, **labels: str) -> RelatedResource:
    named = {} if name is None else {"prefect.resource.name": name}
    ids = {"prefect.resource.id": f"prefect.{kind}.{identifier}", "prefect.resource.role": role}
    return RelatedResource({**ids, **named, **labels})


def runs_of_context() -> Runs:
    """The flow run, its flow's name and the task run that this code is in."""
    from prefect.context import FlowRunContext, TaskRunContext

    flow_context, task_context = FlowRunContext.get(), TaskRunContext.get()
    flow_run = flow_context.flow_run if flow_context is not None else None
    flow = flow_context.flow if flow_context is not None else None
    task_run = task_context.task_run if task_context is not None else None
    if flow_run is None and task_run is None:
        return ()
    return flow_run, flow.name if flow is not None else None, task_run


def related_to_runs(runs: Runs, exclude: Iterable[str] = (), known: dict[Any, Any] | None = None) -> Steps[Any]:
    """
    What is involved in an event that runs emit: they, the flow, the deployment, where they wait, their tags.

    Args:
        runs: See `runs_of_context`.
        exclude: Ids of resources to leave out.
        known: What was asked for before, to be asked for once.

    Returns:
        A list of related resources.
    """
    if not runs:
        return []
    flow_run, flow_name, task_run = runs
    found: list[RelatedResource] = []
    if flow_run is not None:
        found.append(object_as_related_resource("flow-run", "flow-run", flow_run))
    if task_run is not None:
        found.append(object_as_related_resource("task-run", "task-run", task_run))
    if flow_run is not None:
        found.append(_resource("flow", "flow", flow_run.flow_id, flow_name))
        found += yield from _place(runs, {} if known is None else known)
    tags = {tag for run in (flow_run, task_run) if run is not None for tag in run.tags}
    excluded = set(exclude)
    return [each for each in [*found, *tags_as_related_resources(tags)] if each.id not in excluded]


def place_of(runs: Runs) -> tuple[UUID | None, UUID | None]:
    """The ids of the deployment of runs and of the queue in which they waited: under these, it is known what was asked for."""
    flow_run = runs[0] if runs else None
    return (None, None) if flow_run is None else (flow_run.deployment_id, flow_run.work_queue_id)


def _place(runs: Runs, known: dict[Any, Any]) -> Steps[list[RelatedResource]]:
    """The deployment of a flow run, and the queue and the pool in which it waited."""
    place = place_of(runs)
    if place not in known:
        known[place] = yield from _read_place(*place)
    return list(known[place])


def _read_place(deployment_id: UUID | None, work_queue_id: UUID | None) -> Steps[list[RelatedResource]]:
    from prefect._contract.endpoints import deployments, work_pools, work_queues

    found = []
    try:
        if deployment_id is not None:
            deployment = yield from ask(deployments.read_deployment(deployment_id))
            found.append(object_as_related_resource("deployment", "deployment", deployment))
        if work_queue_id is not None:
            queue = yield from ask(work_queues.read_work_queue(work_queue_id))
            found.append(object_as_related_resource("work-queue", "work-queue", queue))
            pool = yield from ask(work_pools.read_work_pool(queue.work_pool_name or ""))
            labels = {"prefect.work-pool.type": pool.type}
            found.append(_resource("work-pool", "work-pool", pool.id, pool.name, **labels))
    except ObjectNotFound:  # it was deleted while it ran
        pass
    return found


async def related_resources_from_run_context(
    client: PrefectClient, exclude: set[str] | None = None
) -> list[RelatedResource]:
    """
    What is involved in an event that the current run emits.

    Args:
        client: Asks for what the run does not know of itself.
        exclude: Ids of resources to leave out.
    """
    found: list[RelatedResource] = await adrive(
        through(client.transport, related_to_runs(runs_of_context(), exclude or ()))
    )
    return found
