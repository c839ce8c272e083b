"""Renders what the rules say about every pair of states, as the page `docs/reference/state-transitions.md`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from prefect._contract.state import State, StateDetails, StateType
from prefect._orchestration.decide import decide
from prefect._orchestration.policies import FLOW_POLICY, TASK_POLICY, Clause, Policy, Source
from prefect._orchestration.transition import Decision, RunFacts, Transition

__all__ = ["SITUATIONS", "Situation", "decision_for", "render"]

_NOW = datetime(2030, 1, 1, 12, tzinfo=timezone.utc)
_DUE = datetime(2030, 1, 1, 11, tzinfo=timezone.utc)
_LATER = datetime(2030, 1, 1, 13, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Situation:
    """
    Runs of one kind about which the same is known.

    Args:
        title: What is known, for people.
        run: What is known.
    """

    title: str
    run: RunFacts


SITUATIONS = (
    Situation("A flow run without a deployment and without retries", RunFacts(kind="flow", run_count=1)),
    Situation(
        "A flow run with a deployment and a retry left",
        RunFacts(kind="flow", run_count=1, retries=1, has_deployment=True),
    ),
    Situation("A task run without retries", RunFacts(kind="task", run_count=1)),
    Situation("A task run with a retry left", RunFacts(kind="task", run_count=1, retries=1)),
    Situation(
        "A task run of a flow run that is not running",
        RunFacts(kind="task", run_count=1, flow_run_state=StateType.CANCELLING),
    ),
)
"""The situations that the page has a table for."""

_INTRODUCTION = """\
# State transitions

<!-- Made by prefect._orchestration.table.render(). A test fails when this page says something else than the rules. -->

A run moves from state to state by proposals: its process, a worker, a user or a service proposes a state, and the rules
below decide. There are four verdicts:

- **accept**: the run enters the proposed state.
- **reject**: the run enters another state, which is named, or stays as it is.
- **wait**: the same is to be proposed again later.
- **abort**: nothing changes, and the proposer must stop.

A transition that is forced skips all rules except those that are asked first.
"""

_LEGEND = """\
Rows are states that are left, columns are states that are proposed. `✓` is accept, `→ X` is reject with the run
entering X, `=` is reject with the run staying as it is, `✗` is abort. Nothing is scheduled for later in these tables,
nobody holds a lease, and pauses have not expired.
"""


def decision_for(run: RunFacts, source: Source, target: StateType) -> Decision:
    """What is decided about a proposal of which nothing is known but what `run` says."""
    return decide(Transition(run, None if source is None else _state(source), _state(target), _NOW))


def render() -> str:
    """The page, as Markdown."""
    parts = [_INTRODUCTION, _rules("Rules for flow runs", FLOW_POLICY), _rules("Rules for task runs", TASK_POLICY)]
    parts.append(f"## Every pair of states\n\n{_LEGEND}")
    parts += [f"### {situation.title}\n\n{_table(situation.run)}" for situation in SITUATIONS]
    return "\n".join(parts)


def _state(state_type: StateType) -> State[Any]:
    details = StateDetails()
    if state_type is StateType.SCHEDULED:
        details = StateDetails(scheduled_time=_DUE)
    elif state_type is StateType.PAUSED:
        details = StateDetails(pause_timeout=_LATER)
    return State(type=state_type, state_details=details, timestamp=_NOW)


def _rules(title: str, policy: Policy) -> str:
    lists = [
        ("Asked first, also when a transition is forced:", policy.always),
        ("Asked next; the first that has an opinion decides:", policy.rules),
        ("What else changes when nobody objects:", policy.settling),
    ]
    text = f"## {title}\n"
    for introduction, clauses in lists:
        text += f"\n{introduction}\n\n"
        text += "".join(f"1. **{_sentence(clause)}** {_explanation(clause)}\n" for clause in _once(clauses))
    return text


def _once(clauses: Iterable[Clause]) -> list[Clause]:
    return list({clause.rule: clause for clause in clauses}.values())


def _sentence(clause: Clause) -> str:
    return f"{clause.rule.__name__.replace('_', ' ').capitalize()}."


def _explanation(clause: Clause) -> str:
    return (clause.rule.__doc__ or "").strip().partition("\n\n")[0]


def _table(run: RunFacts) -> str:
    targets = list(StateType)
    lines = ["| | " + " | ".join(target.value for target in targets) + " |", "|---" * (len(targets) + 1) + "|"]
    for source in (None, *StateType):
        facts = run if source is not None else replace(run, run_count=0)
        cells = [_cell(decision_for(facts, source, target), source) for target in targets]
        lines.append(f"| **{'(none)' if source is None else source.value}** | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(decision: Decision, source: Source) -> str:
    if decision.verdict == "ACCEPT":
        return "✓"
    if decision.verdict == "REJECT":
        state = decision.state
        return "=" if state is None or state.type is source else f"→ {state.name}"
    return "✗" if decision.verdict == "ABORT" else "wait"
