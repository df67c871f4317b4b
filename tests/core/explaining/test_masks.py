"""Regions in picture coordinates and the cells they mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaconv_core.errors import InputError
from qaconv_core.explaining.masks import cells_in_box, cells_in_lasso, cells_on_stroke

FRACTION = st.floats(-0.5, 1.5, allow_nan=False, width=32)


def cells(mask):
    return [tuple(map(int, cell)) for cell in np.argwhere(mask)]


def test_a_box_takes_cells_it_covers_by_half():
    assert cells_in_box((0, 0, 1, 1), (3, 4)).all()
    assert cells(cells_in_box((0, 0, 0.5, 1 / 3), (3, 4))) == [(0, 0), (0, 1)]
    assert cells(cells_in_box((0, 0, 0.375, 1 / 3), (3, 4))) == [(0, 0), (0, 1)]  # exactly half
    assert cells(cells_in_box((0, 0, 0.36, 1 / 3), (3, 4))) == [(0, 0)]
    assert cells(cells_in_box((0, 0, 0.36, 1 / 3), (3, 4), share=0.1)) == [(0, 0), (0, 1)]


def test_corners_may_come_in_any_order_and_lie_outside():
    expected = cells_in_box((0.2, 0.1, 0.9, 0.7), (6, 5))
    assert (cells_in_box((0.9, 0.7, 0.2, 0.1), (6, 5)) == expected).all()
    assert (cells_in_box((-3, -3, 9, 9), (6, 5))).all()
    assert not cells_in_box((1.2, 0, 1.4, 1), (6, 5)).any()


def test_a_small_box_or_a_click_is_one_cell():
    assert cells(cells_in_box((0.30, 0.40, 0.32, 0.42), (4, 4))) == [(1, 1)]
    assert cells(cells_in_box((0.30, 0.40, 0.30, 0.40), (4, 4))) == [(1, 1)]
    assert cells(cells_in_box((1, 1, 1, 1), (4, 4))) == [(3, 3)]
    assert cells(cells_in_lasso([(0.3, 0.4)], (4, 4))) == [(1, 1)]


@settings(max_examples=50, deadline=None)
@given(x=st.tuples(FRACTION, FRACTION), y=st.tuples(FRACTION, FRACTION))
def test_a_rectangular_lasso_is_nearly_the_box(x, y):
    """Both take what is covered well over half and leave what is covered well under half."""
    grid = (6, 4)
    corners = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]
    lasso = cells_in_lasso(corners, grid)
    surely, perhaps = (
        cells_in_box((x[0], y[0], x[1], y[1]), grid, share=share) for share in (0.75, 0.25)
    )
    if surely.sum() > 1:  # else the shape is small, and the cell covered most may be another
        assert (surely <= lasso).all()
        assert (lasso <= perhaps).all()


def test_a_box_beside_the_picture_takes_nothing():
    assert not cells_in_box((0, -0.5, 1, 0), (6, 4)).any()


def test_a_lasso_of_a_triangle():
    # The long side halves the cells of the diagonal; a little outwards they are all taken.
    mask = cells_in_lasso([(-0.01, -0.01), (1.05, -0.01), (-0.01, 1.05)], (4, 4))
    assert [int(n) for n in mask.sum(axis=1)] == [4, 3, 2, 1]
    assert mask[:, 0].all()


def test_a_stroke_takes_the_cells_it_passes():
    assert cells(cells_on_stroke([(0.1, 0.1), (0.9, 0.1)], (2, 4))) == [(0, c) for c in range(4)]
    assert cells(cells_on_stroke([(0.1, 0.1), (0.1, 0.9), (0.9, 0.9)], (2, 2))) == [
        (0, 0),
        (1, 0),
        (1, 1),
    ]
    assert not cells_on_stroke([(2, 2), (3, 3)], (2, 2)).any()
    assert cells(cells_in_lasso([(0.1, 0.1), (0.9, 0.1)], (2, 4))) == [(0, c) for c in range(4)]


@pytest.mark.parametrize("box", [(0, 0, 1), (0, 0, 1, float("nan")), (0, 0, 1, float("inf"))])
def test_unusable_regions_are_refused(box):
    with pytest.raises(InputError, match="4 finite"):
        cells_in_box(box, (2, 2))


def test_a_lasso_needs_a_point():
    with pytest.raises(InputError, match="at least one point"):
        cells_in_lasso([], (2, 2))
