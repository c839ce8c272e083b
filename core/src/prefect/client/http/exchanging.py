"""
One request, sent until it is answered.

A server that was there once is waited for when it is away: it is being restarted, or the network is. One that was never
there is not waited for, since the address may be wrong. What is said about it in the log is said once for all callers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx

from prefect.client.http.answers import is_json, refusal_of
from prefect.client.http.connections import Connections
from prefect.client.http.requests import HttpRequest
from prefect.client.http.retries import AWAY, Trials, read_retry_after
from prefect.client.http.server_clock import ServerClock
from prefect.exceptions import ConfigurationError
from prefect.exceptions.http_status import ServerUnreachableError
from prefect.utilities.dual import Sleep, Steps
from prefect.utilities.time import now

if TYPE_CHECKING:
    from prefect.client.http.address import ServerAddress

__all__ = ["Exchange", "Exchanger", "Outage"]

PATIENCE_WITH_STRANGERS = 15.0
"""Seconds after which a server is given up that was never there."""

_IMPATIENT_RETRIES = 2

SAYS_AGAIN_AFTER = 30.0
"""Seconds after which it is said again that a server is waited for."""

_CUT = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError, httpx.CloseError)
"""A connection that broke. An idle one may have been closed by the server just before it was used again."""

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What is certain not to have had an effect."""

_VERSION_PATH = "/admin/version"

logger = logging.getLogger("prefect.client")


@dataclass(frozen=True, slots=True)
class Exchange:
    """The effect of sending a request once and reading all of the answer."""

    connections: Connections
    request: HttpRequest

    def perform(self) -> httpx.Response:
        return self.connections.sync().send(self.request)

    async def aperform(self) -> httpx.Response:
        return await (await self.connections.current()).send(self.request)


@dataclass(slots=True)
class Outage:
    """
    What this process knows of whether a server is there.

    Args:
        url: The server.
        reached: Whether it has ever answered.
        since: Since when it does not, on the monotonic clock; None while it does.
    """

    url: str
    reached: bool = False
    since: float | None = None
    said: float = 0.0
    clock: Callable[[], float] = time.monotonic

    def goes_on(self, reason: object, *, patient: bool) -> float:
        """Note that a try came to nothing. Says for how many seconds the server has been away."""
        moment = self.clock()
        if self.since is None:
            self.since, self.said = moment, moment - SAYS_AGAIN_AFTER + 1.0  # one second is no news
        away = moment - self.since
        if patient and self.reached and moment - self.said >= SAYS_AGAIN_AFTER:
            self.said = moment
            logger.warning("Waiting for the server at %s, away for %.0f s: %s", self.url, away, reason)
        return away

    def is_over(self) -> None:
        """Note that the server has answered."""
        since, self.since = self.since, None
        if since is not None and self.clock() - since >= 1.0:
            logger.warning("The server at %s is back after %.0f s.", self.url, self.clock() - since)


@dataclass(slots=True)
class Exchanger:
    """
    Sends requests to a server.

    Args:
        address: The server.
        connections: Its connections.
        outage: What is known of whether it is there.
        patience: Seconds that a server is waited for that was there before.
        clock: What time it is for the server.
    """

    address: ServerAddress
    connections: Connections
    outage: Outage
    patience: float
    clock: ServerClock = field(default_factory=ServerClock)
    csrf_client: str = field(default_factory=lambda: str(uuid4()))
    csrf_token: str | None = None

    def exchange(self, request: HttpRequest, *, patient: bool = True) -> Steps[httpx.Response]:
        """
        Send a request, again if need be, and return the answer, whatever that is.

        Args:
            request: The request.
            patient: Whether to wait for a server that is away.

        Raises:
            ServerUnreachableError: There was no answer.
            prefect.exceptions.ConfigurationError: What answers is no server of ours.
        """
        tries = self.address.max_retries if patient else self._tries_of_the_impatient()
        trials = Trials(tries, self.address.jitter, self.address.extra_codes)
        renewed = False
        while True:
            try:
                response: httpx.Response = yield self._once(request)
            except httpx.UnsupportedProtocol:
                raise
            except (httpx.TransportError, httpx.DecodingError) as error:
                pause = self._after_silence(trials, error, patient=patient)
            else:
                if response.status_code == 403 and not renewed and self._wants_token(response):
                    renewed = True
                    yield from self._get_token()
                    continue
                asked = self._after_answer(trials, response, patient=patient)
                if asked is None:
                    return (yield from self._settled(request, trials, response))
                pause = asked
            if pause > 0:
                yield Sleep(pause)

    def _once(self, request: HttpRequest) -> Exchange:
        if self.csrf_token is not None:
            token = {"Prefect-Csrf-Token": self.csrf_token, "Prefect-Csrf-Client": self.csrf_client}
            request = replace(request, headers={**request.headers, **token})
        return Exchange(self.connections, request)

    def _tries_of_the_impatient(self) -> int:
        """Who does not wait only makes sure that it is not just an old connection that broke."""
        return min(self.address.max_retries, _IMPATIENT_RETRIES) if self.outage.since is None else 0

    # -- failures

    def _after_silence(self, trials: Trials, error: httpx.RequestError, *, patient: bool) -> float:
        if not isinstance(error, _UNSENT):
            trials.was_cut = True
        away = self.outage.goes_on(_words_of(error), patient=patient)
        waits = patient and self.outage.reached and away < self.patience
        pause = trials.pause(patient=waits, at_once=isinstance(error, _CUT))
        is_too_long = away >= (self.patience if self.outage.reached else PATIENCE_WITH_STRANGERS)
        if pause is None or is_too_long or (isinstance(error, httpx.ReadTimeout) and not self.outage.reached):
            raise self._unreachable(error, away) from None
        return pause

    def _unreachable(self, error: Exception, away: float) -> ServerUnreachableError:
        if self.outage.reached:
            return ServerUnreachableError(
                f"The server at {self.address.url} has not answered for {away:.0f} s: {_words_of(error)}."
            )
        return ServerUnreachableError(
            f"No server answers at {self.address.url} (PREFECT_API_URL): {_words_of(error)}. Start one with "
            "`prefect server start`, correct the setting, or unset it to use the orchestrator in this process: "
            "`prefect config unset PREFECT_API_URL`."
        )

    def _after_answer(self, trials: Trials, response: httpx.Response, *, patient: bool) -> float | None:
        """Seconds until the next try; None if the answer is one to keep."""
        status = response.status_code
        if not trials.is_worth_another(status):
            self.outage.is_over()
            return None
        waits = False
        if status in AWAY:
            away = self.outage.goes_on(f"it answers with status {status}", patient=patient)
            waits = patient and self.outage.reached and away < self.patience
        asked = read_retry_after(response.headers.get("retry-after"), now())
        return trials.pause(patient=waits, asked=asked)

    # -- answers

    def _settled(self, request: HttpRequest, trials: Trials, response: httpx.Response) -> Steps[httpx.Response]:
        """The answer as the caller is to see it."""
        if not self.outage.reached:
            yield from self._meet(request, response)
            self.outage.reached = True
        self.clock.hear(response.headers.get("date"))
        if request.method == "DELETE" and trials.was_cut and response.status_code == 404:
            return httpx.Response(204, request=response.request)  # an earlier try did it, and its answer was lost
        return response

    def _meet(self, request: HttpRequest, response: httpx.Response) -> Steps[None]:
        """Make sure, at its first answer, that this is a server of ours and not just anything that speaks HTTP."""
        status = response.status_code
        if status < 300 and (is_json(response) or status == 204):
            return
        if request.path != _VERSION_PATH and (status in {404, 405} or status < 300):
            answer = yield self._once(HttpRequest("GET", _VERSION_PATH))
            if answer.status_code != 404 and is_json(answer):
                return
        elif is_json(response) and status >= 400 and status != 404:
            return
        kind = response.headers.get("content-type", "nothing")
        raise ConfigurationError(
            f"{self.address.url} (PREFECT_API_URL) is not the API of a server: {request.method} {request.path} is answered "
            f"with status {status} and {kind}.{_better_address(self.address.url)}"
        )

    def _wants_token(self, response: httpx.Response) -> bool:
        return self.address.csrf and "csrf" in response.text.lower()

    def _get_token(self) -> Steps[None]:
        """Get a token against forged requests: this server wants one, or a newer one than ours."""
        self.csrf_token = None
        answer = yield from self.exchange(HttpRequest("GET", f"/csrf-token?client={self.csrf_client}"))
        if answer.status_code != 200:
            raise refusal_of(answer, "GET", "/csrf-token")
        self.csrf_token = answer.json()["token"]


def _words_of(error: Exception) -> str:
    """What is wrong, never nothing."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _better_address(url: str) -> str:
    if url.endswith("/api"):
        return " Is it the right port?"
    return f" The API is usually below /api: try {url.partition('/api/')[0]}/api."
