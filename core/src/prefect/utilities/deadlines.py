"""
Deadlines for sync code: on the main thread by the system's alarm, on other threads by an exception sent to them.

An alarm interrupts computations as well as system calls. An exception that is sent to a thread arrives when that thread
next runs Python code, which a call that blocks in C delays.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

__all__ = ["DeadlinePassed", "alarm_available", "alarm_deadline", "send_exception", "thread_deadline"]

# A function that swallows the interruption is interrupted again.
_REPEAT_SECONDS = 2.0
# setitimer takes 0 as "never".
_SHORTEST_SECONDS = 1e-6
# When the alarm comes while this module's own code runs, it is put off by this.
_PUT_OFF_SECONDS = 1e-3


class DeadlinePassed(BaseException):
    """What interrupts the function. No `except Exception` catches it, and it never leaves the product."""

    def __init__(self, deadline: object) -> None:
        super().__init__(deadline)
        self.deadline = deadline


def alarm_available() -> bool:
    """Whether this thread can use the system's alarm."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return False
    # None: installed by C code, which cannot be put back from here.
    return signal.getsignal(signal.SIGALRM) is not None


class alarm_deadline:  # noqa: N801 - used like a function
    """
    Interrupt the body of a `with` statement when its time is over. On the main thread only. They nest in any order.

    Args:
        seconds: How long the body may take.
        error: Makes the exception that the statement then raises.
    """

    # The open ones, from the outermost to the innermost: the alarm is one for the process, and so are they.
    _open: list[alarm_deadline] = []  # noqa: RUF012
    _foreign: _ForeignAlarm | None = None

    def __init__(self, seconds: float, error: Callable[[], BaseException]) -> None:
        self.seconds = seconds
        self.error = error
        self.passed = False

    def __enter__(self) -> alarm_deadline:
        self.at = time.monotonic() + self.seconds
        if not alarm_deadline._open:
            alarm_deadline._foreign = _ForeignAlarm()
        alarm_deadline._open.append(self)
        _arm()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        alarm_deadline._open.remove(self)
        if alarm_deadline._open:
            _arm()
        elif alarm_deadline._foreign is not None:
            alarm_deadline._foreign.restore()
            alarm_deadline._foreign = None
        if isinstance(error, DeadlinePassed):
            if error.deadline is self:
                raise self.error() from None
        elif self.passed and (error is None or isinstance(error, Exception)):
            # The interruption was swallowed, or turned into another error.
            raise self.error() from error


class _ForeignAlarm:
    """The alarm that somebody else had set before the first deadline: it goes off in time, and is put back."""

    def __init__(self) -> None:
        remaining, self.interval = signal.getitimer(signal.ITIMER_REAL)
        self.at = time.monotonic() + remaining if remaining else None
        self.handler: Any = signal.signal(signal.SIGALRM, _on_alarm)

    def restore(self) -> None:
        # The timer first: an alarm that comes between both must find our handler, which knows that it is too late.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.handler)
        if self.at is not None:
            remaining = max(self.at - time.monotonic(), _SHORTEST_SECONDS)
            signal.setitimer(signal.ITIMER_REAL, remaining, self.interval)

    def ring(self, frame: FrameType | None) -> None:
        self.at = time.monotonic() + self.interval if self.interval else None
        if callable(self.handler):
            self.handler(signal.SIGALRM, frame)


def _arm() -> None:
    """Set the alarm to the next deadline, or to the foreign alarm if that is due earlier."""
    moment = time.monotonic()
    due = [deadline.at + _REPEAT_SECONDS if deadline.passed else deadline.at for deadline in alarm_deadline._open]
    if alarm_deadline._foreign is not None and alarm_deadline._foreign.at is not None:
        due.append(alarm_deadline._foreign.at)
    signal.setitimer(signal.ITIMER_REAL, max(min(due) - moment, _SHORTEST_SECONDS))


def _on_alarm(signum: int, frame: FrameType | None) -> None:
    if not alarm_deadline._open:
        return
    if frame is not None and frame.f_code in _OWN_CODE:
        signal.setitimer(signal.ITIMER_REAL, _PUT_OFF_SECONDS)
        return
    moment = time.monotonic()
    foreign = alarm_deadline._foreign
    if foreign is not None and foreign.at is not None and foreign.at <= moment:
        foreign.ring(frame)
    for deadline in alarm_deadline._open:  # the outermost that is over: those inside end with it
        if deadline.at <= moment:
            deadline.passed = True
            deadline.at = moment
            _arm()
            raise DeadlinePassed(deadline)
    _arm()


_OWN_CODE = {
    function.__code__
    for function in (
        alarm_deadline.__enter__,
        alarm_deadline.__exit__,
        _ForeignAlarm.__init__,
        _ForeignAlarm.restore,
        _ForeignAlarm.ring,
        _arm,
    )
}


def send_exception(thread_id: int, kind: type[BaseException] | None) -> None:
    """Raise an exception in another thread when it next runs Python code; None takes back one that has not arrived."""
    import ctypes

    exception = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), exception)


class thread_deadline:  # noqa: N801 - used like a function
    """
    Interrupt the body of a `with` statement when its time is over, on any thread, unless it blocks in C code.

    Args:
        seconds: How long the body may take.
        kind: The exception that the statement then raises.
    """

    def __init__(self, seconds: float, kind: type[Exception], message: str) -> None:
        self.kind = kind
        self.message = message
        self.passed = False
        self._over = False
        self._lock = threading.Lock()
        self._thread_id = threading.get_ident()
        # A kind of its own tells this deadline from those around it. It is also what the statement raises, so that it
        # is of the right type even if it arrives in the last moment, when the statement is being left.
        self._interruption = type(kind.__name__, (kind,), {"__module__": kind.__module__, "__str__": lambda _: message})
        self._timer = threading.Timer(max(seconds, 0), self._interrupt)
        self._timer.daemon = True

    def __enter__(self) -> thread_deadline:
        self._timer.start()
        return self

    def _interrupt(self) -> None:
        with self._lock:
            if not self._over:
                self.passed = True
                send_exception(self._thread_id, self._interruption)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True
        if self.passed and not isinstance(error, self._interruption):
            send_exception(self._thread_id, None)
        if self.passed and (error is None or isinstance(error, Exception)):
            raise self.kind(self.message) from (None if isinstance(error, self._interruption) else error)
