"""How much of this machine other programs use while it is measured.

The load average also counts what has just ended, and the measuring itself. The system's own counts
of the cores' time, less that of this process and of those it started, tell of the others alone.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

NOTABLE = 0.1
"""The share of the cores that others may use before figures are of a busy machine."""
BUSY_WORDS = "the machine was busy with something else, and the figures are of that"
_IDLE = (3, 4)  # fields of /proc/stat: idle, waiting for a disk
_COUNTED = 8  # further fields are parts of these


class OtherPrograms:
    """Counts the time of others within :meth:`watched`; ``root`` is where /proc is found."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        self._root = root
        self._seconds, self._used = 0.0, 0.0
        self._known = True

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Count what others use within this context."""
        begun, before = time.monotonic(), self._others()
        try:
            yield
        finally:
            after = self._others()
            if before is None or after is None:
                self._known = False
            else:
                self._seconds += time.monotonic() - begun
                self._used += max(0.0, after - before)

    @property
    def cores(self) -> float | None:
        """Cores that others used on average; None where the system does not tell."""
        if not self._known or not self._seconds:
            return None
        return self._used / self._seconds

    def _others(self) -> float | None:
        """Seconds of the usable cores' time that others have used since the start."""
        with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
            ticks = os.sysconf("SC_CLK_TCK")
            return (self._all_ticks() - self._own_ticks()) / ticks
        return None

    def _all_ticks(self) -> int:
        usable = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        total = 0
        for line in (self._root / "stat").read_text().splitlines():
            name, *fields = line.split()
            if name in usable:
                counts = list(map(int, fields[:_COUNTED]))
                total += sum(count for place, count in enumerate(counts) if place not in _IDLE)
        return total

    def _own_ticks(self) -> int:
        """Time of this process and of those that it started, ended ones included."""
        parents, ticks = {}, {}
        for stat in self._root.glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it has just ended
                # The name, in brackets, may hold anything.
                fields = stat.read_text(errors="replace").rpartition(")")[2].split()
                number = int(stat.parent.name)
                parents[number], ticks[number] = int(fields[1]), sum(map(int, fields[11:15]))
        own = {os.getpid()}
        while more := {child for child, parent in parents.items() if parent in own} - own:
            own |= more
        return sum(ticks.get(number, 0) for number in own)


def others_words(cores_used: float | None, cores: int) -> str:
    """What others used, for people, and whether the machine was busy; "" where it is not known."""
    if cores_used is None:
        return ""
    told = f"other programs used {cores_used:.1f} of {cores} cores while it measured"
    return f"{told}; {BUSY_WORDS}" if cores_used > NOTABLE * cores else told
