"""Servers that are killed between an event and what it leads to: all of it is done, and once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.faults.sites import Site, moment, wait_until
from tests.ports import free_port

pytestmark = [pytest.mark.faults, pytest.mark.slow]

EVENTS = 20


def automate(site: Site) -> str:
    """Have each event run a deployment, with the number of the event."""
    flow = site.flow()
    deployment: str = site.post("/deployments/", {"name": "d", "flow_id": flow})["id"]
    action = {"type": "run-deployment", "deployment_id": deployment, "parameters": {"n": "{{ event.payload.n }}"}}
    trigger = {"type": "event", "posture": "Reactive", "expect": ["order"], "threshold": 1, "within": 0}
    site.post("/automations/", {"name": "a", "trigger": trigger, "actions": [action]})
    return deployment


def order(number: int) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "event": "order",
        "occurred": moment(),
        "resource": {"prefect.resource.id": "orders"},
        "payload": {"n": number},
    }


def send(site: Site, event: dict[str, Any]) -> None:
    """Tell of an event, again and again until it is said that it is stored."""
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.post(f"{site.api}/events", json=[event], timeout=20, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def runs(site: Site) -> Counter[str]:
    return Counter(run["parameters"]["n"] for run in site.post("/flow_runs/filter", {"limit": 200}))


def test_each_event_leads_to_one_run_however_often_the_server_dies(site: Site, repetition: int) -> None:
    automate(site)
    chance = random.Random(repetition)
    sending = threading.Thread(target=lambda: [send(site, order(number)) for number in range(EVENTS)])
    sending.start()
    for _ in range(2):
        time.sleep(chance.uniform(0.05, 0.6))
        site.kill()
        site.start()
    sending.join()
    wait_until(lambda: len(runs(site)) == EVENTS, seconds=60)
    time.sleep(0.5)  # in which a second run would appear
    assert runs(site) == Counter({str(number): 1 for number in range(EVENTS)})
    site.check()


def test_two_servers_act_once(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.start()
    site.start(port=free_port())
    automate(site)
    for number in range(EVENTS):
        send(site, order(number))
    wait_until(lambda: len(runs(site)) == EVENTS, seconds=30)
    time.sleep(0.5)
    assert runs(site) == Counter({str(number): 1 for number in range(EVENTS)})
    site.check()


def test_an_action_follows_its_event_at_once(site: Site) -> None:
    automate(site)
    waits = []
    for number in range(5):
        time.sleep(0.3)  # the server is at rest
        send(site, order(number))
        waits.append(wait_until(lambda count=number + 1: sum(runs(site).values()) == count))
    assert sorted(waits)[2] < 1.0, waits
