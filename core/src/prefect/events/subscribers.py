"""Following one flow run: what it logs, and what happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Union
from uuid import UUID

from prefect._contract.state import TERMINAL_STATES
from prefect.client.base import current_transport
from prefect.utilities.time import UTC

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from prefect._contract.events import Event
    from prefect._contract.filters.events import EventFilter
    from prefect._contract.objects import Log

__all__ = ["FlowRunSubscriber"]

_LOOK_EVERY_SECONDS = 0.25
_PAGE = 200
_TERMINAL = frozenset(kind.value for kind in TERMINAL_STATES)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OVERLAP = timedelta(seconds=5)


class FlowRunSubscriber:
    """
    Tells of the logs and the events of a flow run, from its beginning until it has ended.

        async with FlowRunSubscriber(flow_run_id=run.id) as told:
            async for each in told:
                print(each.message if isinstance(each, Log) else each.event)

    Args:
        flow_run_id: The run.
        straggler_timeout: For how many seconds after its end late logs and events are waited for.
        reconnection_attempts: How often in a row to try to connect to a server again.
    """

    def __init__(self, flow_run_id: UUID, straggler_timeout: int = 3, reconnection_attempts: int = 10) -> None:
        self.flow_run_id = flow_run_id
        self._patience = straggler_timeout
        self._attempts = reconnection_attempts
        self._told: asyncio.Queue[Log | Event | BaseException] = asyncio.Queue(_PAGE)
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: float | None = None

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._run(source)) for source in (self._events(), self._logs())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Union[Log, Event]:
        loop = asyncio.get_running_loop()
        while True:
            left = _LOOK_EVERY_SECONDS if self._ends is None else self._ends - loop.time()
            if left <= 0 and self._told.empty():
                raise StopAsyncIteration
            with suppress(TimeoutError, asyncio.TimeoutError):
                each = await asyncio.wait_for(self._told.get(), max(left, 0.01))
                if isinstance(each, BaseException):
                    raise each
                return each

    async def _run(self, source: AsyncIterator[Any]) -> None:
        """Hand on what a source tells; what goes wrong is raised where it is heard."""
        try:
            async for each in source:
                await self._told.put(each)
        except Exception as error:
            await self._told.put(error)

    async def _events(self) -> AsyncIterator[Event]:
        from prefect.client.subscriptions import events_of

        own = f"prefect.flow-run.{self.flow_run_id}"
        async for event in events_of(current_transport(), _about(own), self._attempts):
            yield event
            is_end = event.resource.id == own and event.resource.get("prefect.state-type") in _TERMINAL
            if is_end and event.event.startswith("prefect.flow-run."):
                self._ends = asyncio.get_running_loop().time() + self._patience

    async def _logs(self) -> AsyncIterator[Log]:
        """The logs, asked for again and again: some of those told are asked for once more, as others may come late."""
        told: dict[UUID, datetime] = {}
        while True:
            latest = max(told.values(), default=None)
            since = _EPOCH if latest is None else latest - _OVERLAP
            told = {id: moment for id, moment in told.items() if moment >= since}
            async for log in self._stored_logs(since):
                if log.id not in told:
                    told[log.id] = log.timestamp
                    yield log
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _stored_logs(self, since: datetime) -> AsyncIterator[Log]:
        from prefect._contract.endpoints.logs import read_logs
        from prefect._contract.filters.logs import LogFilter, LogFilterFlowRunId, LogFilterTimestamp
        from prefect._contract.sorting import LogSort

        own, recent = LogFilterFlowRunId(any_=[self.flow_run_id]), LogFilterTimestamp(after_=since)
        wanted, read, is_last = LogFilter(flow_run_id=own, timestamp=recent), 0, False
        while not is_last:
            page = await current_transport().asend(read_logs(wanted, _PAGE, read, LogSort.TIMESTAMP_ASC))
            for log in page:
                yield log
            read, is_last = read + len(page), len(page) < _PAGE


def _about(resource_id: str) -> EventFilter:
    from prefect._contract.filters.events import EventAnyResourceFilter, EventFilter, EventOccurredFilter
    from prefect.utilities.time import now

    begins = EventOccurredFilter(since=now() - timedelta(days=180))
    return EventFilter(occurred=begins, any_resource=EventAnyResourceFilter(id=[resource_id]))
