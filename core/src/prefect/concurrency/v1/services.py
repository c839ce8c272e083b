"""Asking for slots of tags by hand. `prefect.concurrency.v1.sync` and `.asyncio` give them back as well."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.endpoints.concurrency_limits import increment_v1_concurrency_slots
from prefect.client.base import current_transport
from prefect.concurrency.errors import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.concurrency.queues import AcquisitionQueue
from prefect.concurrency.slots import ask_until_free
from prefect.utilities.dual import adrive

if TYPE_CHECKING:
    from httpx import Response

__all__ = ["ConcurrencySlotAcquisitionService", "ConcurrencySlotAcquisitionServiceError"]


class ConcurrencySlotAcquisitionServiceError(Exception):
    """Slots of tags could not be had."""


class ConcurrencySlotAcquisitionService(AcquisitionQueue):
    """Takes slots of some tags for task runs."""

    async def acquire(self, task_run_id: UUID, timeout_seconds: float | None = None) -> Response:
        """
        Take a slot of each tag, waiting until they are free.

        Args:
            task_run_id: The task run.
            timeout_seconds: How long to wait at most.

        Returns:
            An answer whose JSON is the list of the limits.

        Raises:
            ConcurrencySlotAcquisitionServiceError: It is refused, or the time is over.
        """
        from httpx import Response

        names = self.concurrency_limit_names
        call = increment_v1_concurrency_slots(names, task_run_id)
        tags = [f"tag:{name}" for name in names]
        asking = ask_until_free(call, tags, 1, "concurrency", timeout_seconds, None, current_transport())
        try:
            limits = await adrive(asking)
        except (AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError) as error:
            raise ConcurrencySlotAcquisitionServiceError(str(error)) from error
        return Response(200, json=[limit.model_dump(mode="json") for limit in limits])
