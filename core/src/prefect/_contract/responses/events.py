"""Answers about events."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AnyHttpUrl

from prefect._contract.base import Moment, PrefectBaseModel, WireType
from prefect._contract.events import ReceivedEvent

if TYPE_CHECKING:
    from prefect._contract.call import Call

__all__ = ["EventCount", "EventPage"]


class EventPage(PrefectBaseModel):
    """
    Some of the selected events.

    Args:
        events: The events of this page.
        total: How many are selected in all.
        next_page: Where the next page is; None for the last one.
    """

    events: list[ReceivedEvent]
    total: int
    next_page: Annotated[AnyHttpUrl, WireType("string", "uri")] | None

    @property
    def next_page_token(self) -> str | None:
        """
        What names the next page in `next_page`; None for the last one.

        Raises:
            ValueError: Nothing does.
        """
        if self.next_page is None:
            return None
        token = dict(self.next_page.query_params()).get("page-token")
        if token is None:
            raise ValueError(f"next_page is {str(self.next_page)!r}, which has no page-token: it names no page.")
        return token

    async def get_next_page(self, client: Any) -> "EventPage | None":
        """Read the next page with an async client; None after the last one."""
        call = self._next()
        return None if call is None else await client.transport.asend(call)

    def get_next_page_sync(self, client: Any) -> "EventPage | None":
        """Read the next page with a sync client; None after the last one."""
        call = self._next()
        return None if call is None else client.transport.send(call)

    def _next(self) -> "Call[EventPage] | None":
        from prefect._contract.endpoints.events import read_events_page

        token = self.next_page_token
        return None if token is None else read_events_page(token)


class EventCount(PrefectBaseModel):
    """
    How many of the selected events have something in common.

    Args:
        value: What they have in common: a day, an interval, a kind of event, a resource.
        label: The same, for people.
        count: How many they are.
        start_time: When the first of them occurred, or the interval began.
        end_time: When the last of them occurred, or the interval ended.
    """

    value: str
    label: str
    count: int
    start_time: Moment
    end_time: Moment
