"""Events: emitted by user code and told to it, embedded and by a server; automations as user code writes them."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
import threading
import uuid
from datetime import timedelta

import pytest
from tests.integration.server.conftest import Server
from tests.ports import free_port

from prefect import flow, get_client, task
from prefect.automations import Automation, DoNothing, EventTrigger
from prefect.client.base import current_transport
from prefect.client.spool import spool_folder
from prefect.events import (
    DeploymentEventTrigger,
    Event,
    FlowRunSubscriber,
    Posture,
    emit_event,
    get_events_client,
    get_events_subscriber,
)
from prefect.events.clients import AssertingEventsClient, PrefectCloudEventsClient
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.worker import EventsWorker
from prefect.exceptions import ObjectNotFound
from prefect.settings import temporary_settings


def stored(*names: str) -> list[Event]:
    from prefect._contract.endpoints.events import read_events

    page = current_transport().send(read_events(EventFilter(event=EventNameFilter(name=list(names)))))
    return page.events[::-1]


def tell_all(prefix: str) -> list[Event]:
    """The events whose names begin so, the first first."""
    page = get_client(sync_client=True).read_events(EventFilter(event=EventNameFilter(prefix=[prefix]), order="ASC"))
    told = list(page.events)
    while page.next_page is not None:
        page = get_client(sync_client=True).read_events_page(str(page.next_page))
        told += page.events
    return told


def roles(event: Event) -> list[tuple[str, str | None]]:
    return [(related.role, related.name) for related in event.related]


def test_what_a_server_that_is_away_does_not_hear_is_kept_and_told_later(home):
    server = Server(port=free_port(), ephemeral=True).start()
    server.stop()
    with temporary_settings({"PREFECT_API_URL": f"{server.url}/api"}):
        emit_event("before", {"prefect.resource.id": "r"})
        EventsWorker.drain_all(timeout=0.1)
        folder = spool_folder(current_transport())
        assert len(list(folder.glob("*.jsonl"))) == 1
        again = Server(port=server.port, ephemeral=True).start()
        emit_event("after", {"prefect.resource.id": "r"})
        EventsWorker.instance().wait_until_empty()
        assert {event.event for event in stored("before", "after")} == {"before", "after"}
        assert list(folder.iterdir()) == []
        again.stop()


def test_task_runs_of_a_process_that_was_killed_are_told_of(home):
    script = """if True:
        import os, signal
        from prefect import flow, get_client, task

        @task
        def step(number):
            if number == 29:
                with get_client(sync_client=True) as client:
                    client.read_task_runs()  # what was recorded before is stored by now
                os.kill(os.getpid(), signal.SIGKILL)

        @flow
        def steps():
            for number in range(30):
                step(number)

        steps()
    """
    process = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert process.returncode == -signal.SIGKILL
    with get_client(sync_client=True) as client:
        runs = client.read_task_runs()
        entered = [state.id for run in runs for state in client.read_task_run_states(run.id)]
    assert len(runs) == 30
    assert sum(run.state_name == "Completed" for run in runs) == 29
    told = tell_all("prefect.task-run.")
    assert sorted(event.id for event in told) == sorted(entered)
    assert {roles(event)[0][0] for event in told} == {"flow-run"}


@pytest.mark.usefixtures("orchestrator")
class TestEmitting:
    def test_each_state_of_a_task_run_is_told_once(self):
        @task(retries=1, tags=["t"])
        def stumble(stumbled=[]):  # noqa: B006 - remembers
            stumbled.append(1)
            if len(stumbled) == 1:
                raise ValueError("once")

        @flow(name="walk")
        def walk():
            stumble()

        walk()
        told = tell_all("prefect.task-run.")
        assert [event.event.rpartition(".")[2] for event in told] == [
            "Pending",
            "Running",
            "AwaitingRetry",
            "Retrying",
            "Completed",
        ]
        assert [event.resource["prefect.run-count"] for event in told] == ["0", "1", "1", "2", "2"]
        assert [event.follows for event in told] == [None, *(event.id for event in told[:-1])]
        assert [role for role, _ in roles(told[0])] == ["tag", "flow-run", "flow"]
        assert tell_all("prefect.task-run.") == told

    def test_what_was_emitted_is_read_at_once(self):
        told = emit_event("orders.received", {"prefect.resource.id": "orders.1"}, payload={"pieces": 3})
        (event,) = stored("orders.received")
        assert (event.id, event.payload, event.related) == (told.id, {"pieces": 3}, [])

    def test_a_run_is_involved_in_what_it_emits(self):
        @task(name="pack", tags=["t"], task_run_name="packing")
        def pack():
            emit_event("orders.packed", {"prefect.resource.id": "orders.1"})

        @flow(name="shop", flow_run_name="shopping")
        def shop():
            emit_event(
                "orders.received",
                {"prefect.resource.id": "orders.1"},
                related=[{"prefect.resource.id": "customers.7", "prefect.resource.role": "customer"}],
            )
            pack()

        shop()
        received, packed = stored("orders.received", "orders.packed")
        assert roles(received) == [("customer", None), ("flow-run", "shopping"), ("flow", "shop")]
        assert roles(packed) == [("flow-run", "shopping"), ("task-run", "packing"), ("flow", "shop"), ("tag", None)]

    def test_an_event_may_follow_another_that_is_near(self):
        first = emit_event("a", {"prefect.resource.id": "r"})
        late = first.occurred + timedelta(minutes=6)
        assert emit_event("b", {"prefect.resource.id": "r"}, follows=first).follows == first.id
        assert emit_event("c", {"prefect.resource.id": "r"}, follows=first, occurred=late).follows is None

    def test_the_same_event_is_stored_once(self):
        known = uuid.uuid4()
        for _ in range(2):
            emit_event("a", {"prefect.resource.id": "r"}, id=known)
        assert [event.id for event in stored("a")] == [known]

    def test_a_thousand_go_out_in_order(self):
        for number in range(1000):
            emit_event("many", {"prefect.resource.id": f"r.{number}"})
        EventsWorker.instance().wait_until_empty()
        from prefect._contract.endpoints.events import read_events

        page = current_transport().send(read_events(EventFilter(event=EventNameFilter(name=["many"])), 1))
        assert page.total == 1000
        assert page.events[0].resource.id == "r.999"

    def test_what_is_refused_is_said_and_fails_nobody(self, caplog):
        @flow
        def boastful():
            emit_event("a" * 2000, {"prefect.resource.id": "r"})
            return "done"

        with caplog.at_level(logging.WARNING, "prefect.events"):
            assert boastful() == "done"
            EventsWorker.instance().wait_until_empty()
        assert "1 events are lost" in caplog.text
        emit_event("after", {"prefect.resource.id": "r"})
        assert len(stored("after")) == 1

    def test_the_client_sends_when_it_is_left(self):
        async def emit() -> None:
            async with get_events_client() as client:
                for name in ("a", "b"):
                    await client.emit(Event(event=name, resource={"prefect.resource.id": "r"}))

        asyncio.run(emit())
        assert [event.event for event in stored("a", "b")] == ["a", "b"]

    def test_those_who_listen_are_told_each_once(self):
        async def listen() -> list[str]:
            async with get_events_subscriber() as told:
                emit_event("a", {"prefect.resource.id": "r"})
                first = await asyncio.wait_for(anext(told), 30)
                emit_event("b", {"prefect.resource.id": "r"})
                return [first.event, (await asyncio.wait_for(anext(told), 30)).event]

        assert asyncio.run(listen()) == ["a", "b"]

    def test_a_flow_run_is_followed_to_its_end(self):
        @flow(log_prints=True)
        def noisy():
            print("hello")
            emit_event("a", {"prefect.resource.id": "r"})
            return flow_run_id()

        def flow_run_id():
            from prefect.runtime import flow_run

            return uuid.UUID(flow_run.id)

        async def follow(run_id: uuid.UUID) -> tuple[set[str], list[str]]:
            logs, events = set(), []
            async with FlowRunSubscriber(run_id, straggler_timeout=1) as told:
                async for each in told:
                    if isinstance(each, Event):
                        events.append(each.event)
                    else:
                        logs.add(each.message)
            return logs, events

        logs, events = asyncio.run(asyncio.wait_for(follow(noisy()), 30))
        assert "hello" in logs
        assert events[-1] == "prefect.flow-run.Completed"
        assert "a" in events


class TestTheWorker:
    def test_events_may_be_counted_instead_of_sent(self):
        EventsWorker.set_client_override(AssertingEventsClient)
        try:
            emit_event("a", {"prefect.resource.id": "r"})
            EventsWorker.instance().drain()
            assert [event.event for event in AssertingEventsClient.last.pop_events()] == ["a"]
        finally:
            EventsWorker.set_client_override(None)
            AssertingEventsClient.reset()
        assert stored("a") == []

    def test_a_full_queue_leaves_events_out_and_says_so(self, caplog):
        go_on = threading.Event()

        class Held(AssertingEventsClient):
            async def _emit(self, event):
                assert go_on.wait(60)

        EventsWorker.set_client_override(Held)
        try:
            with temporary_settings({"PREFECT_EVENTS_WORKER_MAX_QUEUE_SIZE": 2}):
                for _ in range(5):
                    emit_event("a", {"prefect.resource.id": "r"})
                go_on.set()
                EventsWorker.instance().drain()
        finally:
            go_on.set()
            EventsWorker.set_client_override(None)
            AssertingEventsClient.reset()
        assert caplog.text.count("PREFECT_EVENTS_WORKER_MAX_QUEUE_SIZE") == 1

    def test_the_end_of_the_process_waits_for_what_was_emitted(self):
        script = "from prefect.events import emit_event\nemit_event('last', {'prefect.resource.id': 'r'})"
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
        assert len(stored("last")) == 1

    def test_a_client_is_used_inside_of_its_context(self):
        with pytest.raises(TypeError, match="async with PrefectEventsClient"):
            asyncio.run(get_events_client().emit(Event(event="a", resource={"prefect.resource.id": "r"})))

    def test_a_client_with_a_key_needs_one(self):
        with pytest.raises(ValueError, match="PREFECT_API_KEY"):
            PrefectCloudEventsClient()


@pytest.mark.usefixtures("orchestrator")
class TestAutomations:
    def make(self, **fields) -> Automation:
        return Automation(**{"name": "mine", "trigger": EventTrigger(expect={"a"}), "actions": [DoNothing()], **fields})

    def test_the_life_of_an_automation(self):
        made = self.make().create()
        assert Automation.read(id=made.id) == Automation.read(name="mine") == made
        made.trigger = EventTrigger(expect={"b"}, posture=Posture.Proactive, within=timedelta(minutes=1))
        made.update()
        assert Automation.read(id=made.id).trigger == made.trigger
        assert made.disable() is True
        assert Automation.read(id=made.id).enabled is False
        assert made.enable() is True
        assert Automation.read(id=made.id).enabled is True
        assert [made.delete(), made.delete(), made.enable()] == [True, False, False]
        with pytest.raises(ValueError, match="not found"):
            Automation.read(id=made.id)

    def test_the_same_in_async_code(self):
        async def live() -> bool:
            made = await self.make().acreate()
            await made.adisable()
            read = await Automation.aread(name="mine")
            return read.enabled is False and await read.adelete()

        assert asyncio.run(live()) is True

    @pytest.mark.parametrize("what", ["update", "delete", "enable", "disable"])
    def test_what_was_not_created_has_no_id(self, what):
        with pytest.raises(ValueError, match=f"Can't {what} an automation without an ID"):
            getattr(self.make(), what)()

    def test_updating_what_was_deleted(self):
        made = self.make().create()
        made.delete()
        with pytest.raises(ObjectNotFound):
            made.update()

    def test_reading_says_which(self):
        with pytest.raises(ValueError, match="either the id or the name"):
            Automation.read()


def test_the_trigger_of_a_deployment_runs_it():
    trigger = DeploymentEventTrigger(name="react", expect={"a"}, parameters={"x": 1}, enabled=False)
    trigger.set_deployment_id(uuid.UUID(int=1))
    automation = trigger.as_automation()
    assert (automation.name, automation.enabled) == ("react", False)
    assert automation.owner_resource == f"prefect.deployment.{uuid.UUID(int=1)}"
    assert type(automation.trigger) is EventTrigger
    assert automation.trigger == EventTrigger(expect={"a"})
    assert (automation.actions[0].deployment_id, automation.actions[0].parameters) == (uuid.UUID(int=1), {"x": 1})


@pytest.mark.usefixtures("orchestrator")
class TestSlotsOfTags:
    def test_slots_that_a_task_run_takes_are_told_of(self):
        @task(name="query", tags=["db", "slow"])
        def query():
            return len(tell_all("prefect.concurrency-limit.acquired"))

        @flow(name="report", flow_run_name="reporting")
        def report():
            return query()

        with get_client(sync_client=True) as client:
            limit = client.create_concurrency_limit("db", 2)
        assert report() == 1
        (acquired,) = tell_all("prefect.concurrency-limit.acquired")
        (released,) = tell_all("prefect.concurrency-limit.released")
        assert acquired.resource.root == released.resource.root
        assert acquired.resource.root == {
            "prefect.resource.id": f"prefect.concurrency-limit.{limit}",
            "prefect.resource.name": "tag:db",
            "slots-acquired": "1",
            "limit": "2",
        }
        assert released.follows == acquired.id
        for event in (acquired, released):
            assert roles(event) == [
                ("flow-run", "reporting"),
                ("task-run", "query-0"),
                ("flow", "report"),
                ("tag", None),
                ("tag", None),
            ]
            assert [each.id for each in event.related[3:]] == ["prefect.tag.db", "prefect.tag.slow"]

    def test_a_task_run_that_waits_to_be_tried_again_gives_its_slot_back(self):
        @task(tags=["db"], retries=1)
        def query(tries=[]):  # noqa: B006 - remembers
            tries.append(1)
            if len(tries) == 1:
                raise ValueError("once")

        with get_client(sync_client=True) as client:
            client.create_concurrency_limit("db", 1)
        query()
        told = [event.event.rpartition(".")[2] for event in tell_all("prefect.concurrency-limit.")]
        assert told == ["created", "acquired", "released", "acquired", "released"]

    def test_slots_that_nobody_limits_are_not_told_of(self):
        @task(tags=["free"])
        def query():
            pass

        query()
        assert tell_all("prefect.concurrency-limit.") == []
