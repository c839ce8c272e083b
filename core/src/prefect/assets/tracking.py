"""Lineage: which assets a task run has made, and from which others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.assets.core import MAX_ASSET_DESCRIPTION_LENGTH, Asset
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import MissingContextError

if TYPE_CHECKING:
    from prefect._contract.objects import TaskRun
    from prefect._contract.state import State

__all__ = ["add_metadata", "as_assets", "begin_tracking", "tell_of_assets"]

Labels = dict[str, str]


def as_assets(given: Iterable[str | Asset]) -> list[Asset]:
    """Assets, of which some were given by their keys."""
    return [Asset(key=each) if isinstance(each, str) else each for each in given]


def add_metadata(key: str, metadata: Mapping[str, Any]) -> None:
    """Remember what the current task run says of an asset that it makes: see `add_asset_metadata`."""
    context = TaskRunContext.get()
    if context is None:
        raise MissingContextError("add_asset_metadata must be called within a task that materializes the asset.")
    made = [asset.key for asset in getattr(context.task, "assets", ())]
    if key not in made:
        raise ValueError(
            f"Can only add metadata to assets that are arguments to @materialize. {key!r} is not among those of the task "
            f"'{context.task.name}': {', '.join(made) or 'it has none'}."
        )
    context.asset_metadata.setdefault(key, {}).update(metadata)


def begin_tracking(task: Any, run: TaskRun, context: FlowRunContext | None) -> None:
    """Note what a task run reads and makes, for those that depend on it in the same flow run."""
    made, read = list(getattr(task, "assets", ())), upstream_of(task, run, context)
    if context is not None and (made or read):
        context.task_run_assets[run.id] = made or read


def upstream_of(task: Any, run: TaskRun, context: FlowRunContext | None) -> list[Asset]:
    """What a task run reads: what the runs that it depends on have made, and what its task says."""
    known: Mapping[UUID, list[Asset]] = {} if context is None else context.task_run_assets
    inputs = [each for found in run.task_inputs.values() for each in found]
    through_runs = [asset for each in inputs for asset in known.get(getattr(each, "id", None), ())]  # type: ignore[arg-type]
    return list(dict.fromkeys([*through_runs, *task.asset_deps]))


def tell_of_assets(
    task: Any,
    run: TaskRun,
    state: State[Any],
    context: FlowRunContext | None,
    metadata: Mapping[str, dict[str, Any]],
) -> None:
    """
    Emit what a task run has read and made, once it has ended. What was made before, and is cached, is not made again.

    Args:
        task: The task.
        run: Its run.
        state: How that ended.
        context: The flow run that it belongs to.
        metadata: What the run says of the assets that it makes, by their keys.
    """
    from prefect.events.utilities import emit_event

    made = list(getattr(task, "assets", ()))
    if not made or state.name == "Cached" or not (state.is_completed() or state.is_failed()):
        return
    read = upstream_of(task, run, context)
    for asset in read:
        emit_event("prefect.asset.referenced", resource=_described(asset), related=[])
    related = [{"prefect.resource.id": asset.key, "prefect.resource.role": "asset"} for asset in read]
    if task.materialized_by is not None:
        related.append({"prefect.resource.id": task.materialized_by, "prefect.resource.role": "asset-materialized-by"})
    status = "succeeded" if state.is_completed() else "failed"
    for asset in made:
        emit_event(
            f"prefect.asset.materialization.{status}",
            resource=_described(asset),
            related=related,
            payload=metadata.get(asset.key, {}),
        )


def _described(asset: Asset) -> Labels:
    labels = {"prefect.resource.id": asset.key}
    properties = asset.properties
    if properties is None:
        return labels
    if properties.name is not None:
        labels["prefect.resource.name"] = properties.name
    if properties.description is not None:
        labels["prefect.asset.description"] = properties.description[:MAX_ASSET_DESCRIPTION_LENGTH]
    if properties.url is not None:
        labels["prefect.asset.url"] = properties.url
    if properties.owners is not None:
        labels["prefect.asset.owners"] = json.dumps(properties.owners)
    return labels
