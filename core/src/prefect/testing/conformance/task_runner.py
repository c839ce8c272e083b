"""What every task runner must be able to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from prefect.client.orchestration import get_client
from prefect.context import get_run_context
from prefect.flows import flow
from prefect.futures import wait
from prefect.logging import get_run_logger
from prefect.task_runners import TaskRunner
from prefect.tasks import task
from prefect.testing.utilities import prefect_test_harness
from prefect.utilities.annotations import unmapped

__all__ = ["TaskRunnerContract"]

# On the module: they are sent to other processes by their names.


@task
def add(number: int, other: int = 1) -> int:
    """A sum."""
    get_run_logger().debug("adding")
    return number + other


@task
async def add_later(number: int, other: int = 1) -> int:
    """A sum, from async code."""
    return number + other


@task
def fail(text: str) -> None:
    """Always fails."""
    raise ValueError(text)


@task
def flow_run_of_it() -> str:
    """The flow run that the task run belongs to."""
    context: Any = get_run_context()
    return str(context.task_run.flow_run_id)


@task(retries=1, retry_delay_seconds=0)
def fail_once() -> int:
    """Fails at the first attempt."""
    context: Any = get_run_context()
    if context.task_run.run_count == 1:
        raise ValueError("the first attempt")
    return int(context.task_run.run_count)


class TaskRunnerContract:
    """
    Subclass it, and give it the fixture `runner`: a runner that is not started.

    Attributes:
        many: How many tasks are mapped at once.
    """

    many: int = 200

    @pytest.fixture
    def runner(self) -> TaskRunner[Any]:
        """The task runner under test."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'runner'.")

    @pytest.fixture(autouse=True)
    def orchestrator(self) -> Iterator[None]:
        """A database of its own for each test."""
        with prefect_test_harness():
            yield

    def test_a_duplicate_is_equal_and_another(self, runner: TaskRunner[Any]) -> None:
        """Each flow run has a runner of its own."""
        again = runner.duplicate()
        assert again is not runner
        assert again == runner

    def test_it_wants_to_be_started(self, runner: TaskRunner[Any]) -> None:
        """Work for a runner that does not run is refused, not kept."""
        with pytest.raises(RuntimeError):
            runner.submit(add, {"number": 1})

    def test_submitted_tasks_have_results(self, runner: TaskRunner[Any]) -> None:
        """Sync and async tasks, and the state of each."""

        @flow(task_runner=runner)
        def sums() -> tuple[int, int, str]:
            first, second = add.submit(1), add_later.submit(2, other=5)
            wait([first, second])
            return first.result(), second.result(), first.state.name

        assert sums() == (2, 7, "Completed")

    def test_futures_are_parameters(self, runner: TaskRunner[Any]) -> None:
        """A task gets the result of a future, also from within a list, and waits for others."""

        @flow(task_runner=runner)
        def sums() -> int:
            first = add.submit(1)
            second = add.submit(first, wait_for=[first])
            third = add_later.submit(number=second, other=first)
            return int(third.result())

        assert sums() == 5

    def test_mapped_tasks_are_in_order(self, runner: TaskRunner[Any]) -> None:
        """As many as there are elements, with what is not mapped for each."""

        @flow(task_runner=runner)
        def sums() -> list[int]:
            results: list[int] = add.map(list(range(self.many)), other=unmapped(10)).result()
            return results

        assert sums() == [number + 10 for number in range(self.many)]

    def test_failures_are_results_too(self, runner: TaskRunner[Any]) -> None:
        """The error comes back with its type and text, and what depends on it does not run."""

        @flow(task_runner=runner)
        def failures() -> tuple[str, str]:
            failed = fail.submit("no tulips")
            after = add.submit(failed)
            wait([failed, after])
            with pytest.raises(ValueError, match="no tulips"):
                failed.result()
            assert isinstance(failed.result(raise_on_failure=False), ValueError)
            return failed.state.name, after.state.name

        assert failures() == ("Failed", "NotReady")

    def test_failed_tasks_are_retried(self, runner: TaskRunner[Any]) -> None:
        """Where they run."""

        @flow(task_runner=runner)
        def retried() -> int:
            return int(fail_once.submit().result())

        assert retried() == 2

    def test_tasks_know_their_flow_run(self, runner: TaskRunner[Any]) -> None:
        """The context goes where they run, and the orchestrator has them all."""

        @flow(task_runner=runner)
        def related() -> tuple[str, list[str]]:
            futures = [flow_run_of_it.submit() for _ in range(3)]
            context: Any = get_run_context()
            return str(context.flow_run.id), [future.result() for future in futures]

        flow_run_id, found = related()
        assert found == [flow_run_id] * 3
        runs = get_client(sync_client=True).read_task_runs()
        assert [run.state and run.state.name for run in runs] == ["Completed"] * 3
