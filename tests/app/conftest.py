"""Tests of the window: driven by keys and mouse, and nothing outlives them."""

from __future__ import annotations

import gc
import logging
import threading
import time

import pytest
from PyQt5.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PyQt5.QtWidgets import QApplication

from app.jobs.images import ImageLoader
from app.jobs.runner import JobRunner
from app.state.settings import SettingsFile
from app.views.shell.main_window import MainWindow
from app.views.widgets.theme import Theme
from tests.app.real import opened_window, tiny_market, tiny_model
from tests.app.samples import sample_workspace


def settle() -> None:
    """Deliver what is queued, deletions included."""
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)
        QCoreApplication.processEvents()


def running_timers(root: QObject) -> list[QTimer]:
    return [timer for timer in root.findChildren(QTimer) if timer.isActive()]


@pytest.fixture(autouse=True)
def nothing_left_behind(qapp, request):
    """Fails a test after which a widget, a thread or a running timer is still there."""
    gc.collect()
    # What lives on now is not looked at again: with torch loaded each collection takes a second.
    # Not at the end of a test: pytest holds its window until then, which would never be freed.
    gc.freeze()
    before = set(threading.enumerate())
    yield
    settle()
    gc.collect()
    settle()
    left = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    assert not left, f"still shown: {left}"
    end = time.monotonic() + 5
    while (more := _ours(set(threading.enumerate()) - before)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not more, f"threads still running: {[thread.name for thread in more]}"
    assert not running_timers(qapp), "timers of the application still running"


def _ours(threads: set[threading.Thread]) -> list[threading.Thread]:
    return [t for t in threads if t.name.startswith("qaconv")]


@pytest.fixture(autouse=True)
def silence(caplog):
    """An unexpected warning in the log fails a test; ``caplog.clear()`` after expected ones."""
    yield
    loud = [r for r in caplog.get_records("call") if r.levelno >= logging.WARNING]
    assert not loud, [record.getMessage() for record in loud]


@pytest.fixture
def space(tmp_path):
    """A workspace as after a first start, made up."""
    return sample_workspace(tmp_path / "set")


@pytest.fixture
def pictures(qapp):
    """A loader of whole pictures that is closed after the test."""
    made = ImageLoader(None)
    yield made
    made.close()


@pytest.fixture
def runner(qapp):
    """A job runner that is closed after the test."""
    made = JobRunner()
    yield made
    made.close()
    settle()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The file of a tiny model, and how to load it."""
    return tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def make_window(qtbot, qapp):
    """Makes a window as the program does; closed at the end like by its user."""
    made = []

    def make() -> MainWindow:
        window = MainWindow(SettingsFile(), Theme(qapp))
        window.controller.measure_unasked = False
        made.append(window)
        qtbot.addWidget(window)
        window.resize(1280, 800)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
        return window

    yield make
    for window in made:
        window.close()
        window.close()  # where it asked whether to stop a job: yes


@pytest.fixture
def window(qtbot, make_window, tmp_path, model):
    """The tiny set is open, its maps are there and its first match is explained."""
    return opened_window(qtbot, make_window, tiny_market(tmp_path), model)
