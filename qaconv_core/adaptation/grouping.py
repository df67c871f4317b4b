"""Groups of pictures that seem to show one person, by average linkage up to a distance found from
the data.

Every distance of :data:`REACHES` is tried. That one is taken whose groups lie best: the mean
silhouette (Rousseeuw 1987) of the grouped pictures times the share of pictures in groups. It falls
both where groups break into pieces and where they run into one another, so that a reach at which
everything becomes one group never wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.ranking import sparse
from qaconv_core.types import UNKNOWN, Float64, Int64

STEP = 0.025
REACHES = tuple(round(0.10 + STEP * step, 3) for step in range(29))
"""Mean distances between two parts of a group that are tried, 0.1 … 0.8."""
FEWEST = 4
"""Pictures of the smallest group."""
MOST_TOGETHER = 5000
"""Pictures that are compared with one another in one piece."""
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
    found = linked(graph, REACHES, _one_person(len(cameras), hints.same))
    trials = [_trial(graph, reach, labels) for reach, labels in zip(REACHES, found, strict=True)]
    fit = [k for k, trial in enumerate(trials) if trial.groups >= FEWEST_GROUPS]
    if not fit:
        return Grouping(np.full(len(cameras), ALONE, dtype=np.int64), 0.0, tuple(trials))
    best = max(fit, key=lambda k: (trials[k].worth, -k))
    labels = _apart(graph, found[best], hints.apart)
    if across:
        labels = prefer_across(labels, cameras)
    return Grouping(renumbered(labels), trials[best].reach, tuple(trials))


def linked(distances: Any, reaches: Sequence[float], sure: Int64 | None = None) -> list[Int64]:
    """Labels (n,) at each of ``reaches`` by average linkage over sparse distances.

    Two groups are one while the mean distance between their pictures is within reach (UPGMA; Sokal
    and Michener 1958). Pictures with the same number in ``sure`` (n,) are one from the start.
    """
    from scipy.cluster.hierarchy import fcluster

    graph = sparse.csr_array(distances)
    n = graph.shape[0]
    sure = np.arange(n) if sure is None else sure
    labels = [np.full(n, ALONE, dtype=np.int64) for _ in reaches]
    for places in _parts(graph, max(reaches)):
        tree = _tree(graph[places][:, places], sure[places])
        for out, reach in zip(labels, reaches, strict=True):
            found = fcluster(tree, reach, "distance").astype(np.int64)
            enough = np.bincount(found)[found] >= FEWEST
            out[places[enough]] = found[enough] + out.max() + 1
    return [renumbered(found) for found in labels]


def _parts(graph: Any, reach: float) -> list[Int64]:
    """Places that all groups lie within: a group holds together by pairs within reach.

    A part of more than :data:`MOST_TOGETHER` pictures falls apart by shorter pairs.
    """
    from scipy.sparse.csgraph import connected_components

    near = graph.copy()
    near.data[near.data > reach] = 0
    near.eliminate_zeros()
    _, part = connected_components(near, directed=False)
    ends = np.cumsum(np.bincount(part))
    found: list[Int64] = []
    for places in np.split(np.argsort(part, kind="stable"), ends[:-1]):
        if len(places) > MOST_TOGETHER:
            found += [places[k] for k in _parts(graph[places][:, places], reach - STEP)]
        elif len(places) >= FEWEST:
            found.append(places)
    return found


def _tree(graph: Any, sure: Int64) -> Float64:
    """SciPy's linkage of the pictures of one part."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    n = graph.shape[0]
    whole = np.full((n, n), FAR, dtype=np.float32)
    rows = np.repeat(np.arange(n), np.diff(graph.indptr))
    whole[rows, graph.indices] = graph.data
    for number in np.flatnonzero(np.bincount(sure) > 1):
        one = np.flatnonzero(sure == number)
        # Pictures that are one stand where their mean is, and at no distance from one another.
        whole[one] = whole[one].mean(axis=0)
        whole[:, one] = whole[:, one].mean(axis=1, keepdims=True)
        whole[np.ix_(one, one)] = 0
    np.fill_diagonal(whole, 0)
    tree: Float64 = linkage(squareform(whole, checks=False), "average")
    return tree


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


def _one_person(n: int, same: Int64) -> Int64:
    """A number (n,) for each picture, equal for those that sure pairs connect."""
    from scipy.sparse.csgraph import connected_components

    pairs = sparse.coo_array((np.ones(len(same)), (same[:, 0], same[:, 1])), shape=(n, n))
    _, numbers = connected_components(pairs, directed=False)
    return numbers.astype(np.int64)


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
