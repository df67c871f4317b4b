"""Keys and mouse of the whole window: panels, full screen, reasons, palette, menus, decisions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt5.QtGui import (
    QContextMenuEvent,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QMouseEvent,
)
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAbstractButton, QAbstractItemView, QApplication

from app.state.values import Cell
from app.views.shell.context_menus import CANDIDATE, PAGES
from qaconv_core.types import RankingResult
from tests.app.real import WAIT, press, settled


def test_full_screen_and_hidden_panels_are_kept(qtbot, window):
    press(window, Qt.Key_F11)
    assert window.isFullScreen()
    press(window, Qt.Key_F)
    assert window.explore.panels_hidden
    window.close()
    assert window.settings.value.panels_hidden
    assert window.settings.value.geometry


def test_a_key_that_does_nothing_says_why(qtbot, window):
    space = window.workspace
    truth = np.full(len(space.ranking.order), RankingResult.NOT_KNOWN, dtype=np.int8)
    space.set_ranking(replace(space.ranking, truth=truth))
    for key in (Qt.Key_C, Qt.Key_W):
        window.statusBar().clearMessage()
        press(window, key)
        said = window.statusBar().currentMessage()
        assert "true match" in said or "not known" in said, said


def test_reject_rejects_all_that_are_chosen(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_Home)
    for _ in range(2):
        press(window, Qt.Key_Right, modifiers=Qt.ShiftModifier)
    chosen = space.selection.chosen
    assert len(chosen) == 3
    press(window, Qt.Key_R)
    qtbot.waitUntil(lambda: set(space.decided) == set(chosen), timeout=WAIT)
    assert {decision.verdict for decision in space.decided.values()} == {"reject"}
    ranks = {decision.rank for decision in space.decided.values()}
    assert ranks == {space.ranking.rank_of(c) or None for c in chosen}
    press(window, Qt.Key_Home)
    press(window, Qt.Key_J)
    assert space.selection.candidate not in space.decided
    window.explore.results.header.hides["hide_decided"].click()
    model = window.explore.results.model
    listed = {model.candidate_at(row) for row in range(model.rowCount())}
    assert listed == set(space.ranking.order.tolist()) - set(chosen)


DECIDED_BY = {
    "Y": lambda window: press(window, Qt.Key_Y),
    "R": lambda window: press(window, Qt.Key_R),
    "U": lambda window: press(window, Qt.Key_U),
    "Confirm": lambda window: click_verdict(window, "confirm"),
    "Reject": lambda window: click_verdict(window, "reject"),
}


def click_verdict(window, verdict):
    button = window.explore.inspector.decisions.buttons[f"candidate.{verdict}"]
    QTest.mouseClick(button, Qt.LeftButton)


@pytest.mark.parametrize("how", DECIDED_BY)
def test_who_is_decided_about_gives_way_to_the_next_where_decided_ones_are_hidden(
    qtbot, window, how
):
    space, results = window.workspace, window.explore.results
    results.header.hides["hide_decided"].click()
    results.view.setFocus()
    press(window, Qt.Key_Home)
    settled(qtbot, window)
    listed = [results.model.candidate_at(row) for row in range(results.model.rowCount())]
    for expected in listed[1:4]:
        DECIDED_BY[how](window)
        qtbot.waitUntil(lambda at=expected: space.selection.candidate == at, timeout=WAIT)
        settled(qtbot, window)
        assert not results.note.isVisible()
    assert len(space.decided) == 3
    results.view.setFocus()
    press(window, Qt.Key_End)
    settled(qtbot, window)
    DECIDED_BY[how](window)
    qtbot.waitUntil(lambda: space.selection.candidate == listed[-2], timeout=WAIT)
    settled(qtbot, window)


def test_the_focus_alone_chooses_nobody_where_the_candidate_is_hidden(qtbot, window):
    space, results = window.workspace, window.explore.results
    press(window, Qt.Key_Home, Qt.Key_Y)
    candidate = space.selection.candidate
    qtbot.waitUntil(lambda: candidate in space.decided, timeout=WAIT)
    results.header.hides["hide_decided"].click()
    assert results.note.isVisible(), "a filter alone moves nothing"
    window.explore.queries.list.setFocus()
    results.view.setFocus()
    assert space.selection.candidate == candidate
    press(window, Qt.Key_Right)
    assert space.selection.candidate != candidate


def test_a_cleared_part_comes_back(qtbot, window):
    space = window.workspace
    part = np.zeros(space.pair.match.grid, dtype=bool)
    part[2:4] = True
    space.parts.draw(part)
    settled(qtbot, window)
    press(window, Qt.Key_Escape)
    settled(qtbot, window)
    assert space.parts.part is None
    press(window, Qt.Key_Left, modifiers=Qt.AltModifier)
    assert space.parts.part is not None
    assert space.parts.part.tolist() == part.tolist()
    settled(qtbot, window)


def test_opening_a_set_ends_a_comparison(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_4)
    qtbot.waitUntil(lambda: space.other_pair is not None, timeout=WAIT)
    settled(qtbot, window)
    space.open_data(space.data)
    assert space.look.mode == "lines"
    assert space.selection.other is None


def test_the_palette_finds_queries(qtbot, window):
    press(window, Qt.Key_K, modifiers=Qt.ControlModifier)
    palette = window.dialogs.palette
    qtbot.waitUntil(palette.isVisible)
    name = window.workspace.data.query[3].path.name
    QTest.keyClicks(palette.field, name[:-4])
    assert palette.places == [f"Query: {name}"]
    assert palette.found == []
    QTest.keyClick(palette.field, Qt.Key_Return)
    assert window.workspace.selection.queries == (3,)
    settled(qtbot, window)


def test_a_right_click_chooses_and_offers_what_is_about_it(qtbot, window):
    view = window.explore.results.view
    at = view.visualRect(view.model().index(2)).center()
    menu = window.context_menus.open(view, CANDIDATE, at)
    assert view.currentIndex().row() == 2
    titles = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert titles[:3] == ["Confirm", "Reject", "Unsure"]
    menu.close()
    settled(qtbot, window)
    for widget in (view, window.explore.queries.list, window.explore.inspector.canvas):
        assert widget.contextMenuPolicy() == Qt.CustomContextMenu


@pytest.mark.parametrize("page", ["evaluate", "failures", "trust"])
def test_figures_and_rows_of_every_page_have_a_menu(qtbot, window, page):
    window.pages.choose(page)
    shown = window.pages.currentWidget()
    child = shown.findChildren(QAbstractButton)[0].parentWidget()
    opened = []
    window.context_menus.open = lambda widget, ids, at: opened.append((widget, ids))
    at = child.rect().center()
    event = QContextMenuEvent(QContextMenuEvent.Mouse, at, child.mapToGlobal(at))
    QApplication.sendEvent(child, event)
    assert opened == [(shown, PAGES[page])]
    del window.context_menus.open


def test_menus_have_letters_of_their_own(window):
    titles = [action.text() for action in window.menuBar().actions()]
    letters = [title[title.index("&") + 1].lower() for title in titles]
    assert len(set(letters)) == len(letters)


def test_dragging_says_what_dropping_does(window):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(window.workspace.data.query[0].path))])
    plate = window.file_input._plate
    enter = QDragEnterEvent(QPoint(50, 50), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(window, enter)
    assert plate.isVisible()
    assert "search by this picture" in plate.text()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not plate.isVisible()


class OwnDrag(QDragEnterEvent):
    """A drag that began in the window."""

    def __init__(self, window, at, mime):
        super().__init__(at, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
        self._window = window

    def source(self):
        return self._window


class OwnDrop(QDropEvent):
    def __init__(self, window, at, mime):
        super().__init__(QPointF(at), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
        self._window = window

    def source(self):
        return self._window


def test_a_tile_dropped_on_the_query_is_searched_by_and_elsewhere_it_is_not(qtbot, window):
    space, explore = window.workspace, window.explore
    model, canvas = explore.results.model, explore.inspector.canvas
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=20_000)
    mime = model.mimeData([model.index(2)])
    path = space.data.gallery[model.candidate_at(2)].path
    assert mime.urls() == [QUrl.fromLocalFile(str(path))]
    strip = explore.results.view
    elsewhere = strip.mapTo(window, strip.rect().center())
    box = canvas.stage.boxes[canvas.scene.find(("query", 0))]
    on_query = canvas.mapTo(window, QPointF(*box.at(0.5, 0.5)).toPoint())
    plate, before = window.file_input._plate, space.selection
    for at, taken in ((elsewhere, False), (on_query, True)):
        QApplication.sendEvent(window, OwnDrag(window, at, mime))
        assert plate.isVisible() == taken
        QApplication.sendEvent(window, OwnDrop(window, at, mime))
        if not taken:
            assert not window.runner.busy
            assert space.selection == before
    qtbot.waitUntil(lambda: space.data.is_added(space.selection.query), timeout=WAIT)
    assert space.data.query[space.selection.query].path == path
    settled(qtbot, window)


def test_tiles_rows_and_whole_pictures_are_dragged_out_as_files(qtbot, window, monkeypatch):
    explore, canvas = window.explore, window.explore.inspector.canvas
    for view in (explore.results.view, explore.queries.list, window.gallery.grid):
        assert view.dragDropMode() == QAbstractItemView.DragOnly
        index = view.model().index(1, 0)
        assert view.model().flags(index) & Qt.ItemIsDragEnabled
        (url,) = view.model().mimeData([index]).urls()
        assert url.isLocalFile()
    started = []
    monkeypatch.setattr(
        QDrag, "exec_", lambda drag, _action: started.append(drag.mimeData().urls())
    )
    box = canvas.stage.boxes[1]
    QTest.mousePress(canvas, Qt.LeftButton, Qt.NoModifier, QPointF(*box.at(0.4, 0.4)).toPoint())
    moved = QMouseEvent(
        QEvent.MouseMove, QPointF(*box.at(0.4, 0.7)), Qt.LeftButton, Qt.LeftButton, Qt.NoModifier
    )
    QApplication.sendEvent(canvas, moved)
    QTest.mouseRelease(canvas, Qt.LeftButton)
    candidate = window.workspace.data.gallery[window.workspace.selection.candidate].path
    assert started == [[QUrl.fromLocalFile(str(candidate))]]
    assert window.workspace.selection.cell is None


def test_lines_can_have_a_colour_each(qtbot, window):
    canvas, space = window.explore.inspector.canvas, window.workspace
    space.change_look(count=6, threshold=-1.0)
    one_scale = canvas.grab().toImage()
    window.explore.inspector.controls.colour_by.actions_["each"].trigger()
    assert space.look.colour_by == "each"
    assert canvas.stage.legend is None
    assert canvas.grab().toImage() != one_scale
    rows = window.explore.details.table.rows
    colours = {rows._drawn[key].name() for key in rows._drawn}
    assert len(colours) == len(rows._drawn) > 3
    space.pin(Cell("query", 0))


def test_heat_maps_can_be_smooth(qtbot, window):
    canvas = window.explore.inspector.canvas
    press(window, Qt.Key_2)
    flat = canvas.grab().toImage()
    press(window, Qt.Key_M)
    assert window.workspace.look.smooth
    assert canvas.grab().toImage() != flat
