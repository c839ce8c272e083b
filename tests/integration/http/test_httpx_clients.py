"""Clients of httpx with the manners of the product."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from tests.integration.http.wire_server import Received, Reply, WireServer

from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient, PrefectResponse
from prefect.exceptions import PrefectHTTPStatusError


def test_what_may_succeed_later_is_sent_again(server: WireServer) -> None:
    server.script.extend([Reply(503, {"detail": "away"}), Reply(silent=True)])
    with PrefectHttpxSyncClient(base_url=server.url) as client:
        answer = client.get("/x")
    assert answer.json() == "4.0.0"
    assert isinstance(answer, PrefectResponse)
    assert len(server.received) == 3


def test_also_in_async_code(server: WireServer) -> None:
    server.script.append(Reply(429, {"detail": "busy"}, {"Retry-After": "0"}))

    async def ask() -> str:
        async with PrefectHttpxAsyncClient(base_url=server.url) as client:
            answer: str = (await client.post("/x", json={"a": 1})).json()
            return answer

    assert asyncio.run(ask()) == "4.0.0"
    assert [request.json for request in server.received] == [{"a": 1}] * 2


def test_refusals_are_raised_with_what_the_server_said(server: WireServer) -> None:
    server.answer = lambda request: Reply(422, {"detail": "It is Tuesday."})
    with PrefectHttpxSyncClient(base_url=server.url) as client:
        with pytest.raises(PrefectHTTPStatusError, match=r"It is Tuesday\."):
            client.get("/x")
    with PrefectHttpxSyncClient(base_url=server.url, raise_on_all_errors=False) as client:
        answer = client.get("/x")
        assert answer.status_code == 422
        with pytest.raises(PrefectHTTPStatusError, match=r"It is Tuesday\."):
            answer.raise_for_status()


def test_a_token_is_got_when_it_is_wanted(server: WireServer) -> None:
    def answer(request: Received) -> Reply:
        if request.path.startswith("/csrf-token?client="):
            return Reply(200, {"token": "secret", "client": "c", "id": str(uuid4())})
        if request.headers.get("prefect-csrf-token") != "secret":
            return Reply(403, {"detail": "Missing CSRF token."})
        return Reply(200, "done")

    server.answer = answer
    with PrefectHttpxSyncClient(base_url=server.url, enable_csrf_support=True) as client:
        assert client.post("/x").json() == client.post("/x").json() == "done"
    assert len(server.received) == 4
