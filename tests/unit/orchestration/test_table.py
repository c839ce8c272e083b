"""The page about transitions says what the rules do."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefect._contract.state import StateType
from prefect._orchestration.policies import FLOW_POLICY, TASK_POLICY
from prefect._orchestration.table import SITUATIONS, decision_for, render

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "state-transitions.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == render(), "Write prefect._orchestration.table.render() to the page."


@pytest.mark.parametrize("policy", [FLOW_POLICY, TASK_POLICY], ids=["flow", "task"])
def test_every_rule_is_explained(policy):
    for clause in policy.clauses:
        assert (clause.rule.__doc__ or "").strip().endswith("."), clause.rule.__name__


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.title)
def test_every_pair_is_decided(situation):
    for source in (None, *StateType):
        for target in StateType:
            decision = decision_for(situation.run, source, target)
            assert decision.verdict in {"ACCEPT", "REJECT", "ABORT"}
            assert decision.verdict == "ACCEPT" or decision.reason


def test_settling_rules_only_accept():
    for policy in (FLOW_POLICY, TASK_POLICY):
        for clause in policy.settling:
            for situation in SITUATIONS:
                for source in clause.sources:
                    for target in clause.targets:
                        if situation.run.kind == ("flow" if policy is FLOW_POLICY else "task"):
                            from tests.unit.orchestration.scenarios import state, transition

                            initial = None if source is None else state(source, when=-60)
                            proposal = transition(situation.run.kind, initial, state(target), resuming=True)
                            decision = clause.rule(proposal)
                            assert decision is None or decision.verdict == "ACCEPT"
