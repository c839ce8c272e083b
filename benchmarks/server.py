"""Measure a server, and compare it with another Prefect's if its Python is given.

    python benchmarks/server.py [--against /path/to/python] [--rounds 3] [--runs 5000] [--copies N] [--postgres] [--json FILE]

Each round starts a server of each product in a fresh home (A B A B …), asks it over HTTP, and reads the CPU seconds and the
memory of its processes from /proc. Printed are the medians: milliseconds of the server's CPU and of wall clock for each
request, and the ratio. A request that is answered with an error, or not at all, counts as refused. With `--copies N` the
runs are copied inside the database until there are N, and lists are measured again. With `--postgres` each server gets an
empty database of a private PostgreSQL, which needs its programs on this machine; their CPU is not counted.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

UNANSWERED = 599
"""What a request counts as whose connection the server has cut."""

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

Figures = dict[str, dict[str, float]]


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(") ", 1)[1].split()
            except (OSError, IndexError):
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found.extend(parents.get(each, []))
    return found


def cpu_and_memory(pid: int) -> tuple[float, float]:
    """CPU seconds and resident megabytes of a process and its descendants."""
    cpu = memory = 0.0
    for each in family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(") ", 1)[1].split()
        except OSError:
            continue
        cpu += (int(fields[11]) + int(fields[12])) / TICKS
        memory += int(fields[21]) * PAGE / 1e6
    return cpu, memory


class Connection:
    """One client."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status of an answer, and what it says."""
        content = None if body is None else json.dumps(body).encode()
        try:
            self._http.request(method, "/api" + path, body=content, headers={"content-type": "application/json"})
            answer = self._http.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._http.close()  # the next request connects again
            return UNANSWERED, None
        return answer.status, json.loads(text) if text else None


class Server:
    """A server of either product."""

    def __init__(self, python: str, home: str, database: str | None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
            "PREFECT_HOME": home,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_LOGGING_LEVEL": "WARNING",
        }
        if database:
            env["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database
        self._log = Path(home, "benchmark.log").open("wb")  # noqa: SIM115 - open as long as the server writes to it
        command = [str(Path(python).parent / "prefect"), "server", "start", "--host", "127.0.0.1"]
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port)], env=env, stdout=self._log, stderr=self._log, start_new_session=True
        )
        self._wait()
        self.started = {"wall": time.perf_counter() - began, "cpu": self.cpu()}

    def _wait(self) -> None:
        for _ in range(2400):
            if self._process.poll() is not None:
                raise SystemExit(f"The server ended: {Path(self._log.name).read_text()[-2000:]}")
            if Connection(self.port).ask("GET", "/health")[0] == 200:
                return
            time.sleep(0.05)
        raise SystemExit("The server did not become healthy within two minutes.")

    def cpu(self) -> float:
        return cpu_and_memory(self._process.pid)[0]

    def memory(self) -> float:
        return cpu_and_memory(self._process.pid)[1]

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


def tomorrow() -> str:
    """When runs are due that a server is to leave alone: those of now it would mark as late while it is measured."""
    return (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()


def measured(server: Server, count: int, clients: int, act: Callable[[Connection, int], int]) -> dict[str, float]:
    """Milliseconds of CPU and of wall clock a request, and the share that was refused."""
    statuses: list[int] = []

    def ask(numbers: range) -> None:
        connection = Connection(server.port)
        statuses.extend([act(connection, number) for number in numbers])

    act(Connection(server.port), 0)  # the first of a kind loads code
    cpu, began = server.cpu(), time.perf_counter()
    threads = [threading.Thread(target=ask, args=(range(first, count, clients),)) for first in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "wall": (time.perf_counter() - began) / count * 1000,
        "cpu": (server.cpu() - cpu) / count * 1000,
        "refused": sum(status >= 300 for status in statuses) / len(statuses) * 100,
    }


def populate(server: Server, runs: int) -> tuple[str, list[str]]:
    """A flow, and runs of it."""
    connection = Connection(server.port)
    flow = connection.ask("POST", "/flows/", {"name": "measured"})[1]["id"]
    made = []
    for number in range(runs):
        state = {"type": "SCHEDULED" if number % 10 else "PENDING", "state_details": {"scheduled_time": tomorrow()}}
        status, answer = connection.ask(
            "POST", "/flow_runs/", {"flow_id": flow, "state": state, "tags": [f"t{number % 7}"]}
        )
        if status < 300:
            made.append(answer["id"])
    if not made:
        raise SystemExit("The server has taken no run.")
    return flow, made


def lists(server: Server, flow: str) -> dict[str, dict[str, float]]:
    """What people look at."""
    asked = {
        "list 200 runs": ("/flow_runs/filter", {"limit": 200, "sort": "START_TIME_DESC"}),
        "filter by state": (
            "/flow_runs/filter",
            {"limit": 50, "flow_runs": {"state": {"type": {"any_": ["PENDING"]}}}},
        ),
        "filter by flow": ("/flow_runs/filter", {"limit": 50, "flows": {"id": {"any_": [flow]}}}),
        "a page": ("/flow_runs/paginate", {"limit": 20, "page": 3}),
        "count": ("/flow_runs/count", {}),
    }
    return {
        name: measured(server, 20, 1, lambda connection, _, path=path, body=body: connection.ask("POST", path, body)[0])
        for name, (path, body) in asked.items()
    }


def requests(server: Server, runs: int) -> Figures:
    """What is measured of a running server."""
    figures: Figures = {}
    flow, made = populate(server, runs)
    new = {"flow_id": flow, "state": {"type": "PENDING"}}
    for clients in (1, 8):
        figures[f"create run, {clients} clients"] = measured(
            server, 200, clients, lambda connection, _: connection.ask("POST", "/flow_runs/", new)[0]
        )
    running = {"state": {"type": "RUNNING"}, "force": True}
    figures["set state"] = measured(
        server,
        200,
        1,
        lambda connection, number: connection.ask("POST", f"/flow_runs/{made[number % len(made)]}/set_state", running)[
            0
        ],
    )
    figures["read run"] = measured(
        server, 300, 1, lambda connection, number: connection.ask("GET", f"/flow_runs/{made[number % len(made)]}")[0]
    )
    figures |= lists(server, flow)
    line = {"name": "n", "level": 20, "message": "m" * 80, "timestamp": now(), "flow_run_id": made[0]}
    figures["logs, 200 lines"] = measured(
        server, 20, 1, lambda connection, _: connection.ask("POST", "/logs/", [line] * 200)[0]
    )

    def events(connection: Connection, _: int) -> int:
        resource = {"prefect.resource.id": "thing"}
        batch = [{"occurred": now(), "event": "a.b", "resource": resource, "id": str(uuid.uuid4())} for _ in range(200)]
        return connection.ask("POST", "/events", batch)[0]

    figures["events, 200"] = measured(server, 20, 1, events)
    return figures


def copy_runs(
    execute: Callable[[str], list[tuple[Any, ...]]], new_id: str, columns: dict[str, list[str]], wanted: int
) -> None:
    """
    Copy the flow runs of a database, with their states, until there are as many as wanted.

    Args:
        execute: Executes SQL, and returns the rows.
        new_id: An expression that makes of `{id}`, and of the number of the round, another id.
        columns: Those of the two tables.
        wanted: How many runs there are to be.
    """
    number = 0
    while (there := execute("SELECT count(*) FROM flow_run")[0][0]) < wanted:
        number += 1
        execute("DROP TABLE IF EXISTS latest")
        execute(f"CREATE TEMP TABLE latest AS SELECT id FROM flow_run LIMIT {wanted - there}")
        for table, ids, of in (
            ("flow_run", ("id", "state_id"), "id"),
            ("flow_run_state", ("id", "flow_run_id"), "flow_run_id"),
        ):
            names = ", ".join(f'"{name}"' for name in columns[table])
            made = ", ".join(
                new_id.format(id=f'"{name}"', number=number) if name in ids else f'"{name}"' for name in columns[table]
            )
            execute(f"INSERT INTO {table} ({names}) SELECT {made} FROM {table} WHERE {of} IN (SELECT id FROM latest)")
    execute("ANALYZE")


TABLES = ("flow_run", "flow_run_state")


def copy_in_sqlite(file: Path, wanted: int) -> None:
    database = sqlite3.connect(file, timeout=60)
    database.create_function("new_id", 2, lambda text, number: str(uuid.uuid5(uuid.NAMESPACE_OID, f"{text}{number}")))
    columns = {table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")] for table in TABLES}
    copy_runs(lambda sql: database.execute(sql).fetchall(), "new_id({id}, {number})", columns, wanted)
    database.commit()
    database.close()


def copy_in_postgres(url: str, wanted: int) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as database:

        def execute(sql: str) -> list[tuple[Any, ...]]:
            answer = database.execute(sql)
            return answer.fetchall() if answer.description else []

        execute("SET session_replication_role = replica")  # a run and its state name each other
        columns = {
            table: [
                row[0]
                for row in execute(
                    f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' AND is_generated = 'NEVER'"
                )
            ]
            for table in TABLES
        }
        copy_runs(execute, "md5({id}::text || '{number}')::uuid", columns, wanted)


class Place:
    """Where the servers of one product keep their records: in SQLite files of their homes, or on a private PostgreSQL."""

    def __init__(self, postgres: Postgres | None, scheme: str) -> None:
        self._postgres = postgres
        self._scheme = scheme

    def fresh(self) -> str | None:
        """The URL of an empty database; None for SQLite."""
        return None if self._postgres is None else self._postgres.create_database()

    def spelled(self, url: str | None) -> str | None:
        """The URL as the product wants it."""
        return None if url is None else url.replace("postgresql", self._scheme, 1)


class Postgres:
    """A private PostgreSQL, on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        if not programs:
            raise SystemExit("--postgres needs the programs of PostgreSQL's server in /usr/lib/postgresql/*/bin.")
        self._programs, self._data = programs[-1], folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._as = {"user": "postgres"} if os.getuid() == 0 else {}  # it refuses to be root
        if self._as:
            folder.chmod(0o755)
            self._data.mkdir()
            shutil.chown(self._data, "postgres", "postgres")
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "-E", "UTF8")
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._data} -c max_connections=200"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self._data / "log", "-o", options, "start")
        self._made = 0

    def _run(self, program: str, *arguments: Any) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **self._as)

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        name = f"measured_{self._made}"
        self._run("createdb", "-h", "127.0.0.1", "-p", self._port, "-U", "postgres", name)
        return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")


def measure(python: str, runs: int, place: Place, copies: int = 0) -> Figures:
    """Start a server twice, in a fresh home and in the same again, and ask it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        database = place.fresh()
        server = Server(python, home, place.spelled(database))
        figures: Figures = {"start, fresh home": {key: value * 1000 for key, value in server.started.items()}}
        time.sleep(3)
        figures["memory at rest, MB"] = {"wall": server.memory(), "cpu": 0.0}
        figures |= requests(server, runs)
        server.stop()
        if copies and database is None:
            copy_in_sqlite(Path(home, "prefect.db"), copies)
        elif copies and database is not None:
            copy_in_postgres(database, copies)
        server = Server(python, home, place.spelled(database))
        figures["start, warm"] = {key: value * 1000 for key, value in server.started.items()}
        if copies:
            flow = Connection(server.port).ask("POST", "/flows/", {"name": "measured"})[1]["id"]
            figures |= {f"{name}, {copies}": value for name, value in lists(server, flow).items()}
        figures["memory at the end, MB"] = {"wall": server.memory(), "cpu": 0.0}
        server.stop()
    return figures


def median(rounds: list[Figures], name: str, key: str) -> float:
    return statistics.median(figures[name].get(key, 0.0) for figures in rounds if name in figures)


def compare(options: argparse.Namespace) -> tuple[list[Figures], list[Figures]]:
    """The figures of each round, of both products in turns."""
    ours: list[Figures] = []
    theirs: list[Figures] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        postgres = Postgres(Path(folder)) if options.postgres else None
        try:
            for _ in range(options.rounds):
                ours.append(measure(sys.executable, options.runs, Place(postgres, "postgresql"), options.copies))
                if options.against:
                    runs = options.their_runs or options.runs
                    place = Place(postgres, "postgresql+asyncpg")
                    theirs.append(measure(options.against, runs, place, options.copies))
        finally:
            if postgres is not None:
                postgres.stop()
    return ours, theirs


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", help="the Python of an environment with another Prefect")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=5000, help="how many runs there are when lists are measured")
    parser.add_argument("--their-runs", type=int, help="the same for the other one, which may be slow to fill")
    parser.add_argument("--copies", type=int, default=0, help="measure lists again with as many runs")
    parser.add_argument("--postgres", action="store_true", help="measure on a private PostgreSQL instead of SQLite")
    parser.add_argument("--json", type=Path, help="write all figures here")
    options = parser.parse_args()
    ours, theirs = compare(options)
    print(
        f"{'':<28}{'cpu ms':>9}{'wall ms':>9}{'refused':>9}"
        + ("   theirs: cpu     wall  refused  cpu ratio" if theirs else "")
    )
    for name in ours[0]:
        line = f"{name:<28}" + "".join(f"{median(ours, name, key):>9.2f}" for key in ("cpu", "wall", "refused"))
        if theirs and name in theirs[0]:
            line += " " * 3 + "".join(f"{median(theirs, name, key):>9.2f}" for key in ("cpu", "wall", "refused"))
            divisor = median(theirs, name, "cpu") or median(theirs, name, "wall")
            line += f"{(median(ours, name, 'cpu') or median(ours, name, 'wall')) / divisor:>11.3f}"
        print(line)
    if options.json:
        options.json.write_text(json.dumps({"ours": ours, "theirs": theirs}, indent=1))


if __name__ == "__main__":
    main()
