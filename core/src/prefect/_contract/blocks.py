"""Blocks: stored configuration, its types and the versions of their fields."""

from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar
from uuid import UUID

from pydantic import Field, HttpUrl, model_validator

from prefect._contract.base import ObjectBaseModel, WireType
from prefect.types.names import Name

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "DEFAULT_BLOCK_SCHEMA_VERSION",
    "BlockDocument",
    "BlockDocumentReference",
    "BlockSchema",
    "BlockSchemaReference",
    "BlockType",
]

DEFAULT_BLOCK_SCHEMA_VERSION = "non-versioned"

PageUrl = Annotated[HttpUrl, WireType("string")]
"""The address of a page or picture."""


class BlockType(ObjectBaseModel):
    """A kind of blocks, such as `secret`."""

    name: Name
    slug: str
    logo_url: PageUrl | None = None
    documentation_url: PageUrl | None = None
    description: str | None = None
    code_example: str | None = None
    is_protected: bool = False


class BlockSchema(ObjectBaseModel):
    """One version of the fields of a block type, known by the checksum of `fields`."""

    checksum: str
    fields: dict[str, Any] = Field(default_factory=dict)
    block_type_id: UUID | None
    block_type: BlockType | None = None
    capabilities: list[str] = Field(default_factory=list)
    version: str = DEFAULT_BLOCK_SCHEMA_VERSION


class _MayBeAnonymous(Protocol):
    @property
    def name(self) -> str | None: ...
    @property
    def is_anonymous(self) -> bool: ...


D = TypeVar("D", bound=_MayBeAnonymous)


def require_name_unless_anonymous(document: D) -> D:
    """
    Return a block document that has a name or is anonymous.

    Raises:
        ValueError: It is neither.
    """
    if document.name is None and not document.is_anonymous:
        raise ValueError("Names must be provided for block documents. Only anonymous ones have none.")
    return document


class BlockDocument(ObjectBaseModel):
    """The stored values of one block."""

    name: Name | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    block_schema_id: UUID
    block_schema: BlockSchema | None = None
    block_type_id: UUID
    block_type_name: str | None = None
    block_type: BlockType | None = None
    block_document_references: dict[str, dict[str, Any]] = Field(default_factory=dict)
    is_anonymous: bool = False

    @model_validator(mode="after")
    def _has_a_name(self) -> "Self":
        return require_name_unless_anonymous(self)


class BlockSchemaReference(ObjectBaseModel):
    """Says that a block schema has a field whose value is another block."""

    parent_block_schema_id: UUID
    parent_block_schema: BlockSchema | None = None
    reference_block_schema_id: UUID
    reference_block_schema: BlockSchema | None = None
    name: str


class BlockDocumentReference(ObjectBaseModel):
    """Says that a block document has a field whose value is another one."""

    parent_block_document_id: UUID
    parent_block_document: BlockDocument | None = None
    reference_block_document_id: UUID
    reference_block_document: BlockDocument | None = None
    name: str
