"""Finds the operation that answers to a verb and path, importing no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from prefect._contract.call import Call
from prefect._contract.endpoints.table import ENDPOINTS, Endpoint
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.work import UnitOfWork, is_read_only

__all__ = ["Operation", "find_operation"]


@dataclass(frozen=True, slots=True)
class Operation:
    """
    What answers to a verb and path.

    Args:
        function: Does it.
        read_only: Whether it writes nothing.
        takes_body: Whether it takes the body of the request as one value, and not its fields as parameters.
    """

    function: Callable[..., Any]
    read_only: bool
    takes_body: bool

    def perform(self, work: UnitOfWork, call: Call[Any]) -> Any:
        """Answer a call."""
        work.key = call.key
        named = {**call.path_params, **{name.replace("-", "_"): value for name, value in call.query.items()}}
        if self.takes_body:
            return self.function(work, **named, body=call.body)
        if call.body is None:
            return self.function(work, **named)
        return self.function(work, **named, **call.body)


@cache
def _table() -> dict[tuple[str, str], Endpoint]:
    return {endpoint.route: endpoint for endpoint in ENDPOINTS}


@cache
def find_operation(route: tuple[str, str]) -> Operation:
    """
    The operation that answers to a verb and path template.

    Raises:
        Refusal: There is none.
    """
    endpoint = _table().get(route)
    if endpoint is None:
        raise Refusal(404, f"{' '.join(route)} is not known: nothing in this process answers to it.")
    module = import_module(f"prefect.server.operations.{endpoint.module}")
    function = getattr(module, endpoint.name)
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return Operation(function, is_read_only(function), "body" in names)
