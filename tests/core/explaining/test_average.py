"""Contributions against a gallery: exact sums, plain means and percentiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qaconv_core.errors import InputError
from qaconv_core.explaining import average as crowd_module
from qaconv_core.explaining.average import average_contributions, averages_of_maxima, relative
from qaconv_core.explaining.maxima import query_maxima
from qaconv_core.matching.correspondences import match_maps
from qaconv_core.matching.strongest import select_correspondences, worth
from qaconv_core.models.qaconv import AffineHead
from tests.core.explaining.maps import GRIDS, logit_without, random_head, unit_maps


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    grid=st.sampled_from(GRIDS),
    kind=st.sampled_from(["shared", "two-sided"]),
)
def test_relative_contributions_and_the_mean_make_the_logit(seed, grid, kind):
    rng = np.random.default_rng(seed)
    query, gallery = unit_maps(rng, 1, grid)[0], unit_maps(rng, 7, grid)
    head = random_head(rng, grid, kind)
    crowd = average_contributions(query, gallery, head)
    matches = [match_maps(query, g, head) for g in gallery]
    logits = [logit_without(query, g, head) for g in gallery]
    assert crowd.pictures == 7
    assert crowd.mean_logit == pytest.approx(np.mean(logits), abs=1e-4)
    for side in ("query", "gallery"):
        adds = np.array([getattr(m, f"{side}_contribution") for m in matches], dtype=np.float64)
        np.testing.assert_allclose(getattr(crowd, f"{side}_mean"), adds.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(getattr(crowd, f"{side}_std"), adds.std(axis=0), atol=1e-4)
    for match, logit in zip(matches, logits, strict=True):
        found = relative(match, crowd)
        total = found.query.sum() + found.gallery.sum() + found.mean_logit
        assert total == pytest.approx(logit, abs=1e-4)
        assert found.logit == match.logit


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), left_out=st.booleans())
def test_percentiles_are_shares_of_the_gallery(seed, left_out):
    rng, grid = np.random.default_rng(seed), (2, 3)
    query, gallery = unit_maps(rng, 1, grid)[0], unit_maps(rng, 9, grid)
    head = random_head(rng, grid, "two-sided")
    others = [i for i in range(9) if not (left_out and i in (0, 4))]
    crowd = average_contributions(query, gallery, head, leave_out=(0, 4) if left_out else ())
    matches = [match_maps(query, g, head) for g in gallery]
    found = relative(matches[0], crowd)
    for side in ("query", "gallery"):
        adds = np.array([getattr(m, f"{side}_contribution") for m in matches])
        mine = adds[0]
        gap = np.abs(adds[others] - mine)
        assume(not ((gap > 1e-7) & (gap < 1e-5)).any())  # else rounding decides which is larger
        below = (adds[others] < mine - 1e-6).sum(axis=0)
        equal = (gap <= 1e-6).sum(axis=0)
        expected = 100 * (below + equal / 2) / len(others)
        np.testing.assert_allclose(getattr(found, f"{side}_percentile"), expected, atol=1e-9)


def test_a_cell_that_matches_everybody_adds_nothing_relative():
    """Two cells: pavement, which every picture has, and a logo, which one picture has."""
    pavement, logo = np.eye(4, dtype=np.float32)[:2]
    plain = np.eye(4, dtype=np.float32)[2:]
    query = np.stack([logo, pavement], axis=1).reshape(4, 2, 1)
    gallery = np.stack(
        [np.stack([logo, pavement], 1)] + [np.stack([p, pavement], 1) for p in plain]
    ).reshape(3, 4, 2, 1)
    head = AffineHead(np.ones(2), np.ones(2), 0.0, (2, 1))
    match = match_maps(query, gallery[0], head)
    np.testing.assert_allclose(match.query_contribution, [[1], [1]])
    found = relative(match, average_contributions(query, gallery, head))
    np.testing.assert_allclose(found.query, [[2 / 3], [0]], atol=1e-6)
    np.testing.assert_allclose(found.query_percentile, [[100 * 2.5 / 3], [50]], atol=1e-6)
    # By contribution the two are equal and the lower cell number wins; turn them round to see it.
    flipped = match_maps(query[:, ::-1], gallery[0][:, ::-1], head)
    sides = tuple(side[::-1] for side in found.sides)
    assert select_correspondences(flipped, top=1)[0][0].query_cell == 0
    lines, total = select_correspondences(flipped, top=1, order_by="relative", relative=sides)
    assert (lines[0].query_cell, total) == (1, 2)
    assert worth(lines, sides, "query")[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("direction", ["query", "gallery", "mutual"])
def test_lines_by_relative_contribution(direction):
    rng, grid = np.random.default_rng(2), (4, 2)
    query, other = unit_maps(rng, 2, grid)
    head = random_head(rng, grid)
    match = match_maps(query, other, head)
    sides = rng.standard_normal((2, *grid))
    lines, total = select_correspondences(
        match, top=None, direction=direction, order_by="relative", relative=tuple(sides)
    )
    assert len(lines) == total
    strengths = []
    for line in lines:
        parts = {
            "query": sides[0].flat[line.query_cell],
            "gallery": sides[1].flat[line.gallery_cell],
        }
        strengths.append(sum(parts.values()) if direction == "mutual" else parts[direction])
    assert strengths == sorted(strengths, reverse=True)
    np.testing.assert_allclose(worth(lines, tuple(sides), direction), strengths)
    plain, _ = select_correspondences(match, top=None, direction=direction)
    assert sorted(plain) == sorted(lines)
    among = np.arange(8).reshape(grid) < 3
    few, count = select_correspondences(match, top=None, direction=direction, among=among)
    assert few == [line for line in plain if line.query_cell < 3]
    assert count == len(few)


def test_an_order_that_is_relative_to_nothing_is_refused():
    rng = np.random.default_rng(2)
    query, other = unit_maps(rng, 2, (2, 3))
    match = match_maps(query, other, random_head(rng, (2, 3)))
    with pytest.raises(InputError, match="relative to"):
        select_correspondences(match, order_by="relative")
    with pytest.raises(InputError, match="shapes"):
        select_correspondences(match, relative=(np.zeros((2, 3)), np.zeros((3, 2))))


def test_large_galleries_are_sampled_for_percentiles_only(monkeypatch):
    monkeypatch.setattr(crowd_module, "SAMPLE", 11)
    rng, grid = np.random.default_rng(2), (2, 3)
    query, gallery = unit_maps(rng, 1, grid)[0], unit_maps(rng, 60, grid)
    head = random_head(rng, grid)
    crowd = averages_of_maxima(query_maxima(query, gallery), head)
    assert crowd.query_sorted.shape == (6, 11)
    mean = np.mean([logit_without(query, g, head) for g in gallery])
    assert crowd.mean_logit == pytest.approx(mean, abs=1e-4)


def test_a_gallery_of_one_is_its_own_crowd():
    rng = np.random.default_rng(2)
    query = unit_maps(rng, 1, (2, 3))
    head = random_head(rng, (2, 3))
    crowd = average_contributions(query[0], query, head)
    found = relative(match_maps(query[0], query[0], head), crowd)
    np.testing.assert_allclose(found.query, 0, atol=1e-6)
    np.testing.assert_array_equal(found.query_percentile, np.full((2, 3), 50.0))
    assert not np.isnan(crowd.query_std).any()
    with pytest.raises(InputError, match="no other picture"):
        average_contributions(query[0], query, head, leave_out=[0])
