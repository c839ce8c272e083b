"""Asking for slots by hand. `prefect.concurrency.sync` and `prefect.concurrency.asyncio` give them back as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from prefect._contract.endpoints import global_concurrency_limits as endpoints
from prefect.client.base import ask, current_transport
from prefect.concurrency.queues import AcquisitionQueue
from prefect.concurrency.slots import ask_until_free, check_missing
from prefect.utilities.dual import adrive, drive

if TYPE_CHECKING:
    from httpx import Response

    from prefect._contract.concurrency import ConcurrencyLeaseHolder

__all__ = ["ConcurrencySlotAcquisitionService", "ConcurrencySlotAcquisitionWithLeaseService"]


class ConcurrencySlotAcquisitionService(AcquisitionQueue):
    """Takes slots of some limits, which somebody gives back by name."""

    async def acquire(
        self,
        slots: int,
        mode: Literal["concurrency", "rate_limit"],
        timeout_seconds: float | None = None,
        max_retries: int | None = None,
    ) -> Response:
        """
        Take slots, waiting until they are free.

        Args:
            slots: How many of each limit.
            mode: Whether they are given back, or come back by themselves.
            timeout_seconds: How long to wait at most.
            max_retries: How often to ask again at most.

        Returns:
            An answer whose JSON is the list of the limits.

        Raises:
            prefect.concurrency.errors.ConcurrencySlotAcquisitionError: It is refused.
            prefect.concurrency.errors.AcquireConcurrencySlotTimeoutError: The time is over.
        """
        from httpx import Response

        names = self.concurrency_limit_names
        call = endpoints.increment_concurrency_slots(names, slots, mode)
        limits = await adrive(
            ask_until_free(call, names, slots, mode, timeout_seconds, max_retries, current_transport())
        )
        return Response(200, json=[limit.model_dump(mode="json") for limit in limits])


class ConcurrencySlotAcquisitionWithLeaseService(AcquisitionQueue):
    """Takes slots of some limits under a lease, which somebody renews and gives back."""

    async def acquire(
        self,
        slots: int,
        mode: Literal["concurrency", "rate_limit"],
        timeout_seconds: float | None = None,
        max_retries: int | None = None,
        lease_duration: float = 300,
        strict: bool = False,
        holder: ConcurrencyLeaseHolder | None = None,
    ) -> Response:
        """
        Take slots, waiting until they are free.

        Args:
            slots: How many of each limit.
            mode: Whether they are given back, or come back by themselves.
            timeout_seconds: How long to wait at most.
            max_retries: How often to ask again at most.
            lease_duration: Seconds after which they are free again unless the lease is renewed.
            strict: Whether limits that do not exist are an error.
            holder: Who has the slots.

        Returns:
            An answer whose JSON has the `lease_id` and the `limits`.

        Raises:
            prefect.concurrency.errors.ConcurrencySlotAcquisitionError: It is refused.
            prefect.concurrency.errors.AcquireConcurrencySlotTimeoutError: The time is over.
        """
        from httpx import Response

        names = self.concurrency_limit_names
        call = endpoints.increment_concurrency_slots_with_lease(names, slots, mode, lease_duration, holder)
        answer = await adrive(
            ask_until_free(call, names, slots, mode, timeout_seconds, max_retries, current_transport())
        )
        taken = Response(200, json=answer.model_dump(mode="json"))
        missing = sorted(set(names) - {limit.name for limit in answer.limits})
        if missing and strict:
            await adrive(ask(endpoints.release_concurrency_slots_with_lease(answer.lease_id)))
        check_missing(missing, strict)
        return taken

    def release_orphaned_lease(self, response: Response) -> None:
        """
        Give back slots that were taken for somebody who does not want them any more.

        Args:
            response: What `acquire` returned.
        """
        from uuid import UUID

        drive(ask(endpoints.release_concurrency_slots_with_lease(UUID(response.json()["lease_id"]))))
