"""A message of the bottom line ends before the job that is named at its right."""

from __future__ import annotations

import pytest
from PyQt5.QtWidgets import QLabel, QMainWindow

from app.views.widgets.status_line import StatusLine

MESSAGE = "Compare on a sheet…: Choose two to four candidates (Shift+arrows or Ctrl+click)."


@pytest.fixture
def line(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    made = StatusLine(window)
    window.setStatusBar(made)
    window.resize(1000, 200)
    window.show()
    qtbot.waitExposed(window)
    yield made
    window.close()


def test_a_message_ends_before_the_job_and_is_whole_in_the_tool_tip(line):
    job = QLabel("Measuring the data set")
    job.setFixedWidth(800)
    line.addPermanentWidget(job)
    line.showMessage(MESSAGE)
    line.grab()
    assert line.message_rect.right() < job.x()
    assert line.shown_message.endswith("…")
    assert line.fontMetrics().horizontalAdvance(line.shown_message) <= line.message_rect.width()
    assert line.toolTip() == MESSAGE
    job.hide()
    assert line.shown_message == MESSAGE
    line.clearMessage()
    assert line.toolTip() == ""
