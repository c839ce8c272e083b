"""
Clients of httpx that send again what may succeed later, and raise what was refused.

For packages that talk to a server's API by themselves. The product itself uses `HttpTransport`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from typing_extensions import Self

from prefect.client.http.retries import Trials, read_retry_after
from prefect.exceptions.http_status import PrefectHTTPStatusError
from prefect.utilities.dual import Sleep, Steps, adrive, drive
from prefect.utilities.time import now

__all__ = ["PrefectHttpxAsyncClient", "PrefectHttpxSyncClient", "PrefectResponse"]


class PrefectResponse(httpx.Response):
    """An answer whose `raise_for_status` says what the server said."""

    def raise_for_status(self) -> Self:
        """
        Return the answer, if it is no refusal.

        Raises:
            prefect.exceptions.PrefectHTTPStatusError: It is one.
        """
        try:
            super().raise_for_status()
        except httpx.HTTPStatusError as error:
            raise PrefectHTTPStatusError.from_httpx_error(error) from error.__cause__
        return self

    @classmethod
    def from_httpx_response(cls, response: httpx.Response) -> Self:
        """The same answer."""
        twin = cls(response.status_code)
        twin.__dict__.update(response.__dict__)
        return twin


@dataclass(frozen=True, slots=True)
class _Send:
    """The effect of sending a request once."""

    send: Callable[[httpx.Request], Any]
    request: httpx.Request

    def perform(self) -> httpx.Response:
        response: httpx.Response = self.send(self.request)
        return response

    async def aperform(self) -> httpx.Response:
        sent: Awaitable[httpx.Response] = self.send(self.request)
        return await sent


class _Manners:
    """How requests are sent, whatever the colour of the client."""

    def __init__(self, *, gets_tokens: bool, raises: bool) -> None:
        from prefect.settings import get_current_settings

        self._settings = get_current_settings().client
        self._gets_tokens = gets_tokens
        self._raises = raises
        self._name = str(uuid4())
        self._token: str | None = None

    def steps(self, send: Callable[[httpx.Request], Any], request: httpx.Request, base: httpx.URL) -> Steps[Any]:
        """Send a request, again if need be; the answer, if it is no refusal."""
        response = yield from self._insist(send, request)
        wants_token = self._gets_tokens and response.status_code == 403 and "csrf" in response.text.lower()
        if wants_token:
            asking = httpx.Request("GET", base.join(f"csrf-token?client={self._name}"), headers=request.headers)
            token = PrefectResponse.from_httpx_response((yield from self._insist(send, asking)))
            self._token = token.raise_for_status().json()["token"]
            response = yield from self._insist(send, request)
        answer = PrefectResponse.from_httpx_response(response)
        return answer.raise_for_status() if self._raises else answer

    def _insist(self, send: Callable[[httpx.Request], Any], request: httpx.Request) -> Steps[httpx.Response]:
        settings: Any = self._settings
        codes = frozenset(settings.retry_extra_codes or ())
        trials = Trials(settings.max_retries, settings.retry_jitter_factor, codes)
        if self._token is not None:
            request.headers.update({"Prefect-Csrf-Token": self._token, "Prefect-Csrf-Client": self._name})
        while True:
            asked = None
            try:
                response: httpx.Response = yield _Send(send, request)
            except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError):
                pause = trials.pause(patient=False, at_once=True)
                if pause is None:
                    raise
            else:
                if not trials.is_worth_another(response.status_code):
                    return response
                asked = read_retry_after(response.headers.get("retry-after"), now())
                pause = trials.pause(patient=False, asked=asked)
                if pause is None:
                    return response
            yield Sleep(pause)


class PrefectHttpxSyncClient(httpx.Client):
    """
    A client of httpx that sends again what may succeed later.

    Args:
        args: As for `httpx.Client`.
        enable_csrf_support: Whether to get a token against forged requests where the server wants one.
        raise_on_all_errors: Whether refusals are raised, and not returned.
        kwargs: As for `httpx.Client`.
    """

    def __init__(
        self, *args: Any, enable_csrf_support: bool = False, raise_on_all_errors: bool = True, **kwargs: Any
    ) -> None:
        self._manners = _Manners(gets_tokens=enable_csrf_support, raises=raise_on_all_errors)
        super().__init__(*args, **kwargs)

    def send(self, request: httpx.Request, *args: Any, **kwargs: Any) -> httpx.Response:
        """
        Send a request, again if need be, and return the answer.

        Raises:
            prefect.exceptions.PrefectHTTPStatusError: The request was refused.
        """
        plain = super().send
        answer: httpx.Response = drive(
            self._manners.steps(lambda request: plain(request, *args, **kwargs), request, self.base_url)
        )
        return answer


class PrefectHttpxAsyncClient(httpx.AsyncClient):
    """
    The same for async code.

    Args:
        args: As for `httpx.AsyncClient`.
        enable_csrf_support: Whether to get a token against forged requests where the server wants one.
        raise_on_all_errors: Whether refusals are raised, and not returned.
        kwargs: As for `httpx.AsyncClient`.
    """

    def __init__(
        self, *args: Any, enable_csrf_support: bool = False, raise_on_all_errors: bool = True, **kwargs: Any
    ) -> None:
        self._manners = _Manners(gets_tokens=enable_csrf_support, raises=raise_on_all_errors)
        super().__init__(*args, **kwargs)

    async def send(self, request: httpx.Request, *args: Any, **kwargs: Any) -> httpx.Response:
        """Send a request, again if need be, and return the answer: see `PrefectHttpxSyncClient.send`."""
        plain = super().send
        answer: httpx.Response = await adrive(
            self._manners.steps(lambda request: plain(request, *args, **kwargs), request, self.base_url)
        )
        return answer
