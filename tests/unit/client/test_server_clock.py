"""What time it is for a server, by what its answers say."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies as st

from prefect.client.http.server_clock import ServerClock
from prefect.utilities.time import UTC

BEGIN = datetime(2031, 5, 6, 12, tzinfo=UTC)


class World:
    """A server, and a client whose clock is ahead of it by some seconds."""

    def __init__(self, ahead: float) -> None:
        self.there = BEGIN
        self.ahead = timedelta(seconds=ahead)
        self.steady = 100.0
        self.clock = ServerClock(lambda: self.there + self.ahead, lambda: self.steady)

    def pass_by(self, seconds: float) -> None:
        self.there += timedelta(seconds=seconds)
        self.steady += seconds

    def answer(self) -> None:
        self.clock.hear(format_datetime(self.there, usegmt=True))

    @property
    def error(self) -> float:
        return abs((self.clock() - self.there).total_seconds())


@given(
    ahead=st.floats(-1e8, 1e8),
    pauses=st.lists(st.tuples(st.floats(0, 1000), st.booleans()), max_size=20),
)
def test_the_time_there_is_known_from_the_first_answer_on(ahead: float, pauses: list[tuple[float, bool]]) -> None:
    world = World(ahead)
    world.answer()
    for seconds, is_answered in pauses:
        assert world.error <= 6.0
        world.pass_by(seconds)
        if is_answered:
            world.answer()
    assert world.error <= 6.0
    assert abs(ahead) <= 5.5 or world.error <= 1.0


@given(put=st.floats(-1e6, 1e6), seconds=st.floats(0, 100))
def test_it_stays_known_when_the_clock_here_is_put(put: float, seconds: float) -> None:
    world = World(0.0)
    world.answer()
    world.ahead = timedelta(seconds=put)
    world.pass_by(seconds)
    assert world.error <= 6.0


@pytest.mark.parametrize("said", [None, "", "soon", "Tue, 99 May 2031 12:00:00 GMT"])
def test_without_a_date_it_is_as_late_there_as_here(said: str | None) -> None:
    world = World(600.0)
    world.clock.hear(said)
    assert world.clock() == BEGIN + timedelta(minutes=10)


def test_clocks_that_about_agree_are_the_same() -> None:
    world = World(4.0)
    world.answer()
    assert world.clock() == BEGIN + timedelta(seconds=4)
