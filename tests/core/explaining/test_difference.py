"""Differences of two candidates add up, and their reasons are named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaconv_core.errors import InputError
from qaconv_core.explaining.difference import (
    difference,
    reasons,
)
from qaconv_core.matching.correspondences import match_maps
from tests.core.explaining.maps import GRIDS, logit_without, random_head, unit_maps


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    grid=st.sampled_from(GRIDS),
    kind=st.sampled_from(["shared", "two-sided"]),
    with_usual=st.booleans(),
)
def test_a_difference_adds_up_to_the_difference_of_the_logits(seed, grid, kind, with_usual):
    rng = np.random.default_rng(seed)
    query, a, b = unit_maps(rng, 3, grid)
    head = random_head(rng, grid, kind)
    usual = rng.standard_normal(grid) if with_usual else None
    found = difference(match_maps(query, a, head), match_maps(query, b, head), usual)
    expected = logit_without(query, a, head) - logit_without(query, b, head)
    assert found.total == pytest.approx(expected, abs=1e-4)
    total = found.query.sum() + found.gallery_a.sum() + found.gallery_b.sum()
    assert total == pytest.approx(expected, abs=1e-4)
    every = reasons(found, top=None)
    assert len(every) == 3 * grid[0] * grid[1]
    assert sum(reason.amount for reason in every) == pytest.approx(expected, abs=1e-4)
    sizes = [abs(reason.amount) for reason in every]
    assert sizes == sorted(sizes, reverse=True)


def test_reasons_name_the_cells_they_come_from():
    rng, grid = np.random.default_rng(1), (4, 2)
    query, a, b = unit_maps(rng, 3, grid)
    head = random_head(rng, grid, "two-sided")
    first, second = match_maps(query, a, head), match_maps(query, b, head)
    for reason in reasons(difference(first, second), top=None):
        if reason.kind == "query":
            s = reason.query_cell
            gained = first.query_contribution.flat[s] - second.query_contribution.flat[s]
            assert reason.amount == pytest.approx(gained)
            assert reason.cell_a == first.query_best.flat[s]
            assert reason.cell_b == second.query_best.flat[s]
            assert reason.similarity_b == pytest.approx(second.query_similarity.flat[s])
        elif reason.kind == "a":
            assert reason.amount == pytest.approx(first.gallery_contribution.flat[reason.cell_a])
            assert reason.query_cell == first.gallery_best.flat[reason.cell_a]
            assert reason.cell_b is None
        else:
            assert reason.amount == pytest.approx(-second.gallery_contribution.flat[reason.cell_b])
            assert reason.query_cell == second.gallery_best.flat[reason.cell_b]
            assert reason.similarity_a is None
    for_a = reasons(difference(first, second), top=3, speaks="a")
    assert len(for_a) == 3
    assert all(reason.amount > 0 for reason in for_a)
    assert all(r.amount < 0 for r in reasons(difference(first, second), None, speaks="b"))


def test_a_candidate_against_itself_has_no_reason():
    rng = np.random.default_rng(1)
    query, a = unit_maps(rng, 2, (2, 3))
    head = random_head(rng, (2, 3))
    match = match_maps(query, a, head)
    found = difference(match, match)
    assert found.total == 0.0
    assert not found.query.any()
    assert not (found.gallery_a + found.gallery_b).any()
    assert reasons(found, speaks="a", top=None) == [
        r for r in reasons(found, top=None) if r.amount > 0
    ]


def test_what_cannot_be_compared_is_refused():
    rng = np.random.default_rng(1)
    query, a = unit_maps(rng, 2, (2, 3))
    match = match_maps(query, a, random_head(rng, (2, 3)))
    with pytest.raises(InputError, match="one model"):
        difference(match, dataclasses.replace(match, bias=match.bias + 1))
    with pytest.raises(InputError, match="usual"):
        difference(match, match, np.zeros((3, 2)))
    with pytest.raises(InputError, match="speak"):
        reasons(difference(match, match), speaks="c")
