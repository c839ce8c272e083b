"""Assets: data that tasks make or read, and where it came from."""

from prefect.assets.core import Asset, AssetProperties, add_asset_metadata
from prefect.assets.materialize import materialize  # the function, and no longer the module

__all__ = ["Asset", "AssetProperties", "add_asset_metadata", "materialize"]
