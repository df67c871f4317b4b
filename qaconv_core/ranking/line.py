"""Is anybody there? The line that normalised scores of strangers rarely cross."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

FALSE_ALARMS = 0.1
"""Share of queries without a match that may have a candidate above the line, by default."""


@dataclass(frozen=True)
class Line:
    """N above which a query without a match has any candidate in a share ``false_alarms`` of
    cases, where N of each of ``strangers`` is a standard normal number."""

    value: float
    false_alarms: float
    strangers: int


def default_line(strangers: int, false_alarms: float = FALSE_ALARMS) -> Line:
    """The :class:`Line` of a gallery of ``strangers`` pictures."""
    share = 1 - (1 - false_alarms) ** (1 / max(1, strangers))
    return Line(-NormalDist().inv_cdf(share), false_alarms, strangers)
