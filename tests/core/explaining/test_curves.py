"""Removal curves against pairs from which the cells were really removed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaconv_core.errors import InputError
from qaconv_core.explaining import maxima
from qaconv_core.explaining.curves import nested_logits, removal_curves
from qaconv_core.matching.correspondences import match_maps
from qaconv_core.models.qaconv import AffineHead
from tests.core.explaining.maps import GRIDS, logit_without, random_head, unit_maps


def kept(cells, grid):
    mask = np.zeros(grid, bool)
    mask.flat[list(cells)] = True
    return mask


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    grid=st.sampled_from(GRIDS[:3]),
    kind=st.sampled_from(["shared", "two-sided"]),
)
def test_every_step_equals_taking_the_cells_out(seed, grid, kind):
    rng = np.random.default_rng(seed)
    query, gallery = unit_maps(rng, 1, grid)[0], unit_maps(rng, 3, grid)
    head = random_head(rng, grid, kind)
    cells = grid[0] * grid[1]
    orders = np.stack([rng.permutation(cells), np.arange(cells)])
    found = nested_logits(query, gallery, head, orders)
    assert found.shape == (2, cells + 1, 3)
    for number, order in enumerate(orders):
        for count in range(cells + 1):
            mask = kept(order[:count], grid)
            expected = [logit_without(query, g, head, mask) for g in gallery]
            np.testing.assert_allclose(found[number, count], expected, atol=1e-4)


def test_curves_of_a_pair_and_its_ranks(monkeypatch):
    monkeypatch.setattr(maxima, "SLICE", 2)
    rng, grid = np.random.default_rng(2), (2, 3)
    query, gallery = unit_maps(rng, 1, grid)[0], unit_maps(rng, 5, grid)
    head = random_head(rng, grid)
    match = match_maps(query, gallery[3], head)
    counted = np.array([True, False, True, False, True])  # the candidate itself always counts
    found = removal_curves(
        query,
        gallery,
        head,
        3,
        [("contribution", match.query_contribution)],
        counted=counted,
        repeats=2,
        seed=7,
    )
    assert found.orders == ("contribution", "random")
    assert found.logit == pytest.approx(match.logit, abs=1e-4)
    order = np.argsort(-match.query_contribution.ravel(), kind="stable")
    random = np.random.default_rng(7)
    shuffled = [random.permutation(6) for _ in range(2)]
    for removed in range(7):
        for curve, rank_curve, part in (
            (found.deletion, found.deletion_rank, slice(removed, None)),
            (found.insertion, found.insertion_rank, slice(None, removed)),
        ):
            logits, ranks = [], []
            for chosen in (order, *shuffled):
                mask = kept(chosen[part], grid)
                values = np.array([logit_without(query, g, head, mask) for g in gallery])
                logits.append(values[3])
                others = np.delete(values, [1, 3]).round(5)
                mine = values[3].round(5)
                ranks.append(1 + (others > mine).sum() + (others == mine).sum() / 2)
            assert curve[0, removed] == pytest.approx(logits[0], abs=1e-4)
            assert curve[1, removed] == pytest.approx(np.mean(logits[1:]), abs=1e-4)
            assert rank_curve[0, removed] == ranks[0]
            assert rank_curve[1, removed] == np.mean(ranks[1:])


def test_removing_what_matters_first_is_seen_in_the_area():
    """Cell 0 carries the whole match: no other cell has a weight."""
    query = np.eye(4, dtype=np.float32).reshape(4, 2, 2)
    head = AffineHead(np.array([1.0, 0, 0, 0]), np.zeros(4), 0.25, (2, 2))
    strength = np.array([[1.0, 0], [0, 0]])
    found = removal_curves(
        query, query[None], head, 0, [("right", strength), ("wrong", -strength)], repeats=50
    )
    np.testing.assert_allclose(found.deletion[0], [1.25, 0.25, 0.25, 0.25, 0.25])
    np.testing.assert_allclose(found.insertion[0], [0.25, 1.25, 1.25, 1.25, 1.25])
    np.testing.assert_allclose(found.deletion[1], [1.25, 1.25, 1.25, 1.25, 0.25])
    for kind in ("deletion", "insertion"):
        assert found.area("right", kind) > 0.1
        assert found.area("wrong", kind) < -0.1
        assert found.area("random", kind) == 0.0
    assert (found.deletion_rank == 1).all()


def test_a_pair_that_says_nothing_has_no_area():
    query = np.eye(4, dtype=np.float32).reshape(4, 2, 2)
    head = AffineHead(np.zeros(4), np.zeros(4), 0.25, (2, 2))
    found = removal_curves(query, query[None], head, 0, [("any", np.zeros((2, 2)))])
    assert found.area("any") == 0.0
    assert (found.deletion == 0.25).all()


def test_wrong_use_is_refused():
    rng = np.random.default_rng(2)
    query, gallery = unit_maps(rng, 1, (2, 3))[0], unit_maps(rng, 2, (2, 3))
    head = random_head(rng, (2, 3))
    with pytest.raises(InputError, match="once"):
        nested_logits(query, gallery, head, [[0, 0, 1, 2, 3, 4]])
    with pytest.raises(InputError, match="number 2"):
        removal_curves(query, gallery, head, 2, [])
    with pytest.raises(InputError, match="random order"):
        removal_curves(query, gallery, head, 1, [], repeats=0)
    with pytest.raises(InputError, match="no deletion curve"):
        removal_curves(query, gallery, head, 1, []).area("contribution")
