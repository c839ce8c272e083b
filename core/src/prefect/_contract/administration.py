"""What belongs to the orchestrator itself."""

from typing import Any
from uuid import UUID

from pydantic import Field

from prefect._contract.base import Moment, ObjectBaseModel, PrefectBaseModel

__all__ = [
    "Configuration",
    "CsrfToken",
    "SavedSearch",
    "SavedSearchFilter",
    "ServerDefaultResultStorage",
    "ServerDefaultResultStorageUpdate",
]


class Configuration(ObjectBaseModel):
    """A value that the orchestrator keeps for itself."""

    key: str
    value: dict[str, Any]


class SavedSearchFilter(PrefectBaseModel):
    """One condition of a saved search."""

    object: str
    property: str
    type: str
    operation: str
    value: Any


class SavedSearch(ObjectBaseModel):
    """A named set of filters, as a user interface keeps it."""

    name: str
    filters: list[SavedSearchFilter] = Field(default_factory=list)


class CsrfToken(ObjectBaseModel):
    """Proves to the server that a request comes from its own pages or from a client."""

    token: str
    client: str
    expiration: Moment


class ServerDefaultResultStorage(PrefectBaseModel):
    """The storage block that results are kept in unless a flow says otherwise."""

    default_result_storage_block_id: UUID | None = None


class ServerDefaultResultStorageUpdate(PrefectBaseModel):
    """Sets the storage block that results are kept in by default."""

    default_result_storage_block_id: UUID
