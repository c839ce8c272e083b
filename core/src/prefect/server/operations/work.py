"""What an operation works with: one transaction, one moment, and what it may not exceed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.engine import Connection

from prefect.server.database.queries.events import Occurrence, occurrence_of
from prefect.server.operations.refusals import Refusal

if TYPE_CHECKING:
    from prefect._contract.events import Event
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
        scheduled_runs: How many runs of one schedule may be waiting.
        parameters: How many bytes the parameters of a flow run may have as JSON; any number if None.
    """

    page: int = 200
    graph_nodes: int = 10_000
    graph_artifacts: int = 10_000
    scheduled_runs: int = 50
    parameters: int | None = None

    def check_parameters(self, parameters: Mapping[str, Any]) -> None:
        """
        Make sure that the parameters of a flow run are not too large.

        Raises:
            Refusal: They are.
        """
        if self.parameters is None or not parameters:
            return
        size = len(to_json(parameters))
        if size > self.parameters:
            raise Refusal(413, f"The parameters have {size} bytes as JSON, and at most {self.parameters} are taken.")

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
        vault: Encrypts what is secret.
        bounds: How much may be asked for at once.
        actor: Who asks, as the audit trail and the authors of records name it; empty in an unguarded orchestrator.
        created: Set by an operation that made a record, and did not find the one that was asked for.
        events: What has happened, stored in this transaction: `emit`.
        schedules_changed: Set by an operation after which runs of schedules are to be inserted.
        serves: Whether this is a server, or acts like one: events can be found at once. A process that is its own orchestrator
            spends as little as possible on what may never be asked for.
        api_url: Where requests are answered, for links in answers.
        key: Names the request, if its sender may send it again.
    """

    connection: Connection
    now: datetime
    vault: Vault
    bounds: Bounds = field(default_factory=Bounds)
    actor: str = ""
    created: bool = False
    events: list[Occurrence] = field(default_factory=list)
    schedules_changed: bool = False
    serves: bool = False
    api_url: str = "http://ephemeral-prefect/api"
    key: UUID | None = None

    def emit(self, event: Event | Occurrence) -> None:
        """Tell of something that happens with this transaction, if it is committed."""
        self.events.append(event if isinstance(event, Occurrence) else occurrence_of(event))


def read_only(operation: F) -> F:
    """Say of an operation that it writes nothing, so that it waits for nobody."""
    operation.__dict__["read_only"] = True
    return operation


def is_read_only(operation: Callable[..., Any]) -> bool:
    """Whether an operation writes nothing."""
    return "read_only" in operation.__dict__
