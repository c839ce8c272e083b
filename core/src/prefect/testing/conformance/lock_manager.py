"""What every lock manager must be able to do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from prefect.locking.protocol import LockManager

__all__ = ["LockManagerContract"]

SOON = 0.05


class LockManagerContract:
    """
    Subclass it, and give it the fixture `locks`.

    Attributes:
        across_processes: Whether the locks are between processes. Then `expression` is needed too.
    """

    across_processes: ClassVar[bool] = False

    @pytest.fixture
    def locks(self) -> LockManager:
        """The lock manager under test."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'locks'.")

    def expression(self, locks: Any) -> str:
        """Python code that makes the same lock manager in another process, as a variable `locks`."""
        raise NotImplementedError(f"{type(self).__name__} locks across processes, so it needs 'expression'.")

    @pytest.fixture
    def key(self) -> str:
        """A key that nobody else has."""
        return f"key-{uuid4().hex}"

    def test_a_lock_is_taken_held_and_released(self, locks: LockManager, key: str) -> None:
        """The life of a lock."""
        assert not locks.is_locked(key)
        assert locks.acquire_lock(key, "me")
        assert locks.is_locked(key)
        assert locks.is_lock_holder(key, "me")
        assert not locks.is_lock_holder(key, "you")
        locks.release_lock(key, "me")
        assert not locks.is_locked(key)
        assert not locks.is_lock_holder(key, "me")

    def test_the_holder_may_ask_again(self, locks: LockManager, key: str) -> None:
        """Locks are reentrant by holder."""
        assert locks.acquire_lock(key, "me")
        assert locks.acquire_lock(key, "me", acquire_timeout=0)
        locks.release_lock(key, "me")
        assert not locks.is_locked(key)

    def test_keys_do_not_hinder_each_other(self, locks: LockManager, key: str) -> None:
        """A lock is on one key."""
        assert locks.acquire_lock(key, "me")
        assert locks.acquire_lock(f"{key}-2", "you", acquire_timeout=0)
        locks.release_lock(key, "me")
        locks.release_lock(f"{key}-2", "you")

    def test_waiting_has_an_end(self, locks: LockManager, key: str) -> None:
        """Who does not get the lock in time is told so."""
        assert locks.acquire_lock(key, "me")
        began = time.monotonic()
        assert not locks.acquire_lock(key, "you", acquire_timeout=SOON)
        assert not locks.wait_for_lock(key, timeout=SOON)
        assert SOON <= time.monotonic() - began < 30
        locks.release_lock(key, "me")
        assert locks.wait_for_lock(key, timeout=0)

    def test_only_the_holder_releases(self, locks: LockManager, key: str) -> None:
        """Others get an error, the lock stays."""
        with pytest.raises(ValueError, match=key):
            locks.release_lock(key, "me")
        assert locks.acquire_lock(key, "me")
        with pytest.raises(ValueError, match=key):
            locks.release_lock(key, "you")
        assert locks.is_lock_holder(key, "me")
        locks.release_lock(key, "me")

    def test_a_hold_timeout_frees_the_lock(self, locks: LockManager, key: str) -> None:
        """Who holds it for too long loses it."""
        assert locks.acquire_lock(key, "me", hold_timeout=SOON)
        assert locks.acquire_lock(key, "you", acquire_timeout=5)
        assert locks.is_lock_holder(key, "you")
        with pytest.raises(ValueError, match=key):
            locks.release_lock(key, "me")
        locks.release_lock(key, "you")

    def test_a_release_lets_the_next_one_in(self, locks: LockManager, key: str) -> None:
        """Waiters are not forgotten."""
        assert locks.acquire_lock(key, "me")
        with ThreadPoolExecutor(2) as pool:
            waiting = pool.submit(locks.acquire_lock, key, "you", 10)
            watching = pool.submit(locks.wait_for_lock, f"{key}-free", 10)
            time.sleep(SOON)
            assert not waiting.done()
            assert watching.result()
            locks.release_lock(key, "me")
            assert waiting.result()
        assert locks.is_lock_holder(key, "you")
        locks.release_lock(key, "you")

    @pytest.mark.parametrize("odd", ["a/b", "../up", "ü ✓", "a b", ".", "x" * 400, "C:\\x", "%2F"])
    def test_odd_keys(self, locks: LockManager, key: str, odd: str) -> None:
        """Any text is a key."""
        mine, other = f"{key}{odd}", f"{key}{odd}-other"
        assert locks.acquire_lock(mine, "me")
        assert not locks.is_locked(other)
        locks.release_lock(mine, "me")

    def test_threads_exclude_each_other(self, locks: LockManager, key: str) -> None:
        """No two of many threads are within at the same time."""
        inside, most = 0, 0
        guard = threading.Lock()

        def enter(number: int) -> None:
            nonlocal inside, most
            holder = f"thread-{number}"
            assert locks.acquire_lock(key, holder, acquire_timeout=30)
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.001)
            with guard:
                inside -= 1
            locks.release_lock(key, holder)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(enter, range(40)))
        assert most == 1

    def test_coroutines_exclude_each_other(self, locks: LockManager, key: str) -> None:
        """Waiting does not block the event loop, which the holder needs to go on."""

        async def run() -> int:
            inside, most = 0, 0

            async def enter(number: int) -> None:
                nonlocal inside, most
                assert await locks.aacquire_lock(key, f"coroutine-{number}", acquire_timeout=30)
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.001)
                inside -= 1
                locks.release_lock(key, f"coroutine-{number}")

            await asyncio.gather(*(enter(number) for number in range(60)))
            assert await locks.await_for_lock(key, timeout=5)
            assert await locks.aacquire_lock(key, "last")
            assert not await locks.aacquire_lock(key, "late", acquire_timeout=SOON)
            assert not await locks.await_for_lock(key, timeout=SOON)
            locks.release_lock(key, "last")
            return most

        assert asyncio.run(run()) == 1

    def test_a_cancelled_waiter_leaves_nothing_behind(self, locks: LockManager, key: str) -> None:
        """Others still get the lock."""

        async def run() -> None:
            assert await locks.aacquire_lock(key, "me")
            waiter = asyncio.ensure_future(locks.aacquire_lock(key, "you"))
            await asyncio.sleep(SOON)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
            locks.release_lock(key, "me")
            assert await locks.aacquire_lock(key, "they", acquire_timeout=5)
            locks.release_lock(key, "they")

        asyncio.run(run())

    def _start(self, locks: Any, body: str) -> subprocess.Popen[str]:
        code = f"import sys, time\n{self.expression(locks)}\n{textwrap.dedent(body)}"
        return subprocess.Popen(  # noqa: S603 - this interpreter and code of ours
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def test_processes_exclude_each_other(self, locks: LockManager, key: str, tmp_path: Any) -> None:
        """No two of many processes are within at the same time."""
        if not self.across_processes:
            pytest.skip("these locks are within one process")
        counter = tmp_path / "counter"
        counter.write_text("0")
        body = f"""
            for turn in range(25):
                holder = f"{{sys.argv[1:]}}-{{id(locks)}}-{{__import__('os').getpid()}}"
                assert locks.acquire_lock({key!r}, holder, acquire_timeout=60)
                with open({str(counter)!r}) as file: number = int(file.read())
                time.sleep(0.001)
                with open({str(counter)!r}, "w") as file: file.write(str(number + 1))
                locks.release_lock({key!r}, holder)
        """
        processes = [self._start(locks, body) for _ in range(3)]
        assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
        for process in processes:
            process.communicate()
        assert counter.read_text() == "75"

    def test_a_killed_holder_does_not_keep_the_lock(self, locks: LockManager, key: str) -> None:
        """Its lock is free, soon and without a timeout."""
        if not self.across_processes:
            pytest.skip("these locks are within one process")
        body = f"""
            assert locks.acquire_lock({key!r}, "gone")
            print("held", flush=True)
            time.sleep(60)
        """
        process = self._start(locks, body)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert locks.is_lock_holder(key, "gone")
        assert not locks.acquire_lock(key, "me", acquire_timeout=SOON)
        process.kill()
        process.communicate()
        assert locks.acquire_lock(key, "me", acquire_timeout=10)
        locks.release_lock(key, "me")
