"""Noticing that there is something to do: by being told where the orchestrator tells, else by looking often."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import anyio

from prefect.client.base import current_transport
from prefect.exceptions import ServerUnreachableError
from prefect.logging.loggers import get_logger

if TYPE_CHECKING:
    from prefect._contract.filters.events import EventFilter

__all__ = ["interval_of_looks", "listen_for_runs"]

_TOLD = ["prefect.flow-run.Scheduled", "prefect.flow-run.AwaitingRetry", "prefect.flow-run.Cancelling"]
_LOOK_SECONDS = 0.4
"""Where nobody can tell, looking is cheap: the orchestrator is in this process."""

_AGAIN_SECONDS = 5.0
_OVERLAP = timedelta(seconds=60)
"""So much may the clock of the server be behind."""

_logger = get_logger("runner")


def interval_of_looks(seconds: float) -> float:
    """
    How many seconds to wait between two looks for runs.

    Args:
        seconds: What the settings say.
    """
    from prefect.settings import get_current_settings

    return seconds if get_current_settings().api.url is not None else min(seconds, _LOOK_SECONDS)


async def listen_for_runs(resources: Callable[[], Iterable[str]], stir: Callable[[], None]) -> None:
    """
    Call a function whenever there may be a run to take, or one to cancel.

    Where the orchestrator cannot tell, this returns.

    Args:
        resources: Says of which deployments or work pools, as ids of resources.
        stir: The function.
    """
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    if settings.api.url is None:
        return
    from prefect.client.http.address import ServerAddress
    from prefect.client.http.subscription import SubscriptionRefusedError, subscribe_to_events

    address = ServerAddress.from_settings(settings)
    while True:
        try:
            async for _ in subscribe_to_events(address, _arrivals(resources())):
                stir()
        except SubscriptionRefusedError as error:
            _logger.info("The server does not tell of new runs, so they are looked for: %s", error)
            return
        except ServerUnreachableError as error:
            _logger.debug("The server cannot tell of new runs: %s", error)
        await anyio.sleep(_AGAIN_SECONDS)


def _arrivals(resources: Iterable[str]) -> EventFilter:
    from prefect._contract.filters.events import (
        EventFilter,
        EventNameFilter,
        EventOccurredFilter,
        EventRelatedFilter,
    )

    return EventFilter(
        occurred=EventOccurredFilter(since=current_transport().now() - _OVERLAP),
        event=EventNameFilter(name=_TOLD),
        related=EventRelatedFilter(id=list(resources)),
    )
