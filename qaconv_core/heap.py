"""Memory that a program frees and wants again at once.

The C library gives large blocks back to the system when they are freed. Each of their pages is then
asked for anew, is filled with zeros, and costs a fault. The steps of a training free and take
gigabytes (docs/benchmarks.md, "Training": what that costs).
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# mallopt(3) of the GNU C library.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_NEVER, _NONE = -1, 0
_USUAL_BLOCK, _USUAL_MMAPS = 32 << 20, 65536  # where the library ends up by itself

_guard = threading.Lock()
_users = 0


@contextmanager
def kept_heap() -> Iterator[None]:
    """Memory freed meanwhile stays with the process; at the end all of it is given back.

    May be nested, and used by several threads at once. Does nothing where the C library is not
    GNU's.
    """
    library = _gnu_library()
    if library is None:
        yield
        return
    _count(library, 1)
    try:
        yield
    finally:
        _count(library, -1)


def _count(library: ctypes.CDLL, change: int) -> None:
    """One user more, or one less: the first keeps memory, the last gives it back."""
    global _users
    with _guard:
        _users += change
        if _users == 0:
            library.mallopt(_MMAP_MAX, _USUAL_MMAPS)
            library.mallopt(_MMAP_THRESHOLD, _USUAL_BLOCK)
            library.mallopt(_TRIM_THRESHOLD, 2 * _USUAL_BLOCK)
            library.malloc_trim(0)
        elif _users == change:
            library.mallopt(_MMAP_MAX, _NONE)
            library.mallopt(_TRIM_THRESHOLD, _NEVER)


@cache
def _gnu_library() -> ctypes.CDLL | None:
    """The C library, where it has both functions."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    wanted = ("gnu_get_libc_version", "mallopt", "malloc_trim")
    return library if all(hasattr(library, name) for name in wanted) else None
