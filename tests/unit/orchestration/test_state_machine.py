"""Whatever is proposed, in whatever order: what must always hold of a run holds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from prefect._contract.objects import FlowRun, FlowRunPolicy, TaskRun
from prefect._contract.state import TERMINAL_STATES, State, StateDetails, StateType
from prefect._orchestration.bookkeeping import apply, apply_writes
from prefect._orchestration.decide import decide
from prefect._orchestration.transition import RunFacts, Transition

START = datetime(2030, 1, 1, tzinfo=timezone.utc)

NAMES = {
    StateType.SCHEDULED: (None, "AwaitingRetry", "Late", "Resuming", "AwaitingConcurrencySlot"),
    StateType.PENDING: (None, "Submitting", "InfrastructurePending"),
    StateType.RUNNING: (None, "Retrying"),
    StateType.FAILED: (None, "TimedOut"),
    StateType.PAUSED: (None, "Suspended"),
}

# An end may only be left by force, or by an explicit retry of what did not complete.
LEGAL_RETRIES = {(ended, StateType.SCHEDULED) for ended in TERMINAL_STATES - {StateType.COMPLETED}}


class RunMachine(RuleBasedStateMachine):
    """A run that everybody makes proposals to: its own process, an older one, users, services."""

    kind = "flow"

    @initialize(retries=st.integers(0, 3), has_deployment=st.booleans())
    def begin(self, retries: int, has_deployment: bool) -> None:
        self.now = START
        self.retries = retries
        self.has_deployment = has_deployment
        self.policy = FlowRunPolicy(retries=retries)
        self.lease: UUID | None = None
        self.state: State[Any] | None = None
        self.history: list[tuple[State[Any], bool]] = []
        self.run = self._new_run()

    def _new_run(self) -> Any:
        return FlowRun(flow_id=uuid4(), name="r")

    @rule(seconds=st.floats(-30, 600))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(
        type_=st.sampled_from(StateType),
        name=st.integers(0, 9),
        force=st.sampled_from([False] * 9 + [True]),
        proposer=st.sampled_from(["nobody", "owner", "old", "new"]),
        ahead=st.integers(-100, 100),
        pause_key=st.sampled_from([None, "1", "2"]),
        reschedule=st.booleans(),
    )
    def propose(
        self,
        type_: StateType,
        name: int,
        force: bool,
        proposer: str,
        ahead: int,
        pause_key: str | None,
        reschedule: bool,
    ) -> None:
        names = NAMES.get(type_, (None,))
        later = self.now + timedelta(seconds=ahead)
        details: dict[str, Any] = {"transition_id": uuid4()}
        if type_ is StateType.SCHEDULED:
            details["scheduled_time"] = later
        if type_ is StateType.PAUSED:
            details |= {"pause_timeout": later, "pause_key": pause_key, "pause_reschedule": reschedule}
        proposed = State(
            type=type_,
            name=names[name % len(names)],
            timestamp=self.now,
            state_details=StateDetails(**details),
        )
        token = {"nobody": None, "owner": self.lease, "old": uuid4(), "new": uuid4()}[proposer]
        self._decide(proposed, force, token)

    @rule(force=st.booleans())
    def the_answer_is_lost_and_the_proposal_repeated(self, force: bool) -> None:
        if not self.history:
            return
        current = self.history[-1][0]
        before = (self.run, self.state, len(self.history))
        self._decide(current.model_copy(update={"id": uuid4()}), force, None)
        assert before == (self.run, self.state, len(self.history)), "a repeated proposal had an effect"

    def _decide(self, proposed: State[Any], force: bool, token: UUID | None) -> None:
        facts = self._facts(token)
        transition = Transition(facts, self.state, proposed, self.now, force)
        decision = decide(transition)
        entered = decision.entered(transition)
        if decision.verdict in {"WAIT", "ABORT"}:
            assert entered is None
            assert decision.state is self.state
            assert decision.reason
        if decision.verdict == "WAIT":
            assert decision.delay_seconds >= 1
        # Who took a run from a queue has it begun by a process of its own, with another token.
        begins = self.state is not None and self.state.is_pending() and proposed.is_running()
        if token is not None and self.lease is not None and token != self.lease and not begins:
            assert decision.verdict == "ABORT", "a stranger was let in"
        if entered is not None:
            self._enter(transition, entered, force, token, decision.writes)

    def _facts(self, token: UUID | None) -> RunFacts:
        return RunFacts(
            kind="flow",
            run_count=self.run.run_count,
            retries=self.retries,
            pause_keys=frozenset(self.policy.pause_keys or ()),
            resuming=bool(self.policy.resuming),
            has_deployment=self.has_deployment,
            retry_type=self.policy.retry_type,
            lease_token=self.lease,
            proposer_token=token,
        )

    def _enter(self, transition: Transition, entered: State[Any], force: bool, token: UUID | None, writes: Any) -> None:
        before = self.run
        changes = apply(before, transition, entered)
        self.run = before.model_copy(update=changes)
        self.policy = apply_writes(self.policy, writes)
        assert self.run.run_count - before.run_count in {0, 1}
        assert self.run.run_count == before.run_count or entered.is_running()
        assert self.run.total_run_time >= before.total_run_time
        if entered.name == "AwaitingRetry" and not transition.proposed.is_scheduled():
            assert before.run_count <= self.retries, "a run was retried too often"
        if self.state is not None and not force:
            pair = (self.state.type, entered.type)
            assert self.state.type not in TERMINAL_STATES or pair in LEGAL_RETRIES, f"{pair} left an end"
            assert self.state.type is not StateType.CANCELLING or entered.type is StateType.CANCELLED
            assert not entered.is_paused() or self.state.is_running()
        self.state = entered
        self.history.append((entered, force))
        if entered.type in {StateType.RUNNING, StateType.PENDING}:
            self.lease = token or self.lease
        elif entered.is_final() or entered.is_paused() or entered.is_scheduled():
            self.lease = None

    @invariant()
    def states_are_in_order(self) -> None:
        moments = [state.timestamp for state, _ in getattr(self, "history", [])]
        assert moments == sorted(moments)
        assert len({state.id for state, _ in getattr(self, "history", [])}) == len(moments)

    @invariant()
    def times_fit_the_state(self) -> None:
        if getattr(self, "state", None) is None:
            return
        run, state = self.run, self.state
        assert (run.state_type, run.state_name) == (state.type, state.name)
        assert (run.end_time is not None) == state.is_final()
        assert run.expected_start_time is not None
        if run.end_time is not None:
            assert run.start_time is not None
            assert run.start_time <= run.end_time
        if state.is_running():
            assert run.start_time is not None
            assert run.run_count >= 1
        assert (run.next_scheduled_start_time is not None) == state.is_scheduled()


class TaskRunMachine(RunMachine):
    """The same for task runs."""

    kind = "task"

    def _new_run(self) -> Any:
        return TaskRun(task_key="t", dynamic_key="0", name="r")

    def _facts(self, token: UUID | None) -> RunFacts:
        return RunFacts(kind="task", run_count=self.run.run_count, retries=self.retries, proposer_token=None)

    def _enter(self, transition: Transition, entered: State[Any], force: bool, token: UUID | None, writes: Any) -> None:
        before = self.run
        changes = apply(before, transition, entered)
        self.run = before.model_copy(update=changes)
        assert not writes
        if entered.name == "AwaitingRetry" and not transition.proposed.is_scheduled():
            assert before.run_count <= self.retries, "a run was retried too often"
        assert self.run.run_count - before.run_count in {0, 1}
        assert self.run.total_run_time >= before.total_run_time
        if self.state is not None and not force:
            assert self.state.type not in TERMINAL_STATES
        self.state = entered
        self.history.append((entered, force))


TestFlowRuns = RunMachine.TestCase
TestTaskRuns = TaskRunMachine.TestCase
_THOROUGH = settings(
    max_examples=150, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestFlowRuns.settings = _THOROUGH
TestTaskRuns.settings = _THOROUGH
