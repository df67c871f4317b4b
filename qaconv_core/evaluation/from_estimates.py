"""Measures from estimated logits, identical to those of float32 throughout.

CMC, AP and INP depend on how many gallery pictures stand above each true match, and on ties. True
matches are scored exactly. Any other picture is scored exactly only where its estimate ± bound
contains the logit of a true match of its query; everywhere else the estimate stands on the side on
which the exact logit stands.

Re-ranking depends on the nearest k pictures of each picture, on the largest distance to it, on the
distances among neighbours, and on the order of the re-ranked distances around true matches. TLift
depends on the K best scores of each query at each camera, and again on the order around true
matches. All of these are made exact in the same way, before they are used.

A distance is computed in float32, where different logits may have one distance. Limits are
therefore widened by :data:`SLACK`: what could be equal is scored exactly.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.evaluation.methods import (
    RERANKING,
    Labels,
    MethodOptions,
    Place,
    Rankings,
    distance_of_logits,
    lift,
    measure,
)
from qaconv_core.matching.scores import Block, Span
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.ranking import tlift_available
from qaconv_core.ranking.arrays import row_blocks
from qaconv_core.ranking.distances import DistanceTable, Index
from qaconv_core.ranking.order import nearest
from qaconv_core.ranking.protocol import label_block, leave_out
from qaconv_core.ranking.rerank import Reranked, check_options
from qaconv_core.ranking.tlift import Sightings
from qaconv_core.searching.estimated_logits import TRIAL, EstimatedLogits, Pace
from qaconv_core.types import (
    Bool,
    EvaluationReport,
    Float32,
    Float64,
    Int64,
    RankingResult,
)

SLACK = 1e-6
"""More than the float32 errors of two distances, of which neither is above 1."""
_MOST_WANTED = 2**20
_LIFT_SLACK = 1e-5  # relative: a lifted score is a product of three float32 numbers

Array = npt.NDArray[Any]
Limits = tuple[Float64, Float64]
RowLimits = Callable[[int, int], tuple[Float32, Float64, Float64]]
"""(start, stop) → values of these queries, and the least and largest they can be, (b, g) each."""


@dataclass
class Truth:
    """What is true and false for each query, and the exact values of its true matches.

    ``hits`` has, for each query, the values of its true matches in ascending order.
    """

    labels: Labels
    junk_rule: bool
    hits: list[Float64] = field(default_factory=list)

    def of(self, rows: Span, columns: Span | None = None) -> npt.NDArray[np.int8]:
        """:func:`~qaconv_core.ranking.truth_labels` of a block of pairs, (b, c)."""
        at, among = slice(*rows), slice(*(columns or (None,)))
        known = self.labels
        found = label_block(
            known.query_ids[at],
            known.query_cams[at],
            known.gallery_ids[among],
            known.gallery_cams[among],
            self.junk_rule,
        )
        pairs = known.left_out
        if pairs is not None and columns is not None:
            inside = (pairs[1] >= columns[0]) & (pairs[1] < columns[1])
            pairs = pairs[0][inside], pairs[1][inside] - columns[0]
        leave_out(found, *rows, pairs)
        return found

    def matches(self) -> tuple[Int64, Int64]:
        """Query and gallery indices of all true matches; queries ascend."""
        g = len(self.labels.gallery_ids)
        found = []
        for rows in row_blocks(len(self.labels.query_ids), 8 * g):
            row, column = np.nonzero(self.of(rows) == RankingResult.TRUE)
            found.append((row + rows[0], column))
        return _joined(found)

    def measured_by(self, rows: Int64, columns: Int64, values: Array) -> None:
        """Set ``hits`` from the value of each true match (rows[i], columns[i])."""
        ends = np.searchsorted(rows, np.arange(len(self.labels.query_ids) + 1))
        wide = values.astype(np.float64)
        self.hits = [np.sort(wide[a:b]) for a, b in itertools.pairwise(ends)]

    def straddling(self, block: Block, least: Float64, most: Float64) -> Bool:
        """Where a false match may stand on either side of a true one, or tie with it."""
        kept = self.of(*block) == RankingResult.FALSE
        for row, hits in enumerate(self.hits[block[0][0] : block[0][1]]):
            if not len(hits):
                kept[row] = False
                continue
            below = np.searchsorted(hits, least[row], side="left")
            kept[row] &= below != np.searchsorted(hits, most[row], side="right")
        return kept


class FromEstimates:
    """Measures plain logits, re-ranking and TLift from estimates.

    ``make`` makes :class:`EstimatedLogits` of one of the three ``stages`` (query × gallery, within
    queries, within gallery), ``place`` the matrices of results. ``logits`` are those of query ×
    gallery.
    """

    def __init__(
        self,
        make: Callable[[str, Pace], EstimatedLogits],
        labels: Labels,
        options: MethodOptions,
        stages: tuple[str, str, str],
        place: Place | None = None,
        context: WorkContext = NO_CONTEXT,
    ) -> None:
        check_options(options.k1, options.k2, options.lambda_)
        self._place = place or (lambda name, shape: None)
        self.labels, self.options, self.context = labels, options, context
        self.stages, self._make = stages, make
        self.truth = Truth(labels, options.junk_rule)
        self._matches = self.truth.matches()
        self.pace = Pace()
        self.logits = make(stages[0], self.pace)
        self.inner: tuple[EstimatedLogits, ...] = ()
        self.seconds: dict[str, float] = {}

    def rankings(self) -> Rankings:
        """Every method that the options ask for."""
        self._timed(self.stages[0], self._score)
        found = Rankings()
        measure(found, "qaconv", self.logits.values, self.labels, self.options,
                larger_is_closer=True)  # fmt: skip
        options = self.options
        if not (options.rerank or options.tlift):
            return found
        method = "qaconv"
        rows: RowLimits = self._plain
        if options.rerank:
            method += "+rerank"
            began = time.monotonic()
            rows = self._reranked(self._table())
            distance = self._settled(rows)
            found.seconds[RERANKING] = time.monotonic() - began
            measure(found, method, distance, self.labels, options)
            del distance
        if options.tlift:
            reason = tlift_available(self.labels.query_times, self.labels.gallery_times)
            if reason:
                found.notes.append(f"TLift left out: {reason}")
                return found
            began = time.monotonic()
            lifted = self._lifted(rows)
            found.seconds["temporal lifting"] = time.monotonic() - began
            method += "+tlift"
            measure(found, method, lifted, self.labels, options, larger_is_closer=True)
        return found

    def described(self, report: EvaluationReport) -> EvaluationReport:
        """``report`` with the number of pairs that were scored exactly, and what is estimated."""
        parts = (self.logits, *self.inner)
        pairs, exact = (sum(getattr(p, n) for p in parts) for n in ("pairs", "exact_pairs"))
        counts = replace(report.counts, pairs=pairs, exact_pairs=exact)
        if exact == pairs:
            return replace(report, counts=counts)
        g = self.logits.values.shape[1]
        bound = max(float(self.logits.bounds(rows, (0, g)).max()) for rows in self._blocks())
        told = (
            f"{exact:,} of {pairs:,} pairs ({exact / pairs:.1%}) were scored exactly, the others "
            "estimated from 8-bit integers within a proved bound; the measures are those of "
            "float32 throughout",
            "the distributions of scores, ROC and thresholds rest on the estimates, each within "
            f"±{bound:.2f} of its logit; qaconv evaluate --exact scores all pairs",
        )
        separable = {**report.separation, "bound": bound}
        notes = (*report.notes, *told)
        return replace(report, counts=counts, separation=separable, notes=notes)

    def _timed(self, stage: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        result = work()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.monotonic() - began
        return result

    def _score(self) -> None:
        """Estimate all pairs; exact are true matches and what may stand on either side of one."""
        stage = self.stages[0]
        self.logits.score(*self._matches, stage)
        self.truth.measured_by(*self._matches, self.logits.values[self._matches])
        self.logits.estimate(self.truth.straddling, stage)

    # ── re-ranking ──────────────────────────────────────────────────────────────────────────────

    def _table(self) -> LogitTable:
        """All distances that re-ranking needs, those exact that its neighbours depend on."""
        width = max(self.options.k1 + 1, self.options.k2)
        inner = []
        for stage in self.stages[1:]:
            one = self._make(stage, self.pace)
            self._timed(stage, partial(_estimate_inner, one, width, stage))
            inner.append(one)
        self.inner = tuple(inner)
        table = LogitTable.over(self.logits, *inner)
        self._timed(self.stages[2], lambda: table.settle_neighbours(width, self.stages[2]))
        return table

    def _reranked(self, table: LogitTable) -> RowLimits:
        options, context = self.options, self.context
        tracker = context.tracker("re-ranking", table.n, "pictures")
        found = Reranked.of(table, options.k1, options.k2, options.lambda_, tracker=tracker)

        def rows(start: int, stop: int) -> tuple[Float32, Float64, Float64]:
            values = found.rows(start, stop)
            near, far = table.query_limits(start, stop)
            here = _distance(self.logits.values[start:stop])
            share = options.lambda_ / found.scale[start:stop, None].astype(np.float64)
            least = values - share * (here - near + SLACK) - SLACK
            return values, least, values + share * (far - here + SLACK) + SLACK

        return rows

    def _plain(self, start: int, stop: int) -> tuple[Float32, Float64, Float64]:
        """Distances of these queries to the gallery as they are."""
        least, most = self.logits.limits((start, stop), (0, self.logits.values.shape[1]))
        values = distance_of_logits(self.logits.values[start:stop])
        return values, _distance(most) - SLACK, _distance(least) + SLACK

    def _settled(self, rows: RowLimits) -> Float32:
        """Distances of all pairs, exact where the order around true matches depends on it."""
        out = self._matrix("re-ranked")
        for a, b in self._blocks():
            out[a:b], least, most = rows(a, b)
            if self._decide((a, b), out[a:b], least, most):
                out[a:b] = rows(a, b)[0]
        return out

    def _decide(self, span: Span, values: Float32, least: Float64, most: Float64) -> bool:
        """Score exactly what may stand on either side of a true match of these queries.

        ``values`` (b, g) are exact for true matches. Returns whether there was any such pair.
        """
        a, b = span
        matches = self.truth.of(span) == RankingResult.TRUE
        hits: list[Float64] = [np.empty(0)] * a
        for row, match in zip(values, matches, strict=True):
            hits.append(np.sort(row[match].astype(np.float64)))
        here = Truth(self.labels, self.options.junk_rule, hits)
        undecided = here.straddling((span, (0, values.shape[1])), least, most)
        row, column = np.nonzero(undecided & ~self.logits.exact[a:b])
        self.logits.score(row + a, column, self.stages[0])
        return len(row) > 0

    def _matrix(self, name: str) -> Float32:
        shape = self.logits.values.shape
        found = self._place(name, shape)
        return np.empty(shape, dtype=np.float32) if found is None else found

    def _blocks(self) -> Iterator[Span]:
        p, g = self.logits.values.shape
        return row_blocks(p, 64 * g)

    # ── TLift ───────────────────────────────────────────────────────────────────────────────────

    def _lifted(self, rows: RowLimits) -> Float32:
        """Scores 1 − distance, lifted."""
        self._settle_pivots(rows)
        score = self._scores(rows, self._matrix("scores to lift"))
        lifted = self._matrix("lifted scores")
        lift(score, self.labels, self.options, lifted, self.context)
        changed = False
        for a, b in self._blocks():
            _, least, most = rows(a, b)
            old, new = score[a:b].astype(np.float64), lifted[a:b].astype(np.float64)
            # Where a score is almost 0 its weight is not known; it is at most 1 + alpha.
            weight = np.full(old.shape, 1 + self.options.alpha)
            np.divide(new, old, out=weight, where=old > _LIFT_SLACK)
            slack = _LIFT_SLACK * (new + np.abs(1 - least) * weight)
            lowest = new - (most - (1 - old)) * weight - slack
            highest = new + ((1 - old) - least) * weight + slack
            changed |= self._decide((a, b), lifted[a:b], lowest, highest)
        if not changed:
            return lifted
        score = self._scores(rows, score)
        return lift(score, self.labels, self.options, lifted, self.context)

    def _scores(self, rows: RowLimits, out: Float32) -> Float32:
        """1 − distance of all pairs, in ``out``."""
        for a, b in self._blocks():
            np.subtract(np.float32(1), rows(a, b)[0], out=out[a:b])
        return out

    def _settle_pivots(self, rows: RowLimits) -> None:
        """Make exact what may be among the K best of a query at a camera."""
        known, k = self.labels, self.options.k
        size = len(known.gallery_ids)
        gallery = Sightings.of(known.gallery_cams, known.gallery_times, size, "gallery")
        cameras = list(gallery.by_camera())
        for best_first in (True, False):
            wanted = _Wanted(partial(self.logits.score, stage=self.stages[0]))
            for a, b in self._blocks():
                values, least, most = rows(a, b)
                needed = np.zeros((b - a, size), dtype=np.bool_)
                for some in cameras:
                    needed[:, some] = _contenders(
                        values[:, some], least[:, some], most[:, some], k, best_first
                    )
                row, column = np.nonzero(needed & ~self.logits.exact[a:b])
                wanted.add(row + a, column)
            wanted.score()


def _estimate_inner(logits: EstimatedLogits, width: int, stage: str) -> None:
    """Estimate all pairs of one side, or score them exactly where so many would be needed."""
    size = logits.values.shape[0]
    if size > 4 * TRIAL and not _pays(logits, width, stage):
        logits.score_all(stage)
    else:
        logits.estimate(None, stage)


def _pays(logits: EstimatedLogits, width: int, stage: str) -> bool:
    """Whether a few pictures need so few exact logits that estimates are the quicker way."""
    size = logits.values.shape[0]
    picked = np.linspace(0, size - 1, TRIAL).astype(np.int64)
    trial = logits.trial(picked)
    trial.estimate(None, stage)
    for best_first in (True, False):
        least, most = trial.limits((0, size), (0, TRIAL))
        near, far, here = _distance(most.T), _distance(least.T), _distance(trial.values.T)
        needed = _contenders(here, near, far, width, best_first)
        needed |= _contenders(-here, -far, -near, 1, best_first)
        if best_first:
            rows, columns = np.nonzero(needed.T)
            trial.score(rows, columns, stage)
    share = float((needed | trial.exact.T).mean())
    return logits.pace.pays(min(1.0, 2 * share if logits.mirror else share))


def _contenders(values: Array, least: Array, most: Array, k: int, best_first: bool) -> Bool:
    """Which entries of each row may be among its ``k`` smallest, (b, n).

    With ``best_first`` these are the k smallest ``values`` alone: once they are exact, the limits
    of the others are known, and far fewer are left.
    """
    if best_first:
        found = np.zeros(values.shape, dtype=np.bool_)
        np.put_along_axis(found, nearest(values, k), True, axis=1)
        return found
    k = min(k, most.shape[1])
    if k == 0:
        return np.zeros(values.shape, dtype=np.bool_)
    limit = np.partition(most, k - 1, axis=1)[:, k - 1, None]
    return np.asarray(least <= limit + SLACK)


def _joined(parts: list[tuple[Array, Array]]) -> tuple[Int64, Int64]:
    """Row and column numbers of several blocks in two arrays."""
    rows, columns = (np.concatenate([p[i] for p in parts] or [np.empty(0)]) for i in (0, 1))
    return rows.astype(np.int64), columns.astype(np.int64)


class _Wanted:
    """Collects pairs and has them scored many at a time, of bounded number."""

    def __init__(self, score: Callable[[Int64, Int64], None]) -> None:
        self._score = score
        self._parts: list[tuple[Array, Array]] = []

    def add(self, rows: Array, columns: Array) -> None:
        """Want these pairs."""
        self._parts.append((rows, columns))
        if sum(len(part[0]) for part in self._parts) > _MOST_WANTED:
            self.score()

    def score(self) -> None:
        """Score what is wanted."""
        self._score(*_joined(self._parts))
        self._parts = []


def _distance(logits: Array) -> Float64:
    """1 − sigmoid(logit / 10) in float64."""
    return 0.5 - 0.5 * np.tanh(0.05 * logits.astype(np.float64))


@dataclass(frozen=True)
class LogitTable(DistanceTable):
    """Distances for re-ranking, computed from logits whenever they are read.

    ``qg``, ``qq`` and ``gg`` are logits, of which single ones become exact when they are asked for.
    """

    parts: tuple[EstimatedLogits, EstimatedLogits, EstimatedLogits] = ()  # type: ignore[assignment]

    @classmethod
    def over(cls, qg: EstimatedLogits, qq: EstimatedLogits, gg: EstimatedLogits) -> LogitTable:
        """A table over these logits; nothing is copied."""
        kind = np.dtype(np.float32)
        return cls(qg.values, qq.values, gg.values, kind, (qg, qq, gg))

    def blocks(self, part: Array) -> Iterator[tuple[int, Array]]:
        """The distances of one matrix, in blocks of rows: (first row, block)."""
        for start, block in super().blocks(part):
            yield start, distance_of_logits(block)

    def original(self, start: int, stop: int) -> Array:
        """Distances of queries ``start`` … ``stop``−1 to the gallery, (stop − start, g)."""
        return distance_of_logits(super().original(start, stop))

    def pairs(self, i: Index, j: Index) -> Array:
        """D[j, i] of each pair in turn, all of them exact."""
        self._score(i, j)
        return distance_of_logits(super().pairs(i, j)[None])[0]

    def query_limits(self, start: int, stop: int) -> Limits:
        """The least and the largest distance of these queries to the gallery, (b, g) each."""
        least, most = self.parts[0].limits((start, stop), (0, self.g))
        return _distance(most), _distance(least)

    def settle_neighbours(self, width: int, stage: str) -> None:
        """Make exact what may be among the ``width`` nearest of a picture, or the farthest."""
        for best_first in (True, False):
            wanted = _Wanted(partial(self._score, stage=stage))
            for a, b in self._spans():
                near, far, here = (_distance(part) for part in self._columns(a, b))
                needed = _contenders(here, near, far, width, best_first)
                needed |= _contenders(-here, -far, -near, 1, best_first)
                picture, other = np.nonzero(needed & (near < far))
                wanted.add(picture + a, other)
            wanted.score()

    def _spans(self) -> Iterator[Span]:
        for first, count in ((0, self.p), (self.p, self.g)):
            for a, b in row_blocks(count, 64 * self.n):
                yield first + a, first + b

    def _columns(self, a: int, b: int) -> tuple[Float64, Float64, Array]:
        """The largest, least and current logits of all pictures to pictures ``a`` … ``b``−1,
        (b − a, n) each. These are all queries or all of the gallery."""
        qg, qq, gg = self.parts
        p, g = self.p, self.g
        found = []
        if b <= p:
            whole = ((qq, (0, p), (a, b), True), (qg, (a, b), (0, g), False))
        else:
            whole = ((qg, (0, p), (a - p, b - p), True), (gg, (0, g), (a - p, b - p), True))
        for part, rows, columns, turned in whole:
            least, most = part.limits(rows, columns)
            values = part.values[slice(*rows), slice(*columns)]
            found.append([x.T if turned else x for x in (most, least, values)])
        first, second = found
        near, far, here = (np.concatenate(x, axis=1) for x in zip(first, second, strict=True))
        return near, far, here

    def _score(self, i: Array, j: Array, stage: str = "re-ranking") -> None:
        """Score D[j, i] of each pair exactly."""
        p, (qg, qq, gg) = self.p, self.parts
        i, j = i.astype(np.int64), j.astype(np.int64)
        iq, jq = i < p, j < p
        qq.score(j[iq & jq], i[iq & jq], stage)
        rows = np.concatenate([i[iq & ~jq], j[~iq & jq]])
        qg.score(rows, np.concatenate([j[iq & ~jq], i[~iq & jq]]) - p, stage)
        gg.score(j[~iq & ~jq] - p, i[~iq & ~jq] - p, stage)
