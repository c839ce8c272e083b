"""How many events a server takes in a second, and how soon an automation acts on one.

    python benchmarks/events.py [--python /path/to/another/bin/python]

Promised: 10,000 events a second in batches of 200, and at most one second from an event to the action that it leads to.
Times include the polling by which the action is noticed, every 5 ms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from typing import Any
from uuid import uuid4

from server import Connection, Server, now

BATCH = 200


def event(name: str, number: int) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "event": name,
        "occurred": now(),
        "resource": {"prefect.resource.id": f"orders.{number}"},
        "related": [{"prefect.resource.id": "customers.1", "prefect.resource.role": "customer"}],
        "payload": {"number": number},
    }


def ingest(connection: Connection, events: int) -> float:
    """Events a second that are taken in."""
    batches = [[event("many", number) for number in range(BATCH)] for _ in range(events // BATCH)]
    began = time.perf_counter()
    for batch in batches:
        status, _ = connection.ask("POST", "/events", batch)
        assert status == 204, status
    return events / (time.perf_counter() - began)


def automate(connection: Connection) -> None:
    trigger = {"type": "event", "posture": "Reactive", "expect": ["go"], "threshold": 1, "within": 0}
    asked = {"name": "a", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
    status, _ = connection.ask("POST", "/automations/", asked)
    assert status == 201, status


def latency(connection: Connection, number: int) -> float:
    """Seconds from an event until it is told that the action was executed."""
    executed = {"filter": {"event": {"name": ["prefect.automation.action.executed"]}}, "limit": 1}
    began = time.perf_counter()
    connection.ask("POST", "/events", [event("go", number)])
    while connection.ask("POST", "/events/filter", executed)[1]["total"] <= number:
        assert time.perf_counter() < began + 30
        time.sleep(0.005)
    return time.perf_counter() - began


def measure(python: str, events: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        server = Server(python, home, None)
        try:
            connection = Connection(server.port)
            print(f"{python}")
            print(f"  taken in, without automations: {ingest(connection, events):8.0f} events/s")
            automate(connection)
            time.sleep(3)
            waits = []
            for number in range(rounds):
                time.sleep(0.3)  # the server is at rest
                waits.append(latency(connection, number) * 1000)
            print(f"  from event to action:          {statistics.median(waits):8.0f} ms (at most {max(waits):.0f} ms)")
            print(f"  taken in, with an automation:  {ingest(connection, events):8.0f} events/s")
        finally:
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="the Python of another product to compare with")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    for python in filter(None, (sys.executable, options.python)):
        measure(python, options.events, options.rounds)


if __name__ == "__main__":
    main()
