"""Task workers and servers that are killed while tasks run in the background: every run is executed to its end."""

from __future__ import annotations

import os
import signal
import time
from typing import Any
from uuid import UUID

import pytest
from tests.faults.conftest import Victim
from tests.faults.sites import Site, wait_until

from prefect._contract.state import StateType

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SCRIPT = """
    import os, sys, time
    from pathlib import Path
    os.environ["PREFECT_SERVER_TASKS_SCHEDULING_PENDING_TASK_TIMEOUT"] = "2"
    from prefect import task
    from prefect.task_worker import serve

    @task
    def step(number, seconds, gate):
        print("begun", number, flush=True)
        if seconds:  # where the clock is put, nobody can sleep
            time.sleep(seconds)
        while gate and not Path(gate).exists():
            time.sleep(0.05)
        return number

    what, *arguments = sys.argv[1:]
    if what == "serve":
        print("serving", flush=True)
        serve(step, limit=int(arguments[0]))
    elif what == "read":
        from uuid import UUID
        from prefect.futures import PrefectDistributedFuture
        print([PrefectDistributedFuture(UUID(each)).result(timeout=30) for each in arguments], flush=True)
    else:
        for number in range(int(arguments[0])):
            print(step.delay(number, float(arguments[1]), arguments[2]).task_run_id, flush=True)
"""


class Tasks:
    """Calls tasks and works at them, in processes of their own."""

    def __init__(self, site: Site, **variables: str) -> None:
        self.site = site
        self.gate = site.folder / "gate"
        self._variables = variables
        self._calling: list[Any] = []
        (site.folder / "tasks.py").write_text("")

    def delay(self, number: int, seconds: float = 0.0, *, is_held: bool = False) -> list[UUID]:
        """Call so many tasks, which last so many seconds, and then until the gate is there if they are held."""
        gate = str(self.gate) if is_held else ""
        process = self.site.run(SCRIPT, "delay", str(number), str(seconds), gate, **self._variables)
        self._calling.append(process)
        runs = [process.stdout.readline().strip() for _ in range(number)]
        assert all(runs), process.stderr.read()
        return [UUID(run) for run in runs]

    def worker(self, limit: int = 10) -> Any:
        process = self.site.run(SCRIPT, "serve", str(limit), **self._variables)
        assert process.stdout.readline() == "serving\n"
        return process

    def is_told_to_stop(self, worker: Any) -> bool:
        """Whether a worker has heard a signal, once it says so."""
        return any("Stopping once" in line for line in worker.stderr)

    def results(self, runs: list[UUID]) -> str:
        output, errors = self.site.run(SCRIPT, "read", *map(str, runs)).communicate(timeout=60)
        return str(output + errors)

    def state(self, run: UUID) -> str:
        return str(self.site.read(f"/task_runs/{run}")["state_type"])

    def wait_for(self, runs: list[UUID], seconds: float = 60) -> None:
        wait_until(lambda: all(self.state(run) == "COMPLETED" for run in runs), seconds)

    def check(self, runs: list[UUID]) -> None:
        assert [process.wait(60) for process in self._calling] == [0] * len(self._calling)
        self.site.check(all_ended=True, ended_as=dict.fromkeys(runs, "COMPLETED"))


def test_what_a_killed_worker_was_at_is_given_to_another(site: Site, repetition: int) -> None:
    tasks = Tasks(site)
    runs = tasks.delay(2, is_held=True)
    first = tasks.worker(limit=1)
    assert first.stdout.readline() == "begun 0\n"
    os.killpg(first.pid, signal.SIGKILL)
    killed = time.monotonic()
    tasks.gate.touch()
    tasks.worker(limit=1)
    tasks.wait_for(runs)
    assert time.monotonic() - killed < 60
    counts = [site.read(f"/task_runs/{run}")["run_count"] for run in runs]
    assert counts == [2, 1]
    assert "[0, 1]" in tasks.results(runs)
    tasks.check(runs)


def test_a_worker_that_was_frozen_is_not_believed_any_more(site: Site) -> None:
    tasks = Tasks(site)
    runs = tasks.delay(1, is_held=True)
    frozen = tasks.worker()
    assert frozen.stdout.readline() == "begun 0\n"
    os.killpg(frozen.pid, signal.SIGSTOP)
    other = tasks.worker()
    assert other.stdout.readline() == "begun 0\n"
    tasks.gate.touch()
    os.killpg(frozen.pid, signal.SIGCONT)
    tasks.wait_for(runs)
    history = site.read(f"/task_run_states/?task_run_id={runs[0]}")
    kinds = [StateType(state["type"]).value for state in sorted(history, key=lambda state: state["timestamp"])]
    assert kinds == ["SCHEDULED", "PENDING", "RUNNING", "SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]
    tasks.check(runs)


def test_a_server_that_is_killed_loses_no_run_and_its_workers_find_it_again(site: Site, repetition: int) -> None:
    tasks = Tasks(site)
    before = tasks.delay(5)
    site.kill()
    site.start()
    tasks.worker(limit=2)
    tasks.wait_for(before)
    slow = tasks.delay(4, is_held=True)
    wait_until(lambda: any(tasks.state(run) == "RUNNING" for run in slow))
    site.kill()
    tasks.gate.touch()
    time.sleep(0.5)
    site.start()
    later = tasks.delay(2)
    tasks.wait_for([*slow, *later])
    tasks.check([*before, *slow, *later])
    if site.url.startswith("sqlite"):
        assert [site.read(f"/task_runs/{run}")["run_count"] for run in before] == [1] * 5


def test_a_worker_that_is_told_to_stop_finishes_what_it_is_at(site: Site) -> None:
    tasks = Tasks(site)
    runs = tasks.delay(2, is_held=True)
    worker = tasks.worker(limit=1)
    assert worker.stdout.readline() == "begun 0\n"
    os.kill(worker.pid, signal.SIGTERM)
    assert tasks.is_told_to_stop(worker)
    tasks.gate.touch()
    assert worker.wait(timeout=60) == 0
    tasks.gate.unlink()
    assert [tasks.state(run) for run in runs] == ["COMPLETED", "SCHEDULED"]
    impatient = tasks.worker(limit=1)
    assert impatient.stdout.readline() == "begun 1\n"
    os.kill(impatient.pid, signal.SIGINT)
    assert tasks.is_told_to_stop(impatient)
    os.kill(impatient.pid, signal.SIGINT)
    assert impatient.wait(timeout=60) == 128 + signal.SIGINT
    assert tasks.state(runs[1]) == "SCHEDULED"
    tasks.gate.touch()
    tasks.worker()
    tasks.wait_for(runs)
    tasks.check(runs)


EMBEDDED = """
    os.environ["PREFECT_SERVER_TASKS_SCHEDULING_PENDING_TASK_TIMEOUT"] = "1"
    from prefect.task_worker import serve

    @task
    def step(number):
        note(f"begun {number}")
        while not os.path.exists("gate"):
            time.sleep(0.05)
        note(f"ended {number}")
"""


def test_without_a_server_the_queue_is_in_the_file_that_all_processes_share(victim: Victim) -> None:
    code, output = victim.run(EMBEDDED + "\n    for number in range(3): step.delay(number)")
    assert code == 0, output
    first = victim.start(EMBEDDED + "\n    serve(step, limit=1)", "first.py")
    victim.wait_for_note("begun 0")
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    (victim.folder / "gate").touch()
    second = victim.start(EMBEDDED + "\n    serve(step, limit=3)", "second.py")
    for number in range(3):
        victim.wait_for_note(f"ended {number}")
    os.kill(second.pid, signal.SIGTERM)
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 0, output
    assert victim.states()["task"] == ["Completed"] * 3
    assert victim.rows("select run_count from task_run order by id") == [(2,), (1,), (1,)]
    victim.check_invariants()
