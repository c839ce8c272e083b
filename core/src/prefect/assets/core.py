"""Assets: data that tasks make or read, known by where it is."""

from typing import Any, ClassVar, Union

from pydantic import ConfigDict, Field

from prefect._contract.base import PrefectBaseModel
from prefect.types import ValidAssetKey

__all__ = ["MAX_ASSET_DESCRIPTION_LENGTH", "Asset", "AssetProperties", "add_asset_metadata"]

MAX_ASSET_DESCRIPTION_LENGTH = 2500


class AssetProperties(PrefectBaseModel):
    """
    What people want to know of an asset.

    Args:
        name: What it is called.
        url: Where it can be looked at.
        description: What it is; a longer one is cut at 2500 characters.
        owners: Whom to ask.
    """

    name: Union[str, None] = Field(default=None, description="What it is called.")
    url: Union[str, None] = Field(default=None, description="Where it can be looked at.")
    description: Union[str, None] = Field(default=None, description="What it is.")
    owners: Union[list[str], None] = Field(default=None, description="Whom to ask.")


class Asset(PrefectBaseModel):
    """
    Data that tasks make or read.

        orders = Asset(key="postgres://db/orders", properties=AssetProperties(owners=["sales"]))

    Args:
        key: Where it is, as a URI. Assets with the same key are the same.
        properties: What people want to know of it.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    key: ValidAssetKey
    properties: Union[AssetProperties, None] = Field(default=None, description="What people want to know of it.")

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Asset) else NotImplemented

    def __repr__(self) -> str:
        return f"Asset(key={self.key!r})"

    def add_metadata(self, metadata: dict[str, Any]) -> None:
        """
        Say more of what the current task run makes of it: see `add_asset_metadata`.

        Args:
            metadata: JSON values by name.
        """
        add_asset_metadata(self, metadata)


def add_asset_metadata(asset: Union[str, Asset], metadata: dict[str, Any]) -> None:
    """
    Say more of what the current task run makes of an asset. It is told with the materialization.

    Args:
        asset: The asset, or its key.
        metadata: JSON values by name. Said again, a name has the later value.

    Raises:
        prefect.exceptions.MissingContextError: The caller is not in a task run.
        ValueError: The task does not make this asset.
    """
    from prefect.assets.tracking import add_metadata

    add_metadata(asset if isinstance(asset, str) else asset.key, metadata)
