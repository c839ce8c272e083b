"""How long is waited when the orchestrator says to wait, which it says in whole seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from prefect._engine.effects import SleepUntil
from prefect._engine.proposing import ask_for_state, wait_for_retry
from prefect.states import AwaitingRetry, Running
from prefect.utilities.time import now


def told_to_wait(seconds: int, due: datetime | None) -> float:
    """For how long a proposal is held back."""
    steps = ask_for_state(uuid4(), Running(), due=due)
    next(steps)
    answer: Any = SimpleNamespace(status="WAIT", details=SimpleNamespace(delay_seconds=seconds))
    effect = steps.send(answer)
    assert isinstance(effect, SleepUntil)
    return (effect.moment - now()).total_seconds()


@pytest.mark.parametrize(
    ("ahead", "said", "expected"),
    [
        (2.3, 3, 2.3),  # exactly then, rather than up to a second later
        (-0.1, 1, 0.0),  # the orchestrator's clock is a little behind: soon again
        (30.0, 3, 3.0),  # this clock is wrong: as long as was said
        (-30.0, 3, 3.0),
        (None, 3, 3.0),
    ],
)
def test_a_run_waits_until_it_is_due(ahead: float | None, said: int, expected: float) -> None:
    due = None if ahead is None else now() + timedelta(seconds=ahead)
    assert told_to_wait(said, due) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("skew", [0.0, 600.0, -600.0, 2.0, -2.0])
@pytest.mark.parametrize("delay", [0.0, 3.0, 3600.0])
@pytest.mark.parametrize("taken", [0.0, 2.5])
def test_a_retry_is_waited_for_as_long_as_its_delay_or_less(skew: float, delay: float, taken: float) -> None:
    there = now() - timedelta(seconds=skew + taken)  # when it was decided, by the orchestrator's clock
    steps = wait_for_retry(AwaitingRetry(timestamp=there, scheduled_time=there + timedelta(seconds=delay)))
    effect = next(steps)
    assert isinstance(effect, SleepUntil)
    waits = (effect.moment - now()).total_seconds()
    assert waits <= delay + 0.05
    if skew <= 0:  # this clock is behind, or right
        assert waits >= delay - taken - 0.05
