"""One flush for all who need one at about the same time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest

from prefect._engine.gathering import SharedFlush


def test_those_who_are_expected_share_one_flush() -> None:
    flushes: list[str] = []
    shared = SharedFlush(lambda: flushes.append("flush"), patience=30.0)
    names = [uuid4() for _ in range(8)]
    for name in names:
        shared.expect(name)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(shared.flush, names))
    assert flushes == ["flush"]


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_the_last_one_who_is_expected_joins_the_others() -> None:
    with ThreadPoolExecutor(8) as threads:
        for _ in range(500):
            flushes: list[str] = []
            shared = SharedFlush(partial(flushes.append, "flush"), patience=30.0)
            names = [uuid4() for _ in range(8)]
            for name in names:
                shared.expect(name)
            list(threads.map(shared.flush, names))
            assert flushes == ["flush"]


def test_one_who_does_not_come_after_all_is_not_waited_for() -> None:
    shared = SharedFlush(lambda: None, patience=3600.0)
    coming, missing = uuid4(), uuid4()
    shared.expect(coming)
    shared.expect(missing)
    waiting = threading.Thread(target=shared.flush, args=(coming,))
    waiting.start()
    shared.forget(missing)
    waiting.join(30)
    assert not waiting.is_alive()


def test_one_who_is_late_is_not_waited_for_long() -> None:
    shared = SharedFlush(lambda: None)
    shared.expect(uuid4())
    shared.flush(uuid4())


class SlowFlush:
    """Takes until it may go on."""

    def __init__(self) -> None:
        self.began, self.goes_on = threading.Event(), threading.Event()
        self.times = 0

    def __call__(self) -> None:
        self.times += 1
        self.began.set()
        self.goes_on.wait(30)


def test_a_flush_that_began_before_is_not_joined() -> None:
    slow = SlowFlush()
    shared = SharedFlush(slow)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(shared.flush, uuid4())
        slow.began.wait(30)
        second = threads.submit(shared.flush, uuid4())
        slow.goes_on.set()
        first.result(30)
        second.result(30)
    assert slow.times == 2


def test_those_who_come_while_others_are_flushed_share_the_next() -> None:
    slow = SlowFlush()
    shared = SharedFlush(slow, patience=30.0)
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(shared.flush, uuid4())
        slow.began.wait(30)
        names = [uuid4() for _ in range(8)]
        for name in names:
            shared.expect(name)
        others = [threads.submit(shared.flush, name) for name in names]
        slow.goes_on.set()
        for each in (first, *others):
            each.result(30)
    assert slow.times == 2


def test_all_learn_that_it_failed() -> None:
    def flush() -> None:
        raise OSError("no disk")

    shared = SharedFlush(flush)
    with pytest.raises(OSError, match="no disk"):
        shared.flush(uuid4())
