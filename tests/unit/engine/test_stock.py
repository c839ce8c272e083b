"""Claims of runs that begin later: as many as end in a moment, and for no longer than one."""

from __future__ import annotations

from typing import Any

import pytest

from prefect._engine.stock import KEPT_SECONDS, Stock


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def stock_after(clock: Clock, ended: int, seconds: float, limit: int | None = 10) -> Stock:
    stock = Stock(limit, clock)
    for _ in range(ended):
        stock.note_end()
    clock.now += seconds
    return stock


@pytest.mark.parametrize(
    ("ended", "seconds", "limit", "wanted"),
    [
        (0, 0.0, 10, 0),
        (200, 1.0, 10, 30),
        (1000, 1.0, 10, 50),
        (60, 1.0, 10, 0),  # no more end in a moment than there is room for
        (60, 1.0, 2, 9),
        (10, 0.01, 10, 0),  # too soon to tell
        (1000, 1.0, None, 0),
    ],
)
def test_as_many_claims_are_wanted_as_runs_end_in_a_moment(
    clock: Clock, ended: int, seconds: float, limit: int | None, wanted: int
) -> None:
    assert stock_after(clock, ended, seconds, limit).wanted() == wanted


def test_no_claims_are_wanted_once_runs_take_long(clock: Clock) -> None:
    stock = stock_after(clock, 200, 1.0)
    assert stock.wanted() == 30
    clock.now += 0.02
    assert stock.wanted() == 30
    clock.now += 1.0
    assert stock.wanted() == 0


def test_it_is_low_when_half_of_it_is_taken(clock: Clock) -> None:
    stock = stock_after(clock, 200, 1.0)
    stock.wanted()
    claims: list[Any] = [object() for _ in range(30)]
    for claim in claims:
        stock.put(claim)
    taken = []
    while not stock.is_low:
        taken.append(stock.take())
    assert taken == claims[:15]


def test_what_has_waited_for_too_long_is_given_up_and_not_taken(clock: Clock) -> None:
    stock = Stock(10, clock)
    old, young = object(), object()
    stock.put(old)  # type: ignore[arg-type]
    clock.now += KEPT_SECONDS
    stock.put(young)  # type: ignore[arg-type]
    assert stock.give_up() == []
    clock.now += 0.01
    assert stock.take() is None
    assert stock.give_up() == [old]
    assert stock.take() is young
    stock.put(young)  # type: ignore[arg-type]
    assert stock.give_up(everything=True) == [young]
    assert len(stock) == 0
