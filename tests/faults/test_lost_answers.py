"""A network that cuts connections after the server has done what was asked: it is asked again, and has one effect."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from tests.faults.sites import Site

from prefect._contract.actions.runs import FlowRunCreate, LogCreate, StateCreate
from prefect._contract.call import Call
from prefect._contract.endpoints import flow_runs, global_concurrency_limits, logs, recording
from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State, StateType
from prefect.client.http import HttpTransport, ServerAddress
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now

pytestmark = pytest.mark.faults


class CuttingProxy:
    """
    Passes requests on. Each second answer does not arrive: the connection is reset once the server has given it.

    Args:
        port: Where the server listens.
    """

    def __init__(self, port: int) -> None:
        self.cuts = 0
        self.passed = 0
        self._to = ("127.0.0.1", port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._to) as server:  # either may be closed meanwhile
            forward = threading.Thread(target=self._forward, args=(client, server), daemon=True)
            forward.start()
            while answer := self._answer(server):
                if (self.cuts + self.passed) % 2 == 0:
                    self.cuts += 1
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
                    break
                self.passed += 1
                client.sendall(answer)
            client.shutdown(socket.SHUT_RD)  # nothing is closed while somebody listens
            forward.join()

    def _answer(self, server: socket.socket) -> bytes:
        """A whole answer; nothing at the end."""
        answer = b""
        while part := self._receive(server):
            answer += part
            head, end, body = answer.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            if end and len(body) == (0 if length is None else int(length[1])):
                return answer
        return b""

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while part := self._receive(client):
                server.sendall(part)

    @staticmethod
    def _receive(connection: socket.socket) -> bytes:
        try:
            return connection.recv(1024 * 1024)
        except OSError:
            return b""

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def proxy(site: Site) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(site.port)
    yield proxy
    proxy.close()


@pytest.fixture
def transport(proxy: CuttingProxy) -> Iterator[HttpTransport]:
    transport = HttpTransport(ServerAddress(f"http://127.0.0.1:{proxy.port}/api", jitter=0.0))
    yield transport
    transport.close()


def record(flow_run_id: UUID) -> TaskRunRecord:
    run = TaskRun(id=uuid7(), name="t", task_key="t", dynamic_key="0", flow_run_id=flow_run_id, run_count=1)
    states = [State(type=kind, timestamp=now()) for kind in (StateType.PENDING, StateType.RUNNING, StateType.COMPLETED)]
    for state in states:
        state.state_details.task_run_id = run.id
    run.state, run.state_id, run.state_type, run.state_name = (
        states[-1],
        states[-1].id,
        StateType.COMPLETED,
        "Completed",
    )
    run.start_time, run.end_time = states[1].timestamp, states[-1].timestamp
    return TaskRunRecord(run, states)


def test_everything_has_one_effect(
    site: Site, proxy: CuttingProxy, transport: HttpTransport, repetition: int, is_thorough: bool
) -> None:
    flow = UUID(site.flow())
    site.post("/v2/concurrency_limits/", {"name": "slots", "limit": 1000})
    send: Any = transport.send
    ended: dict[UUID, str] = {}
    said: list[str] = []
    recorded: list[UUID] = []
    times = 20 if is_thorough else 8
    for number in range(times):
        run = send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow, name=f"run-{number}")))
        for kind in ("RUNNING", "COMPLETED"):
            answer = send(flow_runs.set_flow_run_state(run.id, StateCreate(type=kind)))
            assert answer.status.value == "ACCEPT"
        ended[run.id] = "COMPLETED"
        said += [f"{number}-{line}" for line in range(3)]
        send(logs.create_logs([LogCreate(name="n", level=20, message=text, timestamp=now()) for text in said[-3:]]))
        records = [record(run.id) for _ in range(3)]
        send(recording.record_task_runs(records))
        recorded += [each.task_run.id for each in records]
        send(take_slot())
    assert proxy.cuts >= 6 * times
    assert Counter(run["name"] for run in site.post("/flow_runs/filter")) == {f"run-{n}": 1 for n in range(times)}
    assert {UUID(run["id"]) for run in site.post("/task_runs/filter")} == set(recorded)
    for run_id in ended:
        states = [state["type"] for state in site.read(f"/flow_run_states/?flow_run_id={run_id}")]
        assert states[-3:] == ["PENDING", "RUNNING", "COMPLETED"]
        assert site.read(f"/flow_runs/{run_id}")["run_count"] == 1
    for run_id in recorded:
        states = [state["type"] for state in site.read(f"/task_run_states/?task_run_id={run_id}")]
        assert states == ["PENDING", "RUNNING", "COMPLETED"]
    assert site.read("/v2/concurrency_limits/slots")["active_slots"] == times
    ended |= dict.fromkeys(recorded, "COMPLETED")
    site.check(all_ended=True, ended_as=ended, logged=said, started=dict.fromkeys(ended, 1))


def take_slot() -> Call[Any]:
    return global_concurrency_limits.increment_concurrency_slots_with_lease(
        names=["slots"], slots=1, mode="concurrency", lease_duration=300
    )
