"""Several servers, workers and slow clients at a time: everything is done once, and everybody is answered."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import websockets
from tests.faults.sites import Site, moment, wait_until
from tests.ports import free_port
from tests.postgres import POSTGRES, PostgresServer

pytestmark = pytest.mark.faults

# -- workers ----------------------------------------------------------------------------------------------------------

WORKER = """
    import os, sys
    import httpx

    with httpx.Client(base_url=os.environ["PREFECT_API_URL"], trust_env=False, timeout=60) as client:
        while found := client.post("/work_pools/p/get_scheduled_flow_runs", json={"limit": 10}).raise_for_status().json():
            for each in found:
                run = each["flow_run"]["id"]
                path = f"/flow_runs/{run}/set_state"
                answer = client.post(path, json={"state": {"type": "PENDING"}}).raise_for_status().json()
                if answer["status"] == "ACCEPT":
                    print(run, flush=True)
                    for kind in ("RUNNING", "COMPLETED"):
                        client.post(path, json={"state": {"type": kind}}).raise_for_status()
"""


def test_workers_that_race_get_each_run_once(site: Site, repetition: int, is_thorough: bool) -> None:
    workers, number = (16, 400) if is_thorough else (6, 80)
    site.post("/work_pools/", {"name": "p", "type": "process"})
    deployment = site.post("/deployments/", {"name": "d", "flow_id": site.flow(), "work_pool_name": "p"})["id"]
    path = f"/deployments/{deployment}/create_flow_run"
    runs = [UUID(site.post(path)["id"]) for _ in range(number)]
    claimed: Counter[UUID] = Counter()
    for process in [site.run(WORKER) for _ in range(workers)]:
        output, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors
        claimed.update(map(UUID, output.split()))
    assert claimed == Counter(runs)
    site.check(all_ended=True, ended_as=dict.fromkeys(runs, "COMPLETED"), started=claimed)


# -- servers ----------------------------------------------------------------------------------------------------------

LONG = """
    import time
    from prefect import flow, task

    @task
    def step():
        print("running", flush=True)
        time.sleep(1000)

    @flow
    def main():
        step()

    main()
"""


@pytest.mark.parametrize("kind", [POSTGRES])
def test_of_two_servers_one_reaps(kind: str, postgres_server: PostgresServer, tmp_path: Path) -> None:
    with closing(Site(tmp_path, kind, postgres_server)) as site:
        reap(site)


def reap(site: Site) -> None:
    other = site.start(free_port())
    site.start()
    victims = [site.run(LONG) for _ in range(3)]
    for victim in victims:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "running\n"
        os.killpg(victim.pid, signal.SIGKILL)
    ended = lambda: [run["state_type"] for run in site.post("/flow_runs/filter")] == ["CRASHED"] * len(victims)
    assert wait_until(ended, seconds=60) < 30
    time.sleep(2)
    for run in site.post("/flow_runs/filter"):
        states = [state["type"] for state in site.read(f"/flow_run_states/?flow_run_id={run['id']}")]
        assert states == ["PENDING", "RUNNING", "CRASHED"]
    wanted = {"filter": {"event": {"name": ["prefect.flow-run.Crashed"]}}}
    told = lambda: site.post("/events/filter", wanted)["total"]
    wait_until(lambda: told() == len(victims))
    assert httpx.get(f"{other.api}/health", trust_env=False).json() is True
    site.check(all_ended=True)


SCHEDULING = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "0.5",
    "PREFECT_SERVER_SERVICES_SCHEDULER_DEPLOYMENT_BATCH_SIZE": "4",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "30",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "0:00:01",
}


@pytest.mark.slow
def test_five_servers_make_each_due_time_one_run(make_site: Callable[..., Site]) -> None:
    site = make_site(**SCHEDULING)
    others = [site.start(free_port()) for _ in range(4)]
    site.start()
    flow = site.flow()
    schedule = {"schedule": {"interval": 30, "timezone": "UTC"}, "active": True}
    deployments = [
        site.post("/deployments/", {"name": f"d{number}", "flow_id": flow, "schedules": [schedule]})["id"]
        for number in range(8)
    ]

    def due() -> list[list[datetime]]:
        found = []
        for deployment in deployments:
            wanted = {"deployments": {"id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
            runs = site.post("/flow_runs/filter", wanted)
            found.append([datetime.fromisoformat(run["expected_start_time"]) for run in runs])
        return found

    others[0].kill()  # whoever looks after schedules, another one does now
    wait_until(lambda: all(len(times) >= 30 for times in due()), seconds=90)
    others[1].kill()
    time.sleep(2)  # three others go on to look
    for times in due():
        steps = {(after - before).total_seconds() for before, after in pairwise(times)}
        assert steps == {30.0}, "a due time has no run, or two"
    site.check()


# -- slow clients -----------------------------------------------------------------------------------------------------


def test_others_are_answered_while_clients_are_slow_and_do_not_read(site: Site) -> None:
    place = ("127.0.0.1", site.port)
    head = b"POST /api/flows/filter HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n{"
    told = json.dumps({"type": "filter", "filter": {}})
    before = memory(site)

    async def act() -> list[float]:
        async with websockets.connect(
            site.api.replace("http", "ws", 1) + "/events/out",
            subprotocols=["prefect"],
            proxy=None,
            max_queue=1,
            close_timeout=1,
        ) as reader:
            await reader.send('{"type": "auth", "token": null}')
            await reader.recv()
            await reader.send(told)
            await asyncio.sleep(0.5)
            return await asyncio.to_thread(measure, site, trickling)

    with ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(place)) for _ in range(300)]
        trickling = idle[:50]
        for each in trickling:
            each.sendall(head)
        stuck = [stack.enter_context(stuck_reader(place, told)) for _ in range(8)]
        seconds = asyncio.run(act())
        assert all(each.fileno() > 0 for each in stuck)
    seconds.sort()
    assert seconds[int(len(seconds) * 0.95)] < 0.5, seconds[-5:]
    assert memory(site) - before < 100 * 1024 * 1024
    site.check()


def stuck_reader(place: tuple[str, int], told: str) -> socket.socket:
    """A websocket that listens to all events, and reads none of what it is told."""
    from websockets.client import ClientProtocol
    from websockets.uri import parse_uri

    connection = socket.create_connection(place)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{place[1]}/api/events/out"))
    protocol.send_request(protocol.connect())
    connection.sendall(b"".join(protocol.data_to_send()))
    protocol.receive_data(connection.recv(4096))
    protocol.send_text(told.encode())
    connection.sendall(b"".join(protocol.data_to_send()))
    return connection


def measure(site: Site, trickling: list[socket.socket]) -> list[float]:
    """How long requests take while much happens that nobody reads about."""
    seconds = []
    for _ in range(60):
        for each in trickling:
            each.sendall(b" ")
        event = {"occurred": moment(), "event": "e", "resource": {"prefect.resource.id": "r"}}
        events = [{**event, "id": str(uuid4()), "payload": {"a": "x" * 10_000}} for _ in range(30)]
        began = time.monotonic()
        site.post("/flows/filter", {"limit": 1})
        seconds.append(time.monotonic() - began)
        site.post("/events", events)
    return seconds


def memory(site: Site) -> int:
    """Of the server, in bytes."""
    with open(f"/proc/{site.server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
