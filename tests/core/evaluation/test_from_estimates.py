"""Measures from estimates are those of float32 throughout: order, ties and all."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.errors import Cancelled, InputError
from qaconv_core.evaluation import from_estimates
from qaconv_core.evaluation.from_estimates import FromEstimates, LogitTable
from qaconv_core.evaluation.methods import (
    Labels,
    MethodOptions,
    distance_of_logits,
    measure_methods,
)
from qaconv_core.evaluation.protocol import protocol_record
from qaconv_core.matching.scores import score_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.ranking import k_reciprocal_rerank
from qaconv_core.ranking.distances import DistanceTable
from qaconv_core.ranking.rerank import Encoder
from qaconv_core.searching import estimated_logits
from qaconv_core.searching.estimated_logits import EstimatedLogits
from qaconv_core.types import CheckpointRecord, EvaluationCounts, EvaluationReport
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

PAYS = estimated_logits.Pace.pays


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
@pytest.mark.parametrize(("seed", "ap"), [(0, "step"), (1, "trapezoid")])
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


@pytest.mark.parametrize("case", CASES[::3])
def test_estimates_that_do_not_pay_are_given_up(case, monkeypatch):
    monkeypatch.setattr(estimated_logits.Pace, "pays", lambda self, share: False)
    monkeypatch.setattr(estimated_logits, "_FEWEST", 1)
    monkeypatch.setattr(from_estimates, "TRIAL", 8)
    case = Case(3, **case)
    estimated = case.estimated()
    found = estimated.rankings()
    same_measures(found, case.exact()[1])
    p, g = estimated.logits.values.shape
    assert all(part.exact.mean() > 0.9 for part in (estimated.logits, estimated.inner[1]))
    # The blocks in which it was found out, and the trial; queries are too few for a trial.
    assert estimated.pace.estimated < 4 * 5 * 17 + 8 * g + p * p


def test_a_block_costs_what_it_costs(monkeypatch):
    monkeypatch.setattr(estimated_logits.Pace, "pays", PAYS)
    pace = estimated_logits.Pace()
    assert pace.pays(0.9)
    assert not pace.pays(1)
    pace.add_estimated(100, 1.0)
    pace.add_exact(10, 0.4)
    assert pace.pays(0.7)
    assert not pace.pays(0.8)


def test_maps_that_are_not_finite_are_told():
    case = Case(5)
    case.gallery[7, :, 2, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        case.estimated().rankings()


def test_a_report_tells_what_was_estimated():
    case = Case(0)
    estimated = case.estimated()
    estimated.rankings()
    report = EvaluationReport(
        "x", EvaluationCounts(), (), protocol_record(), CheckpointRecord(), "cpu", {}
    )
    found = estimated.described(report)
    counts = found.counts
    p, g = estimated.logits.values.shape
    assert counts.pairs == p * g + p * (p + 1) // 2 + g * (g + 1) // 2
    assert 0 < counts.exact_pairs < counts.pairs
    assert f"{counts.exact_pairs:,} of {counts.pairs:,} pairs" in found.notes[0]
    logits = score_maps(case.query, case.gallery, case.head)
    off = np.abs(estimated.logits.values.astype(np.float64) - logits).max()
    assert 0 < off <= found.separation["bound"]
    estimated.logits.score_all("scoring")
    for part in estimated.inner:
        part.score_all("scoring")
    found = estimated.described(report)
    assert found.counts.exact_pairs == found.counts.pairs == counts.pairs
    assert not found.notes
    assert not found.separation


def test_a_cancelled_job_stops():
    case, cancel = Case(0), CancelToken()
    made = EstimatedLogits(case.query, case.gallery, case.head, context=WorkContext(cancel=cancel))
    cancel.cancel()
    with pytest.raises(Cancelled):
        made.estimate(None, "scoring")
