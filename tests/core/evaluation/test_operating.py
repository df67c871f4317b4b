"""What a threshold accepts, against counting pairs one by one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qaconv_core.errors import InputError
from qaconv_core.evaluation.operating import POINTS, OperatingCurve, operating_curve
from qaconv_core.evaluation.separation import separation


def sides(positives: int, negatives: int, decimals: int | None = None):
    random = np.random.default_rng(positives + negatives)
    values = random.normal(2, 1, positives), random.normal(0, 1, negatives)
    if decimals is not None:
        values = tuple(np.round(side, decimals) for side in values)
    return tuple(np.sort(side.astype(np.float32)) for side in values)


@pytest.mark.parametrize("sizes", [(40, 90), (0, 5), (3, 0), (1, 1)])
def test_every_threshold_is_exact_where_values_are_few(sizes):
    positive, negative = sides(*sizes, decimals=1)
    curve = operating_curve(positive, negative)
    assert curve.exact
    for threshold in (*positive, *negative, -99.0, 99.0, 0.05, 1.0001):
        point = curve.at(float(threshold))
        assert point.true_accepted == sum(v > threshold for v in positive)
        assert point.false_accepted == sum(v > threshold for v in negative)
        if len(positive):
            assert point.tpr == point.true_accepted / len(positive)
        else:
            assert np.isnan(point.tpr)


def test_where_smaller_is_closer_those_below_are_accepted():
    positive, negative = sides(30, 50, decimals=1)
    curve = operating_curve(positive, negative, sign=-1)  # values negated, as separation has them
    for threshold in np.linspace(-4, 4, 33):
        point = curve.at(float(threshold))
        assert point.true_accepted == sum(-v < threshold for v in positive)
        assert point.false_accepted == sum(-v < threshold for v in negative)


def test_many_values_are_thinned_but_hardly_wrong():
    positive, negative = sides(5_000, 60_000)
    always = float(negative[-61])
    curve = operating_curve(positive, negative, always=[always, float("nan")])
    assert not curve.exact
    assert len(curve.thresholds) <= POINTS + 2
    exact = curve.at(always)
    assert exact.exact
    assert exact.false_accepted == 60
    for threshold in np.linspace(-4, 5, 200):
        point = curve.at(threshold)
        assert point.fpr == pytest.approx(np.mean(negative > threshold), abs=2e-3)
        assert point.tpr == pytest.approx(np.mean(positive > threshold), abs=2e-3)
    close = np.linspace(negative[-600], negative[-1], 50)
    for threshold in close:  # where few false pairs are accepted, counts are within a few percent
        wanted = np.sum(negative > threshold)
        assert abs(curve.at(threshold).false_accepted - wanted) <= 2 + 0.03 * wanted


def test_a_separation_carries_its_curve_through_json():
    random = np.random.default_rng(3)
    values = random.normal(size=(6, 20))
    ids = np.arange(6), np.arange(20) % 6
    cams = np.zeros(6, int), np.ones(20, int)
    found = separation(values, *ids, *cams)
    stored = json.loads(json.dumps(found.to_dict()))
    curve = OperatingCurve.from_dict(stored["operating"])
    for point in found.roc:
        assert curve.at(point.threshold).fpr == point.fpr
        assert curve.at(point.threshold).tpr == point.tpr


@pytest.mark.parametrize("change", [{"thresholds": "no"}, {"positives": None}, {"true_above": [1]}])
def test_a_damaged_curve_is_refused(change):
    curve = operating_curve(*sides(4, 6))
    whole = {name: getattr(curve, name) for name in curve.__dataclass_fields__}
    with pytest.raises(InputError):
        OperatingCurve.from_dict({**whole, **change})
