"""Logits of all pairs, most of them estimated from 8-bit integers, within a proved bound.

Estimates serve where only the order of some values matters: whatever the order depends on is scored
exactly, and the bound shows that the other values cannot change it. Exact logits are those of
:func:`~qaconv_core.matching.scores.score_maps`, to the last bit.

Where so many pairs turn out to need exact logits that estimates do not pay, everything that is left
is scored exactly. Queries and gallery are read in blocks, so that the maps of neither side need fit
into memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from qaconv_core.matching.cpu import FloatTiles, alone
from qaconv_core.matching.plan import cpu_workers
from qaconv_core.matching.scores import Block, Maps, Span, check_sides, pick_maps, read_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import NO_CONTEXT, Tracker, WorkContext
from qaconv_core.searching.integer_estimates import ByteTiles
from qaconv_core.searching.quantised import (
    Losses,
    QuantisedMaps,
    gallery_losses,
    logit_bounds,
    quantise,
    query_losses,
)
from qaconv_core.threads import for_each_thread, in_threads
from qaconv_core.types import Bool, Float32, Float64, Int64

QUERY_CHUNK = 1024
"""Queries whose 8-bit maps are in memory during one pass over the gallery."""
QUERY_BLOCK = 64
GALLERY_BLOCK = 256
TRIAL = 32
"""Pictures that a trial estimates against all others."""
WANTED_BYTES = 192 << 20
"""What lists of pairs to be scored, and limits of a block of rows, take at most."""
_AT_ONCE = 512  # pairs scored exactly by a thread between two looks at the cancel token
_FEWEST = 2 * QUERY_BLOCK * GALLERY_BLOCK  # pairs estimated before estimates may be given up

Undecided = Callable[[Block, Float64, Float64], Bool]
"""(block, least and largest logits (b, c)) → where an exact logit is needed (b, c)."""


@dataclass
class Pace:
    """What estimates and exact logits have cost in this job, and whether estimates pay.

    Seconds are those of the processor: while a thread stands still for another job, nothing costs.
    """

    estimated: int = 0
    exact: int = 0
    _seconds: list[float] = field(default_factory=lambda: [0.0, 0.0])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_estimated(self, pairs: int, seconds: float) -> None:
        """Count pairs that were estimated."""
        with self._lock:
            self.estimated += pairs
            self._seconds[0] += seconds

    def add_exact(self, pairs: int, seconds: float) -> None:
        """Count pairs that were scored exactly."""
        with self._lock:
            self.exact += pairs
            self._seconds[1] += seconds

    def pays(self, share: float) -> bool:
        """Whether estimates are the quicker way if a ``share`` of pairs is scored exactly, too."""
        if not (self.estimated and self.exact):
            return share < 1
        estimate, exact = self._seconds[0] / self.estimated, self._seconds[1] / self.exact
        return estimate + share * exact < exact


@dataclass
class _LastGallery:
    """The maps of the gallery that a thread has read last, in 8 bits."""

    span: Span = (0, 0)
    maps: QuantisedMaps | None = None


class EstimatedLogits:
    """Logits of query maps (p, C, h, w) and gallery maps (g, C, h, w), the same array for
    ``inner``.

    ``values`` (p, g) float32 and ``exact`` (p, g) bool are filled by :meth:`estimate`; where
    ``exact``, a value is the logit itself, elsewhere an estimate. With ``inner`` and a symmetric
    head each pair is computed once.
    """

    def __init__(
        self,
        query: Maps,
        gallery: Maps,
        head: AffineHead,
        *,
        values: Float32 | None = None,
        exact: Bool | None = None,
        inner: bool = False,
        pace: Pace | None = None,
        workers: int | None = None,
        context: WorkContext = NO_CONTEXT,
    ) -> None:
        check_sides(query, gallery, head)
        self.query, self.gallery, self.head = query, gallery, head
        shape = query.shape[0], gallery.shape[0]
        self.values = np.empty(shape, dtype=np.float32) if values is None else values
        self.exact = np.empty(shape, dtype=np.bool_) if exact is None else exact
        self.exact[:] = False
        self.mirror = inner and head.symmetric
        self.pace = pace or Pace()
        self.workers, self.context = workers or cpu_workers(), context
        self._losses = tuple(Losses(np.zeros(n), np.zeros(n)) for n in shape)
        self._byte_tiles = for_each_thread(lambda: ByteTiles(head))
        self._float_tiles = for_each_thread(
            lambda: FloatTiles(head, query.shape[1], context.cancel)
        )
        self._last_gallery = for_each_thread(_LastGallery)

    @property
    def pairs(self) -> int:
        """Pairs that are different from each other."""
        p, g = self.values.shape
        return p * (p + 1) // 2 if self.mirror else p * g

    @property
    def exact_pairs(self) -> int:
        """How many of :attr:`pairs` are exact."""
        found = int(np.count_nonzero(self.exact))
        return (found + int(np.count_nonzero(self.exact.diagonal()))) // 2 if self.mirror else found

    def limits(self, rows: Span, columns: Span) -> tuple[Float64, Float64]:
        """The least and the largest logit that each pair of a block can have."""
        values = self.values[slice(*rows), slice(*columns)].astype(np.float64)
        bounds = self.bounds(rows, columns)
        return values - bounds, values + bounds

    def bounds(self, rows: Span, columns: Span) -> Float64:
        """How far each value of a block can be from the exact logit; infinite where nobody knows.

        It is 0 where the value is exact.
        """
        query, gallery = (
            Losses(losses.norm[slice(*span)], losses.lost[slice(*span)])
            for losses, span in zip(self._losses, (rows, columns), strict=True)
        )
        found = logit_bounds(query, gallery, self.head, self.query.shape[1])
        found[self.exact[slice(*rows), slice(*columns)]] = 0
        return found

    # ── estimating ──────────────────────────────────────────────────────────────────────────────

    def estimate(self, undecided: Undecided | None, stage: str) -> None:
        """Estimate every pair that is not exact yet; score exactly what stays ``undecided``.

        Without ``undecided`` nothing is scored exactly. Pairs whose estimate has no bound (maps
        that are not finite) always are.
        """
        tracker = self._tracker(stage, self.pairs)
        for chunk in _spans(0, self.query.shape[0], QUERY_CHUNK):
            small = self._quantised(self.query, chunk)
            self._keep(0, chunk, query_losses(small, self.head))
            blocks = self._blocks(chunk)

            def work(block: Block, chunk: Span = chunk, small: QuantisedMaps = small) -> int:
                with torch.inference_mode():
                    return self._block(block, chunk, small, undecided)

            for done in in_threads(work, blocks, self.workers, alone if blocks else None):
                tracker.advance(done)

    def _blocks(self, chunk: Span) -> Sequence[Block]:
        """Blocks of one chunk of queries; in a mirrored job, those with pairs above the diagonal.

        The gallery turns slowly: its maps come from the disk.
        """
        return [
            (rows, columns)
            for columns in _spans(0, self.gallery.shape[0], GALLERY_BLOCK)
            for rows in _spans(*chunk, QUERY_BLOCK)
            if not self.mirror or columns[1] > rows[0]
        ]

    def _block(
        self, block: Block, chunk: Span, small: QuantisedMaps, undecided: Undecided | None
    ) -> int:
        (a, b), (c, d) = block
        if undecided is not None and self._given_up():
            self._score_block(block)
            return (b - a) * (d - c)
        begun = time.thread_time()
        gallery = self._gallery((c, d))
        done, tiles = 0, self._byte_tiles()
        values = np.empty((b - a, d - c), dtype=np.float32)
        for start, stop in _spans(a, b, tiles.together):
            self.context.raise_if_cancelled()
            first = min(max(c, start), d) - c if self.mirror else 0
            some = small.part(start - chunk[0], stop - chunk[0])
            values[start - a : stop - a, first:] = tiles.estimate(some, gallery.part(first, d - c))
            done += sum(
                d - min(max(c, row), d) if self.mirror else d - c for row in range(start, stop)
            )
        self._place(block, values)
        self.pace.add_estimated(done, time.thread_time() - begun)
        self._decide(block, undecided)
        return done

    def _gallery(self, span: Span) -> QuantisedMaps:
        """The gallery's maps in 8 bits; each thread keeps those of the last block."""
        last = self._last_gallery()
        if last.maps is None or last.span != span:
            last.maps, last.span = quantise(read_maps(self.gallery, span)), span
            self._keep(1, span, gallery_losses(last.maps, self.head))
        return last.maps

    def _keep(self, side: int, span: Span, losses: Losses) -> None:
        at = slice(*span)
        self._losses[side].norm[at], self._losses[side].lost[at] = losses.norm, losses.lost

    def _place(self, block: Block, values: Float32) -> None:
        """Put estimates where nothing is exact; in a mirrored job on both sides."""
        (a, b), (c, d) = block
        where = ~self.exact[a:b, c:d]
        if self.mirror:
            where &= np.arange(a, b)[:, None] <= np.arange(c, d)
            np.copyto(self.values[c:d, a:b], values.T, where=where.T)
        np.copyto(self.values[a:b, c:d], values, where=where)

    def _decide(self, block: Block, undecided: Undecided | None) -> None:
        (a, b), (c, d) = block
        least, most = self.limits(*block)
        needed = ~np.isfinite(least)
        if undecided is not None:
            needed |= undecided(block, least, most)
        needed &= ~self.exact[a:b, c:d]
        row, column = np.nonzero(needed)
        if len(row):
            self._score_some(row + a, column + c)

    def _given_up(self) -> bool:
        pace = self.pace
        return pace.estimated >= _FEWEST and not pace.pays(pace.exact / pace.estimated)

    def _quantised(self, maps: Maps, span: Span) -> QuantisedMaps:
        def work(part: Span) -> tuple[Span, QuantisedMaps]:
            with torch.inference_mode():
                return part, quantise(read_maps(maps, part))

        parts = list(_spans(*span, QUERY_BLOCK))
        found = dict(in_threads(work, parts, self.workers, alone if parts else None))
        return QuantisedMaps.joined([found[part] for part in parts])

    def trial(self, columns: Int64) -> EstimatedLogits:
        """The same of all queries and a few gallery pictures, with matrices of its own."""
        return EstimatedLogits(
            self.query,
            pick_maps(self.gallery, columns),
            self.head,
            pace=self.pace,
            workers=self.workers,
            context=self.context,
        )

    # ── exact logits ────────────────────────────────────────────────────────────────────────────

    def score(self, rows: Int64, columns: Int64, stage: str) -> None:
        """Score pairs (rows[i], columns[i]) exactly; those that are exact already are left out."""
        if self.mirror:
            rows, columns = np.minimum(rows, columns), np.maximum(rows, columns)
        flat = np.unique(rows * self.values.shape[1] + columns)
        rows, columns = np.divmod(flat, self.values.shape[1])
        left = ~self.exact[rows, columns]
        rows, columns = rows[left], columns[left]
        tracker = self._tracker(stage, len(rows))

        def work(span: Span) -> int:
            with torch.inference_mode():
                self._score_some(rows[slice(*span)], columns[slice(*span)])
            return span[1] - span[0]

        spans = list(_spans(0, len(rows), _AT_ONCE))
        for done in in_threads(work, spans, self.workers, alone if spans else None):
            tracker.advance(done)

    def score_all(self, stage: str) -> None:
        """Score every pair exactly."""
        tracker = self._tracker(stage, self.pairs)
        blocks = self._blocks((0, self.query.shape[0]))

        def work(block: Block) -> int:
            with torch.inference_mode():
                self._score_block(block)
            return (block[0][1] - block[0][0]) * (block[1][1] - block[1][0])

        for done in in_threads(work, blocks, self.workers, alone if blocks else None):
            tracker.advance(done)

    def _score_some(self, rows: Int64, columns: Int64) -> None:
        """Score pairs exactly whose rows ascend."""
        begun = time.thread_time()
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        for first, last in zip(starts, [*starts[1:], len(rows)], strict=True):
            row, some = int(rows[first]), columns[first:last]
            maps = read_maps(pick_maps(self.gallery, some), (0, len(some)))
            logits = self._float_tiles().score(read_maps(self.query, (row, row + 1)), maps)[0]
            self.values[row, some], self.exact[row, some] = logits, True
            if self.mirror:
                self.values[some, row], self.exact[some, row] = logits, True
        self.pace.add_exact(len(rows), time.thread_time() - begun)

    def _score_block(self, block: Block) -> None:
        begun = time.thread_time()
        (a, b), (c, d) = block
        query, gallery = read_maps(self.query, (a, b)), read_maps(self.gallery, (c, d))
        logits = self._float_tiles().score(query, gallery)
        self.values[a:b, c:d], self.exact[a:b, c:d] = logits, True
        if self.mirror:
            self.values[c:d, a:b], self.exact[c:d, a:b] = logits.T, True
        self.pace.add_exact(logits.size, time.thread_time() - begun)

    def _tracker(self, stage: str, total: int) -> Tracker:
        return self.context.tracker(stage, total, "pairs")


def estimates_work(shape: tuple[int, ...], workers: int) -> int:
    """Bytes that estimating takes beside its matrices, of maps of ``shape`` (C, h, w)."""
    channels, cells = shape[0], shape[1] * shape[2]
    small = (QUERY_CHUNK + workers * GALLERY_BLOCK) * cells * (channels + 4)
    return small + workers * _AT_ONCE * channels * cells * 2 + WANTED_BYTES


def _spans(start: int, stop: int, step: int) -> Iterator[Span]:
    for a in range(start, stop, step):
        yield a, min(stop, a + step)
