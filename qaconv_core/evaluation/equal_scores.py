"""Whether matches of one person look more plausible than those of others at equal logits.

The question is that of PAIR-X (Shrack, Haucke, Salaün, Subramonian and Beery: *Pairwise Matching of
Intermediate Representations for Fine-grained Explainability*, 2025, arXiv:2503.22881): at one score
the model itself does not tell a correct pair from a wrong one; can the explanation? How plausible a
pair looks is measured here by what can be computed of upright people:

- ``moved alike``: how well one common movement explains the strong correspondences of a pair, in
  (0, 1]. Each goes from a query cell to a gallery cell, by some rows and columns; the movement is
  their median, and the measure 1 / (1 + mean distance from it, in cells). Matches that cross, or
  that all end in one cell, are far from it.
- ``same part``: the share of strong correspondences whose ends lie on one body part or garment,
  where label maps are known.

A case is one query with a true match and the false match whose logit is nearest, at most
:data:`TOLERANCE` standard deviations of the query's false logits away.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qaconv_core.data.label_maps import cell_labels
from qaconv_core.evaluation.bootstrap import FEW, bootstrap_interval
from qaconv_core.evaluation.check_pairs import ExplanationCheckData
from qaconv_core.evaluation.explanations import (
    STRONG,
    LabelReader,
    PartNames,
    same_part,
    strong_cells,
)
from qaconv_core.explaining.limits import PAIR_X
from qaconv_core.types import CorrespondenceMap, Float64, Int64, RankingResult

STAGE = "pairs of equal score"
TOLERANCE = 0.05
MOVED, SAME_PART = "moved alike", "same part"


@dataclass(frozen=True)
class Plausibility:
    """``share``: of the cases, those in which the true pair's measure is the larger; ties count
    half. ``low`` to ``high`` is the interval that holds it in 95 % of bootstrap draws over persons;
    None with fewer than :data:`~qaconv_core.evaluation.bootstrap.FEW` persons. ``true`` and
    ``false`` are the mean measures."""

    share: float
    low: float | None
    high: float | None
    true: float
    false: float


@dataclass(frozen=True)
class EqualScores:
    """``cases``: (query, true, false) indices. ``gap``: the mean logit of the true matches minus
    that of the false ones. ``found``: by order of strong matches, then by measure."""

    cases: tuple[tuple[int, int, int], ...]
    gap: float
    found: dict[str, dict[str, Plausibility]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "source": PAIR_X,
            "cases": [list(case) for case in self.cases],
            "tolerance": TOLERANCE,
            "logit_gap": self.gap,
            "plausibility": {
                order: {name: asdict(one) for name, one in measures.items()}
                for order, measures in self.found.items()
            },
        }


def equal_scores(
    data: ExplanationCheckData,
    count: int,
    orders: tuple[str, ...],
    *,
    labels: LabelReader | None = None,
    parts: PartNames | None = None,
    seed: int = 0,
) -> EqualScores | None:
    """Compare pairs of equal logits, at most ``count`` cases; None where there is no case.

    ``orders`` name how strong matches are chosen: by contribution, then by contribution above
    average. ``labels`` and ``parts`` are label maps and their meaning, where there are any.
    """
    known = [q for q in sorted(data.query) if _true_matches(data, q).size]
    chosen = np.random.default_rng(seed).permutation(known)[:count]
    tracker = data.job.tracker(STAGE, len(chosen), "queries")
    cases, gaps, measured = [], [], []
    for query in map(int, chosen):
        case = _nearest(data, query)
        if case is not None:
            true, false, gap = case
            cases.append((query, true, false))
            gaps.append(gap)
            measured.append([_measures(data, query, g, labels, parts) for g in (true, false)])
        tracker.advance()
    if not cases:
        return None
    persons = np.array([data.dataset.query[query].pid for query, _true, _false in cases])
    values = np.array(measured)  # (cases, true or false, orders, measures)
    names = (MOVED, SAME_PART)[: values.shape[3]]
    found = {
        order: {
            name: _plausibility(values[:, :, place, number], persons)
            for number, name in enumerate(names)
        }
        for place, order in enumerate(orders)
    }
    return EqualScores(tuple(cases), float(np.mean(gaps)), found)


def _true_matches(data: ExplanationCheckData, query: int) -> Int64:
    """Gallery indices of the true matches that could be read."""
    pictures = data.gallery_index
    return pictures[data.truth(query, pictures) == RankingResult.TRUE]


def _nearest(data: ExplanationCheckData, query: int) -> tuple[int, int, float] | None:
    """The true and the false match whose logits are nearest to each other, and their difference;
    None where it is too large."""
    true = _true_matches(data, query)
    ranked = data.gallery_index[data.rows]
    others = data.truth(query, ranked) == RankingResult.FALSE
    if np.count_nonzero(others) < 2:
        return None
    false, of_false = ranked[others], data.ranked_logits(query)[others]
    gaps = data.logits(query, true)[:, None] - of_false
    row, column = np.unravel_index(int(np.abs(gaps).argmin()), gaps.shape)
    gap = float(gaps[row, column])
    return (
        (int(true[row]), int(false[column]), gap)
        if abs(gap) <= TOLERANCE * float(of_false.std())
        else None
    )


def _measures(
    data: ExplanationCheckData,
    query: int,
    candidate: int,
    labels: LabelReader | None,
    parts: PartNames | None,
) -> list[list[float]]:
    """The measures of a pair, for both orders of strong matches."""
    gallery_map = np.asarray(data.gallery_bank[data.place[candidate]], dtype=np.float32)
    match = data.model.match(data.query_map(query), gallery_map)
    maps = None
    if labels is not None and parts is not None:
        refs = data.dataset.query[query], data.dataset.gallery[candidate]
        maps = tuple(cell_labels(labels(ref), match.grid) for ref in refs)
    found = []
    for average in (None, data.average(query).query_mean):
        cells = strong_cells(match, STRONG, average)
        one = [moved_alike(match, cells)]
        if maps is not None and parts is not None:
            first = maps[0].ravel()[cells]
            second = maps[1].ravel()[match.query_best.ravel()[cells]]
            one.append(float(same_part(first, second, parts).mean()))
        found.append(one)
    return found


def moved_alike(match: CorrespondenceMap, cells: Int64) -> float:
    """How well one movement explains the correspondences of these query cells, in (0, 1]."""
    start = np.stack(np.divmod(cells, match.grid[1]))
    end = np.stack(np.divmod(match.query_best.ravel()[cells], match.grid[1]))
    moves = (end - start).astype(np.float64)
    off = np.hypot(*(moves - np.median(moves, axis=1, keepdims=True)))
    return float(1 / (1 + off.mean()))


def _plausibility(values: Float64, persons: Int64) -> Plausibility:
    """Of measures (cases, 2): of the true and of the false pair."""
    true, false = values.T
    won = (np.sign(true - false) + 1) / 2
    low, high = (None, None)
    if len(np.unique(persons)) >= FEW:
        low, high = bootstrap_interval(won, persons)
    return Plausibility(float(won.mean()), low, high, float(true.mean()), float(false.mean()))
