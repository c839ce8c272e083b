"""What an operation works with: one transaction, one moment, and what it may not exceed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.engine import Connection

from prefect.server.operations.refusals import Refusal

if TYPE_CHECKING:
    from prefect.server.operations.vault import Vault

__all__ = ["Bounds", "UnitOfWork", "is_read_only", "read_only"]

F = TypeVar("F", bound=Callable[..., Any])

_LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    How much may be asked for at once.

    Args:
        page: How many records a list has at most, and has unless a limit is given.
        graph_nodes: How many runs a graph may have.
        graph_artifacts: How many artifacts a graph may have.
    """

    page: int = 200
    graph_nodes: int = 10_000
    graph_artifacts: int = 10_000

    def limit(self, limit: int | None) -> int:
        """
        How many records to list, given what was asked for.

        Raises:
            Refusal: More was asked for than a list may have.
        """
        if limit is None:
            return self.page
        if not 0 <= limit <= self.page:
            raise Refusal(422, f"Invalid limit {limit}: must be between 0 and {self.page}.")
        return limit

    @staticmethod
    def offset(offset: int | None) -> int:
        """
        How many records to skip, given what was asked for.

        Raises:
            Refusal: The number is negative, or larger than any table.
        """
        if offset is None:
            return 0
        if not 0 <= offset <= _LARGEST_INTEGER:
            raise Refusal(422, f"Invalid offset {offset}: must be between 0 and {_LARGEST_INTEGER}.")
        return offset


@dataclass(slots=True)
class UnitOfWork:
    """
    One transaction of one operation.

    Args:
        connection: The transaction.
        now: The moment at which all of it happens.
        bounds: How much may be asked for at once.
        vault: Encrypts what is secret.
    """

    connection: Connection
    now: datetime
    vault: Vault
    bounds: Bounds = field(default_factory=Bounds)


def read_only(operation: F) -> F:
    """Say of an operation that it writes nothing, so that it waits for nobody."""
    operation.__dict__["read_only"] = True
    return operation


def is_read_only(operation: Callable[..., Any]) -> bool:
    """Whether an operation writes nothing."""
    return "read_only" in operation.__dict__
