"""How far a long measurement is, and how much time is left of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

Told = Callable[[str], None]


class Course:
    """Tells the title of each part before it begins, with the time left.

    ``expected`` are the seconds that each part takes on the machine they were noted on; how much
    faster or slower this one is shows as parts end.
    """

    def __init__(
        self,
        titles: Sequence[str],
        expected: Sequence[float],
        tell: Told,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._titles, self._expected, self._tell = titles, expected, tell
        self._clock, self._begun = clock, clock()
        self._number = 0

    def begin(self) -> None:
        """The next part begins."""
        number, total = self._number, len(self._titles)
        self._tell(f"{number + 1} of {total}: {self._titles[number]}{self._left()}")
        self._number += 1

    def _left(self) -> str:
        done, left = sum(self._expected[: self._number]), sum(self._expected[self._number :])
        if done:
            left *= (self._clock() - self._begun) / done
        minutes = round(left / 60)
        return f"; about {minutes} min left" if minutes else "; less than a minute left"
