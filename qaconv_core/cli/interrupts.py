"""Ctrl-C: ends the program at once while it loads, and asks a running job to stop.

Nothing heavy is imported here: this stands before everything that takes long to import.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from qaconv_core.progress import CancelToken

INTERRUPTED = 130
SILENT = 1.0
"""Seconds that a job may take to stop before a line says that it does."""
PATIENCE = 0.5
"""Seconds that threads and libraries of an interrupted program have to end."""


_breakable = False
_own_process = False


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
    global _own_process
    _own_process = True
    signal.signal(signal.SIGINT, _leave)


def end_soon(status: int) -> None:
    """End worker processes at once, and this one with ``status`` where it does not end itself.

    What they write is moved to its place when it is whole, so that they may end at any moment.
    """
    _end_workers()
    late = threading.Timer(PATIENCE, _exit, (status,))
    late.daemon = True
    late.start()


def _end_workers() -> None:
    from qaconv_core.processes import end_workers

    end_workers()


def _exit(status: int) -> None:
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    with contextlib.suppress(Exception):
        # Semaphores of worker processes: whoever clears up behind them says so on the terminal.
        sys.modules["multiprocessing.util"]._run_finalizers(0)
    os._exit(status)


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"qaconv: interrupted\n")
    _exit(INTERRUPTED)


@contextlib.contextmanager
def interruptible() -> Iterator[CancelToken]:
    """A token that the first Ctrl-C sets; the second one ends the program at once.

    So does the first one while a module is imported: no job is at work then, and libraries may
    take long to load. A line says that the job is stopping where it takes longer than
    :data:`SILENT`. A library may compute for seconds without running Python: the token is set
    meanwhile all the same, and a program of its own ends at the second Ctrl-C.
    """
    if threading.current_thread() is not threading.main_thread():
        yield CancelToken()
        return
    cancel, asked, at_once = CancelToken(), CancelToken(), CancelToken()
    notice = threading.Timer(SILENT, _say_stopping)
    notice.daemon = True

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        importers = _importers(frame)
        if "torch" in importers:
            _leave(number, frame)  # its own code aborts where an exception ends its import
        cancel.cancel()
        if asked.cancelled or importers:
            at_once.cancel()
            raise KeyboardInterrupt
        asked.cancel()
        if _breakable:
            raise KeyboardInterrupt
        notice.start()

    previous = signal.signal(signal.SIGINT, on_interrupt)
    listener = _Listener(cancel)
    try:
        yield cancel
    except Exception as error:
        if at_once.cancelled:  # libraries make errors of their own of what is raised in an import
            raise KeyboardInterrupt from error
        raise
    finally:
        listener.close()
        notice.cancel()
        signal.signal(signal.SIGINT, previous)


class _Listener:
    """Hears of Ctrl-C in a thread, whatever the main thread does: sets ``cancel`` at the first,
    and sees to it that a program of its own ends at the second."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._end = threading.Timer(PATIENCE, _leave, (signal.SIGINT, None))
        self._end.daemon = True
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear nothing more."""
        signal.set_wakeup_fd(self._before)
        self._writer.close()
        self._thread.join()
        self._reader.close()
        self._end.cancel()

    def _listen(self) -> None:
        heard = 0
        while told := self._reader.recv(64):
            heard += told.count(signal.SIGINT)
            if heard:
                self._cancel.cancel()
            if heard > 1 and _own_process:
                _end_workers()
                self._end.start()
                return


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
