"""One writer at a time, among all programs that use a file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from qaconv_core.errors import StoreError
from qaconv_core.store.atomic import reason, remove_leftovers

WAIT = 30.0
"""Seconds until a lock that another program holds is an error."""


def held_open(path: Path) -> Callable[[], None] | None:
    """Say to other programs that ``path`` is open here; None where one has it open already.

    What is returned ends that; the system does so when a program ends, however it ends. Where no
    lock can be had beside the file, nothing is said.
    """
    from filelock import FileLock, Timeout

    held = FileLock(path.with_name(f".{path.name}.open.lock"), timeout=0)
    try:
        held.acquire()
    except Timeout:
        return None
    except (OSError, NotImplementedError):
        return lambda: None
    return lambda: held.release()


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
