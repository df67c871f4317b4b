"""Brightness, contrast and sharpness: on the screen, exactly as said, never in the files."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QImage
from PyQt5.QtTest import QTest

from app.items.adjusted import adjusted, changed
from app.state.session import Session
from app.state.values import Adjustment, Look
from tests.app.real import WAIT, press, settled, tiny_market


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
    popup = window.explore.inspector.tools.popup
    assert popup.isVisible()
    QTest.keyClick(popup.sliders["brightness"], Qt.Key_End)
    assert space.look.adjust.brightness == 100
    after = canvas.grab().toImage().pixelColor(*place)
    assert after.red() == min(255, round(before.red() + 127.5))
    QTest.mouseClick(popup.reset, Qt.LeftButton)
    assert space.look.adjust == Adjustment()
    QTest.keyClick(popup, Qt.Key_Escape)
    assert not popup.isVisible()
    assert hashlib.sha256(picture.read_bytes()).hexdigest() == digest
