"""Answers about assets: which there are, and which were made from which."""

from pydantic import Field

from prefect._contract.base import Moment, PrefectBaseModel

__all__ = ["AssetGraph", "AssetLink", "KnownAsset"]


class KnownAsset(PrefectBaseModel):
    """
    An asset, as events tell of it.

    Args:
        key: Where it is, as a URI.
        name: What it is called.
        url: Where it can be looked at.
        description: What it is.
        owners: Whom to ask.
        materialized_by: What makes it, if the task only drives it.
        last_told: When an event told of it last.
        last_materialized: When it was last made, or was to be; None if it is only read.
        last_succeeded: Whether that succeeded.
        flow_run_id: The flow run that did so, as text.
    """

    key: str
    name: str | None = None
    url: str | None = None
    description: str | None = None
    owners: list[str] = Field(default_factory=list)
    materialized_by: str | None = None
    last_told: Moment
    last_materialized: Moment | None = None
    last_succeeded: bool | None = None
    flow_run_id: str | None = None


class AssetLink(PrefectBaseModel):
    """
    That an asset was made from another one.

    Args:
        upstream: The key of what was read.
        downstream: The key of what was made.
        last_told: When an event told of it last.
    """

    upstream: str
    downstream: str
    last_told: Moment


class AssetGraph(PrefectBaseModel):
    """
    Assets, and which were made from which.

    Args:
        assets: The assets, by key.
        links: The links among them.
        is_complete: Whether all events that are kept were looked at, and not only the latest.
    """

    assets: list[KnownAsset]
    links: list[AssetLink]
    is_complete: bool = True
