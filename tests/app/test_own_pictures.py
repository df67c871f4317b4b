"""README's “Your own pictures in five minutes” in the window: from a drop to a line."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from app.views.dialogs.import_dialog import ImportDialog
from app.views.dialogs.open_data import OpenDataDialog
from tests.app.lists import click
from tests.app.real import WAIT, all_maps, drop, drop_and_describe, press, settled
from tests.small_world import person


@pytest.fixture
def shop(tmp_path):
    """Crops by camera; names say nothing of persons."""
    for number in range(3):
        for camera, shots in (("entrance", 2), ("yard", 2)):
            for shot in range(shots):
                path = tmp_path / "shop" / camera / f"frame_{900 * number + shot:06}_{shot}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                person(number, 10 * len(camera) + shot).save(path)
    return tmp_path / "shop"


def assign(qtbot, window, number):
    """Choose the pictures of a person by Ctrl and the mouse, and make them one by Ctrl+N."""
    page = window.gallery
    rows = [
        row for row in range(page.model.rowCount())
        if int(page.model.path_at(row).name.split("_")[1]) // 900 == number
    ]  # fmt: skip
    assert len(rows) == 4
    for place, row in enumerate(rows):
        click(page.grid, page.model.index(row), Qt.ControlModifier if place else Qt.NoModifier)
    press(window, Qt.Key_N, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)


def test_from_a_dropped_folder_to_a_line_above_the_ranking(
    qtbot, make_window, shop, own_folders, model
):
    window = make_window()
    window.controller.open_model(model)
    report = drop_and_describe(qtbot, window, shop)
    qtbot.waitUntil(report.open_button.isEnabled, timeout=WAIT)
    assert (shop / "qaconv.toml").is_file()
    with all_maps(window.controller):
        QTest.mouseClick(report.open_button, Qt.LeftButton)
        qtbot.waitUntil(lambda: window.workspace.data is not None, timeout=WAIT)
    window.activateWindow()  # without a window manager it does not become active by itself
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=WAIT)
    press(window, Qt.Key_5, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: window.gallery.count.text() == "12 pictures", timeout=WAIT)
    for number in range(3):
        assign(qtbot, window, number)
    people = [(one.name, one.pictures) for one in window.gallery.gallery.people]
    assert people == [(f"person {number}", 4) for number in (1, 2, 3)]
    page = window.gallery
    click(page.grid, page.model.index(0))
    press(window, Qt.Key_Q)  # search by this picture
    space, header = window.workspace, window.explore.results.header
    qtbot.waitUntil(lambda: bool(space.selection.queries), timeout=WAIT)
    settled(qtbot, window)
    qtbot.waitUntil(header.lined.isVisible, timeout=WAIT)
    assert "of labelled true pairs" in header.line.text()
    truth = space.ranking.truth[space.ranking.order]
    assert (truth == space.ranking.TRUE).sum() == 2  # by the labels, from the other camera
    # A folder that is described goes to its report at once.
    assert window.findChild(OpenDataDialog) is None
    drop(window, shop)
    qtbot.waitUntil(lambda: window.findChild(OpenDataDialog) is not None, timeout=WAIT)
    assert window.findChild(ImportDialog) is None
