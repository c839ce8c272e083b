"""What a lock manager must be able to do."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["LockManager"]


@runtime_checkable
class LockManager(Protocol):
    """Gives locks on keys to holders. A holder that asks again for a lock that it has gets it again."""

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """
        Take the lock on a key, waiting for it if need be.

        Args:
            key: What is locked.
            holder: Who asks. The same holder may ask again.
            acquire_timeout: Seconds to wait at most; None to wait for ever.
            hold_timeout: Seconds after which others may take the lock although it was not released; None for never.

        Returns:
            Whether the lock was acquired.
        """
        ...

    async def aacquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Like `acquire_lock`, without blocking the event loop."""
        ...

    def release_lock(self, key: str, holder: str) -> None:
        """
        Give back the lock on a key.

        Raises:
            ValueError: The holder does not hold it.
        """
        ...

    def is_locked(self, key: str) -> bool:
        """Whether anybody holds the lock on a key."""
        ...

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether this holder holds the lock on a key."""
        ...

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """
        Wait until nobody holds the lock on a key.

        Args:
            key: What is locked.
            timeout: Seconds to wait at most; None to wait for ever.

        Returns:
            Whether the lock is free.
        """
        ...

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Like `wait_for_lock`, without blocking the event loop."""
        ...
