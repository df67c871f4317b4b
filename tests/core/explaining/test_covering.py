"""Hidden regions against pairs from which the cells were really removed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaconv_core.errors import InputError
from qaconv_core.explaining.covering import (
    covered_logit,
    covered_match,
    occlusion_map,
    order_map,
    window_mask,
)
from tests.core.explaining.maps import (
    GRIDS,
    logit_without,
    random_head,
    random_mask,
    unit_maps,
)

SEEDS = st.integers(0, 2**32 - 1)
WINDOWS = st.tuples(st.integers(1, 6), st.integers(1, 6))
KINDS = st.sampled_from(["shared", "two-sided"])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, grid=st.sampled_from(GRIDS), kind=KINDS)
def test_covering_equals_taking_the_cells_out(seed, grid, kind):
    rng = np.random.default_rng(seed)
    query, gallery = unit_maps(rng, 2, grid)
    head = random_head(rng, grid, kind)
    hide_query, hide_gallery = random_mask(rng, grid), random_mask(rng, grid)
    for q in (None, hide_query):
        for g in (None, hide_gallery):
            expected = logit_without(
                query, gallery, head, None if q is None else ~q, None if g is None else ~g
            )
            found = covered_match(query, gallery, head, hide_query=q, hide_gallery=g)
            assert found.logit == pytest.approx(expected, abs=1e-4)
            total = found.query_contribution.sum() + found.gallery_contribution.sum() + found.bias
            assert total == pytest.approx(expected, abs=1e-4)
            assert np.isfinite(found.query_similarity).all()
            assert covered_logit(query, gallery, head, hide_query=q, hide_gallery=g) == found.logit


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, grid=st.sampled_from(GRIDS), kind=KINDS, window=WINDOWS)
def test_every_window_equals_taking_it_out(seed, grid, kind, window):
    rng = np.random.default_rng(seed)
    query, gallery = unit_maps(rng, 2, grid)
    head = random_head(rng, grid, kind)
    for side, argument in (("query", "keep_query"), ("gallery", "keep_gallery")):
        found = occlusion_map(query, gallery, head, window, side)
        expected = [
            logit_without(query, gallery, head, **{argument: ~window_mask(cell, window, grid)})
            for cell in range(grid[0] * grid[1])
        ]
        np.testing.assert_allclose(found.hidden_logit.ravel(), expected, atol=1e-4)
        assert found.logit == pytest.approx(logit_without(query, gallery, head), abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, window=WINDOWS)
def test_the_order_map_tells_what_hiding_does_to_the_lead(seed, window):
    rng, grid = np.random.default_rng(seed), (4, 2)
    query, a, b = unit_maps(rng, 3, grid)
    head = random_head(rng, grid, "two-sided")
    base = logit_without(query, a, head) - logit_without(query, b, head)
    found = order_map(query, a, b, head, window)
    assert found.base == pytest.approx(base, abs=1e-4)
    for cell in range(8):
        keep = ~window_mask(cell, window, grid)
        first, second = (logit_without(query, each, head, keep) for each in (a, b))
        assert found.margin.flat[cell] == pytest.approx(first - second, abs=1e-4)
        if abs(first - second) > 1e-3:
            assert found.flips.flat[cell] == ((first > second) != (base > 0))


def test_a_window_is_centred_and_clipped_by_the_picture():
    grid = (4, 5)
    assert np.argwhere(window_mask(0, (3, 3), grid)).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert window_mask(7, (3, 3), grid).sum() == 9
    assert np.argwhere(window_mask(7, (2, 1), grid)).tolist() == [[0, 2], [1, 2]]
    assert window_mask(7, (99, 99), grid).all()


def test_a_window_over_everything_leaves_the_bias():
    rng = np.random.default_rng(8)
    query, gallery = unit_maps(rng, 2, (2, 3))
    head = random_head(rng, (2, 3), "two-sided")
    for side in ("query", "gallery"):
        found = occlusion_map(query, gallery, head, (9, 9), side)
        np.testing.assert_array_equal(found.change, np.full((2, 3), head.bias - found.logit))
    assert order_map(query, gallery, query, head, (9, 9)).margin.any() == np.False_


def test_two_equal_candidates_are_never_put_in_order():
    rng = np.random.default_rng(8)
    query, gallery = unit_maps(rng, 2, (2, 3))
    found = order_map(query, gallery, gallery, random_head(rng, (2, 3)))
    assert not found.margin.any()
    assert not found.flips.any()


def test_wrong_use_is_refused():
    rng = np.random.default_rng(8)
    query, gallery = unit_maps(rng, 2, (2, 3))
    head = random_head(rng, (2, 3))
    with pytest.raises(InputError, match="covers nothing"):
        occlusion_map(query, gallery, head, (0, 3))
    with pytest.raises(InputError, match="cannot cover"):
        occlusion_map(query, gallery, head, side="left")
    with pytest.raises(InputError, match="gallery cells"):
        covered_logit(query, gallery, head, hide_gallery=np.ones(4, bool))
