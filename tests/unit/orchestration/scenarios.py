"""Short ways to propose a state and to see what becomes of it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from prefect._contract.state import State, StateDetails, StateType
from prefect._orchestration.decide import decide
from prefect._orchestration.transition import Decision, RunFacts, Transition

NOW = datetime(2030, 1, 1, 12, tzinfo=timezone.utc)


def at(seconds: float) -> datetime:
    """A moment, in seconds from now."""
    return NOW + timedelta(seconds=seconds)


def state(
    type_: StateType | str, name: str | None = None, when: float = 0, message: str | None = None, **details: Any
) -> State[Any]:
    data = details.pop("data", None)
    if StateType(type_) is StateType.SCHEDULED:
        details.setdefault("scheduled_time", at(when))
    return State(
        type=type_, name=name, message=message, data=data, timestamp=at(when), state_details=StateDetails(**details)
    )


def transition(
    kind: str, initial: State[Any] | str | None, proposed: State[Any] | str, force: bool = False, **facts: Any
) -> Transition:
    initial = state(initial, when=-60) if isinstance(initial, str) else initial
    proposed = state(proposed) if isinstance(proposed, str) else proposed
    return Transition(RunFacts(kind=kind, **facts), initial, proposed, NOW, force)  # type: ignore[arg-type]


def flow(initial: State[Any] | str | None, proposed: State[Any] | str, force: bool = False, **facts: Any) -> Decision:
    return decide(transition("flow", initial, proposed, force, **facts))


def task(initial: State[Any] | str | None, proposed: State[Any] | str, force: bool = False, **facts: Any) -> Decision:
    return decide(transition("task", initial, proposed, force, **facts))


def writes(decision: Decision) -> dict[str, Any]:
    return {write.field: write.value for write in decision.writes}


def outcome(decision: Decision) -> tuple[str, str | None]:
    return decision.verdict, None if decision.state is None else decision.state.name
