"""A flow run that is being executed in this process: how it is created, leased, and moved from state to state."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from logging import LoggerAdapter
from math import ceil
from typing import TYPE_CHECKING, Any

from prefect._contract.actions import FlowCreate, FlowRunCreate
from prefect._contract.base import evolve
from prefect._contract.endpoints import flow_runs as endpoints
from prefect._contract.endpoints.flows import create_flow
from prefect._contract.objects import FlowRun, FlowRunPolicy
from prefect._contract.retry_labels import retries_of_labels
from prefect._contract.state import State, StateType
from prefect._engine.effects import Colour
from prefect._engine.heartbeats import heartbeat_of
from prefect._engine.inputs import collect_inputs, current_results
from prefect._engine.leases import HeldLease, keeper_of
from prefect._engine.ledger import Ledger, new_task_run
from prefect._engine.names import render_run_name
from prefect._engine.parameters import serialize_parameters
from prefect._engine.proposing import ask_for_state
from prefect._engine.scopes import logs_prints
from prefect._engine.signals import CancellationRequest, interrupter, owns_process
from prefect._engine.subflow_threads import Subflows
from prefect.client.base import Send, current_transport
from prefect.context import DynamicKeys, FlowRunContext, RunResults, TagsContext, TaskRunContext
from prefect.futures import PrefectFuture
from prefect.logging.loggers import flow_run_logger, patch_print
from prefect.results import get_result_store, should_persist_result
from prefect.states import Pending, Running, to_state_create
from prefect.utilities.dual import Steps
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.base import Transport
    from prefect.flows import Flow
    from prefect.results import ResultStore
    from prefect.task_runners import TaskRunner


@dataclass(slots=True)
class FlowExecution:
    """One flow run that is being executed in this process."""

    flow: Flow[Any, Any]
    parameters: dict[str, Any]
    flow_run: FlowRun | None = None
    wait_for: Any = None
    parent: FlowRunContext | None = None
    transport: Transport = field(default_factory=current_transport)
    store: ResultStore = field(init=False)
    persist: bool = field(init=False)
    parent_ledger: Ledger | None = None
    lease: HeldLease | None = None
    pid: int = field(default_factory=os.getpid)
    final: State[Any] | None = None
    logger: LoggerAdapter[Any] = field(init=False)
    dynamic_keys: DynamicKeys = field(default_factory=DynamicKeys)
    results: RunResults = field(default_factory=RunResults)
    subflows: Subflows = field(default_factory=Subflows)

    def __post_init__(self) -> None:
        base = self.parent.result_store if self.parent is not None else None
        self.store = (base or get_result_store()).for_flow(self.flow)
        flow = self.flow
        self.persist = flow.persist_result if flow.persist_result is not None else should_persist_result()

    @property
    def run(self) -> FlowRun:
        """The flow run; it exists once `begin` has been driven."""
        assert self.flow_run is not None
        return self.flow_run

    @property
    def state(self) -> State[Any]:
        """The run's current state: the one of this process, which holds the result, once it is final."""
        return self.final or self.run.state or Pending()

    @property
    def log_prints(self) -> bool:
        """Whether `print` is logged."""
        return logs_prints(self.flow.log_prints, self.parent)

    def context(self, runner: TaskRunner[Any]) -> FlowRunContext:
        """The context of the flow's code."""
        return FlowRunContext(
            flow=self.flow,
            flow_run=self.run,
            task_runner=runner,
            log_prints=self.log_prints,
            parameters=self.parameters,
            result_store=self.store,
            persist_result=self.persist,
            task_run_dynamic_keys=self.dynamic_keys,
            run_results=self.results,
            subflows=self.subflows,
            lease_request=self.lease.request() if self.lease is not None else None,
        )

    def contexts(self, runner: TaskRunner[Any]) -> list[AbstractContextManager[Any]]:
        """What the flow's code runs within."""
        contexts: list[AbstractContextManager[Any]] = [
            self.context(runner),
            TagsContext(current_tags=set(self.run.tags)),
            NoTaskRun(),
            Colour(self.flow.isasync),
        ]
        if self.log_prints:
            contexts.append(patch_print())
        return contexts


class NoTaskRun(AbstractContextManager[None]):
    """Inside of a subflow, the task that called it is not the current run."""

    def __enter__(self) -> None:
        self._token = TaskRunContext.__var__.set(None)

    def __exit__(self, *_: object) -> None:
        TaskRunContext.__var__.reset(self._token)


# -- proposing states -----------------------------------------------------------------------------------------------


def propose(run: FlowExecution, state: State[Any], force: bool = False) -> Steps[State[Any]]:
    """
    Propose a state for the flow run, and return the one that it is in afterwards.

    A fork of the process that executes the run does not own it: what the code does there is not proposed to anybody.

    Raises:
        Abort: The orchestrator says that this process must stop executing the run.
    """
    if run.pid != os.getpid():
        return state
    state = evolve(state, state_details=evolve(state.state_details, transition_id=uuid7()))
    lease = run.lease.request() if run.lease is not None else None
    due = None if run.run.state is None else run.run.state.state_details.scheduled_time
    entered = yield from ask_for_state(run.run.id, state, force=force, lease=lease, transport=run.transport, due=due)
    run.flow_run = evolve(
        run.run,
        state=entered,
        state_id=entered.id,
        state_type=entered.type,
        state_name=entered.name,
        run_count=run.run.run_count + (entered.type is StateType.RUNNING),
    )
    return entered


# -- creating the run -----------------------------------------------------------------------------------------------


def begin(run: FlowExecution) -> Steps[None]:
    """Create the flow run, unless it exists, and its task run in the parent flow."""
    flow = run.flow
    if run.parent is not None and run.flow_run is None:
        run.parent_ledger = parent_task_run(run)
    if run.flow_run is None:
        run.flow_run = yield from create_run(run)
    else:
        yield from adopt_policy(run)
    run.logger = flow_run_logger(flow_run=run.run, flow=flow)
    if run.parent_ledger is not None:
        details = run.parent_ledger.state.state_details.model_copy(update={"child_flow_run_id": run.run.id})
        run.parent_ledger.propose(Running(state_details=details))
    run.logger.info("Beginning flow run %r for flow %r", run.run.name, flow.name)


def create_run(run: FlowExecution) -> Steps[FlowRun]:
    """Create the record of a flow run that is called here."""
    flow = run.flow
    flow_id = yield from id_of_flow(flow, run.transport)
    name = {"name": given} if (given := _early_name(run)) is not None else {}
    request = FlowRunCreate(
        flow_id=flow_id,
        flow_version=flow.version,
        parameters=serialize_parameters(run.parameters),
        tags=sorted(TagsContext.get().current_tags),
        labels=labels_of(flow),
        empirical_policy=FlowRunPolicy(retries=flow.retries, retry_delay=ceil(flow.retry_delay_seconds)),
        parent_task_run_id=run.parent_ledger.task_run.id if run.parent_ledger is not None else None,
        state=to_state_create(Pending()),
        **name,
    )
    created: FlowRun = yield Send(endpoints.create_flow_run(request), run.transport)
    return created


def adopt_policy(run: FlowExecution) -> Steps[None]:
    """Let a run that somebody else has created be tried as often as its flow says, unless they have said how often."""
    flow, policy = run.flow, run.run.empirical_policy
    known = retries_of_labels(run.run.labels)  # as the flow was when it was deployed
    if policy.retries is not None and policy.retries != known.get("retries"):
        return
    delay = ceil(flow.retry_delay_seconds) if flow.retries else 0
    if (policy.retries or 0, policy.retry_delay or 0) == (flow.retries, delay):
        return
    policy = evolve(policy, retries=flow.retries, retry_delay=delay)
    yield Send(endpoints.update_flow_run(run.run.id, empirical_policy=policy), run.transport)
    run.flow_run = evolve(run.run, empirical_policy=policy)


def labels_of(flow: Flow[Any, Any]) -> dict[str, Any]:
    """Where the flow's code is, so that the run can be run again from the command line."""
    entrypoint = flow.entrypoint
    return {} if entrypoint is None else {"prefect.flow.entrypoint": entrypoint}


def _early_name(run: FlowExecution) -> str | None:
    """The run's name when it does not depend on results of other runs."""
    given = run.flow.flow_run_name
    if given is None or any(isinstance(value, (PrefectFuture, State)) for value in run.parameters.values()):
        return None
    if callable(given):
        return None  # it may look at the run's context
    return render_run_name(given, run.parameters, "flow_run_name")


def id_of_flow(flow: Flow[Any, Any], transport: Transport) -> Steps[UUID]:
    """The id that the orchestrator knows the flow by; asked once per process and orchestrator."""
    known: dict[Any, UUID] = flow.__dict__.setdefault("_ids", {})
    key = (os.getpid(), id(transport), flow.name)
    if key not in known:
        created = yield Send(create_flow(FlowCreate(name=flow.name, tags=[])), transport)
        known[key] = created.id
    return known[key]


@dataclass
class SubflowTask:
    """What a subflow is in its parent: a task that is not retried, since the flow is."""

    name: str
    task_key: str
    version: str | None
    tags: frozenset[str] = frozenset()
    retries: int = 0
    retry_delay_seconds: float = 0
    retry_jitter_factor: float | None = None

    @classmethod
    def of(cls, flow: Flow[Any, Any]) -> SubflowTask:
        """What stands for runs of a flow."""
        return cls(flow.name, f"{flow.fn.__qualname__}-flow", flow.version)


def parent_task_run(run: FlowExecution) -> Ledger:
    """The task run that stands for this subflow in its parent."""
    flow = run.flow
    stand_in: SubflowTask | None = flow.__dict__.get("_stand_in")
    if stand_in is None:
        stand_in = flow.__dict__["_stand_in"] = SubflowTask.of(flow)
    caller = TaskRunContext.get()
    return new_task_run(
        stand_in,
        {},
        run.parent,
        dependencies=collect_inputs(run.parameters, run.wait_for, current_results(run.parent)),
        parent=caller.task_run if caller is not None else None,
    )


def stand_in_task_run(stand_in: SubflowTask, parameters: dict[str, Any], wait_for: Any = None) -> UUID | None:
    """
    The task run that stands in the current run for a flow run that is executed elsewhere; None if there is no current run.

    The orchestrator keeps it in the state of that run.
    """
    flow, task = FlowRunContext.get(), TaskRunContext.get()
    if task is None and (flow is None or flow.flow_run is None):
        return None
    ledger = new_task_run(
        stand_in,
        {},
        flow,
        dependencies=collect_inputs(parameters, wait_for, current_results(flow)),
        parent=task.task_run if task is not None else None,
    )
    return ledger.task_run.id


# -- the lease ----------------------------------------------------------------------------------------------------------


def start(run: FlowExecution, give_up: Callable[[], None]) -> Steps[State[Any]]:
    """
    Take the run's lease and enter Running.

    Args:
        run: The run.
        give_up: Ends it from another thread, should its code not end when it is cancelled.

    Raises:
        CancellationRequest: Somebody has cancelled the run before.
    """
    token = None if run.lease is None else run.lease.token
    run.lease = keeper_of(run.transport).hold(
        run.run.id, interrupter(), token, give_up if owns_process() else None, heartbeat_of(run.run)
    )
    entered = yield from propose(run, Running())
    if entered.is_cancelling():
        run.lease.cancelled = True
        raise CancellationRequest
    return entered


def release(run: FlowExecution) -> None:
    """Stop renewing the run's lease."""
    if run.lease is not None:
        keeper_of(run.transport).release(run.lease)
