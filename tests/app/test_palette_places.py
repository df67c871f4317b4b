"""The palette leads to runs and settings, too."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from qaconv_core.evaluation.stored_runs import open_history, run_document
from tests.app.real import WAIT, press
from tests.core.records import make_report


@pytest.fixture
def window(make_window):
    report = make_report()
    open_history().add(run_document(report, (), ""), kind="evaluate", command="")
    return make_window()


def listed(window, typed):
    palette = window.dialogs.palette
    palette.field.clear()
    QTest.keyClicks(palette.field, typed)
    return [palette.list.item(row).text() for row in range(palette.list.count())]


def test_a_run_is_found_and_looked_at(qtbot, window):
    press(window, Qt.Key_K, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: any("Run 1" in t for t in listed(window, "run 1")), timeout=WAIT)
    palette = window.dialogs.palette
    row = next(i for i, t in enumerate(listed(window, "run 1")) if "Run 1" in t)
    palette.list.setCurrentRow(row)
    QTest.keyClick(palette.field, Qt.Key_Return)
    assert window.page == "evaluate"
    runs = window.pages.evaluate.runs
    qtbot.waitUntil(lambda: runs.current is not None and runs.current.id == 1, timeout=WAIT)


def test_a_setting_is_found_and_has_the_focus(qtbot, window):
    press(window, Qt.Key_K, modifiers=Qt.ControlModifier)
    row = next(i for i, t in enumerate(listed(window, "theme")) if t.startswith("Setting"))
    window.dialogs.palette.list.setCurrentRow(row)
    QTest.keyClick(window.dialogs.palette.field, Qt.Key_Return)
    dialog = window.dialogs._open["settings"]
    QApplication.setActiveWindow(dialog)
    qtbot.waitUntil(dialog.theme.hasFocus, timeout=WAIT)
    dialog.reject()
