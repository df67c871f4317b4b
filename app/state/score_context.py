"""Where a candidate's logit stands among those of the whole gallery, true and other ones apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaconv_core.types import Float64, Int64, RankingResult

BINS = 48


@dataclass(frozen=True, eq=False)
class Distribution:
    """How many pictures of a ranking lie in each of :data:`BINS` steps from ``low`` to ``high``.

    ``true`` and ``others`` are counts; junk is in neither. ``values`` (n,) are sorted.
    """

    low: float
    high: float
    true: Int64
    others: Int64
    values: Float64

    def share_below(self, value: float) -> float:
        """The share of pictures, junk apart, with a smaller value, in [0, 1]."""
        return float(np.searchsorted(self.values, value)) / max(len(self.values), 1)

    def position(self, value: float) -> float:
        """Where a value stands between the ends, in [0, 1]."""
        return float(np.clip((value - self.low) / ((self.high - self.low) or 1.0), 0.0, 1.0))


def distribution_of(ranking: RankingResult) -> Distribution | None:
    """The distribution of a ranking's values; None where fewer than two pictures count."""
    counted = ranking.truth != RankingResult.JUNK
    values = ranking.values[counted].astype(np.float64)
    if len(values) < 2:
        return None
    true = ranking.truth[counted] == RankingResult.TRUE
    ends = (float(values.min()), float(values.max()))
    counts = [np.histogram(values[which], BINS, ends)[0] for which in (true, ~true)]
    return Distribution(*ends, counts[0], counts[1], np.sort(values))


def context_words(distribution: Distribution, value: float) -> str:
    """ "above 99.2 % of this query's gallery"."""
    return f"above {100 * distribution.share_below(value):.1f}\u00a0% of this query's gallery"
