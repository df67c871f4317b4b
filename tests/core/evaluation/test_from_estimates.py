"""Measures from estimates are those of float32 throughout: order, ties and all."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.evaluation.from_estimates import FromEstimates, LogitTable
from qaconv_core.evaluation.methods import (
    Labels,
    MethodOptions,
    distance_of_logits,
    measure_methods,
)
from qaconv_core.matching.scores import score_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.ranking import k_reciprocal_rerank
from qaconv_core.ranking.distances import DistanceTable
from qaconv_core.ranking.rerank import Encoder
from qaconv_core.searching import estimated_logits
from qaconv_core.searching.estimated_logits import EstimatedLogits
from tests.core.matching.maps import people_maps, unit_maps

STAGES = ("scoring", "scoring within queries", "scoring within gallery")
GRID = (5, 3)
CHANNELS = 24
OPTIONS = MethodOptions(rerank=True, tlift=True, k1=6, k2=3, k=2)


def head(rng, kind: str, sign: str) -> AffineHead:
    """Weights of a folded head; of a shared one both sides have the same."""
    cells = GRID[0] * GRID[1]
    weights = rng.normal(0, 4, (2, cells)) if sign == "mixed" else rng.uniform(0, 4, (2, cells))
    if sign == "negative":
        weights = -weights
    query, gallery = (weights[0], weights[0] if kind == "shared" else weights[1])
    return AffineHead(query, gallery, float(rng.normal(0, 3)), GRID)


class Case:
    """Two sides with persons, cameras and times; distractors and pictures of nobody known."""

    def __init__(self, seed: int, kind="shared", sign="mixed", maps=people_maps, p=23, g=90):
        rng = np.random.default_rng(seed)
        self.head = head(rng, kind, sign)
        whole = maps(p + g, CHANNELS, GRID, seed + 1, dtype=np.float16)
        whole[p + 5 : p + 25] = whole[p + 30 : p + 50]  # duplicates tie, between persons too
        whole[p + 60 : p + 64] = whole[:4]
        self.query, self.gallery = whole[:p], whole[p:]
        ids = np.concatenate([rng.integers(1, 12, p), rng.integers(-1, 12, g)])
        cams = rng.integers(0, 3, p + g)
        times = rng.uniform(0, 600, p + g)
        times[p + 3] = np.nan
        left_out = np.arange(4), 60 + np.arange(4)
        self.labels = Labels(ids[:p], ids[p:], cams[:p], cams[p:], times[:p], times[p:], left_out)

    def make(self, stage, pace):
        query, gallery = {
            STAGES[0]: (self.query, self.gallery),
            STAGES[1]: (self.query, self.query),
            STAGES[2]: (self.gallery, self.gallery),
        }[stage]
        inner = stage != STAGES[0]
        return EstimatedLogits(query, gallery, self.head, inner=inner, pace=pace, workers=2)

    def estimated(self, options=OPTIONS) -> FromEstimates:
        return FromEstimates(self.make, self.labels, options, STAGES)

    def inner(self):
        return [
            distance_of_logits(score_maps(side, side, self.head, symmetric=True))
            for side in (self.query, self.gallery)
        ]

    def exact(self, options=OPTIONS):
        logits = score_maps(self.query, self.gallery, self.head)
        return logits, measure_methods(
            logits, lambda: distance_of_logits(logits), self.labels, options, within=self.inner
        )


CASES = [
    {"kind": kind, "sign": sign, "maps": maps}
    for kind in ("shared", "two-sided")
    for sign in ("mixed", "positive", "negative")
    for maps in (people_maps, unit_maps)
]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Blocks so small that there are many, and estimates whatever they cost."""
    monkeypatch.setattr(estimated_logits, "QUERY_CHUNK", 14)
    monkeypatch.setattr(estimated_logits, "QUERY_BLOCK", 5)
    monkeypatch.setattr(estimated_logits, "GALLERY_BLOCK", 17)
    monkeypatch.setattr(estimated_logits.Pace, "pays", lambda self, share: True)


def same_measures(found, expected):
    assert [result.method for result in found.results] == [r.method for r in expected.results]
    for one, other in zip(found.results, expected.results, strict=True):
        np.testing.assert_array_equal(one.cmc, other.cmc)
        np.testing.assert_array_equal(one.ap, other.ap)
        assert (one.mAP, one.mINP) == (other.mAP, other.mINP)
    assert found.valid_queries == expected.valid_queries > 0


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ap", ["step", "trapezoid"])
def test_measures_are_those_of_float32(seed, case, ap):
    options = MethodOptions(rerank=True, tlift=True, k1=6, k2=3, k=2, ap=ap)
    case = Case(seed, **case)
    estimated = case.estimated(options)
    found = estimated.rankings()
    logits, expected = case.exact(options)
    same_measures(found, expected)
    exact = estimated.logits.exact
    np.testing.assert_array_equal(estimated.logits.values[exact], logits[exact])
    least, most = estimated.logits.limits((0, len(logits)), (0, logits.shape[1]))
    assert ((least <= logits) & (logits <= most)).all()


@pytest.mark.parametrize("case", CASES)
def test_tlift_without_re_ranking(case):
    options = MethodOptions(tlift=True, k=3)
    case = Case(7, **case)
    same_measures(case.estimated(options).rankings(), case.exact(options)[1])


@pytest.mark.parametrize("case", CASES)
def test_neighbours_and_re_ranked_distances(case):
    case = Case(11, **case)
    estimated = case.estimated(MethodOptions(rerank=True, k1=6, k2=3))
    estimated.rankings()
    table = LogitTable.over(estimated.logits, *estimated.inner)
    logits = score_maps(case.query, case.gallery, case.head)
    parts = distance_of_logits(logits), *case.inner()
    ours, exact = (Encoder(one, 6, 3) for one in (table, DistanceTable.of(*parts)))
    encoding, known = ours.encode(), exact.encode()
    np.testing.assert_array_equal(ours.ranks, exact.ranks)
    np.testing.assert_array_equal(ours.scale, exact.scale)
    for side in ("query", "gallery"):
        one, other = getattr(encoding, side), getattr(known, side)
        np.testing.assert_array_equal(one.toarray(), other.toarray())
    values, least, most = estimated._reranked(table)(0, len(logits))
    expected = k_reciprocal_rerank(*parts, k1=6, k2=3)
    where = estimated.logits.exact
    assert where.any()
    np.testing.assert_array_equal(values[where], expected[where])
    assert ((least <= expected) & (expected <= most)).all()
