"""Explanation checks: how far the maps of a model can be relied on, measured on a data set.

Pairs of one person and, as a control, of different people are checked: what their strongest
correspondences connect (:mod:`~qaconv_core.evaluation.explanations`), and whether their strongest
cells decide logit and rank (:mod:`~qaconv_core.explaining.curves`). Cells are strong by
contribution or by contribution above average.

Where persons are known, true and false matches of equal logits are compared, too
(:mod:`~qaconv_core.evaluation.equal_scores`).

Checks that need no label maps (border, shift following, curves) work on any data set. Where no
person is known, the pairs are each query's best match and random pairs. Where there is no query,
some pictures of the gallery are the queries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from qaconv_core.data.images import read_image
from qaconv_core.errors import InputError
from qaconv_core.evaluation.check_pairs import ExplanationCheckData, curves_stage
from qaconv_core.evaluation.equal_scores import EqualScores, equal_scores
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
"""How strong cells are chosen: by contribution, or by contribution above average."""

FIRST_PAIRS = ("true pairs", "best matches")
"""The first kind of pairs: where persons are known, and where not."""
CONTROL_PAIRS = ("different people", "random pairs")
GALLERY_LIMIT = 2000
"""The most gallery pictures that averages and ranks are taken over, evenly spread."""


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
class ExplanationCheckGroup:
    """One kind of pair: its pairs (query, gallery index) and their measurements.

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
class ExplanationCheckReport:
    """The checks of one model on one data set; each ranking holds ``gallery_ranked`` pictures.

    ``equal`` compares true and false matches of equal logits; None where there are none.
    """

    dataset: str
    model: str
    gallery_ranked: int
    groups: tuple[ExplanationCheckGroup, ...]
    query: ImageSet
    gallery: ImageSet
    notes: tuple[str, ...] = ()
    equal: EqualScores | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "gallery_pictures_ranked": self.gallery_ranked,
            "groups": [group.to_dict() for group in self.groups],
            "equal_scores": None if self.equal is None else self.equal.to_dict(),
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


def check_explanations(
    model: Model,
    dataset: Dataset,
    count: int = 100,
    *,
    labels: LabelReader | None = None,
    parts: PartNames | None = None,
    read: Callable[[ImageRef], Image.Image] | None = None,
    seed: int = 0,
    gallery_limit: int = GALLERY_LIMIT,
    job: Job | None = None,
) -> ExplanationCheckReport:
    """Measure ``count`` pairs of one person and ``count`` of different people.

    ``labels`` and ``parts`` are label maps and their meaning, where there are any. ``read`` opens a
    picture (by default from its file). Raises :class:`InputError` where a side is empty or no pair
    can be found, :class:`~qaconv_core.errors.Cancelled` between pairs. In a set without queries
    some pictures of the gallery are the queries
    (:func:`~qaconv_core.evaluation.pairs.with_queries`).
    """
    job = job or Job()
    dataset, hints = with_queries(dataset, count)
    check_sides(dataset)
    data = ExplanationCheckData(model, dataset, gallery_limit, job)
    chosen, notes = _choose(data, count, seed)
    notes = [*hints, *notes]
    groups = []
    for name, pairs in chosen.items():
        if not pairs:
            notes.append(f"no {name} were found")
            continue
        quality = explanation_qualities(
            model,
            [(dataset.query[q], dataset.gallery[g]) for q, g in pairs],
            (None, lambda i, pairs=pairs: data.average(pairs[i][0]).query_mean),  # type: ignore[misc]
            read=read or (lambda ref: read_image(ref.path)),
            labels=labels,
            parts=parts,
            context=job,
            stage=name,
        )
        curves = data.curves(pairs, curves_stage(name))
        named = dict(zip(ORDERS, quality, strict=True))
        groups.append(ExplanationCheckGroup(name, tuple(pairs), named, mean_curves(curves)))
    if not groups:
        raise InputError(f"{dataset.root}: holds no pair to measure ({'; '.join(notes)})")
    equal = None
    if CONTROL_PAIRS[0] in chosen:
        equal = equal_scores(data, count, ORDERS, labels=labels, parts=parts, seed=seed)
        if equal is None:
            notes.append("no query has a true and a false match of equal logits")
    return ExplanationCheckReport(
        dataset.name,
        model.spec.in_full(),
        data.size,
        tuple(groups),
        dataset.query,
        dataset.gallery,
        (*data.notes, *notes),
        equal,
    )


def _choose(
    data: ExplanationCheckData, count: int, seed: int
) -> tuple[dict[str, IndexPairs], list[str]]:
    """Pairs by kind, and notes on them."""
    dataset = data.dataset
    same = data.readable(choose_pairs(dataset, count, True, seed))
    if same:
        return {
            FIRST_PAIRS[0]: same,
            CONTROL_PAIRS[0]: data.readable(choose_pairs(dataset, count, False, seed)),
        }, []
    note = (
        "no person is known on both sides: measured are each query's best match, which may be "
        "wrong, and random pairs, which are nearly always different people"
    )
    return {
        FIRST_PAIRS[1]: data.best_matches(count, seed),
        CONTROL_PAIRS[1]: data.readable(random_pairs(dataset, count, seed)),
    }, [note]
