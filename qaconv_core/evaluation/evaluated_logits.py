"""Logits for camera normalisation in an evaluation: those that are there, the others computed.

Logits within the gallery are computed once, whole, where re-ranking needs them too or where the
cohorts hold the whole gallery. Else those of the cohorts' pictures pass by in blocks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from qaconv_core.matching.scores import Helpers, score_maps
from qaconv_core.model import Model
from qaconv_core.progress import WorkContext
from qaconv_core.ranking.arrays import Matrix
from qaconv_core.ranking.camera_norm import chosen_rows
from qaconv_core.types import FeatureBank, Float32, Int64

COHORT_STAGE = "scoring cohorts"
_ROWS_AT_ONCE = 64


class ScoredPairs(Protocol):
    """The score matrices of an evaluation, each computed when it is first needed."""

    model: Model
    query: FeatureBank
    gallery: FeatureBank
    helpers: Helpers | None
    seconds: dict[str, float]

    def logits(self) -> Float32:
        """Query × gallery logits (p, g)."""

    def inner_logits(self) -> tuple[Float32, Float32]:
        """Logits within the queries (p, p) and within the gallery (g, g), in re-ranking's roles."""

    def gallery_logits(self) -> Float32:
        """The second of :meth:`inner_logits` alone."""


class EvaluatedLogits:
    """The :class:`~qaconv_core.evaluation.normalised.LogitSource` of an evaluation.

    ``whole`` says that re-ranking needs all logits within the two sides.
    """

    has_inner = True

    def __init__(
        self, pairs: ScoredPairs, whole: bool, rows_are_gallery: bool, context: WorkContext
    ) -> None:
        self._pairs, self._whole, self._context = pairs, whole, context
        self._rows_are_gallery = rows_are_gallery

    @property
    def rows_are_gallery(self) -> bool:
        """Whether re-ranking wants matrices of one side with the row in the gallery's role."""
        return self._rows_are_gallery

    def logits(self) -> Matrix:
        """Queries × gallery (p, g)."""
        return self._pairs.logits()

    def inner(self) -> tuple[Matrix, Matrix]:
        """Within queries (p, p) and within the gallery (g, g)."""
        queries, gallery = self._pairs.inner_logits()
        return (queries.T, gallery.T) if self.rows_are_gallery else (queries, gallery)

    def from_gallery(self, rows: Int64) -> Iterable[tuple[int, Matrix]]:
        """Blocks of chosen gallery pictures × gallery."""
        gallery = self._pairs.gallery
        if self._whole or len(rows) == len(gallery):
            inner = self._pairs.gallery_logits()
            return chosen_rows(inner.T if self.rows_are_gallery else inner, rows)
        return self._scored(rows, gallery)

    def towards_queries(self, rows: Int64) -> Matrix:
        """Chosen gallery pictures × queries (k, p)."""
        if self._pairs.model.head.symmetric:
            return self._pairs.logits()[:, rows].T
        out = np.empty((len(rows), len(self._pairs.query)), dtype=np.float32)
        for start, block in self._scored(rows, self._pairs.query):
            out[start : start + len(block)] = block
        return out

    def _scored(self, rows: Int64, targets: FeatureBank) -> Iterator[tuple[int, Matrix]]:
        """Blocks of gallery pictures × targets, computed now."""
        pairs = self._pairs
        tracker = self._context.tracker(COHORT_STAGE, len(rows) * len(targets), "pairs")
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            began = time.monotonic()
            some = pairs.gallery.select(rows[start : start + _ROWS_AT_ONCE])
            block = score_maps(
                some,
                targets,
                pairs.model.head,
                plan=pairs.model.plan(len(some), len(targets), in_memory=True),
                device=pairs.model.device,
                cancel=self._context.cancel,
                helpers=pairs.helpers,
            )
            spent = pairs.seconds.get(COHORT_STAGE, 0.0) + time.monotonic() - began
            pairs.seconds[COHORT_STAGE] = spent
            yield start, block
            tracker.advance(block.size)
