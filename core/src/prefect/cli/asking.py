"""How commands ask the orchestrator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from prefect.cli.errors import CliError

if TYPE_CHECKING:
    from prefect._contract.call import Call

__all__ = ["PAGE", "ask", "pages"]

R = TypeVar("R")

PAGE = 200
"""How many records are asked for at once: what an orchestrator gives at most."""

_NOT_FOUND = 404


def ask(call: Call[R], missing: str | None = None) -> R:
    """
    The answer to a call.

    Args:
        call: The call.
        missing: What to say if the thing that it is about does not exist.

    Raises:
        CliError: It does not exist.
    """
    from prefect.client.base import current_transport
    from prefect.exceptions import ObjectNotFound

    try:
        return current_transport().send(call)
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if missing is None or not (isinstance(error, ObjectNotFound) or status == _NOT_FOUND):
            raise
        raise CliError(missing) from None


def pages(
    call: Callable[[int, int], Call[list[R]]],
    limit: int | None = None,
    send: Callable[[Call[list[R]]], list[R]] = ask,
) -> Iterator[R]:
    """
    All records of a list, page by page.

    Args:
        call: Makes the call for a limit and an offset.
        limit: How many records at most; None for all.
        send: Answers a call, if it is not the orchestrator of this process that is asked.
    """
    offset = 0
    while limit is None or offset < limit:
        wanted = PAGE if limit is None else min(PAGE, limit - offset)
        page = send(call(wanted, offset))
        yield from page
        offset += len(page)
        if len(page) < wanted:
            return
