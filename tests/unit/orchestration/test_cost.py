"""Deciding costs next to nothing, since it happens for every state of every task run."""

from __future__ import annotations

import timeit

import pytest
from tests.unit.orchestration.scenarios import transition

from prefect._orchestration.decide import decide


@pytest.mark.parametrize(("initial", "proposed"), [("PENDING", "RUNNING"), ("RUNNING", "COMPLETED")])
def test_a_common_transition_of_a_task_run(initial, proposed):
    proposal = transition("task", initial, proposed)
    decide(proposal)
    per_call = min(timeit.repeat(lambda: decide(proposal), number=2000, repeat=20)) / 2000
    assert per_call <= 8e-6
