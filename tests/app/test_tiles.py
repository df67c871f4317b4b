"""Tiles: geometry against obvious arithmetic, keys, wheel and painting on the real view."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtTest import QTest

from app.items.result_delegate import ResultDelegate
from app.items.result_model import ResultModel
from app.items.tile_grid import TileGrid
from app.views.widgets.tile_view import TileView
from tests.app.lists import click, large_set, rank, shown, thumbnails  # noqa: F401

grids = some.builds(
    TileGrid,
    count=some.integers(0, 40),
    width=some.integers(1, 9),
    height=some.integers(1, 9),
    columns=some.integers(1, 12),
)


def rectangles(grid):
    """Every tile's pixels, one after the other."""
    out = []
    for tile in range(grid.count):
        x, y = grid.corner(tile)
        out.append((x, y, x + grid.width, y + grid.height))
    return out


@settings(max_examples=60, deadline=None)
@given(grids, some.integers(-5, 120), some.integers(-5, 120))
def test_a_point_is_in_the_tile_whose_rectangle_holds_it(grid, x, y):
    held = [
        i for i, (x0, y0, x1, y1) in enumerate(rectangles(grid)) if x0 <= x < x1 and y0 <= y < y1
    ]
    assert grid.tile_at(x, y) == (held[0] if held else None)


@settings(max_examples=60, deadline=None)
@given(grids, *[some.integers(-5, 60)] * 2, *[some.integers(0, 60)] * 2)
def test_a_rectangle_covers_the_tiles_it_touches(grid, x, y, width, height):
    touched = [
        i
        for i, (x0, y0, x1, y1) in enumerate(rectangles(grid))
        if width and height and x0 < x + width and x < x1 and y0 < y + height and y < y1
    ]
    assert grid.covered(x, y, width, height) == touched


@settings(max_examples=60, deadline=None)
@given(grids)
def test_tiles_fill_the_extent(grid):
    right = max((x1 for _, _, x1, _ in rectangles(grid)), default=0)
    bottom = max((y1 for _, _, _, y1 in rectangles(grid)), default=0)
    assert grid.extent == (right, bottom)


@pytest.fixture
def view(qtbot, space, thumbnails):  # noqa: F811
    space.open_data(large_set(space.data, 3000))
    space.select_queries((0,))
    rank(space)
    made = TileView(ResultDelegate(thumbnails))
    made.model_ = ResultModel(space, thumbnails, made)
    made.setModel(made.model_)
    made.window_ = shown(qtbot, made, 600, 220)
    made.setCurrentIndex(made.model_.index(0))
    return made


def test_a_strip_is_one_row_and_a_grid_wraps(view):
    assert view.is_strip
    assert view.grid().rows == 1
    assert view.verticalScrollBar().maximum() == 0
    view.setGeometry(0, 0, 600, 700)
    assert view.is_strip
    view.show_as_grid(80)
    assert not view.is_strip
    assert view.horizontalScrollBar().maximum() == 0
    assert view.verticalScrollBar().maximum() > 0
    first, second = (view.visualRect(view.model().index(row)) for row in (0, 1))
    assert second.left() == first.right() + 1
    assert second.top() == first.top()


@pytest.mark.parametrize("picture", [0, 40, 120])
def test_where_a_tile_is_shown_is_where_it_is_found(view, picture):
    if picture:
        view.setGeometry(0, 0, 600, 700)
        view.show_as_grid(picture)
    view.scrollTo(view.model().index(1234))
    for row in view.visible_rows():
        index = view.model().index(row)
        assert view.indexAt(view.visualRect(index).center()) == index
    assert 1234 in view.visible_rows()
    assert view.viewport().rect().contains(view.visualRect(view.model().index(1234)))


def test_keys_walk_along_the_strip(view):
    view.setFocus()
    for key, row in (
        (Qt.Key_Right, 1), (Qt.Key_Right, 2), (Qt.Key_Left, 1), (Qt.Key_Left, 0), (Qt.Key_Left, 0),
        (Qt.Key_End, 2999), (Qt.Key_Right, 2999), (Qt.Key_Home, 0),
    ):  # fmt: skip
        QTest.keyClick(view, key)
        assert view.currentIndex().row() == row
        assert view.viewport().rect().contains(view.visualRect(view.currentIndex()))
    QTest.keyClick(view, Qt.Key_PageDown)
    assert 1 < view.currentIndex().row() < 20


def test_keys_walk_up_and_down_in_rows(view):
    view.setGeometry(0, 0, 600, 700)
    view.show_as_grid(80)
    view.setFocus()
    columns = view.grid().columns
    QTest.keyClick(view, Qt.Key_Down)
    assert view.currentIndex().row() == columns
    QTest.keyClick(view, Qt.Key_Up)
    assert view.currentIndex().row() == 0
    QTest.keyClick(view, Qt.Key_Up)
    assert view.currentIndex().row() == 0


def test_enter_and_a_double_click_open(qtbot, view):
    opened = []
    view.opened.connect(lambda index: opened.append(index.row()))
    view.setFocus()
    QTest.keyClick(view, Qt.Key_Return)
    click(view, view.model().index(3))
    assert opened == [0]
    at = view.visualRect(view.model().index(3)).center()
    QTest.mouseDClick(view.viewport(), Qt.LeftButton, Qt.NoModifier, at)
    assert opened == [0, 3]


def test_a_click_beside_the_tiles_changes_nothing(view, space):
    space.change_result_filter(camids=frozenset())
    assert view.model().rowCount() == 0
    QTest.mouseClick(view.viewport(), Qt.LeftButton, Qt.NoModifier, QPoint(300, 100))
    assert not view.currentIndex().isValid()


def test_resizing_keeps_the_chosen_tile_in_view(view):
    view.setCurrentIndex(view.model().index(1500))
    view.show_as_grid(80)
    assert 1500 in view.visible_rows()
    for width, height in ((600, 700), (300, 700), (900, 230)):
        view.setGeometry(0, 0, width, height)
        assert 1500 in view.visible_rows()


def test_only_what_is_seen_is_painted_and_asked_for(view, thumbnails):  # noqa: F811
    asked = []
    get = thumbnails.get
    thumbnails.get = lambda path: asked.append(path) or get(path)
    view.horizontalScrollBar().setValue(20_000)
    asked.clear()
    view.viewport().repaint()
    assert len(asked) == len(view.visible_rows()) < 15
