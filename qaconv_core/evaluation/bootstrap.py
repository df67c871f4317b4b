"""How far a mean over few queries can be trusted: the bootstrap over persons."""

from __future__ import annotations

import numpy as np

from qaconv_core.readable import counted
from qaconv_core.types import Float64, Int64

DRAWS = 2000
LEVEL = 0.95
FEW = 10
"""With fewer persons, draws hardly differ: the interval would look more certain than it is."""


def bootstrap_interval(
    values: Float64, persons: Int64, *, draws: int = DRAWS, level: float = LEVEL, seed: int = 0
) -> tuple[float, float]:
    """The interval that holds the mean of ``values`` (n,) in a share ``level`` of the draws.

    Each draw takes as many persons as there are, with replacement, and all values of each: queries
    of one person are no independent observations. Values that are NaN are left out. (NaN, NaN)
    where fewer than two persons are left.
    """
    known = np.isfinite(values)
    _, group = np.unique(persons[known], return_inverse=True)
    count = int(group.max()) + 1 if len(group) else 0
    if count < 2:
        return float("nan"), float("nan")
    sums = np.bincount(group, values[known], count)
    sizes = np.bincount(group, minlength=count)
    drawn = np.random.default_rng(seed).integers(0, count, (draws, count))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def interval_sentence(title: str, ap: Float64, persons: Int64) -> str:
    """mAP of the average precisions ``ap`` (n,) and its interval, in words. ``persons`` (n,) are
    the queries' pids.

    Fewer than :data:`FEW` persons get no interval: they say nothing of others yet.
    """
    known = len(np.unique(persons[np.isfinite(ap)]))
    mean = f"{title}: mAP {100 * float(np.nanmean(ap)):.1f} %"
    if known < FEW:
        return (
            f"{mean} on {counted(known, 'labelled person')}: so few say nothing yet about others; "
            f"from {FEW} on an interval is given"
        )
    low, high = bootstrap_interval(ap, persons)
    return (
        f"{mean}, {100 * LEVEL:.0f} % interval {100 * low:.1f} to {100 * high:.1f} % "
        f"(bootstrap over {known} labelled persons, {DRAWS:,} draws)"
    )
