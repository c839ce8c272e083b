"""How soon the pages of a server answer, and how large they are, with many runs.

    python benchmarks/pages.py [--runs 100000] [--postgres]

Promised: 250 ms for 95 of 100 requests, and 60 kB a page. Runs of ten flows, in all states and over a month, are made through the
API, and copied inside the database until there are as many as asked for.
"""

from __future__ import annotations

import argparse
import http.client
import random
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from server import Connection, Postgres, Server, copy_in_postgres, copy_in_sqlite

MADE = 1000
ASKED = 20
STATES = ["COMPLETED"] * 16 + ["FAILED", "CRASHED", "CANCELLED", "RUNNING"]


def populate(server: Server) -> tuple[str, str]:
    """Some runs. Returns the ids of a flow, and of a run with task runs and logs."""
    api, chance = Connection(server.port), random.Random(1)
    flows = [api.ask("POST", "/flows/", {"name": f"flow-{number}"})[1]["id"] for number in range(10)]
    begin = datetime.now(timezone.utc) - timedelta(days=30)
    run = ""
    for number in range(MADE):
        due = (begin + timedelta(days=30) * (number / MADE)).isoformat()
        state = {"type": chance.choice(STATES), "state_details": {"scheduled_time": due}}
        made = {"flow_id": flows[number % 10], "name": f"run-{number}", "tags": [f"t{number % 7}"], "state": state}
        run = api.ask("POST", "/flow_runs/", made)[1]["id"]
    now = datetime.now(timezone.utc).isoformat()
    for number in range(200):
        task = {"flow_run_id": run, "task_key": "t", "dynamic_key": str(number), "state": {"type": "COMPLETED"}}
        api.ask("POST", "/task_runs/", task)
    lines = [{"name": "n", "level": 20, "message": "m" * 80, "timestamp": now, "flow_run_id": run}] * 200
    for _ in range(5):
        api.ask("POST", "/logs/", lines)
    return flows[0], run


def read(port: int, path: str) -> tuple[float, int]:
    """Milliseconds until a page is there, and its bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    size = len(answer.read())
    taken = (time.perf_counter() - began) * 1000
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")
    return taken, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        postgres = Postgres(Path(folder)) if given.postgres else None
        url = postgres.create_database() if postgres else None
        home = Path(folder, "home")
        home.mkdir()
        server = Server(sys.executable, str(home), url.replace("postgresql", "postgresql+asyncpg", 1) if url else None)
        try:
            flow, run = populate(server)
            if url:
                copy_in_postgres(url, given.runs)
            else:
                copy_in_sqlite(home / "prefect.db", given.runs)
            pages = {
                "dashboard": "/dashboard",
                "dashboard, a month": "/dashboard?since=30d",
                "runs": "/runs",
                "runs, page 100": "/runs?page=100",
                "runs, failed": "/runs?state=FAILED",
                "runs, by part of a name": "/runs?name=run-77",
                "runs, of a flow and tag": "/runs?flow=flow-3&tag=t3",
                "flows": "/flows",
                "a flow": f"/flows/flow/{flow}",
                "a run": f"/runs/flow-run/{run}",
                "its task runs": f"/runs/flow-run/{run}/tasks",
                "its logs": f"/runs/flow-run/{run}/logs",
            }
            print(f"{given.runs:,} runs on {'PostgreSQL' if postgres else 'SQLite'}: ms (median, 95 of 100), kB")
            for name, path in pages.items():
                read(server.port, path)
                found = [read(server.port, path) for _ in range(ASKED)]
                times = sorted(taken for taken, _ in found)
                late = times[int(ASKED * 0.95) - 1]
                said = "" if late <= 250 and found[0][1] <= 60_000 else "   beyond what is promised"
                print(f"{name:26} {statistics.median(times):8.0f} {late:8.0f} {found[0][1] / 1000:8.1f}{said}")
        finally:
            server.stop()
            if postgres:
                postgres.stop()


if __name__ == "__main__":
    main()
