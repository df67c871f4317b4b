"""How a query's candidates stand among strangers: N, and how many strangers look as much alike."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qaconv_core.ranking.line import NOBODY, Line, percent_words
from qaconv_core.types import Bool, Float64, Int64, RankingResult


@dataclass(frozen=True, eq=False)
class Strangers:
    """What is known of the candidates of one query, or of several together, in gallery order.

    ``n`` (g,) are normalised scores, ``alike`` (g,) how many of the strangers in the cohort of a
    picture's camera look at least as much like the query, ``cohort`` (g,) how many there are.
    ``line`` is what strangers rarely cross. ``queries`` is how many were ranked together, ``fuse``
    whether the largest of their N counts (``"max"``) or their ``"mean"``; "" for one query. Of
    several, strangers are compared by their N of all queries together. Where all these are of a
    part of the query, ``whole_n`` (g,) are N of the whole pictures. Where tracks are ranked by
    means, ``track_n`` (g,) is the mean N of each picture's track, its own in no track; that is
    what is compared with the line then, which is no less strict: a mean spreads no wider.
    """

    n: Float64
    alike: Int64
    cohort: Int64
    line: Line
    queries: int = 1
    fuse: str = ""
    whole_n: Float64 | None = field(default=None, kw_only=True)
    track_n: Float64 | None = field(default=None, kw_only=True)

    def counted_share(self, index: int) -> float:
        """Share of strangers that look as much alike, by count: never below 1 / (cohort + 1)."""
        return (int(self.alike[index]) + 1) / (int(self.cohort[index]) + 1)

    def least_share(self, index: int) -> float:
        """The least share that so many strangers can show."""
        return 1 / (int(self.cohort[index]) + 1)

    def normal_share(self, index: int) -> float:
        """The same by the standard normal distribution of N, however small: at most this, where the
        largest of several counts."""
        tries = self.queries if self.fuse == "max" else 1
        return min(1.0, tries * math.erfc(float(self.n[index]) / math.sqrt(2)) / 2)

    def above_line(self, index: int) -> bool:
        """Whether strangers rarely look as much alike."""
        return bool(self._entry_n[index] > self.line.value)

    @property
    def _entry_n(self) -> Float64:
        return self.n if self.track_n is None else self.track_n

    def n_of(self, index: int, track: bool = False) -> float:
        """N of a picture, or the mean of its ``track``, where that is ranked by."""
        return float((self._entry_n if track else self.n)[index])

    def above(self, ranking: RankingResult) -> int:
        """How many entries of a ranking of this gallery are above the line, a track once; junk does
        not count, nor does the query's own file."""
        return int(np.count_nonzero(self.above_places(ranking) & ranking.counted_leads))

    def above_places(self, ranking: RankingResult) -> Bool:
        """(n,) which places of a ranking of this gallery are above the line."""
        return np.asarray(self._entry_n[ranking.order] > self.line.value)

    def line_words(self, ranking: RankingResult) -> str:
        """The line, and whether anybody is above it, for people."""
        told = self._together + (
            f"line: {self.line.value:.2f} above strangers; a query without a match has somebody "
            f"above it in {percent_words(self.line.false_alarms)} of cases, by {self.line.basis}"
        )
        return told if self.above(ranking) else f"{told}. {NOBODY}"

    @property
    def _together(self) -> str:
        """What N is made of, where several queries are ranked together."""
        if not self.fuse:
            return ""
        kind = "largest" if self.fuse == "max" else "mean"
        return f"N is the {kind} of {self.queries} queries; "

    def record(self, index: int) -> dict[str, Any]:
        """N of a candidate, and how many strangers look as much alike, as plain values.

        ``normalised`` is N of the whole pictures. In a search by part ``part_normalised`` is the
        part's, and so are the line and the strangers.
        """
        whole = self.n if self.whole_n is None else self.whole_n
        by_part = {} if self.whole_n is None else {"part_normalised": float(self.n[index])}
        return {
            "normalised": float(whole[index]),
            **by_part,
            "above_line": self.above_line(index),
            "strangers": int(self.cohort[index]),
            "strangers_as_much_alike": int(self.alike[index]),
            "share_counted": self.counted_share(index),
            "share_least": self.least_share(index),
            "share_normal": self.normal_share(index),
        }

    def line_record(self, ranking: RankingResult) -> dict[str, Any]:
        """The line that says whether anybody is there, as plain values."""
        return {
            "line": self.line.value,
            "false_alarms": self.line.false_alarms,
            "basis": self.line.basis,
            "strangers": self.line.strangers,
            "above": self.above(ranking),
            **({"queries": self.queries, "fuse": self.fuse} if self.fuse else {}),
        }

    def share_words(self, index: int) -> str:
        """:meth:`counted_words`, with N of all queries where several are ranked together."""
        told = self.counted_words(index)
        n = float(self.n[index])
        return f"{self.queries} queries together {n:+.2f} σ: {told}" if self.fuse else told

    def counted_words(self, index: int) -> str:
        """How many strangers look as much alike, and the share that this shows where there are
        none; also the share by the normal distribution where the two disagree."""
        counted, normal = self.counted_share(index), self.normal_share(index)
        size, alike, least = (
            int(self.cohort[index]),
            int(self.alike[index]),
            self.least_share(index),
        )
        if not size:
            return "there are no strangers to compare with"
        if alike:
            verb = "looks" if alike == 1 else "look"
            told = f"{alike:,} of {size:,} strangers {verb} as much alike"
        else:
            told = (
                f"none of {size:,} strangers looks as much alike: at most {percent_words(least)}, "
                f"the least that {size:,} can show"
            )
        comparable = max(normal, least)  # a count says nothing of what is rarer
        if comparable > 2 * counted or counted > 2 * comparable:
            told += f"; by the normal distribution {percent_words(normal)}"
        return told
