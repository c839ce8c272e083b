"""
Asks a server of ours whatever its own description allows, and what it does not, and holds every answer against it.

A server is started as a process of its own; `schemathesis` makes the requests. Usage:

    python -m tests.schema.explore --seconds 150 --seed 1 [--database postgres]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compat.products.running import Product, Server
from tests.postgres import PostgresServer

HERE = Path(__file__).parent

LEFT_OUT = (
    # A server ignores fields and parameters that it does not know, and reads "1" as 1, as those did whose clients it serves.
    "negative_data_rejection",
    # That a body fits its schema does not mean that names in it are free, or that what it refers to is there.
    "positive_data_acceptance",
    # Nothing is guarded in this run; tests/integration/server/test_gate.py asks every path without credentials.
    "ignored_auth",
    "object_level_authorization",
)

PARTS = {"examples,coverage,fuzzing": 0.6, "stateful": 0.4}
"""The phases, by the share of the time that they have: without a share of its own the last would never be come to."""


@contextmanager
def database(kind: str) -> Iterator[dict[str, str]]:
    """The variables of a server that keeps its records in a database of its own."""
    if kind == "sqlite":
        yield {}
        return
    postgres = PostgresServer()
    try:
        yield {"PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres.url(postgres.new_database())}
    finally:
        postgres.close()


def explore(server: Server, folder: Path, phases: str, seconds: int, seed: int, *more: str) -> tuple[int, int]:
    """
    Make the requests of some phases for so many seconds.

    Returns:
        The exit code, 0 if nothing was wrong; and how many requests were answered well.
    """
    report = folder / f"{phases}.ndjson"
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        *(str(program), "--config-file", str(HERE / "schemathesis.toml"), "run"),
        server.api.removesuffix("/api") + "/openapi.json",
        *(
            "--phases",
            phases,
            "--seed",
            str(seed),
            "--max-time",
            str(seconds),
            "--workers",
            "1",
            "--no-color",
            "--warnings",
            "off",
        ),
        *("--exclude-checks", ",".join(LEFT_OUT), "--continue-on-failure", "--no-shrink"),
        *("--generation-database", "none", "--request-timeout", "20", "--suppress-health-check", "all"),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
        *more,
    ]
    done = subprocess.run(command, cwd=folder, check=False, timeout=seconds * 2 + 120)
    statuses = count(report)
    print("Answers by status:", ", ".join(f"{status}: {times}" for status, times in sorted(statuses.items())))
    wrong = sum(times for status, times in statuses.items() if status >= 500)
    reached = sum(times for status, times in statuses.items() if status < 300)
    print(
        f"{sum(statuses.values())} answers, {reached} good ones, {wrong} errors of the server ({phases}, seed {seed})."
    )
    return done.returncode or int(wrong > 0), reached


def count(report: Path) -> Counter[int]:
    """How often each status was answered."""
    statuses: Counter[int] = Counter()
    with report.open() as lines:
        for line in lines:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder") or {}
            for interaction in (recorder.get("interactions") or {}).values():
                if interaction.get("response"):
                    statuses[interaction["response"]["status_code"]] += 1
    return statuses


def main() -> int:
    """Read the arguments, and do it."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=150)
    arguments.add_argument("--seed", type=int, default=None, help="by default another one each time")
    arguments.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    given, more = arguments.parse_known_args()
    seed = random.randrange(2**32) if given.seed is None else given.seed
    with tempfile.TemporaryDirectory() as folder, database(given.database) as environment:
        print(f"Seed {seed}, on {given.database}.", flush=True)
        server = Product(sys.executable, Path(folder) / "home", environment=environment).start_server()
        try:
            parts = [
                explore(server, Path(folder), phases, round(given.seconds * share), seed, *more)
                for phases, share in PARTS.items()
            ]
        finally:
            server.stop()
        results = [code for code, _ in parts]
        if sum(reached for _, reached in parts) < 500 or not all(reached for _, reached in parts):
            print("Too few requests were answered well to say anything.")
            results.append(1)
        log = server.log.read_text()
        if "Traceback" in log:
            print("The server logged errors:\n", log[-20_000:])
            results.append(1)
    return max(results)


if __name__ == "__main__":
    sys.exit(main())
