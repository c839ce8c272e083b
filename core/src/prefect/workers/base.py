"""What all workers have in common: they take runs from a work pool, and see them to their ends."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import uuid4

import anyio
import anyio.abc
from pydantic import BaseModel

import prefect
from prefect._contract.base import evolve
from prefect._contract.events import RelatedResource
from prefect._engine.leases import CLAIM
from prefect.client.base import current_transport
from prefect.exceptions import ConfigurationError, ObjectNotFound
from prefect.logging.loggers import flow_run_logger, get_worker_logger
from prefect.plugins.startup import announce
from prefect.runner.supervision import Supervision, reported
from prefect.states import AwaitingRetry
from prefect.utilities.dispatch import get_registry_for_type, register_base_type
from prefect.utilities.slugify import slugify
from prefect.utilities.time import now
from prefect.workers._configuration import BaseJobConfiguration, BaseVariables
from prefect.workers._pool_runs import PoolRuns
from prefect.workers.server import guest_of

if TYPE_CHECKING:
    from logging import LoggerAdapter
    from uuid import UUID

    from anyio.abc import TaskStatus
    from typing_extensions import Self

    from prefect._contract.events import Event
    from prefect._contract.objects import FlowRun
    from prefect._contract.state import State
    from prefect._contract.work_pools import WorkPool
    from prefect.client.orchestration import PrefectClient
    from prefect.flows import Flow
    from prefect.futures import PrefectFlowRunFuture

__all__ = ["BaseJobConfiguration", "BaseVariables", "BaseWorker", "BaseWorkerResult"]

C = TypeVar("C", bound=BaseJobConfiguration)
V = TypeVar("V", bound=BaseVariables)
R = TypeVar("R", bound="BaseWorkerResult")
FR = TypeVar("FR")

_UNPOLLED_INTERVALS = 30
"""A worker that has not asked for runs for so many intervals does not do its work."""


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

    _is_local: ClassVar[bool] = False
    """Whether the infrastructure is this machine, and reads its files."""

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
        self.backend_id: UUID | None = None  # orchestrators that give workers ids say it; this one does not
        self.heartbeat_interval_seconds = heartbeat_interval_seconds or settings.heartbeat_seconds
        self._work_pool_name = work_pool_name
        self._prefetch = timedelta(seconds=settings.prefetch_seconds if prefetch_seconds is None else prefetch_seconds)
        self._makes_pool = create_pool_if_not_found
        self._template = base_job_template
        self._query_seconds = settings.query_seconds
        self._work_pool: WorkPool | None = None
        self._client: PrefectClient | None = None
        self._supervision: Supervision | None = None
        self._submissions: anyio.abc.TaskGroup | None = None
        self._pool_runs = PoolRuns(self)
        self._logger = get_worker_logger(self)
        self._say: Callable[[str], None] = self._logger.info

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
        return self._supervised.limiter

    @property
    def _supervised(self) -> Supervision:
        if self._supervision is None:
            raise RuntimeError("The worker is not set up: use `async with worker`, or `await worker.start()`.")
        return self._supervision

    def get_flow_run_logger(self, flow_run: FlowRun) -> LoggerAdapter[Any]:
        """A logger whose records are among the logs of a flow run."""
        more = {"worker_name": self.name, "work_pool_name": self._work_pool_name}
        return flow_run_logger(flow_run=flow_run).getChild("worker", extra=more)

    def claim_variables(self, flow_run: FlowRun) -> dict[str, str]:
        """
        Environment variables that the infrastructure of a run is to have, which show that this worker has taken the run.

        Whoever executes the run takes it over with them, and the worker may still speak for it when the infrastructure is gone.

        Args:
            flow_run: The run.

        Returns:
            Names and values; nothing if this worker has not taken the run.
        """
        token = None if self._supervision is None else self._supervision.claims.token(flow_run.id)
        return {} if token is None else {CLAIM: str(token)}

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

    async def kill_infrastructure(self, infrastructure_pid: str, configuration: C, grace_seconds: int = 30) -> None:
        """
        End the infrastructure of a flow run that was cancelled. Types of workers that can do so override this.

        Args:
            infrastructure_pid: By what it is known.
            configuration: What it was started with.
            grace_seconds: How long it may take to end by itself.

        Raises:
            NotImplementedError: Workers of this type cannot.
            prefect.exceptions.InfrastructureNotFound: It does not exist any more.
            prefect.exceptions.InfrastructureNotAvailable: It cannot be reached from here.
        """
        raise NotImplementedError(f"Workers of type {self.type!r} cannot end the infrastructure of flow runs.")

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
        from prefect.settings import get_current_settings

        self._client = await get_client().__aenter__()
        self._supervision = Supervision(
            self._pool_runs,
            current_transport(),
            limit=self.limit,
            query_seconds=self._query_seconds,
            heartbeat_seconds=get_current_settings().flows.heartbeat_frequency,
            say=self._say,
            name=self.name,
        )
        await self._supervision.open()
        self._submissions = await anyio.create_task_group().__aenter__()

    async def teardown(self, *exc_info: Any) -> None:
        """End what is under way, and disconnect. Runs that were submitted are waited for, unless there was an error."""
        client, supervision = self._client, self._supervision
        if self._submissions is not None:
            if exc_info[:1] not in {(), (None,)}:
                self._submissions.cancel_scope.cancel()
            submissions, self._submissions = self._submissions, None
            await submissions.__aexit__(None, None, None)
        if supervision is not None:
            await supervision.close()
        if client is not None:
            await client.__aexit__(*(exc_info or (None, None, None)))
        self._client, self._supervision = None, None

    async def start(
        self, run_once: bool = False, with_healthcheck: bool = False, printer: Callable[..., None] = print
    ) -> None:
        """
        Take runs and execute them, until a signal says to stop; then those under way may end within half a minute.

        Args:
            run_once: Look once, wait for the runs that were taken, and return.
            with_healthcheck: Whether to answer requests about the worker's health, at PREFECT_WORKER_WEBSERVER_HOST and
                PREFECT_WORKER_WEBSERVER_PORT.
            printer: Shows what happens.

        Raises:
            prefect.exceptions.ConfigurationError: The work pool does not exist and may not be made, or is of another type.
            OSError: The port is taken.
        """
        self._say = printer
        guest = guest_of(self, self._query_seconds) if with_healthcheck else None
        async with self:
            await self.sync_with_backend()
            announce("worker")
            started = self._emit_worker_event("started")
            printer(f"Worker {self.name!r} takes runs from work pool {self._work_pool_name!r}.")
            async with anyio.create_task_group() as beside:
                beside.start_soon(self._keep_in_touch)
                beside.start_soon(self._pool_runs.end_what_was_left)
                if not run_once:
                    beside.start_soon(self._observe)
                if guest is not None:
                    beside.start_soon(guest)
                failure = await self._supervised.work(self._prefetch, run_once=run_once)
                beside.cancel_scope.cancel()
            self._emit_worker_event("stopped", follows=started)
        printer(f"Worker {self.name!r} has ended.")
        if failure is not None:
            raise failure

    async def _observe(self) -> None:
        """
        Watch the infrastructure of the pool's runs, whoever has started it, until cancelled. Types of workers that can override
        this; an error would end the worker.
        """

    async def _keep_in_touch(self) -> None:
        while True:
            await anyio.sleep(self.heartbeat_interval_seconds)
            try:
                with reported("The work pool cannot be read"):
                    await self.sync_with_backend()
            except Exception as error:
                self._supervised.stop(error)
                return

    async def sync_with_backend(self) -> None:
        """
        Read the work pool, and say that the worker is there.

        Raises:
            prefect.exceptions.ConfigurationError: The work pool does not exist and may not be made, or is of another type.
        """
        self._work_pool = await self._read_pool()
        await self.client.send_worker_heartbeat(self._work_pool_name, self.name, self.heartbeat_interval_seconds)

    async def _read_pool(self) -> WorkPool:
        from prefect._contract.actions.settings import WorkPoolCreate, WorkPoolUpdate

        name, template = self._work_pool_name, self._template or self.get_default_base_job_template()
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
        polled = None if self._supervision is None else self._supervision.last_looked
        return polled is not None and now() - polled <= latest

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
        return await self._supervised.take_due(self._prefetch)

    async def submit(
        self,
        flow: Flow[..., FR],
        parameters: dict[str, Any] | None = None,
        job_variables: dict[str, Any] | None = None,
        flow_run: FlowRun | None = None,
    ) -> PrefectFlowRunFuture[FR]:
        """
        Run a flow on infrastructure of this worker's type, without a deployment: its code goes along in a bundle.

        The worker must be set up (`async with worker`), and waits for the run when it is taken down.

        Args:
            flow: The flow.
            parameters: What it is called with.
            job_variables: Overrides for the work pool's job template.
            flow_run: A run that has ended, to be run again; a new one without.

        Returns:
            A future of the run.

        Raises:
            RuntimeError: The worker is not set up, or the work pool has no storage for the flow's code.
            ValueError: The flow cannot be bundled.
            prefect.exceptions.ConfigurationError: There is no such work pool, or it is of another type.
        """
        from prefect.futures import PrefectFlowRunFuture

        await self._make_ready()
        assert self._submissions is not None
        run = await self._submissions.start(self._look_after, flow, parameters, job_variables, flow_run)
        return PrefectFlowRunFuture(run.id)

    async def _look_after(self, *submission: Any, task_status: TaskStatus[FlowRun]) -> None:
        flow, parameters, job_variables, flow_run = submission
        told = _Told(task_status)
        try:
            await self._submit_adhoc_run(flow, parameters, job_variables, told, flow_run)
        except Exception as error:
            if told.run is None:
                raise
            self._logger.exception("Flow run %s could not be executed.", told.run.id)
            await self._propose_crashed_state(told.run, f"The flow run could not be executed: {error}")

    async def _submit_adhoc_run(
        self,
        flow: Flow[..., Any],
        parameters: dict[str, Any] | None = None,
        job_variables: dict[str, Any] | None = None,
        task_status: TaskStatus[FlowRun] | None = None,
        flow_run: FlowRun | None = None,
    ) -> None:
        """Make a run of a flow, tell it to `task_status`, and execute it. Types of workers override this."""
        from prefect.workers._adhoc import make_run

        run = await make_run(self, flow, parameters, job_variables, flow_run)
        if task_status is not None:
            task_status.started(run)
        if await self._supervised.claims.take(run.id):
            await self._supervised.execute(run)
        else:
            self._say(f"Flow run {run.name!r} ({run.id}) is executed by another worker.")

    async def _dispatch_run(
        self, flow: Flow[..., Any], parameters: dict[str, Any] | None, job_variables: dict[str, Any] | None
    ) -> FlowRun:
        """Make a run of a flow, whose code goes along in a bundle, for whichever worker of the pool takes it."""
        from prefect.workers._adhoc import make_run

        await self._make_ready()
        return await make_run(self, flow, parameters, job_variables, None)

    async def _make_ready(self) -> None:
        _ = self._supervised  # refuses if it is not set up
        if self._work_pool is None:
            self._work_pool = await self._read_pool()

    async def _initiate_run(self, flow_run: FlowRun, configuration: C) -> None:
        """Start the infrastructure of a run that nobody waits for here. Types of workers that can do less than `run` do it."""
        await self.run(flow_run, configuration)

    async def _propose_crashed_state(
        self, flow_run: FlowRun, message: str, client: PrefectClient | None = None
    ) -> State[Any] | None:
        """Say that a run has crashed, unless it has ended already."""
        return await self._pool_runs.propose_crashed(flow_run.id, message)

    async def _needs_a_last_word(self, flow_run: FlowRun) -> bool:
        """Whether a run whose infrastructure has ended does not say itself what became of it."""
        state = (await self.client.read_flow_run(flow_run.id)).state
        return state is not None and not (state.is_final() or state.is_cancelling() or state.is_scheduled())

    async def _offer_again(self, flow_run: FlowRun, message: str) -> None:
        """Let a run whose infrastructure was taken away be executed elsewhere, unless it has come to an end of its own."""
        state = (await self.client.read_flow_run(flow_run.id)).state
        if state is not None and (state.is_pending() or state.is_running() or state.is_crashed()):
            await self._supervised.claims.end(flow_run.id, AwaitingRetry(message=message))

    async def _call_hooks(self, flow_run: FlowRun, configuration: C) -> None:
        """Call the hooks of a run whose process ended without doing so. This needs its code, which few workers have."""
        self._logger.debug("Hooks of flow run %s are not called: its code is not where this worker is.", flow_run.id)

    def _event_resource(self) -> dict[str, str]:
        """This worker, as a resource of events."""
        return {
            "prefect.resource.id": f"prefect.worker.{self.type}.{self.get_name_slug()}",
            "prefect.resource.name": self.name,
            "prefect.version": prefect.__version__,
            "prefect.worker-type": self.type,
        }

    def _event_related_resources(
        self, configuration: BaseJobConfiguration | None = None, include_self: bool = False
    ) -> list[RelatedResource]:
        """What events about a run of this worker are also about: what the configuration knows, the pool, the worker."""
        related = [] if configuration is None else configuration._related_resources()
        if self._work_pool is not None:
            pool = {
                "prefect.resource.id": f"prefect.work-pool.{self._work_pool.id}",
                "prefect.resource.role": "work-pool",
            }
            related.append(RelatedResource({**pool, "prefect.resource.name": self._work_pool.name}))
        if include_self:
            related.append(RelatedResource({**self._event_resource(), "prefect.resource.role": "worker"}))
        return related

    def _emit_worker_event(
        self, what: str, related: list[RelatedResource] | None = None, follows: Event | None = None
    ) -> Event | None:
        """Emit what the worker does; of itself, unless more is involved."""
        from prefect.events.utilities import emit_event

        involved = self._event_related_resources() if related is None else related
        return emit_event(f"prefect.worker.{what}", self._event_resource(), related=involved, follows=follows)


class _Told(anyio.abc.TaskStatus["FlowRun"]):
    """Notes which run was made, and passes it on."""

    def __init__(self, status: TaskStatus[FlowRun]) -> None:
        self.run: FlowRun | None = None
        self._status = status

    def started(self, value: Any = None) -> None:
        """Called once the run is made."""
        self.run = value
        self._status.started(value)
