"""Re-ranking with k-reciprocal encoding, sparse and in blocks.

Zhong, Zheng, Cao and Li, *Re-ranking Person Re-identification with k-reciprocal Encoding*, CVPR
2017, as the QAConv evaluation uses it: on distances as they are, not squared. With D the
(p+g)×(p+g) matrix [qq qg; qgᵀ gg], which is never assembled, and N(i, k) the k+1 nearest of i
(i itself among them):

1. O[i, j] = D[j, i] / max over m of D[m, i];  N(i, k) are the k+1 smallest of O[i];
2. R(i, k) = {j in N(i, k) with i in N(j, k)};
3. R*(i) = R(i, k1) and each R(j, k1/2), j in R(i, k1), of which more than two thirds lie in
   R(i, k1); k1/2 is rounded to even;
4. V[i, j] = exp(−O[i, j]) for j in R*(i), else 0; each row divided by its sum;
5. V[i] becomes the mean of V over the k2 nearest of i (for k2 = 1 it stays);
6. m = Σ_j min(V[i, j], V[g, j]);  jaccard = 1 − m / (2 − m);
7. distance = (1 − λ)·jaccard + λ·O[i, g].

Ties rank in order of position, queries before gallery.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.ranking import sparse
from qaconv_core.ranking.arrays import Matrix
from qaconv_core.ranking.columns import ColumnHeads, Index, stripes
from qaconv_core.ranking.distances import DistanceTable
from qaconv_core.threads import in_threads
from qaconv_core.types import Float32

TERMS_AT_ONCE = 2**16
"""Terms of the sum in step 6 that are expanded at once, at about 40 bytes each."""
BLOCK_BYTES = 2**21
"""Bytes of steps 6 and 7 handled at once, about as many as stay in a core's cache."""


def k_reciprocal_rerank(
    dist_qg: npt.ArrayLike,
    dist_qq: npt.ArrayLike,
    dist_gg: npt.ArrayLike,
    k1: int = 20,
    k2: int = 6,
    lambda_: float = 0.3,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    workers: int | None = None,
    out: Float32 | None = None,
    signed: bool = False,
) -> Float32:
    """Re-ranked distances of every query to every gallery picture, float32 (p, g).

    ``dist_qg`` (p, g), ``dist_qq`` (p, p) and ``dist_gg`` (g, g) are distances ≥ 0 (QAConv:
    1 − score) in any real type, memory-mapped or not; entry [a, b] is that of a as query to b as
    gallery picture, and need not be symmetric. ``lambda_`` in [0, 1] is the share of the original
    distance. Sets smaller than ``k1`` are fine. ``workers`` threads share the work (default: 1).
    ``out`` (p, g) receives the result; like the distances it may be memory-mapped. Files are read
    from beginning to end, so that neither they nor the result need fit into memory. ``signed``
    takes any finite numbers for distances, −logits say, as QAConv's newest code does; pictures to
    which all of them are negative then have their order turned around, as there (step 1 divides by
    a negative maximum).

    Raises InputError for wrong shapes or options, NaN, infinite or negative distances, and
    Cancelled when ``cancel`` is set.
    """
    check_options(k1, k2, lambda_)
    table = DistanceTable.of(dist_qg, dist_qq, dist_gg)
    if out is None:
        out = np.empty((table.p, table.g), dtype=np.float32)
    elif out.shape != (table.p, table.g):
        raise InputError(
            f"the place for re-ranked distances has shape {out.shape}, not {(table.p, table.g)}"
        )
    tracker = Tracker("re-ranking", table.n + table.p, "pictures", progress, cancel)
    if out.size == 0:
        return out
    found = Reranked.of(table, k1, k2, lambda_, workers or 1, tracker, signed)

    def fill(rows: tuple[int, int]) -> int:
        out[slice(*rows)] = found.rows(*rows)
        return rows[1] - rows[0]

    for done in in_threads(fill, list(found.blocks()), workers or 1):
        tracker.advance(done)
    return out


@dataclass(frozen=True)
class Reranked:
    """Re-ranked distances of queries to the gallery, computed block by block.

    ``scale`` (n,) is the largest distance to each picture (1 where all are 0).
    """

    table: DistanceTable
    encoding: Encoding
    scale: npt.NDArray[Any]
    lambda_: float

    @classmethod
    def of(
        cls,
        table: DistanceTable,
        k1: int,
        k2: int,
        lambda_: float,
        workers: int = 1,
        tracker: Tracker | None = None,
        signed: bool = False,
    ) -> Reranked:
        """Do steps 1 to 5; ``tracker`` counts pictures."""
        encoder = Encoder(table, k1, k2, workers, signed)
        encoding = encoder.encode(tracker)
        return cls(table, encoding, encoder.scale, lambda_)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """(start, stop) of blocks of queries that are worth computing at once."""
        return self.encoding.blocks()

    def rows(self, start: int, stop: int) -> Float32:
        """Steps 6 and 7 for queries ``start`` … ``stop``−1, float32 (stop − start, g)."""
        original = self.table.original(start, stop) / self.scale[start:stop, None]
        original *= self.lambda_
        jaccard = self.encoding.jaccard(start, stop)
        jaccard *= 1.0 - self.lambda_
        return np.asarray(jaccard + original, dtype=np.float32)


def check_options(k1: int, k2: int, lambda_: float) -> None:
    """Raise InputError unless k1, k2 ≥ 1 are whole and lambda_ lies in [0, 1]."""
    for name, value in (("k1", k1), ("k2", k2)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise InputError(f"{name} of re-ranking must be a whole number from 1, not {value!r}")
    if not 0.0 <= lambda_ <= 1.0:
        raise InputError(f"lambda of re-ranking must lie in [0, 1], not {lambda_!r}")


class Encoder:
    """Steps 1 to 5: from distances to the sparse encoding V of every picture.

    ``scale`` (n,) holds the largest distance to each picture (1 where all are 0). ``signed``
    distances may be negative.
    """

    def __init__(
        self, table: DistanceTable, k1: int, k2: int, workers: int = 1, signed: bool = False
    ) -> None:
        self.table, self.k1, self.k2, self.workers = table, k1, k2, workers
        self.signed = signed
        self.scale: npt.NDArray[Any] = np.ones(table.n, dtype=table.dtype)
        self.ranks: Index = np.empty((table.n, 0), dtype=np.int32)

    def encode(self, tracker: Tracker | None = None) -> Encoding:
        """The encoding of every picture."""
        self._rank(tracker)
        v = self._weights(reciprocal_sets(self.ranks, self.k1))
        if self.k2 > 1:
            mean = adjacency(self.ranks[:, : self.k2])
            v = (mean @ v) / np.float32(min(self.k2, self.table.n))
        v = sparse.csr_array(v)
        return Encoding(v[: self.table.p], sparse.csc_array(v[self.table.p :]))

    def _rank(self, tracker: Tracker | None) -> None:
        """Steps 1 and 2's N(i, k), and ``scale``: every matrix read once, row by row."""
        heads = self._heads(tracker)
        self.ranks = np.concatenate([one.rows() for one in heads])
        largest = np.concatenate([one.largest for one in heads])
        turned = largest < 0
        if self.signed and turned.any():  # O grows where D falls
            far = np.concatenate([one.rows() for one in self._heads(None, -1)])
            self.ranks[turned] = far[turned]
        usable = largest != 0 if self.signed else largest > 0
        self.scale = np.where(usable, largest, 1).astype(self.table.dtype)

    def _heads(self, tracker: Tracker | None, sign: int = 1) -> list[ColumnHeads]:
        """The smallest of ``sign`` · D[:, i] of each picture i, queries first."""
        table, p = self.table, self.table.p
        width = min(table.n, max(self.k1 + 1, self.k2))
        query = ColumnHeads(p, width, table.dtype, self.signed)
        spans = stripes(table.g, self.workers)
        gallery = [ColumnHeads(b - a, width, table.dtype, self.signed) for a, b in spans]

        def blocks(part: Matrix) -> Iterator[tuple[int, npt.NDArray[Any]]]:
            for start, block in table.blocks(part):
                yield start, block if sign > 0 else -block

        def take(block: npt.NDArray[Any], first: int) -> None:
            def one(number: int) -> None:
                a, b = spans[number]
                gallery[number].take(block[:, a:b], first)
                gallery[number].check()

            for _ in in_threads(one, range(len(spans)), self.workers):
                pass
            if tracker is not None:
                tracker.advance(len(block))

        for start, block in blocks(table.qq):
            query.take(block, start)
        numbers = np.arange(p, table.n)
        for start, block in blocks(table.qg):
            take(block, start)
            query.add(start, numbers, block)
        query.check()
        for start, block in blocks(table.gg):
            take(block, p + start)
        return [query, *gallery]

    def _weights(self, pattern: Any) -> Any:
        """Step 4: exp(−O) on the pattern, rows summing to 1."""
        row = np.repeat(np.arange(self.table.n, dtype=np.int32), np.diff(pattern.indptr))
        original = self.table.pairs(row, pattern.indices) / self.scale[row]
        weight = np.exp(-original)
        total = np.bincount(row, weight, minlength=self.table.n)
        data = (weight / total[row]).astype(np.float32)
        return sparse.csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)


@dataclass(frozen=True)
class Encoding:
    """V of the queries, CSR (p, n), and of the gallery, CSC (g, n)."""

    query: Any
    gallery: Any

    def _terms(self) -> npt.NDArray[np.int64]:
        """How many gallery pictures share each entry of the queries' encoding."""
        return np.diff(self.gallery.indptr)[self.query.indices].astype(np.int64)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """(start, stop) of blocks of queries of about ``TERMS_AT_ONCE`` terms each."""
        upto = np.concatenate([[0], np.cumsum(self._terms())])[self.query.indptr]
        p, g = self.query.shape[0], self.gallery.shape[0]
        most = max(1, BLOCK_BYTES // (16 * max(1, g)))
        start = 0
        while start < p:
            stop = int(np.searchsorted(upto, upto[start] + TERMS_AT_ONCE, side="right")) - 1
            stop = min(max(stop, start + 1), start + most, p)
            yield start, stop
            start = stop

    def jaccard(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Step 6 for queries ``start`` … ``stop``−1 and all of the gallery, (b, g)."""
        b, g = stop - start, self.gallery.shape[0]
        first, last = self.query.indptr[start], self.query.indptr[stop]
        shared = self.query.indices[first:last]
        length = np.diff(self.gallery.indptr)[shared]
        ends = np.cumsum(length, dtype=np.int64)
        total = int(ends[-1]) if len(ends) else 0
        # Entry e of the queries meets the gallery pictures at begin[e], begin[e] + 1, … of the
        # column it shares with them; `at` lists those places for all entries, one after another.
        at = np.repeat(self.gallery.indptr[shared] - (ends - length), length) + np.arange(total)
        row = np.repeat(np.arange(b), np.diff(self.query.indptr[start : stop + 1]))
        cell = np.repeat(row * g, length) + self.gallery.indices[at]
        least = np.minimum(np.repeat(self.query.data[first:last], length), self.gallery.data[at])
        common = np.bincount(cell, least, minlength=b * g).reshape(b, g)
        jaccard: npt.NDArray[Any] = 2.0 - common
        np.divide(common, jaccard, out=jaccard)
        return np.subtract(1.0, jaccard, out=jaccard)


def reciprocal_sets(ranks: Index, k1: int) -> Any:
    """Step 3: the sets R*(i) as the pattern of a sparse matrix (n, n).

    ``ranks`` (n, k1 + 1 or more) are the nearest of each picture, itself among them.
    """
    near = _reciprocal(ranks, k1)
    half = _reciprocal(ranks, round(k1 / 2))
    size = half.sum(axis=1)
    overlap = sparse.coo_array((near @ half.T).multiply(near))
    row, column = overlap.coords
    taken = 3 * overlap.data > 2 * size[column]
    kept = (overlap.data[taken], (row[taken], column[taken]))
    return sparse.csr_array(near + sparse.csr_array(kept, shape=near.shape) @ half)


def _reciprocal(ranks: Index, k: int) -> Any:
    forward = adjacency(ranks[:, : k + 1])
    return sparse.csr_array(forward.multiply(forward.T))


def adjacency(ranks: Index) -> Any:
    """CSR (n, n) with a one wherever a picture stands in the list of another."""
    n, width = ranks.shape
    pointers = np.arange(0, n * width + 1, width)
    data = np.ones(n * width, dtype=np.float32)
    return sparse.csr_array((data, ranks.flatten(), pointers), shape=(n, n))
