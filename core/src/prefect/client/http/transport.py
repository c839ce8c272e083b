"""The orchestrator on a server: calls are answered over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from prefect._contract.call import Call
from prefect.client.base import Barrier, is_recording
from prefect.utilities.dual import Run, Steps, adrive, drive
from prefect.utilities.time import now as current_moment

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

    from prefect.client.http.address import ServerAddress
    from prefect.client.http.exchanging import Exchanger
    from prefect.client.http.foreign import ForeignServer
    from prefect.client.http.requests import HttpRequest
    from prefect.settings import Settings

__all__ = ["HttpTransport", "http_transport"]

R = TypeVar("R")

PATIENCE = 600.0
"""Seconds for which a server is waited for that is away, having been there before."""

_ABOUT_THE_SERVER = frozenset({"/health", "/ready", "/hello", "/version", "/admin/version", "/csrf-token"})
"""What is asked to learn whether a server is there. It is not waited for."""


class HttpTransport:
    """
    Has a server answer calls.

    May be used by many threads and event loops at once. A fork opens connections of its own.

    Args:
        address: The server.
        httpx_settings: Parameters of httpx's clients that go before what the address says.
        patience: Seconds for which the server is waited for when it is away, once it has been there.
        beside: A transport to the same server, whose queued records go before what is asked here.
    """

    recording_patience = 0.0
    renewal_seconds = 5.0

    _exchanger: Exchanger | None = None

    def __init__(
        self,
        address: ServerAddress,
        httpx_settings: Mapping[str, Any] | None = None,
        *,
        patience: float = PATIENCE,
        beside: HttpTransport | None = None,
    ) -> None:
        self.address = address
        self._patience = patience
        self.httpx_settings = dict(httpx_settings or {})
        self._beside = beside
        self._barrier: Barrier | None = None
        self._is_ours: bool | None = None
        self._foreign: ForeignServer | None = None

    @property
    def url(self) -> str:
        """The address of the server's API."""
        return self.address.url

    @property
    def patience(self) -> float:
        """Seconds for which the server is waited for. One that was never there is not."""
        was_there = self._exchanger is not None and self._exchanger.outage.reached
        return self._patience if was_there else 0.0

    @property
    def barrier(self) -> Barrier | None:
        """Called before every call that is no recording, so that what was queued before is recorded first."""
        return self._barrier if self._beside is None else self._beside.barrier

    @barrier.setter
    def barrier(self, barrier: Barrier | None) -> None:
        self._barrier = barrier

    @property
    def spool_name(self) -> str:
        """The name of the folder that keeps what could not be recorded at this server."""
        return self.address.name

    def send(self, call: Call[R]) -> R:
        """Have a call answered; this thread waits."""
        answer: R = drive(self._steps(call))
        return answer

    async def asend(self, call: Call[R]) -> R:
        """Have a call answered; the event loop goes on meanwhile."""
        answer: R = await adrive(self._steps(call))
        return answer

    def now(self) -> datetime:
        """What time it is for the server, as far as it has said so: the clock here may be wrong."""
        if self._exchanger is not None:
            return self._exchanger.clock()
        return current_moment() if self._beside is None else self._beside.now()

    def close(self) -> None:
        """Close the connections. Sending afterwards opens new ones."""
        if self._exchanger is not None:
            self._exchanger.connections.close()

    def request(self, method: str, path: str, **options: Any) -> Steps[httpx.Response]:
        """
        Send any request below the server's address, and return the answer if it is no refusal.

        Args:
            method: The verb.
            path: The path, quoted.
            **options: `json`, `params`, `content` and `headers`, as for httpx.

        Raises:
            prefect.exceptions.PrefectHTTPStatusError: The request was refused.
        """
        import httpx

        from prefect.client.http.answers import refusal_of
        from prefect.client.http.requests import HttpRequest

        made = httpx.Request(method, self.address.url + path, **options)
        made.read()
        named = {name: value for name, value in made.headers.items() if name not in {"host", "content-length"}}
        target = path if made.url.query == b"" else f"{path.partition('?')[0]}?{made.url.query.decode()}"
        response = yield from self._exchange(HttpRequest(method, target, made.content or None, named))
        if response.is_error:
            raise refusal_of(response, method, path)
        return response

    # -- the steps of a call

    def _steps(self, call: Call[R]) -> Steps[R]:
        if self.barrier is not None and not is_recording(call) and call.path not in _ABOUT_THE_SERVER:
            yield Run(partial(self.barrier, call))
        if self._is_of_ours_alone(call) and not (yield from self._server_is_ours()):
            return (yield from self._foreigner().answer(call))  # type: ignore[no-any-return]
        return (yield from self._ask(call))  # type: ignore[no-any-return]

    def _is_of_ours_alone(self, call: Call[Any]) -> bool:
        """Whether another server than ours may have to be asked something else."""
        if self._is_ours:
            return False
        if call.path == "/flow_runs/":
            return call.body.parent_task_run_id is not None
        return call.path.startswith("/_core/") or (isinstance(call.body, dict) and "lease" in call.body)

    def _ask(self, call: Call[Any]) -> Steps[Any]:
        """Send a call as it is."""
        from prefect.client.http.answers import read_answer, refusal_of
        from prefect.client.http.requests import to_request

        request = _record_request(call) if call.path == "/_core/task_runs/record" else to_request(call)
        response = yield from self._exchange(request, patient=self._waits(call))
        if response.is_error or response.is_redirect:
            raise refusal_of(response, request.method, request.path)
        return read_answer(response, call.returns)

    @staticmethod
    def _waits(call: Call[Any]) -> bool:
        """Whether a call is worth waiting for. What is recorded is kept in a file instead."""
        if call.path in {"/_core/task_runs/record", "/logs/", "/events"}:
            return False
        return call.path not in _ABOUT_THE_SERVER

    def _exchange(self, request: HttpRequest, *, patient: bool = True) -> Steps[httpx.Response]:
        # Of several threads that send for the first time, all use the same one: it has the connections.
        exchanger = self._exchanger or vars(self).setdefault("_exchanger", self._make_exchanger())
        return exchanger.exchange(request, patient=patient)

    def _make_exchanger(self) -> Exchanger:
        from prefect.client.http.connections import Connections
        from prefect.client.http.exchanging import Exchanger, Outage

        connections = Connections(self.address, self.httpx_settings)
        return Exchanger(self.address, connections, Outage(self.address.url), self._patience)

    # -- what kind of server it is

    def _server_is_ours(self) -> Steps[bool]:
        """Whether the server has what we have added to the contract; asked once."""
        if self._is_ours is None:
            from prefect.client.http.answers import is_json, refusal_of
            from prefect.client.http.requests import HttpRequest

            probe = HttpRequest("POST", "/_core/leases/renew", b'{"tokens":[],"ttl_seconds":1}', _JSON)
            response = yield from self._exchange(probe)
            is_unknown = response.status_code in {404, 405} and is_json(response)
            if not response.is_success and not is_unknown:
                raise refusal_of(response, probe.method, probe.path)
            self._is_ours = response.is_success
        return self._is_ours

    def _foreigner(self) -> ForeignServer:
        if self._foreign is None:
            from prefect.client.http.foreign import ForeignServer

            self._foreign = ForeignServer(self._ask)
        return self._foreign


_JSON = {"Content-Type": "application/json"}


def _record_request(call: Call[Any]) -> HttpRequest:
    from prefect.client.http.recording import encode_records
    from prefect.client.http.requests import HttpRequest

    return HttpRequest(call.method, call.path, encode_records(call.body), _JSON)


_transports: dict[ServerAddress, HttpTransport] = {}


def http_transport(settings: Settings) -> HttpTransport:
    """The transport of this process to the server that settings name."""
    from prefect.client.http.address import ServerAddress

    return transport_to(ServerAddress.from_settings(settings))


def transport_to(address: ServerAddress) -> HttpTransport:
    """The transport of this process to a server."""
    transport = _transports.get(address)
    return _transports.setdefault(address, HttpTransport(address)) if transport is None else transport
