"""Requests over sockets of our own, to servers that answer in every way that HTTP allows, and in some that it does not."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import anyio
import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from prefect.client.http.address import ServerAddress
from prefect.client.http.connections import Line
from prefect.client.http.direct import DirectLine
from prefect.client.http.direct_async import AsyncDirectLine
from prefect.client.http.reading import Reading
from prefect.client.http.requests import HttpRequest


class Scripted:
    """Sends each request the next of some answers, byte by byte as they are given; closes after one that is None."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.received: list[bytes] = []
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/api"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):  # a client may go away before it has read all
            while received := connection.recv(65536):
                # All is decided before anybody can see the request or its answer, and ask over another connection.
                answer = self.answers.pop(0)
                is_last = answer is not None and self.answers[:1] == [None]
                if is_last:
                    self.answers.pop(0)
                self.received.append(received)
                if answer is None:
                    return
                connection.sendall(answer)
                if is_last:
                    return

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.close()


class InLoop:
    """The line for async code, from sync code: it works in an event loop beside it."""

    def __init__(self, address: ServerAddress, connect_seconds: float) -> None:
        self._entered = start_blocking_portal()
        self._portal = self._entered.__enter__()
        self._line = self._portal.call(AsyncDirectLine, address, connect_seconds)

    def send(self, request: HttpRequest) -> httpx.Response:
        return self._portal.call(self._line.send, request)

    def close(self) -> None:
        self._portal.call(self._line.aclose)
        self._entered.__exit__(None, None, None)


@pytest.fixture(params=[DirectLine, InLoop], ids=["sync", "async"])
def make_line(request: pytest.FixtureRequest) -> Iterator[Callable[..., Line]]:
    made: list[Line] = []

    def make(url: str, **options: Any) -> Line:
        made.append(request.param(ServerAddress(url, **options), 10.0))
        return made[-1]

    yield make
    for line in made:
        line.close()


@pytest.fixture
def line(server: Scripted, make_line: Callable[..., Line]) -> Line:
    return make_line(server.url, timeout=30.0, custom_headers=(("X-Extra", "é"),))


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
ASKING = HttpRequest("GET", "/flows?a=1")


def test_a_request_is_one_message_with_all_headers(server: Scripted, line: Line) -> None:
    server.answers = [OK, OK]
    line.send(HttpRequest("POST", "/flows/", b'{"name":1}', {"Content-Type": "application/json"}))
    line.send(ASKING)
    first, second = server.received
    head, _, body = first.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/flows/ HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nContent-Length: 10" in head
    assert b"\r\nX-Extra: \xe9\r\n" in head
    assert body == b'{"name":1}'
    assert second.startswith(b"GET /api/flows?a=1 HTTP/1.1\r\n")
    assert b"Content-Length" not in second
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (OK, b"{}"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"{}"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(b"text"))
            + gzip.compress(b"text"),
            b"text",
        ),
    ],
    ids=["plain", "nothing", "chunks", "continued", "gzip"],
)
def test_answers_are_read_to_their_end(server: Scripted, line: Line, answer: bytes, content: bytes) -> None:
    server.answers = [answer, OK]
    assert line.send(ASKING).content == content
    assert line.send(ASKING).json() == {}
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end"]
)
def test_a_connection_that_ends_with_its_answer_is_not_used_again(server: Scripted, line: Line, answer: bytes) -> None:
    server.answers = [answer, None, OK]
    assert line.send(ASKING).text == "until the end"
    assert line.send(ASKING).json() == {}
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([None], httpx.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", None], httpx.RemoteProtocolError),
        ([b"SSH-2.0-OpenSSH_9.2\r\n", None], httpx.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", None], httpx.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno"], httpx.DecodingError),
    ],
    ids=["silence", "half an answer", "another protocol", "broken chunks", "no gzip"],
)
def test_what_is_no_answer_is_an_error_of_httpx(
    server: Scripted, line: Line, answers: list[bytes | None], error: type[Exception]
) -> None:
    server.answers = [*answers, OK]
    with pytest.raises(error):
        line.send(ASKING)
    assert line.send(ASKING).json() == {}
    assert server.connections == 2


def test_nobody_listens_or_nobody_answers(make_line: Callable[..., Line]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        line = make_line(f"http://127.0.0.1:{port}/api", timeout=0.2)
        with pytest.raises(httpx.ReadTimeout):
            line.send(ASKING)
    with socket.socket() as unused:  # bound, so that nobody else listens there meanwhile
        unused.bind(("127.0.0.1", 0))
        line = make_line(f"http://127.0.0.1:{unused.getsockname()[1]}/api", timeout=30.0)
        with pytest.raises(httpx.ConnectError):
            line.send(ASKING)


def test_a_header_cannot_smuggle_another_one_in(line: Line) -> None:
    with pytest.raises(httpx.LocalProtocolError, match="must be one line"):
        line.send(HttpRequest("GET", "/flows", None, {"A": "b\r\nC: d"}))


def test_threads_do_not_share_a_connection_at_the_same_time(server: Scripted, line: Line) -> None:
    server.answers = [OK] * 40
    failures: list[BaseException] = []

    def work(send: Callable[[HttpRequest], httpx.Response]) -> None:
        try:
            for _ in range(5):
                assert send(ASKING).json() == {}
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(line.send,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(server.received) == 40
    assert server.connections <= 8


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    ],
    ids=["HEAD", "not modified"],
)
def test_an_answer_without_a_body_may_say_how_long_that_would_be(server: Scripted, line: Line, answer: bytes) -> None:
    server.answers = [answer, OK]
    method = "HEAD" if b"200" in answer else "GET"
    assert line.send(HttpRequest(method, "/flows")).headers["content-length"] == "9"
    assert line.send(ASKING).json() == {}


def test_what_comes_after_an_answer_is_no_part_of_it_nor_of_the_next(server: Scripted, line: Line) -> None:
    server.answers = [OK + b"HTTP/1.1 500 Another\r\nContent-Length: 0\r\n\r\n", OK + b"junk", OK]
    for _ in range(3):
        response = line.send(ASKING)
        assert (response.status_code, response.json()) == (200, {})
    assert server.connections == 3


def test_an_answer_may_come_byte_by_byte() -> None:
    whole = b"HTTP/1.1 200 Fine\r\nA: 1\r\na: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nB: 3\r\n\r\n"
    reading = Reading(httpx.Request("GET", "http://127.0.0.1/"))
    for number in range(len(whole)):
        assert not reading.is_complete
        reading.feed(whole[number : number + 1])
    assert (reading.is_complete, reading.will_close) == (True, False)
    response = reading.response()
    assert (response.reason_phrase, response.text, response.headers["a"]) == ("Fine", "x", "1, 2")
    assert "b" not in response.headers


def test_a_request_that_is_given_up_takes_its_connection_along(server: Scripted) -> None:
    async def act() -> None:
        line = AsyncDirectLine(ServerAddress(server.url, timeout=30.0), 10.0)
        server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", OK]
        async with anyio.create_task_group() as group:
            group.start_soon(line.send, ASKING)
            while not server.received:
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        assert (await line.send(ASKING)).json() == {}
        await line.aclose()

    anyio.run(act)
    assert server.connections == 2


def test_many_requests_at_once_are_all_answered(server: Scripted) -> None:
    server.answers = [OK] * 300

    async def act() -> None:
        line = AsyncDirectLine(ServerAddress(server.url, timeout=30.0), 10.0)
        responses = await asyncio.gather(*(line.send(ASKING) for _ in range(300)))
        assert {response.status_code for response in responses} == {200}
        await line.aclose()

    asyncio.run(act())
    assert len(server.received) == 300
