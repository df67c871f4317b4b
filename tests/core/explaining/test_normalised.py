"""The breakdown of a normalised score beside the formula, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from qaconv_core.errors import InputError
from qaconv_core.explaining.normalised import normalised_breakdown
from qaconv_core.matching.correspondences import match_maps
from qaconv_core.matching.scores import score_maps
from qaconv_core.models import QAConv
from qaconv_core.ranking import camera_normalise


def unit_maps(n, seed):
    maps = np.random.default_rng(seed).normal(0, 1, (n, 8, 3, 2)).astype(np.float32)
    return maps / np.linalg.norm(maps, axis=1, keepdims=True)


@pytest.mark.parametrize("head", ["shared", "two-sided"])
def test_the_parts_add_up_to_n(head):
    torch.manual_seed(5)
    rule = QAConv((3, 2), head).eval().affine()
    gallery, query = unit_maps(90, 1), unit_maps(1, 2)
    cams = np.arange(90) % 3
    n = camera_normalise(
        score_maps(query, gallery, rule), score_maps(gallery, gallery, rule), [1], cams
    )[0]
    for g in (0, 1, 5):
        match = match_maps(query[0], gallery[g], rule)
        others = np.arange(90) != g
        z = np.flatnonzero((cams == cams[g]) & others)
        t = np.flatnonzero((cams == 1) & others)
        found = normalised_breakdown(match, query[0], gallery[g], gallery[z], gallery[t], rule)
        assert found.n == pytest.approx(n[g], abs=1e-4)
        assert found.query.sum() + found.gallery.sum() == pytest.approx(n[g], abs=1e-4)
        # One cell, from the explanations of all pairs of both cohorts.
        pairs = [match_maps(query[0], gallery[x], rule) for x in z]
        back = [match_maps(gallery[x], gallery[g], rule) for x in t]
        for side in ("query", "gallery"):
            part = f"{side}_contribution"
            own = getattr(match, part)[1, 1]
            halves = [
                (own - np.mean([getattr(m, part)[1, 1] for m in ms]))
                / np.std([m.logit for m in ms])
                for ms in (pairs, back)
            ]
            assert getattr(found, side)[1, 1] == pytest.approx(sum(halves) / 2, abs=1e-3)


def test_a_cohort_without_spread_or_without_pictures():
    torch.manual_seed(5)
    rule = QAConv((3, 2)).eval().affine()
    gallery, query = unit_maps(9, 1), unit_maps(1, 2)
    match = match_maps(query[0], gallery[0], rule)
    same = np.repeat(gallery[1:2], 4, axis=0)
    found = normalised_breakdown(match, query[0], gallery[0], same, same, rule)
    assert (found.n, found.slope) == (0, 0)
    with pytest.raises(InputError, match="no strangers"):
        normalised_breakdown(match, query[0], gallery[0], gallery[:0], gallery[1:], rule)
