"""Runners, workers and scripts that execute flows for a server, and can be killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.faults.sites import Site, wait_until
from tests.processes import kill_all_of

__all__ = ["Fleet", "Line", "is_alive"]

CODE = """
import os
import signal
import sys
import time
from pathlib import Path

from prefect import flow, task

JOURNAL = Path(__file__).parent / "journal"


def note(line):
    with JOURNAL.open("a") as file:
        file.write(line + "\\n")


def on_end(flow, run, state):
    note(f"hook {run.id} {state.type.value}")


@task(tags=["few"])
def hold(seconds):
    time.sleep(seconds)


@flow(on_crashed=[on_end], on_cancellation=[on_end])
def work(seconds: float = 0.0, holds: bool = False):
    from prefect.runtime import flow_run

    note(f"start {flow_run.id} {os.getpid()}")
    if holds:
        hold(seconds)
    time.sleep(seconds)
    note(f"done {flow_run.id} {os.getpid()}")


@flow(retries=3)
def tough(seconds: float = 0.0):
    from prefect.runtime import flow_run

    note(f"start {flow_run.id} {os.getpid()}")
    time.sleep(seconds)
    note(f"done {flow_run.id} {os.getpid()}")


@task(tags=["few"], retries=1, retry_delay_seconds=2)
def flaky():
    from prefect.runtime import flow_run

    note(f"task {flow_run.id} {time.monotonic()}")
    if len(JOURNAL.read_text().split(f"task {flow_run.id}")) == 2:
        raise ValueError("the first time")


@flow(retries=1, retry_delay_seconds=3)
def again():
    from prefect.runtime import flow_run

    note(f"flow {flow_run.id} {time.monotonic()}")
    if flow_run.run_count == 1:
        raise ValueError("the first time")
    flaky()


if __name__ == "__main__":
    again() if sys.argv[1] == "again" else work(float(sys.argv[1]), holds=True)
"""

EARLY = """
import os
import time
from pathlib import Path

from prefect import flow

LOADING = Path(__file__).parent / "loading"

if "PREFECT__FLOW_RUN_ID" in os.environ and not LOADING.exists():
    LOADING.with_suffix(".new").write_text(str(os.getpid()))
    LOADING.with_suffix(".new").rename(LOADING)
    time.sleep(60)  # the first process gets no further than this


@flow(retries=1)
def early():
    pass
"""

SERVE = """
import asyncio
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner

if __name__ == "__main__":
    runner = Runner(name="runner", limit=50, pause_on_shutdown=False)
    for name in ("work", "tough", "again"):
        runner.add_deployment(RunnerDeployment.from_entrypoint(f"code.py:{name}", name="served"))
    runner.add_deployment(RunnerDeployment.from_entrypoint("early.py:early", name="served"))
    asyncio.run(runner.start())
"""


class Fleet:
    """
    Processes that execute flows for a server.

    Args:
        site: The server.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.folder = site.folder / "flows"
        self.folder.mkdir()
        (self.folder / "code.py").write_text(CODE)
        (self.folder / "early.py").write_text(EARLY)
        (self.folder / "serve.py").write_text(SERVE)
        site.post("/work_pools/", {"name": "pool", "type": "process"})
        self._deployments: dict[tuple[str, str], str] = {}

    # -- processes

    def _start(self, *arguments: str, api: str | None = None, **variables: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        ours = {"PREFECT_API_URL": api or self.site.api, "PREFECT_HOME": str(self.folder / "home")}
        with (self.folder / f"output-{len(self.site.processes)}").open("w") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                env=kept | ours | {"PREFECT_WORKER_QUERY_SECONDS": "1"} | variables,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.site.processes.append(process)
        return process

    def serve(self, **options: str) -> subprocess.Popen[str]:
        process = self._start("serve.py", **options)
        wait_until(lambda: self.site.ask("GET", "/deployments/name/early/served").status_code == 200, 60)
        return process

    def work(self, **options: str) -> subprocess.Popen[str]:
        return self._start("-m", "prefect", "worker", "start", "--pool", "pool", **options)

    def call(self, argument: float | str, **options: str) -> subprocess.Popen[str]:
        """Call a flow in a script: `work` for so many seconds, or `again`."""
        return self._start("code.py", str(argument), **options)

    # -- runs

    def deployment(self, flow: str, how: str) -> str:
        key = (flow, how)
        if key not in self._deployments:
            if how == "served":
                found = self.site.read(f"/deployments/name/{flow}/served")
            else:
                place = {"path": str(self.folder), "entrypoint": f"code.py:{flow}", "work_pool_name": "pool"}
                flow_id = self.site.post("/flows/", {"name": flow})["id"]
                found = self.site.post("/deployments/", {"name": "queued", "flow_id": flow_id, **place})
            self._deployments[key] = found["id"]
        return self._deployments[key]

    def order(self, how: str, flow: str = "work", due: datetime | None = None, **parameters: Any) -> str:
        path = f"/deployments/{self.deployment(flow, how)}/create_flow_run"
        details = {} if due is None else {"state_details": {"scheduled_time": due.isoformat()}}
        body = {"parameters": parameters, "state": {"type": "SCHEDULED", **details}}
        return str(self.site.post(path, body)["id"])

    def state(self, run: str) -> Any:
        return self.site.read(f"/flow_runs/{run}")["state"]

    def has_ended(self, *runs: str) -> bool:
        return self.count(runs, "COMPLETED", "FAILED", "CRASHED", "CANCELLED") == len(runs)

    def count(self, runs: Sequence[str], *types: str) -> int:
        """How many of some runs are in states of some types; one request, as it is asked for again and again."""
        wanted = {"id": {"any_": list(runs)}, "state": {"type": {"any_": list(types)}}}
        return int(self.site.post("/flow_runs/count", {"flow_runs": wanted}))

    def notes(self, word: str) -> list[list[str]]:
        journal = self.folder / "journal"
        lines = journal.read_text().splitlines() if journal.exists() else []
        return [line.split()[1:] for line in lines if line.startswith(word)]

    def pid(self, run: str, seconds: float = 60.0) -> int:
        """The process that begun a run last."""
        wait_until(lambda: any(found == run for found, _ in self.notes("start")), seconds)
        return [int(pid) for found, pid in self.notes("start") if found == run][-1]

    def starts(self) -> dict[UUID, int]:
        return {UUID(run): times for run, times in Counter(run for run, _ in self.notes("start")).items()}

    def hooks(self, run: str) -> list[str]:
        return [kind for found, kind in self.notes("hook") if found == run]

    def output(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("output-*")))

    def close(self) -> None:
        kill_all_of(self.folder / "home")


class Line:
    """
    A connection to the server that can be cut: then nothing goes through, and nobody is told.

    Args:
        port: Where the server listens.
    """

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._whole = threading.Event()
        self._whole.set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.api = f"http://127.0.0.1:{self._listening.getsockname()[1]}/api"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._to) as server:
            back = threading.Thread(target=self._pass_on, args=(server, client), daemon=True)
            back.start()
            self._pass_on(client, server)
            back.join()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                self._whole.wait()
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.mend()
        self._listening.close()


def is_alive(pid: int) -> bool:
    """Whether a process is there, and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
