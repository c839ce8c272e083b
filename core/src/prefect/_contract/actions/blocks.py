"""Requests that make or change block types, schemas and documents."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import Field, model_validator

from prefect._contract.base import ActionBaseModel
from prefect._contract.blocks import DEFAULT_BLOCK_SCHEMA_VERSION, PageUrl, require_name_unless_anonymous
from prefect.types.names import BlockDocumentName, BlockTypeSlug, Name
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "BlockDocumentCreate",
    "BlockDocumentReferenceCreate",
    "BlockDocumentUpdate",
    "BlockSchemaCreate",
    "BlockTypeCreate",
    "BlockTypeUpdate",
]


class BlockTypeCreate(ActionBaseModel):
    """Asks for a block type."""

    name: Name
    slug: BlockTypeSlug
    logo_url: PageUrl | None = None
    documentation_url: PageUrl | None = None
    description: str | None = None
    code_example: str | None = None


class BlockTypeUpdate(ActionBaseModel):
    """Changes a block type."""

    logo_url: PageUrl | None = None
    documentation_url: PageUrl | None = None
    description: str | None = None
    code_example: str | None = None

    @classmethod
    def updatable_fields(cls) -> set[str]:
        """The names of the fields that can be changed."""
        return set(cls.model_fields)


class BlockSchemaCreate(ActionBaseModel):
    """Asks for a block schema."""

    fields: dict[str, Any] = Field(default_factory=dict)
    block_type_id: UUID | None = None
    capabilities: list[str] = Field(default_factory=list)
    version: str = DEFAULT_BLOCK_SCHEMA_VERSION


class BlockDocumentCreate(ActionBaseModel):
    """Asks for a block document. Only anonymous ones have no name."""

    name: BlockDocumentName | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    block_schema_id: UUID
    block_type_id: UUID
    is_anonymous: bool = False

    @model_validator(mode="after")
    def _has_a_name(self) -> "Self":
        return require_name_unless_anonymous(self)


class BlockDocumentUpdate(ActionBaseModel):
    """Changes the values of a block document."""

    block_schema_id: UUID | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    merge_existing_data: bool = True


class BlockDocumentReferenceCreate(ActionBaseModel):
    """Asks for a reference from one block document to another."""

    id: UUID = Field(default_factory=uuid7)
    parent_block_document_id: UUID
    reference_block_document_id: UUID
    name: str
