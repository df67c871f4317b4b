"""The questions about a match, asked in the whole window by keys and by mouse; awkward sets."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QMouseEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit

from app.state import part_words
from app.state.requests import DataRequest
from app.state.session import load_session
from app.views.dialogs.note_dialog import NoteDialog
from app.views.dialogs.report_dialog import ReportDialog
from qaconv_core.store.folders import data_dir
from qaconv_core.types import RankingResult
from tests.app.lists import click as click_row
from tests.app.real import WAIT, press, settled, tiny_market
from tests.builders import write_picture


def opened(qtbot, make_window, data, model):
    """A window on a set, at rest."""
    window = make_window()
    with qtbot.waitSignal(window.controller.settled, timeout=WAIT):
        window.begin(data, model)
    rest(qtbot, window)
    window.explore.results.view.setFocus()
    return window


@pytest.fixture
def window(qtbot, make_window, model, tmp_path):
    """The tiny set, its first match explained."""
    return opened(qtbot, make_window, tiny_market(tmp_path), model)


def rest(qtbot, window):
    settled(qtbot, window)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)


def click(widget, at=None):
    QTest.mouseClick(widget, Qt.LeftButton, pos=at or widget.rect().center())


def drag(window, panel, start, end):
    """Drag the left button over a picture; corners in shares of its width and height."""
    canvas = window.explore.inspector.canvas
    box = canvas.stage.boxes[panel]
    places = [
        QPoint(round(box.x + x * box.width), round(box.y + y * box.height)) for x, y in (start, end)
    ]
    QTest.mousePress(canvas, Qt.LeftButton, Qt.NoModifier, places[0])
    move = QMouseEvent(
        QEvent.MouseMove, QPointF(places[1]), Qt.NoButton, Qt.LeftButton, Qt.NoModifier
    )
    QApplication.sendEvent(canvas, move)
    QTest.mouseRelease(canvas, Qt.LeftButton, Qt.NoModifier, places[1])


def choose_in(box, text):
    """Choose an entry of a button's menu as a person does by mouse."""
    menu = box.menu()
    menu.popup(QPoint(0, 0))
    (entry,) = [action for action in menu.actions() if action.text() == text]
    click(menu, menu.actionGeometry(entry).center())


# ── search by part ──────────────────────────────────────────────────────────────────────────────


def test_search_by_part_with_the_buttons_below_the_pictures(qtbot, window):
    space, tools = window.workspace, window.explore.inspector.tools.buttons
    plain = space.ranking.values
    click(tools["match.part_box"])
    drag(window, 0, (0.02, 0.02), (0.6, 0.45))
    rest(qtbot, window)
    part = space.ranking.part
    assert 0 < part.sum() < part.size
    assert "By part" in window.explore.results.header.part.text()
    click(tools["match.part_ignore"])
    rest(qtbot, window)
    assert (space.ranking.part == ~part).all()
    click(tools["match.part_whole"])
    rest(qtbot, window)
    assert space.ranking.part is None
    assert space.ranking.values == pytest.approx(plain)


# ── why A above B ───────────────────────────────────────────────────────────────────────────────


def compared(qtbot, window):
    space = window.workspace
    qtbot.waitUntil(lambda: space.why is not None and not space.pair_stale, timeout=WAIT)
    rest(qtbot, window)
    total = sum(reason.amount for reason in space.why.reasons)
    logits = [pair.match.logit for pair in (space.pair, space.other_pair)]
    assert total == pytest.approx(logits[0] - logits[1], abs=1e-4)
    return space


def test_why_the_false_match_is_above_the_true_one_by_key(qtbot, window):
    ranking = window.workspace.ranking
    press(window, Qt.Key_W)
    space = compared(qtbot, window)
    assert space.selection.candidate == ranking.first(RankingResult.FALSE)
    assert space.selection.other == ranking.first(RankingResult.TRUE)
    assert space.look.mode == "compare"
    assert "red speaks for the candidate" in window.explore.inspector.readout.text()
    other = space.selection.other
    press(window, Qt.Key_Right)
    rest(qtbot, window)
    space = compared(qtbot, window)
    assert space.selection.other == other, "the other one stays"
    assert space.selection.candidate == ranking.order[1 + ranking.place_of(
        ranking.first(RankingResult.FALSE))]  # fmt: skip


def test_why_by_mouse_and_a_bar_shows_its_cell(qtbot, window):
    results, details = window.explore.results, window.explore.details
    click(window.explore.inspector.controls.modes["compare"])
    space = compared(qtbot, window)
    other = space.selection.other
    click_row(results.view, results.model.index(3))
    space = compared(qtbot, window)
    assert space.selection.candidate == space.ranking.order[3]
    assert space.selection.other == other
    assert details.chart.rows[-1].label == "difference"
    row = details.chart.rows[0]
    click(details.chart, row.rect.center().toPoint())
    assert space.selection.cell == row.part.cell


# ── above average ───────────────────────────────────────────────────────────────────────────


def test_what_is_beyond_the_usual_is_one_choice_away_from_the_plain_measure(qtbot, window):
    space, inspector = window.workspace, window.explore.inspector
    assert inspector.canvas.stage.scale.kind == "relative"
    for mode, box in (("lines", "colour_by"), ("heat", "heat_of")):
        click(inspector.controls.modes[mode])
        assert inspector.canvas.stage.scale.kind == "relative"
        for text, kind in (
            ("by contribution", "contribution"),
            ("by similarity", "similarity"),
            ("above average", "relative"),
        ):
            choose_in(getattr(inspector.controls, box), text)
            assert getattr(space.look, box) == kind
            assert inspector.canvas.stage.scale.kind == kind


# ── decisions ───────────────────────────────────────────────────────────────────────────────────


def typed_into(qtbot, window, text):
    """Type into the note that Shift+U has asked for, and accept it."""
    dialog = window.findChild(NoteDialog)
    QApplication.setActiveWindow(dialog)
    field = dialog.note
    field.selectAll()
    for number, line in enumerate(text.splitlines()):
        if number:
            QTest.keyClick(field, Qt.Key_Return)
        QTest.keyClicks(field, line)
    QTest.keyClick(field, Qt.Key_Return, Qt.ControlModifier)
    assert not dialog.isVisible()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    window.explore.results.view.setFocus()


def test_decisions_by_key_come_back_at_the_next_start(qtbot, make_window, window):
    space = window.workspace
    first = space.selection.candidate
    press(window, Qt.Key_Y)
    rest(qtbot, window)
    press(window, Qt.Key_U, modifiers=Qt.ShiftModifier)
    typed_into(qtbot, window, "same bag\nother shoes")
    rest(qtbot, window)
    press(window, Qt.Key_Right)
    rest(qtbot, window)
    press(window, Qt.Key_R)
    rest(qtbot, window)
    second = space.selection.candidate
    window.close()
    again = make_window()
    again.begin(session=load_session(data_dir()))
    qtbot.waitUntil(lambda: len(again.workspace.decided) == 2, timeout=WAIT)
    rest(qtbot, again)
    decided = again.workspace.decided
    assert (decided[first].verdict, decided[first].note) == ("confirm", "same bag\nother shoes")
    assert decided[second].verdict == "reject"
    again.explore.results.view.setFocus()
    press(again, Qt.Key_Z, modifiers=Qt.ControlModifier)
    rest(qtbot, again)
    assert set(again.workspace.decided) == {first}, "what was done before can be undone"


def test_decisions_are_saved_as_a_table_from_the_menu(qtbot, window, tmp_path):
    press(window, Qt.Key_Y)
    rest(qtbot, window)
    window.commands.by_id["file.save_decisions"].trigger()
    dialog = window.findChild(QFileDialog)
    target = tmp_path / "decided.csv"
    field = dialog.findChild(QLineEdit)
    field.selectAll()
    QTest.keyClicks(field, str(target))
    QTest.keyClick(field, Qt.Key_Return)
    qtbot.waitUntil(target.is_file, timeout=WAIT)
    rest(qtbot, window)
    (row,) = csv.DictReader(target.open())
    query = window.workspace.data.query[0].path.name
    assert (row["verdict"], row["query"]) == ("confirm", f"query/{query}")


def test_a_report_is_asked_for_in_the_palette(qtbot, window, tmp_path):
    press(window, Qt.Key_Y)
    rest(qtbot, window)
    press(window, Qt.Key_Right, modifiers=Qt.ShiftModifier)
    rest(qtbot, window)
    press(window, Qt.Key_P, modifiers=Qt.ControlModifier | Qt.ShiftModifier)
    palette = window.dialogs.palette
    QTest.keyClicks(palette.field, "file save report")
    while palette.list.currentItem().text() != "File: Save report…":
        QTest.keyClick(palette.field, Qt.Key_Down)
    QTest.keyClick(palette.field, Qt.Key_Return)
    dialog = window.findChild(ReportDialog)
    assert dialog.radios["chosen"].isChecked()
    target = tmp_path / "r.html"
    dialog.path.setText(str(target))
    click(dialog.buttons.button(QDialogButtonBox.Save))
    qtbot.waitUntil(target.is_file, timeout=WAIT)
    rest(qtbot, window)
    text = target.read_text(encoding="utf-8")
    assert text.count('<section class="candidate">') == 2
    assert "Decided: confirmed" in text


# ── awkward masks and sets ──────────────────────────────────────────────────────────────────────


def test_hiding_the_whole_query_leaves_the_bias_and_equal_ranks(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_H)
    drag(window, 0, (-0.01, -0.01), (1.01, 1.01))
    assert space.parts.now.hidden_query.all()
    qtbot.waitUntil(
        lambda: (
            space.parts.now.what_if is not None and space.parts.now.what_if.rank_after is not None
        ),
        timeout=WAIT,
    )
    answer = space.parts.now.what_if
    assert answer.logit_after == pytest.approx(window.controller.matching.model.head.bias)
    assert 1 <= answer.rank_after <= len(space.ranking.order)
    assert "nan" not in part_words.what_if_text(answer).lower()


@pytest.fixture
def alone(qtbot, make_window, model, tmp_path):
    """A query and a gallery of one picture: a copy of the query."""
    query = write_picture(tmp_path / "q" / "somebody.png", 1, (48, 128))
    (tmp_path / "g").mkdir()
    shutil.copyfile(query, tmp_path / "g" / "copy.png")
    data = DataRequest(queries=(query,), gallery=str(tmp_path / "g"))
    return opened(qtbot, make_window, data, model)


def test_a_gallery_of_one_that_is_the_query(qtbot, alone):
    window, space = alone, alone.workspace
    grid = space.pair.match.grid
    assert len(space.ranking.order) == 1
    assert space.pair.match.query_similarity == pytest.approx(np.ones(grid), abs=1e-3)
    beyond = space.pair.relative
    assert beyond.query == pytest.approx(np.zeros(grid), abs=1e-4), "it is the whole crowd"
    assert np.isfinite(beyond.query_percentile).all()
    before = space.selection
    press(window, Qt.Key_W, Qt.Key_C, Qt.Key_N, Qt.Key_E)
    assert space.selection == before, "there is nobody to compare with"
    press(window, Qt.Key_4)
    rest(qtbot, window)
    assert space.other_pair is None
    press(window, Qt.Key_1, Qt.Key_O)
    qtbot.waitUntil(lambda: space.parts.now.regions is not None, timeout=WAIT)
    assert all(np.isfinite(change).all() for change in space.parts.now.regions.changes.values())
    assert "no other candidate" in window.explore.inspector.readout.text()
    press(window, Qt.Key_O, Qt.Key_B)
    drag(window, 0, (0.02, 0.02), (0.6, 0.45))
    rest(qtbot, window)
    assert np.isfinite(space.ranking.values).all()
    assert 0 < space.pair.evidence <= 1
    assert set(np.flatnonzero(space.pair.found)) == set(np.flatnonzero(space.ranking.part))
    press(window, Qt.Key_Backspace, Qt.Key_B, Qt.Key_Y)
    rest(qtbot, window)
    assert [d.verdict for d in space.decided.values()] == ["confirm"]


def test_trust_in_a_gallery_of_one(qtbot, alone):
    press(alone, Qt.Key_3, modifiers=Qt.ControlModifier)
    assert not alone.insights.page("failures").empty.button.isEnabled()
    press(alone, Qt.Key_4, modifiers=Qt.ControlModifier)
    page = alone.insights.page("trust")
    qtbot.waitUntil(page.empty.button.isEnabled, timeout=WAIT)
    click(page.empty.button)
    qtbot.waitUntil(lambda: page.found is not None, timeout=WAIT)
    rest(qtbot, alone)
    for row in page.measures.rows:
        for place in range(len(row.values)):
            assert row.values[place] is None or np.isfinite(row.values[place]), row.name
