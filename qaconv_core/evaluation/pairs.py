"""Pairs of pictures for explanation checks: of one person, and of different people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qaconv_core.ranking.arrays import evenly_spread
from qaconv_core.types import UNKNOWN, Dataset, Int64

_FEW = 1 << 20  # pairs of a data set that are all looked at

IndexPairs = list[tuple[int, int]]
"""(query index, gallery index) each."""


def choose_pairs(dataset: Dataset, count: int, same: bool, seed: int = 0) -> IndexPairs:
    """At most ``count`` random query–gallery pairs of one person (``same``) or of two people.

    Both are known persons (no distractors), seen by different cameras where cameras are known: a
    second picture of the same moment says little. The same arguments give the same pairs.
    """
    query, gallery = dataset.query, dataset.gallery
    rng = np.random.default_rng(seed)
    people, cameras = gallery.pids, gallery.camids
    pids, camids = query.pids, query.camids

    def fits(q: int) -> Int64:
        if pids[q] == UNKNOWN:
            return np.empty(0, dtype=np.int64)
        right = (people == pids[q]) if same else (people != pids[q])
        apart = (cameras != camids[q]) | (camids[q] == UNKNOWN)
        return np.flatnonzero(right & apart & (people > 0))

    if len(query) * len(gallery) <= _FEW:
        found = [(q, int(g)) for q in range(len(query)) for g in fits(q)]
        found = [found[i] for i in rng.permutation(len(found))]
    else:  # all pairs of a benchmark would not fit into memory
        found = _one_each(rng, fits, len(query), count)
    return [(q, g) for q, g in found if query[q].path != gallery[g].path][:count]


def _one_each(
    rng: np.random.Generator, fits: Callable[[int], Int64], queries: int, count: int
) -> IndexPairs:
    """A random picture for each of ``count`` random queries that have one."""
    found: IndexPairs = []
    for q in map(int, rng.permutation(queries)):
        if len(found) == count:
            break
        fitting = fits(q)
        if len(fitting):
            found.append((q, int(rng.choice(fitting))))
    return found


def random_pairs(dataset: Dataset, count: int, seed: int = 0) -> IndexPairs:
    """At most ``count`` random query–gallery pairs, nearly always of different people.

    The control where no person is known. A picture is not paired with itself.
    """
    rng = np.random.default_rng(seed)
    query, gallery = dataset.query, dataset.gallery
    possible = len(query) * len(gallery)
    # Of every query at most one pair is a picture with itself.
    numbers = rng.choice(possible, min(count + len(query), possible), replace=False)
    pairs = [divmod(int(number), len(gallery)) for number in numbers]
    return sorted([(q, g) for q, g in pairs if query[q].path != gallery[g].path][:count])


def with_queries(dataset: Dataset, count: int) -> tuple[Dataset, list[str]]:
    """The data set, and notes on it. Where it has no query, ``count`` gallery pictures, evenly
    spread, become the queries.
    """
    size = len(dataset.gallery)
    if len(dataset.query) or not size:
        return dataset, []
    rows = evenly_spread(size, count)
    note = (
        f"there are no queries: {len(rows):,} of the gallery's pictures are taken as queries, each "
        "against all the others"
    )
    return replace(dataset, query=dataset.gallery.select(rows)), [note]
