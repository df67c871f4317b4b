"""Evaluating and taking away in the real window, from the first key to the file on disk."""

from __future__ import annotations

import csv
import json
import threading
from pathlib import Path

import pytest
from PIL import Image
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QGuiApplication
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QDialogButtonBox

from app.jobs import engine
from app.views.dialogs.export_dialog import ExportDialog
from qaconv_core.evaluation.stored_runs import open_history
from tests.app.real import WAIT, press, settled, tiny_market


def click_on(button) -> None:
    QTest.mouseClick(button, Qt.LeftButton)


@pytest.fixture
def page(qtbot, window):
    """The page Evaluate with the open set alone ticked."""
    return open_set_ticked(qtbot, window)


def open_set_ticked(qtbot, window):
    """Go to the page, and tick the open set alone."""
    press(window, Qt.Key_2, modifiers=Qt.ControlModifier)
    made = window.evaluate
    form = made.content.form
    qtbot.waitUntil(lambda: form.sets.count() > 0, timeout=WAIT)
    for row in range(form.sets.count()):
        item = form.sets.item(row)
        wanted = Qt.Checked if item.text().startswith("market") else Qt.Unchecked
        if item.flags() & Qt.ItemIsUserCheckable and item.checkState() != wanted:
            at = form.sets.visualItemRect(item).center()
            QTest.mouseClick(form.sets.viewport(), Qt.LeftButton, pos=at)
            QTest.keyClick(form.sets, Qt.Key_Space)
    qtbot.waitUntil(lambda: [c.title for c in form.sets.ticked] == ["market (open)"], timeout=WAIT)
    qtbot.waitUntil(lambda: "pairs" in form.estimate.text(), timeout=WAIT)
    return made


def run_once(qtbot, page) -> None:
    """Start by the keyboard and wait for the run."""
    before = len(page.runs.runs)
    page.content.form.start_button.setFocus()
    QTest.keyClick(page.content.form.start_button, Qt.Key_Space)
    qtbot.waitUntil(lambda: len(page.runs.runs) == before + 1, timeout=WAIT)
    qtbot.waitUntil(lambda: not page.runner.busy, timeout=WAIT)


def test_the_estimate_knows_the_maps_that_explore_computes_meanwhile(
    qtbot, make_window, tmp_path, model, monkeypatch
):
    go_on, real = threading.Event(), engine.search_partly

    def late(*arguments):
        assert go_on.wait(WAIT / 1000)
        return real(*arguments)

    monkeypatch.setattr(engine, "search_partly", late)
    window = make_window()
    window.begin(tiny_market(tmp_path), model)
    space = window.workspace
    qtbot.waitUntil(lambda: space.data is not None and space.model is not None, timeout=WAIT)
    form = open_set_ticked(qtbot, window).content.form
    qtbot.waitUntil(lambda: "(0 already" in form.estimate.text(), timeout=WAIT)
    go_on.set()
    qtbot.waitUntil(lambda: "(31 already" in form.estimate.text(), timeout=WAIT)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)


def test_the_window_is_usable_while_it_evaluates_and_a_run_can_be_cancelled(qtbot, window, page):
    space = window.workspace
    click_on(page.content.form.start_button)
    (row,) = page.content.work.rows
    press(window, Qt.Key_1, modifiers=Qt.ControlModifier)
    window.explore.results.view.setFocus()
    press(window, Qt.Key_Right)
    settled(qtbot, window)
    assert space.ranking.place_of(space.selection.candidate) > 0
    press(window, Qt.Key_2, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    assert len(page.runs.runs) == 1
    click_on(page.content.form.start_button)
    (row,) = page.content.work.rows
    click_on(row.cancel_button)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    assert len(page.runs.runs) == 1
    assert len(open_history().list()) == 1
    assert not window.problems.problems


def test_runs_are_compared_exported_and_a_query_is_opened(qtbot, window, page, tmp_path):
    run_once(qtbot, page)
    run_once(qtbot, page)
    content = page.content
    assert "Detected and identified, QAConv: " in content.cameras.rates.text()
    content.runs.setFocus()
    press(window, Qt.Key_Space, Qt.Key_Down, Qt.Key_Space)
    assert len(page.runs.compared) == 2
    assert content.table.model.rowCount() == 2 * 3
    window.commands.run("file.export_cmc")
    dialog = page.findChild(ExportDialog) or window.findChild(ExportDialog)
    target = tmp_path / "cmc.csv"
    dialog.path.setText(str(target))
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        click_on(dialog.buttons.button(QDialogButtonBox.Save))
    with target.open() as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert {row["dataset"] for row in rows} == {"market (run 1)", "market (run 2)"}
    assert all(0 <= float(row["cmc"]) <= 1 for row in rows)
    content.tabs.setCurrentWidget(content.queries)
    view = content.queries.view
    view.setFocus()
    QTest.keyClick(view, Qt.Key_Down)
    name = content.queries.model.name(view.currentIndex().row())
    QTest.keyClick(view, Qt.Key_Return)
    assert window.page == "explore"
    settled(qtbot, window)
    space = window.workspace
    assert space.data.query[space.selection.query].path.name == name


def test_closing_during_an_evaluation_keeps_the_history_whole(qtbot, make_window, window, page):
    run_once(qtbot, page)
    click_on(page.content.form.start_button)
    assert window.runner.busy
    window.close()  # it asks
    assert window.isVisible()
    window.close()  # that is an answer
    assert not window.isVisible()
    assert len(open_history().list()) in (1, 2)
    again = make_window()
    again.commands.run("view.evaluate")
    qtbot.waitUntil(lambda: bool(again.evaluate.runs.runs), timeout=WAIT)
    assert again.evaluate.runs.runs[-1].report.counts.query == 5
    qtbot.waitUntil(lambda: not again.runner.busy, timeout=WAIT)


def test_the_choice_of_normalised_scores_comes_back(qtbot, make_window, window, page):
    box = page.content.form.methods.normalise
    QTest.mouseClick(box, Qt.LeftButton, pos=QPoint(8, box.height() // 2))
    kept = window.session()
    window.close()
    again = make_window()
    again.begin(session=kept)
    assert again.session().normalise, "before its page is made"
    again.commands.run("view.evaluate")
    assert again.evaluate.content.form.methods.normalise.isChecked()
    settled(qtbot, again)


def save_as(qtbot, window, keys, modifiers, target: Path) -> None:
    """Open the dialog by its keys, choose the format by the name, save by the button."""
    press(window, keys, modifiers=modifiers)
    dialog = window.findChild(ExportDialog)
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(target))
    assert dialog.chosen.suffix == target.suffix
    if dialog.chosen.unit == "px":
        dialog.width_field.setValue(640)
    with qtbot.waitSignal(dialog.saved, timeout=WAIT):
        click_on(dialog.buttons.button(QDialogButtonBox.Save))
    QApplication.setActiveWindow(window)
    qtbot.waitUntil(lambda: window.findChild(ExportDialog) is None, timeout=WAIT)


def content_is_whole(path: Path) -> bool:
    """Whether a file is what its name says."""
    if path.suffix == ".png":
        with Image.open(path) as picture:
            return picture.width == 640
    if path.suffix == ".svg":
        return "<svg" in path.read_text()[:1000]
    if path.suffix == ".pdf":
        return path.read_bytes().startswith(b"%PDF") and b"%%EOF" in path.read_bytes()[-64:]
    if path.suffix == ".json":
        return bool(json.loads(path.read_text()))
    with path.open() as lines:
        return len(list(csv.reader(lines))) > 2


@pytest.mark.parametrize("what", ["match", "ranking"])
def test_every_form_is_saved_by_its_keys(qtbot, window, tmp_path, what):
    window.explore.results.view.setFocus()
    more = Qt.ShiftModifier if what == "ranking" else Qt.NoModifier
    for suffix in (".png", ".svg", ".pdf", ".json", ".csv"):
        target = tmp_path / f"{what}{suffix}"
        save_as(qtbot, window, Qt.Key_S, Qt.ControlModifier | more, target)
        assert content_is_whole(target), suffix
    assert not window.problems.problems


def test_figure_and_numbers_go_to_the_clipboard(qtbot, window):
    clipboard, space = QGuiApplication.clipboard(), window.workspace
    window.explore.results.view.setFocus()
    press(window, Qt.Key_C, modifiers=Qt.ControlModifier | Qt.ShiftModifier)
    numbers = json.loads(clipboard.text())
    assert numbers["logit"] == pytest.approx(space.pair.match.logit, abs=1e-5)
    press(window, Qt.Key_C, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: not clipboard.image().isNull(), timeout=WAIT)
    assert clipboard.image().width() == 2000
    clipboard.clear()


def test_saving_where_nothing_can_be_written_is_said_in_the_dialog(qtbot, window, tmp_path):
    window.explore.results.view.setFocus()
    press(window, Qt.Key_S, modifiers=Qt.ControlModifier)
    dialog = window.findChild(ExportDialog)
    dialog.path.setText(str(tmp_path / "no such folder" / "m.json"))
    click_on(dialog.buttons.button(QDialogButtonBox.Save))
    qtbot.waitUntil(lambda: "no such folder" in dialog.note.text(), timeout=WAIT)
    assert dialog.isVisible()
    QTest.keyClick(dialog, Qt.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(ExportDialog) is None, timeout=WAIT)
