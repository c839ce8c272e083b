"""A server that is killed while it takes in the events of processes that had none: each event is there, and has acted, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Select, func, select
from tests.faults.sites import Site, wait_until

from prefect.server.database import tables
from prefect.server.database.engine import Database

pytestmark = [pytest.mark.faults, pytest.mark.slow]

ORDERS = 4
RUNS_PER_ORDER = 60

ALONE = f"""
    import os, sys
    del os.environ["PREFECT_API_URL"]
    os.environ["PREFECT_HOME"], os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = sys.argv[1:]
    from prefect import flow, get_client, task
    from prefect._contract.endpoints import events
    from prefect._contract.events import Event
    from prefect.automations import Automation, EventTrigger, RunDeployment
    from prefect.client.base import current_transport

    @task
    def step(number):
        return number

    @flow
    def steps():
        for number in range(8):
            step(number)

    client = get_client(sync_client=True)
    deployment = client.create_deployment(client.create_flow(steps), "d")
    act = RunDeployment(deployment_id=deployment, parameters={{"n": "{{{{ event.payload.n }}}}"}})
    Automation(name="a", trigger=EventTrigger(expect={{"order"}}), actions=[act]).create()
    steps()
    for number in range({ORDERS}):
        for _ in range({RUNS_PER_ORDER}):
            client.create_flow_run(steps)
        order = Event(event="order", resource={{"prefect.resource.id": "orders"}}, payload={{"n": number}})
        current_transport().send(events.create_events([order]))
"""


def rows(site: Site, statement: Select[Any]) -> list[Any]:
    with closing(Database(site.url)) as database:
        return database.transaction(lambda connection: list(connection.execute(statement).all()), write=False)


def left(site: Site) -> int:
    with closing(Database(site.url)) as database:
        return left_in(database)


def left_in(database: Database) -> int:
    """How many events are to be taken in yet."""
    count = select(func.count()).select_from(tables.event_backlog)
    return int(database.transaction(lambda connection: connection.execute(count).scalar_one(), write=False))


def test_each_event_is_there_once_after_the_server_died_amid_them(make_site: Callable[..., Site]) -> None:
    site = make_site(PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE="1")
    (site.folder / "server").mkdir(parents=True)
    alone = site.run(ALONE, str(site.folder / "server"), site.url)
    said, complained = alone.communicate(timeout=120)
    assert alone.returncode == 0, said + complained
    total = left(site)
    assert total > ORDERS * RUNS_PER_ORDER
    site.start()
    with closing(Database(site.url)) as database:  # one all the time: there is not long to look
        wait_until(lambda: left_in(database) <= total * 0.9)
        site.kill()
    rest = left(site)
    assert 0 < rest < total, f"it did not die amid the {total}: {rest} are left"
    site.start()
    wait_until(lambda: left(site) == 0, seconds=60)
    wait_until(lambda: len(runs_of_orders(site)) == ORDERS, seconds=60)
    assert runs_of_orders(site) == Counter({str(number): 1 for number in range(ORDERS)})
    check_that_each_state_is_told_once(site)
    site.check()


def runs_of_orders(site: Site) -> Counter[str]:
    run = tables.flow_run.c
    ordered = rows(site, select(run.parameters).where(run.deployment_id.is_not(None)))
    return Counter(parameters["n"] for (parameters,) in ordered)


def check_that_each_state_is_told_once(site: Site) -> None:
    for kind in ("flow-run", "task-run"):
        states = {"flow-run": tables.flow_run_state, "task-run": tables.task_run_state}[kind]
        entered = Counter(name for (name,) in rows(site, select(states.c.name)))
        name = tables.event.c.event
        told = Counter(
            name.rpartition(".")[2] for (name,) in rows(site, select(name).where(name.like(f"prefect.{kind}.%")))
        )
        assert told == entered
    related = select(tables.event_resource.c.event_id).where(tables.event_resource.c.resource_role == "flow-run")
    tasks = select(tables.event.c.id).where(tables.event.c.event.like("prefect.task-run.%"))
    assert sorted(rows(site, related.where(tables.event_resource.c.event_id.in_(tasks)))) == sorted(rows(site, tasks))
