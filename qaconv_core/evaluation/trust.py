"""How far the explanations of a model can be trusted, measured on a data set.

For pairs of one person and, as a control, of different people: what the strongest correspondences
join (:mod:`~qaconv_core.evaluation.explanations`), and whether the cells named as strongest decide
logit and rank (:mod:`~qaconv_core.explaining.curves`). Each is asked of the cells that are
strongest by contribution and by what they add beyond their average over the gallery.

What needs no label maps (border, shift following, curves) works on any data set; without known
persons the pairs are each query's best match and random pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from qaconv_core.data.images import read_image
from qaconv_core.errors import InputError
from qaconv_core.evaluation.evaluator import Job, check_sides
from qaconv_core.evaluation.explanations import (
    ExplanationQuality,
    LabelReader,
    PartNames,
    explanation_qualities,
)
from qaconv_core.evaluation.pairs import IndexPairs, choose_pairs, random_pairs
from qaconv_core.explaining.crowd import CrowdStatistics, crowd_of
from qaconv_core.explaining.curves import RemovalCurves, removal_curves
from qaconv_core.explaining.maxima import GalleryCells, query_maxima
from qaconv_core.explaining.part import plain_logits
from qaconv_core.matching.features import Extraction
from qaconv_core.model import Model
from qaconv_core.progress import Tracker
from qaconv_core.ranking import truth_labels
from qaconv_core.types import (
    Bool,
    Dataset,
    Float32,
    Float64,
    ImageRef,
    ImageSet,
    Int64,
    RankingResult,
)

ORDERS = ("contribution", "relative")
"""How strong cells are chosen: by contribution, or by contribution beyond the usual."""

CROWD = 2000
"""Gallery pictures that averages and ranks are taken over; larger galleries are thinned evenly."""


@dataclass(frozen=True)
class MeanCurves:
    """Removal curves averaged over pairs; (k, n + 1) by order as in ``RemovalCurves``.

    ``…_rank`` are medians over the pairs. ``area`` maps (order, "deletion" or "insertion") to the
    area between the mean curve and the random one, as a share of the mean of |logit − bias|.
    """

    orders: tuple[str, ...]
    deletion: Float64
    insertion: Float64
    deletion_rank: Float64
    insertion_rank: Float64
    area: dict[tuple[str, str], float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "orders": list(self.orders),
            "deletion": self.deletion.tolist(),
            "insertion": self.insertion.tolist(),
            "deletion_rank": self.deletion_rank.tolist(),
            "insertion_rank": self.insertion_rank.tolist(),
            "area": {f"{kind} {order}": value for (order, kind), value in self.area.items()},
        }


@dataclass(frozen=True)
class TrustGroup:
    """One kind of pair: its pairs (query, gallery index), and what was measured on them.

    ``quality`` has one entry for each of :data:`ORDERS`.
    """

    name: str
    pairs: tuple[tuple[int, int], ...]
    quality: dict[str, ExplanationQuality]
    curves: MeanCurves

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "pairs": [list(pair) for pair in self.pairs],
            "quality": {name: quality.to_dict() for name, quality in self.quality.items()},
            "curves": self.curves.to_dict(),
        }


@dataclass(frozen=True)
class TrustReport:
    """What was measured, of which model on which data; ``crowd`` pictures stand in each ranking."""

    dataset: str
    model: str
    crowd: int
    groups: tuple[TrustGroup, ...]
    query: ImageSet
    gallery: ImageSet
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "gallery_pictures_ranked": self.crowd,
            "groups": [group.to_dict() for group in self.groups],
            "notes": list(self.notes),
        }


def mean_curves(curves: Sequence[RemovalCurves]) -> MeanCurves:
    """The average of several pairs' curves; :class:`InputError` for none."""
    if not curves:
        raise InputError("there is no pair to draw removal curves of")
    orders = curves[0].orders
    deletion, insertion = (
        np.mean([getattr(c, kind) for c in curves], axis=0) for kind in ("deletion", "insertion")
    )
    deletion_rank, insertion_rank = (
        np.median([getattr(c, f"{kind}_rank") for c in curves], axis=0)
        for kind in ("deletion", "insertion")
    )
    heights = np.array([abs(c.logit - c.bias) for c in curves])
    weights = heights / heights.sum() if heights.sum() > 0 else heights
    area = {
        (order, kind): float(weights @ [c.area(order, kind) for c in curves])
        for order in orders[:-1]
        for kind in ("deletion", "insertion")
    }
    return MeanCurves(orders, deletion, insertion, deletion_rank, insertion_rank, area)


def measure_trust(
    model: Model,
    dataset: Dataset,
    count: int = 100,
    *,
    labels: LabelReader | None = None,
    parts: PartNames | None = None,
    read: Callable[[ImageRef], Image.Image] | None = None,
    seed: int = 0,
    crowd: int = CROWD,
    job: Job | None = None,
) -> TrustReport:
    """Measure ``count`` pairs of one person and ``count`` of different people.

    ``labels`` and ``parts`` are label maps and their meaning, where there are any. ``read`` opens a
    picture (by default from its file). Raises :class:`InputError` where a side is empty or no pair
    can be found, :class:`~qaconv_core.errors.Cancelled` between pairs.
    """
    job = job or Job()
    check_sides(dataset)
    bench = _Bench(model, dataset, crowd, job)
    chosen, notes = _choose(bench, count, seed)
    groups = []
    for name, pairs in chosen.items():
        if not pairs:
            notes.append(f"no {name} were found")
            continue
        quality = explanation_qualities(
            model,
            [(dataset.query[q], dataset.gallery[g]) for q, g in pairs],
            (None, lambda i, pairs=pairs: bench.crowd(pairs[i][0]).query_mean),  # type: ignore[misc]
            read=read or (lambda ref: read_image(ref.path)),
            labels=labels,
            parts=parts,
            progress=job.progress,
            cancel=job.cancel,
            stage=name,
        )
        curves = bench.curves(pairs, f"curves of {name}")
        named = dict(zip(ORDERS, quality, strict=True))
        groups.append(TrustGroup(name, tuple(pairs), named, mean_curves(curves)))
    if not groups:
        raise InputError(f"{dataset.root}: holds no pair to measure ({'; '.join(notes)})")
    return TrustReport(
        dataset.name,
        model.spec.describe(),
        bench.size,
        tuple(groups),
        dataset.query,
        dataset.gallery,
        (*bench.notes, *notes),
    )


def _choose(bench: _Bench, count: int, seed: int) -> tuple[dict[str, IndexPairs], list[str]]:
    """Pairs by kind, and what should be known about them."""
    dataset = bench.dataset
    same = bench.readable(choose_pairs(dataset, count, True, seed))
    if same:
        return {
            "true pairs": same,
            "different people": bench.readable(choose_pairs(dataset, count, False, seed)),
        }, []
    note = (
        "no person is known on both sides: measured are each query's best match, which may be "
        "wrong, and random pairs, which are nearly always different people"
    )
    return {
        "best matches": bench.best_matches(count, seed),
        "random pairs": bench.readable(random_pairs(dataset, count, seed)),
    }, [note]


class _Bench:
    """Features of a data set and, query by query, its averages over (a part of) the gallery."""

    def __init__(self, model: Model, dataset: Dataset, crowd: int, job: Job) -> None:
        self.model, self.dataset, self.job = model, dataset, job
        query = self._extract(dataset.query, "query features")
        gallery = self._extract(dataset.gallery, "gallery features")
        self.query = dict(zip(map(int, query.kept), range(len(query.kept)), strict=True))
        self.place = dict(zip(map(int, gallery.kept), range(len(gallery.kept)), strict=True))
        self.query_bank, self.gallery_bank = query.bank, gallery.bank
        self.notes = [f"left out: {item}" for item in (*query.rejected, *gallery.rejected)]
        if not self.query or not self.place:
            raise InputError(f"{dataset.root}: no pictures that can be read on one side")
        self.gallery_index: Int64 = gallery.kept
        rows = np.arange(len(gallery.kept))
        if len(rows) > crowd:
            rows = np.linspace(0, len(rows) - 1, crowd).round().astype(np.int64)
            self.notes.append(
                f"averages and ranks are over {crowd:,} of {len(gallery.kept):,} gallery pictures"
            )
        self.rows = rows
        self.cells = GalleryCells.load(self.gallery_bank.select(rows))
        self._crowds: dict[int, CrowdStatistics] = {}

    @property
    def size(self) -> int:
        """Gallery pictures that stand in a ranking."""
        return len(self.rows)

    def _extract(self, refs: ImageSet, stage: str) -> Extraction:
        return self.model.extract_set(
            refs,
            shelf=self.job.shelf,
            batch_size=self.job.batch_size,
            workers=self.job.workers,
            progress=self.job.progress,
            cancel=self.job.cancel,
            stage=stage,
        )

    def readable(self, pairs: IndexPairs) -> IndexPairs:
        """The pairs whose pictures could be read."""
        return [(q, g) for q, g in pairs if q in self.query and g in self.place]

    def query_map(self, index: int) -> Float32:
        """The map of a query, float32."""
        return np.asarray(self.query_bank[self.query[index]], dtype=np.float32)

    def crowd(self, index: int) -> CrowdStatistics:
        """Averages of a query over the (thinned) gallery; kept, for pairs share queries."""
        if index not in self._crowds:
            known = query_maxima(self.query_map(index), self.cells)
            self._crowds[index] = crowd_of(known, self.model.head)
        return self._crowds[index]

    def best_matches(self, count: int, seed: int) -> IndexPairs:
        """Some queries with the gallery picture that stands first, their own file left out."""
        chosen = np.random.default_rng(seed).permutation(sorted(self.query))[:count]
        paths = [str(self.dataset.gallery[int(i)].path) for i in self.gallery_index[self.rows]]
        pairs = []
        for index in map(int, chosen):
            logits = plain_logits(query_maxima(self.query_map(index), self.cells), self.model.head)
            own = str(self.dataset.query[index].path)
            logits[[path == own for path in paths]] = -np.inf
            pairs.append((index, int(self.gallery_index[self.rows[logits.argmax()]])))
        return pairs

    def curves(self, pairs: IndexPairs, stage: str) -> list[RemovalCurves]:
        """Removal curves of each pair, in both orders, with ranks among the (thinned) gallery."""
        tracker = Tracker(stage, len(pairs), "pairs", self.job.progress, self.job.cancel)
        found = []
        for number, (q, g) in enumerate(pairs):
            query_map = self.query_map(q)
            candidate = self.place[g]
            place = np.flatnonzero(self.rows == candidate)
            cells, rows = self.cells, self.rows
            if not len(place):  # thinned away: it joins for its own ranking
                cells = self._with(candidate)
                rows, place = np.append(rows, candidate), np.array([len(rows)])
            gallery_map = np.asarray(self.gallery_bank[candidate], dtype=np.float32)
            adds = self.model.match(query_map, gallery_map).query_contribution
            beyond = np.asarray(adds - self.crowd(q).query_mean, dtype=np.float64)
            strengths: list[tuple[str, Float64]] = [
                ("contribution", adds.astype(np.float64)),
                ("relative", beyond),
            ]
            found.append(
                removal_curves(
                    query_map,
                    cells,
                    self.model.head,
                    int(place[0]),
                    strengths,
                    counted=self._counted(q, rows),
                    seed=number,
                )
            )
            tracker.advance()
        return found

    def _with(self, candidate: int) -> GalleryCells:
        more = GalleryCells.load(self.gallery_bank.select([candidate]))
        return GalleryCells(np.concatenate([self.cells.rows, more.rows]), self.cells.grid)

    def _counted(self, query: int, rows: Int64) -> Bool:
        """The candidate's rivals: neither junk nor other true matches of the query."""
        ref = self.dataset.query[query]
        refs = self.dataset.gallery.select(self.gallery_index[rows])
        labels = truth_labels(ref.pid, ref.camid, refs.pids, refs.camids)
        others = np.array([path != ref.path for path in refs.paths])
        return np.isin(labels, (RankingResult.FALSE, RankingResult.NOT_KNOWN)) & others
