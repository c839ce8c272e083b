"""The pool of daemon threads."""

from __future__ import annotations

import threading
import time

import pytest

from prefect._engine.pool import EASY_THREADS, ThreadPool


class Stop(BaseException):
    """Ends a thread's work."""


def test_outcomes_arrive_in_their_futures() -> None:
    pool = ThreadPool()
    assert pool.submit(lambda: 1).result(30) == 1
    failing = pool.submit(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        failing.result(30)
    pool.close()
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit(lambda: 1)


def test_quick_work_needs_few_threads() -> None:
    pool = ThreadPool()
    futures = [pool.submit(lambda: None) for _ in range(2_000)]
    for future in futures:
        future.result(30)
    assert len(pool._threads) <= 2 * EASY_THREADS
    pool.close()


def test_blocked_work_gets_more_threads() -> None:
    pool = ThreadPool()
    barrier = threading.Barrier(EASY_THREADS * 3, timeout=60)
    futures = [pool.submit(barrier.wait) for _ in range(EASY_THREADS * 3)]
    assert sorted(future.result(60) for future in futures) == list(range(EASY_THREADS * 3))
    pool.close()


def test_a_limit_is_kept() -> None:
    pool = ThreadPool(max_workers=2)
    for future in [pool.submit(lambda: time.sleep(0.05)) for _ in range(6)]:
        future.result(30)
    assert len(pool._threads) == 2
    pool.close()


def test_cancelling_drops_what_waits_and_interrupts_what_runs() -> None:
    pool = ThreadPool(max_workers=1)
    begun = threading.Event()

    def spin() -> None:
        begun.set()
        while True:
            time.sleep(0.01)

    running, waiting = pool.submit(spin), pool.submit(lambda: 1)
    assert begun.wait(30)
    pool.cancel(Stop)
    with pytest.raises(Stop):
        running.result(30)
    assert waiting.cancelled()
    assert pool.wait(30)
    pool.close()


def test_waiting_has_a_limit() -> None:
    pool = ThreadPool()
    release = threading.Event()
    pool.submit(lambda: release.wait(30))
    assert not pool.wait(0.05)
    release.set()
    assert pool.wait(30)
    pool.close()
