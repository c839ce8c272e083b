"""The runs of a work pool: how a worker finds them, has them executed, and ends those that are cancelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio
import anyio.abc

from prefect._contract.endpoints.flow_runs import read_flow_run, read_flow_runs
from prefect._contract.events import RelatedResource
from prefect._contract.state import StateType
from prefect.client.base import current_transport
from prefect.exceptions import InfrastructureNotAvailable, InfrastructureNotFound, ObjectNotFound
from prefect.plugins.types import JobContext
from prefect.runner.claims import Claims
from prefect.runner.endings import is_under_way, settle
from prefect.runner.supervision import reported
from prefect.workers._configuration import with_environment
from prefect.workers._hooks import InfrastructureFailedError, tried_again

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect._contract.state import State
    from prefect.workers.base import BaseWorker, BaseWorkerResult

__all__ = ["PoolRuns"]

GRACE_SECONDS = 11
"""How long infrastructure may take to end whose run is cancelled; the engine in it ends its code a little earlier."""

_LEFT_SECONDS = 10.0
_LEFT_FOR = timedelta(seconds=15)
"""After so long whoever executes a run, and has heard that it is cancelled, has ended it."""


class PoolRuns:
    """
    The runs of the work pool of a worker.

    Args:
        worker: The worker.
    """

    def __init__(self, worker: BaseWorker[Any, Any, Any]) -> None:
        self._worker = worker
        self._configurations: dict[UUID, Any] = {}
        self._infrastructure: dict[UUID, str] = {}

    def resources(self) -> Iterable[str]:
        """The work pool, as an id of a resource of events."""
        return [f"prefect.work-pool.{self._worker.work_pool.id}"]

    async def find_runs(self, before: datetime) -> Sequence[FlowRun]:
        """The runs that are due before a time."""
        worker = self._worker
        queues = sorted(worker.work_queues) or None
        found = await worker.client.get_scheduled_flow_runs_for_work_pool(worker._work_pool_name, queues, before)
        return [each.flow_run for each in found]

    async def execute(self, run: FlowRun, claim: UUID | None) -> str:
        """Execute a run until its infrastructure has ended, and return what to say of it if it does not do so itself."""
        worker = self._worker
        try:
            configuration: Any = await worker.job_configuration.resolve_for_flow_run(
                run, client=worker.client, work_pool=worker.work_pool, worker_name=worker.name
            )
            # What begins the run shows the token by which it was taken, so that its end can be told from here.
            configuration.env = with_environment(configuration.env, worker.claim_variables(run))
            self._configurations[run.id] = configuration
            worker._supervised.beside(self._label, run)
            related = worker._event_related_resources(configuration)
            submitted = worker._emit_worker_event("submitted-flow-run", related)
            result = await tried_again(
                lambda: worker.run(run, configuration, _Started(self, run)),
                JobContext(worker.type, run.id, worker._work_pool_name, configuration),
                lambda: run.id in self._infrastructure,
                worker.get_flow_run_logger(run).warning,
            )
        except InfrastructureFailedError as error:
            return f"The flow run could not be executed: {error}"
        except Exception as error:
            worker._logger.debug("Flow run %s could not be executed.", run.id, exc_info=True)
            return f"The flow run could not be executed: {type(error).__name__}: {error}"
        worker._emit_worker_event("executed-flow-run", [_with_result(each, run, result) for each in related], submitted)
        ends = f"ended with exit code {result.status_code} without a last word"
        return f"The process of the flow run ({result.identifier}) {ends}."

    async def end_cancelled(self, run: FlowRun) -> None:
        """End the infrastructure of a run under way that was cancelled."""
        identifier, configuration = self._infrastructure.get(run.id), self._configurations.get(run.id)
        if identifier is None or configuration is None:
            return  # it is asked for again soon
        try:
            await self._worker.kill_infrastructure(identifier, configuration, GRACE_SECONDS)
        except InfrastructureNotFound:
            return
        except NotImplementedError:
            # The run notices by itself; if it does not, then it is up to whoever waits for its infrastructure.
            await anyio.sleep(GRACE_SECONDS)
            raise

    async def call_hooks(self, run: FlowRun) -> None:
        """Call the hooks of a run whose process did not."""
        configuration = self._configurations.get(run.id)
        if configuration is not None:
            await self._worker._call_hooks(run, configuration)

    def forget(self, run: FlowRun) -> None:
        """A run has ended."""
        self._configurations.pop(run.id, None)
        self._infrastructure.pop(run.id, None)

    async def propose_crashed(self, run_id: UUID, message: str) -> State[Any] | None:
        """Say that a run has crashed, unless it has ended already."""
        supervision = self._worker._supervision
        claims = Claims(current_transport()) if supervision is None else supervision.claims
        return (await settle(current_transport(), claims, run_id, message))[0]

    async def _label(self, run: FlowRun) -> None:
        """Record which worker executes a run."""
        worker = self._worker
        labels: dict[str, Any] = {
            "prefect.worker.name": worker.name,
            "prefect.worker.type": worker.type,
            "prefect.work-pool.name": worker.work_pool.name,
            "prefect.work-pool.id": str(worker.work_pool.id),
        }
        with reported(f"The labels of flow run {run.id} cannot be recorded"):
            await worker.client.update_flow_run_labels(run.id, labels)

    async def note(self, run: FlowRun, identifier: str) -> None:
        """Record by what the infrastructure of a run is known."""
        with reported(f"The infrastructure of flow run {run.id} cannot be recorded"):
            await self._worker.client.update_flow_run(run.id, infrastructure_pid=identifier)

    # -- what former workers have left

    async def settle_left(
        self,
        run_id: UUID,
        identifier: str,
        message: str,
        environment: Mapping[str, str],
        *,
        reschedules: bool = False,
    ) -> bool:
        """
        Say how a run ended whose infrastructure has, unless this worker sees to it, or somebody else has taken it over.

        Args:
            run_id: The run.
            identifier: By what that infrastructure is known. A run that has got another one since is left alone.
            message: What to say. The name of this worker is added.
            environment: The variables that it was started with, as far as they can be seen: who has taken the run is in them.
            reschedules: Whether the run is to be executed elsewhere.

        Returns:
            Whether it was this worker that said so: several may see the same.
        """
        if run_id in self._worker._supervised.under_way:
            return False
        try:
            run: FlowRun = await current_transport().asend(read_flow_run(run_id))
        except ObjectNotFound:
            return False
        if run.infrastructure_pid not in {None, identifier} or not is_under_way(run.state):
            return False
        claims = Claims(current_transport())
        claims.inherit(run_id, environment)
        signed = f"{message} Worker {self._worker.name!r} has noticed it."
        state, _ = await settle(current_transport(), claims, run_id, signed, reschedules=reschedules)
        return state is not None and state.message == signed

    async def end_what_was_left(self) -> None:
        """Again and again, end the infrastructure of cancelled runs whose worker is gone."""
        while True:
            await anyio.sleep(_LEFT_SECONDS)
            with reported("Cancelled runs cannot be asked for"):
                for run in await self.left([StateType.CANCELLING], _LEFT_FOR):
                    await self._end_left(run)

    async def left(self, types: list[StateType], age: timedelta) -> list[FlowRun]:
        """Runs of the pool with infrastructure that this worker does not wait for, for some time in a state of some types."""
        from prefect._contract.filters.flow_runs import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
        from prefect._contract.filters.work_pools import WorkPoolFilter, WorkPoolFilterName

        call = read_flow_runs(
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=types))),
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[self._worker._work_pool_name])),
        )
        since = current_transport().now() - age
        under_way = self._worker._supervised.under_way
        found: list[FlowRun] = await current_transport().asend(call)
        return [
            run
            for run in found
            if run.infrastructure_pid and run.id not in under_way and run.state and run.state.timestamp < since
        ]

    async def _end_left(self, run: FlowRun) -> None:
        worker = self._worker
        configuration: Any = await worker.job_configuration.resolve_for_flow_run(
            run, client=worker.client, work_pool=worker.work_pool, worker_name=worker.name
        )
        assert run.infrastructure_pid is not None
        try:
            with suppress(InfrastructureNotFound):
                await worker.kill_infrastructure(run.infrastructure_pid, configuration, GRACE_SECONDS)
        except (InfrastructureNotAvailable, NotImplementedError) as error:
            worker._logger.debug("Cancelled flow run %s is not ended here: %s", run.id, error)
            return
        message = f"Worker {worker.name!r} has ended its infrastructure, which another worker had left."
        await self.propose_crashed(run.id, message)


def _with_result(resource: RelatedResource, run: FlowRun, result: BaseWorkerResult) -> RelatedResource:
    """The same resource; the flow run with what has become of its infrastructure."""
    if resource.id != f"prefect.flow-run.{run.id}":
        return resource
    ended = {
        "prefect.infrastructure.identifier": str(result.identifier),
        "prefect.infrastructure.status-code": str(result.status_code),
    }
    return RelatedResource({**resource.root, **ended})


class _Started(anyio.abc.TaskStatus[Any]):
    """Notes by what the infrastructure of a run is known."""

    def __init__(self, runs: PoolRuns, run: FlowRun) -> None:
        self._runs = runs
        self._run = run

    def started(self, value: Any = None) -> None:
        """Called once it is there."""
        supervision = self._runs._worker._supervision
        if value is not None:
            self._runs._infrastructure[self._run.id] = str(value)
        if value is not None and supervision is not None:
            supervision.beside(self._runs.note, self._run, str(value))
