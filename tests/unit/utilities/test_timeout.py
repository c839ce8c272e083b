"""Time limits really end what they limit, and leave nothing behind."""

from __future__ import annotations

import contextvars
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from prefect.utilities.timeout import call_with_timeout, fail_if_not_timeout_error, timeout, timeout_async


def spin(seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def spin_until(what, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        pass


def on_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def here(function):
    return function()


@pytest.fixture(autouse=True)
def nothing_is_left():
    handler = signal.getsignal(signal.SIGALRM)
    timer = signal.getitimer(signal.ITIMER_REAL)[0]  # pytest-timeout's own
    yield
    assert signal.getsignal(signal.SIGALRM) is handler
    now = signal.getitimer(signal.ITIMER_REAL)[0]
    assert (now == 0) == (timer == 0)
    assert now <= timer


def elapsed(function) -> float:
    start = time.monotonic()
    function()
    return time.monotonic() - start


@pytest.mark.parametrize("where", [here, on_thread])
@pytest.mark.parametrize("body", [spin, lambda: time.sleep(30)], ids=["computing", "sleeping"])
def test_a_function_that_takes_too_long_is_ended(where, body):
    def call():
        with pytest.raises(TimeoutError, match=r"0\.1 second"):
            where(lambda: call_with_timeout(body, 0.1))

    assert elapsed(call) < 10


@pytest.mark.parametrize("where", [here, on_thread])
def test_a_value_in_time_is_returned(where):
    assert where(lambda: call_with_timeout(lambda: 42, 5)) == 42
    assert where(lambda: call_with_timeout(lambda: 42, None)) == 42


@pytest.mark.parametrize("where", [here, on_thread])
@pytest.mark.parametrize("error", [ValueError("mine"), TimeoutError("mine"), KeyboardInterrupt("mine")])
def test_exceptions_pass_through(where, error):
    def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        where(lambda: call_with_timeout(fail, 5))
    assert caught.value is error


@pytest.mark.parametrize("where", [here, on_thread])
def test_except_exception_does_not_swallow_the_interruption(where):
    rounds = []

    def stubborn():
        while True:
            try:
                spin(10)
            except Exception:
                rounds.append(1)

    with pytest.raises(TimeoutError):
        where(lambda: call_with_timeout(stubborn, 0.1))
    assert rounds == []


def test_a_swallowed_interruption_is_a_timeout_all_the_same():
    def swallow():
        try:
            spin(10)
        except BaseException:
            return "done"

    with pytest.raises(TimeoutError):
        call_with_timeout(swallow, 0.05)


def test_one_that_swallows_every_interruption_is_interrupted_again():
    interruptions = []

    def swallow():
        while len(interruptions) < 2:
            try:
                spin(10)
            except BaseException:
                interruptions.append(time.monotonic())

    with pytest.raises(TimeoutError):
        call_with_timeout(swallow, 0.05)
    assert 1 < interruptions[1] - interruptions[0] < 9


@pytest.mark.parametrize("where", [here, on_thread])
def test_cleanup_of_the_function_runs(where):
    cleaned = threading.Event()

    def work():
        try:
            spin()
        finally:
            cleaned.set()

    with pytest.raises(TimeoutError):
        where(lambda: call_with_timeout(work, 0.1))
    assert cleaned.is_set()


@pytest.mark.parametrize("where", [here, on_thread])
def test_the_inner_of_two_is_shorter(where):
    def outer():
        with pytest.raises(TimeoutError, match=r"0\.05 "):
            call_with_timeout(spin, 0.05)
        return "went on"

    assert where(lambda: call_with_timeout(outer, 10)) == "went on"


@pytest.mark.parametrize("where", [here, on_thread])
def test_the_outer_of_two_is_shorter(where):
    reached = []

    def outer():
        call_with_timeout(spin, 20)
        reached.append(1)

    def call():
        with pytest.raises(TimeoutError, match=r"0\.1 "):
            where(lambda: call_with_timeout(outer, 0.1))

    assert elapsed(call) < 10
    assert reached == []


def test_the_outer_goes_on_after_the_inner_ended():
    def outer():
        call_with_timeout(lambda: None, 5)
        spin()

    assert elapsed(lambda: pytest.raises(TimeoutError, call_with_timeout, outer, 0.1)) < 4  # the inner one would be 5


def test_many_in_a_row_leave_no_alarm():
    for _ in range(2000):
        assert call_with_timeout(lambda: 1, 30) == 1


def test_a_deadline_that_is_hit_at_about_the_end_gives_a_value_or_a_timeout():
    outcomes = set()
    for step in range(300):
        limit = 0.0003 + step * 1e-6
        try:
            outcomes.add(call_with_timeout(lambda: spin(0.0004), limit))
        except TimeoutError:
            outcomes.add("timeout")
    assert outcomes <= {None, "timeout"}


def test_somebody_elses_alarm_goes_off_inside_and_is_kept():
    rung = []
    before_handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    before = signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        call_with_timeout(lambda: spin_until(lambda: len(rung) >= 2), 30)
        inside = len(rung)
        assert inside >= 2
        spin_until(lambda: len(rung) > inside)
        assert len(rung) > inside
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
        signal.signal(signal.SIGALRM, before_handler)


def test_context_variables_are_seen_on_the_other_thread():
    variable = contextvars.ContextVar("variable", default=0)

    def work():
        variable.set(7)
        return call_with_timeout(variable.get, 5)

    assert on_thread(work) == 7


def test_a_thread_that_blocks_in_c_is_left_to_itself():
    release = threading.Lock()
    release.acquire()
    ended = threading.Event()

    def block():
        release.acquire()
        ended.set()

    def call():
        with pytest.raises(TimeoutError):
            on_thread(lambda: call_with_timeout(block, 0.1))

    assert elapsed(call) < 10
    release.release()
    assert not ended.wait(0.2)  # it was interrupted as soon as it ran Python code again


@pytest.mark.parametrize("where", [here, on_thread])
def test_timeout_as_a_statement(where):
    class TooLate(TimeoutError):
        pass

    def body():
        with timeout(0.1, timeout_exc_type=TooLate):
            spin()

    with pytest.raises(TooLate, match=r"0\.1 second") as caught:
        where(body)
    assert type(caught.value) is TooLate


@pytest.mark.parametrize("where", [here, on_thread])
def test_timeout_statements_that_end_in_time(where):
    def body():
        for _ in range(50):
            with timeout(0.5):
                pass
        with timeout(None):
            time.sleep(0.01)
        spin(0.6)
        return "no late interruption"

    assert where(body) == "no late interruption"


@pytest.mark.parametrize("where", [here, on_thread])
def test_nested_timeout_statements(where):
    def body():
        with timeout(0.1):
            with timeout(20):
                spin()

    with pytest.raises(TimeoutError, match=r"0\.1 second"):
        where(body)


def test_async_code_is_cancelled():
    class TooLate(TimeoutError):
        pass

    async def main():
        with timeout_async(None):
            await anyio.sleep(0)
        with pytest.raises(TooLate):
            with timeout_async(0.05, timeout_exc_type=TooLate):
                await anyio.sleep(10)
        with pytest.raises(TimeoutError, match="my own"):
            with timeout_async(5):
                raise TimeoutError("my own")

    assert elapsed(lambda: anyio.run(main)) < 3


def test_only_timeout_errors_may_stand_for_a_timeout():
    fail_if_not_timeout_error(TimeoutError)
    with pytest.raises(ValueError, match="ValueError"):
        fail_if_not_timeout_error(ValueError)
    with pytest.raises(ValueError):
        timeout(1, timeout_exc_type=KeyError)
