"""Jobs and errors at the bottom of the window; nothing that goes wrong ends the program."""

from __future__ import annotations

import faulthandler
import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QGuiApplication
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QMainWindow, QPushButton

from app.state.values import Problem
from app.views.shell.crash import CrashWatch
from app.views.shell.problems import ProblemLog, ProblemsPanel, ProblemStrip, install_excepthook
from app.views.widgets.job_strip import JobList, JobStrip, clock, progress_words
from app.views.widgets.labels import ElidedLabel
from qaconv_core.progress import Progress, Tracker

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (41, "0:41"), (60.4, "1:00"), (3723, "1:02:03")]
)
def test_times_are_written_as_on_a_clock(seconds, words):
    assert clock(seconds) == words


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (None, ""),
        (Progress("x", 0, 10), ""),
        (Progress("x", 5, 10, rate=212.4, eta=41), "212 pictures/s · 0:41 left"),
        (Progress("x", 5, 10, "pairs", rate=212_400.0, eta=4), "212 pairs/ms · 0:04 left"),
        (Progress("x", 5, None, "steps", rate=0.52), "0.5 steps/s"),
        (Progress("x", 10, 10, "steps", rate=5.0, eta=0), "5.0 steps/s"),
    ],
)
def test_progress_in_words(progress, words):
    assert progress_words(progress) == words


def endless(context):
    tracker = Tracker("features", 1000, callback=context.progress, cancel=context.cancel)
    tracker.advance(250)
    while True:
        context.cancel.raise_if_cancelled()


def test_a_job_is_shown_with_its_progress_and_cancelled_by_its_button(qtbot, runner):
    strip = JobStrip(runner)
    qtbot.addWidget(strip)
    strip.show()
    job = runner.start("Evaluating duke", endless)
    (row,) = strip.rows.values()
    assert row.isVisible()
    qtbot.waitUntil(lambda: row.bar.value() == 250)
    assert row.title.text() == "Evaluating duke"
    assert row.words.text().startswith("25 %")
    waiting = runner.start("Next", lambda _context: None)
    assert "waits" in strip.rows[waiting.serial].words.text()
    QTest.mouseClick(row.cancel, Qt.LeftButton)
    assert "stops" in row.words.text()
    assert not row.cancel.isEnabled()
    with qtbot.waitSignal(job.ended, timeout=5000):
        pass
    qtbot.waitUntil(lambda: strip.rows == {})


def test_only_some_jobs_are_in_sight_the_others_are_counted(qtbot, runner):
    strip = JobStrip(runner)
    qtbot.addWidget(strip)
    strip.show()
    for number in range(5):
        runner.start(f"Job {number}", endless)
    assert [row.isVisible() for row in strip.rows.values()] == [True, False, False, False, False]
    assert strip.more.text() == "+ 4 more"
    assert "Job 4" in strip.more.toolTip()
    runner.cancel_all()
    qtbot.waitUntil(lambda: strip.rows == {}, timeout=5000)
    assert not strip.more.isVisible()


def test_the_dock_lists_all_jobs_and_each_can_be_cancelled(qtbot, runner):
    panel = ProblemsPanel(ProblemLog(), None, runner)
    qtbot.addWidget(panel)
    panel.show()
    jobs = [runner.start(f"Job {number}", endless) for number in range(3)]
    (listed,) = panel.findChildren(JobList)
    qtbot.waitUntil(lambda: all(row.isVisible() for row in listed.rows.values()))
    assert len(listed.rows) == 3
    for job in jobs:
        QTest.mouseClick(listed.rows[job.serial].cancel, Qt.LeftButton)
    qtbot.waitUntil(lambda: listed.rows == {}, timeout=5000)
    assert not listed.isVisible()
    assert [job.state.value for job in jobs] == ["cancelled"] * 3


def test_a_long_problem_is_cut_with_an_ellipsis_and_told_in_full(qtbot):
    label = ElidedLabel("a sentence that is much too long for so little room")
    qtbot.addWidget(label)
    label.resize(80, 20)
    short = label.grab().toImage()
    label.setText(label.fontMetrics().elidedText(label.text(), Qt.ElideRight, 80))
    assert label.text().endswith("…")
    assert label.grab().toImage() == short


def test_quiet_jobs_are_not_shown(qtbot, runner):
    strip = JobStrip(runner)
    qtbot.addWidget(strip)
    job = runner.start("Ranking", lambda _context: 1, quiet=True)
    assert strip.rows == {}
    qtbot.waitSignal(job.ended, timeout=5000).wait()


@pytest.fixture
def window(qtbot):
    """A window with the list of problems as a dock, and the strip."""
    window = QMainWindow()
    log = ProblemLog(window)
    window.panel = ProblemsPanel(log)
    window.strip = ProblemStrip(log)
    window.log = log
    window.addDockWidget(Qt.BottomDockWidgetArea, window.panel)
    window.statusBar().addWidget(window.strip, 1)
    window.panel.hide()
    window.strip.opened.connect(window.panel.show)
    qtbot.addWidget(window)
    window.resize(800, 500)
    window.show()
    return window


FIRST = Problem("x.pth: is not a checkpoint", "Traceback: first", "Loading x.pth")
SECOND = Problem("there is not enough memory", "Traceback: second", "Evaluating duke")


def test_a_problem_is_one_line_until_it_was_looked_at(window):
    assert not window.strip.isVisible()
    window.log.add(FIRST)
    assert window.strip.isVisible()
    assert window.strip.text.text() == "x.pth: is not a checkpoint"
    window.log.add(SECOND)
    assert window.strip.text.text() == "Evaluating duke: there is not enough memory"
    QTest.mouseClick(window.strip.show_all, Qt.LeftButton)
    assert window.panel.isVisible()
    assert not window.strip.isVisible()
    assert [card.problem for card in window.panel.cards] == [SECOND, FIRST]


def test_details_fold_out_and_are_copied(window):
    window.log.add(FIRST)
    window.panel.show()
    (card,) = window.panel.cards
    assert not card.details.isVisible()
    QTest.mouseClick(card.fold, Qt.LeftButton)
    assert card.details.isVisible()
    assert card.details.toPlainText() == FIRST.details
    QTest.mouseClick(card.copy, Qt.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert FIRST.message in copied
    assert FIRST.details in copied


def test_problems_are_dismissed(window):
    window.log.add(FIRST)
    window.log.add(SECOND)
    QTest.mouseClick(window.strip.dismiss, Qt.LeftButton)
    assert not window.strip.isVisible()
    window.panel.show()
    assert [card.problem for card in window.panel.cards] == [FIRST]
    QTest.mouseClick(window.panel.cards[0].dismiss, Qt.LeftButton)
    assert window.panel.cards == []
    assert window.panel.nothing.isVisible()


def test_the_same_problem_is_listed_once_and_old_ones_go(window):
    for _ in range(3):
        window.log.add(FIRST)
    assert window.log.problems == [FIRST]
    for number in range(80):
        window.log.add(Problem(f"{number}"))
    assert len(window.panel.cards) == 50
    assert window.log.problems[-1].message == "79"


@pytest.fixture
def shown(qapp):
    """Problems that the hooks told."""
    told: list[Problem] = []
    hooks = install_excepthook(told.append)
    yield told
    hooks.remove()


def test_an_exception_in_a_slot_is_a_problem(qtbot, shown, capsys):
    button = QPushButton("press")
    qtbot.addWidget(button)
    button.clicked.connect(lambda: {}["missing"])
    button.show()
    QTest.mouseClick(button, Qt.LeftButton)
    qtbot.waitUntil(lambda: len(shown) == 1)
    assert "KeyError" in shown[0].message
    assert "test_problems.py" in shown[0].details
    assert "KeyError" in capsys.readouterr().err


def test_an_exception_in_a_thread_is_a_problem_in_the_windows_thread(qtbot, shown, capsys):
    thread = threading.Thread(target=lambda: 1 / 0, name="reader")
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(shown) == 1)
    assert "ZeroDivisionError" in shown[0].message
    assert shown[0].what == "reader"
    capsys.readouterr()


class Broken:
    """Fails when it is thrown away."""

    def __del__(self):
        raise ValueError("in a destructor")


def test_an_exception_that_cannot_be_raised_is_a_problem(qtbot, shown, capsys):
    Broken()
    gc.collect()
    qtbot.waitUntil(lambda: len(shown) == 1)
    assert "in a destructor" in shown[0].message
    capsys.readouterr()


def test_whoever_shows_problems_may_fail(qtbot, caplog, capsys):
    def show(problem):
        raise OSError("the window is broken")

    hooks = install_excepthook(show)
    try:
        QTimer.singleShot(0, lambda: 1 / 0)
        qtbot.waitUntil(lambda: "cannot be shown" in caplog.text)
    finally:
        hooks.remove()
    caplog.clear()
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_hooks_are_given_back(qapp):
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    install_excepthook(print).remove()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_ctrl_c_in_a_slot_ends_the_program():
    code = (
        "from PyQt5.QtWidgets import QApplication; from PyQt5.QtCore import QTimer\n"
        "from app.views.widgets.error_hooks import install_excepthook\n"
        "def stop(): raise KeyboardInterrupt\n"
        "a = QApplication([]); hooks = install_excepthook(print)\n"
        "QTimer.singleShot(0, stop); a.exec_(); print('ended')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert done.stdout == "ended\n", done.stderr


CRASH = (
    "from pathlib import Path; from app.views.shell.crash import CrashWatch; import faulthandler\n"
    "watch = CrashWatch(Path({folder!r})); faulthandler._sigsegv()\n"
)


def test_a_crash_is_told_at_the_next_start_and_only_once(tmp_path):
    was_on = faulthandler.is_enabled()
    code = CRASH.format(folder=str(tmp_path))
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode != 0
    watch = CrashWatch(tmp_path)
    assert watch.previous is not None
    assert "Segmentation fault" in watch.previous.details
    watch.close()
    assert faulthandler.is_enabled() == was_on
    again = CrashWatch(tmp_path)
    assert again.previous is None
    again.close()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_still_goes_on_is_left_alone(tmp_path):
    other = tmp_path / f"crash-{os.getppid()}.txt"
    other.write_text("Fatal Python error")
    (tmp_path / "crash-notes.txt").write_text("somebody's")
    watch = CrashWatch(tmp_path)
    assert watch.previous is None
    watch.close()
    assert {path.name for path in tmp_path.iterdir()} == {other.name, "crash-notes.txt"}
