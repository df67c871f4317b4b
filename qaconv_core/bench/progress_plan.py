"""The order of a long measurement's parts, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

Report = Callable[[str], None]
"""Receives one line about the progress."""


class ProgressPlan:
    """Reports the title of each part before it begins, with the time left.

    ``expected`` are the seconds that each part takes on a reference machine. The time left is
    scaled by how long the finished parts took on this one.
    """

    def __init__(
        self,
        titles: Sequence[str],
        expected: Sequence[float],
        report: Report,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._titles, self._expected, self._report = titles, expected, report
        self._clock, self._begun = clock, clock()
        self._number = 0

    def begin(self) -> None:
        """Report that the next part begins."""
        number, total = self._number, len(self._titles)
        self._report(f"{number + 1} of {total}: {self._titles[number]}{self._left()}")
        self._number += 1

    def _left(self) -> str:
        done, left = sum(self._expected[: self._number]), sum(self._expected[self._number :])
        if done:
            left *= (self._clock() - self._begun) / done
        minutes = round(left / 60)
        return f"; about {minutes} min left" if minutes else "; less than a minute left"
