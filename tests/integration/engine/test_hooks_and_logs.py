"""State hooks, printed and logged lines, and where they can be read afterwards."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from prefect import flow, get_run_logger, task


def test_hooks_are_called_with_what_they_belong_to(records: Any) -> None:
    calls: list[tuple[str, str, str]] = []

    def note(where: str, owner: Any, run: Any, state: Any) -> None:
        calls.append((where, owner.name, state.name))

    @task(on_running=[partial(note, "running")], on_completion=[partial(note, "done")])
    def good() -> None: ...

    @task(on_failure=[partial(note, "failed")])
    def bad() -> None:
        raise ValueError("no")

    @flow(name="f", on_running=[partial(note, "running")], on_failure=[partial(note, "failed")])
    def f() -> None:
        good()
        bad()

    with pytest.raises(ValueError, match="no"):
        f()
    assert calls == [
        ("running", "f", "Running"),
        ("running", "good", "Running"),
        ("done", "good", "Completed"),
        ("failed", "bad", "Failed"),
        ("failed", "f", "Failed"),
    ]


def test_hooks_by_decorator_and_async_hooks() -> None:
    calls = []

    @flow
    def f() -> None: ...

    @f.on_completion
    def sync_hook(flow: Any, run: Any, state: Any) -> None:
        calls.append("sync")

    @f.on_completion
    async def async_hook(flow: Any, run: Any, state: Any) -> None:
        calls.append("async")

    @f.on_running
    def begin(flow: Any, run: Any, state: Any) -> None:
        calls.append("running")

    f()
    assert calls == ["running", "sync", "async"]


def test_hooks_run_once_per_attempt_and_not_for_retried_failures() -> None:
    calls = []

    @task(
        retries=1,
        retry_delay_seconds=0,
        on_running=[lambda *_: calls.append("running")],
        on_failure=[lambda *_: calls.append("failed")],
    )
    def fails() -> None:
        raise ValueError("no")

    @flow
    def f() -> None:
        fails(return_state=True)

    f()
    assert calls == ["running", "running", "failed"]


def test_a_failing_hook_is_logged_and_harms_nothing(records: Any) -> None:
    def broken(flow: Any, run: Any, state: Any) -> None:
        raise RuntimeError("hook is broken")

    @flow(on_completion=[broken])
    def f() -> int:
        return 1

    assert f() == 1
    assert records.flow_runs()[0].state_name == "Completed"
    assert any("An error was encountered while running hook 'broken'" in line for line in records.logs())


@pytest.mark.parametrize("hooks", [1, [1], "name"])
def test_hooks_that_cannot_be_called_are_refused(hooks: Any) -> None:
    with pytest.raises(TypeError, match="on_failure"):
        task(on_failure=hooks)(lambda: None)


def test_logs_are_kept_with_their_run(records: Any) -> None:
    @task
    def t() -> None:
        get_run_logger().warning("from the task")

    @flow
    def f() -> None:
        get_run_logger().info("from the flow")
        t()
        t.submit().wait()

    f()
    from prefect._contract.endpoints.logs import read_logs
    from prefect.client.base import current_transport

    lines = current_transport().send(read_logs())
    [flow_run] = records.flow_runs()
    ours = [line for line in lines if line.message.startswith("from")]
    assert {line.flow_run_id for line in ours} == {flow_run.id}
    assert sum(line.task_run_id is not None for line in ours) == 2
    assert next(line for line in ours if "task" in line.message).level == 30


def test_prints_are_logged_when_asked_for(records: Any, capsys: Any) -> None:
    @task
    def inherits() -> None:
        print("inherited")

    @task(log_prints=False)
    def refuses() -> None:
        print("not logged")

    @flow(log_prints=True)
    def f() -> None:
        print("printed", 1, sep="-")
        inherits()
        refuses()

    f()
    lines = records.logs()
    assert "printed-1" in lines
    assert "inherited" in lines
    assert "not logged" not in lines
    assert "not logged" in capsys.readouterr().out


def test_get_run_logger_outside_of_runs_says_so() -> None:
    from prefect.exceptions import MissingContextError

    with pytest.raises(MissingContextError):
        get_run_logger()


def test_logged_tracebacks_show_the_users_frames_only(records: Any) -> None:
    @task
    def bad() -> None:
        raise ValueError("no")

    @flow
    def f() -> None:
        bad.submit().result()

    f(return_state=True)
    [text] = [line for line in records.logs() if line.startswith("Encountered an exception")]
    assert "bad.submit().result()" in text
    assert 'raise ValueError("no")' in text
    assert "_engine" not in text
