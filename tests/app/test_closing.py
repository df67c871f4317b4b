"""Closing while jobs run: asked once where work would be lost, never where none would."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QMessageBox

from app.jobs.job import KEPT, LOST
from app.views.shell.closing import GO_ON, STOP
from tests.app.real import WAIT, press


def run(window, title, loss):
    """A job that goes on until it is stopped."""
    return window.runner.start(
        title, lambda context: context.cancel._event.wait(20), lane="long", loss=loss
    )


def asked(qtbot, window) -> QMessageBox:
    window.close()
    box = window._question
    qtbot.waitUntil(box.isVisible, timeout=WAIT)
    assert window.isVisible()
    return box


def button(box, words):
    return next(found for found in box.buttons() if found.text() == words)


def test_what_is_lost_is_said_and_enter_keeps_it_running(qtbot, make_window):
    window = make_window()
    job = run(window, "Adapting to demo", KEPT)
    box = asked(qtbot, window)
    assert box.text() == "Adapting to demo is running. Stop it and close?"
    assert box.informativeText() == KEPT
    assert box.defaultButton().text() == GO_ON
    QTest.keyClick(box, Qt.Key_Return)
    qtbot.waitUntil(lambda: not box.isVisible(), timeout=WAIT)
    assert window.isVisible()
    assert not job.cancel_token.cancelled
    box = asked(qtbot, window)  # again, as it still runs
    QTest.keyClick(box, Qt.Key_Escape)
    assert window.isVisible()
    box = asked(qtbot, window)
    QTest.mouseClick(button(box, STOP), Qt.LeftButton)
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT)
    assert job.cancel_token.cancelled


def test_several_jobs_are_asked_about_in_one_question(qtbot, make_window):
    window = make_window()
    run(window, "Adapting to demo", KEPT)
    run(window, "Evaluating duke", LOST)
    box = asked(qtbot, window)
    assert box.text() == "Adapting to demo, Evaluating duke are running. Stop them and close?"
    assert box.informativeText() == f"{KEPT} {LOST}"
    window.close()  # the second time is an answer
    assert not window.isVisible()
    assert not box.isVisible()


def test_nothing_is_asked_where_nothing_is_lost(qtbot, make_window):
    window = make_window()
    run(window, "Feature maps of demo", "")
    window.close()
    assert not window.isVisible()


@pytest.mark.parametrize(
    ("keys", "loses"), [((Qt.Key_E, Qt.ControlModifier | Qt.ShiftModifier), True), (None, False)]
)
def test_a_measurement_is_asked_about_where_it_was_wanted(qtbot, window, keys, loses):
    if keys is None:
        window.controller.measure(unasked=True)
    else:
        press(window, keys[0], modifiers=keys[1])
    losses = [job.loss for job in window.runner.jobs if job.title.startswith("Measuring")]
    assert losses == [LOST if loses else ""]
