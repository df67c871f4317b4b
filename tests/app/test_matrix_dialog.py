"""The matrix of who is confused with whom, from keys to the query that a click opens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.views.dialogs.matrix_dialog import MatrixDialog
from qaconv_core.evaluation.match_matrix import FirstCandidates
from tests.app.real import WAIT, press, settled

KEYS = Qt.ControlModifier | Qt.ShiftModifier


def test_before_measuring_the_key_says_what_to_do(qtbot, window):
    press(window, Qt.Key_M, modifiers=KEYS)
    assert "Evaluate this data set first" in window.statusBar().currentMessage()


def test_counts_are_those_of_the_rankings_and_a_click_opens_a_query(qtbot, window):
    space = window.workspace
    press(window, Qt.Key_E, modifiers=KEYS)
    qtbot.waitUntil(lambda: "qaconv" in space.measures_complete, timeout=WAIT)
    press(window, Qt.Key_M, modifiers=KEYS)
    qtbot.waitUntil(lambda: "matrix" in window.dialogs._open, timeout=WAIT)
    first = window.dialogs._open["matrix"]
    window.dialogs.show_matrix()
    qtbot.waitUntil(lambda: window.dialogs._open.get("matrix") not in (None, first), timeout=WAIT)
    dialog = window.dialogs._open["matrix"]
    wrong = space.measures.of("qaconv").first_true[: space.data.added_from] > 1
    assert int(dialog.matrix.wrong.sum()) == int(np.sum(wrong))
    row, column = next(iter(dialog.matrix.members))
    item = dialog.view.visualItemRect(dialog.view.item(row, column))
    window.pages.choose("evaluate")
    QTest.mouseClick(dialog.view.viewport(), Qt.LeftButton, pos=item.center())
    assert window.page == "explore"
    assert "Counted are" not in dialog.hint.text(), "all are"
    camid = space.data.query[space.selection.query].camid
    assert camid == dialog.matrix.rows[row]
    found = space.data.gallery[space.selection.candidate]
    assert found.camid == dialog.matrix.columns[column]
    settled(qtbot, window)
    dialog.by.setCurrentIndex(1)
    assert dialog.matrix.by == "person"
    assert dialog.matrix.label(0) == "distractors", "the set has one"
    window.controller.close_data()
    qtbot.waitUntil(lambda: "matrix" not in window.dialogs._open, timeout=WAIT)


def test_the_dialog_says_which_queries_are_counted(qtbot):
    wrong = np.array([False, True, False, False])
    firsts = FirstCandidates(np.arange(4), np.array([0, 1, 2, 3]), wrong)
    keys = {
        "person": (np.array([1, 2, 2, 4]), np.array([1, 3, 2, 4])),
        "camera": (np.array([1, 1, 1, 1]), np.array([1, 1, 1, -1])),
    }
    dialog = MatrixDialog(firsts, keys, {"person": {}, "camera": {}})
    qtbot.addWidget(dialog)
    assert dialog.matrix.rows == (2,)
    assert "Counted are 2 of 4 queries: those of persons confused" in dialog.hint.text()
    dialog.by.setCurrentIndex(1)
    assert "Counted are 3 of 4 queries: those whose cameras are known" in dialog.hint.text()
    none = MatrixDialog(replace(firsts, wrong=wrong & False), keys, {"person": {}, "camera": {}})
    qtbot.addWidget(none)
    assert "Counted" not in none.hint.text()
    assert none.words.text()


def test_distractors_are_headed_by_their_name(qtbot):
    firsts = FirstCandidates(np.arange(2), np.arange(2), np.array([True, False]))
    keys = {"person": (np.array([5, 7]), np.array([0, 7]))}
    for distractors, head, words in (
        (True, "distractors", "1 query of person 5 has a distractor as first candidate"),
        (False, "0", "1 query of person 5 has a first candidate of person 0"),
    ):
        dialog = MatrixDialog(firsts, keys, {"person": {}}, distractors)
        qtbot.addWidget(dialog)
        assert dialog.view.horizontalHeaderItem(0).text() == head
        assert dialog.view.item(0, 0).toolTip() == f"{words}; 1 of them is wrong"
