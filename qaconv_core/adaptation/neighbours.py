"""The nearest pictures of every picture, by all pairs or by lists.

The distance is 1 − sigmoid(x / 10). For plain distances x is the logit. For distances normalised
by camera x is 15·(N − 2.5), with N as :mod:`qaconv_core.ranking.camera_norm` defines it: 1/2 lies
where a stranger comes once in some 160 times.

All pairs take memory that grows with the square of the pictures. Beyond :data:`MOST_PAIRWISE`
pictures, pooled maps choose a list for each picture (:mod:`qaconv_core.searching.among`), and its
nearest are those of the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.matching.scores import score_maps
from qaconv_core.models import AffineHead
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.ranking import camera_normalise
from qaconv_core.ranking.camera_norm import SCALE, SHIFT, column_sums, moments
from qaconv_core.ranking.cohorts import FEWEST, CohortRule, Cohorts, cohort_size
from qaconv_core.searching.among import LISTED, Listed, list_bytes, list_nearest, listing_grid
from qaconv_core.types import Float16, Float32, Float64, Grid, Int64

MOST_PAIRWISE = 5000
"""Pictures up to which all pairs are scored."""
KEPT = 64
"""Neighbours of each picture that are kept, itself among them."""
_ROWS = 512
PAIRS = "grouping: pairs"
"""The stage of all pairs."""
LISTS, SCORED, COHORTS = "grouping: lists", "grouping: neighbours", "grouping: cohorts"
"""The stages of lists, in their order."""
# Pictures of a cohort, and of all cohorts, beside lists; how many are scored at once.
_SAMPLE, _SAMPLES, _AT_ONCE = 200, 2400, 64
_LISTED_PAIR = 1.3  # what a pair of a list costs, in pairs of all pairs: its maps are gathered
_PAIR_BYTES = 32  # all pairs: logits, N in float64 with its sums, distances
_COHORT_BYTES = 60  # a pair of a cohort while it is summed


@dataclass(frozen=True)
class Neighbours:
    """``places`` (n, k) int32: the nearest of each picture, itself first; ``distances`` (n, k) in
    [0, 1], ascending along rows but for the picture itself, which has 0."""

    places: np.ndarray
    distances: Float32

    def __len__(self) -> int:
        return len(self.places)


def nearest_pictures(
    maps: Float16,
    head: AffineHead,
    cameras: Int64,
    *,
    normalise: bool = True,
    device: torch.device | str = "cpu",
    work: WorkContext = NO_CONTEXT,
    most_pairwise: int = MOST_PAIRWISE,
) -> Neighbours:
    """The :data:`KEPT` nearest of every picture of ``maps`` (n, C, h, w).

    ``cameras`` (n,) are camera ids, −1 where not known. Heads that are not symmetric are averaged
    over both roles where all pairs are scored; lists take the picture of the row as the query.
    """
    if len(maps) <= most_pairwise:
        logits = all_logits(maps, head, device, work)
        return nearest_of_all(all_values(logits, cameras, normalise))
    return _listed(maps, head, cameras, normalise, device, work)


def pairs_of_stages(
    cameras: Int64, grid: Grid, on_cpu: bool = True, most_pairwise: int = MOST_PAIRWISE
) -> dict[str, float]:
    """What each stage of :func:`nearest_pictures` costs, normalised, in exact logits of a pair.

    ``cameras`` (n,) are those of the pictures, ``grid`` (h, w) that of their maps.
    """
    n = len(cameras)
    if n <= most_pairwise:
        return {PAIRS: n * n / 2}
    cohorts = {COHORTS: float(n * cohort_size(cameras, _cohort_rule(cameras)))}
    if not on_cpu:
        return {LISTS: float(n * n), **cohorts}
    (h, w), (small_h, small_w) = grid, listing_grid(grid)
    share = (small_h * small_w / (h * w)) ** 2  # a pair costs as many products as pairs of cells
    return {LISTS: n * n * share, SCORED: _LISTED_PAIR * n * min(LISTED, n), **cohorts}


def bytes_of_pairs(
    n: int, channels: int, grid: Grid, workers: int, most_pairwise: int = MOST_PAIRWISE
) -> int:
    """The most bytes that :func:`nearest_pictures` takes at once beside maps (n, C, h, w)."""
    if n <= most_pairwise:
        return _PAIR_BYTES * n * n
    return list_bytes((n, channels, *grid), workers) + _COHORT_BYTES * _AT_ONCE * n


def all_logits(
    maps: Float16,
    head: AffineHead,
    device: torch.device | str = "cpu",
    work: WorkContext = NO_CONTEXT,
) -> Float32:
    """Logits of all pairs (n, n), those of both roles averaged."""
    logits = score_maps(
        maps,
        maps,
        head,
        device=device,
        symmetric=True,
        progress=work.progress,
        cancel=work.cancel,
        stage=PAIRS,
    )
    return logits if head.symmetric else (logits + logits.T) / 2


def all_values(logits: Float32, cameras: Int64, normalise: bool) -> Float32:
    """x of all pairs (n, n) (see above) by their logits, N itself where ``normalise``."""
    if not normalise:
        return distance_of(logits / 10)
    own = np.arange(len(logits))
    found = camera_normalise(logits, logits, cameras, cameras, left_out=(own, own))
    return distance_of(_steep(found))


def nearest_of_all(distances: Float32) -> Neighbours:
    """The nearest by a whole matrix of distances (n, n); its diagonal is set to −1 meanwhile."""
    n = len(distances)
    width = min(KEPT, n)
    places = np.empty((n, width), dtype=np.int32)
    kept = np.empty((n, width), dtype=np.float32)
    np.fill_diagonal(distances, -1)
    for start in range(0, n, _ROWS):
        rows = distances[start : start + _ROWS]
        places[start : start + _ROWS], kept[start : start + _ROWS] = _smallest(rows, width)
    np.fill_diagonal(distances, 0)
    kept[:, 0] = 0
    return Neighbours(places, kept)


def distance_of(x: Float32 | Float64) -> Float32:
    """1 − sigmoid(x) in float32."""
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(np.asarray(x, dtype=np.float32)))).astype(np.float32)


def _steep(n: Float32 | Float64) -> Float32 | Float64:
    return SCALE / 10 * (n - SHIFT)


def _smallest(rows: Float32, width: int) -> tuple[np.ndarray, Float32]:
    """Columns and values of the ``width`` smallest of each row, ascending, ties by column."""
    if width < rows.shape[1]:
        some = np.sort(np.argpartition(rows, width - 1, axis=1)[:, :width], axis=1)
    else:
        some = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
    values = np.take_along_axis(rows, some, axis=1)
    order = np.argsort(values, axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1), np.take_along_axis(values, order, axis=1)


def _listed(
    maps: Float16,
    head: AffineHead,
    cameras: Int64,
    normalise: bool,
    device: torch.device | str,
    work: WorkContext,
) -> Neighbours:
    """By lists; means and spreads of N are those of a sample of each camera."""
    found = list_nearest(maps, head, LISTED, device=device, work=work, stages=(LISTS, SCORED))
    to = _strangers(maps, head, cameras, device, work) if normalise else None
    width = min(KEPT, found.places.shape[1])
    near = Neighbours(
        np.empty((len(maps), width), dtype=np.int32), np.empty((len(maps), width), dtype=np.float32)
    )
    for start in range(0, len(maps), _ROWS):
        rows = slice(start, start + _ROWS)
        near.places[rows], near.distances[rows] = _nearest_listed(found, rows, to, width)
    return near


def _nearest_listed(
    found: Listed, rows: slice, to: _Strangers | None, width: int
) -> tuple[np.ndarray, Float32]:
    """Places and distances (r, width) of the nearest on the lists of some ``rows``."""
    places, logits = found.places[rows], found.logits[rows]
    own = np.arange(rows.start, rows.start + len(places))[:, None]
    x: Float64 = logits / np.float64(10)
    if to is not None:
        z, t = to.standard(own, places, logits), to.standard(places, own, logits)
        x = np.asarray(_steep((z + t) / 2), dtype=np.float64)
    distances = distance_of(x)
    distances[places == own] = -1
    order, kept = _smallest(distances, width)
    kept[:, 0] = 0
    return np.take_along_axis(places, order, axis=1), kept


@dataclass(frozen=True)
class _Strangers:
    """Cohorts of a sample of each camera's pictures, and every picture's logits to them.

    ``of`` (n,) is the cohort of each picture, ``drawn`` (n,) whether it is in the sample; ``sums``
    (3, cohorts, n) are those of :func:`~qaconv_core.ranking.camera_norm.column_sums`.
    """

    of: Int64
    drawn: npt.NDArray[np.bool_]
    sums: Float64

    def standard(self, one: Any, other: Any, logits: Float32) -> Float64:
        """Logits over those of ``one`` to the camera of ``other``, without ``other`` itself."""
        values = logits.astype(np.float64)
        terms = self.drawn[other] * np.stack([np.ones(values.shape), values, values**2])
        mean, deviation = moments(self.sums[:, self.of[other], one] - terms)
        return np.asarray((values - mean) / deviation)


def _strangers(
    maps: Float16,
    head: AffineHead,
    cameras: Int64,
    device: torch.device | str,
    work: WorkContext,
) -> _Strangers:
    n = len(maps)
    cohorts = Cohorts.of(cameras, None, n, _cohort_rule(cameras))
    rows = cohorts.rows
    tracker = work.tracker(COHORTS, len(rows), "images")

    def blocks() -> Iterator[tuple[int, Float32]]:
        for start in range(0, len(rows), _AT_ONCE):
            some = maps[rows[start : start + _AT_ONCE]]
            yield start, score_maps(maps, some, head, device=device, cancel=work.cancel).T
            tracker.advance(len(some))

    own = cohorts.place_own(cameras, np.full(n, np.nan))
    drawn = np.isin(np.arange(n), rows)
    return _Strangers(own.cohort, drawn, column_sums(blocks(), cohorts, own))


def _cohort_rule(cameras: Int64) -> CohortRule:
    share = _SAMPLES // len(np.unique(cameras))
    return CohortRule(max(FEWEST + 1, min(_SAMPLE, share)))
