"""Sheets for papers: two to four candidates beside each other, queries × their first k."""

from __future__ import annotations

import pytest
from PIL import Image
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from app.jobs.sheets import compare_request
from app.state.words import logit_text
from app.views.dialogs.sheet_dialog import SheetDialog
from qaconv_core.explaining.zones import ZONES
from tests.app.real import WAIT, press, settled
from tests.app.saving import saved


@pytest.fixture
def window(window, tmp_path):
    window.export_commands.choices.folder = tmp_path
    return window


def opened(qtbot, window, key, modifiers):
    press(window, key, modifiers=modifiers)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, SheetDialog)
    qtbot.waitUntil(lambda: dialog.sheet is not None, timeout=WAIT)
    return dialog


@pytest.mark.parametrize("count", [2, 3, 4])
def test_chosen_candidates_stand_beside_each_other(qtbot, window, count, tmp_path):
    press(window, Qt.Key_Home)
    for _ in range(count - 1):
        press(window, Qt.Key_Right, modifiers=Qt.ShiftModifier)
    settled(qtbot, window)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=20_000)  # the averages are known
    dialog = opened(qtbot, window, Qt.Key_C, Qt.ShiftModifier)
    sheet = dialog.sheet
    assert len(sheet.head) == count + 1
    assert sheet.head[1].startswith("rank ")
    rows = {row[0]: row[1:] for row in sheet.rows}
    request = compare_request(window.workspace, window.controller.matching)
    for column, candidate in enumerate(request.candidates):
        pair = request.matching.explain(request.ranking.queries[0], candidate)
        assert rows["logit"][column] == logit_text(pair.logit)
        total = sum(float(rows[z][column].replace("−", "-")) for z in ZONES if z in rows)
        offset = pair.match.bias if pair.relative is None else pair.relative.mean_logit
        assert total == pytest.approx(pair.logit - offset, abs=0.05)
    path = saved(qtbot, dialog)
    assert Image.open(path).size[0] == 2000


def test_compared_breakdowns_are_saved_as_latex(qtbot, window, tmp_path):
    press(window, Qt.Key_Home)
    press(window, Qt.Key_Right, modifiers=Qt.ShiftModifier)
    settled(qtbot, window)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=20_000)
    dialog = opened(qtbot, window, Qt.Key_C, Qt.ShiftModifier)
    dialog.path.setText(str(tmp_path / "two.tex"))
    text = saved(qtbot, dialog).read_text(encoding="utf-8")
    lines = [line.strip().removesuffix(r" \\").split(" & ") for line in text.splitlines()]
    rows = {line[0]: line[1:] for line in lines if len(line) == 3}
    request = compare_request(window.workspace, window.controller.matching)
    for column, candidate in enumerate(request.candidates):
        pair = request.matching.explain(request.ranking.queries[0], candidate)
        assert rows["logit"][column] == logit_text(pair.logit).replace("−", "$-$")
    assert {zone for zone in ZONES if zone in rows}
    assert (tmp_path / "two.pdf").read_bytes().startswith(b"%PDF")


def test_one_or_five_candidates_make_no_sheet(qtbot, window):
    press(window, Qt.Key_Home)
    for _ in range(4):
        press(window, Qt.Key_Right, modifiers=Qt.ShiftModifier)
    press(window, Qt.Key_C, modifiers=Qt.ShiftModifier)
    assert QApplication.activeModalWidget() is None
    assert "two to four" in window.statusBar().currentMessage()


def test_a_caption_is_copied(qtbot, window):
    dialog = opened(qtbot, window, Qt.Key_C, Qt.ShiftModifier)
    QTest.mouseClick(dialog.copy, Qt.LeftButton)
    assert QApplication.clipboard().text() == dialog.sheet.caption
    assert window.workspace.data.query[0].path.name in dialog.sheet.caption
    dialog.reject()


@pytest.mark.parametrize("suffix", [".pdf", ".svg", ".tex"])
def test_queries_and_their_first_candidates(qtbot, window, suffix, tmp_path):
    dialog = opened(qtbot, window, Qt.Key_S, Qt.ControlModifier | Qt.AltModifier)
    dialog.counts["Queries"].setValue(3)
    dialog.counts["Candidates of each"].setValue(4)
    qtbot.waitUntil(lambda: dialog.sheet is not None and len(dialog.sheet.rows) == 3, timeout=WAIT)
    assert dialog.sheet.head == ("query", "rank 1", "rank 2", "rank 3", "rank 4")
    ranking = window.controller.matching.rank((window.workspace.selection.query,))
    best = ranking.score_at(int((ranking.truth != -1).argmax()))
    assert dialog.sheet.rows[0][1].startswith(f"{best:.3f}")
    dialog.path.setText(str(tmp_path / f"sheet{suffix}"))
    path = saved(qtbot, dialog)
    content = path.read_bytes()
    if suffix == ".tex":
        text = content.decode()
        assert r"\includegraphics[width=180mm]{sheet.pdf}" in text
        assert text.count(r"\\") == 4
        assert text.isascii(), "pdflatex knows no other sign of ours"
        assert text.count(r"$\surd$ true match") == 2
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    else:
        assert content.startswith(b"%PDF" if suffix == ".pdf" else b"<?xml")


@pytest.mark.parametrize("typed", ["", "mine.pdf"])
def test_a_name_that_was_typed_stays(qtbot, window, typed):
    dialog = opened(qtbot, window, Qt.Key_S, Qt.ControlModifier | Qt.AltModifier)
    dialog.path.setText(typed)
    dialog.counts["Queries"].setValue(3)
    qtbot.waitUntil(lambda: dialog.sheet is not None and len(dialog.sheet.rows) == 3, timeout=WAIT)
    assert dialog.path.text() == typed
    dialog.reject()
