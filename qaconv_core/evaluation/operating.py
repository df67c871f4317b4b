"""The ROC as counts: how many true and false pairs each threshold accepts.

A threshold t accepts the pairs strictly above it (strictly below it where smaller is closer). With
few distinct values every one of them is kept and the counts are exact for every t; otherwise about
:data:`POINTS` of them, close together where few false pairs are accepted, and the counts between
two points are interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.types import Float32, Float64, Int64

POINTS = 1000


@dataclass(frozen=True)
class OperatingPoint:
    """Pairs that one threshold accepts: counts, and shares in [0, 1] (NaN without such pairs)."""

    threshold: float
    tpr: float
    fpr: float
    true_accepted: float
    false_accepted: float
    exact: bool


@dataclass(frozen=True)
class OperatingCurve:
    """Accepted pairs at ``thresholds`` (n,), from the one that accepts most to the strictest.

    ``true_above`` and ``false_above`` (n,) count accepted pairs of ``positives`` and
    ``negatives``; ``exact`` says whether every distinct value is among the thresholds.
    """

    thresholds: Float64
    true_above: Int64
    false_above: Int64
    positives: int
    negatives: int
    exact: bool = True
    larger_is_better: bool = True

    def __post_init__(self) -> None:
        if not len(self.thresholds) == len(self.true_above) == len(self.false_above):
            raise InputError("an operating curve needs one pair of counts for each threshold")

    def at(self, threshold: float) -> OperatingPoint:
        """The pairs that ``threshold`` (any number) accepts."""
        sign = 1.0 if self.larger_is_better else -1.0
        closeness = sign * self.thresholds
        place = int(np.searchsorted(closeness, sign * threshold, side="right")) - 1
        exact = self.exact or (place >= 0 and closeness[place] == sign * threshold)
        if exact:
            true, false = self.positives, self.negatives
            if place >= 0:
                true, false = int(self.true_above[place]), int(self.false_above[place])
        else:
            true, false = (
                round(float(np.interp(sign * threshold, closeness, above, left=whole)))
                for above, whole in (
                    (self.true_above, self.positives),
                    (self.false_above, self.negatives),
                )
            )
        return OperatingPoint(
            threshold,
            true / self.positives if self.positives else float("nan"),
            false / self.negatives if self.negatives else float("nan"),
            true,
            false,
            bool(exact),
        )

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> OperatingCurve:
        """The curve from its JSON form; :class:`InputError` if parts are missing or not numbers."""
        try:
            return cls(
                np.asarray(given["thresholds"], dtype=np.float64),
                np.asarray(given["true_above"], dtype=np.int64),
                np.asarray(given["false_above"], dtype=np.int64),
                int(given["positives"]),
                int(given["negatives"]),
                bool(given["exact"]),
                bool(given["larger_is_better"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the operating curve is not readable: {error}") from error


def operating_curve(
    positive: Float32,
    negative: Float32,
    sign: int = 1,
    always: Sequence[float] = (),
    points: int = POINTS,
) -> OperatingCurve:
    """The curve of values (n,) and (m,), each ascending in closeness (``sign`` −1: negated).

    Finite values of ``always`` (not negated) are among the thresholds.
    """
    chosen = _distinct(positive, negative, points)
    exact = chosen is not None
    if chosen is None:
        wanted = sign * np.array([t for t in always if math.isfinite(t)], dtype=np.float32)
        chosen = np.union1d(_spread(positive, negative, points), wanted)
    return OperatingCurve(
        sign * chosen.astype(np.float64),
        _above(positive, chosen),
        _above(negative, chosen),
        len(positive),
        len(negative),
        exact,
        sign > 0,
    )


def _distinct(positive: Float32, negative: Float32, most: int) -> Float32 | None:
    """All distinct values, ascending; None where there are more than ``most``."""
    kept: list[Float32] = []
    for side in (positive, negative):
        new = np.ones(len(side), dtype=bool)
        np.not_equal(side[1:], side[:-1], out=new[1:])
        if int(new.sum()) > most:
            return None
        kept.append(side[new])
    values = np.unique(np.concatenate(kept))
    return values if len(values) <= most else None


def _spread(positive: Float32, negative: Float32, points: int) -> Float32:
    """Quantiles of both sides, and of the closest false pairs at equal ratios."""
    third = points // 3
    picked = [_at(side, np.linspace(0, len(side) - 1, third)) for side in (positive, negative)]
    tail = np.geomspace(1, max(1, len(negative)), third)
    picked.append(_at(negative, len(negative) - tail))
    ends = [side[-1:] for side in (positive, negative)]
    return np.unique(np.concatenate([*picked, *ends]))


def _at(side: Float32, places: Float64) -> Float32:
    return side[np.round(places).astype(np.int64)] if len(side) else side


def _above(ascending: Float32, thresholds: Float32) -> npt.NDArray[np.int64]:
    return len(ascending) - np.searchsorted(ascending, thresholds, side="right")
