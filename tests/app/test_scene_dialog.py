"""Scenes in the window: people are found, boxes corrected by mouse and keys, and searched for."""

from __future__ import annotations

import shutil

import pytest
from PIL import Image
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QMouseEvent, QWheelEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from app.views.dialogs.scene_dialog import SceneDialog
from qaconv_core.data import open_folder
from qaconv_core.data.weights import DETECTORS, find_weights
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.measures import count_boxes
from tests.app.controls import words_of
from tests.app.real import WAIT, drop, open_and_wait, press, settled, tiny_market
from tests.e2e.test_detect import SCENE, TRUE


@pytest.fixture
def street(tmp_path):
    path = tmp_path / "street.jpg"
    shutil.copy(SCENE, path)
    return path


@pytest.fixture
def dialog(qtbot, runner):
    made = SceneDialog(runner)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


@pytest.fixture
def drawn(qtbot, dialog, street, monkeypatch):
    """A scene on which nobody was found, so that boxes are those that a person draws."""
    monkeypatch.setattr("app.jobs.scenes._finder", Nobody)
    dialog.open_scenes([street])
    qtbot.waitUntil(lambda: shown(dialog), timeout=WAIT)
    return dialog


class Nobody:
    """A detector that finds nobody; another one finds one person."""

    def __init__(self, name):
        self.name = name

    def find(self, _picture, _options, context):
        return [] if self.name == "bundled" else [PersonBox(300.0, 40.0, 60.0, 150.0, 0.9)]


def shown(dialog):
    """The picture is on the screen, and all scenes were looked at."""
    canvas = dialog.canvas
    there = canvas.scene is not None and canvas.scene.size is not None and canvas._image is not None
    return there and all(scene.found in ("found", "failed") for scene in dialog.scenes)


def at(dialog, x, y):
    return dialog.canvas.on_screen(x, y).toPoint()


def drag(dialog, start, end, button=Qt.LeftButton):
    canvas = dialog.canvas
    start, end = at(dialog, *start), at(dialog, *end)
    QTest.mousePress(canvas, button, Qt.NoModifier, start)
    for step in (0.3, 0.7, 1.0):
        there = QPointF(start + (end - start) * step)
        move = QMouseEvent(QEvent.MouseMove, there, Qt.NoButton, button, Qt.NoModifier)
        QApplication.sendEvent(canvas, move)
    QTest.mouseRelease(canvas, button, Qt.NoModifier, end)


def to_front(qtbot, window):
    window.activateWindow()
    window.explore.queries.list.setFocus()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)


def corners(box):
    return [round(side) for side in box.corners]


def near(box, left, top, right, bottom, by=3):
    wanted = (left, top, right, bottom)
    return all(abs(a - b) <= by for a, b in zip(box.corners, wanted, strict=True))


def test_people_are_found_and_one_of_them_is_cut_out(qtbot, dialog, street):
    heard = []
    dialog.queries_wanted.connect(heard.append)
    dialog.open_scenes([street])
    qtbot.waitUntil(lambda: shown(dialog), timeout=WAIT)
    scene = dialog.scenes[0]
    true = [PersonBox(*map(float, box)) for box in TRUE]
    assert count_boxes(list(scene.boxes), true).right >= 7
    assert words_of(dialog.search) == f"Search for {len(scene.boxes)} people"
    x, y, w, h = TRUE[2]
    QTest.mouseClick(dialog.canvas, Qt.LeftButton, Qt.NoModifier, at(dialog, x + w / 2, y + h / 2))
    assert words_of(dialog.search) == "Search for 1 person"
    box = scene.boxes[scene.current]
    QTest.keyClick(dialog.canvas, Qt.Key_Return)
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT)
    ((crop,),) = heard
    size = Image.open(crop).size
    assert abs(size[1] - 1.06 * box.h) < 4
    assert not dialog.isVisible()


def test_a_box_is_drawn_moved_and_resized_by_mouse(drawn):
    scene = drawn.scenes[0]
    assert "Nobody was found" in drawn.message.text()
    drag(drawn, (100, 100), (160, 240))
    assert near(scene.boxes[0], 100, 100, 160, 240)
    drag(drawn, (130, 170), (150, 190))
    assert near(scene.boxes[0], 120, 120, 180, 260)
    drag(drawn, (180, 190), (220, 190))  # its right edge
    assert near(scene.boxes[0], 120, 120, 220, 260)
    drag(drawn, (120, 120), (90, 80))  # its upper left corner
    assert near(scene.boxes[0], 90, 80, 220, 260)
    drag(drawn, (300, 300), (340, 380))
    assert len(scene.boxes) == 2
    assert scene.chosen == {1}
    QTest.mouseClick(drawn.canvas, Qt.LeftButton, Qt.ControlModifier, at(drawn, 150, 150))
    assert scene.chosen == {0, 1}
    QTest.mouseClick(drawn.canvas, Qt.LeftButton, Qt.NoModifier, at(drawn, 500, 40))
    assert scene.chosen == frozenset()
    QTest.mouseClick(drawn.canvas, Qt.LeftButton, Qt.NoModifier, at(drawn, 320, 340))
    QTest.mouseClick(drawn.delete, Qt.LeftButton)
    assert len(scene.boxes) == 1
    QTest.mouseClick(drawn.undo, Qt.LeftButton)
    assert len(scene.boxes) == 2


def test_all_that_the_mouse_does_keys_do(drawn):
    scene, canvas = drawn.scenes[0], drawn.canvas
    QTest.keyClick(canvas, Qt.Key_Insert)
    first = scene.boxes[0]
    QTest.keyClick(canvas, Qt.Key_Right)
    QTest.keyClick(canvas, Qt.Key_Down, Qt.ShiftModifier)
    assert (scene.boxes[0].x, scene.boxes[0].y) == (first.x + 1, first.y + 10)
    QTest.keyClick(canvas, Qt.Key_Right, Qt.ControlModifier | Qt.ShiftModifier)
    QTest.keyClick(canvas, Qt.Key_Up, Qt.AltModifier)
    assert scene.boxes[0].w == first.w + 10
    assert scene.boxes[0].h == first.h + 1
    QTest.keyClick(canvas, Qt.Key_B)
    for _ in range(12):
        QTest.keyClick(canvas, Qt.Key_Left, Qt.ShiftModifier)
    assert scene.current == 1
    QTest.keyClick(canvas, Qt.Key_N)
    assert scene.current == 0
    QTest.keyClick(canvas, Qt.Key_N, Qt.ShiftModifier)
    assert scene.current == 1
    QTest.keyClick(canvas, Qt.Key_A, Qt.ControlModifier)
    assert scene.chosen == {0, 1}
    QTest.keyClick(canvas, Qt.Key_Delete)
    assert scene.boxes == ()
    QTest.keyClick(canvas, Qt.Key_Z, Qt.ControlModifier)
    assert len(scene.boxes) == 2
    QTest.keyClick(canvas, Qt.Key_Z, Qt.ControlModifier | Qt.ShiftModifier)
    assert scene.boxes == ()
    QTest.keyClick(canvas, Qt.Key_Z, Qt.ControlModifier)
    QTest.keyClick(canvas, Qt.Key_Escape)
    assert scene.chosen == frozenset()
    assert drawn.isVisible()
    QTest.keyClick(canvas, Qt.Key_Escape)
    assert not drawn.isVisible()


def test_a_box_stays_inside_the_scene(drawn):
    scene, canvas = drawn.scenes[0], drawn.canvas
    drag(drawn, (600, 400), (2000, 2000))
    width, height = scene.size
    assert corners(scene.boxes[0])[2:] == [width, height]
    for _ in range(90):
        QTest.keyClick(canvas, Qt.Key_Left, Qt.ShiftModifier)
    assert scene.boxes[0].x == 0
    drag(drawn, (400, 100), (415, 200))  # too narrow to be a person
    assert len(scene.boxes) == 1
    assert "16 × 32 pixels of the scene are the least" in drawn.message.text()
    drag(drawn, (400, 100), (417, 133))
    assert len(scene.boxes) == 2


def test_another_detector_looks_again_and_leaves_what_was_drawn(qtbot, drawn, monkeypatch):
    scene, box = drawn.scenes[0], drawn.detector
    drag(drawn, (100, 100), (160, 240))
    entries = [box.model().item(row) for row in range(box.count())]
    assert entries[0].isEnabled()
    there = [find_weights(weights) is not None for weights in DETECTORS]
    assert [entry.isEnabled() for entry in entries[1:]] == there
    box.setCurrentIndex(1)  # as if its weights were here
    qtbot.waitUntil(lambda: len(scene.boxes) == 2 and shown(drawn), timeout=WAIT)
    assert corners(scene.boxes[0]) == [300, 40, 360, 190]
    assert near(scene.boxes[1], 100, 100, 160, 240)
    box.setCurrentIndex(0)
    qtbot.waitUntil(lambda: len(scene.boxes) == 1 and shown(drawn), timeout=WAIT)
    assert near(scene.boxes[0], 100, 100, 160, 240)
    heard = []
    drawn.help_wanted.connect(heard.append)
    drawn.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is drawn)
    QTest.keyClick(drawn.canvas, Qt.Key_F1, Qt.ShiftModifier)
    assert heard == ["help.scenes"]


def test_zoom_and_pan(drawn):
    canvas = drawn.canvas
    before = canvas.on_screen(100, 100)
    wheel = QWheelEvent(before, canvas.mapToGlobal(before.toPoint()), QPoint(), QPoint(0, 240),
                        Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(canvas, wheel)
    assert canvas.zoom.factor == pytest.approx(1.25**2)
    assert (canvas.on_screen(100, 100) - before).manhattanLength() < 2  # stays under the pointer
    drag(drawn, (150, 150), (170, 160), Qt.MiddleButton)
    assert (canvas.on_screen(100, 100) - before).manhattanLength() > 10
    assert drawn.scenes[0].boxes == ()
    drag(drawn, (100, 100), (150, 200))  # boxes are where the zoomed picture shows them
    assert near(drawn.scenes[0].boxes[0], 100, 100, 150, 200)
    drag(drawn, (20, 20), (50, 80))
    for _ in range(6):
        QTest.keyClick(canvas, Qt.Key_Plus)
    QTest.keyClick(canvas, Qt.Key_N)  # what the keys choose is brought into view
    first = drawn.scenes[0].boxes[drawn.scenes[0].current]
    assert canvas.rect().contains(at(drawn, first.x + first.w / 2, first.y + first.h / 2))
    QTest.keyClick(canvas, Qt.Key_0)
    assert canvas.zoom.factor == 1
    QTest.mouseClick(drawn.zoom_in, Qt.LeftButton)
    assert canvas.zoom.factor == 1.25


def test_several_scenes_become_one_gallery(qtbot, dialog, street, tmp_path, monkeypatch):
    monkeypatch.setattr("app.jobs.scenes._finder", Nobody)
    other = tmp_path / "yard.png"
    Image.open(street).rotate(180).save(other)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    heard = []
    dialog.gallery_wanted.connect(heard.append)
    dialog.open_scenes([street, other, street, broken])
    qtbot.waitUntil(lambda: shown(dialog), timeout=WAIT)
    assert [dialog.list.item(row).text().split("\n")[1] for row in range(3)] == [
        "0 people", "0 people", "cannot be read",
    ]  # fmt: skip
    assert "broken.jpg" in dialog.message.text()
    drag(dialog, (100, 100), (160, 240))
    QTest.keyClick(dialog.canvas, Qt.Key_PageDown)
    qtbot.waitUntil(lambda: shown(dialog), timeout=WAIT)
    assert dialog.canvas.scene is dialog.scenes[1]
    drag(dialog, (300, 100), (360, 240))
    drag(dialog, (400, 100), (460, 240))
    QTest.keyClick(dialog.canvas, Qt.Key_Escape)
    assert (
        words_of(dialog.search) == "Search for 1 person"
    )  # the one still chosen on the first scene
    dialog.list.setCurrentRow(0)
    qtbot.waitUntil(lambda: shown(dialog), timeout=WAIT)
    QTest.keyClick(dialog.canvas, Qt.Key_Escape)
    assert words_of(dialog.gallery) == "Open 3 people as gallery"
    QTest.mouseClick(dialog.gallery, Qt.LeftButton)
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT)
    data = open_folder(heard[0].root, split=False)
    assert len(data.gallery) == 3


def test_pictures_may_be_searched_as_they_are(qtbot, dialog, street, monkeypatch):
    monkeypatch.setattr("app.jobs.scenes._finder", Nobody)
    heard = []
    dialog.whole_wanted.connect(heard.append)
    dialog.open_scenes([street])
    QTest.mouseClick(dialog.whole, Qt.LeftButton)
    assert heard == [[street]]


def test_a_dropped_scene_gives_a_query_that_leads_back_to_it(
    qtbot, make_window, model, tmp_path, street
):
    window = make_window()
    open_and_wait(qtbot, window.controller, tiny_market(tmp_path), model)
    before = len(window.workspace.data.query)
    press(window, Qt.Key_Z)
    assert "scenes" not in window.dialogs._open  # this set has no scenes
    drop(window, street)
    qtbot.waitUntil(lambda: "scenes" in window.dialogs._open, timeout=WAIT)
    dialog = window.dialogs._open["scenes"]
    qtbot.waitUntil(lambda: shown(dialog), timeout=WAIT)
    QTest.keyClick(dialog.canvas, Qt.Key_N)
    wanted = dialog.scenes[0].picked()[0]
    QTest.keyClick(dialog.canvas, Qt.Key_Return)
    qtbot.waitUntil(lambda: len(window.workspace.data.query) == before + 1, timeout=WAIT)
    settled(qtbot, window)
    assert window.workspace.selection.query == before
    to_front(qtbot, window)
    press(window, Qt.Key_Z, modifiers=Qt.ShiftModifier)
    qtbot.waitUntil(lambda: "scenes" in window.dialogs._open, timeout=WAIT)
    dialog = window.dialogs._open["scenes"]
    qtbot.waitUntil(lambda: bool(dialog.scenes) and shown(dialog), timeout=WAIT)
    assert dialog.scene.path == street
    assert corners(dialog.scene.picked()[0]) == corners(wanted)
    street.unlink()
    dialog.close()
    to_front(qtbot, window)
    press(window, Qt.Key_Z, modifiers=Qt.ShiftModifier)
    qtbot.waitUntil(lambda: bool(window.problems.problems), timeout=WAIT)
    assert "is not there any more" in window.problems.problems[-1].message
