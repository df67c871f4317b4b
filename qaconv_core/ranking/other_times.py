"""How alike strangers get: each picture beside what its own camera saw at other times.

Who stands before a camera long before or after a picture was taken is nearly always somebody else,
so that this needs no labels. How large the largest N of a picture is among these says what a line
has to hold: tails that are heavier than a normal's, and strangers who look alike together.
Fewer than one in twenty must come back to the same camera.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from qaconv_core.ranking.arrays import Matrix
from qaconv_core.ranking.camera_norm import standard
from qaconv_core.ranking.cohorts import Cohorts
from qaconv_core.types import Bool, Float64, Int64

GAP = 60.0
"""Seconds from which on a camera's pictures are of other people."""


@dataclass
class OtherTimes:
    """Keeps, of rows of logits that pass by, what is within a camera.

    ``sample`` are the cohorts whose pictures the rows belong to, of a gallery with ``cams`` (g,)
    and ``times`` (g,).
    """

    sample: Cohorts
    cams: Int64
    times: Float64
    _kept: dict[int, list[tuple[Int64, Float64]]] = field(default_factory=dict)

    def watch(self, blocks: Iterable[tuple[int, Matrix]]) -> Iterator[tuple[int, Matrix]]:
        """Pass (position of the first, logits (n, g)) of the sample's pictures on."""
        for start, block in blocks:
            pictures = self.sample.cams[start : start + len(block)]
            for number, camera in enumerate(self.sample.kinds):
                here = np.flatnonzero(pictures == camera)
                if len(here):
                    rows = np.asarray(block)[here][:, self.cams == camera].astype(np.float64)
                    self._kept.setdefault(number, []).append((start + here, rows))
            yield start, block

    def largest(self, sums: Float64) -> Float64:
        """(2, m): the largest N of each picture among its camera's other times, and how many
        pictures these are. ``sums`` are those of :func:`~.camera_norm.column_sums`."""
        found = [np.empty((2, 0))]
        for number, parts in self._kept.items():
            targets = np.flatnonzero(self.cams == self.sample.kinds[number])
            for positions, values in parts:
                apart = self._apart(positions, targets)
                found.append(_largest(values, apart, sums[:, number][:, None, targets]))
        return np.concatenate(found, axis=1)

    def _apart(self, positions: Int64, targets: Int64) -> Bool:
        """(n, t): whether two pictures are :data:`GAP` seconds apart."""
        with np.errstate(invalid="ignore"):
            apart = np.abs(self.sample.times[positions][:, None] - self.times[targets][None])
            return np.asarray(apart > GAP)


def _largest(values: Float64, apart: Bool, columns: Float64) -> Float64:
    """(2, n) of logits (n, t) within a camera; ``columns`` (3, 1, t) are T's sums."""
    terms = np.stack([np.ones_like(values), values, values**2])
    among = np.where(apart, terms, 0.0)
    count = among[0].sum(axis=1)
    # The pair itself is not in its cohorts.
    halves = [standard(values, s - terms) for s in (among.sum(axis=2)[:, :, None], columns)]
    n = np.where(apart, (halves[0] + halves[1]) / 2, -np.inf)
    some = count > 1
    return np.stack([n.max(axis=1, initial=-np.inf)[some], count[some]])
