"""Brightness, contrast and sharpness: on the screen, exactly as said, never in the files."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QColor, QImage, QMouseEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from app.items.adjusted import adjusted, changed
from app.state.session import Session
from app.state.values import Adjustment, Cell, Look
from tests.app.real import WAIT, opened_window, press, settled, tiny_market


def plain(value, size=(6, 7)):
    return np.full((*size, 3), value, dtype=np.uint8)


@pytest.mark.parametrize(
    ("by", "value", "wanted"),
    [
        (Adjustment(brightness=100), 10, 138),
        (Adjustment(brightness=-100), 10, 0),
        (Adjustment(contrast=-100), 10, 128),
        (Adjustment(contrast=100), 120, 98),
        (Adjustment(sharpness=100), 77, 77),
    ],
)
def test_a_flat_picture_becomes_what_is_said(by, value, wanted):
    assert np.unique(changed(plain(value), by)).tolist() == [wanted]


def test_sharpness_strengthens_edges_alone():
    pixels = plain(100)
    pixels[:, 4:] = 140
    sharp = changed(pixels, Adjustment(sharpness=50)).astype(int)
    assert sharp[0, 3, 0] < 100
    assert sharp[0, 4, 0] > 140
    assert sharp[0, 0, 0] == 100


def test_an_image_of_odd_width_keeps_its_places(qapp):
    image = QImage(5, 3, QImage.Format_RGB32)
    image.fill(QColor(10, 20, 30))
    image.setPixelColor(4, 2, QColor(200, 100, 50))
    made = adjusted(image, Adjustment(brightness=10))
    assert made.size() == image.size()
    assert made.pixelColor(4, 2) == QColor(213, 113, 63)
    assert made.pixelColor(0, 0) == QColor(23, 33, 43)
    assert adjusted(image, Adjustment()) is image


def test_it_is_kept_with_the_session_within_its_limits():
    look = Look(adjust=Adjustment(20, -30, 40))
    record = Session(look=look).to_record()
    assert Session.from_record(record).look.adjust == look.adjust
    record["look"]["adjust"] = {"brightness": 1e9, "contrast": "much", "sharpness": -5}
    assert Session.from_record(record).look.adjust == Adjustment(100, 0, 0)


def test_sliders_change_what_is_seen_and_no_file(qtbot, make_window, tmp_path, model):
    window = make_window()
    window.begin(tiny_market(tmp_path), model)
    qtbot.waitUntil(lambda: window.controller.matching is not None, timeout=WAIT)
    settled(qtbot, window)
    space, canvas = window.workspace, window.explore.inspector.canvas
    picture = space.data.query[space.selection.query].path
    digest = hashlib.sha256(picture.read_bytes()).hexdigest()
    qtbot.waitUntil(lambda: canvas.stage.images[0] is not None, timeout=WAIT)
    press(window, Qt.Key_Space)  # without the overlay
    box = canvas.stage.boxes[0]
    place = round(box.x + box.width / 2), round(box.y + box.height / 2)
    before = canvas.grab().toImage().pixelColor(*place)
    press(window, Qt.Key_K)
    popup = window.explore.inspector.adjust
    assert popup.isVisible()
    assert not popup.geometry().intersects(canvas.geometry())  # no picture is covered
    box = canvas.stage.boxes[0]
    place = round(box.x + box.width / 2), round(box.y + box.height / 2)
    QTest.keyClick(popup.sliders["brightness"], Qt.Key_End)
    assert space.look.adjust.brightness == 100
    after = canvas.grab().toImage().pixelColor(*place)
    assert after.red() == min(255, round(before.red() + 127.5))
    QTest.mouseClick(popup.reset, Qt.LeftButton)
    assert space.look.adjust == Adjustment()
    QTest.keyClick(popup.sliders["brightness"], Qt.Key_Escape)
    assert not popup.isVisible()
    assert hashlib.sha256(picture.read_bytes()).hexdigest() == digest


@pytest.fixture
def window(qtbot, make_window, tmp_path, model):
    """The tiny set; the first match is explained, both pictures are read."""
    window = opened_window(qtbot, make_window, tiny_market(tmp_path), model)
    canvas = window.explore.inspector.canvas
    qtbot.waitUntil(lambda: None not in canvas.stage.images, timeout=WAIT)
    return window


def colour(canvas, x, y):
    return canvas.grab().toImage().pixelColor(round(x), round(y)).getRgb()[:3]


def test_the_query_is_swiped_over_the_candidate(qtbot, window):
    canvas = window.explore.inspector.canvas
    press(window, Qt.Key_Space)  # without the overlay
    there = [canvas.stage.boxes[number].at(0.4, 0.4) for number in (0, 1)]
    query, candidate = (colour(canvas, *at) for at in there)
    assert query != candidate
    press(window, Qt.Key_K, modifiers=Qt.ShiftModifier)
    (handle,) = [handle for handle in canvas.handles if handle.isVisible()]
    home = canvas.stage.panes[0].home
    assert home.x == pytest.approx(canvas.stage.panes[1].home.x, abs=home.width)
    at = canvas.stage.boxes[0].at(0.4, 0.4)
    assert colour(canvas, *at) == query  # the line stands in the middle
    wanted = QPoint(round(home.at(0.2, 0)[0]), handle.geometry().center().y())
    QTest.mousePress(handle, Qt.LeftButton, Qt.NoModifier, handle.rect().center())
    drag = QMouseEvent(
        QEvent.MouseMove, QPointF(handle.mapFromParent(wanted)), Qt.LeftButton, Qt.LeftButton,
        Qt.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(handle, drag)
    QTest.mouseRelease(handle, Qt.LeftButton)
    assert canvas.swipe_at == pytest.approx(0.2, abs=0.02)
    assert window.workspace.selection.cell is None  # nothing was pinned
    assert colour(canvas, *at) == candidate
    for _ in range(6):
        press(window, Qt.Key_Period)
    assert canvas.swipe_at == pytest.approx(0.5, abs=0.02)
    handle.setFocus()
    before = window.workspace.selection
    QTest.keyClick(handle, Qt.Key_Left)
    assert canvas.swipe_at == pytest.approx(0.45, abs=0.02)
    assert window.workspace.selection == before  # the arrow was the line's
    press(window, Qt.Key_Escape)
    assert not canvas.swiping
    assert not handle.isVisible()


def test_escape_ends_what_was_begun_last(qtbot, window):
    inspector, space = window.explore.inspector, window.workspace
    bright = inspector.adjust.sliders["brightness"]

    def going_on():
        return inspector.adjust.isVisible(), inspector.canvas.swiping

    press(window, Qt.Key_K)
    press(window, Qt.Key_K, modifiers=Qt.ShiftModifier)
    QTest.keyClick(bright, Qt.Key_Escape)
    assert going_on() == (True, False), "swiping was begun in the open row"
    QTest.keyClick(bright, Qt.Key_Escape)
    assert going_on() == (False, False)
    press(window, Qt.Key_K, modifiers=Qt.ShiftModifier)
    press(window, Qt.Key_K)
    space.pin(Cell("query", 4))
    press(window, Qt.Key_Escape)
    assert (space.selection.cell, going_on()) == (None, (True, True))
    inspector.canvas.setFocus()
    press(window, Qt.Key_Escape)
    assert going_on() == (False, True), "the row was opened over the line"
    press(window, Qt.Key_Escape)
    assert going_on() == (False, False)


def test_a_cell_is_shown_on_what_is_seen_of_both(qtbot, window):
    canvas = window.explore.inspector.canvas
    press(window, Qt.Key_3)
    press(window, Qt.Key_K, modifiers=Qt.ShiftModifier)
    for share, side in ((0.1, "query"), (0.9, "gallery")):
        at = QPointF(*canvas.stage.boxes[0].at(share, 0.5))
        key, cell = canvas.cell_under(at)
        assert (key, cell.side) == ((side, 0), side)


def test_the_original_is_swiped_over_the_adjusted(qtbot, window):
    inspector, space = window.explore.inspector, window.workspace
    canvas = inspector.canvas
    press(window, Qt.Key_Space)
    press(window, Qt.Key_K)
    left, right = (canvas.stage.boxes[0].at(share, 0.4) for share in (0.3, 0.7))
    plain = [colour(canvas, *at) for at in (left, right)]
    QTest.keyClick(inspector.adjust.sliders["brightness"], Qt.Key_End)
    QTest.mouseClick(inspector.adjust.swipe, Qt.LeftButton)
    assert space.look.swipe == "original"
    assert len([handle for handle in canvas.handles if handle.isVisible()]) == 2
    assert colour(canvas, *left) == plain[0]
    brighter = [min(255.0, value + 127.5) for value in plain[1]]
    assert colour(canvas, *right) == pytest.approx(brighter, abs=1)
    QTest.mouseClick(inspector.adjust.reset, Qt.LeftButton)
    assert not canvas.swiping  # there is nothing to compare
