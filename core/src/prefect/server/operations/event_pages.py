"""
Names of pages of events.

A page is named by all that is needed to read it: what was asked for, and the event after which it begins. So the server
remembers nothing, and events that occur while somebody turns pages do not move them. Such a name is checked like any other
request: nothing can be asked with it that could not be asked without.
"""

import base64
import zlib
from typing import Annotated

from pydantic import ConfigDict, Field

from prefect._contract.base import PrefectBaseModel
from prefect._contract.filters.events import EventFilter
from prefect.server.database.queries.event_reading import Place
from prefect.server.operations.refusals import Refusal

__all__ = ["EventPosition", "page_token", "parse_page_token"]

_LARGEST = 4 * 1024 * 1024
"""How many bytes a position has at most, as JSON."""


class EventPosition(PrefectBaseModel):
    """
    A page of events.

    Args:
        filter: What was asked for.
        limit: How many events are on a page.
        after: The moment and the id of the last event before it; None for the first page.
        total: How many events were selected when the first page was read.
    """

    model_config = ConfigDict(extra="forbid")

    filter: EventFilter
    limit: Annotated[int, Field(ge=0)]
    after: Place | None = None
    total: Annotated[int, Field(ge=0)] | None = None


def page_token(position: EventPosition) -> str:
    """The name of a page, for URLs."""
    document = position.model_dump_json(exclude_none=True).encode()
    return base64.urlsafe_b64encode(zlib.compress(document)).decode().rstrip("=")


def parse_page_token(token: str, most: int) -> EventPosition:
    """
    The page that a name names.

    Args:
        token: The name.
        most: How many events a page has, at most.

    Raises:
        Refusal: It names none.
    """
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj()
        document = unpacking.decompress(packed, _LARGEST)
        if unpacking.eof and not unpacking.unused_data:
            position = EventPosition.model_validate_json(document)
            if position.limit <= most:
                return position
    except (ValueError, zlib.error):  # which those of base 64 and of pydantic are too
        pass
    detail = (
        "This page-token names no page. Take it from next_page, or ask for the first page with POST /events/filter."
    )
    raise Refusal(422, detail) from None
