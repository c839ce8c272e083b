"""What every worker must be able to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest

from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import DeploymentFlowRunCreate, FlowCreate
from prefect._contract.actions.settings import WorkPoolCreate
from prefect._contract.endpoints import deployments, flow_runs, flows, work_pools
from prefect._contract.state import State
from prefect.client.base import current_transport
from prefect.exceptions import InfrastructureNotAvailable, InfrastructureNotFound
from prefect.plugins.registries import workers
from prefect.settings.context import temporary_settings
from prefect.states import Cancelling
from prefect.testing.utilities import prefect_test_harness
from prefect.utilities.templating import find_placeholders
from prefect.workers.base import BaseWorker

__all__ = ["WorkerContract", "WorkerFailuresContract"]

CODE = """
import os
import time

from prefect import flow


@flow
def work(seconds: float = 0.0, exit_code: int = 0):
    if exit_code:
        os._exit(exit_code)
    time.sleep(seconds)
"""


class _WorkerSuite:
    """What the suites of workers have in common."""

    seconds: ClassVar[float] = 60

    @pytest.fixture
    def worker_class(self) -> type[BaseWorker[Any, Any, Any]]:
        """The class under test."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'worker_class'.")

    @pytest.fixture
    def job_variables(self) -> dict[str, Any]:
        """Job variables that its infrastructure needs."""
        return {}

    @pytest.fixture
    def orchestrator(self) -> Iterator[None]:
        """A database of its own for each test."""
        with prefect_test_harness(), temporary_settings({"PREFECT_WORKER_QUERY_SECONDS": 0.2}):
            yield

    @pytest.fixture
    def order(self, orchestrator: None, worker_class: Any, job_variables: Any, tmp_path: Path) -> Callable[..., Any]:
        """Asks for a flow run in a work pool of the worker's type."""
        send = current_transport().send
        template = worker_class.get_default_base_job_template()
        send(
            work_pools.create_work_pool(WorkPoolCreate(name="pool", type=worker_class.type, base_job_template=template))
        )
        (tmp_path / "code.py").write_text(CODE)

        def order(variables: dict[str, Any] | None = None, **parameters: Any) -> Any:
            flow = send(flows.create_flow(FlowCreate(name="work"))).id
            made = send(
                deployments.create_deployment(
                    DeploymentCreate(
                        name="d",
                        flow_id=flow,
                        work_pool_name="pool",
                        path=str(tmp_path),
                        entrypoint="code.py:work",
                        job_variables={**job_variables, **(variables or {})},
                    )
                )
            )
            asked = DeploymentFlowRunCreate(parameters=parameters)
            return send(deployments.create_flow_run_from_deployment(made.id, asked)).id

        return order

    @staticmethod
    async def _state(run: Any) -> State[Any]:
        state = (await current_transport().asend(flow_runs.read_flow_run(run))).state
        assert state is not None
        return state

    def look(self, worker_class: Any, run: Any) -> Any:
        """Let a worker look once for runs, and return a run as it is then."""

        async def look() -> None:
            with anyio.fail_after(self.seconds):
                await worker_class("pool").start(run_once=True, printer=lambda *_: None)

        anyio.run(look)
        return current_transport().send(flow_runs.read_flow_run(run))


class WorkerContract(_WorkerSuite):
    """
    Subclass it, and give it the fixture `worker_class`. The infrastructure must reach the orchestrator of the test and
    the folder with its flow; if it cannot, override `orchestrator`.

    Attributes:
        seconds: How long anything may take.
    """

    def test_its_type_is_registered(self, worker_class: Any) -> None:
        """Work pools say of which type they are."""
        assert workers.get(worker_class.type) is worker_class
        assert worker_class.get_description()

    def test_each_variable_is_used(self, worker_class: Any) -> None:
        """A job variable that changes nothing is a mistake, and so is a placeholder that nothing fills."""
        template = worker_class.get_default_base_job_template()
        used = {each.name for each in find_placeholders(template["job_configuration"])}
        assert used == set(template["variables"]["properties"])

    def test_it_works_with_its_defaults(self, worker_class: Any, orchestrator: None, job_variables: Any) -> None:
        """The template makes a configuration."""
        template = worker_class.get_default_base_job_template()
        made = anyio.run(worker_class.job_configuration.from_template_and_values, template, job_variables)
        assert isinstance(made, worker_class.job_configuration)

    def test_runs_are_executed(self, worker_class: Any, order: Any) -> None:
        """And it is known on which infrastructure."""
        run = self.look(worker_class, order())
        assert run.state.is_completed(), run.state
        assert run.infrastructure_pid

    def test_an_end_without_a_last_word_is_a_crash(self, worker_class: Any, order: Any) -> None:
        """The message has the exit code."""
        run = self.look(worker_class, order(exit_code=3))
        assert run.state.is_crashed(), run.state
        assert "3" in run.state.message

    def test_cancelled_runs_end(self, worker_class: Any, order: Any) -> None:
        """With their infrastructure, long before their time."""
        run = order(seconds=600)

        async def cancel() -> None:
            transport = current_transport()
            with anyio.fail_after(self.seconds):
                async with anyio.create_task_group() as group:
                    group.start_soon(worker_class("pool").start, True, False, lambda *_: None)
                    while not (await self._state(run)).is_running():  # noqa: ASYNC110 - that is in another process
                        await anyio.sleep(0.1)
                    await transport.asend(flow_runs.set_flow_run_state(run, Cancelling()))

        anyio.run(cancel)
        assert anyio.run(self._state, run).is_cancelled()

    def test_what_is_not_there_cannot_be_killed(self, worker_class: Any, order: Any, job_variables: Any) -> None:
        """And that is said with the error for it."""
        order()

        async def kill() -> None:
            template = worker_class.get_default_base_job_template()
            configuration = await worker_class.job_configuration.from_template_and_values(template, job_variables)
            async with worker_class("pool") as worker:
                await worker.sync_with_backend()
                with suppress(InfrastructureNotFound, InfrastructureNotAvailable):
                    await worker.kill_infrastructure("nothing-of-that-name:1", configuration)
                    pytest.fail("The end of something that never was is no success.")

        anyio.run(kill)


class WorkerFailuresContract(_WorkerSuite):
    """
    What becomes of runs when infrastructure fails. Subclass it with the fixtures `worker_class`, `broken_variables` and
    `transient_failures`: only who knows the infrastructure can make it fail.

    Attributes:
        seconds: How long anything may take.
    """

    @pytest.fixture
    def broken_variables(self) -> dict[str, Any]:
        """Job variables with which its infrastructure can never start."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'broken_variables'.")

    @pytest.fixture
    def transient_failures(self) -> Callable[[int], None]:
        """Called with a number: so many of the next attempts to start something fail, as if for a moment."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'transient_failures'.")

    def test_what_cannot_start_crashes_and_says_why(
        self, worker_class: Any, order: Any, broken_variables: dict[str, Any]
    ) -> None:
        """No run stays pending."""
        run = self.look(worker_class, order(broken_variables))
        assert run.state.is_crashed(), run.state
        assert run.state.message

    def test_what_fails_for_a_moment_is_tried_again(
        self, worker_class: Any, order: Any, transient_failures: Callable[[int], None]
    ) -> None:
        """One refused request is no crash."""
        run = order()
        transient_failures(1)
        assert self.look(worker_class, run).state.is_completed()

    def test_what_keeps_failing_crashes(
        self, worker_class: Any, order: Any, transient_failures: Callable[[int], None]
    ) -> None:
        """It is not tried for ever."""
        run = order()
        transient_failures(1000)
        assert self.look(worker_class, run).state.is_crashed()
