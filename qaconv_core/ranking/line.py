"""Is anybody there? The line that normalised scores of strangers rarely cross."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from qaconv_core.types import Float64

FALSE_ALARMS = 0.1
"""Share of queries without a match that may have a candidate above the line, by default."""
FEWEST_PICTURES = 60
"""Pictures whose largest N among strangers must be known for a line that rests on them."""
NOBODY = "None is above it here: probably nobody is there, or nobody clear"
NORMAL = "N of strangers taken as standard normal"
OTHER_TIMES = "what each camera saw at other times"


@dataclass(frozen=True)
class Line:
    """N above which a query without a match has any candidate in a share ``false_alarms`` of
    cases, among ``strangers`` pictures; ``basis`` says in words what that rests on."""

    value: float
    false_alarms: float
    strangers: int
    basis: str = NORMAL


def default_line(
    strangers: int, false_alarms: float = FALSE_ALARMS, largest: Float64 | None = None
) -> Line:
    """The :class:`Line` of a gallery of ``strangers`` pictures.

    ``largest`` (2, m) are the largest N of m pictures among known strangers, and how many these
    are (:mod:`~qaconv_core.ranking.other_times`): their quantiles say by how much they exceed the
    largest of as many standard normal numbers. Where they do not, with fewer than
    :data:`FEWEST_PICTURES` of them, or without, N of each stranger is taken as an independent
    standard normal number.
    """
    from statistics import NormalDist

    # Of shares so small that 1 − share would be 1, too.
    share = -math.expm1(math.log1p(-false_alarms) / max(1, strangers))
    normal = Line(-NormalDist().inv_cdf(share), false_alarms, strangers)
    if largest is None or largest.shape[1] < FEWEST_PICTURES:
        return normal
    values, counts = largest
    low, middle, high = np.quantile(values, (0.5, 0.75, 0.95))
    group = float(counts.mean())

    def reduced(share: float) -> float:
        """The quantile of the largest of ``group`` standard normal numbers."""
        return NormalDist().inv_cdf(share ** (1 / group))

    scale = (high - low) / (reduced(0.95) - reduced(0.5))
    value = float(middle + scale * (normal.value - reduced(0.75)))
    if value <= normal.value:
        return normal
    return Line(value, false_alarms, strangers, OTHER_TIMES)


def line_together(
    queries: int, fuse: str, strangers: int, false_alarms: float, largest: Float64 | None = None
) -> Line:
    """The :class:`Line` where ``queries`` are ranked together.

    Where the largest of their N counts (``fuse`` ``"max"``), each query gets its part of the false
    alarms, which add up to at most ``false_alarms`` however the queries depend on each other. Where
    their mean counts, it is the line of one query: a mean of N spreads no wider than one of them.
    """
    if fuse != "max":
        found = default_line(strangers, false_alarms, largest)
        return replace(found, basis=f"{found.basis}, as for one query")
    found = default_line(strangers, false_alarms / queries, largest)
    basis = f"{found.basis}; {percent_words(found.false_alarms)} for each of {queries} queries"
    return replace(found, false_alarms=false_alarms, basis=basis)


def percent_words(share: float) -> str:
    """A share in percent with a decimal; below 1 % with two significant digits, never as 0."""
    percent = 100 * share
    return f"{percent:.1f} %" if percent >= 1 or not percent else f"{percent:.2g} %"
