"""The graph of assets: an addition to the public REST contract."""

from __future__ import annotations

from prefect._contract.assets import AssetGraph
from prefect._contract.call import Call

__all__ = ["read_asset_graph"]


def read_asset_graph(key: str | None = None) -> Call[AssetGraph]:
    """
    Read which assets there are, and which were made from which, as the events that are kept tell.

    Args:
        key: Only this asset, and all that it was made from or that was made from it, through others too.
    """
    return Call("GET", "/assets/graph", AssetGraph, query={} if key is None else {"key": key})
