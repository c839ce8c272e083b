"""Locks between processes that share a folder."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prefect._contract.liveness import ProcessIdentity
from prefect.locking.protocol import LockManager
from prefect.utilities.dual import Sleep, Steps, adrive, drive
from prefect.utilities.time import now, parse_datetime

__all__ = ["FileSystemLockManager"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1
_LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class _LockInfo:
    """What a lock file says: who holds the lock, until when, and which process took it."""

    holder: str
    expiration: datetime | None = None
    owner: ProcessIdentity | None = None

    def dumps(self) -> str:
        return json.dumps(
            {
                "holder": self.holder,
                "expiration": self.expiration.isoformat() if self.expiration else None,
                "owner": asdict(self.owner) if self.owner else None,
            }
        )

    @classmethod
    def loads(cls, text: str) -> _LockInfo:
        data: dict[str, Any] = json.loads(text)
        owner = data.get("owner")
        expiration = data.get("expiration")
        return cls(
            str(data["holder"]),
            parse_datetime(expiration) if expiration else None,
            ProcessIdentity(**owner) if owner else None,
        )

    def is_stale(self) -> bool:
        """Whether the lock has expired, or the process that took it is provably gone."""
        if self.expiration is not None and self.expiration <= now():
            return True
        return self.owner is not None and self.owner.is_alive() is False


@contextmanager
def _exclusively(file: Path) -> Iterator[None]:
    """Keep all other processes and threads out, by a lock that the operating system takes back when a process dies."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class FileSystemLockManager(LockManager):
    """
    Locks between processes that see the same folder.

    A lock is a small JSON file. It is free again when it is released, when its hold timeout has passed, and when the
    process that took it, on this machine, has ended.

    Args:
        lock_files_directory: The folder. It is made when it is needed.
    """

    def __init__(self, lock_files_directory: Path) -> None:
        self.lock_files_directory = Path(lock_files_directory).expanduser().absolute()

    def _file(self, key: str) -> Path:
        """The file of a key. Characters that mean something in paths are escaped, long keys shortened to a digest."""
        name = quote(key, safe=" ")
        if len(name) > _LONGEST_NAME:
            name = f"{name[:64]}-{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()}"
        return self.lock_files_directory / f"{name}.lock"

    def _guard(self) -> AbstractContextManager[None]:
        self.lock_files_directory.mkdir(parents=True, exist_ok=True)
        return _exclusively(self.lock_files_directory / ".guard")

    def _read(self, key: str) -> _LockInfo | None:
        """The live lock on a key. A file that is none of ours is no lock."""
        try:
            info = _LockInfo.loads(self._file(key).read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return None if info.is_stale() else info

    def _write(self, key: str, info: _LockInfo) -> None:
        file = self._file(key)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(info.dumps())
        draft.replace(file)

    def _try_acquire(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        current = self._read(key)
        if current is not None and current.holder != holder:
            return False  # without the guard: waiters do not hinder the holder
        with self._guard():
            current = self._read(key)
            if current is not None and current.holder != holder:
                return False
            expiration = None if hold_timeout is None else now() + timedelta(seconds=hold_timeout)
            self._write(key, _LockInfo(holder, expiration, ProcessIdentity.current()))
            return True

    def _acquire_steps(
        self, key: str, holder: str, acquire_timeout: float | None, hold_timeout: float | None
    ) -> Steps[bool]:
        deadline = None if acquire_timeout is None else time.monotonic() + acquire_timeout
        pause = _FIRST_PAUSE
        while not self._try_acquire(key, holder, hold_timeout):
            if deadline is not None and time.monotonic() >= deadline:
                return False
            yield Sleep(_within(pause, deadline))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        return True

    def _wait_steps(self, key: str, timeout: float | None) -> Steps[bool]:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while self.is_locked(key):
            if deadline is not None and time.monotonic() >= deadline:
                return False
            yield Sleep(_within(pause, deadline))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        return True

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Take the lock on a key. See `LockManager.acquire_lock`."""
        return drive(self._acquire_steps(key, holder, acquire_timeout, hold_timeout))

    async def aacquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Take the lock on a key without blocking the event loop."""
        return await adrive(self._acquire_steps(key, holder, acquire_timeout, hold_timeout))

    def release_lock(self, key: str, holder: str) -> None:
        """
        Give back the lock on a key.

        Raises:
            ValueError: The holder does not hold it.
        """
        current = self._read(key)
        if current is not None and current.holder == holder:
            with self._guard():
                current = self._read(key)
                if current is not None and current.holder == holder:
                    self._file(key).unlink()
                    return
        held = f"it is held by '{current.holder}'" if current is not None else "nobody holds it"
        raise ValueError(f"'{holder}' cannot release the lock on '{key}': {held}.")

    def is_locked(self, key: str, use_cache: bool = False) -> bool:
        """
        Whether anybody holds the lock on a key.

        Args:
            key: What is locked.
            use_cache: Accepted for compatibility: the answer always comes from the folder, which costs microseconds.
        """
        return self._read(key) is not None

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether this holder holds the lock on a key."""
        current = self._read(key)
        return current is not None and current.holder == holder

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock on a key. See `LockManager.wait_for_lock`."""
        return drive(self._wait_steps(key, timeout))

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock on a key, without blocking the event loop."""
        return await adrive(self._wait_steps(key, timeout))


def _within(pause: float, deadline: float | None) -> float:
    return pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic()))
