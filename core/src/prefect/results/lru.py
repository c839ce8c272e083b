"""A cache that forgets what was not used for the longest time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from typing import TypeVar

__all__ = ["LRUCache"]

K = TypeVar("K")
V = TypeVar("V")

_MISSING = object()


class LRUCache(MutableMapping[K, V]):
    """
    A mapping of at most `maxsize` items, safe under threads.

    Args:
        maxsize: When one more is added, the item that was not used for the longest time is dropped.
    """

    __slots__ = ("_items", "_lock", "maxsize")

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self._items: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, key: K) -> V:
        """The value of a key, which counts as used."""
        with self._lock:
            value = self._items[key]
            self._items.move_to_end(key)
            return value

    def __setitem__(self, key: K, value: V) -> None:
        """Keep a value, and drop another one if need be."""
        with self._lock:
            self._items[key] = value
            self._items.move_to_end(key)
            if len(self._items) > self.maxsize:
                self._items.popitem(last=False)

    def __delitem__(self, key: K) -> None:
        """Forget a key."""
        with self._lock:
            del self._items[key]

    def __iter__(self) -> Iterator[K]:
        """The keys of this moment, the longest unused first."""
        with self._lock:
            return iter(list(self._items))

    def __len__(self) -> int:
        """How many items there are."""
        return len(self._items)

    def __repr__(self) -> str:
        """Size and limit."""
        return f"LRUCache({len(self)} of {self.maxsize})"

    def __reduce__(self) -> tuple[type[LRUCache[K, V]], tuple[int]]:
        """What is cached stays in its process."""
        return (type(self), (self.maxsize,))
