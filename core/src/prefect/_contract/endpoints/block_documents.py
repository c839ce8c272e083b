"""Block documents: what is asked of them. Those found by type and name are in `block_types`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.blocks import BlockDocument
from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

if TYPE_CHECKING:
    from prefect._contract.actions.blocks import BlockDocumentCreate, BlockDocumentUpdate
    from prefect._contract.filters.blocks import BlockDocumentFilter, BlockSchemaFilter, BlockTypeFilter
    from prefect._contract.sorting import BlockDocumentSort

__all__ = [
    "count_block_documents",
    "create_block_document",
    "delete_block_document",
    "read_block_document",
    "read_block_documents",
    "update_block_document",
]


def create_block_document(block_document: BlockDocumentCreate) -> Call[BlockDocument]:
    """Create a block document. In its data, `SecretStr` values must already be shown as text."""
    return Call("POST", "/block_documents/", BlockDocument, body=block_document)


def read_block_document(block_document_id: UUID, include_secrets: bool = True) -> Call[BlockDocument]:
    """
    Read a block document by id.

    Args:
        block_document_id: The document.
        include_secrets: Whether secret values are shown; otherwise they are masked.
    """
    query = {"include_secrets": include_secrets}
    return Call("GET", "/block_documents/{id}", BlockDocument, {"id": block_document_id}, query)


def update_block_document(block_document_id: UUID, block_document: BlockDocumentUpdate) -> Call[None]:
    """Change the values of a block document."""
    return Call("PATCH", "/block_documents/{id}", None, {"id": block_document_id}, body=block_document)


def delete_block_document(block_document_id: UUID) -> Call[None]:
    """Delete a block document by id."""
    return Call("DELETE", "/block_documents/{id}", None, {"id": block_document_id})


def read_block_documents(
    block_document_filter: BlockDocumentFilter | None = None,
    block_type_filter: BlockTypeFilter | None = None,
    block_schema_filter: BlockSchemaFilter | None = None,
    include_secrets: bool = True,
    sort: BlockDocumentSort | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Call[list[BlockDocument]]:
    """List the selected block documents; anonymous ones only when the filter asks for them."""
    body = given(
        block_documents=block_document_filter,
        block_types=block_type_filter,
        block_schemas=block_schema_filter,
        include_secrets=include_secrets,
        sort=sort,
        limit=limit,
        offset=offset,
    )
    return Call("POST", "/block_documents/filter", list[BlockDocument], body=body)


def count_block_documents(
    block_document_filter: BlockDocumentFilter | None = None,
    block_type_filter: BlockTypeFilter | None = None,
    block_schema_filter: BlockSchemaFilter | None = None,
) -> Call[int]:
    """Count the selected block documents."""
    body = given(
        block_documents=block_document_filter, block_types=block_type_filter, block_schemas=block_schema_filter
    )
    return Call("POST", "/block_documents/count", int, body=body)
