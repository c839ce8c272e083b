"""Locks within one process."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import Self

from prefect.locking.protocol import LockManager
from prefect.utilities.dual import Steps, adrive, drive

__all__ = ["MemoryLockManager"]

Signal = concurrent.futures.Future[None]


@dataclass(slots=True)
class _Lock:
    holder: str
    expires: float | None
    waiters: list[Signal] = field(default_factory=list)

    def is_expired(self, now: float) -> bool:
        return self.expires is not None and self.expires <= now


@dataclass(frozen=True, slots=True)
class _Wait:
    """Wait for a signal, at most for some seconds."""

    signal: Signal
    seconds: float | None

    def perform(self) -> None:
        concurrent.futures.wait([self.signal], self.seconds)

    async def aperform(self) -> None:
        await asyncio.wait([asyncio.wrap_future(self.signal)], timeout=self.seconds)


class MemoryLockManager(LockManager):
    """
    Locks within this process. All instances are the same one, so that they exclude each other.

    A copy in another process, such as one that came by pickle, knows nothing of the locks here: use
    `FileSystemLockManager` for more than one process.
    """

    _instance: MemoryLockManager | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Give the one instance of the class."""
        if cls._instance is None or type(cls._instance) is not cls:
            made = super().__new__(cls)
            made._reset()
            cls._instance = made
        return cls._instance

    def _reset(self) -> None:
        self._locks: dict[str, _Lock] = {}
        self._mutex = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """Start anew after a fork: the holders, and whoever held the mutex, stayed behind."""
        self._locks = {}
        self._mutex = threading.Lock()

    def __reduce__(self) -> tuple[Callable[[], MemoryLockManager], tuple[()]]:
        """Pickle as "the instance of the process that reads this"."""
        return (type(self), ())

    def _current(self, key: str) -> _Lock | None:
        """The live lock on a key; called with the mutex held."""
        lock = self._locks.get(key)
        if lock is not None and lock.is_expired(time.monotonic()):
            del self._locks[key]
            self._wake(lock)
            return None
        return lock

    @staticmethod
    def _wake(lock: _Lock) -> None:
        for signal in lock.waiters:
            if signal.set_running_or_notify_cancel():
                signal.set_result(None)
        lock.waiters.clear()

    def _try(self, key: str, holder: str | None, hold_timeout: float | None, signal: Signal) -> float | bool | None:
        """
        Take a lock, or find it free when there is no holder; otherwise be signalled when it is released.

        Returns:
            True, or the seconds after which the lock expires; None if it does not.
        """
        with self._mutex:
            now = time.monotonic()
            lock = self._current(key)
            if lock is not None and lock.holder != holder:
                lock.waiters.append(signal)
                return None if lock.expires is None else max(0.0, lock.expires - now)
            if holder is not None:
                expires = None if hold_timeout is None else now + hold_timeout
                if lock is None:
                    self._locks[key] = _Lock(holder, expires)
                else:
                    lock.expires = expires
            return True

    def _steps(
        self, key: str, holder: str | None, timeout: float | None, hold_timeout: float | None = None
    ) -> Steps[bool]:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            signal: Signal = concurrent.futures.Future()
            remaining = self._try(key, holder, hold_timeout, signal)
            if remaining is True:
                return True
            left = None if deadline is None else deadline - time.monotonic()
            try:
                if left is not None and left <= 0:
                    return False
                bounds = [seconds for seconds in (left, remaining) if seconds is not None]
                yield _Wait(signal, min(bounds) if bounds else None)
            finally:
                self._withdraw(key, signal)

    def _withdraw(self, key: str, signal: Signal) -> None:
        with self._mutex:
            lock = self._locks.get(key)
            if lock is not None and signal in lock.waiters:
                lock.waiters.remove(signal)

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Take the lock on a key. See `LockManager.acquire_lock`."""
        return drive(self._steps(key, holder, acquire_timeout, hold_timeout))

    async def aacquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Take the lock on a key without blocking the event loop."""
        return await adrive(self._steps(key, holder, acquire_timeout, hold_timeout))

    def release_lock(self, key: str, holder: str) -> None:
        """
        Give back the lock on a key.

        Raises:
            ValueError: The holder does not hold it.
        """
        with self._mutex:
            lock = self._current(key)
            if lock is None or lock.holder != holder:
                held = f"it is held by '{lock.holder}'" if lock is not None else "nobody holds it"
                raise ValueError(f"'{holder}' cannot release the lock on '{key}': {held}.")
            del self._locks[key]
            self._wake(lock)

    def is_locked(self, key: str) -> bool:
        """Whether anybody holds the lock on a key."""
        with self._mutex:
            return self._current(key) is not None

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether this holder holds the lock on a key."""
        with self._mutex:
            lock = self._current(key)
            return lock is not None and lock.holder == holder

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock on a key. See `LockManager.wait_for_lock`."""
        return drive(self._steps(key, None, timeout))

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock on a key, without blocking the event loop."""
        return await adrive(self._steps(key, None, timeout))
