"""Ends that come from outside: termination signals, and cancellation of the run by someone else."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from prefect.exceptions import TerminationSignal


class CancellationRequest(TerminationSignal):
    """Raised in a flow's code when its run is to be cancelled."""

    def __init__(self) -> None:
        super().__init__(signal=signal.SIGTERM)


_pending_cancellation = threading.Event()
_reschedules = threading.Event()


def reschedule_on_sigterm() -> None:
    """From now on, flow runs are executed elsewhere when this process is told to terminate."""
    _reschedules.set()


def is_rescheduled(error: BaseException) -> bool:
    """Whether a flow run that ends with an error is to be executed elsewhere, since its process was told to terminate."""
    from prefect.settings import get_current_settings

    if isinstance(error, CancellationRequest) or not isinstance(error, TerminationSignal):
        return False
    return _reschedules.is_set() or get_current_settings().flows.sigterm_behavior == "reschedule"


def end_process() -> None:
    """End this process by force, and those it started with it if it leads their session."""
    pid = os.getpid()
    if os.getsid(0) == pid:
        os.killpg(pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)


@contextmanager
def capture_sigterm() -> Generator[None, None, None]:
    """
    Turn SIGTERM into a `TerminationSignal` in the main thread, so that runs end in a state of theirs.

    Afterwards, a process that was told to terminate does so by that signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.getsignal(signal.SIGTERM)

    is_ending = False

    def handle(signum: int, frame: FrameType | None) -> None:
        nonlocal is_ending
        if is_ending:
            return  # who cancels a run may tell its process to terminate, too
        if _pending_cancellation.is_set():
            _pending_cancellation.clear()
            is_ending = True
            raise CancellationRequest
        raise TerminationSignal(signal=signum)

    signal.signal(signal.SIGTERM, handle)
    owner = os.getpid()
    try:
        yield
    except CancellationRequest:
        raise
    except TerminationSignal as error:
        signal.signal(signal.SIGTERM, previous)
        if os.getpid() == owner and error.signal == signal.SIGTERM and previous in (signal.SIG_DFL, None):
            from prefect._engine.recorder import flush_all

            flush_all()
            os.kill(os.getpid(), signal.SIGTERM)
        raise
    finally:
        if signal.getsignal(signal.SIGTERM) is handle:
            signal.signal(signal.SIGTERM, previous)


def owns_process() -> bool:
    """Whether the code that runs here is what this process is for: it is no thread of a server, and nobody types here."""
    return (
        threading.current_thread() is threading.main_thread()
        and not hasattr(sys, "ps1")
        and "ipykernel" not in sys.modules
    )


def interrupter() -> Callable[[], None]:
    """A function that, called from any thread, makes the code that runs here now end with a cancellation."""
    thread = threading.current_thread()
    try:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
    except RuntimeError:
        loop, task = None, None
    if loop is not None and task is not None:
        return lambda: _call_in_loop(loop, task)
    if thread is threading.main_thread():
        return _interrupt_main_thread
    ident = thread.ident
    return lambda: _raise_in_thread(ident)


def _call_in_loop(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)


def _interrupt_main_thread() -> None:
    """A real signal, because only that ends a blocking call of the main thread."""
    if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.SIG_IGN, None):
        return
    _pending_cancellation.set()
    ident = threading.main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, signal.SIGTERM)


def _raise_in_thread(ident: int | None) -> None:
    if ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(CancellationRequest))
