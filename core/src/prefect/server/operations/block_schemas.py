"""Block schemas: the versions of the fields of block types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from prefect._contract.block_checksums import block_schema_checksum
from prefect._contract.blocks import BlockSchema, BlockType
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.actions.blocks import BlockSchemaCreate
    from prefect._contract.filters.blocks import BlockSchemaFilter

__all__ = [
    "create_block_schema",
    "delete_block_schema",
    "read_available_block_capabilities",
    "read_block_schema",
    "read_block_schema_by_checksum",
    "read_block_schemas",
]


def _with_type(work: UnitOfWork, row: dict[str, Any]) -> BlockSchema:
    block_type = records.read(work.connection, tables.block_type, id=row["block_type_id"])
    return BlockSchema.model_validate({**row, "block_type": BlockType.model_validate(block_type)})


def create_block_schema(work: UnitOfWork, body: BlockSchemaCreate) -> BlockSchema:
    """Create a block schema, or find the one with the same checksum and version."""
    if body.block_type_id is None:
        raise Refusal(422, "A block schema belongs to a block type: give its block_type_id.")
    checksum = block_schema_checksum(body.fields)
    existing = records.read(work.connection, tables.block_schema, checksum=checksum, version=body.version)
    if existing is not None:
        return _with_type(work, existing)
    if records.read(work.connection, tables.block_type, id=body.block_type_id) is None:
        raise not_found("block type", id=body.block_type_id)
    values = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "checksum": checksum,
        "fields": body.fields,
        "capabilities": body.capabilities,
        "version": body.version,
        "block_type_id": body.block_type_id,
    }
    records.create(work.connection, tables.block_schema, values)
    _refer(work, values["id"], body.fields.get("block_schema_references") or {})
    return _with_type(work, values)


def _refer(work: UnitOfWork, schema_id: Any, references: dict[str, Any]) -> None:
    """Note which schemas the fields of a schema refer to: one each, or a list where it may be any of them."""
    for name, named in references.items():
        for reference in named if isinstance(named, list) else [named]:
            checksum = reference["block_schema_checksum"]
            target = records.read(work.connection, tables.block_schema, checksum=checksum)
            if target is None:
                slug = reference.get("block_type_slug")
                raise Refusal(
                    409,
                    f"The field '{name}' refers to a schema of the block type '{slug}' that is not known: {checksum}.",
                )
            row = {
                "id": uuid7(),
                "created": work.now,
                "updated": work.now,
                "name": name,
                "parent_block_schema_id": schema_id,
                "reference_block_schema_id": target["id"],
            }
            records.create(work.connection, tables.block_schema_reference, row)


@read_only
def read_block_schema(work: UnitOfWork, id: UUID) -> BlockSchema:
    """Read a block schema."""
    row = records.read(work.connection, tables.block_schema, id=id)
    if row is None:
        raise not_found("block schema", id=id)
    return _with_type(work, row)


@read_only
def read_block_schema_by_checksum(work: UnitOfWork, checksum: str, version: str | None = None) -> BlockSchema:
    """Read a block schema by its checksum: of the given version, or the newest."""
    table = tables.block_schema
    statement = select(table).where(table.c.checksum == checksum)
    if version is not None:
        statement = statement.where(table.c.version == version)
    newest = statement.order_by(table.c.created.desc(), table.c.id.desc()).limit(1)
    rows = records.read_all(work.connection, table, newest)
    if not rows:
        raise not_found("block schema", checksum=checksum)
    return _with_type(work, rows[0])


@read_only
def read_block_schemas(
    work: UnitOfWork, block_schemas: BlockSchemaFilter | None = None, limit: int | None = None, offset: int = 0
) -> list[BlockSchema]:
    """List the selected block schemas, newest first."""
    table = tables.block_schema
    statement = select(table).where(*filters.rows_where(table, block_schemas))
    page = statement.order_by(table.c.created.desc(), table.c.id.desc()).limit(work.bounds.limit(limit))
    rows = records.read_all(work.connection, table, page.offset(work.bounds.offset(offset)))
    return [_with_type(work, row) for row in rows]


def delete_block_schema(work: UnitOfWork, id: UUID) -> None:
    """Delete a block schema, with its documents."""
    if not records.remove(work.connection, tables.block_schema, id=id):
        raise not_found("block schema", id=id)


@read_only
def read_available_block_capabilities(work: UnitOfWork) -> list[str]:
    """List the capabilities that any block schema has."""
    lists = work.connection.execute(select(tables.block_schema.c.capabilities)).scalars()
    return sorted({capability for capabilities in lists for capability in capabilities})
