"""The I/O contract between the SDK and an orchestrator: one call in, one answer out, in both colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from prefect._contract.call import Call
from prefect.utilities.collections import AutoEnum
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from datetime import datetime

    from prefect.client.http.httpx_clients import PrefectHttpxAsyncClient, PrefectHttpxSyncClient, PrefectResponse
    from prefect.settings import Settings

__all__ = [
    "EPHEMERAL_URL",
    "Barrier",
    "PrefectHttpxAsyncClient",
    "PrefectHttpxSyncClient",
    "PrefectResponse",
    "Send",
    "ServerType",
    "Transport",
    "add_barrier",
    "ask",
    "current_transport",
    "determine_server_type",
    "is_about_slots",
    "is_recording",
    "server_type_of",
    "through",
]

R = TypeVar("R")

Barrier = Callable[[Call[Any] | None], None]
"""Records what is queued in a process before a call that may depend on it; without a call, all."""

EPHEMERAL_URL = "http://ephemeral-prefect/api"
"""The address of an orchestrator in this process. It is made up: nobody can connect to it."""


def is_recording(call: Call[Any]) -> bool:
    """Whether a call records what a process has queued: task runs, logs, events."""
    return call.path.startswith("/_core/") or call.route in {("POST", "/logs/"), ("POST", "/events")}


class Transport(Protocol):
    """Sends calls. `EmbeddedTransport` performs them in this process, `HttpTransport` sends them to a server."""

    barrier: Barrier | None
    """
    Called before every call that is not itself a recording (`is_recording`), so that what this process has queued is
    recorded before anything is read: read-your-writes. See `add_barrier`.
    """

    @property
    def url(self) -> str:
        """The address of the orchestrator."""
        ...

    @property
    def patience(self) -> float:
        """Seconds for which a call waits for an orchestrator that is away; 0 if this one cannot be away."""
        ...

    renewal_seconds: float
    """Seconds between two renewals of the leases of running flow runs, which is also how soon a cancellation is heard of."""

    recording_patience: float
    """Seconds for which what is to be recorded is offered again, before it is kept in a file."""

    @property
    def spool_name(self) -> str:
        """The name of the folder that keeps what could not be recorded: each orchestrator has its own."""
        ...

    def send(self, call: Call[R]) -> R:
        """
        Answer a call.

        Raises:
            prefect.exceptions.ObjectNotFound: What was asked for does not exist.
            prefect.exceptions.ObjectAlreadyExists: What was to be created exists.
            prefect.exceptions.PrefectHTTPStatusError: The call was refused for another reason.
        """
        ...

    async def asend(self, call: Call[R]) -> R:
        """Answer a call without blocking the event loop."""
        ...

    def now(self) -> datetime:
        """What time it is for the orchestrator, as far as is known here: the clock of this machine may be wrong."""
        ...

    def close(self) -> None:
        """Release connections. Sending afterwards opens new ones."""
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
    """
    Ask the orchestrator, inside a step function.

        flow = yield from ask(flows.read_flow(flow_id))
    """
    answer: R = yield Send(call, transport)
    return answer


def through(transport: Transport, steps: Steps[R]) -> Steps[R]:
    """The same steps, asking over a transport where they name none."""
    try:
        effect = next(steps)
        while True:
            if isinstance(effect, Send) and effect.transport is None:
                effect = Send(effect.call, transport)
            try:
                value = yield effect
            except BaseException as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def is_about_slots(call: Call[Any]) -> bool:
    """Whether a call takes slots of concurrency limits, keeps them or gives them back."""
    return call.method == "POST" and call.path.startswith(_OF_SLOTS)


_OF_SLOTS = ("/v2/concurrency_limits/increment", "/v2/concurrency_limits/decrement", "/v2/concurrency_limits/leases/")


def _is_any(call: Call[Any]) -> bool:
    return True


def add_barrier(
    transport: Transport, barrier: Callable[[], None], concerns: Callable[[Call[Any]], bool] = _is_any
) -> None:
    """
    Have something done before each call that is not itself a recording, after what was to be done already.

    Args:
        transport: What sends the calls.
        barrier: What is to be done.
        concerns: Whether it matters to a call. By default it does to all.
    """
    earlier = transport.barrier

    def both(call: Call[Any] | None) -> None:
        if earlier is not None:
            earlier(call)
        if call is None or concerns(call):
            barrier()

    transport.barrier = both


def current_transport() -> Transport:
    """
    The transport that the current settings ask for. It is the same one for the same settings, and stays open.

    Raises:
        prefect.exceptions.ConfigurationError: The settings name a server by something that is no address.
    """
    from prefect.settings import get_current_settings

    global _latest
    settings = get_current_settings()
    asked, transport = _latest
    if asked is not settings:
        transport = _make_transport(settings)
        _latest = (settings, transport)
    return transport  # type: ignore[return-value]


def _make_transport(settings: Settings) -> Transport:
    if settings.api.url is not None:
        from prefect.client.http import http_transport

        return http_transport(settings)
    from prefect.client.embedded import embedded_transport

    return embedded_transport(settings)


_latest: tuple[Settings | None, Transport | None] = (None, None)
"""The settings that were asked about last, and their transport: nearly always the same ones are asked about again."""


class ServerType(AutoEnum):
    """Where a client's orchestrator is."""

    EPHEMERAL = "EPHEMERAL"
    SERVER = "SERVER"
    CLOUD = "CLOUD"
    UNCONFIGURED = "UNCONFIGURED"


def determine_server_type() -> ServerType:
    """Where the orchestrator is that the current settings ask for: in this process, or a server."""
    from prefect.settings import get_current_settings

    return server_type_of(get_current_settings().api.url)


def server_type_of(url: str | None) -> ServerType:
    """Where the orchestrator with an address is; without one it is in this process."""
    if url is None:
        return ServerType.EPHEMERAL
    host = urlsplit(url).hostname or ""
    return ServerType.CLOUD if host == "prefect.cloud" or host.endswith(".prefect.cloud") else ServerType.SERVER


def __getattr__(name: str) -> Any:
    if name in {"PrefectHttpxAsyncClient", "PrefectHttpxSyncClient", "PrefectResponse"}:  # of classes of httpx
        from prefect.client.http import httpx_clients

        return getattr(httpx_clients, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
