"""
A pool of daemon threads for submitted tasks.

It differs from the standard library's in what a workflow needs: its threads do not keep a dying process alive, what runs in
them can be told to stop, and without a limit it grows with what is *blocked*, not with what is queued: 10,000 quick tasks
are served by a few dozen threads, yet 500 tasks that wait for each other all get one.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

EASY_THREADS = 32
"""Threads that are started as soon as work waits; beyond them only when work does not move."""
STALL_SECONDS = 0.02


class ThreadPool:
    """
    Runs callables in daemon threads.

    Args:
        max_workers: The most threads at once; None for no limit.
        name: The threads' name prefix.
    """

    def __init__(self, max_workers: int | None = None, name: str = "prefect-task") -> None:
        self._limit = max_workers
        self._name = name
        self._work: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._ready = threading.Condition(threading.Lock())
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._started = 0
        self._finished = 0
        self._closed = False
        self._watcher: threading.Thread | None = None
        self._changed = threading.Condition(threading.Lock())

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        """Run a callable in a thread; its outcome is the future's."""
        future: Future[Any] = Future()
        with self._ready:
            if self._closed:
                raise RuntimeError("This pool of threads is closed.")
            self._work.append((future, call))
            if self._idle >= len(self._work):
                self._ready.notify()
            elif len(self._threads) < min(EASY_THREADS, self._limit or EASY_THREADS):
                self._start_thread()
            elif self._watcher is None and len(self._threads) < (self._limit or len(self._threads) + 1):
                self._watcher = threading.Thread(target=self._watch, name=f"{self._name}-watch", daemon=True)
                self._watcher.start()
        return future

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _serve(self) -> None:
        while True:
            with self._ready:
                while not self._work and not self._closed:
                    self._idle += 1
                    self._ready.wait()
                    self._idle -= 1
                if not self._work:
                    self._threads.discard(threading.current_thread())
                    return
                future, call = self._work.popleft()
                self._started += 1
            if future.set_running_or_notify_cancel():
                try:
                    outcome = call()
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(outcome)
                del future, call
            with self._changed:
                self._finished += 1
                self._changed.notify_all()

    def _watch(self) -> None:
        """Start more threads while queued work does not move."""
        seen = -1
        while True:
            time.sleep(STALL_SECONDS)
            with self._ready:
                if not self._work:
                    self._watcher = None
                    return
                if seen == self._started:
                    room = len(self._work) if self._limit is None else self._limit - len(self._threads)
                    for _ in range(min(room, len(self._work), EASY_THREADS)):
                        self._start_thread()
                seen = self._started

    @property
    def _busy(self) -> bool:
        return self._started > self._finished or bool(self._work)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs and nothing is queued; False when the time is over first."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while self._busy:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(min(0.5, left) if left is not None else 0.5)
        return True

    def cancel(self, error: type[BaseException]) -> None:
        """Drop what has not begun, and raise `error` in every thread that works, at its next Python instruction."""
        with self._ready:
            while self._work:
                self._work.popleft()[0].cancel()
            running = [thread.ident for thread in self._threads if thread.ident is not None]
        if self._started > self._finished:
            for ident in running:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(error))

    def close(self) -> None:
        """Let the threads end once the queue is empty."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
