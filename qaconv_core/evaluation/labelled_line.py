"""Is anybody there, by labels? The logit that few labelled pairs of two persons exceed.

The labels are persons given to pictures while looking. The line from the gallery's own distribution
(:mod:`qaconv_core.ranking.line`) needs none, and is one of normalised scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qaconv_core.evaluation.separation import roc_point
from qaconv_core.ranking.line import NOBODY, percent_words
from qaconv_core.readable import counted
from qaconv_core.types import Bool, Float32, RankingResult

FALSE_PAIRS = 0.01
"""Share of labelled pairs of two persons that may lie above the line, by default."""


@dataclass(frozen=True, eq=False)
class LabelledPairs:
    """Logits of labelled pairs of one person (n,) and of two (m,), each ascending."""

    same: Float32
    different: Float32

    @property
    def enough(self) -> bool:
        """Whether there are pairs of both kinds."""
        return bool(len(self.same) and len(self.different))

    def line(self, false_pairs: float = FALSE_PAIRS) -> LabelledLine:
        """The line that at most this share of the pairs of two persons is above; there must be
        :attr:`enough`."""
        point = roc_point(self.same, self.different, false_pairs)
        return LabelledLine(
            point.threshold, false_pairs, point.tpr, point.fpr, len(self.same), len(self.different)
        )


@dataclass(frozen=True)
class LabelledLine:
    """A logit, ``value``, above which lie ``tpr`` of the ``same`` labelled pairs of one person and
    ``fpr`` of the ``different`` ones of two; ``false_pairs`` is the share asked for.

    It is about whole pictures: a candidate's logit, or the mean of a track that is ranked by it.
    """

    value: float
    false_pairs: float
    tpr: float
    fpr: float
    same: int
    different: int

    def above_places(self, ranking: RankingResult) -> Bool:
        """(n,) which places of a ranking are above the line; those of no known logit are."""
        return ~(_logits(ranking) <= self.value)

    def above_at(self, ranking: RankingResult, place: int) -> bool:
        """Whether one place of a ranking is above the line, as :meth:`above_places` says."""
        return not _logits(ranking)[place] <= self.value

    def above(self, ranking: RankingResult) -> int:
        """How many entries of a ranking are above the line, a track once, without junk."""
        return int(np.count_nonzero(self.above_places(ranking) & ranking.counted_leads))

    @property
    def basis(self) -> str:
        """What the line rests on."""
        told = (
            f"by labels: {percent_words(self.tpr)} of {counted(self.same, 'pair')} of one person "
            f"and {percent_words(self.fpr)} of {self.different:,} of two are above it"
        )
        return f"{told} ({self.too_few})" if self.too_few else told

    @property
    def too_few(self) -> str:
        """That the pairs of two persons are too few for the share asked for; "" where they are
        not."""
        if self.different * self.false_pairs >= 1:
            return ""
        return f"so few of two cannot show a share of {percent_words(self.false_pairs)}"

    def line_words(self, ranking: RankingResult) -> str:
        """The line, and whether anybody is above it, for people."""
        told = f"line: logit {self.value:.2f}, {self.basis}"
        return told if self.above(ranking) else f"{told}. {NOBODY}"

    def record(self, ranking: RankingResult) -> dict[str, Any]:
        """The line as plain values."""
        return {
            "line": self.value,
            "false_pairs": self.false_pairs,
            "basis": "labelled pairs",
            "tpr": self.tpr,
            "fpr": self.fpr,
            "same_person": self.same,
            "two_persons": self.different,
            "above": self.above(ranking),
        }


def _logits(ranking: RankingResult) -> Float32:
    """(n,) what each entry of a ranking has as logit; NaN where it is not known."""
    if ranking.whole_logits is not None:
        return ranking.whole_logits
    if ranking.kind != "logit":
        return np.broadcast_to(np.float32(math.nan), len(ranking.order))
    return ranking.values if ranking.track_means is None else ranking.track_means
