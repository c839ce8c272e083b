"""The clients' methods for block types, schemas and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.endpoints import block_documents, block_schemas, block_types
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect._contract.actions.blocks import BlockDocumentCreate
    from prefect._contract.blocks import BlockDocument, BlockSchema, BlockType

__all__ = [
    "BlocksDocumentAsyncClient",
    "BlocksDocumentClient",
    "BlocksSchemaAsyncClient",
    "BlocksSchemaClient",
    "BlocksTypeAsyncClient",
    "BlocksTypeClient",
]


def create_block_document(
    block_document: BlockDocument | BlockDocumentCreate, include_secrets: bool = True
) -> Steps[BlockDocument]:
    """
    Create a block document.

    Args:
        block_document: What to store. Secret values may be pydantic secrets.
        include_secrets: Whether secret values are stored; otherwise a mask is stored in their place.

    Raises:
        prefect.exceptions.ObjectAlreadyExists: There is one of this type and name.
    """
    from prefect._contract.actions.blocks import BlockDocumentCreate
    from prefect.client.orchestration.secret_values import plain

    fields = BlockDocumentCreate.model_fields
    values = {name: getattr(block_document, name) for name in fields}
    values["data"] = plain(values["data"], include_secrets=include_secrets)
    return (yield from ask(block_documents.create_block_document(BlockDocumentCreate(**values))))


def read_block_documents(
    block_schema_type: str | None = None,
    offset: int | None = None,
    limit: int | None = None,
    include_secrets: bool = True,
) -> Steps[list[BlockDocument]]:
    """
    List block documents that have names.

    Args:
        block_schema_type: Only those of the block type with this slug.
        offset: How many to skip.
        limit: How many to list at most.
        include_secrets: Whether secret values are shown; otherwise they are masked.
    """
    from prefect._contract.filters.blocks import BlockTypeFilter, BlockTypeFilterSlug

    types = None if block_schema_type is None else BlockTypeFilter(slug=BlockTypeFilterSlug(any_=[block_schema_type]))
    call = block_documents.read_block_documents(None, types, None, include_secrets, None, limit, offset)
    return (yield from ask(call))


def read_block_schemas() -> Steps[list[BlockSchema]]:
    """List block schemas, newest first."""
    return (yield from ask(block_schemas.read_block_schemas()))


def get_most_recent_block_schema_for_block_type(block_type_id: UUID) -> Steps[BlockSchema | None]:
    """The newest schema of a block type; None if it has none."""
    from prefect._contract.filters.blocks import BlockSchemaFilter, BlockSchemaFilterBlockTypeId

    chosen = BlockSchemaFilter(block_type_id=BlockSchemaFilterBlockTypeId(any_=[block_type_id]))
    schemas = yield from ask(block_schemas.read_block_schemas(chosen, limit=1))
    return schemas[0] if schemas else None


def read_block_documents_by_type(
    block_type_slug: str,
    offset: int | None = None,
    limit: int | None = None,
    include_secrets: bool = True,
) -> Steps[list[BlockDocument]]:
    """
    List the block documents of a block type.

    Args:
        block_type_slug: The type.
        offset: How many to skip.
        limit: How many to list at most.
        include_secrets: Whether secret values are shown; otherwise they are masked.

    Raises:
        prefect.exceptions.ObjectNotFound: There is no such block type.
    """
    yield from ask(block_types.read_block_type_by_slug(block_type_slug))
    return (yield from read_block_documents(block_type_slug, offset, limit, include_secrets))


def read_block_types() -> Steps[list[BlockType]]:
    """List block types by name."""
    return (yield from ask(block_types.read_block_types()))


class BlocksDocumentClient:
    """Block documents."""

    transport: Transport
    create_block_document = blocking_steps(create_block_document)
    update_block_document = blocking(block_documents.update_block_document)
    delete_block_document = blocking(block_documents.delete_block_document)
    read_block_document = blocking(block_documents.read_block_document)
    read_block_documents = blocking_steps(read_block_documents)


class BlocksDocumentAsyncClient:
    """Block documents."""

    transport: Transport
    create_block_document = awaitable_steps(create_block_document)
    update_block_document = awaitable(block_documents.update_block_document)
    delete_block_document = awaitable(block_documents.delete_block_document)
    read_block_document = awaitable(block_documents.read_block_document)
    read_block_documents = awaitable_steps(read_block_documents)


class BlocksSchemaClient:
    """Block schemas."""

    transport: Transport
    create_block_schema = blocking(block_schemas.create_block_schema)
    read_block_schema_by_checksum = blocking(block_schemas.read_block_schema_by_checksum)
    read_block_schemas = blocking_steps(read_block_schemas)
    get_most_recent_block_schema_for_block_type = blocking_steps(get_most_recent_block_schema_for_block_type)


class BlocksSchemaAsyncClient:
    """Block schemas."""

    transport: Transport
    create_block_schema = awaitable(block_schemas.create_block_schema)
    read_block_schema_by_checksum = awaitable(block_schemas.read_block_schema_by_checksum)
    read_block_schemas = awaitable_steps(read_block_schemas)
    get_most_recent_block_schema_for_block_type = awaitable_steps(get_most_recent_block_schema_for_block_type)


class BlocksTypeClient:
    """Block types, and documents found through them."""

    transport: Transport
    create_block_type = blocking(block_types.create_block_type)
    read_block_type_by_slug = blocking(block_types.read_block_type_by_slug)
    update_block_type = blocking(block_types.update_block_type)
    delete_block_type = blocking(block_types.delete_block_type)
    read_block_types = blocking_steps(read_block_types)
    read_block_documents_by_type = blocking_steps(read_block_documents_by_type)
    read_block_document_by_name = blocking(block_types.read_block_document_by_name)


class BlocksTypeAsyncClient:
    """Block types, and documents found through them."""

    transport: Transport
    create_block_type = awaitable(block_types.create_block_type)
    read_block_type_by_slug = awaitable(block_types.read_block_type_by_slug)
    update_block_type = awaitable(block_types.update_block_type)
    delete_block_type = awaitable(block_types.delete_block_type)
    read_block_types = awaitable_steps(read_block_types)
    read_block_documents_by_type = awaitable_steps(read_block_documents_by_type)
    read_block_document_by_name = awaitable(block_types.read_block_document_by_name)
