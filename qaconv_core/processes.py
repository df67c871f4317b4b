"""Worker processes that start fresh: never a fork of a process that has threads.

A forked child inherits locks that threads of its parent hold, and may wait for them for ever
(Python 3.12 warns of it). Fresh processes are the same on all systems. What they import is up to
the function they are given: those without torch are ready in a quarter of a second.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from types import FrameType
from typing import Any, TypeVar

from qaconv_core.progress import CancelToken, raise_if_cancelled

GLANCE = 0.2
"""Seconds between two looks at whether somebody asked to stop, while workers are waited for."""

Result = TypeVar("Result")


def fresh_pool(
    workers: int, begin: Callable[..., object] | None = None, arguments: tuple[object, ...] = ()
) -> ProcessPoolExecutor:
    """A pool of up to ``workers`` processes, started as they are needed; use :func:`submit`.

    Each calls ``begin(*arguments)`` before its first work.
    """
    return ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _begin_worker, (begin, arguments)
    )


def end_workers() -> None:
    """End all worker processes of this one at once, whatever they do."""
    for worker in multiprocessing.active_children():
        worker.kill()


def submit(
    pool: ProcessPoolExecutor, work: Callable[..., Result], *arguments: object
) -> Future[Result]:
    """``pool.submit`` that may start a worker; it does not import the main program there."""
    with _hidden_main(), _uninterrupted():
        return pool.submit(work, *arguments)


def result_of(future: Future[Result], cancel: CancelToken | None = None) -> Result:
    """What ``future`` gives, waited for as long as nobody asks to stop.

    Raises what the work raised, and :class:`~qaconv_core.errors.Cancelled`.
    """
    while not wait((future,), timeout=None if cancel is None else GLANCE).done:
        raise_if_cancelled(cancel)
    return future.result()


def end_pool(pool: ProcessPoolExecutor, cancel: CancelToken | None = None) -> None:
    """End a pool; work that is under way is waited for, unless somebody asked to stop.

    Workers that still load cannot hear of it then: they end by themselves.
    """
    asked = cancel is not None and cancel.cancelled
    pool.shutdown(wait=not asked, cancel_futures=True)


@contextlib.contextmanager
def _hidden_main() -> Iterator[None]:
    """Keep new workers from importing the program that started them.

    They need nothing of it, its imports (torch) take them seconds, and a script without the usual
    ``if __name__ == "__main__"`` would run a second time in every worker.
    """
    main = sys.modules["__main__"]
    names = ("__file__", "__spec__")
    kept: dict[str, Any] = {name: main.__dict__[name] for name in names if name in main.__dict__}
    try:
        main.__dict__.pop("__file__", None)
        main.__spec__ = None
        yield
    finally:
        main.__dict__.update(kept)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started meanwhile do not hear Ctrl-C, not even before they run code of ours.

    A terminal sends it to all of them, and the parent alone decides what it means: once the process
    is started, since one that is half started would end with a traceback. A thread of the parent
    that starts none still hears it.
    """
    if not hasattr(signal, "pthread_sigmask"):
        with _interrupted_later():
            yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _interrupted_later():
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _interrupted_later() -> Iterator[None]:
    """Handle a Ctrl-C that the system gives to another thread afterwards.

    Python runs its handler in the main thread whichever thread got the signal.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return
    heard: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if heard:
            usual(*heard[-1])


def _begin_worker(begin: Callable[..., object] | None, arguments: tuple[object, ...]) -> None:
    """Leave Ctrl-C to the parent, and end with it even when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
