"""How far the explanations of a model can be trusted, measured on a data set.

For pairs of one person and, as a control, of different people: what the strongest correspondences
join (:mod:`~qaconv_core.evaluation.explanations`), and whether the cells named as strongest decide
logit and rank (:mod:`~qaconv_core.explaining.curves`). Each is asked of the cells that are
strongest by contribution and by what they add beyond their average over the gallery.

What needs no label maps (border, shift following, curves) works on any data set; without known
persons the pairs are each query's best match and random pairs, without queries pictures of the
gallery are the queries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from qaconv_core.data.images import read_image
from qaconv_core.errors import InputError
from qaconv_core.evaluation.check_pairs import TrustBench
from qaconv_core.evaluation.evaluator import Job, check_sides
from qaconv_core.evaluation.explanations import (
    ExplanationQuality,
    LabelReader,
    PartNames,
    explanation_qualities,
)
from qaconv_core.evaluation.pairs import IndexPairs, choose_pairs, random_pairs, with_queries
from qaconv_core.explaining.curves import RemovalCurves
from qaconv_core.model import Model
from qaconv_core.types import (
    Dataset,
    Float64,
    ImageRef,
    ImageSet,
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
    can be found, :class:`~qaconv_core.errors.Cancelled` between pairs. Of a set without queries
    some pictures of the gallery are asked for (:func:`~qaconv_core.evaluation.pairs.with_queries`).
    """
    job = job or Job()
    dataset, hints = with_queries(dataset, count)
    check_sides(dataset)
    bench = TrustBench(model, dataset, crowd, job)
    chosen, notes = _choose(bench, count, seed)
    notes = [*hints, *notes]
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
            context=job,
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


def _choose(bench: TrustBench, count: int, seed: int) -> tuple[dict[str, IndexPairs], list[str]]:
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
