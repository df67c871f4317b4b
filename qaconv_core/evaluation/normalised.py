"""Scores of a whole evaluation normalised by camera: N, and distances of it for re-ranking.

Where the logits come from is a :class:`LogitSource`: an evaluation computes what it has not yet, a
file of saved scores has them or not. Matrices are read and written in blocks of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from qaconv_core.evaluation.methods import (
    PROFILE_NOTE,
    Labels,
    Matrix,
    MethodOptions,
    Place,
    distance_of_normalised,
    profile_distances,
)
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.ranking.arrays import row_blocks
from qaconv_core.ranking.camera_norm import (
    ROW_BYTES,
    Rows,
    Sides,
    Towards,
    chosen_rows,
    column_sums,
    normalised_block,
)
from qaconv_core.ranking.cohorts import CohortRule, Cohorts, Placed
from qaconv_core.ranking.other_times import OtherTimes
from qaconv_core.types import Float32, Float64, Int64

STAGE = "normalising"
QUERIES_STAND_IN = (
    "normalised: the file holds no scores within the gallery, so other queries of the query's "
    "camera are its strangers (an approximation)"
)


class LogitSource(Protocol):
    """Logits of one evaluation; the row is always in the query's role."""

    @property
    def has_inner(self) -> bool:
        """Whether logits within the gallery and within the queries can be had."""

    @property
    def rows_are_gallery(self) -> bool:
        """Whether re-ranking wants matrices of one side with the row in the gallery's role."""

    def logits(self) -> Matrix:
        """Queries × gallery (p, g)."""

    def from_gallery(self, rows: Int64) -> Iterable[tuple[int, Matrix]]:
        """(position of the first, logits (n, g)) of chosen gallery pictures, in blocks."""

    def towards_queries(self, rows: Int64) -> Matrix:
        """Chosen gallery pictures × queries (k, p)."""

    def inner(self) -> tuple[Matrix, Matrix]:
        """Within queries (p, p) and within the gallery (g, g)."""


class NormalisedScores:
    """Normalised scores of an evaluation, as :func:`.measure_methods` takes them."""

    def __init__(
        self,
        source: LogitSource,
        labels: Labels,
        options: MethodOptions,
        place: Place | None = None,
        context: WorkContext = NO_CONTEXT,
    ) -> None:
        self._source, self._labels, self._context = source, labels, context
        self._place = place or (lambda name, shape: None)
        self._query = labels.query_cams, labels.query_times
        self._gallery = labels.gallery_cams, labels.gallery_times
        rule, g = options.cohorts, len(labels.gallery_cams)
        self._whole = Cohorts.of(*self._gallery, g, CohortRule(None, rule.seed, rule.nearby))
        self._sides = Sides(
            self._whole,
            self._whole.place(*self._query, labels.left_out),
            self._whole.place_own(*self._gallery),
        )
        self._towards: Towards | None = None
        self._scores: Float32 | None = None
        self.largest: Float64 | None = None
        """What the line rests on, once :meth:`scores` was called; None where it cannot be known."""
        if source.has_inner:
            self._sample = Cohorts.of(*self._gallery, g, rule)
        else:
            self._sample = Cohorts.of(*self._query, len(labels.query_cams), rule)

    @property
    def within_approximation(self) -> str:
        """What is not exact about :meth:`within`, in words; "" where all is."""
        return "" if self._source.has_inner else PROFILE_NOTE

    def notes(self) -> list[str]:
        """What a reader of the results must know."""
        labels = self._labels
        known = bool(np.isfinite(labels.gallery_times).any())
        found = [] if self._source.has_inner else [QUERIES_STAND_IN]
        cameras = [labels.query_cams, labels.gallery_cams]
        return found + self._whole.notes(cameras, known, labels.camera_names)

    def scores(self) -> Float32:
        """N (p, g), float32."""
        if self._scores is not None:
            return self._scores
        values = self._source.logits()
        rows, towards = self._towards_gallery(values)
        self._towards = towards
        out = self._matrix("normalised scores", values.shape)
        for start, stop, block in self._blocks(STAGE, values, values, self._sides, rows, towards):
            out[start:stop] = block
        self._scores = out
        return out

    def within(self) -> tuple[Matrix, Matrix]:
        """Distances of normalised scores among queries (p, p) and among the gallery (g, g)."""
        if not self._source.has_inner:
            plain = distance_of_normalised(self.scores())
            queries = profile_distances(plain, by_query=True, context=self._context)
            return queries, profile_distances(plain, by_query=False, context=self._context)
        queries, gallery = self._source.inner()
        return self._within_queries(queries), self._within_gallery(gallery)

    def _towards_gallery(self, values: Matrix) -> tuple[Placed, Towards]:
        """T's half for the gallery as targets: the queries placed, and sums over cohorts."""
        sample, left_out = self._sample, self._labels.left_out
        if not self._source.has_inner:
            same = None if left_out is None else (left_out[1], left_out[0])
            rows, targets = sample.place_own(*self._query), sample.place(*self._gallery, same)
            blocks = chosen_rows(values, sample.rows)
            sums = column_sums(blocks, sample, targets)
            return rows, Towards(sample, targets, sums, lambda some: values[sample.rows[some]])
        rows = sample.place(*self._query, left_out)
        targets = sample.place_own(*self._gallery)
        kept = _Kept(np.unique(rows.inside.indices), self._source.from_gallery(sample.rows))
        watched = OtherTimes(sample, *self._gallery)
        sums = column_sums(watched.watch(kept.blocks()), sample, targets)
        self.largest = watched.largest(sums)
        return rows, Towards(sample, targets, sums, kept.rows)

    def _within_gallery(self, values: Matrix) -> Float32:
        assert self._towards is not None, "scores() comes first"
        sample = self._sample
        towards = Towards(
            sample, self._towards.targets, self._towards.sums,
            lambda some: values[sample.rows[some]],
        )  # fmt: skip
        sides = Sides(self._whole, self._sides.targets, self._sides.targets)
        rows = towards.targets
        return self._distances("normalised gallery", values, values, sides, rows, towards)

    def _within_queries(self, values: Matrix) -> Float32:
        sample, left_out = self._sample, self._labels.left_out
        towards_queries = self._source.towards_queries(sample.rows)
        targets = sample.place(*self._query, left_out)
        sums = column_sums([(0, towards_queries)], sample, targets)
        towards = Towards(sample, targets, sums, lambda some: towards_queries[some])
        sides = Sides(self._whole, self._sides.rows, self._sides.rows)
        own = self._source.logits()
        return self._distances("normalised queries", values, own, sides, targets, towards)

    def _distances(
        self, name: str, values: Matrix, own: Matrix, sides: Sides, rows: Placed, towards: Towards
    ) -> Float32:
        out = self._matrix(name, values.shape)
        for start, stop, block in self._blocks(name, values, own, sides, rows, towards):
            distances = distance_of_normalised(block)
            if self._source.rows_are_gallery:
                out[:, start:stop] = distances.T
            else:
                out[start:stop] = distances
        return out

    def _blocks(
        self, stage: str, values: Matrix, own: Matrix, sides: Sides, rows: Placed, towards: Towards
    ) -> Iterator[tuple[int, int, Float64]]:
        """(start, stop, N) of blocks of rows."""
        tracker = self._context.tracker(stage, len(values), "pictures")
        for start, stop in row_blocks(len(values), ROW_BYTES * max(1, *own.shape[1:])):
            block = values[start:stop], own[start:stop]
            yield start, stop, normalised_block(*block, start, sides, rows, towards)
            tracker.advance(stop - start)

    def _matrix(self, name: str, shape: tuple[int, ...]) -> Float32:
        found = self._place(name, shape)
        return np.empty(shape, dtype=np.float32) if found is None else found


class _Kept:
    """Passes blocks of rows on and keeps the rows at the positions ``wanted``, ascending."""

    def __init__(self, wanted: Int64, source: Iterable[tuple[int, Matrix]]) -> None:
        self._wanted, self._source = wanted, source
        self._parts: list[Matrix] = []
        self._all: Matrix | None = None

    def blocks(self) -> Iterator[tuple[int, Matrix]]:
        """The blocks, as they come."""
        for start, block in self._source:
            first, last = np.searchsorted(self._wanted, [start, start + len(block)])
            self._parts.append(np.array(block[self._wanted[first:last] - start]))
            yield start, block

    @property
    def rows(self) -> Rows:
        """What gives the kept rows by their positions."""

        def chosen(positions: Int64) -> Matrix:
            if self._all is None:
                self._all = np.concatenate(self._parts)
                self._parts.clear()
            return np.asarray(self._all[np.searchsorted(self._wanted, positions)])

        return chosen


class SavedLogits:
    """The :class:`LogitSource` of saved scores; those within the two sides may be missing."""

    def __init__(
        self,
        score: Matrix,
        within: tuple[Matrix, Matrix] | None,
        rows_are_gallery: bool = False,
    ) -> None:
        self._score, self._within = score, within
        self._rows_are_gallery = rows_are_gallery

    @property
    def rows_are_gallery(self) -> bool:
        """Whether the scores within a side have the row in the gallery's role."""
        return self._rows_are_gallery

    @property
    def has_inner(self) -> bool:
        """Whether the scores within both sides are there."""
        return self._within is not None

    def logits(self) -> Matrix:
        """Queries × gallery (p, g)."""
        return self._score

    def inner(self) -> tuple[Matrix, Matrix]:
        """Within queries (p, p) and within the gallery (g, g)."""
        assert self._within is not None
        queries, gallery = self._within
        return (queries.T, gallery.T) if self._rows_are_gallery else (queries, gallery)

    def from_gallery(self, rows: Int64) -> Iterable[tuple[int, Matrix]]:
        """Blocks of chosen rows within the gallery."""
        return chosen_rows(self.inner()[1], rows)

    def towards_queries(self, rows: Int64) -> Matrix:
        """Chosen gallery pictures × queries, taken as symmetric: no file holds them."""
        return self._score[:, rows].T
