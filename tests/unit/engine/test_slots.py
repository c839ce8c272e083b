"""What a process knows of limits of tags, and when it asks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from prefect._engine.slots import LimitedTags


def answer(steps: Any, *pages: list[str]) -> tuple[Any, int]:
    """Drive the steps with pages of tags; what they return, and how often they asked."""
    asked, queue = 0, list(pages)
    try:
        next(steps)
        while True:
            asked += 1
            steps.send([SimpleNamespace(tag=tag) for tag in queue.pop(0)])
    except StopIteration as stop:
        return stop.value, asked


def test_all_pages_are_asked_for() -> None:
    found, asked = answer(LimitedTags().read(None), ["a", "b"], ["c"], [])
    assert (found, asked) == ({"a", "b", "c"}, 3)


def test_a_server_that_answers_the_same_page_again_is_asked_no_further() -> None:
    found, asked = answer(LimitedTags().read(None), ["a"], ["a"], ["never"])
    assert (found, asked) == ({"a"}, 2)


def test_what_is_known_is_not_asked_again() -> None:
    known = LimitedTags()
    answer(known.read(None), ["a"], [])
    assert answer(known.read(None)) == ({"a"}, 0)


def test_one_asks_anew_while_the_others_go_by_what_is_known() -> None:
    known = LimitedTags()
    answer(known.read(None), ["a"], [])
    known._asked = -1e9
    asking = known.read(None)
    next(asking)
    assert answer(known.read(None)) == ({"a"}, 0)
    assert answer_rest(asking, ["b"], []) == {"b"}
    assert answer(known.read(None)) == ({"b"}, 0)


def answer_rest(steps: Any, *pages: list[str]) -> Any:
    try:
        for page in pages:
            steps.send([SimpleNamespace(tag=tag) for tag in page])
    except StopIteration as stop:
        return stop.value
    raise AssertionError("more was asked for")


def test_who_asks_first_does_not_keep_others_from_asking_when_it_fails() -> None:
    known = LimitedTags()
    failing = known.read(None)
    next(failing)
    failing.close()
    assert answer(known.read(None), ["a"], [])[0] == {"a"}
