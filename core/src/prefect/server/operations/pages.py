"""Where a page lies in a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prefect.server.operations.refusals import Refusal
from prefect.server.operations.work import UnitOfWork

__all__ = ["Position", "pages"]


@dataclass(frozen=True, slots=True)
class Position:
    """A page: its number, from 1; how many records fit on one; how many there are in all."""

    page: int
    limit: int
    count: int

    @property
    def offset(self) -> int:
        """How many records come before it."""
        return (self.page - 1) * self.limit

    @property
    def fields(self) -> dict[str, Any]:
        """What the answer says of it."""
        pages = -(-self.count // self.limit) if self.limit else 0
        return {"count": self.count, "limit": self.limit, "pages": pages, "page": self.page}


def pages(work: UnitOfWork, limit: int | None, page: int, count: int) -> Position:
    """
    The position of a page.

    Raises:
        Refusal: There can be no such page.
    """
    if page < 1:
        raise Refusal(422, f"Invalid page {page}: pages are counted from 1.")
    return Position(page, work.bounds.limit(limit), count)
