"""However a process ends, its runs end in the right state, with their hooks where these can run, and nothing is lost."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

pytestmark = pytest.mark.faults

STORED = "get_client(sync_client=True).read_task_runs()"
"""Waits until what was recorded of runs is stored, as any reading of runs does."""

HOOKED = """
    def crashed(flow, run, state):
        note(f"hook {state.name}")

    @task
    def step():
        note("in task")
        %s

    @flow(on_crashed=[crashed], on_failure=[crashed], on_cancellation=[crashed])
    def f():
        step()

    if __name__ == "__main__":
        f()
"""


@pytest.mark.parametrize(
    ("number", "message"),
    [(signal.SIGINT, "interrupt signal"), (signal.SIGTERM, "termination signal")],
    ids=["ctrl-c", "sigterm"],
)
def test_signals_crash_the_run_and_its_task(victim: Any, number: int, message: str) -> None:
    process = victim.start(HOOKED % "time.sleep(30)")
    victim.wait_for_note("in task")
    process.send_signal(number)
    process.communicate(timeout=28)
    assert process.returncode in (-number, 130)
    assert victim.states() == {"flow": ["Crashed"], "task": ["Crashed"]}
    assert "hook Crashed" in victim.notes()
    [(text,)] = victim.rows("select message from flow_run_state where type = 'CRASHED'")
    assert message in text
    victim.check_invariants()


def test_sys_exit_crashes_the_run_and_keeps_its_code(victim: Any) -> None:
    code, _ = victim.run(HOOKED % "sys.exit(3)")
    assert code == 3
    assert victim.states() == {"flow": ["Crashed"], "task": ["Crashed"]}
    assert "hook Crashed" in victim.notes()
    victim.check_invariants()


@pytest.mark.parametrize("end", ["os._exit(9)", "os.kill(os.getpid(), signal.SIGKILL)"], ids=["os._exit", "kill -9"])
def test_a_process_that_is_gone_is_noticed_by_the_next_one(victim: Any, end: str, repetition: int) -> None:
    victim.run(HOOKED % f"{STORED}; {end}")
    assert victim.states()["flow"] == ["Running"]
    code, output = victim.run(
        """
        @flow
        def other():
            note("other ran")
        if __name__ == "__main__":
            other()
        """
    )
    assert code == 0, output
    assert victim.states() == {"flow": ["Crashed", "Completed"], "task": ["Crashed"]}
    [(text,)] = victim.rows("select message from flow_run_state where type = 'CRASHED'")
    assert "process" in text.lower()
    victim.check_invariants()


def test_a_living_process_is_never_taken_for_dead(victim: Any) -> None:
    process = victim.start(
        """
        @flow
        def slow():
            note("begun")
            while not os.path.exists("go"):
                time.sleep(0.05)
        if __name__ == "__main__":
            slow()
        """
    )
    victim.wait_for_note("begun")
    for _ in range(3):
        victim.run("@flow\ndef other(): ...\nif __name__ == '__main__':\n    other()\n")
    (victim.folder / "go").touch()
    process.communicate(timeout=60)
    assert victim.states()["flow"] == ["Completed"] * 4
    victim.check_invariants()


def test_a_stopped_process_is_not_taken_for_dead(victim: Any) -> None:
    process = victim.start(
        """
        @flow
        def slow():
            note("begun")
            time.sleep(0.5)
        if __name__ == "__main__":
            slow()
        """
    )
    victim.wait_for_note("begun")
    process.send_signal(signal.SIGSTOP)
    victim.run("@flow\ndef other(): ...\nif __name__ == '__main__':\n    other()\n")
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)
    assert victim.states()["flow"] == ["Completed", "Completed"]


def test_ctrl_c_with_a_thread_pool_in_flight(victim: Any) -> None:
    process = victim.start(
        """
        @task
        def spin(i):
            note(f"spin {i}")
            while True:
                time.sleep(0.01)

        @flow
        def f():
            spin.map(range(4)).wait()

        if __name__ == "__main__":
            f()
        """
    )
    for i in range(4):
        victim.wait_for_note(f"spin {i}")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert victim.states() == {"flow": ["Crashed"], "task": ["Crashed"] * 4}
    victim.check_invariants()


def test_an_exception_in_a_finalizer_is_only_reported(victim: Any) -> None:
    victim.env["PYTHONWARNINGS"] = "default"
    code, output = victim.run(
        """
        class Bad:
            def __del__(self):
                raise RuntimeError("in finalizer")

        @task
        def make():
            Bad()
            return 1

        @flow
        def f():
            return make()

        if __name__ == "__main__":
            assert f() == 1
        """
    )
    assert code == 0, output
    assert "in finalizer" in output
    assert victim.states() == {"flow": ["Completed"], "task": ["Completed"]}


def test_a_fork_does_not_write_the_parents_run(victim: Any) -> None:
    code, output = victim.run(
        """
        @task
        def step(i):
            return i

        @flow
        def f():
            step(1)
            pid = os.fork()
            if pid == 0:
                step(2)      # a run of its own, in the child
                return "child"
            _, status = os.waitpid(pid, 0)
            note(f"child ended {status}")
            step(3)
            return "parent"

        if __name__ == "__main__":
            note(f())
        """
    )
    assert code == 0, output
    assert victim.notes() == ["child", "child ended 0", "parent"]
    assert victim.states() == {"flow": ["Completed"], "task": ["Completed"] * 3}
    [(count,)] = victim.rows("select count(*) from flow_run_state where type = 'COMPLETED'")
    assert count == 1
    victim.check_invariants()


def test_logs_and_states_written_just_before_a_normal_end_are_kept(victim: Any) -> None:
    code, output = victim.run(
        """
        @task
        def t(i): ...

        @flow
        def f():
            for i in range(2_000):
                get_run_logger().info("line %s", i)
            for i in range(300):
                t(i)
        if __name__ == "__main__":
            import logging
            f()
        """
    )
    assert code == 0, output
    assert victim.rows("select count(*) from log where message like 'line %'") == [(2_000,)]
    assert victim.rows("select count(*) from task_run where state_type = 'COMPLETED'") == [(300,)]


def test_cancelling_ends_a_sleeping_flow_and_calls_its_hook(victim: Any) -> None:
    process = victim.start(HOOKED % "time.sleep(60)")
    victim.wait_for_note("in task")
    [(run,)] = victim.rows("select id from flow_run")
    victim.cli("flow-run", "cancel", run)
    process.communicate(timeout=20)
    assert victim.states()["flow"] == ["Cancelled"]
    assert "hook Cancelled" in victim.notes()
    victim.check_invariants()


@pytest.mark.slow
def test_cancelling_ends_code_that_lets_no_other_thread_go_on(victim: Any) -> None:
    process = victim.start(HOOKED % f"{STORED}; note('stored'); sum(range(10**13))")
    victim.wait_for_note("stored")
    [(run,)] = victim.rows("select id from flow_run")
    assert "did not answer for 12 seconds, and was killed" in victim.cli("flow-run", "cancel", run)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert victim.states() == {"flow": ["Cancelled"], "task": ["Cancelled"]}
    victim.check_invariants()


def test_a_crashed_run_is_resumed_without_repeating_what_was_stored(victim: Any) -> None:
    script = """
        @task(persist_result=True)
        def step(i):
            note(f"step {i}")
            if i == 2 and not os.path.exists("resumed"):
                os._exit(1)
            return i

        @flow
        def f(n: int = 4):
            return [step(i) for i in range(n)]

        if __name__ == "__main__":
            f()
    """
    victim.run(script)
    (victim.folder / "resumed").touch()
    [(run,)] = victim.rows("select id from flow_run")
    victim.cli("flow-run", "retry", run)
    assert victim.notes() == ["step 0", "step 1", "step 2", "step 2", "step 3"]
    assert victim.states()["flow"] == ["Completed"]
    victim.check_invariants()


def test_the_child_of_a_fork_that_exits_hard_leaves_the_parent_alone(victim: Any) -> None:
    code, output = victim.run(
        """
        @flow
        def f():
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            return 1
        if __name__ == "__main__":
            f()
        """
    )
    assert code == 0, output
    assert victim.states()["flow"] == ["Completed"]
    assert os.path.exists(victim.home / "prefect.db")


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_cancelled_flow_raises_cancelled_run_to_its_caller(victim: Any, colour: str) -> None:
    begin, wait, call = {
        "sync": ("def", "time.sleep(60)", "f()"),
        "async": ("async def", "await asyncio.sleep(60)", "asyncio.run(f())"),
    }[colour]
    process = victim.start(
        f"""
        import asyncio
        from prefect.exceptions import CancelledRun

        @flow
        {begin} f():
            note("in flow")
            {wait}

        if __name__ == "__main__":
            try:
                {call}
            except CancelledRun as error:
                note(f"CancelledRun: {{error}}")
        """
    )
    victim.wait_for_note("in flow")
    [(run,)] = victim.rows("select id from flow_run")
    victim.cli("flow-run", "cancel", run)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert victim.notes()[-1].startswith("CancelledRun:")
    assert victim.states()["flow"] == ["Cancelled"]
    victim.check_invariants()
