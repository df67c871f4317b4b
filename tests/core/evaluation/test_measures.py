"""Rank-k, AP and INP against the published numbers and a loop over the ranking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from qaconv_core.errors import InputError
from qaconv_core.evaluation import RankingMetrics, ranking_metrics, separation
from qaconv_core.evaluation.measures import average_precision
from qaconv_core.ranking import arrays
from tests import oracles
from tests.core.ranking.samples import problem, reference

SETTINGS = settings(derandomize=True, deadline=None, max_examples=120)


def one_query(hits: list[int], size: int = 8, **options: object) -> RankingMetrics:
    """Measures of one query whose true matches stand at ``hits`` (from 1)."""
    ids = [1 if place in hits else 2 for place in range(1, size + 1)]
    return ranking_metrics(np.arange(size)[None], [1], ids, [0], [1] * size, **options)


@pytest.mark.parametrize("prefix", ["", "rerank.", "tlift."])
def test_published_numbers_are_met(prefix: str) -> None:
    data = reference()
    dist = {
        "": data["dist_query_gallery"],
        "rerank.": data["rerank.dist"],
        "tlift.": 1 - data["tlift.score"],
    }[prefix]
    ids = (data[k] for k in ("query_pids", "gallery_pids", "query_cams", "gallery_cams"))
    measured = ranking_metrics(dist, *ids)
    assert measured.mAP == pytest.approx(float(data[f"{prefix}mAP"]), abs=1e-6)
    np.testing.assert_allclose(measured.cmc, data[f"{prefix}cmc"], atol=1e-6)


def test_hits_at_1_2_4_7() -> None:
    step, trapezoid = one_query([1, 2, 4, 7]), one_query([1, 2, 4, 7], ap="trapezoid")
    assert step.mAP == pytest.approx(0.830, abs=5e-4)
    assert trapezoid.mAP == pytest.approx(0.811, abs=5e-4)
    assert step.mINP == pytest.approx(4 / 7)
    assert step.first_match_rank.tolist() == [1]
    assert step.true_matches.tolist() == [4]
    assert (step.ap_kind, trapezoid.ap_kind) == ("step", "trapezoid")


@SETTINGS
@given(
    seed=st.integers(0, 10**6),
    p=st.integers(0, 6),
    g=st.integers(0, 30),
    people=st.integers(1, 12),
    cams=st.integers(1, 3),
    decimals=st.sampled_from([None, 2, 1, 0]),
    unknown=st.sampled_from([0.0, 0.3]),
    junk_rule=st.booleans(),
    ap=st.sampled_from(["step", "trapezoid"]),
)
def test_agrees_with_the_oracle(
    seed: int,
    p: int,
    g: int,
    people: int,
    cams: int,
    decimals: int | None,
    unknown: float,
    junk_rule: bool,
    ap: str,
) -> None:
    sample = problem(seed, p, g, people, cams, decimals, unknown=unknown)
    fast = ranking_metrics(sample.qg, *sample.labels, junk_rule=junk_rule, ap=ap)
    slow = oracles.metrics(sample.qg, *sample.labels, junk_rule, ap)
    np.testing.assert_allclose(fast.cmc, slow["cmc"], atol=1e-12)
    np.testing.assert_allclose(fast.ap, slow["ap"], atol=1e-12)
    np.testing.assert_array_equal(fast.first_match_rank, slow["first"])
    assert fast.valid_queries == slow["valid"]
    np.testing.assert_allclose([fast.mAP, fast.mINP], [slow["mAP"], slow["mINP"]], atol=1e-12)


def test_step_ap_is_that_of_scikit_learn() -> None:
    sample = problem(9, 8, 200)
    measured = ranking_metrics(sample.qg, *sample.labels, junk_rule=False)
    for q, ap in enumerate(measured.ap):
        truth = sample.gallery_ids == sample.query_ids[q]
        assert ap == pytest.approx(average_precision_score(truth, -sample.qg[q]))


def test_a_query_without_true_match_is_not_valid_and_counts_nowhere() -> None:
    dist = np.array([[0.1, 0.2], [0.2, 0.1], [0.3, 0.1]])
    measured = ranking_metrics(dist, [1, 9, 2], [1, 2], [0, 0, 0], [1, 0])
    assert measured.valid_queries == 1  # 9 is not there, 2 only at its own camera
    assert np.isnan(measured.ap).tolist() == [False, True, True]
    assert measured.first_match_rank.tolist() == [1, 0, 0]
    assert (measured.mAP, measured.cmc[0]) == (1.0, 1.0)


def test_without_valid_queries_everything_is_nan() -> None:
    measured = ranking_metrics(np.zeros((2, 3)), [1, 2], [3, 4, 5], None, None)
    assert measured.valid_queries == 0
    assert np.isnan([measured.mAP, measured.mINP, *measured.cmc]).all()


def test_cmc_goes_on_behind_a_small_gallery() -> None:
    measured = one_query([2], size=3)
    assert len(measured.cmc) == 50
    assert measured.rank(1) == 0.0
    assert (measured.cmc[1:] == 1.0).all()
    assert len(one_query([2], size=3, topk=5).cmc) == 5


def test_ties_rank_in_gallery_order() -> None:
    measured = ranking_metrics(np.zeros((1, 4)), [1], [2, 1, 2, 1], None, None)
    assert measured.first_match_rank.tolist() == [2]
    assert measured.mAP == pytest.approx((1 / 2 + 2 / 4) / 2)


@pytest.mark.parametrize("dtype", ["f2", ">f4", "f8", "u1", "i8", "g", "?"])
def test_types_of_numbers(dtype: str) -> None:
    values = np.random.default_rng(0).integers(0, 2, (5, 30)).astype(dtype)
    labels = problem(1, 5, 30).labels
    slow = oracles.metrics(values.astype(float), *labels)
    assert ranking_metrics(values, *labels).mAP == pytest.approx(slow["mAP"])


def test_lists_with_none_and_infinite_distances_are_fine() -> None:
    measured = ranking_metrics([[np.inf, 0.5, -np.inf]], [1], [1, None, 2], [None], [None, 1, 0])
    assert measured.first_match_rank.tolist() == [2]


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = problem(3, 30, 40, decimals=1)
    whole = ranking_metrics(sample.qg, *sample.labels)
    monkeypatch.setattr(arrays.row_blocks, "__defaults__", (1000,))
    np.testing.assert_array_equal(ranking_metrics(sample.qg, *sample.labels).ap, whole.ap)


def test_bad_input_is_refused() -> None:
    good = np.zeros((2, 3))
    labels = ([1, 2], [1, 2, 3], [0, 0], [1, 1, 1])
    broken = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]])
    with pytest.raises(InputError, match="query 1 contains NaN"):
        ranking_metrics(broken, *labels)
    with pytest.raises(InputError, match="shape"):
        ranking_metrics(np.zeros(3), *labels)
    with pytest.raises(InputError, match="query_ids must have 2 entries"):
        ranking_metrics(good, [1], *labels[1:])
    with pytest.raises(InputError, match="step, trapezoid"):
        ranking_metrics(good, *labels, ap="interpolated")
    with pytest.raises(InputError, match="topk"):
        ranking_metrics(good, *labels, topk=0)
    with pytest.raises(InputError, match="real numbers"):
        ranking_metrics(good.astype(str), *labels)


def test_average_precision_of_a_perfect_ranking_is_one() -> None:
    for kind in ("step", "trapezoid"):
        assert average_precision(np.arange(1, 6), kind) == 1.0


def test_left_out_pairs_are_neither_true_nor_false():
    dist = np.array([[0.0, 0.5, 0.2, 0.9], [0.1, 0.2, 0.3, 0.4]])
    ids, cams = np.array([7, 8]), np.array([-1, -1])
    gallery_ids, gallery_cams = np.array([7, 7, 9, 8]), np.full(4, -1)
    plain = ranking_metrics(dist, ids, gallery_ids, cams, gallery_cams)
    np.testing.assert_allclose(plain.ap, [(1 + 2 / 3) / 2, 0.25])
    pairs = np.array([0, 1]), np.array([0, 2])
    kept = ranking_metrics(dist, ids, gallery_ids, cams, gallery_cams, left_out=pairs)
    np.testing.assert_allclose(kept.ap, [0.5, 1 / 3])
    apart = separation(-dist, ids, gallery_ids, cams, gallery_cams, left_out=pairs)
    assert (apart.positives, apart.negatives) == (2, 4)


def test_similarities_are_measured_as_their_negatives_are() -> None:
    sample = problem(5, 6, 30, 4, 3, 1)
    expected = ranking_metrics(-sample.qg, *sample.labels)
    found = ranking_metrics(sample.qg, *sample.labels, larger_is_closer=True)
    np.testing.assert_array_equal(found.ap, expected.ap)
    np.testing.assert_array_equal(found.cmc, expected.cmc)
