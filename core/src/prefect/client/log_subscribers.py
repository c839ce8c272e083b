"""Being told of lines of logs by an orchestrator, embedded or a server, as they are stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from prefect.client.base import EPHEMERAL_URL, Transport, current_transport

if TYPE_CHECKING:
    from types import TracebackType
    from uuid import UUID

    from typing_extensions import Self

    from prefect._contract.filters.logs import LogFilter
    from prefect._contract.objects import Log
    from prefect.client.http import HttpTransport

__all__ = ["PrefectLogsSubscriber", "get_logs_subscriber"]

_LOOK_EVERY_SECONDS = 0.25
_PAGE = 200
_MANY = 1000
"""So many lines are remembered before those are forgotten that will not be looked at again."""
_OVERLAP = timedelta(seconds=10)
"""Lines are stored a little later than they are logged: so much of the past is looked at again."""


def get_logs_subscriber(
    filter: LogFilter | None = None,
    reconnection_attempts: int = 10,
    reconnect_on_clean_close: bool = False,
) -> PrefectLogsSubscriber:
    """
    What tells of lines of logs of the orchestrator that the settings name: see `PrefectLogsSubscriber`.

    Args:
        filter: Selects the lines; all by default.
        reconnection_attempts: How often in a row to try to connect again.
        reconnect_on_clean_close: Accepted for compatibility: whenever the connection is lost, it is made again.
    """
    return PrefectLogsSubscriber(None, filter, reconnection_attempts, reconnect_on_clean_close)


class PrefectLogsSubscriber:
    """
    Tells of the lines of logs that are stored from now on, each once.

        async with PrefectLogsSubscriber(filter=LogFilter(level={"ge_": 30})) as lines:
            async for line in lines:
                print(line.message)

    A connection that is lost is made again, and what was stored meanwhile is told then.

    Args:
        api_url: The address of a server; by default the orchestrator that the settings name, also an embedded one.
        filter: Selects the lines; all by default.
        reconnection_attempts: How often in a row to try to connect again.
        reconnect_on_clean_close: Accepted for compatibility: whenever the connection is lost, it is made again.
    """

    def __init__(
        self,
        api_url: str | None = None,
        filter: LogFilter | None = None,
        reconnection_attempts: int = 10,
        reconnect_on_clean_close: bool = False,
    ) -> None:
        from prefect._contract.filters.logs import LogFilter

        self._api_url = api_url
        self._filter = filter or LogFilter()
        self._attempts = reconnection_attempts
        self._lines: AsyncGenerator[Log | None, None] | None = None

    @property
    def client_name(self) -> str:
        """The name of its class."""
        return type(self).__name__

    async def __aenter__(self) -> Self:
        from prefect.settings import get_current_settings

        url = self._api_url or get_current_settings().api.url
        transport = current_transport() if url is None else _transport_to(url)
        self._lines = _Lines(transport, self._filter, self._attempts).told()
        await anext(self._lines)  # it is connected: nothing that is stored from now on is missed
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        lines, self._lines = self._lines, None
        if lines is not None:
            await lines.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Log:
        if self._lines is None:
            raise TypeError(f"Logs are told inside of `async with`: `async with {self.client_name}() as lines: ...`.")
        while (line := await anext(self._lines)) is None:
            pass
        return line


class _Lines:
    """The lines that a filter selects, each once."""

    def __init__(self, transport: Transport, wanted: LogFilter, reconnections: int) -> None:
        from prefect.utilities.time import now

        self._transport = transport
        self._wanted = wanted
        self._reconnections = reconnections
        self._began = self._latest = now()
        self._known: dict[UUID, datetime] = {}
        self._many = _MANY

    def told(self) -> AsyncGenerator[Log | None, None]:
        """The lines; None when it has begun, and when it has begun again."""
        return self._asking() if self._transport.url == EPHEMERAL_URL else self._listening()

    async def _asking(self) -> AsyncGenerator[Log | None, None]:
        """Those of an orchestrator that tells only what it is asked."""
        yield None
        while True:
            for line in await self._stored():
                yield line
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _listening(self) -> AsyncGenerator[Log | None, None]:
        """Those that a server tells of by itself."""
        from prefect.client.http.subscription import told_by

        address = cast("HttpTransport", self._transport).address
        lines, begun = told_by(address, "/logs/out", self._wanted, _line, self._reconnections), False
        async with aclosing(lines):
            async for line in lines:
                if line is None and begun:
                    for missed in await self._stored():
                        yield missed
                elif line is None or self._is_new(line):
                    begun = True
                    yield line

    async def _stored(self) -> list[Log]:
        """What was stored since the beginning, or shortly before the latest line, and was not told yet."""
        from prefect._contract.endpoints.logs import read_logs
        from prefect._contract.sorting import LogSort

        since = max(self._began, self._latest - _OVERLAP)
        found: list[Log] = []
        offset = 0
        while True:
            page = await self._transport.asend(read_logs(self._wanted, _PAGE, offset, LogSort.TIMESTAMP_DESC))
            found += [line for line in page if line.timestamp >= since]
            offset += len(page)
            if len(page) < _PAGE or page[-1].timestamp < since:
                return [line for line in reversed(found) if self._is_new(line)]

    def _is_new(self, line: Log) -> bool:
        if line.id in self._known:
            return False
        self._known[line.id] = line.timestamp
        self._latest = max(self._latest, line.timestamp)
        if len(self._known) > self._many:
            oldest = self._latest - 2 * _OVERLAP
            self._known = {id: moment for id, moment in self._known.items() if moment >= oldest}
            self._many = 2 * len(self._known) + _MANY
        return True


def _line(text: str | bytes) -> Log:
    from pydantic_core import from_json

    from prefect._contract.objects import Log

    return Log.model_validate(from_json(text)["log"])


def _transport_to(url: str) -> Transport:
    from prefect.client.http import ServerAddress, transport_to
    from prefect.settings import get_current_settings

    return transport_to(ServerAddress.from_settings(get_current_settings(), url))
