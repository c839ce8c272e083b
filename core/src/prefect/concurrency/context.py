"""What is given back when a context ends, whatever becomes of the code in it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from prefect._contract.endpoints.global_concurrency_limits import release_concurrency_slots_with_lease
from prefect.client.base import ask
from prefect.context import ContextModel
from prefect.utilities.dual import drive

__all__ = ["ConcurrencyContext"]


@dataclass(kw_only=True, eq=False)
class ConcurrencyContext(ContextModel):
    """
    Gives back slots when it ends. `concurrency` needs no such help, this is for slots that are taken without it.

    Args:
        cleanup_lease_ids: The leases of the slots.
    """

    __var__: ClassVar[ContextVar[Any]] = ContextVar("concurrency")

    cleanup_lease_ids: list[UUID] = field(default_factory=list)

    def __exit__(self, *exc_info: object) -> None:
        try:
            while self.cleanup_lease_ids:
                drive(ask(release_concurrency_slots_with_lease(self.cleanup_lease_ids.pop())))
        finally:
            super().__exit__(*exc_info)
