"""What is given back when a context ends, whatever becomes of the code in it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from prefect._contract.endpoints.concurrency_limits import decrement_v1_concurrency_slots
from prefect.client.base import ask
from prefect.context import ContextModel
from prefect.utilities.dual import drive

__all__ = ["ConcurrencyContext"]


@dataclass(kw_only=True, eq=False)
class ConcurrencyContext(ContextModel):
    """
    Gives back slots of tags when it ends. `concurrency` needs no such help, this is for slots that are taken without it.

    Args:
        cleanup_slots: The tags, for how many seconds their slots were kept, and the task run that has them.
    """

    __var__: ClassVar[ContextVar[Any]] = ContextVar("concurrency_v1")

    cleanup_slots: list[tuple[list[str], float, UUID]] = field(default_factory=list)

    def __exit__(self, *exc_info: object) -> None:
        try:
            while self.cleanup_slots:
                names, _, task_run_id = self.cleanup_slots.pop()  # since when they are kept, the orchestrator knows
                drive(ask(decrement_v1_concurrency_slots(names, task_run_id)))
        finally:
            super().__exit__(*exc_info)
