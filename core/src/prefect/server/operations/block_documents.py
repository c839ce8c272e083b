"""
Block documents: the stored values of blocks.

A value that is itself a stored block is given as `{"$ref": {"block_document_id": id}}` and kept as a reference; when
the document is read, the values of the other document stand in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from prefect._contract.blocks import BlockDocument, BlockSchema, BlockType
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.operations.object_events import tell_of_block
from prefect.server.operations.refusals import Refusal, already_exists, not_found
from prefect.server.operations.secret_fields import has_secrets, keep_masked, mask
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.actions.blocks import BlockDocumentCreate, BlockDocumentUpdate
    from prefect._contract.filters.blocks import BlockDocumentFilter, BlockSchemaFilter, BlockTypeFilter
    from prefect._contract.sorting import BlockDocumentSort

__all__ = [
    "count_block_documents",
    "create_block_document",
    "delete_block_document",
    "documents_where",
    "read_block_document",
    "read_block_documents",
    "update_block_document",
]

Row = dict[str, Any]


def _document(work: UnitOfWork, id: UUID) -> Row:
    row = records.read(work.connection, tables.block_document, id=id)
    if row is None:
        raise not_found("block document", id=id)
    return row


def _schema(work: UnitOfWork, id: UUID) -> Row:
    row = records.read(work.connection, tables.block_schema, id=id)
    if row is None:
        raise not_found("block schema", id=id)
    return row


def _split(data: Row) -> tuple[Row, dict[str, UUID]]:
    """The plain values of a document, and the documents that it refers to."""
    plain: Row = {}
    references: dict[str, UUID] = {}
    for name, value in data.items():
        reference = value.get("$ref") if isinstance(value, dict) and value.keys() == {"$ref"} else None
        if reference is None:
            plain[name] = value
            continue
        identifier = reference.get("block_document_id") if isinstance(reference, dict) else reference
        try:
            references[name] = UUID(str(identifier))
        except ValueError:
            raise Refusal(
                422, f"The field '{name}' refers to a block document by {identifier!r}, which is no id."
            ) from None
    return plain, references


def _refer(work: UnitOfWork, document_id: UUID, references: dict[str, UUID]) -> None:
    for name, target in references.items():
        _document(work, target)
        row = {
            "id": uuid7(),
            "created": work.now,
            "updated": work.now,
            "name": name,
            "parent_block_document_id": document_id,
            "reference_block_document_id": target,
        }
        records.create(work.connection, tables.block_document_reference, row)


def _sealed(work: UnitOfWork, schema: Row, data: Row) -> Row:
    """Data as it is stored: encrypted if the schema has secret fields."""
    return work.vault.seal(data) if has_secrets(schema["fields"]) else data


def create_block_document(work: UnitOfWork, body: BlockDocumentCreate) -> BlockDocument:
    """Create a block document."""
    schema = _schema(work, body.block_schema_id)
    block_type = records.read(work.connection, tables.block_type, id=body.block_type_id)
    if block_type is None:
        raise not_found("block type", id=body.block_type_id)
    identifier = uuid7()
    name = body.name
    if name is None:
        if not body.is_anonymous:
            raise Refusal(422, "A block document needs a name, unless it is anonymous.")
        name = f"anonymous-{identifier}"
    if records.read(work.connection, tables.block_document, block_type_id=body.block_type_id, name=name) is not None:
        raise already_exists("block document", block_type=block_type["slug"], name=name)
    plain, references = _split(body.data)
    values = {
        "id": identifier,
        "created": work.now,
        "updated": work.now,
        "name": name,
        "data": _sealed(work, schema, plain),
        "is_anonymous": body.is_anonymous,
        "block_type_name": block_type["name"],
        "block_type_id": body.block_type_id,
        "block_schema_id": body.block_schema_id,
    }
    records.create(work.connection, tables.block_document, values)
    _refer(work, identifier, references)
    document = read_block_document(work, identifier)
    tell_of_block(work, "created", document)
    return document


@read_only
def read_block_document(work: UnitOfWork, id: UUID, include_secrets: bool = False) -> BlockDocument:
    """Read a block document; secret values are masked unless they are asked for."""
    return _assemble(work, _document(work, id), include_secrets=include_secrets)


def update_block_document(work: UnitOfWork, id: UUID, body: BlockDocumentUpdate) -> None:
    """Change the values of a block document: those that are given, or all of them unless it is to merge."""
    row = _document(work, id)
    schema = _schema(work, body.block_schema_id or row["block_schema_id"])
    if schema["block_type_id"] != row["block_type_id"]:
        raise Refusal(409, f"The block schema {schema['id']} is not one of the type '{row['block_type_name']}'.")
    stored = work.vault.open(row["data"])
    plain, references = _split(body.data)
    plain = keep_masked(schema["fields"], plain, stored)
    data = {**stored, **plain} if body.merge_existing_data else plain
    for name in references:
        data.pop(name, None)
    reference = tables.block_document_reference.c
    replaced = body.data.keys() if body.merge_existing_data else None
    condition = reference.parent_block_document_id == id
    if replaced is not None:
        condition = condition & reference.name.in_(list(replaced))
    records.remove_where(work.connection, tables.block_document_reference, condition)
    _refer(work, id, references)
    changes = {"data": _sealed(work, schema, data), "block_schema_id": schema["id"], "updated": work.now}
    records.revise(work.connection, tables.block_document, id, **changes)
    # This also refuses what leads back to itself.
    tell_of_block(work, "updated", _assemble(work, _document(work, id), include_secrets=False))


def delete_block_document(work: UnitOfWork, id: UUID) -> None:
    """Delete a block document. Documents that referred to it have no value there any more."""
    document = read_block_document(work, id)
    records.remove(work.connection, tables.block_document, id=id)
    tell_of_block(work, "deleted", document)


def _assemble(work: UnitOfWork, row: Row, *, include_secrets: bool, within: tuple[UUID, ...] = ()) -> BlockDocument:
    """A document with its schema, its type, and the values of the documents that it refers to."""
    schema = _schema(work, row["block_schema_id"])
    block_type = records.read(work.connection, tables.block_type, id=row["block_type_id"])
    data = work.vault.open(row["data"])
    references: dict[str, Row] = {}
    for name, document in _referred(work, row["id"], (*within, row["id"])):
        inner = _assemble(work, document, include_secrets=include_secrets, within=(*within, row["id"]))
        data[name] = inner.data
        references[name] = {"block_document": _summary(inner)}
    return BlockDocument.model_validate(
        {
            **row,
            "data": data if include_secrets else mask(schema["fields"], data),
            "block_schema": BlockSchema.model_validate({**schema, "block_type": block_type}),
            "block_type": BlockType.model_validate(block_type),
            "block_document_references": references,
        }
    )


def _referred(work: UnitOfWork, id: UUID, within: Sequence[UUID]) -> Iterator[tuple[str, Row]]:
    table, reference = tables.block_document, tables.block_document_reference
    statement = select(reference).where(reference.c.parent_block_document_id == id).order_by(reference.c.name)
    for row in records.read_all(work.connection, reference, statement):
        if row["reference_block_document_id"] in within:
            raise Refusal(409, f"The block document {id} refers to itself through its field '{row['name']}'.")
        document = records.read(work.connection, table, id=row["reference_block_document_id"])
        if document is not None:
            yield row["name"], document


def _summary(document: BlockDocument) -> Row:
    block_type = document.block_type
    return {
        "id": document.id,
        "name": document.name,
        "block_type": None if block_type is None else block_type.model_dump(mode="json"),
        "is_anonymous": document.is_anonymous,
        "block_document_references": document.block_document_references,
    }


_ORDER: dict[str, list[ColumnElement[Any]]] = {
    "NAME_ASC": [tables.block_document.c.name.asc()],
    "NAME_DESC": [tables.block_document.c.name.desc()],
    "BLOCK_TYPE_AND_NAME_ASC": [tables.block_document.c.block_type_name.asc(), tables.block_document.c.name.asc()],
}


def documents_where(
    work: UnitOfWork,
    conditions: Sequence[ColumnElement[bool]],
    *,
    include_secrets: bool,
    sort: str = "NAME_ASC",
    limit: int | None = None,
    offset: int | None = None,
) -> list[BlockDocument]:
    """The block documents that meet all of some conditions."""
    table = tables.block_document
    statement: Select[Any] = select(table).where(*conditions).order_by(*_ORDER[sort], table.c.id)
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    rows = records.read_all(work.connection, table, page)
    return [_assemble(work, row, include_secrets=include_secrets) for row in rows]


def _conditions(
    documents: BlockDocumentFilter | None, types: BlockTypeFilter | None, schemas: BlockSchemaFilter | None
) -> list[ColumnElement[bool]]:
    document, block_type, schema = tables.block_document, tables.block_type, tables.block_schema
    if documents is None:
        conditions: list[ColumnElement[bool]] = [document.c.is_anonymous.is_(False)]
    else:
        conditions = filters.rows_where(document, documents)
    if types is not None:
        matching = select(block_type.c.id).where(*filters.rows_where(block_type, types))
        conditions.append(document.c.block_type_id.in_(matching))
    if schemas is not None:
        matching = select(schema.c.id).where(*filters.rows_where(schema, schemas))
        conditions.append(document.c.block_schema_id.in_(matching))
    return conditions


@read_only
def read_block_documents(
    work: UnitOfWork,
    block_documents: BlockDocumentFilter | None = None,
    block_types: BlockTypeFilter | None = None,
    block_schemas: BlockSchemaFilter | None = None,
    include_secrets: bool = False,
    sort: BlockDocumentSort | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> list[BlockDocument]:
    """List the selected block documents; anonymous ones only when the filter asks for them."""
    return documents_where(
        work,
        _conditions(block_documents, block_types, block_schemas),
        include_secrets=include_secrets,
        sort="NAME_ASC" if sort is None else sort.value,
        limit=limit,
        offset=offset,
    )


@read_only
def count_block_documents(
    work: UnitOfWork,
    block_documents: BlockDocumentFilter | None = None,
    block_types: BlockTypeFilter | None = None,
    block_schemas: BlockSchemaFilter | None = None,
) -> int:
    """Count the selected block documents."""
    conditions = _conditions(block_documents, block_types, block_schemas)
    return records.count(work.connection, tables.block_document, conditions)
