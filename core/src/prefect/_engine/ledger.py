"""The states of one task run, as this process knows them: proposed, decided by the rules, remembered, recorded."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from prefect._contract.base import evolve
from prefect._contract.objects import TaskRun, TaskRunPolicy
from prefect._contract.state import State, StateDetails
from prefect._engine.inputs import collect_inputs, current_results
from prefect._engine.recorder import Recorder, recorder_of
from prefect._orchestration.bookkeeping import apply
from prefect._orchestration.decide import decide
from prefect._orchestration.transition import RunFacts, Transition
from prefect.client.base import current_transport
from prefect.context import TagsContext
from prefect.states import Pending
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now

if TYPE_CHECKING:
    from prefect._contract.objects import RunInput
    from prefect.context import FlowRunContext

_NO_DETAILS = StateDetails()


class Ledger:
    """Holds a task run and moves it from state to state by the rules."""

    __slots__ = ("_own_details", "_plain_details", "lease_token", "recorder", "retries", "task_run")

    def __init__(self, task_run: TaskRun, recorder: Recorder, lease_token: UUID | None = None) -> None:
        self.task_run = task_run
        self.recorder = recorder
        self.lease_token = lease_token
        self.retries = task_run.empirical_policy.retries or 0
        self._own_details = {"task_run_id": task_run.id, "flow_run_id": task_run.flow_run_id}
        self._plain_details = evolve(_NO_DETAILS, **self._own_details)

    @property
    def state(self) -> State[Any]:
        """The run's current state."""
        return self.task_run.state or Pending()

    def propose(
        self,
        state: State[Any],
        *,
        retriable: bool = True,
        retry_delay: float = 0.0,
        force: bool = False,
        stored: bool = False,
    ) -> State[Any]:
        """
        Propose a state, and return the one that the run is in afterwards.

        Args:
            state: The proposed state.
            retriable: For failures: whether the task's `retry_condition_fn` allows a retry.
            retry_delay: Seconds until the retry, should there be one.
            force: Skip the rules.
            stored: Whether the state's result is in storage, or will be when a transaction commits.
        """
        run = self.task_run
        transition = Transition(
            RunFacts(
                kind="task",
                run_id=run.id,
                run_count=run.run_count,
                retries=self.retries,
                retry_delay=retry_delay,
                retriable=retriable,
            ),
            run.state,
            state,
            now(),
            force,
        )
        entered = decide(transition).entered(transition)
        if entered is not None:
            self._enter(entered, transition, stored)
        return self.state

    def _enter(self, state: State[Any], transition: Transition, stored: bool) -> None:
        run = self.task_run
        given = state.state_details
        plain = given.__dict__ == _NO_DETAILS.__dict__
        entered = evolve(state, state_details=self._plain_details if plain else evolve(given, **self._own_details))
        self.task_run = evolve(run, state=entered, state_id=entered.id, **apply(run, transition, entered))
        self.recorder.record(self.task_run, entered, entered.data.metadata if stored else None, self.lease_token)

    def proposal(self, state: State[Any]) -> State[Any]:
        """A state as it is proposed to the orchestrator: with the ids of the run, and one of its own."""
        return evolve(state, state_details=evolve(state.state_details, transition_id=uuid7(), **self._own_details))

    def adopt(self, entered: State[Any]) -> State[Any]:
        """Enter a state that the orchestrator has decided on and stored."""
        run = self.task_run
        if run.state is None or entered.id != run.state.id:
            facts = RunFacts(kind="task", run_id=run.id, run_count=run.run_count)
            transition = Transition(facts, run.state, entered, now())
            self.task_run = evolve(run, state=entered, state_id=entered.id, **apply(run, transition, entered))
        return self.state

    def update(self, **fields: Any) -> None:
        """Change other fields of the run; recorded with its next state."""
        self.task_run = evolve(self.task_run, **fields)


class Recorded(Protocol):
    """What is recorded of a task: every task has it, and what stands for a subflow."""

    name: str
    version: str | None
    retries: int
    retry_jitter_factor: float | None

    @property
    def task_key(self) -> str: ...

    @property
    def tags(self) -> Set[str]: ...

    @property
    def retry_delay_seconds(self) -> float | list[float]: ...


def new_task_run(
    task: Recorded,
    parameters: dict[str, Any],
    context: FlowRunContext | None,
    *,
    task_run_id: UUID | None = None,
    wait_for: Any = None,
    dependencies: dict[str, set[RunInput]] | None = None,
    parent: TaskRun | None = None,
    state: State[Any] | None = None,
) -> Ledger:
    """
    A new task run in state Pending, queued to be recorded.

    Args:
        task: The task.
        parameters: What it is called with.
        context: The flow run that it belongs to, if any.
        task_run_id: Its id; a new one without.
        wait_for: What it waits for.
        dependencies: The runs that its values came from; found in the parameters without.
        parent: The task run that called it, when a task calls a task.
        state: Its first state; Pending without.
    """
    flow_run = context.flow_run if context is not None else None
    run_id = task_run_id or uuid7()
    if context is not None and flow_run is not None:
        index = context.task_run_dynamic_keys.next(task.task_key)
        attempt = flow_run.run_count
        dynamic_key = str(index) if attempt <= 1 else f"{index}.{attempt}"
        suffix = str(index)
    else:
        dynamic_key = str(run_id)
        suffix = run_id.hex[-3:]
    inputs = collect_inputs(parameters, wait_for, current_results(context)) if dependencies is None else dependencies
    if parent is not None:
        from prefect._contract.objects import TaskRunResult

        inputs = {**inputs, "__parents__": {TaskRunResult(id=parent.id)}}
    moment = now()
    task_run = evolve(
        template_of(task),
        id=run_id,
        created=moment,
        updated=moment,
        name=f"{task.name}-{suffix}",
        flow_run_id=flow_run.id if flow_run is not None else None,
        dynamic_key=dynamic_key,
        tags=sorted(TagsContext.get().current_tags | task.tags),
        task_inputs={name: list(found) for name, found in inputs.items()},
        flow_run_run_count=flow_run.run_count if flow_run is not None else 0,
        expected_start_time=moment,
    )
    ledger = Ledger(task_run, recorder_of(current_transport()), lease_token_of(context))
    ledger.propose(state or Pending())
    return ledger


def lease_token_of(context: FlowRunContext | None) -> UUID | None:
    """Names the attempt to run the flow that a task run belongs to, if it is this process that runs the flow."""
    return None if context is None or context.lease_request is None else context.lease_request.token


def template_of(task: Recorded) -> TaskRun:
    """What all runs of a task have in common, made once."""
    template: TaskRun | None = task.__dict__.get("_template")
    if template is None:
        delay = task.retry_delay_seconds
        policy = TaskRunPolicy(
            retries=task.retries,
            retry_delay=delay,
            retry_jitter_factor=task.retry_jitter_factor,
        )
        template = task.__dict__["_template"] = TaskRun(
            name=task.name,
            task_key=task.task_key,
            dynamic_key="",
            task_version=task.version,
            empirical_policy=policy,
        )
    return template
