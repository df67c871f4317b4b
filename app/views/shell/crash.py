"""A crash of the process (not of Python) leaves a note, which the next start shows."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
from pathlib import Path
from typing import IO

from app.state.values import Problem
from qaconv_core.errors import StoreError
from qaconv_core.store.folders import data_dir

log = logging.getLogger(__name__)


class CrashWatch:
    """Keeps ``crash-<pid>.txt`` in the data folder for as long as the program runs.

    Only Python's fault handler writes to it, when the process is about to be ended by a fault in
    compiled code. ``previous`` is what an earlier run that ended so has left.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._path: Path | None = None
        self._file: IO[str] | None = None
        self._was_on = False
        self.previous: Problem | None = None
        try:
            folder = folder or data_dir()
            self.previous = _collect(folder)
            self._path = folder / f"crash-{os.getpid()}.txt"
            self._file = self._path.open("w", encoding="utf-8")
            self._was_on = faulthandler.is_enabled()
            faulthandler.enable(self._file)
        except (OSError, StoreError) as error:
            log.info("crashes are not noted: %s", error)

    def close(self) -> None:
        """The program ended as it should: nothing is left."""
        if self._file is None or self._path is None:
            return
        faulthandler.disable()
        if self._was_on and sys.__stderr__ is not None:
            faulthandler.enable(sys.__stderr__)
        self._file.close()
        self._file = None
        with contextlib.suppress(OSError):
            self._path.unlink()


def _collect(folder: Path) -> Problem | None:
    """What runs that are over have left, the last of them as a problem; their files are removed."""
    left: list[tuple[float, str]] = []
    for path in folder.glob("crash-*.txt"):
        pid = path.stem.removeprefix("crash-")
        if not pid.isdecimal() or _runs(int(pid)):
            continue
        with contextlib.suppress(OSError):
            text = path.read_text(encoding="utf-8", errors="replace")
            when = path.stat().st_mtime
            path.unlink()
            if text.strip():
                left.append((when, text))
    if not left:
        return None
    return Problem(
        "the program ended with a crash the last time; what you had saved and computed is kept",
        max(left)[1],
        "last run",
    )


def _runs(pid: int) -> bool:
    """Whether a process of that number is there (on Windows its open file stops us instead)."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return pid != os.getpid()
