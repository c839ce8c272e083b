"""Which block types, schemas and documents are looked for."""

from uuid import UUID

from pydantic import Field

from prefect._contract.base import FilterBaseModel
from prefect._contract.filters.operators import OperatorMixin

__all__ = [
    "BlockDocumentFilter",
    "BlockDocumentFilterBlockTypeId",
    "BlockDocumentFilterId",
    "BlockDocumentFilterIsAnonymous",
    "BlockDocumentFilterName",
    "BlockSchemaFilter",
    "BlockSchemaFilterBlockTypeId",
    "BlockSchemaFilterCapabilities",
    "BlockSchemaFilterId",
    "BlockSchemaFilterVersion",
    "BlockTypeFilter",
    "BlockTypeFilterName",
    "BlockTypeFilterSlug",
]


class BlockTypeFilterName(FilterBaseModel):
    """Selects block types by their name."""

    like_: str | None = None


class BlockTypeFilterSlug(FilterBaseModel):
    """Selects block types by their slug."""

    any_: list[str] | None = None


class BlockTypeFilter(FilterBaseModel):
    """Selects block types."""

    name: BlockTypeFilterName | None = None
    slug: BlockTypeFilterSlug | None = None


class BlockSchemaFilterBlockTypeId(FilterBaseModel):
    """Selects block schemas by their block type."""

    any_: list[UUID] | None = None


class BlockSchemaFilterId(FilterBaseModel):
    """Selects block schemas by their id."""

    any_: list[UUID] | None = None


class BlockSchemaFilterCapabilities(FilterBaseModel):
    """Selects block schemas by the capabilities of the block."""

    all_: list[str] | None = None


class BlockSchemaFilterVersion(FilterBaseModel):
    """Selects block schemas by their version."""

    any_: list[str] | None = None


class BlockSchemaFilter(FilterBaseModel, OperatorMixin):
    """Selects block schemas."""

    block_type_id: BlockSchemaFilterBlockTypeId | None = None
    block_capabilities: BlockSchemaFilterCapabilities | None = None
    id: BlockSchemaFilterId | None = None
    version: BlockSchemaFilterVersion | None = None


def _not_anonymous() -> "BlockDocumentFilterIsAnonymous":
    return BlockDocumentFilterIsAnonymous(eq_=False)


class BlockDocumentFilterIsAnonymous(FilterBaseModel):
    """Selects block documents by whether they are anonymous."""

    eq_: bool | None = None


class BlockDocumentFilterBlockTypeId(FilterBaseModel):
    """Selects block documents by their block type."""

    any_: list[UUID] | None = None


class BlockDocumentFilterId(FilterBaseModel):
    """Selects block documents by their id."""

    any_: list[UUID] | None = None


class BlockDocumentFilterName(FilterBaseModel):
    """Selects block documents by their name."""

    any_: list[str] | None = None
    like_: str | None = None


class BlockDocumentFilter(FilterBaseModel, OperatorMixin):
    """Selects block documents."""

    id: BlockDocumentFilterId | None = None
    is_anonymous: BlockDocumentFilterIsAnonymous | None = Field(
        default_factory=_not_anonymous, json_schema_extra={"default": {"eq_": False}}
    )
    block_type_id: BlockDocumentFilterBlockTypeId | None = None
    name: BlockDocumentFilterName | None = None
