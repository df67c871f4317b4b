"""The keys of the table of commands, wherever in the lists the focus is; what is spoken."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QFont
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QHBoxLayout, QWidget

from app.views.explore.queries_panel import QueriesPanel
from app.views.explore.results_panel import ResultsPanel
from app.views.widgets.actions import Actions, Handler
from tests.app.lists import centre, click, rank, shown, thumbnails  # noqa: F401


class Lists(QWidget):
    """Both panels and all actions, as in the window."""

    def __init__(self, space, loader):
        super().__init__()
        self.actions_ = Actions(self)
        self.queries, self.results = QueriesPanel(space, loader), ResultsPanel(space, loader)
        layout = QHBoxLayout(self)
        for panel in (self.queries, self.results):
            layout.addWidget(panel)
            self.actions_.bind(panel.handlers())
        self.actions_.bind({"match.unpin": Handler(lambda: space.pin(None))})


@pytest.fixture
def lists(qtbot, space, thumbnails):  # noqa: F811
    made = Lists(space, thumbnails)
    made.window_ = shown(qtbot, made, 1000, 320)
    qtbot.waitActive(made.window_)
    return made


def press(widget, *keys):
    widget.setFocus()
    for key in keys:
        QTest.keyClick(widget, key)


@pytest.mark.parametrize("where", ["queries", "results"])
def test_arrows_walk_queries_and_candidates_from_both_lists(lists, space, where):
    view = lists.queries.list if where == "queries" else lists.results.view
    press(view, Qt.Key_Down)
    assert space.selection.queries == (1,)
    press(view, Qt.Key_Up)
    assert space.selection.queries == (0,)
    press(view, Qt.Key_Home, Qt.Key_Right, Qt.Key_Right)
    assert space.selection.candidate == int(space.ranking.order[2])
    press(view, Qt.Key_Left)
    assert space.selection.candidate == int(space.ranking.order[1])
    press(view, Qt.Key_End)
    assert space.selection.candidate == int(space.ranking.order[11])


def test_shift_and_an_arrow_join_queries_in_their_list(lists, space):
    view = lists.queries.list
    click(view, view.model().index(0))
    QTest.keyClick(view, Qt.Key_Down, Qt.ShiftModifier)
    assert space.selection.queries == (0,)
    assert "Only queries of one person" in lists.queries.note.text()


def test_fields_take_letters_and_leave_queries_to_the_vertical_arrows(lists, space):
    lists.actions_.run("query.filter")
    field = lists.queries.filter_bar.text
    QTest.keyClicks(field, "n0")
    assert field.text() == "n0"
    QTest.keyClick(field, Qt.Key_Escape)
    assert field.text() == ""
    QTest.keyClick(field, Qt.Key_Down)
    assert space.selection.queries == (1,)


def test_find_keeps_its_arrows_and_esc(lists, space):
    QTest.keyClick(lists, Qt.Key_F, Qt.ControlModifier)
    bar = lists.results.find_bar
    assert bar.isVisible()
    QTest.keyClicks(bar.field, "0002")
    QTest.keyClick(bar.field, Qt.Key_Down)
    assert space.selection.queries == (0,)
    assert bar.hits.currentIndex().row() == 1
    QTest.keyClick(bar.field, Qt.Key_Escape)
    assert bar.isHidden()


def test_letters_jump(lists, space):
    press(lists.results.view, Qt.Key_Home, Qt.Key_N)
    true = space.ranking.next_place(0, 1)
    assert space.selection.candidate == int(space.ranking.order[true])
    press(lists.results.view, Qt.Key_C)
    assert space.look.mode == "compare"


def test_a_double_click_at_the_edge_opens_what_was_clicked(lists, space):
    view, model, opened = lists.results.view, lists.results.model, []
    lists.results.opened.connect(opened.append)
    lists.results.view.setFocus()
    edge = max(view.visible_rows())
    at = centre(view, model.index(edge))
    QTest.mouseClick(view.viewport(), Qt.LeftButton, Qt.NoModifier, at)
    QTest.mouseDClick(view.viewport(), Qt.LeftButton, Qt.NoModifier, at)
    assert opened == [model.candidate_at(edge)]


def test_the_wheel_moves_the_strip_sideways(lists, qtbot):
    from PyQt5.QtGui import QWheelEvent
    from PyQt5.QtWidgets import QApplication

    view = lists.results.view
    before = view.horizontalScrollBar().value()
    at = QPoint(20, 20)
    turn = QWheelEvent(
        at, view.viewport().mapToGlobal(at), QPoint(), QPoint(0, -240), Qt.NoButton,
        Qt.NoModifier, Qt.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view.viewport(), turn)
    assert view.horizontalScrollBar().value() > before


def test_a_larger_font_makes_larger_rows(lists):
    before = lists.queries.list.gridSize().height(), lists.results.view.grid().height
    font = QFont(lists.font())
    font.setPointSizeF(3 * font.pointSizeF())
    lists.setFont(font)
    assert lists.queries.list.gridSize().height() > before[0]
    assert lists.results.view.grid().height >= before[1]
    lists.results.view.viewport().grab()


def test_a_closed_panel_hears_nothing_more(space, thumbnails, qtbot):  # noqa: F811
    import gc
    import weakref

    panel = ResultsPanel(space, thumbnails)
    gone = weakref.ref(panel)
    panel.deleteLater()
    del panel
    qtbot.wait(10)
    gc.collect()
    assert gone() is None
    rank(space, 0, seed=3)


def test_links_follow_the_palette(lists):
    from PyQt5.QtGui import QColor, QPalette

    lists.results.candidate_selection.step(1)
    link = lists.results.header.report
    assert link.isVisible()
    for name in ("#7ab8ff", "#0a3d91"):
        palette = QPalette(lists.palette())
        palette.setColor(QPalette.Link, QColor(name))
        lists.setPalette(palette)
        picture = link.grab().toImage()
        row = picture.height() - 4
        inks = {
            picture.pixelColor(x, y).name()
            for x in range(picture.width())
            for y in range(row // 2, picture.height())
        }
        assert name in inks
