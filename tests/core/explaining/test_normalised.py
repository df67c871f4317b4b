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


@pytest.mark.parametrize("head", ["shared", "two-sided"])
@pytest.mark.parametrize("keep_gallery", [None, [1, 1, 0, 1, 0, 1]])
def test_of_some_cells_strangers_have_the_same_cells(head, keep_gallery):
    """Oracle: logits of every pair with the cells left out, one by one."""
    torch.manual_seed(6)
    rule = QAConv((3, 2), head).eval().affine()
    gallery, query = unit_maps(40, 3), unit_maps(1, 4)[0]
    keep = np.array([[0, 1], [1, 0], [0, 1]], bool)
    other = None if keep_gallery is None else np.array(keep_gallery, bool).reshape(3, 2)
    z, t = np.arange(1, 20), np.arange(20, 40)
    match = match_maps(query, gallery[0], rule, keep_query=keep, keep_gallery=other)
    found = normalised_breakdown(
        match, query, gallery[0], gallery[z], gallery[t], rule, keep=(keep, other)
    )
    towards = [match_maps(query, gallery[x], rule, keep_query=keep).logit for x in z]
    back = [
        match_maps(gallery[x], gallery[0], rule, keep_query=keep, keep_gallery=other).logit
        for x in t
    ]
    halves = [(match.logit - np.mean(x)) / np.std(x) for x in (towards, back)]
    assert (found.z, found.t) == pytest.approx(halves, abs=1e-4)
    assert found.query.sum() + found.gallery.sum() == pytest.approx(sum(halves) / 2, abs=1e-4)
    assert (found.query[~keep] == 0).all()


def test_without_any_cell_nothing_stands_out():
    torch.manual_seed(6)
    rule = QAConv((3, 2)).eval().affine()
    gallery, query = unit_maps(20, 3), unit_maps(1, 4)[0]
    none = np.zeros((3, 2), bool)
    match = match_maps(query, gallery[0], rule, keep_query=none)
    found = normalised_breakdown(
        match, query, gallery[0], gallery[1:9], gallery[9:], rule, keep=(none, None)
    )
    assert (found.n, np.abs(found.query).sum(), np.abs(found.gallery).sum()) == (0, 0, 0)
