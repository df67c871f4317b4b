"""The real engine on a tiny set, for tests of the whole: pictures, checkpoint, controller."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path

from PyQt5.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from app.jobs.controller import Controller
from app.jobs.engine import DataRequest, ModelRequest
from app.views.dialogs.import_dialog import ImportDialog
from app.views.dialogs.open_data import OpenDataDialog
from tests.checkpoints import write_checkpoint
from tests.small_world import small_checkpoint, write_market

WAIT = 20_000
"""Milliseconds that a test waits at most."""


def tiny_market(folder: Path) -> DataRequest:
    """Five people, three cameras: 5 queries, 26 gallery pictures."""
    return DataRequest("market", write_market(folder / "data"))


def tiny_model(folder: Path) -> ModelRequest:
    """ResNet-18 to layer4 with random weights: slow to learn, quick to run."""
    path = folder / "model" / "checkpoint.pth.tar"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_checkpoint(path, small_checkpoint())
    return ModelRequest(str(path), "cpu")


def open_and_wait(qtbot, controller: Controller, data: DataRequest, model: ModelRequest) -> None:
    """Open both and wait until the first match is explained."""
    with qtbot.waitSignal(controller.settled, timeout=WAIT):
        controller.open(data, model)


@contextmanager
def all_maps(controller: Controller):
    """Wait until all maps of what is opened within are there."""
    seen: list[object] = []

    def note() -> None:
        if controller.matching is not None:
            seen.append(controller.matching)

    controller.sources.changed.connect(note)
    yield
    end = time.monotonic() + WAIT / 1000
    while not seen and time.monotonic() < end:
        QTest.qWait(10)
    controller.sources.changed.disconnect(note)
    assert seen, "the maps were not computed in time"


def opened_window(qtbot, make_window, data, model):
    """A window on a set whose maps are all there and whose first match is explained."""
    window = make_window()
    window.begin(data, model)
    qtbot.waitUntil(lambda: window.controller.matching is not None, timeout=WAIT)
    settled(qtbot, window)
    return window


def settled(qtbot, window):
    """Wait until what is chosen is what is shown."""

    def is_settled() -> bool:
        space = window.workspace
        chosen, pair = space.selection, space.pair
        return (
            pair is not None
            and not space.pair_stale
            and not space.ranking_stale
            and (pair.query, pair.candidate) == (chosen.query, chosen.candidate)
        )

    qtbot.waitUntil(is_settled, timeout=WAIT)


def press(window, *keys, modifiers=Qt.NoModifier):
    """Press keys, as a person does, where the focus is."""
    for key in keys:
        QTest.keyClick(QApplication.focusWidget() or window, key, modifiers)


def url_of(path: Path) -> QUrl:
    """A file as it lies on the clipboard or is dragged."""
    return QUrl.fromLocalFile(str(path))


def drop(window, *paths: Path) -> None:
    """Drag files over the window and let them go."""
    mime = QMimeData()
    mime.setUrls([url_of(path) for path in paths])
    point = window.rect().center()
    enter = QDragEnterEvent(point, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    enter.ignore()
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    event = QDropEvent(QPointF(point), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(window, event)
    assert event.isAccepted()


def drop_and_describe(qtbot, window, folder: Path) -> OpenDataDialog:
    """Drop a folder of one's own, take it as it is understood, and return the report on it."""
    drop(window, folder)
    qtbot.waitUntil(lambda: window.findChild(ImportDialog) is not None, timeout=WAIT)
    described = window.findChild(ImportDialog)
    qtbot.waitUntil(described.save.isEnabled, timeout=WAIT)
    QTest.mouseClick(described.save, Qt.LeftButton)
    qtbot.waitUntil(lambda: window.findChild(OpenDataDialog) is not None, timeout=WAIT)
    return window.findChild(OpenDataDialog)
