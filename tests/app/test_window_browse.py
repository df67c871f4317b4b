"""Browsing in the real window on the real engine: queries, ranking, match, docks, all by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QGuiApplication, QImage, QMouseEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QWidget

from app.state.session import load_session
from qaconv_core.store.folders import data_dir
from qaconv_core.types import RankingResult
from tests.app.lists import click
from tests.app.real import WAIT, opened_window, press, settled, tiny_market
from tests.small_world import person


@pytest.fixture
def window(qtbot, make_window, tmp_path, model):
    """The tiny set, with a second query of the first person; the first match is explained."""
    data = tiny_market(tmp_path)
    person(1, 77).save(data.root / "market" / "query" / "0001_c2s1_001900_00.jpg")
    return opened_window(qtbot, make_window, data, model)


def type_into(window, text: str) -> None:
    QTest.keyClicks(QApplication.focusWidget(), text)


def run_by_palette(qtbot, window, words: str) -> None:
    """Find a command by its words and run it."""
    press(window, Qt.Key_P, modifiers=Qt.ControlModifier | Qt.ShiftModifier)
    palette = window.dialogs.palette
    qtbot.waitUntil(palette.isVisible)
    QTest.keyClicks(palette.field, words)
    QTest.keyClick(palette.field, Qt.Key_Return)
    assert not palette.isVisible()
    QApplication.setActiveWindow(window)


def tick_box(box: QWidget) -> None:
    QTest.mouseClick(box, Qt.LeftButton, pos=QPoint(8, box.height() // 2))


def listed(window) -> list[int]:
    """Gallery indices in the strip, as they stand there."""
    model = window.explore.results.model
    return [model.candidate_at(row) for row in range(model.rowCount())]


def point_at(window, panel: int, x: float, y: float) -> None:
    """Move the pointer over a picture; shares of its width and height."""
    canvas = window.explore.inspector.canvas
    box = canvas.stage.boxes[panel]
    at = QPointF(box.x + x * box.width, box.y + y * box.height)
    event = QMouseEvent(
        QEvent.MouseMove, at, canvas.mapToGlobal(at.toPoint()), Qt.NoButton, Qt.NoButton,
        Qt.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


# ── queries ─────────────────────────────────────────────────────────────────────────────────────


def test_queries_are_filtered_sorted_and_joined(qtbot, window):
    space, panel = window.workspace, window.explore.queries
    assert panel.model.rowCount() == 6
    press(window, Qt.Key_L, modifiers=Qt.ControlModifier)
    type_into(window, "0001_c")
    assert [space.data.query[i].pid for i in panel.model.rows] == [1, 1]
    first, second = (int(i) for i in panel.model.rows)
    click(panel.list, panel.model.index(0))
    settled(qtbot, window)
    alone = {c: space.ranking.values[space.ranking.place_of(c)] for c in listed(window)}
    click(panel.list, panel.model.index(1), Qt.ControlModifier)
    settled(qtbot, window)
    assert space.ranking.queries == (first, second)
    best = {c: space.ranking.values[space.ranking.place_of(c)] for c in listed(window)}
    assert all(best[c] >= alone[c] - 1e-4 for c in alone), "the larger of two logits"
    QTest.mouseClick(panel.fuse_buttons["mean"], Qt.LeftButton)
    settled(qtbot, window)
    qtbot.waitUntil(lambda: space.look.fuse == "mean" and not space.ranking_stale, timeout=WAIT)
    mean = {c: space.ranking.values[space.ranking.place_of(c)] for c in listed(window)}
    assert all(mean[c] <= best[c] + 1e-4 for c in best)
    assert any(mean[c] < best[c] - 1e-4 for c in best)
    press(window, Qt.Key_L, modifiers=Qt.ControlModifier)
    press(window, Qt.Key_Escape)
    assert panel.model.rowCount() == 6


def test_queries_are_sorted_by_what_was_measured(qtbot, window):
    space, panel = window.workspace, window.explore.queries
    press(window, Qt.Key_E, modifiers=Qt.ControlModifier | Qt.ShiftModifier)
    qtbot.waitUntil(lambda: bool(space.measures_complete), timeout=WAIT)
    run_by_palette(qtbot, window, "sort by ap")
    ap = space.current_measures.ap[panel.model.rows]
    known = ap[~np.isnan(ap)]
    assert len(known) == 6
    assert list(known) == sorted(known)
    panel.filter_bar.sort.setFocus()
    QTest.keyClick(panel.filter_bar.sort, Qt.Key_End)
    assert space.query_filter.sort == "score"
    top = space.current_measures.top[panel.model.rows]
    assert list(top) == sorted(top, reverse=True)


def test_a_pasted_picture_becomes_the_query(qtbot, window):
    space = window.workspace
    picture = QImage(str(space.data.query[2].path))
    QGuiApplication.clipboard().setImage(picture)
    window.explore.results.view.setFocus()
    press(window, Qt.Key_V, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: space.selection.queries == (6,), timeout=WAIT)
    settled(qtbot, window)
    assert space.data.is_added(6)
    assert space.data.query[6].path.parent.name == "pasted"
    assert space.data.gallery[space.selection.candidate].pid == space.data.query[2].pid
    assert window.explore.queries.model.rowCount() == 7
    QGuiApplication.clipboard().clear()


# ── ranking ─────────────────────────────────────────────────────────────────────────────────────


def test_the_ranking_hides_junk_cameras_and_times(qtbot, window):
    space, header = window.workspace, window.explore.results.header
    data, everything = space.data, listed(window)
    junk = [c for c in everything if data.gallery[c].pid == 1 and data.gallery[c].camid == 0]
    assert junk
    tick_box(header.hides["hide_junk"])
    assert listed(window) == [c for c in everything if c not in junk]
    tick_box(header.hides["hide_junk"])
    run_by_palette(qtbot, window, "hide the query's camera")
    assert listed(window) == [c for c in everything if data.gallery[c].camid != 0]
    run_by_palette(qtbot, window, "hide the query's camera")
    QTest.keyClick(header.cameras.boxes[1], Qt.Key_Space)
    assert listed(window) == [c for c in everything if data.gallery[c].camid != 1]
    QTest.keyClick(header.cameras.everything, Qt.Key_Space)
    assert listed(window) == everything
    low = header.times.low
    low.selectAll()
    QTest.keyClicks(low, "120")
    QTest.keyClick(low, Qt.Key_Return)
    assert space.result_filter.time_range is not None
    assert listed(window) == [c for c in everything if data.gallery[c].time >= 120]
    assert 0 < len(listed(window)) < len(everything)


def test_a_person_is_found_and_true_matches_are_jumped_to(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_F, modifiers=Qt.ControlModifier)
    type_into(window, "0003_c2")
    bar = window.explore.results.find_bar
    assert bar.isVisible()
    hit = bar.hits.model().index(0, 0)
    assert "0003_c2" in str(hit.data())
    press(window, Qt.Key_Return)
    settled(qtbot, window)
    assert space.data.gallery[space.selection.candidate].pid == 3
    place = space.ranking.place_of(space.selection.candidate)
    assert str(space.ranking.ranks[place]) in str(hit.data())
    press(window, Qt.Key_Escape)
    assert not bar.isVisible()
    window.explore.results.view.setFocus()
    press(window, Qt.Key_Home)
    settled(qtbot, window)
    truths = space.ranking.truth
    expected = [int(i) for i in np.flatnonzero(truths == RankingResult.TRUE)]
    start = space.ranking.place_of(space.selection.candidate)
    after = next(i for i in expected if i > start)
    press(window, Qt.Key_N)
    settled(qtbot, window)
    assert space.ranking.place_of(space.selection.candidate) == after


# ── match ───────────────────────────────────────────────────────────────────────────────────────


def test_modes_pointing_pinning_and_the_list_belong_together(qtbot, window):
    space, inspector = window.workspace, window.explore.inspector
    inspector.setFocus()
    for key, mode in ((Qt.Key_2, "heat"), (Qt.Key_3, "hover"), (Qt.Key_1, "lines")):
        press(window, key)
        assert space.look.mode == mode
    point_at(window, 0, 0.5, 0.4)
    assert space.hover is not None
    assert space.hover.side == "query"
    canvas = inspector.canvas
    box = canvas.stage.boxes[0]
    at = QPointF(box.x + 0.5 * box.width, box.y + 0.4 * box.height).toPoint()
    QTest.mouseClick(canvas, Qt.LeftButton, pos=at)
    pinned = space.selection.cell
    assert pinned is not None
    assert pinned.side == "query"
    view = window.explore.details.table
    qtbot.waitUntil(lambda: view.currentIndex().isValid())
    view.setFocus()
    row = view.currentIndex().row()
    QTest.keyClick(view, Qt.Key_Down if row == 0 else Qt.Key_Up)
    assert space.selection.cell not in (None, pinned)
    inspector.setFocus()
    press(window, Qt.Key_Escape)
    assert space.selection.cell is None
    press(window, Qt.Key_4)
    qtbot.waitUntil(lambda: space.other_pair is not None, timeout=WAIT)
    assert space.look.mode == "compare"
    pair = space.pair.match
    adds = float(pair.query_contribution.sum() + pair.gallery_contribution.sum())
    assert pair.bias + adds == pytest.approx(pair.logit, abs=1e-3)


# ── commands and docks ──────────────────────────────────────────────────────────────────────────


def test_the_palette_runs_commands_of_the_window(qtbot, window):
    run_by_palette(qtbot, window, "heat maps")
    assert window.workspace.look.mode == "heat"
    run_by_palette(qtbot, window, "jobs and problems")
    assert window.problems_dock.isVisible()
    press(window, Qt.Key_F1)
    (sheet,) = [d for name, d in window.dialogs._open.items() if name == "keys"]
    assert sheet.isVisible()
    QTest.keyClick(sheet, Qt.Key_Escape)
    qtbot.waitUntil(lambda: "keys" not in window.dialogs._open)


def test_docks_are_moved_closed_restored_and_kept(qtbot, make_window, window):
    explore = window.explore
    close = explore.details_dock.findChild(QWidget, "qt_dockwidget_closebutton")
    QTest.mouseClick(close, Qt.LeftButton)
    assert not explore.details_dock.isVisible()
    lift = explore.queries_dock.findChild(QWidget, "qt_dockwidget_floatbutton")
    QTest.mouseClick(lift, Qt.LeftButton)
    assert explore.queries_dock.isFloating()
    QApplication.setActiveWindow(window)
    run_by_palette(qtbot, window, "restore the layout")
    assert explore.details_dock.isVisible()
    assert not explore.queries_dock.isFloating()
    assert explore.dockWidgetArea(explore.queries_dock) == Qt.LeftDockWidgetArea
    explore.addDockWidget(Qt.RightDockWidgetArea, explore.queries_dock)
    run_by_palette(qtbot, window, "score breakdown")
    assert not explore.details_dock.isVisible()
    window.close()
    again = make_window()
    again.begin(session=load_session(data_dir()))
    area = again.explore.dockWidgetArea
    qtbot.waitUntil(lambda: area(again.explore.queries_dock) == Qt.RightDockWidgetArea)
    assert not again.explore.details_dock.isVisible()
    settled(qtbot, again)


def test_a_comparison_follows_to_another_query(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_4)
    qtbot.waitUntil(lambda: space.other_pair is not None, timeout=WAIT)
    for key in (Qt.Key_Down, Qt.Key_Down, Qt.Key_Up):
        before = space.selection.query
        press(window, key)
        assert space.selection.query != before
        settled(qtbot, window)
        qtbot.waitUntil(lambda: space.other_pair.candidate == space.selection.other, timeout=WAIT)
        assert {space.pair.query, space.other_pair.query} == {space.selection.query}
