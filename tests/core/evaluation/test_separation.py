"""Distributions, ROC, AUC and EER against loops over all pairs."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import qaconv_core.evaluation.separation
from qaconv_core.errors import InputError
from qaconv_core.evaluation import separation
from tests import oracles
from tests.core.ranking.samples import problem

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)


@SETTINGS
@given(
    seed=st.integers(0, 10**6),
    p=st.integers(1, 6),
    g=st.integers(1, 25),
    decimals=st.sampled_from([None, 1, 0]),
    unknown=st.sampled_from([0.0, 0.3]),
    junk_rule=st.booleans(),
    larger=st.booleans(),
)
def test_agrees_with_the_oracle(
    seed: int,
    p: int,
    g: int,
    decimals: int | None,
    unknown: float,
    junk_rule: bool,
    larger: bool,
) -> None:
    sample = problem(seed, p, g, 3, 2, decimals, unknown=unknown)
    positives, negatives = oracles.pair_values(sample.qg, *sample.labels, junk_rule)
    assume(positives and negatives)
    found = separation(sample.qg, *sample.labels, junk_rule, larger)
    assert (found.positives, found.negatives) == (len(positives), len(negatives))
    assert found.positive_mean == pytest.approx(np.mean(positives))
    assert found.negative_std == pytest.approx(np.std(negatives), abs=1e-9)
    sign = 1 if larger else -1
    positives, negatives = [sign * x for x in positives], [sign * x for x in negatives]
    assert found.auc == pytest.approx(oracles.auc(positives, negatives))
    assert found.eer == pytest.approx(oracles.equal_error_rate(positives, negatives))
    for point in found.roc:
        threshold = sign * point.threshold
        assert threshold in negatives
        assert point.fpr == sum(x > threshold for x in negatives) / len(negatives)
        assert point.tpr == sum(x > threshold for x in positives) / len(positives)
        assert point.fpr <= point.target
        assert sum(x >= threshold for x in negatives) / len(negatives) > point.target


def test_histograms_are_those_of_numpy() -> None:
    sample = problem(1, 20, 60)
    positives, negatives = oracles.pair_values(sample.qg, *sample.labels)
    for larger in (True, False):
        found = separation(sample.qg, *sample.labels, larger_is_better=larger, bins=20)
        assert found.edges[[0, -1]].tolist() == [
            min(positives + negatives),
            max(positives + negatives),
        ]
        assert (np.diff(found.edges) > 0).all()
        for values, counts in (
            (positives, found.positive_histogram),
            (negatives, found.negative_histogram),
        ):
            np.testing.assert_array_equal(counts, np.histogram(values, found.edges)[0])


def test_auc_is_that_of_scikit_learn() -> None:
    sample = problem(2, 30, 80, decimals=2)
    positives, negatives = oracles.pair_values(sample.qg, *sample.labels)
    truth = [1] * len(positives) + [0] * len(negatives)
    expected = roc_auc_score(truth, positives + negatives)
    assert separation(sample.qg, *sample.labels).auc == pytest.approx(expected)


def test_perfect_and_useless_scores() -> None:
    ids = [1, 1, 2, 2]
    truth = (np.array([[1], [2]]) == ids).astype(float)
    perfect = separation(truth, [1, 2], ids, None, None)
    assert (perfect.auc, perfect.eer) == (1.0, 0.0)
    assert [point.tpr for point in perfect.roc] == [1.0] * 3
    reverse = separation(truth, [1, 2], ids, None, None, larger_is_better=False)
    assert (reverse.auc, reverse.eer) == (0.0, 1.0)
    constant = separation(np.zeros((2, 4)), [1, 2], ids, None, None)
    assert (constant.auc, constant.eer) == (0.5, 0.5)
    assert constant.positive_histogram.sum() == 4


def test_a_thousand_negatives_allow_one_false_acceptance_at_one_in_a_thousand() -> None:
    values = np.concatenate([[2000.0], np.arange(1000.0)])[None]
    ids = [1] + [2] * 1000
    point = separation(values, [1], ids, None, None).roc[0]
    assert (point.target, point.fpr, point.threshold, point.tpr) == (1e-3, 1e-3, 998.0, 1.0)


@pytest.mark.parametrize("ids", [[2, 3], [1, 1], [-1, -1], []])
def test_missing_kinds_of_pairs_give_none_in_json(ids: list[int]) -> None:
    found = separation(np.full((1, len(ids)), 0.5), [1], ids, None, None)
    assert math.isnan(found.auc)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["auc"] is None
    assert plain["roc"][0]["target"] == 1e-3
    assert len(plain["edges"]) == 101


def test_the_module_does_not_hide_the_function() -> None:
    import qaconv_core.evaluation as package

    assert callable(package.separation)
    assert qaconv_core.evaluation.separation is separation


def test_bad_input_is_refused() -> None:
    labels = ([1], [1, 2], [0], [1, 1])
    with pytest.raises(InputError, match="finite"):
        separation([[np.nan, 1.0]], *labels)
    with pytest.raises(InputError, match="bins"):
        separation([[0.0, 1.0]], *labels, bins=0)
    with pytest.raises(InputError, match="gallery_ids must have 3 entries"):
        separation([[0.0, 1.0, 2.0]], *labels)
