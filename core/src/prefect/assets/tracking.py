"""Lineage: which assets a task run has made, and from which others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from prefect.assets.context import AssetContext
from prefect.assets.core import Asset
from prefect.exceptions import MissingContextError

if TYPE_CHECKING:
    from prefect._contract.state import State

__all__ = ["add_metadata", "as_assets", "begin_tracking", "tell_of_assets"]


def as_assets(given: Iterable[str | Asset]) -> list[Asset]:
    """Assets, of which some were given by their keys."""
    return [Asset(key=each) if isinstance(each, str) else each for each in given]


def add_metadata(key: str, metadata: dict[str, Any]) -> None:
    """Remember what the current task run says of an asset that it makes: see `add_asset_metadata`."""
    context = AssetContext.get()
    if context is None:
        raise MissingContextError("add_asset_metadata must be called within a task that materializes the asset.")
    context.add_asset_metadata(key, metadata)


def begin_tracking() -> None:
    """Note what the current task run reads and makes, for those that depend on it in the same flow run."""
    context = AssetContext.get()
    if context is not None:
        context.update_tracked_assets()


def tell_of_assets(state: State[Any]) -> None:
    """Emit what the current task run has read and made."""
    context = AssetContext.get()
    if context is not None:
        context.emit_events(state)
