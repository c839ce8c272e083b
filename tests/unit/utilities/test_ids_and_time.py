from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import threading
import time
import timeit
import weakref
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest

from prefect.utilities.ids import Generator, uuid7
from prefect.utilities.time import as_utc, duration_in_words, from_timestamp, now, parse_datetime


def test_ids_are_of_version_7_and_hold_the_time():
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_ids_never_go_backwards_also_on_several_threads():
    made: list[list] = []

    def make():
        made.append([uuid7() for _ in range(5_000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ids == sorted(ids) for ids in made)
    assert len({one for ids in made for one in ids}) == 20_000
    assert uuid7() > max(one for ids in made for one in ids)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_fork_makes_other_ids():
    uuid7()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=lambda: queue.put([uuid7() for _ in range(100)]))
    child.start()
    mine = [uuid7() for _ in range(100)]
    theirs = queue.get(timeout=60)
    child.join()
    assert not set(mine) & set(theirs)
    # The random bits too: with the same ones, equal times would make equal ids.
    assert not {one.int & 0xFFFF_FFFF for one in mine} & {one.int & 0xFFFF_FFFF for one in theirs}


def test_ids_never_go_backwards_when_the_clock_does():
    times = iter([5_000_000, 4_000_000, 4_000_000, 1_000_000, 6_000_000])
    generator = Generator(clock=lambda: next(times))
    made = [generator.make() for _ in range(5)]
    assert made == sorted(made)
    assert [one.int >> 80 for one in made] == [5, 5, 5, 5, 6]


def test_ids_are_taken_from_the_next_millisecond_when_one_is_full():
    generator = Generator(clock=lambda: 7_000_000)
    before = generator.make()
    generator._count = (1 << 30) - 2  # what half a billion ids lead to
    last, first = generator.make(), generator.make()
    assert before < last < first
    assert [one.int >> 80 for one in (before, last, first)] == [7, 7, 8]
    assert all((one.version, one.variant) == (7, "specified in RFC 4122") for one in (last, first))


def test_an_id_is_like_any_other_uuid():
    made = uuid7()
    same = UUID(int=made.int)
    assert (made, hash(made), str(made), repr(made)) == (same, hash(same), str(same), repr(same))
    assert (made.is_safe, made.bytes, made.fields) == (same.is_safe, same.bytes, same.fields)
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == same
    assert weakref.ref(made)() is made
    with pytest.raises(TypeError, match="immutable"):
        made.int = 3


def test_what_makes_ids_is_pickled_by_name():
    assert pickle.loads(pickle.dumps(uuid7)) is uuid7


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")
def test_a_signal_handler_may_make_an_id_while_one_is_made():
    made = []
    previous = signal.signal(signal.SIGALRM, lambda *_: made.append(uuid7()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        deadline = time.monotonic() + 0.2
        while time.monotonic() < deadline:
            made.append(uuid7())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert len(set(made)) == len(made)


def test_an_id_costs_little():
    best = min(timeit.repeat(uuid7, timer=time.thread_time, number=2_000, repeat=5)) / 2_000
    assert best < 6e-6  # it takes one to two microseconds; the machine may be busy


def test_moments_are_in_utc():
    assert now().tzinfo is timezone.utc
    assert from_timestamp(0) == datetime(1970, 1, 1, tzinfo=timezone.utc)
    east = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert as_utc(east) == east
    assert as_utc(east).hour == 10
    assert as_utc(datetime(2026, 1, 1)) == datetime(2026, 1, 1, tzinfo=timezone.utc)
    moment = now()
    assert as_utc(moment) is moment


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "2026-01-31T14:00:00+02:00", "2026-01-31 12:00:00.000000z"]
)
def test_moments_are_read(text):
    moment = parse_datetime(text)
    assert moment == datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
    assert moment.tzinfo is timezone.utc


def test_what_is_no_moment_is_refused():
    with pytest.raises(ValueError, match="'tomorrow' is not an ISO 8601 moment"):
        parse_datetime("tomorrow")


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(minutes=-2, seconds=-5), "2 minutes 5 seconds"),
        (timedelta(hours=1, minutes=1, seconds=1), "1 hour 1 minute"),
        (timedelta(weeks=2, days=1, hours=3), "2 weeks 1 day"),
        (timedelta(hours=2, seconds=5), "2 hours 5 seconds"),
    ],
)
def test_durations_in_words(duration, words):
    assert duration_in_words(duration) == words
