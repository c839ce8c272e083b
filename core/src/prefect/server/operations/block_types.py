"""Block types, and the block documents that are found through them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from prefect._contract.blocks import BlockDocument, BlockType
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.operations.dispatch import find_operation
from prefect.server.operations.object_events import tell_of_record
from prefect.server.operations.refusals import Refusal, already_exists, not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.actions.blocks import BlockTypeCreate, BlockTypeUpdate
    from prefect._contract.call import Call
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

_logger = logging.getLogger("prefect.server")

_URLS = frozenset({"logo_url", "documentation_url"})


_PROTECTED = frozenset({"local-file-system", "secret", "webhook"})
"""Types that so much rests on that nobody deletes them, and all of their blocks, by mistake."""


def _values(body: BlockTypeCreate | BlockTypeUpdate, names: set[str]) -> dict[str, Any]:
    """Fields as they are stored: URLs are objects to pydantic."""
    values = {name: getattr(body, name) for name in names}
    return {name: str(value) if name in _URLS and value is not None else value for name, value in values.items()}


def _read(work: UnitOfWork, **by: Any) -> dict[str, Any]:
    row = records.read(work.connection, tables.block_type, **by)
    if row is None:
        raise not_found("block type", **by)
    return row


def create_block_type(work: UnitOfWork, body: BlockTypeCreate) -> BlockType:
    """Create a block type."""
    if records.read(work.connection, tables.block_type, slug=body.slug) is not None:
        raise already_exists("block type", slug=body.slug)
    values = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "is_protected": body.slug in _PROTECTED,
        **_values(body, set(type(body).model_fields)),
    }
    records.create(work.connection, tables.block_type, values)
    tell_of_record(work, "block-type", "created", values)
    return BlockType.model_validate(values)


@read_only
def read_block_type(work: UnitOfWork, id: UUID) -> BlockType:
    """Read a block type."""
    return BlockType.model_validate(_read(work, id=id))


@read_only
def read_block_type_by_slug(work: UnitOfWork, slug: str) -> BlockType:
    """Read a block type by its slug."""
    return BlockType.model_validate(_read(work, slug=slug))


@read_only
def read_block_types(
    work: UnitOfWork,
    block_types: BlockTypeFilter | None = None,
    block_schemas: BlockSchemaFilter | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[BlockType]:
    """List the selected block types; with a filter for schemas, those that have such a schema."""
    table = tables.block_type
    conditions = filters.rows_where(table, block_types)
    if block_schemas is not None:
        schemas = select(tables.block_schema.c.block_type_id)
        conditions.append(table.c.id.in_(schemas.where(*filters.rows_where(tables.block_schema, block_schemas))))
    statement = select(table).where(*conditions).order_by(table.c.name, table.c.id)
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return [BlockType.model_validate(row) for row in records.read_all(work.connection, table, page)]


def update_block_type(work: UnitOfWork, id: UUID, body: BlockTypeUpdate) -> None:
    """Change the fields of a block type that were given."""
    changes = _values(body, body.model_fields_set)
    if not records.revise(work.connection, tables.block_type, id, **changes, updated=work.now):
        raise not_found("block type", id=id)
    tell_of_record(work, "block-type", "updated", _read(work, id=id))


def delete_block_type(work: UnitOfWork, id: UUID) -> None:
    """Delete a block type, with its schemas and documents. Protected ones cannot be deleted."""
    block_type = _read(work, id=id)
    if block_type["is_protected"]:
        raise Refusal(403, f"The block type '{block_type['slug']}' comes with the product, and cannot be deleted.")
    records.remove(work.connection, tables.block_type, id=id)
    tell_of_record(work, "block-type", "deleted", block_type)


@read_only
def read_block_documents_by_type(work: UnitOfWork, slug: str, include_secrets: bool = False) -> list[BlockDocument]:
    """List the block documents of a block type that have names."""
    from prefect.server.operations.block_documents import documents_where

    table = tables.block_document.c
    conditions = [table.block_type_id == _read(work, slug=slug)["id"], table.is_anonymous.is_(False)]
    return documents_where(work, conditions, include_secrets=include_secrets)


@read_only
def read_block_document_by_name(
    work: UnitOfWork, slug: str, block_document_name: str, include_secrets: bool = False
) -> BlockDocument:
    """Read the block document of a name and type."""
    from prefect.server.operations.block_documents import documents_where

    table, block_type = tables.block_document.c, tables.block_type.c
    of_type = select(block_type.id).where(block_type.slug == slug)
    conditions = [table.block_type_id.in_(of_type), table.name == block_document_name]
    found = documents_where(work, conditions, include_secrets=include_secrets)
    if not found:
        raise not_found("block document", block_type=slug, name=block_document_name)
    return found[0]


def install_system_block_types(work: UnitOfWork) -> None:
    """Register the block types of the core, and those of installed plugins."""
    from prefect.plugins import registries

    for slug in registries.blocks.names():
        try:
            block_type = registries.blocks.get(slug)
        except Exception:
            _logger.warning("The block type %r is not registered, as its plugin cannot be loaded.", slug, exc_info=True)
            continue
        client: Any = _Inside(work)
        block_type.register_type_and_schema(client=client)


class _Inside:
    """Stands for a client, for those who ask within this transaction."""

    def __init__(self, work: UnitOfWork) -> None:
        self.transport = self
        self._work = work

    def send(self, call: Call[Any]) -> Any:
        """Answer a call."""
        return find_operation(call.route).perform(self._work, call)
