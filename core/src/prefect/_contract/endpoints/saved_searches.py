"""Saved searches: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.administration import SavedSearch
from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

if TYPE_CHECKING:
    from prefect._contract.actions.settings import SavedSearchCreate

__all__ = ["create_saved_search", "delete_saved_search", "read_saved_search", "read_saved_searches"]


def create_saved_search(saved_search: SavedSearchCreate) -> Call[SavedSearch]:
    """Save a search; one of the same name is replaced."""
    return Call("PUT", "/saved_searches/", SavedSearch, body=saved_search)


def read_saved_search(saved_search_id: UUID) -> Call[SavedSearch]:
    """Read a saved search by id."""
    return Call("GET", "/saved_searches/{id}", SavedSearch, {"id": saved_search_id})


def read_saved_searches(limit: int | None = None, offset: int = 0) -> Call[list[SavedSearch]]:
    """List the saved searches."""
    return Call("POST", "/saved_searches/filter", list[SavedSearch], body=given(limit=limit, offset=offset))


def delete_saved_search(saved_search_id: UUID) -> Call[None]:
    """Delete a saved search by id."""
    return Call("DELETE", "/saved_searches/{id}", None, {"id": saved_search_id})
