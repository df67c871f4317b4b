"""One writer at a time, among all programs that use a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from qaconv_core.errors import StoreError
from qaconv_core.store.atomic import reason, remove_leftovers

WAIT = 30.0
"""Seconds until a lock that another program holds is an error."""


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Keep other programs from changing ``path`` while it is read and replaced.

    The lock is on a file beside it, since the file itself is replaced. The system releases it when
    a program ends, however it ends; what a killed one had half written is removed. The folder is
    made where it is missing. Raises :class:`StoreError` where the lock cannot be had.
    """
    from filelock import FileLock, Timeout

    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(lock, timeout=WAIT)
        held.acquire()
    except Timeout:
        raise StoreError(f"{path}: another program keeps it locked ({lock.name})") from None
    except OSError as cause:
        raise StoreError(f"{path}: cannot be locked ({reason(cause)})") from cause
    try:
        remove_leftovers(path)
        yield
    finally:
        held.release()
