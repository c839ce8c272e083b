"""What all workers have in common: they take runs from a work pool, and see them to their ends."""

from __future__ import annotations

import builtins
import logging
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID, uuid4

import anyio
import anyio.abc
from pydantic import BaseModel

from prefect._contract.base import evolve
from prefect.exceptions import ConfigurationError, ObjectNotFound, PrefectHTTPStatusError, ServerUnreachableError
from prefect.states import Cancelled, Crashed, Pending
from prefect.utilities.dispatch import get_registry_for_type, register_base_type
from prefect.utilities.slugify import slugify
from prefect.utilities.time import now
from prefect.workers._configuration import BaseJobConfiguration, BaseVariables

if TYPE_CHECKING:
    from anyio.abc import TaskStatus
    from typing_extensions import Self

    from prefect._contract.objects import FlowRun
    from prefect._contract.state import State
    from prefect._contract.work_pools import WorkPool
    from prefect.client.orchestration import PrefectClient

__all__ = ["BaseJobConfiguration", "BaseVariables", "BaseWorker", "BaseWorkerResult"]

C = TypeVar("C", bound=BaseJobConfiguration)
V = TypeVar("V", bound=BaseVariables)
R = TypeVar("R", bound="BaseWorkerResult")

GRACE_SECONDS = 30.0
"""How long runs under way may take after the worker was told to stop, before they are ended."""

_UNPOLLED_INTERVALS = 30
"""A worker that has not asked for runs for so many intervals does not do its work."""

_logger = logging.getLogger("prefect.workers")


class BaseWorkerResult(BaseModel, ABC):
    """
    How the infrastructure of a flow run has ended.

    Args:
        identifier: Names the infrastructure.
        status_code: Its exit code; 0 if it ended well.
    """

    identifier: str
    status_code: int

    def __bool__(self) -> bool:
        """Whether it ended well."""
        return self.status_code == 0


@register_base_type
class BaseWorker(ABC, Generic[C, V, R]):
    """
    Takes runs from a work pool, and has each of them executed on some infrastructure.

    A run is taken by making it Pending: of several workers one is allowed to. The process that executes it reports for
    itself from then on; the worker only speaks for runs that ended without a last word.

    Subclasses say their `type` and implement `run`.

    Args:
        work_pool_name: The work pool.
        work_queues: The queues to take runs from; all of the pool if None.
        name: What the worker is called; made up by default.
        prefetch_seconds: How many seconds before its time a run is taken; PREFECT_WORKER_PREFETCH_SECONDS by default.
        create_pool_if_not_found: Whether a work pool that does not exist is made.
        limit: How many runs are executed at once; any number if None.
        heartbeat_interval_seconds: Seconds between two signs of life; PREFECT_WORKER_HEARTBEAT_SECONDS by default.
        base_job_template: The template of a work pool that is made; that of the worker's type by default.
    """

    type: ClassVar[str]
    """The type of the work pools that it serves."""

    job_configuration: ClassVar[builtins.type[BaseJobConfiguration]] = BaseJobConfiguration
    job_configuration_variables: ClassVar[builtins.type[BaseVariables] | None] = None

    _documentation_url: ClassVar[str] = ""
    _logo_url: ClassVar[str] = ""
    _description: ClassVar[str] = ""

    def __init__(
        self,
        work_pool_name: str,
        work_queues: list[str] | None = None,
        name: str | None = None,
        prefetch_seconds: float | None = None,
        create_pool_if_not_found: bool = True,
        limit: int | None = None,
        heartbeat_interval_seconds: int | None = None,
        *,
        base_job_template: dict[str, Any] | None = None,
    ) -> None:
        from prefect.settings import get_current_settings

        if name is not None and ("/" in name or "%" in name):
            raise ValueError(f"The worker's name {name!r} must not hold '/' or '%'.")
        settings = get_current_settings().worker
        self.name = name or f"{type(self).__name__} {uuid4()}"
        self.work_queues = set(work_queues or ())
        self.limit = limit
        self._pool_name = work_pool_name
        self._prefetch = timedelta(seconds=settings.prefetch_seconds if prefetch_seconds is None else prefetch_seconds)
        self._makes_pool = create_pool_if_not_found
        self._template = base_job_template
        self._query_seconds = settings.query_seconds
        self._heartbeat_seconds = heartbeat_interval_seconds or settings.heartbeat_seconds
        self._work_pool: WorkPool | None = None
        self._client: PrefectClient | None = None
        self._limiter: anyio.CapacityLimiter | None = None
        self._group: anyio.abc.TaskGroup | None = None
        self._under_way: dict[UUID, anyio.CancelScope] = {}
        self._stirred = anyio.Event()
        self._failure: Exception | None = None
        self._told_to_stop = False
        self._last_polled: datetime | None = None
        self._say: Callable[[str], None] = _logger.info

    @classmethod
    def __dispatch_key__(cls) -> str | None:
        return getattr(cls, "type", None) if cls.__name__ != "BaseWorker" else None

    # -- about the type

    @classmethod
    def get_documentation_url(cls) -> str:
        """Where its documentation is."""
        return cls._documentation_url

    @classmethod
    def get_logo_url(cls) -> str:
        """Where its logo is."""
        return cls._logo_url

    @classmethod
    def get_description(cls) -> str:
        """What it does, for people."""
        return cls._description

    @classmethod
    def get_default_base_job_template(cls) -> dict[str, Any]:
        """The template of work pools of its type, unless somebody makes another."""
        if cls.job_configuration_variables is not None:
            variables = cls.job_configuration_variables.model_json_schema()
        else:
            schema = cls.job_configuration.model_json_schema(ref_template="#/definitions/{model}")
            variables = {name: part for name, part in schema.items() if name in {"properties", "required", "type"}}
            if "$defs" in schema:
                variables["definitions"] = schema["$defs"]
            for about in variables.get("properties", {}).values():
                about.pop("template", None)
        return {"job_configuration": cls.job_configuration.json_template(), "variables": variables}

    @staticmethod
    def get_worker_class_from_type(type: str) -> builtins.type[BaseWorker[Any, Any, Any]] | None:
        """The class of workers of a type; None if none is installed."""
        from prefect.plugins import registries
        from prefect.plugins.errors import UnknownNameError

        try:
            return registries.workers.get(type)
        except UnknownNameError:
            return None

    @staticmethod
    def get_all_available_worker_types() -> list[str]:
        """The types that are installed here."""
        from prefect.plugins import registries

        return sorted({*registries.workers.names(), *(get_registry_for_type(BaseWorker) or ())})

    def get_name_slug(self) -> str:
        """Its name, as part of other names."""
        return slugify(self.name)

    # -- what it works with

    @property
    def client(self) -> PrefectClient:
        """Asks the orchestrator, as long as the worker is set up."""
        if self._client is None:
            raise RuntimeError("The worker is not set up: use `async with worker`, or `await worker.start()`.")
        return self._client

    @property
    def work_pool(self) -> WorkPool:
        """The work pool, as it was when it was last read."""
        if self._work_pool is None:
            raise RuntimeError("The worker has not read its work pool yet: `await worker.sync_with_backend()` does.")
        return self._work_pool

    @property
    def limiter(self) -> anyio.CapacityLimiter:
        """The slots of the runs under way."""
        if self._limiter is None:
            raise RuntimeError("The worker is not set up: use `async with worker`, or `await worker.start()`.")
        return self._limiter

    @abstractmethod
    async def run(self, flow_run: FlowRun, configuration: C, task_status: TaskStatus[Any] | None = None) -> R:
        """
        Execute a flow run on the infrastructure, and wait until that has ended.

        If it is cancelled, the infrastructure is to be ended.

        Args:
            flow_run: The run.
            configuration: What it is started with.
            task_status: Told, once the infrastructure is there, by what it is known: `task_status.started("pod-1")`.
        """

    # -- its life

    async def __aenter__(self) -> Self:
        """Set the worker up."""
        await self.setup()
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        """Take the worker down."""
        await self.teardown(*exc_info)

    async def setup(self) -> None:
        """Connect to the orchestrator."""
        from prefect.client.orchestration import get_client

        self._limiter = anyio.CapacityLimiter(self.limit if self.limit is not None else float("inf"))
        self._client = await get_client().__aenter__()
        self._group = await anyio.create_task_group().__aenter__()

    async def teardown(self, *exc_info: Any) -> None:
        """End what is under way, and disconnect."""
        client, group, self._group = self._client, self._group, None
        if group is not None:
            group.cancel_scope.cancel()
            await group.__aexit__(None, None, None)
        if client is not None:
            await client.__aexit__(*(exc_info or (None, None, None)))
        self._client = None

    async def start(
        self, run_once: bool = False, with_healthcheck: bool = False, printer: Callable[..., None] = print
    ) -> None:
        """
        Take runs and execute them, until a signal says to stop; then those under way may end within half a minute.

        Args:
            run_once: Look once, wait for the runs that were taken, and return.
            with_healthcheck: Not supported yet.
            printer: Shows what happens.

        Raises:
            prefect.exceptions.ConfigurationError: The work pool does not exist and may not be made, or is of another type.
        """
        if with_healthcheck:
            raise NotImplementedError("Workers of this version answer no requests about their health yet.")
        self._say = printer
        async with self:
            await self.sync_with_backend()
            printer(f"Worker {self.name!r} takes runs from work pool {self._pool_name!r}.")
            async with anyio.create_task_group() as beside:
                beside.start_soon(self._listen_to_signals)
                beside.start_soon(self._keep_in_touch)
                try:
                    await self._take_until_told(run_once=run_once)
                except Exception as error:
                    self._failure = error  # to be raised as it is, and not as one of a group
                await self._drain(is_patient=run_once and self._failure is None)
                beside.cancel_scope.cancel()
        printer(f"Worker {self.name!r} has ended.")
        if self._failure is not None:
            raise self._failure

    async def _listen_to_signals(self) -> None:
        """Let SIGTERM and Ctrl-C stop the worker. A second one ends the runs under way at once."""
        if threading.current_thread() is not threading.main_thread():
            return
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                if self._told_to_stop:
                    self._end_runs()
                elif self._under_way:
                    self._say(f"Stops when the {len(self._under_way)} flow runs under way have ended.")
                self._stop()

    def _end_runs(self) -> None:
        for scope in self._under_way.values():
            scope.cancel()

    def _stop(self) -> None:
        self._told_to_stop = True
        self._stir()

    def _stir(self) -> None:
        """Wake those who wait for something to happen."""
        self._stirred.set()
        self._stirred = anyio.Event()

    async def _keep_in_touch(self) -> None:
        while self._failure is None:
            await anyio.sleep(self._heartbeat_seconds)
            try:
                with _reported("The work pool cannot be read"):
                    await self.sync_with_backend()
            except Exception as error:
                self._failure = error
                self._stop()

    async def _take_until_told(self, *, run_once: bool) -> None:
        while not self._told_to_stop:
            if run_once:
                await self.get_and_submit_flow_runs()
                return
            stirred = self._stirred
            with _reported("Runs cannot be asked for"):
                await self.get_and_submit_flow_runs()
            with anyio.move_on_after(self._query_seconds):
                await stirred.wait()

    async def _drain(self, *, is_patient: bool) -> None:
        """Wait for the runs under way; not for ever once a signal says to stop."""
        while is_patient and self._under_way and not self._told_to_stop:
            await self._stirred.wait()
        with anyio.move_on_after(GRACE_SECONDS):
            while self._under_way:
                await self._stirred.wait()
        if self._under_way:
            self._say(f"Ends {len(self._under_way)} flow runs that are still under way.")
            self._end_runs()
        while self._under_way:
            await self._stirred.wait()

    async def sync_with_backend(self) -> None:
        """
        Read the work pool, and say that the worker is there.

        Raises:
            prefect.exceptions.ConfigurationError: The work pool does not exist and may not be made, or is of another type.
        """
        self._work_pool = await self._read_pool()
        await self.client.send_worker_heartbeat(self._pool_name, self.name, self._heartbeat_seconds)

    async def _read_pool(self) -> WorkPool:
        from prefect._contract.actions.settings import WorkPoolCreate, WorkPoolUpdate

        name, template = self._pool_name, self._template or self.get_default_base_job_template()
        try:
            pool: WorkPool = await self.client.read_work_pool(name)
        except ObjectNotFound:
            if not self._makes_pool:
                raise ConfigurationError(
                    f"There is no work pool {name!r}. Make it: prefect work-pool create {name} --type {self.type}"
                ) from None
            wanted = WorkPoolCreate(name=name, type=self.type, base_job_template=template)
            made: WorkPool = await self.client.create_work_pool(wanted)
            self._say(f"Made work pool {name!r} of type {self.type!r}.")
            return made
        if pool.type != self.type:
            raise ConfigurationError(
                f"Work pool {name!r} is of type {pool.type!r}, and this is a worker of type {self.type!r}. Start one of its "
                f"type: prefect worker start --pool {name} --type {pool.type}"
            )
        if not pool.base_job_template:
            await self.client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))
            pool = evolve(pool, base_job_template=template)
        return pool

    def is_worker_still_polling(self, query_interval_seconds: float) -> bool:
        """
        Whether the worker asks for runs as it should.

        Args:
            query_interval_seconds: How often it should.
        """
        latest = timedelta(seconds=query_interval_seconds * _UNPOLLED_INTERVALS)
        return self._last_polled is not None and now() - self._last_polled <= latest

    def get_status(self) -> dict[str, Any]:
        """What the worker is and works with."""
        return {
            "name": self.name,
            "work_pool": None if self._work_pool is None else self._work_pool.model_dump(mode="json"),
            "settings": {"prefetch_seconds": self._prefetch.total_seconds()},
        }

    # -- runs

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """
        Take the runs that are due, as far as there are slots, and begin to execute them.

        Returns:
            Those that were taken.
        """
        queues = sorted(self.work_queues) or None
        found = await self.client.get_scheduled_flow_runs_for_work_pool(self._pool_name, queues, now() + self._prefetch)
        self._last_polled = now()
        taken: list[FlowRun] = []
        for each in found:
            run = each.flow_run
            if self._told_to_stop or self.limiter.available_tokens < 1:
                break
            if run.id in self._under_way or not await self._claim(run):
                continue
            self.limiter.acquire_on_behalf_of_nowait(run.id)
            self._under_way[run.id] = anyio.CancelScope()
            assert self._group is not None
            self._group.start_soon(self._execute, run)
            taken.append(run)
        return taken

    async def _claim(self, run: FlowRun) -> bool:
        """Whether this worker may execute a run: another one may have it, or it may not begin now."""
        answer = await self.client.set_flow_run_state(run.id, Pending())
        return answer.status.value == "ACCEPT" and answer.state is not None and answer.state.is_pending()

    async def _execute(self, run: FlowRun) -> None:
        """Execute a run, and see to it that it does not stay behind as if it were under way."""
        self._say(f"Executes flow run {run.name!r} ({run.id}).")
        message = f"The worker {self.name!r} has stopped, and ended the flow run."
        try:
            with self._under_way[run.id]:
                message = await self._see_to_its_end(run)
        finally:
            with anyio.CancelScope(shield=True):
                await self._settle(run, message)
            del self._under_way[run.id]
            self.limiter.release_on_behalf_of(run.id)
            self._stir()

    async def _see_to_its_end(self, run: FlowRun) -> str:
        """Execute a run, and say what to tell of it if it does not do so itself."""
        try:
            configuration: Any = await self.job_configuration.resolve_for_flow_run(
                run, client=self.client, work_pool=self.work_pool, worker_name=self.name
            )
            result = await self.run(run, configuration, _Started(self, run))
        except Exception as error:
            _logger.debug("Flow run %s could not be executed.", run.id, exc_info=True)
            return f"The flow run could not be executed: {type(error).__name__}: {error}"
        ends = f"ended with exit code {result.status_code} without a last word"
        return f"The process of the flow run ({result.identifier}) {ends}."

    async def _settle(self, run: FlowRun, message: str) -> None:
        """Say how a run ended that did not say it itself."""
        with _reported(f"What has become of flow run {run.id} cannot be reported"):
            now_is = await self.client.read_flow_run(run.id)
            state: State[Any] | None = now_is.state
            if state is not None and (state.is_pending() or state.is_running() or state.is_cancelling()):
                final: State[Any] = Cancelled(message=message) if state.is_cancelling() else Crashed(message=message)
                answer = await self.client.set_flow_run_state(run.id, final)
                name = answer.state.name if answer.state is not None else "unknown"
                self._say(f"Flow run {run.name!r} ({run.id}) is {name}: {message}")
            else:
                self._say(f"Flow run {run.name!r} ({run.id}) is {now_is.state_name}.")

    async def _record_infrastructure(self, run: FlowRun, identifier: str) -> None:
        with _reported(f"The infrastructure of flow run {run.id} cannot be recorded"):
            await self.client.update_flow_run(run.id, infrastructure_pid=identifier)


class _Started(anyio.abc.TaskStatus[Any]):
    """Notes by what the infrastructure of a run is known."""

    def __init__(self, worker: BaseWorker[Any, Any, Any], run: FlowRun) -> None:
        self._worker = worker
        self._run = run

    def started(self, value: Any = None) -> None:
        """Called once it is there."""
        group = self._worker._group
        if value is not None and group is not None:
            group.start_soon(self._worker._record_infrastructure, self._run, str(value))


class _reported(suppress):  # noqa: N801 - used like `suppress`
    """Goes on after errors of the orchestrator, which are said. It may be away for a while."""

    def __init__(self, what: str) -> None:
        super().__init__(ServerUnreachableError, PrefectHTTPStatusError)
        self._what = what

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        handled = bool(super().__exit__(kind, error, traceback))
        if handled:
            _logger.warning("%s: %s", self._what, error)
        return handled
