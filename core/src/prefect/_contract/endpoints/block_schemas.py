"""Block schemas and block capabilities: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.blocks import BlockSchema
from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

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


def create_block_schema(block_schema: BlockSchemaCreate) -> Call[BlockSchema]:
    """Create a block schema, or find the one with the same checksum and version."""
    return Call("POST", "/block_schemas/", BlockSchema, body=block_schema)


def read_block_schema(block_schema_id: UUID) -> Call[BlockSchema]:
    """Read a block schema by id."""
    return Call("GET", "/block_schemas/{id}", BlockSchema, {"id": block_schema_id})


def read_block_schema_by_checksum(checksum: str, version: str | None = None) -> Call[BlockSchema]:
    """Read a block schema by its checksum: of the given version, or the newest."""
    path = {"checksum": checksum}
    return Call("GET", "/block_schemas/checksum/{checksum}", BlockSchema, path, given(version=version))


def read_block_schemas(
    block_schema_filter: BlockSchemaFilter | None = None, limit: int | None = None, offset: int = 0
) -> Call[list[BlockSchema]]:
    """List the selected block schemas."""
    body = given(block_schemas=block_schema_filter, limit=limit, offset=offset)
    return Call("POST", "/block_schemas/filter", list[BlockSchema], body=body)


def delete_block_schema(block_schema_id: UUID) -> Call[None]:
    """Delete a block schema by id."""
    return Call("DELETE", "/block_schemas/{id}", None, {"id": block_schema_id})


def read_available_block_capabilities() -> Call[list[str]]:
    """List the capabilities that any block schema has."""
    return Call("GET", "/block_capabilities/", list[str])
