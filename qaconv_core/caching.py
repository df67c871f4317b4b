"""One bounded cache for the whole program: what was used least recently goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """Values by key; the least recently used are dropped while their sizes exceed ``limit``.

    ``size`` gives the size of a value, say in bytes; without it every value counts 1, and ``limit``
    is their number. The value put last stays even where it alone exceeds the limit. All methods
    may be called from several threads.
    """

    def __init__(self, limit: int, size: Callable[[Value], int] | None = None) -> None:
        if limit < 1:
            raise ValueError(f"a cache needs a limit of at least 1, not {limit}")
        self.limit = limit
        self._size = size or (lambda value: 1)
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._total = 0
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    @property
    def total(self) -> int:
        """The size of all values together."""
        return self._total

    def keys(self) -> tuple[Key, ...]:
        """All keys, the least recently used first."""
        with self._lock:
            return tuple(self._values)

    def get(self, key: Key) -> Value | None:
        """The value of ``key``, which counts as used now; None where there is none."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep ``value``, in place of an earlier one of ``key``."""
        with self._lock:
            self.discard(key)
            self._values[key] = value
            self._total += self._size(value)
            while self._total > self.limit and len(self._values) > 1:
                self._total -= self._size(self._values.popitem(last=False)[1])

    def get_or_make(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of ``key``, made where there is none.

        Other threads are not held up meanwhile; two that miss the same key both make its value.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        self.put(key, value)
        return value

    def discard(self, key: Key) -> None:
        """Drop ``key`` where it is kept."""
        with self._lock:
            if key in self._values:
                self._total -= self._size(self._values.pop(key))
