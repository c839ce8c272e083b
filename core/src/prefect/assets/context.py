"""What a task run has to do with assets: which it makes, from which others, and what is told of that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from prefect.assets.core import MAX_ASSET_DESCRIPTION_LENGTH, Asset
from prefect.context import ContextModel, FlowRunContext, TaskRunContext

if TYPE_CHECKING:
    from typing_extensions import Self

    from prefect._contract.state import State
    from prefect.tasks import Task

__all__ = ["AssetContext"]

Labels = dict[str, str]


@dataclass(kw_only=True, eq=False)
class AssetContext(ContextModel):
    """
    The assets of the current task run. `AssetContext.get()` inside a task.

    Args:
        direct_asset_dependencies: What the task says that it reads: its `asset_deps`.
        downstream_assets: What it makes.
        upstream_assets: What the task runs have made, or read, that it depends on.
        materialized_by: What makes them in truth, if the task only drives it.
        task_run_id: The task run.
        materialization_metadata: What the run says of the assets that it makes, by their keys.
        copy_to_child_ctx: Whether it was made for a task run that begins elsewhere: see `prefect.context.hydrated_context`.
    """

    __var__: ClassVar[ContextVar[Any]] = ContextVar("assets")

    direct_asset_dependencies: set[Asset] = field(default_factory=set)
    downstream_assets: set[Asset] = field(default_factory=set)
    upstream_assets: set[Asset] = field(default_factory=set)
    materialized_by: str | None = None
    task_run_id: UUID | None = None
    materialization_metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    copy_to_child_ctx: bool = False

    @classmethod
    def get(cls) -> Self | None:
        """The context of the current task run, made when it is first asked for; None outside of any."""
        entered, run = super().get(), TaskRunContext.get()
        if run is None or (entered is not None and entered.task_run_id == run.task_run.id):
            return entered
        if not run.asset_contexts:
            run.asset_contexts.append(
                cls.from_task_and_inputs(run.task, run.task_run.id, dict(run.task_run.task_inputs))
            )
        found: Self = run.asset_contexts[0]
        return found

    @classmethod
    def from_task_and_inputs(
        cls,
        task: Task[Any, Any],
        task_run_id: UUID,
        task_inputs: Mapping[str, Any] | None = None,
        copy_to_child_ctx: bool = False,
    ) -> Self:
        """
        What a run of a task has to do with assets.

        Args:
            task: The task.
            task_run_id: Its run.
            task_inputs: What the run depends on, as `TaskRun.task_inputs` has it.
            copy_to_child_ctx: Whether this is made for a task run that begins elsewhere.
        """
        context = FlowRunContext.get()
        known = {} if context is None else context.task_run_assets
        inputs = [each for found in (task_inputs or {}).values() for each in found]
        return cls(
            direct_asset_dependencies=set(task.asset_deps),
            downstream_assets=set(getattr(task, "assets", ())),
            upstream_assets={asset for each in inputs for asset in known.get(getattr(each, "id", None), ())},  # type: ignore[arg-type]
            materialized_by=getattr(task, "materialized_by", None),
            task_run_id=task_run_id,
            copy_to_child_ctx=copy_to_child_ctx,
        )

    def add_asset_metadata(self, asset_key: str, metadata: dict[str, Any]) -> None:
        """
        Say more of an asset that is made.

        Args:
            asset_key: Its key.
            metadata: JSON values by name. Said again, a name has the later value.

        Raises:
            ValueError: The task does not make this asset.
        """
        made = sorted(asset.key for asset in self.downstream_assets)
        if asset_key not in made:
            raise ValueError(
                f"Can only add metadata to assets that are arguments to @materialize. {asset_key!r} is not among those of "
                f"this task: {', '.join(made) or 'it has none'}."
            )
        self.materialization_metadata.setdefault(asset_key, {}).update(metadata)

    @staticmethod
    def asset_as_resource(asset: Asset) -> Labels:
        """An asset as the resource of an event."""
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

    @staticmethod
    def asset_as_related(asset: Asset) -> Labels:
        """An asset from which others were made, as a resource that is related to an event."""
        return {"prefect.resource.id": asset.key, "prefect.resource.role": "asset"}

    @staticmethod
    def related_materialized_by(by: str) -> Labels:
        """What makes assets in truth, as a resource that is related to an event."""
        return {"prefect.resource.id": by, "prefect.resource.role": "asset-materialized-by"}

    def emit_events(self, state: State[Any]) -> None:
        """
        Emit what the task run has read and made, once it has ended. What was made before, and is cached, is not made again.

        Args:
            state: How the run has ended.
        """
        from prefect.events.utilities import emit_event

        if not self.downstream_assets or state.name == "Cached" or not (state.is_completed() or state.is_failed()):
            return
        read = _in_order(self.upstream_assets | self.direct_asset_dependencies)
        for asset in read:
            emit_event("prefect.asset.referenced", resource=self.asset_as_resource(asset), related=[])
        related = [self.asset_as_related(asset) for asset in read]
        if self.materialized_by is not None:
            related.append(self.related_materialized_by(self.materialized_by))
        status = "succeeded" if state.is_completed() else "failed"
        for asset in _in_order(self.downstream_assets):
            emit_event(
                f"prefect.asset.materialization.{status}",
                resource=self.asset_as_resource(asset),
                related=related,
                payload=self.materialization_metadata.get(asset.key, {}),
            )

    def update_tracked_assets(self) -> None:
        """Have those that depend on the task run in the same flow run know of its assets: what it makes, or else reads."""
        context = FlowRunContext.get()
        assets = self.downstream_assets or (self.upstream_assets | self.direct_asset_dependencies)
        if context is not None and self.task_run_id is not None and assets:
            context.task_run_assets[self.task_run_id] = _in_order(assets)

    def serialize(self, include_secrets: bool = True) -> dict[str, Any]:
        """The fields as JSON values; of the metadata nothing, which is said where the run is."""
        fields = {
            name: [asset.model_dump(mode="json", exclude_none=True) for asset in _in_order(getattr(self, name))]
            for name in ("direct_asset_dependencies", "downstream_assets", "upstream_assets")
        }
        run = None if self.task_run_id is None else str(self.task_run_id)
        return {
            **fields,
            "materialized_by": self.materialized_by,
            "task_run_id": run,
            "copy_to_child_ctx": self.copy_to_child_ctx,
        }


def _in_order(assets: set[Asset]) -> list[Asset]:
    return sorted(assets, key=lambda asset: asset.key)
