"""Where the rules decide otherwise than Prefect 3.8.8 does, they do so on purpose.

What Prefect 3.8.8 decides was recorded from a server of it: a run was forced into each state, and each state proposed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prefect._contract.state import TERMINAL_STATES, StateType
from prefect._orchestration.table import decision_for
from prefect._orchestration.transition import RunFacts

RECORDED: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "wire" / "verdicts.json").read_text())

FACTS = {
    "flow": RunFacts(kind="flow"),
    "flow with deployment": RunFacts(kind="flow", has_deployment=True),
    "task": RunFacts(kind="task"),
}

ENDED = sorted(state_type.value for state_type in TERMINAL_STATES)
UNFINISHED = sorted(state_type.value for state_type in StateType if state_type not in TERMINAL_STATES)

# Each reason with the pairs of states that it is about.
TERMINAL_IS_FINAL = {f"{ended} -> {proposed.value}" for ended in ENDED for proposed in StateType}
NEVER_STUCK_IN_CANCELLING = {f"CANCELLING -> {ended}" for ended in ("COMPLETED", "FAILED", "CRASHED")}
DELIBERATE = {
    "flow": TERMINAL_IS_FINAL
    | NEVER_STUCK_IN_CANCELLING
    # Without a deployment and without a lease there is no process to wait for.
    | {"PENDING -> CANCELLING", "None -> CANCELLING"},
    # A flow run that completed is not run again, even if its result was not kept.
    "flow with deployment": {"COMPLETED -> SCHEDULED"},
    "task": TERMINAL_IS_FINAL
    # What is being cancelled does not restart, of tasks as of flows.
    | {f"CANCELLING -> {proposed}" for proposed in UNFINISHED if proposed != "CANCELLING"}
    # Two task workers must not both claim a run.
    | {"PENDING -> PENDING", "RUNNING -> PENDING"},
}

# The server that was asked creates flow runs and task runs as Pending: nothing has no state there.
NO_STATE = "PENDING"

CASES = [(kind, pair) for kind, pairs in RECORDED.items() for pair in pairs]


def decide(kind: str, pair: str) -> str:
    source, target = pair.split(" -> ")
    initial = StateType(NO_STATE if source == "None" else source)
    decision = decision_for(FACTS[kind], initial, StateType(target))
    assert decision.state is not None
    return f"{decision.verdict} {decision.state.type.value}"


def as_recorded(kind: str, pair: str) -> str:
    if kind == "task" and pair == "None -> PENDING":
        return RECORDED[kind]["PENDING -> PENDING"]
    return RECORDED[kind][pair]


@pytest.mark.parametrize(("kind", "pair"), CASES)
def test_a_verdict_is_the_recorded_one_unless_there_is_a_reason(kind, pair):
    same = decide(kind, pair) == as_recorded(kind, pair)
    deliberate = pair in DELIBERATE[kind] or (pair == "None -> PENDING" and "PENDING -> PENDING" in DELIBERATE[kind])
    assert same or deliberate, f"{as_recorded(kind, pair)} became {decide(kind, pair)}"


def test_all_pairs_were_recorded():
    assert len(RECORDED["flow"]) == len(RECORDED["task"]) == (len(StateType) + 1) * len(StateType)


@pytest.mark.parametrize("kind", ["flow", "task"])
def test_no_reason_is_given_for_what_is_the_same(kind):
    different = {pair for pair in RECORDED[kind] if decide(kind, pair) != as_recorded(kind, pair)}
    needless = DELIBERATE[kind] - different - TERMINAL_IS_FINAL
    assert not needless
