"""Block types: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.blocks import BlockDocument, BlockType
from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

if TYPE_CHECKING:
    from prefect._contract.actions.blocks import BlockTypeCreate, BlockTypeUpdate
    from prefect._contract.filters.blocks import BlockSchemaFilter, BlockTypeFilter

__all__ = [
    "create_block_type",
    "delete_block_type",
    "install_system_block_types",
    "read_block_document_by_name",
    "read_block_documents_by_type",
    "read_block_type",
    "read_block_type_by_slug",
    "read_block_types",
    "update_block_type",
]


def create_block_type(block_type: BlockTypeCreate) -> Call[BlockType]:
    """Create a block type."""
    return Call("POST", "/block_types/", BlockType, body=block_type)


def read_block_type(block_type_id: UUID) -> Call[BlockType]:
    """Read a block type by id."""
    return Call("GET", "/block_types/{id}", BlockType, {"id": block_type_id})


def read_block_type_by_slug(slug: str) -> Call[BlockType]:
    """Read a block type by its slug."""
    return Call("GET", "/block_types/slug/{slug}", BlockType, {"slug": slug})


def read_block_types(
    block_type_filter: BlockTypeFilter | None = None,
    block_schema_filter: BlockSchemaFilter | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[list[BlockType]]:
    """List the selected block types."""
    body = given(block_types=block_type_filter, block_schemas=block_schema_filter, limit=limit, offset=offset)
    return Call("POST", "/block_types/filter", list[BlockType], body=body)


def update_block_type(block_type_id: UUID, block_type: BlockTypeUpdate) -> Call[None]:
    """Change a block type."""
    return Call("PATCH", "/block_types/{id}", None, {"id": block_type_id}, body=block_type)


def delete_block_type(block_type_id: UUID) -> Call[None]:
    """Delete a block type by id, with its schemas and documents. Protected ones cannot be deleted."""
    return Call("DELETE", "/block_types/{id}", None, {"id": block_type_id})


def read_block_documents_by_type(block_type_slug: str, include_secrets: bool = True) -> Call[list[BlockDocument]]:
    """
    List the block documents of a block type.

    Args:
        block_type_slug: The type.
        include_secrets: Whether secret values are shown; otherwise they are masked.
    """
    return Call(
        "GET",
        "/block_types/slug/{slug}/block_documents",
        list[BlockDocument],
        {"slug": block_type_slug},
        {"include_secrets": include_secrets},
    )


def read_block_document_by_name(name: str, block_type_slug: str, include_secrets: bool = True) -> Call[BlockDocument]:
    """
    Read the block document of a name and type.

    Args:
        name: The name.
        block_type_slug: The type.
        include_secrets: Whether secret values are shown; otherwise they are masked.
    """
    return Call(
        "GET",
        "/block_types/slug/{slug}/block_documents/name/{block_document_name}",
        BlockDocument,
        {"slug": block_type_slug, "block_document_name": name},
        {"include_secrets": include_secrets},
    )


def install_system_block_types() -> Call[None]:
    """Make sure that the block types that come with the product are registered."""
    return Call("POST", "/block_types/install_system_block_types")
