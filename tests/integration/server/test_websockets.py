"""What is told and heard over websockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

import httpx
import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from prefect._contract.objects import TaskRun
from prefect.client.http.subscription import SubscriptionRefusedError
from prefect.client.subscriptions import Subscription


def moment() -> str:
    return datetime.now(timezone.utc).isoformat()


class Socket:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def say(self, message: Any) -> None:
        await self._connection.send(message if isinstance(message, str) else json.dumps(message))

    async def hear(self, within: float = 30) -> Any:
        return json.loads(await asyncio.wait_for(self._connection.recv(), within))

    async def hears_nothing(self, seconds: float = 0.4) -> bool:
        try:
            await self.hear(seconds)
        except (asyncio.TimeoutError, TimeoutError):
            return True
        return False

    async def code(self) -> int:
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await asyncio.wait_for(self._connection.recv(), 30)
        return int(closed.value.rcvd.code) if closed.value.rcvd else 0


@asynccontextmanager
async def connected(server: Any, path: str, *, introduces: bool = True) -> AsyncIterator[Socket]:
    address = f"ws://127.0.0.1:{server.port}/api{path}"
    async with websockets.connect(address, subprotocols=["prefect"] if introduces else None, proxy=None) as connection:
        socket = Socket(connection)
        if introduces:
            await socket.say({"type": "auth", "token": None})
            assert await socket.hear() == {"type": "auth_success"}
        yield socket


def run(act: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(act(), 60))


async def post(server: Any, path: str, body: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"{server.url}/api", trust_env=False, timeout=60) as client:
        return await client.post(path, json=body)


def event(name: str = "it.happened", **fields: Any) -> dict[str, Any]:
    resource = {"prefect.resource.id": "thing.1"}
    return {"occurred": moment(), "event": name, "resource": resource, "id": str(uuid4()), **fields}


# -- events -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("introduces", [True, False])
def test_events_that_come_in_are_stored_once_and_told_to_those_who_listen(server: Any, introduces: bool) -> None:
    async def act() -> None:
        first, second = event("a.b"), event("a.c")
        async with (
            connected(server, "/events/out") as out,
            connected(server, "/events/in", introduces=introduces) as into,
        ):
            await out.say({"type": "filter", "filter": {"event": {"prefix": ["a."]}}})
            await asyncio.sleep(0.2)
            for each in (first, event("z"), second, first):
                await into.say(each)
            heard = [await out.hear(), await out.hear()]
            assert [each["type"] for each in heard] == ["event", "event"]
            assert [each["event"]["id"] for each in heard] == [first["id"], second["id"]]
            assert await out.hears_nothing()
        stored = (await post(server, "/events/filter", {})).json()
        assert sorted(each["event"] for each in stored["events"]) == ["a.b", "a.c", "z"]

    run(act)


def test_state_changes_are_told(server: Any) -> None:
    async def act() -> None:
        flow = (await post(server, "/flows/", {"name": "f"})).json()["id"]
        async with connected(server, "/events/out") as out:
            await out.say({"type": "filter", "filter": {"event": {"name": ["prefect.flow-run.Cancelling"]}}})
            made = (await post(server, "/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})).json()["id"]
            for kind in ("RUNNING", "CANCELLING"):
                await post(server, f"/flow_runs/{made}/set_state", {"state": {"type": kind}})
            told = (await out.hear())["event"]
            assert told["resource"]["prefect.resource.id"] == f"prefect.flow-run.{made}"
            assert await out.hears_nothing()

    run(act)


def test_who_listens_later_is_told_of_what_has_just_happened(server: Any) -> None:
    async def act() -> None:
        since = moment()
        past = event("a.b")
        await post(server, "/events", [past])
        async with connected(server, "/events/out") as out:
            until = "2999-01-01T00:00:00Z"
            await out.say({"type": "filter", "filter": {"occurred": {"since": since, "until": until}}})
            assert (await out.hear())["event"]["id"] == past["id"]
            later = event("a.c")
            await post(server, "/events", [later])
            assert (await out.hear())["event"]["id"] == later["id"]

    run(act)


def test_task_runs_that_are_reported_as_events_are_recorded(server: Any) -> None:
    async def act() -> None:
        run_id = str(uuid4())
        started = moment()
        resource = {
            "prefect.resource.id": f"prefect.task-run.{run_id}",
            "prefect.resource.name": "t-1",
            "prefect.state-type": "COMPLETED",
            "prefect.state-name": "Completed",
            "prefect.state-timestamp": started,
            "prefect.state-message": "",
            "prefect.run-count": "1",
            "prefect.orchestration": "client",
        }
        state = {"type": "COMPLETED", "name": "Completed", "message": "", "state_details": {}, "data": None}
        task_run = {
            "name": "t-1",
            "task_key": "t",
            "dynamic_key": "0",
            "tags": ["x"],
            "run_count": 1,
            "task_inputs": {},
        }
        payload = {
            "intended": {"from": "RUNNING", "to": "COMPLETED"},
            "initial_state": {"type": "RUNNING", "name": "Running", "message": "", "state_details": {}},
            "validated_state": state,
            "task_run": {"empirical_policy": {}, "labels": {}, "flow_run_run_count": 1, **task_run},
        }
        async with connected(server, "/events/in") as into:
            await into.say({**event("prefect.task-run.Completed"), "resource": resource, "payload": payload})
        for _ in range(600):
            found = (await post(server, "/task_runs/filter", {})).json()
            if found:
                break
            await asyncio.sleep(0.05)
        assert [(each["id"], each["state"]["name"], each["tags"]) for each in found] == [(run_id, "Completed", ["x"])]

    run(act)


@pytest.mark.parametrize("message", ['{"bad": 1}', "junk", "[]", '{"event": "a", "resource": {}}'])
def test_what_is_no_event_closes_the_connection_and_what_came_before_is_kept(server: Any, message: str) -> None:
    async def act() -> None:
        good = event("a.b")
        async with connected(server, "/events/in") as into:
            await into.say(good)
            await into.say(message)
            assert await into.code() in {1002, 1008}
        for _ in range(600):
            stored = (await post(server, "/events/filter", {})).json()["events"]
            if stored:
                break
            await asyncio.sleep(0.05)
        assert [each["id"] for each in stored] == [good["id"]]

    run(act)


@pytest.mark.parametrize("path", ["/events/out", "/logs/out"])
@pytest.mark.parametrize("message", [{"type": "other"}, {"type": "filter", "filter": {"zz": 1}}, [], "junk"])
def test_what_is_no_filter_closes_the_connection(server: Any, path: str, message: Any) -> None:
    async def act() -> None:
        async with connected(server, path) as out:
            await out.say(message)
            assert await out.code() == 1002

    run(act)


def test_who_listens_later_is_told_of_all_the_past(server: Any) -> None:
    async def act() -> None:
        since = moment()
        past = [event("a.b", occurred=since) for _ in range(700)]  # more than a page, all at once
        for first in (0, 350):
            await post(server, "/events", past[first : first + 350])
        async with connected(server, "/events/out") as out:
            until = "2999-01-01T00:00:00Z"
            await out.say({"type": "filter", "filter": {"occurred": {"since": since, "until": until}}})
            heard = {(await out.hear(30))["event"]["id"] for _ in past}
            assert heard == {each["id"] for each in past}
            later = event("a.c")
            await post(server, "/events", [later])
            assert (await out.hear(30))["event"]["id"] == later["id"]

    run(act)


def test_who_listens_is_told_of_what_occurs_between_the_filters_making_and_its_arrival(server: Any) -> None:
    async def act() -> None:
        made, between = moment(), event()
        assert (await post(server, "/events", [between])).is_success
        await asyncio.sleep(0.5)  # by then it is not told as new any more
        async with connected(server, "/events/out") as out:
            await out.say({"type": "filter", "filter": {"occurred": {"since": made, "until": made}}})
            assert (await out.hear(30))["event"]["id"] == between["id"]

    run(act)


def test_who_follows_is_told_of_more_than_a_page_that_is_stored_at_once(server: Any) -> None:
    async def act() -> None:
        async with connected(server, "/events/out") as out:
            await out.say({"type": "filter", "filter": {"event": {"prefix": ["a."]}}})
            stored = [event(f"a.{number}") for number in range(1300)]
            for first in range(0, len(stored), 650):
                await post(server, "/events", stored[first : first + 650])
            last = event("a.last")
            await post(server, "/events", [last])
            heard = {(await out.hear(30))["event"]["id"] for _ in range(len(stored) + 1)}
            assert heard == {each["id"] for each in [*stored, last]}

    run(act)


# -- logs -------------------------------------------------------------------------------------------------------------


def test_logs_are_told_as_they_are_stored(server: Any) -> None:
    async def act() -> None:
        mine, other = str(uuid4()), str(uuid4())

        def line(number: int, run_id: str) -> dict[str, Any]:
            return {
                "name": "n",
                "level": 20,
                "message": f"line {number}",
                "timestamp": moment(),
                "flow_run_id": run_id,
            }

        async with connected(server, "/logs/out") as out:
            await out.say({"type": "filter", "filter": {"flow_run_id": {"any_": [mine]}}})
            await asyncio.sleep(0.2)
            await post(server, "/logs/", [line(1, mine), line(2, other), line(3, mine)])
            await post(server, "/logs/", [line(4, mine)])
            heard = [await out.hear() for _ in range(3)]
            assert {each["type"] for each in heard} == {"log"}
            assert [each["log"]["message"] for each in heard] == ["line 1", "line 3", "line 4"]
            assert await out.hears_nothing()

    run(act)


def test_more_lines_than_a_page_are_told_that_are_stored_at_once(server: Any) -> None:
    async def act() -> None:
        line = {"name": "n", "level": 20, "timestamp": moment()}
        async with connected(server, "/logs/out") as out:
            await out.say({"type": "filter", "filter": {}})
            await asyncio.sleep(0.2)
            for first in range(0, 1300, 650):
                lines = [{**line, "message": f"line {number}"} for number in range(first, first + 650)]
                await post(server, "/logs/", lines)
            heard = [(await out.hear(30))["log"]["message"] for _ in range(1300)]
            assert sorted(heard) == sorted(f"line {number}" for number in range(1300))

    run(act)


# -- background task runs ---------------------------------------------------------------------------------------------


async def delay(server: Any, key: str = "task-1") -> str:
    details = {"deferred": True, "scheduled_time": moment()}
    body = {
        "task_key": key,
        "dynamic_key": str(uuid4()),
        "state": {"type": "SCHEDULED", "state_details": details},
    }
    return str((await post(server, "/task_runs/", body)).json()["id"])


@asynccontextmanager
async def worker(server: Any, name: str, *keys: str) -> AsyncIterator[Socket]:
    async with connected(server, "/task_runs/subscriptions/scheduled") as socket:
        await socket.say({"type": "subscribe", "keys": list(keys), "client_id": name})
        yield socket


def test_background_task_runs_are_handed_out_once_each_the_oldest_first(server: Any) -> None:
    async def act() -> None:
        waiting = [await delay(server) for _ in range(3)]
        other = await delay(server, "other")
        async with worker(server, "w1", "task-1") as socket:
            for expected in waiting:
                assert (await socket.hear())["id"] == expected
                await socket.say({"type": "ack"})
            assert await socket.hears_nothing()
            later = await delay(server)
            assert (await socket.hear())["id"] == later
            await socket.say({"type": "ack"})
            listed = (await post(server, "/task_workers/filter", {})).json()
            assert [(each["identifier"], each["task_keys"]) for each in listed] == [("w1", ["task-1"])]
        async with worker(server, "w2", "other") as socket:
            assert (await socket.hear())["id"] == other
        while (await post(server, "/task_workers/filter", {})).json() != []:  # until it is noticed that both are gone
            await asyncio.sleep(0.05)

    run(act)


def test_what_a_worker_took_and_did_not_begin_is_offered_again_when_it_is_gone(server: Any) -> None:
    async def act() -> None:
        waiting = await delay(server)
        async with worker(server, "w1", "task-1") as socket:
            assert (await socket.hear())["id"] == waiting
            await socket.say({"type": "ack"})
            async with worker(server, "w2", "task-1") as second:
                assert await second.hears_nothing()
        async with worker(server, "w3", "task-1") as socket:
            assert (await socket.hear())["id"] == waiting
            await socket.say({"type": "ack"})
            running = {"state": {"type": "RUNNING"}}
            await post(server, f"/task_runs/{waiting}/set_state", running)
        async with worker(server, "w4", "task-1") as socket:
            assert await socket.hears_nothing()

    run(act)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "other"},
        {"type": "subscribe", "keys": [], "client_id": "a"},
        {"type": "subscribe", "keys": ["a"]},
        {"type": "subscribe", "keys": "a", "client_id": "a"},
    ],
)
def test_a_subscription_must_say_to_what_and_by_whom(server: Any, message: Any) -> None:
    async def act() -> None:
        async with connected(server, "/task_runs/subscriptions/scheduled") as socket:
            await socket.say(message)
            assert await socket.code() == 4001

    run(act)


def test_a_client_subscribes(server: Any) -> None:
    async def act() -> None:
        waiting = [await delay(server) for _ in range(2)]
        subscription = Subscription(
            TaskRun, "/task_runs/subscriptions/scheduled", ["task-1"], base_url=f"{server.url}/api"
        )
        with pytest.raises(RuntimeError, match="not connected"):
            subscription.websocket  # noqa: B018
        assert [str((await anext(subscription)).id) for _ in waiting] == waiting
        await subscription.websocket.close()  # it is lost, and made again; what was not begun is handed out again
        later = await delay(server)
        assert later in [str((await asyncio.wait_for(anext(subscription), 10)).id) for _ in range(3)]
        await subscription.aclose()
        refused = Subscription(TaskRun, "task_runs/subscriptions/scheduled", [], base_url=f"{server.url}/api")
        with pytest.raises(SubscriptionRefusedError, match="expected 'keys'"):
            await anext(refused)

    run(act)


# -- workers ----------------------------------------------------------------------------------------------------------


def frame(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "id": str(uuid4()), "sent_at": moment(), "payload": payload}


CONSUMER = "00000000-0000-4000-8000-000000000001"
HELLO = {
    "consumer_id": CONSUMER,
    "worker_name": "w",
    "worker_type": "process",
    "heartbeat_interval_seconds": 30,
    "supported_channel_versions": ["work_pool_worker_channel.v1"],
    "requested_capabilities": ["worker_heartbeat.v1", "work_pool_snapshot.v1", "cleanup_delivery.v1"],
}


def test_a_worker_is_online_while_it_is_heard_of_and_told_when_its_pool_changes(server: Any) -> None:
    async def act() -> None:
        async with connected(server, "/work_pools/pool/workers/connect") as socket:
            await socket.say(frame("worker.hello.v1", {**HELLO, "create_pool_if_not_found": True}))
            ready = await socket.hear()
            assert ready["type"] == "worker.ready.v1"
            assert ready["payload"]["consumer_id"] == CONSUMER
            assert ready["payload"]["rejected_capabilities"] == ["cleanup_delivery.v1"]
            assert [queue["name"] for queue in ready["payload"]["resolved_work_queues"]] == ["default"]
            assert ready["payload"]["initial_snapshot"]["work_pool"]["name"] == "pool"
            beat = {"consumer_id": CONSUMER, "worker_name": "w", "heartbeat_interval_seconds": 30}
            await socket.say(frame("worker.heartbeat.v1", beat))
            found = (await post(server, "/work_pools/pool/workers/filter", {})).json()
            assert [(each["name"], each["status"]) for each in found] == [("w", "ONLINE")]
            async with httpx.AsyncClient(base_url=f"{server.url}/api", trust_env=False, timeout=60) as client:
                await client.patch("/work_pools/pool", json={"is_paused": True})
            await socket.say(frame("worker.heartbeat.v1", beat))
            while True:
                told = await socket.hear()
                assert told["type"] == "work_pool.snapshot.v1"
                if told["payload"]["work_pool"]["is_paused"]:
                    break

    run(act)


@pytest.mark.parametrize(
    "message",
    [
        {},
        "junk",
        ("worker.hello.v1", {}),
        ("worker.hello.v1", {**HELLO, "supported_channel_versions": ["v0"]}),
        ("worker.hello.v1", {**HELLO, "heartbeat_interval_seconds": 0}),
        ("worker.heartbeat.v1", {}),
    ],
    ids=str,
)
def test_a_worker_that_is_not_understood_is_sent_away(server: Any, message: Any) -> None:
    async def act() -> None:
        async with connected(server, "/work_pools/pool/workers/connect") as socket:
            await socket.say(frame(*message) if isinstance(message, tuple) else message)
            assert await socket.code() == 1002

    run(act)


def test_a_worker_of_a_pool_that_does_not_exist_is_sent_away(server: Any) -> None:
    async def act() -> None:
        async with connected(server, "/work_pools/none/workers/connect") as socket:
            await socket.say(frame("worker.hello.v1", HELLO))
            assert await socket.code() == 1008

    run(act)
