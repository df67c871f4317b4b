"""The matrix of who is confused with whom, from keys to the query that a click opens."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

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
    camid = space.data.query[space.selection.query].camid
    assert camid == dialog.matrix.rows[row]
    found = space.data.gallery[space.selection.candidate]
    assert found.camid == dialog.matrix.columns[column]
    settled(qtbot, window)
    dialog.by.setCurrentIndex(1)
    assert dialog.matrix.by == "person"
    window.controller.close_data()
    qtbot.waitUntil(lambda: "matrix" not in window.dialogs._open, timeout=WAIT)
