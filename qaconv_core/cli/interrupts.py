"""Ctrl-C: ends the program at once while it loads, and asks a running job to stop.

Nothing heavy is imported here: this stands before everything that takes long to import.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from qaconv_core.progress import CancelToken

INTERRUPTED = 130
SILENT = 1.0
"""Seconds that a job may take to stop before a line says that it does."""
PATIENCE = 1.5
"""Seconds that threads and libraries of an interrupted program have to end."""


_breakable = False


@contextlib.contextmanager
def breaking_at_once() -> Iterator[None]:
    """Within this context the first Ctrl-C raises KeyboardInterrupt: for jobs whose work in hand
    is of no use to anybody."""
    global _breakable
    before, _breakable = _breakable, True
    try:
        yield
    finally:
        _breakable = before


def leave_on_interrupt() -> None:
    """From now on Ctrl-C ends this process at once, with one line and status 130.

    For a program of its own that still loads, or is done: neither has anything to lose.
    """
    signal.signal(signal.SIGINT, _leave)


def end_soon(status: int) -> None:
    """End worker processes at once, and this one with ``status`` where it does not end itself.

    What they write is moved to its place when it is whole, so that they may end at any moment.
    """
    from qaconv_core.processes import end_workers

    end_workers()
    late = threading.Timer(PATIENCE, _exit, (status,))
    late.daemon = True
    late.start()


def _exit(status: int) -> None:
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"qaconv: interrupted\n")
    _exit(INTERRUPTED)


@contextlib.contextmanager
def interruptible() -> Iterator[CancelToken]:
    """A token that the first Ctrl-C sets; the second one ends the program at once.

    So does the first one while a module is imported: no job is at work then, and libraries may
    take long to load. A line says that the job is stopping where it takes longer than
    :data:`SILENT`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield CancelToken()
        return
    cancel, at_once = CancelToken(), CancelToken()
    notice = threading.Timer(SILENT, _say_stopping)
    notice.daemon = True

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        importers = _importers(frame)
        if "torch" in importers:
            _leave(number, frame)  # its own code aborts where an exception ends its import
        if cancel.cancelled or importers:
            at_once.cancel()
            cancel.cancel()
            raise KeyboardInterrupt
        cancel.cancel()
        if _breakable:
            raise KeyboardInterrupt
        notice.start()

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield cancel
    except Exception as error:
        if at_once.cancelled:  # libraries make errors of their own of what is raised in an import
            raise KeyboardInterrupt from error
        raise
    finally:
        notice.cancel()
        signal.signal(signal.SIGINT, previous)


def _say_stopping() -> None:
    from qaconv_core.cli.terminal import say

    say("stopping after the batch in hand (Ctrl-C again: at once)")


def _importers(frame: FrameType | None) -> set[str]:
    """The packages whose code runs while a module is imported; empty where none is."""
    packages: set[str] = set()
    importing = False
    while frame is not None:
        code = frame.f_code
        importing |= code.co_name == "_find_and_load" and "importlib" in code.co_filename
        packages.add(str(frame.f_globals.get("__name__", "")).partition(".")[0])
        frame = frame.f_back
    return packages if importing else set()
