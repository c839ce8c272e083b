"""The I/O contract between the SDK and an orchestrator: one call in, one answer out, in both colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from prefect._contract.call import Call
from prefect.utilities.dual import Steps

R = TypeVar("R")


class Transport(Protocol):
    """Sends calls. `EmbeddedTransport` performs them in this process, `HttpTransport` sends them to a server."""

    def send(self, call: Call[R]) -> R:
        """Answer a call.

        Raises:
            prefect.exceptions.ObjectNotFound: What was asked for does not exist.
            prefect.exceptions.ObjectAlreadyExists: What was to be created exists.
            prefect.exceptions.PrefectHTTPStatusError: The call was refused for another reason.
        """
        ...

    async def asend(self, call: Call[R]) -> R:
        """Answer a call without blocking the event loop."""
        ...

    def close(self) -> None:
        """Release connections. Sending afterwards is an error."""
        ...


@dataclass(frozen=True, slots=True)
class Send:
    """The effect of sending a call over a transport; without one, over the current one."""

    call: Call[Any]
    transport: Transport | None = None

    def perform(self) -> Any:
        return (self.transport or current_transport()).send(self.call)

    async def aperform(self) -> Any:
        return await (self.transport or current_transport()).asend(self.call)


def ask(call: Call[R], transport: Transport | None = None) -> Steps[R]:
    """Ask the orchestrator, inside a step function: `flow = yield from ask(flows.read_flow(id))`."""
    answer: R = yield Send(call, transport)
    return answer


def current_transport() -> Transport:
    """The transport that the current settings ask for: HTTP with PREFECT_API_URL, embedded without."""
    raise NotImplementedError
