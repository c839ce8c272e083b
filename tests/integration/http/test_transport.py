"""The transport to a server, on real sockets that fail in real ways."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import pytest
from tests.integration.http.wire_server import Received, Reply, WireServer

from prefect._contract.actions.runs import ArtifactCreate, FlowCreate, FlowRunCreate, StateCreate
from prefect._contract.endpoints import administration, artifacts, flow_runs, flows, variables
from prefect._contract.endpoints.liveness import renew_leases
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect._contract.objects import Flow
from prefect.client.http import HttpTransport, ServerAddress
from prefect.client.http.exchanging import PATIENCE_WITH_STRANGERS
from prefect.client.http.retries import FIRST_PAUSE
from prefect.exceptions import (
    ConfigurationError,
    ObjectAlreadyExists,
    ObjectLimitReached,
    ObjectNotFound,
    PrefectHTTPStatusError,
    ServerUnreachableError,
)
from prefect.utilities.time import UTC

Connect = Callable[..., HttpTransport]
VERSION = administration.read_admin_version()
FLOW = {"id": str(uuid4()), "name": "one", "tags": []}


def a_flow(transport: HttpTransport) -> Flow:
    return transport.send(flows.create_flow(FlowCreate(name="one")))


# -- a call that is answered


def test_a_call_is_a_request_and_its_answer_a_value(server: WireServer, connect: Connect) -> None:
    server.answer = lambda request: Reply(201, FLOW)
    assert a_flow(connect(key="secret")).name == "one"
    [request] = server.received
    assert (request.method, request.path, request.json) == ("POST", "/flows/", {"name": "one"})
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["x-prefect-api-version"] == "0.8.4"
    assert request.headers["user-agent"].startswith("prefect/")


def test_basic_authentication(server: WireServer, connect: Connect) -> None:
    connect(auth_string="me:pässword").send(VERSION)
    assert server.received[0].headers["authorization"] == "Basic bWU6cMOkc3N3b3Jk"


def test_names_in_paths_are_quoted(server: WireServer, connect: Connect) -> None:
    transport = connect()
    transport.send(VERSION)
    server.answer = lambda request: Reply(404, {"detail": "There is none."})
    with pytest.raises(ObjectNotFound):
        transport.send(variables.read_variable_by_name("a/b?c#d é"))
    assert server.received[1].path == "/variables/name/a%2Fb%3Fc%23d%20%C3%A9"
    for name in ("", ".", ".."):
        with pytest.raises(ObjectNotFound, match="part of a path"):
            transport.send(variables.read_variable_by_name(name))


def test_connections_are_used_again(server: WireServer, connect: Connect) -> None:
    transport = connect()
    for _ in range(5):
        transport.send(VERSION)
    assert server.connections == 1
    transport.close()
    transport.send(VERSION)
    assert server.connections == 2


def test_threads_share_a_transport(server: WireServer, connect: Connect) -> None:
    server.answer = lambda request: Reply(body=request.path, delay=0.02)
    transport = connect()
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.extend(transport.send(VERSION) for _ in range(5))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["/admin/version"] * 40
    assert server.connections <= 8


def test_each_event_loop_has_its_own_connections_and_closes_them(server: WireServer, connect: Connect) -> None:
    transport = connect()

    async def ask() -> list[str]:
        return await asyncio.gather(*[transport.asend(VERSION) for _ in range(4)])

    for _ in range(3):
        assert asyncio.run(ask()) == ["4.0.0"] * 4
    assert transport.send(VERSION) == "4.0.0"


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="needs fork")
def test_a_fork_opens_connections_of_its_own(server: WireServer, connect: Connect) -> None:
    transport = connect()
    transport.send(VERSION)
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if transport.send(VERSION) == "4.0.0" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    transport.send(VERSION)
    assert server.connections == 2
    assert server.received[2].connection == server.received[0].connection


def test_custom_headers_and_settings_of_httpx(server: WireServer, connect: Connect) -> None:
    transport = connect({"headers": {"X-Two": "2"}}, custom_headers=(("X-One", "1"),))
    transport.send(VERSION)
    assert (server.received[0].headers["x-one"], server.received[0].headers["x-two"]) == ("1", "2")
    with pytest.raises(ConfigurationError, match="'base_url'"):
        connect({"base_url": "http://elsewhere"}).send(VERSION)


# -- refusals


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (404, {}, ObjectNotFound),
        (409, {}, ObjectAlreadyExists),
        (403, {"Prefect-Error": "ObjectLimitReached"}, ObjectLimitReached),
        (409, {"Prefect-Error": "Refusal"}, PrefectHTTPStatusError),
        (422, {}, PrefectHTTPStatusError),
        (500, {}, PrefectHTTPStatusError),
    ],
)
def test_refusals_are_the_exceptions_that_embedded_use_raises(
    server: WireServer, connect: Connect, status: int, headers: dict[str, str], kind: type[Exception]
) -> None:
    transport = connect()
    transport.send(VERSION)
    server.answer = lambda request: Reply(status, {"detail": "It is Tuesday."}, headers)
    with pytest.raises(kind, match=r"It is Tuesday\.") as caught:
        a_flow(transport)
    assert len(server.received) == 2
    cause = caught.value if isinstance(caught.value, PrefectHTTPStatusError) else caught.value.http_exc  # type: ignore[attr-defined]
    assert cause.response.status_code == status
    assert f"POST /flows/ was refused by 127.0.0.1 with status {status}" in str(cause)


def test_who_is_not_known_is_told_which_setting(server: WireServer, connect: Connect) -> None:
    server.answer = lambda request: Reply(401, {"detail": "Unauthorized"})
    with pytest.raises(PrefectHTTPStatusError, match=r"Unauthorized.*PREFECT_API_AUTH_STRING.*PREFECT_API_KEY"):
        connect().send(VERSION)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>Hello</html>", {"content-type": "text/html"}),
        Reply(404, {"detail": "Not Found"}),
        Reply(404, b"gone", {"content-type": "text/plain"}),
    ],
)
def test_what_is_no_server_of_ours_is_told_apart(server: WireServer, connect: Connect, reply: Reply) -> None:
    server.answer = lambda request: reply
    with pytest.raises(ConfigurationError, match=r"\(PREFECT_API_URL\) is not the API of a server"):
        a_flow(connect())
    elsewhere = HttpTransport(ServerAddress(server.url.removesuffix("/api")))
    with pytest.raises(ConfigurationError, match=rf"try http://127\.0\.0\.1:{server.port}/api"):
        a_flow(elsewhere)
    elsewhere.close()


def test_an_answer_that_makes_no_sense(server: WireServer, connect: Connect) -> None:
    server.answer = lambda request: Reply(200, {"id": 12})
    with pytest.raises(ConfigurationError, match="not what this client understands"):
        a_flow(connect())


# -- requests that are sent again


@pytest.mark.parametrize(
    "bad",
    [
        Reply(429, {"detail": "busy"}),
        Reply(502, b"bad gateway", {"content-type": "text/html"}),
        Reply(503, {"detail": "away"}),
        Reply(reset=True),
        Reply(silent=True),
        Reply(201, FLOW, cut=True),
    ],
)
@pytest.mark.parametrize("asynchronously", [False, True])
def test_a_request_that_fails_for_a_moment_is_sent_again(
    server: WireServer, connect: Connect, bad: Reply, asynchronously: bool
) -> None:
    server.script.extend([bad, bad])
    server.answer = lambda request: Reply(201, FLOW)
    transport, call = connect(), flows.create_flow(FlowCreate(name="one"))
    answer = asyncio.run(transport.asend(call)) if asynchronously else transport.send(call)
    assert answer.name == "one"
    assert len(server.received) == 3
    assert len({request.headers["idempotency-key"] for request in server.received}) == 1


def test_there_is_an_end_to_it(server: WireServer, connect: Connect) -> None:
    server.answer = lambda request: Reply(503, {"detail": "no disk"})
    with pytest.raises(PrefectHTTPStatusError, match="no disk") as caught:
        connect(max_retries=2).send(flows.read_flow_by_name("one"))
    assert caught.value.is_transient
    assert len(server.received) == 3


def test_other_statuses_can_be_named(server: WireServer, connect: Connect) -> None:
    server.script.append(Reply(418, {"detail": "teapot"}))
    connect(extra_codes=frozenset({418})).send(VERSION)
    assert len(server.received) == 2


@pytest.mark.parametrize("as_moment", [False, True])
def test_a_server_says_when_to_come_back(server: WireServer, connect: Connect, as_moment: bool) -> None:
    began = time.monotonic()
    after = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if as_moment else "1"
    server.script.append(Reply(429, {"detail": "busy"}, {"Retry-After": after}))
    connect().send(VERSION)
    assert 0.9 <= time.monotonic() - began < 10


def test_a_connection_that_the_server_had_closed_is_no_failure(server: WireServer, connect: Connect) -> None:
    server.answer = lambda request: Reply(body="4.0.0", closes=True)
    transport = connect(max_retries=1)
    took = []
    for _ in range(5):
        began = time.monotonic()
        assert transport.send(VERSION) == "4.0.0"
        took.append(time.monotonic() - began)
    assert sorted(took)[2] < FIRST_PAUSE  # there was no pause, however slow the machine was now and then


def test_a_record_that_an_earlier_try_has_deleted_is_deleted(server: WireServer, connect: Connect) -> None:
    transport = connect()
    transport.send(VERSION)
    server.script.append(Reply(silent=True))
    server.answer = lambda request: Reply(404, {"detail": "There is none."})
    transport.send(variables.delete_variable_by_name("x"))
    with pytest.raises(ObjectNotFound):
        transport.send(variables.delete_variable_by_name("x"))


def test_what_is_asked_twice_can_be_known_again(server: WireServer, connect: Connect) -> None:
    transport = connect()
    transport.send(VERSION)
    run = {"id": str(uuid4()), "flow_id": FLOW["id"], "name": "r"}
    server.answer = lambda request: Reply(201, run)
    server.script.append(Reply(silent=True))
    transport.send(flow_runs.create_flow_run(FlowRunCreate(flow_id=uuid4())))
    first, second = (request.json["idempotency_key"] for request in server.received[1:])
    assert first
    assert first == second
    server.answer = lambda request: Reply(
        200, {"state": None, "status": "ACCEPT", "details": {"type": "accept_details"}}
    )
    transport.send(flow_runs.set_flow_run_state(uuid4(), StateCreate(type="RUNNING")))
    proposal = server.received[-1]
    assert proposal.json["state"]["state_details"]["transition_id"]
    assert "idempotency-key" not in proposal.headers


# -- a server that is away


def test_a_server_that_was_never_there_is_not_waited_for() -> None:
    with socket.socket() as unused:  # bound, so that nobody else listens there meanwhile
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        transport = HttpTransport(ServerAddress(f"http://127.0.0.1:{port}/api"))
        began = time.monotonic()
        with pytest.raises(
            ServerUnreachableError, match=rf"No server answers at http://127\.0\.0\.1:{port}/api .*refused.*"
        ):
            transport.send(flows.read_flow_by_name("one"))
        assert time.monotonic() - began < 2 * PATIENCE_WITH_STRANGERS
    transport.close()


def test_a_server_that_was_there_is_waited_for(
    server: WireServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    transport = connect(max_retries=1)
    transport.send(VERSION)
    server.stop()
    timer = threading.Timer(4.0, server.start)
    timer.start()
    server.answer = lambda request: Reply(200, FLOW)
    with caplog.at_level(logging.WARNING, "prefect.client"):
        assert transport.send(flows.read_flow_by_name("one")).name == "one"
    timer.join()
    said = [record.message for record in caplog.records]
    assert len(said) == 2
    assert said[0].startswith(f"Waiting for the server at {server.url}")
    assert "is back after" in said[1]


def test_patience_ends(server: WireServer, connect: Connect) -> None:
    transport = connect(patience=1.0)
    transport.send(VERSION)
    server.stop()
    with pytest.raises(ServerUnreachableError, match=r"has not answered for \d+ s"):
        transport.send(flows.read_flow_by_name("one"))
    server.start()


def test_whether_a_server_is_there_is_answered_at_once(server: WireServer, connect: Connect) -> None:
    transport = connect()
    transport.send(VERSION)
    server.stop()
    began = time.monotonic()
    with pytest.raises(ServerUnreachableError):
        transport.send(administration.check_health())
    assert time.monotonic() - began < 60  # and not for as long as it is waited for otherwise
    server.start()


def test_a_server_that_takes_too_long(server: WireServer, connect: Connect) -> None:
    server.answer = lambda request: Reply(200, FLOW, delay=3)
    with pytest.raises(ServerUnreachableError, match="ReadTimeout"):
        connect(timeout=0.3).send(flows.read_flow_by_name("one"))


# -- tokens against forged requests


def test_a_token_is_got_when_the_server_wants_one(server: WireServer, connect: Connect) -> None:
    tokens = iter(("first", "second"))
    valid = "first"

    def answer(request: Received) -> Reply:
        if request.path.startswith("/csrf-token?client="):
            token = next(tokens)
            client = request.path.partition("=")[2]
            return Reply(
                200, {"id": str(uuid4()), "token": token, "client": client, "expiration": "2099-01-01T00:00:00Z"}
            )
        if request.headers.get("prefect-csrf-token") != valid:
            return Reply(403, {"detail": "Invalid CSRF token or client identifier."})
        return Reply(201, FLOW)

    server.answer = answer
    transport = connect()
    a_flow(transport)
    a_flow(transport)
    assert len(server.received) == 4
    assert server.received[-1].headers["prefect-csrf-client"] in server.received[1].path
    valid = "second"
    a_flow(transport)
    with pytest.raises(PrefectHTTPStatusError, match="CSRF"):
        a_flow(connect(csrf=False))


# -- what other servers know


def test_a_server_that_knows_no_leases_is_not_told_of_them(server: WireServer, connect: Connect) -> None:
    run_id, token = uuid4(), uuid4()

    def answer(request: Received) -> Reply:
        if request.path == "/admin/version":
            return Reply(200, "3.8.8")
        if request.path.startswith("/_core/"):
            return Reply(404, {"detail": "Not Found"})
        if request.path == "/flow_runs/filter":
            return Reply(200, [{"id": str(run_id), "flow_id": FLOW["id"], "name": "r", "state_type": "CANCELLING"}])
        return Reply(201, {"state": None, "status": "ACCEPT", "details": {"type": "accept_details"}})

    server.answer = answer
    transport = connect()
    lease = LeaseRequest(token, ProcessIdentity.current(), 90)
    transport.send(flow_runs.set_flow_run_state(run_id, StateCreate(type="RUNNING"), lease=lease))
    assert "lease" not in server.received[-1].json
    [status] = transport.send(renew_leases([token], 90))
    assert (status.flow_run_id, status.token, status.state_type) == (run_id, token, "CANCELLING")
    assert server.received[-1].path == "/flow_runs/filter"


def test_artifacts_are_made_once(server: WireServer, connect: Connect) -> None:
    server.script.append(Reply(silent=True))
    server.answer = lambda request: Reply(201, {"id": str(uuid4()), "key": "a"})
    connect().send(artifacts.create_artifact(ArtifactCreate(key="a", data="x")))
    assert len({request.headers["idempotency-key"] for request in server.received}) == 1


# -- the way to a server


def test_a_proxy_that_the_environment_names_is_used(
    server: WireServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    elsewhere = HttpTransport(ServerAddress("http://orchestrator.example/api"))
    assert elsewhere.send(VERSION) == "4.0.0"
    assert server.received[0].path == "http://orchestrator.example/api/admin/version"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert connect().send(VERSION) == "4.0.0"
    assert server.received[1].path == "/admin/version"
    elsewhere.close()


def test_http2_needs_a_package(connect: Connect) -> None:
    if find_spec("h2") is not None:
        pytest.skip("h2 is installed")
    with pytest.raises(ConfigurationError, match=r"PREFECT_API_ENABLE_HTTP2 is on.*pip install 'httpx\[http2\]'"):
        connect(http2=True).send(VERSION)


def test_certificates_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("hello")
    for file in ("none.pem", "missing.pem"):
        transport = HttpTransport(ServerAddress("https://127.0.0.1:1/api", certificates=str(tmp_path / file)))
        with pytest.raises(ConfigurationError, match="PREFECT_API_SSL_CERT_FILE is"):
            transport.send(VERSION)
