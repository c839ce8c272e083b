"""Blocks."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, String, Table, Text

from prefect.server.database.tables.columns import metadata, owner, record, required
from prefect.server.database.types import Document

__all__ = [
    "block_document",
    "block_document_reference",
    "block_schema",
    "block_schema_reference",
    "block_type",
]

block_type = Table(
    "block_type",
    metadata,
    *record(),
    required("name", String),
    required("slug", String),
    Column("logo_url", String),
    Column("documentation_url", String),
    Column("description", Text),
    Column("code_example", Text),
    required("is_protected", Boolean),
    Index("uq_block_type__slug", "slug", unique=True),
)

block_schema = Table(
    "block_schema",
    metadata,
    *record(),
    required("checksum", String),
    required("fields", Document),
    required("capabilities", Document),
    required("version", String),
    owner("block_type_id", "block_type.id"),
    Index("uq_block_schema__checksum_version", "checksum", "version", unique=True),
    Index("ix_block_schema__block_type_id", "block_type_id"),
)

block_schema_reference = Table(
    "block_schema_reference",
    metadata,
    *record(),
    required("name", String),
    owner("parent_block_schema_id", "block_schema.id"),
    owner("reference_block_schema_id", "block_schema.id"),
    Index(
        "uq_block_schema_reference__parent_name",
        "parent_block_schema_id",
        "name",
        "reference_block_schema_id",
        unique=True,
    ),
    Index("ix_block_schema_reference__reference", "reference_block_schema_id"),
)

block_document = Table(
    "block_document",
    metadata,
    *record(),
    required("name", String),
    required("data", Document),
    required("is_anonymous", Boolean),
    Column("block_type_name", String),
    owner("block_type_id", "block_type.id"),
    owner("block_schema_id", "block_schema.id"),
    Index("uq_block_document__block_type_id_name", "block_type_id", "name", unique=True),
    Index("ix_block_document__name", "name"),
    Index("ix_block_document__block_schema_id", "block_schema_id"),
)

block_document_reference = Table(
    "block_document_reference",
    metadata,
    *record(),
    required("name", String),
    owner("parent_block_document_id", "block_document.id"),
    owner("reference_block_document_id", "block_document.id"),
    Index("uq_block_document_reference__parent_name", "parent_block_document_id", "name", unique=True),
    Index("ix_block_document_reference__reference", "reference_block_document_id"),
)
