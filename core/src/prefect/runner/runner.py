"""The runner: a process that serves deployments, and executes each of their runs in a process of its own."""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, TypedDict, Union
from uuid import UUID

import anyio
import anyio.abc

from prefect._contract.endpoints.deployments import pause_deployment, resume_deployment
from prefect._contract.endpoints.flow_runs import read_flow_run, set_flow_run_state
from prefect.bundles.places import FLOW_BUNDLE, keep_bundle
from prefect.client.base import ask, current_transport
from prefect.logging.loggers import get_logger
from prefect.runner.forkserver import forking
from prefect.runner.server import guest_of
from prefect.runner.serving import HowToExecute, Serving
from prefect.runner.supervision import Supervision, reported
from prefect.states import Cancelling
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.annotations import NotSet
from prefect.utilities.dual import Run, Steps, asynchronous, dual

if TYPE_CHECKING:
    from anyio.abc import TaskStatus
    from typing_extensions import Self

    from prefect._contract.objects import FlowRun
    from prefect._contract.state import State
    from prefect.bundles import SerializedBundle
    from prefect.deployments.runner import RunnerDeployment
    from prefect.flows import Flow
    from prefect.runner.storage import RunnerStorage

__all__ = ["ProcessMapEntry", "Runner"]

_logger = get_logger("runner")


class ProcessMapEntry(TypedDict):
    """A flow run under way, and the number of the process that executes it."""

    flow_run: FlowRun
    pid: int


class Runner:
    """
    Serves deployments: takes their runs, and executes each in a process of its own on this machine.

        runner = Runner(name="my-runner")
        runner.add_flow(my_flow, cron="0 9 * * *")
        asyncio.run(runner.start())

    Its processes do not outlive it: they notice when it is gone, however that came.

    Args:
        name: What it is called; a made up name by default.
        query_seconds: Seconds between two looks for runs; PREFECT_RUNNER_POLL_FREQUENCY by default. Where the orchestrator
            tells of new runs, these are noticed at once.
        prefetch_seconds: How many seconds before its time a run is taken.
        heartbeat_seconds: Seconds between two events `prefect.flow-run.heartbeat` of each run under way, for automations that
            wait for them; PREFECT_FLOWS_HEARTBEAT_FREQUENCY by default. The orchestrator itself knows by leases that a run
            is under way.
        limit: How many runs are executed at once; PREFECT_RUNNER_PROCESS_LIMIT by default, any number if None.
        pause_on_shutdown: Whether deployments are paused when the runner stops, and go on when they are served again. One
            that somebody has paused stays so.
        webserver: Whether it answers requests about its health.

    Raises:
        ValueError: The limit is less than one, or the heartbeat is not positive.
    """

    def __init__(
        self,
        name: Optional[str] = None,
        query_seconds: Optional[float] = None,
        prefetch_seconds: float = 10,
        heartbeat_seconds: Optional[float] = None,
        limit: int | type[NotSet] | None = NotSet,
        pause_on_shutdown: bool = True,
        webserver: bool = False,
    ) -> None:
        from prefect.settings import get_current_settings
        from prefect.utilities.names import generate_slug

        settings = get_current_settings().runner
        self.name = Path(name).stem if name is not None else f"runner-{generate_slug(2)}"
        self.query_seconds = query_seconds or settings.poll_frequency
        if heartbeat_seconds is not None and heartbeat_seconds <= 0:
            raise ValueError(f"The seconds between two heartbeats must be positive, not {heartbeat_seconds}.")
        frequency = get_current_settings().flows.heartbeat_frequency
        self.heartbeat_seconds = frequency if heartbeat_seconds is None else heartbeat_seconds
        self.limit: int | None = settings.process_limit if limit is NotSet else limit  # type: ignore[assignment]
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"The limit of a runner must be at least 1, or None for no limit, not {self.limit}.")
        self.pause_on_shutdown = pause_on_shutdown
        self.webserver = webserver
        self._prefetch = timedelta(seconds=prefetch_seconds)
        self._serving = Serving(current_transport())
        self._supervision: Supervision | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._folder = Path(tempfile.gettempdir(), f"prefect-{self.name}-{os.getpid()}")

    # -- what it serves

    @dual
    def add_deployment(self, deployment: RunnerDeployment) -> Steps[UUID]:
        """
        Register a deployment, and serve it from now on.

        Args:
            deployment: The deployment.

        Returns:
            Its id.
        """
        deployment_id: UUID = yield from deployment._apply_steps()
        if deployment.storage is not None:
            deployment.storage.set_base_path(self._folder)
        if self.pause_on_shutdown and not deployment.paused:
            yield from ask(resume_deployment(deployment_id, if_until_served=True))
        self._serving.deployments[deployment_id] = deployment.storage
        return deployment_id

    aadd_deployment = asynchronous(add_deployment)

    @dual
    def add_flow(
        self,
        flow: Flow[Any, Any],
        name: Optional[str] = None,
        interval: Optional[Union[Iterable[Union[int, float, timedelta]], int, float, timedelta]] = None,
        cron: Optional[Union[Iterable[str], str]] = None,
        rrule: Optional[Union[Iterable[str], str]] = None,
        paused: Optional[bool] = None,
        schedule: Any = None,
        schedules: Any = None,
        concurrency_limit: Any = None,
        parameters: Optional[dict[str, Any]] = None,
        triggers: Optional[list[Any]] = None,
        description: Optional[str] = None,
        tags: Optional[list[str]] = None,
        version: Optional[str] = None,
        enforce_parameter_schema: bool = True,
        entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
    ) -> Steps[UUID]:
        """
        Make a deployment of a flow, and serve it from now on.

        Args:
            flow: The flow.
            name: The name of the deployment; that of the runner by default.
            interval: Seconds between two runs, or a timedelta; several schedules as a list.
            cron: When to run, in the words of cron.
            rrule: When to run, as a recurrence rule of iCalendar.
            paused: Whether no runs are scheduled for now.
            schedule: When to run, as a `prefect.schedules.Schedule`.
            schedules: Several of these.
            concurrency_limit: How many runs may be under way at once: a number or a `ConcurrencyLimitConfig`.
            parameters: What the flow is called with unless a run says otherwise.
            triggers: Start runs when events occur.
            description: Describes the deployment; the flow's by default.
            tags: Tags of the deployment and its runs.
            version: The version of the deployment; the flow's by default.
            enforce_parameter_schema: Whether runs whose parameters do not fit the flow are refused.
            entrypoint_type: Whether the flow is found by its file or its module.

        Returns:
            The id of the deployment.
        """
        given = {option: value for option, value in locals().items() if option not in {"self", "flow", "name"}}
        deployment: RunnerDeployment = flow.to_deployment(name or self.name, **given)
        deployment_id: UUID = yield from self.add_deployment.steps(deployment)
        return deployment_id

    aadd_flow = asynchronous(add_flow)

    # -- its life

    @property
    def started(self) -> bool:
        """Whether it can execute runs."""
        return self._supervision is not None

    @property
    def last_polled(self) -> datetime | None:
        """When it looked for runs the last time."""
        return None if self._supervision is None else self._supervision.last_looked

    @property
    def processes(self) -> list[ProcessMapEntry]:
        """The runs under way."""
        if self._supervision is None:
            return []
        runs = {run_id: run for run_id, (run, _) in self._supervision.under_way.items()}
        found = list(self._serving.processes.items())
        return [{"flow_run": runs[run_id], "pid": process.pid} for run_id, process in found if run_id in runs]

    async def __aenter__(self) -> Self:
        """Begin to be able to execute runs."""
        if self._supervision is not None:
            raise RuntimeError("The runner is started already.")
        self._loop = asyncio.get_running_loop()
        self._supervision = Supervision(
            self._serving,
            current_transport(),
            limit=self.limit,
            query_seconds=self.query_seconds,
            heartbeat_seconds=self.heartbeat_seconds,
            say=_logger.info,
            name=self.name,
        )
        await self._supervision.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End what is under way."""
        try:
            await self._supervised.close()
        finally:
            self._supervision = None
            shutil.rmtree(self._folder, ignore_errors=True)

    async def start(self, run_once: bool = False, webserver: Optional[bool] = None) -> None:
        """
        Execute the runs of the deployments that are served, until a signal says to stop.

        Runs under way may then end within half a minute. A second signal ends them at once.

        Args:
            run_once: Look once, wait for the runs that were taken, and return.
            webserver: Whether to answer requests about the runner's health; by default as the runner was made, or
                PREFECT_RUNNER_SERVER_ENABLE.

        Raises:
            OSError: The port for these requests is taken.
        """
        from prefect.logging.configuration import ensure_logging_setup
        from prefect.settings import get_current_settings

        ensure_logging_setup()
        asked = self.webserver or get_current_settings().runner.server.enable if webserver is None else webserver
        guest = guest_of(self) if asked else None
        async with forking(unless=run_once) as self._serving.forks, self, anyio.create_task_group() as beside:
            for storage in {id(each): each for each in self._serving.deployments.values() if each is not None}.values():
                await storage.pull_code()
                if storage.pull_interval:
                    beside.start_soon(_pull_again, storage, storage.pull_interval)
            if guest is not None:
                beside.start_soon(guest)
            failure = await self._supervised.work(self._prefetch, run_once=run_once)
            beside.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if self.pause_on_shutdown and not run_once:
            await self._pause_deployments()

    @property
    def _supervised(self) -> Supervision:
        if self._supervision is None:
            raise RuntimeError("The runner is not started: use `await runner.start()`, or `async with runner`.")
        return self._supervision

    async def _pause_deployments(self) -> None:
        """Nobody would execute what is scheduled from now on."""
        for deployment_id in self._serving.deployments:
            with reported(f"Deployment {deployment_id} cannot be paused"):
                await current_transport().asend(pause_deployment(deployment_id, until_served=True))

    @dual
    def stop(self) -> Steps[None]:
        """
        Stop the runner; runs under way may end within half a minute. May be called from any thread.

        Raises:
            RuntimeError: It is not started.
        """
        yield Run(self.handle_sigterm)

    astop = asynchronous(stop)

    def handle_sigterm(self, *args: Any, **kwargs: Any) -> None:
        """
        Stop the runner: a handler of signals.

        Raises:
            RuntimeError: It is not started.
        """
        self._in_its_loop(self._supervised.stop)

    def _in_its_loop(self, function: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(function)

    async def cancel_all(self) -> None:
        """Cancel all runs under way."""
        for run, _ in list(self._supervised.under_way.values()):
            cancelling: State[Any] = Cancelling(message="The runner was told to cancel its runs.")
            with reported(f"Flow run {run.id} cannot be cancelled"):
                await current_transport().asend(set_flow_run_state(run.id, cancelling))
        self._supervised.stir()

    def reschedule_current_flow_runs(self) -> None:
        """End all runs under way, and let them be executed elsewhere. The runner takes no more runs."""
        self._supervised.reschedules = True
        for process in list(self._serving.processes.values()):
            process.reschedule()
        self._in_its_loop(self._supervised.stop)

    def has_slots_available(self) -> bool:
        """Whether another run could be executed now."""
        return self._supervised.limiter.available_tokens >= 1

    def execute_in_background(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """
        Call a function, of either colour, in the event loop of the runner, from another thread.

        Returns:
            A future of its answer.
        """
        if self._loop is None:
            raise RuntimeError("The runner is not started: use `await runner.start()`, or `async with runner`.")

        async def call() -> Any:
            answer = func(*args, **kwargs)
            return await answer if inspect.isawaitable(answer) else answer

        return asyncio.run_coroutine_threadsafe(call(), self._loop)

    # -- single runs

    async def execute_flow_run(
        self,
        flow_run_id: UUID,
        entrypoint: str | None = None,
        command: str | None = None,
        cwd: Path | str | None = None,
        env: dict[str, str | None] | None = None,
        task_status: TaskStatus[int] = anyio.TASK_STATUS_IGNORED,
        stream_output: bool = True,
    ) -> anyio.abc.Process | None:
        """
        Execute one flow run in a process, and wait until that has ended.

        Args:
            flow_run_id: The run.
            entrypoint: Where its flow is; as its deployment says by default.
            command: What executes it; `python -m prefect.engine` by default.
            cwd: The directory in which the process begins; that of this process by default.
            env: Environment variables for the process; None removes one.
            task_status: Told the number of the process.
            stream_output: Whether what it prints is shown here.

        Returns:
            The process; None if it could not be started, or if somebody else has taken the run.
        """
        if self._supervision is None:
            async with self:
                return await self.execute_flow_run(
                    flow_run_id, entrypoint, command, cwd, env, task_status, stream_output
                )
        run = await current_transport().asend(read_flow_run(flow_run_id))
        if run.state is not None and run.state.is_pending():
            self._supervised.claims.inherit(flow_run_id)
        elif not await self._supervised.claims.take(flow_run_id):
            return None
        variables = dict(env or {}) | ({} if entrypoint is None else {"PREFECT__FLOW_ENTRYPOINT": entrypoint})
        self._serving.particular[run.id] = HowToExecute(command, cwd, variables, stream_output, task_status)
        try:
            await self._supervised.execute(run)
            return self._serving.ended.pop(run.id, None)
        finally:
            del self._serving.particular[run.id]

    async def execute_bundle(
        self, bundle: SerializedBundle, cwd: Path | str | None = None, env: dict[str, str | None] | None = None
    ) -> None:
        """
        Execute the flow run of a bundle in a process, and wait until that has ended.

        Args:
            bundle: The bundle. The files that go with it are where the process begins already.
            cwd: The directory in which the process begins; that of this process by default.
            env: Environment variables for the process; None removes one.

        Raises:
            ValueError: It is no bundle.
        """
        try:
            flow_run_id = UUID(bundle["flow_run"]["id"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"This is no bundle of a flow run: {type(error).__name__}: {error}.") from error
        with tempfile.TemporaryDirectory(prefix="prefect-bundle-") as folder:
            place = str(keep_bundle(bundle, Path(folder)))
            await self.execute_flow_run(flow_run_id, cwd=cwd, env={**(env or {}), FLOW_BUNDLE: place})


async def _pull_again(storage: RunnerStorage, seconds: float) -> None:
    """Fetch code again and again, as it may change."""
    while True:
        await anyio.sleep(seconds)
        try:
            await storage.pull_code()
        except Exception:
            _logger.exception("The code in %s could not be fetched again.", storage.destination)
