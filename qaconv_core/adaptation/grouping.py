"""Groups of pictures that seem to show one person, by DBSCAN at a distance found from the data.

Every distance of :data:`REACHES` is tried. That one is taken whose groups lie best: the mean
silhouette (Rousseeuw 1987) of the grouped pictures times the share of pictures in groups. It falls
both where groups break into pieces and where they run into one another, so that a reach at which
everything becomes one group never wins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from qaconv_core.types import UNKNOWN, Float64, Int64

REACHES = tuple(round(0.20 + 0.025 * step, 3) for step in range(17))
"""Distances tried, 0.2 … 0.6."""
FEWEST_NEAR = 4
"""Pictures within reach, itself among them, that make a picture the core of a group."""
FEWEST_GROUPS = 2
ALONE = -1
"""The group of a picture that is in none."""
FAR = 1.0
"""The distance of two pictures without a common neighbour."""


@dataclass(frozen=True)
class Hints:
    """What is known beside the pictures' looks, as pairs of places (m, 2).

    ``same`` pairs show one person for sure, ``apart`` pairs never do.
    """

    same: Int64 = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    apart: Int64 = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))


@dataclass(frozen=True)
class Trial:
    """One reach that was tried; ``silhouette`` is the mean over the grouped pictures."""

    reach: float
    groups: int
    grouped: float
    largest: int
    silhouette: float

    @property
    def worth(self) -> float:
        """What reaches are compared by."""
        return self.silhouette * self.grouped


@dataclass(frozen=True)
class Grouping:
    """``labels`` (n,) are groups from 0, :data:`ALONE` for pictures in none."""

    labels: Int64
    reach: float
    trials: tuple[Trial, ...]

    @property
    def count(self) -> int:
        """Number of groups."""
        return int(self.labels.max(initial=ALONE)) + 1

    @property
    def grouped(self) -> int:
        """Number of pictures in groups."""
        return int((self.labels != ALONE).sum())


def group_pictures(
    distances: Any, cameras: Int64, hints: Hints | None = None, *, across: bool = True
) -> Grouping:
    """Group pictures by sparse ``distances`` (n, n), at the reach whose groups lie best.

    ``cameras`` (n,), −1 where not known. With ``across``, groups within one camera are given up
    where most groups reach over several. Pictures that share a group with one that they are
    known to be apart from leave it.
    """
    hints = hints or Hints()
    graph = _with_hints(distances, hints)
    found = [(reach, dbscan(graph, reach)) for reach in REACHES]
    trials = [_trial(graph, reach, labels) for reach, labels in found]
    fit = [k for k, trial in enumerate(trials) if trial.groups >= FEWEST_GROUPS]
    if not fit:
        return Grouping(np.full(len(cameras), ALONE, dtype=np.int64), 0.0, tuple(trials))
    best = max(fit, key=lambda k: (trials[k].worth, -k))
    labels = _apart(graph, found[best][1], hints.apart)
    if across:
        labels = prefer_across(labels, cameras)
    return Grouping(renumbered(labels), trials[best].reach, tuple(trials))


def dbscan(distances: Any, reach: float, fewest: int = FEWEST_NEAR) -> Int64:
    """Labels (n,) by DBSCAN over sparse distances (Ester et al. 1996)."""
    from sklearn.cluster import DBSCAN

    n = distances.shape[0]
    if n == 0:
        return np.empty(0, dtype=np.int64)
    near = sparse.csr_array(distances)
    # The classical CSR matrix is what scikit-learn knows.
    model = DBSCAN(eps=reach, min_samples=fewest, metric="precomputed")
    labels: Int64 = model.fit_predict(sparse.csr_matrix(near)).astype(np.int64)
    return labels


def silhouettes(distances: Any, labels: Int64) -> Float64:
    """Silhouette (n,) of each grouped picture among the grouped ones, 0 for all others.

    Pairs that are not stored are :data:`FAR`. A picture alone in its group has 0.
    """
    n = len(labels)
    out = np.zeros(n)
    kept = np.flatnonzero(labels != ALONE)
    count = int(labels.max(initial=ALONE)) + 1
    if count < 2:
        return out
    belongs = sparse.csr_array((np.ones(len(kept)), (kept, labels[kept])), shape=(n, count))
    size = np.bincount(labels[kept], minlength=count).astype(np.float64)
    graph = sparse.csr_array(distances)[kept]
    nearness = sparse.csr_array((FAR - graph.data, graph.indices, graph.indptr), shape=graph.shape)
    for start in range(0, len(kept), 1024):
        rows = nearness[start : start + 1024]
        sums = (rows @ belongs).toarray()
        own = labels[kept[start : start + 1024]]
        at = np.arange(len(own))
        mean = FAR - sums / size
        inner = FAR - sums[at, own] / np.maximum(size[own] - 1, 1)
        mean[at, own] = np.inf
        nearest = mean.min(axis=1)
        values = (nearest - inner) / np.maximum(np.maximum(nearest, inner), 1e-12)
        out[kept[start : start + 1024]] = np.where(size[own] > 1, values, 0.0)
    return out


def prefer_across(labels: Int64, cameras: Int64) -> Int64:
    """``labels`` without the groups of a single camera, where most groups reach over several."""
    count = int(labels.max(initial=ALONE)) + 1
    if count == 0 or len(np.unique(cameras[cameras != UNKNOWN])) < 2:
        return labels
    single = np.array([_one_camera(cameras[labels == group]) for group in range(count)])
    if single.mean() > 0.5:
        return labels
    lost: npt.NDArray[np.bool_] = (labels != ALONE) & single[np.maximum(labels, 0)]
    return np.where(lost, ALONE, labels)


def renumbered(labels: Int64) -> Int64:
    """Groups from 0 without gaps, in the order of their first pictures."""
    out = np.full(len(labels), ALONE, dtype=np.int64)
    kept = np.flatnonzero(labels != ALONE)
    if len(kept):
        kinds, first, inverse = np.unique(labels[kept], return_index=True, return_inverse=True)
        place = np.empty(len(kinds), dtype=np.int64)
        place[np.argsort(first)] = np.arange(len(kinds))
        out[kept] = place[inverse.reshape(-1)]
    return out


def _one_camera(cameras: Int64) -> bool:
    known = cameras[cameras != UNKNOWN]
    return len(known) == len(cameras) and len(np.unique(known)) == 1


def _trial(graph: Any, reach: float, labels: Int64) -> Trial:
    kept = labels != ALONE
    count = int(labels.max(initial=ALONE)) + 1
    values = silhouettes(graph, labels)[kept]
    return Trial(
        reach,
        count,
        float(kept.mean()) if len(labels) else 0.0,
        int(np.bincount(labels[kept]).max(initial=0)) if count else 0,
        float(values.mean()) if len(values) else 0.0,
    )


def _with_hints(distances: Any, hints: Hints) -> Any:
    """Sure pairs at the least distance, pairs that are apart at none."""
    if not len(hints.same) and not len(hints.apart):
        return sparse.csr_array(distances)
    graph = sparse.lil_array(distances)
    for pairs, value in ((hints.same, 1e-6), (hints.apart, 0.0)):
        for a, b in pairs.tolist():
            graph[a, b] = graph[b, a] = value
    out = sparse.csr_array(graph)
    out.eliminate_zeros()
    return out


def _apart(graph: Any, labels: Int64, apart: Int64) -> Int64:
    """Of two pictures of one group that are known to be apart, the one farther from it leaves."""
    out = labels.copy()
    if not len(apart):
        return out
    fit = silhouettes(graph, labels)
    for a, b in apart.tolist():
        if out[a] != ALONE and out[a] == out[b]:
            out[a if fit[a] < fit[b] else b] = ALONE
    return out
