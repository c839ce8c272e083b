"""Saved searches: named sets of filters, as a user interface keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from prefect._contract.administration import SavedSearch
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.refusals import not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.actions.settings import SavedSearchCreate

__all__ = ["create_saved_search", "delete_saved_search", "read_saved_search", "read_saved_searches"]


def create_saved_search(work: UnitOfWork, body: SavedSearchCreate) -> SavedSearch:
    """Save a search. One of the same name is replaced, and keeps its id."""
    search = tables.saved_search
    filters = body.model_dump(mode="json", include={"filters"})["filters"]
    existing = records.read(work.connection, search, name=body.name)
    if existing is None:
        row = {"id": uuid7(), "created": work.now, "updated": work.now, "name": body.name, "filters": filters}
        records.create(work.connection, search, row)
        work.created = True
    else:
        records.revise(work.connection, search, existing["id"], filters=filters, updated=work.now)
        row = {**existing, "filters": filters, "updated": work.now}
    return SavedSearch.model_validate(row)


@read_only
def read_saved_search(work: UnitOfWork, id: UUID) -> SavedSearch:
    """Read a saved search."""
    row = records.read(work.connection, tables.saved_search, id=id)
    if row is None:
        raise not_found("saved search", id=id)
    return SavedSearch.model_validate(row)


@read_only
def read_saved_searches(work: UnitOfWork, limit: int | None = None, offset: int = 0) -> list[SavedSearch]:
    """List the saved searches by name."""
    search = tables.saved_search
    page = select(search).order_by(search.c.name).limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return [SavedSearch.model_validate(row) for row in records.read_all(work.connection, search, page)]


def delete_saved_search(work: UnitOfWork, id: UUID) -> None:
    """Delete a saved search."""
    if not records.remove(work.connection, tables.saved_search, id=id):
        raise not_found("saved search", id=id)
