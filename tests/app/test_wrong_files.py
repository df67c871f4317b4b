"""Wrong files brought to the real window: a sentence says what is wrong, what is shown stays."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PyQt5.QtCore import QMimeData, Qt
from PyQt5.QtGui import QGuiApplication
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QFileDialog

from app.jobs.inspections import DATA
from app.state.session import load_session
from app.views.dialogs.import_dialog import ImportDialog
from qaconv_core.store.folders import data_dir
from tests.app.real import (
    WAIT,
    drop,
    drop_and_describe,
    press,
    settled,
    tiny_market,
    url_of,
)
from tests.builders import write_picture
from tests.checkpoints import published_checkpoint, write_checkpoint
from tests.small_world import small_checkpoint


@pytest.fixture
def window(qtbot, make_window, tmp_path, model):
    """The tiny set is open and its first match explained, to the last number."""
    made = make_window()
    made.begin(tiny_market(tmp_path), model)
    settled(qtbot, made)
    space = made.workspace
    qtbot.waitUntil(lambda: space.pair.relative is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: not made.runner.busy, timeout=WAIT)
    return made


def shown(window):
    """The good state that has to stay."""
    space = window.workspace
    return space.data, space.model, space.selection, space.ranking, space.pair


def broken_picture(path: Path) -> Path:
    """A picture that ends in its middle."""
    whole = write_picture(path, 1, (48, 128)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def text_file(path: Path) -> Path:
    path.write_text("just words, no checkpoint\n")
    return path


def truncated(path: Path) -> Path:
    whole = write_checkpoint(path, small_checkpoint()).read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    return path


def without_network(path: Path) -> Path:
    torch.save({"model": {"layer.weight": torch.zeros(3)}, "epoch": 3}, path)
    return path


def is_said(qtbot, line) -> str:
    """The sentence of a dialog, once it is there."""
    qtbot.waitUntil(lambda: bool(line.text()) and "Reading" not in line.text(), timeout=WAIT)
    return line.text()


@pytest.mark.parametrize("make", [text_file, truncated, without_network])
def test_a_dropped_file_that_is_no_checkpoint(qtbot, window, tmp_path, make):
    before = shown(window)
    drop(window, make(tmp_path / "wrong.pth.tar"))
    dialog = window.dialogs.open_model()
    words = is_said(qtbot, dialog.message)
    assert "wrong.pth.tar" in words
    assert "\n" not in words
    assert not dialog.use_button.isEnabled()
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert shown(window) == before
    assert not window.problems.problems


def test_a_head_that_fits_no_grid(qtbot, window, tmp_path):
    content = published_checkpoint("v2.1", "resnet18", "layer4", 16)
    head = content["criterion"]
    head["matcher.fc.weight"] = head["matcher.fc.weight"][:, :35].clone()
    before = shown(window)
    drop(window, write_checkpoint(tmp_path / "odd.pth.tar", content))
    dialog = window.dialogs.open_model()
    words = is_said(qtbot, dialog.message)
    assert "odd.pth.tar" in words
    assert "height and width above" in words
    assert not dialog.use_button.isEnabled()
    QTest.mouseClick(dialog.read_again, Qt.LeftButton)  # 384×128 is not its size
    words = is_said(qtbot, dialog.message)
    assert "35" in words
    assert not dialog.use_button.isEnabled()
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert shown(window) == before


def test_a_model_of_another_grid_computes_its_own_maps(qtbot, window, tmp_path):
    """Maps that are stored belong to the model that they were computed by."""
    space, chosen = window.workspace, window.workspace.selection.queries
    content = published_checkpoint("v2.1", "resnet18", "layer3", 16)
    drop(window, write_checkpoint(tmp_path / "finer.pth.tar", content))
    dialog = window.dialogs.open_model()
    qtbot.waitUntil(dialog.use_button.isEnabled, timeout=WAIT)
    QTest.keyClick(dialog, Qt.Key_Return)
    qtbot.waitUntil(lambda: space.model.title == "finer.pth.tar", timeout=WAIT)
    settled(qtbot, window)
    assert space.pair.match.grid == (24, 8)
    assert space.selection.queries == chosen
    assert not window.problems.problems


def test_an_empty_folder(qtbot, window, tmp_path):
    (tmp_path / "nothing").mkdir()
    before = shown(window)
    drop(window, tmp_path / "nothing")
    qtbot.waitUntil(lambda: window.findChild(ImportDialog) is not None, timeout=WAIT)
    dialog = window.findChild(ImportDialog)
    words = is_said(qtbot, dialog.message)
    assert "\n" not in words
    assert "no picture" in words
    assert not dialog.save.isEnabled()
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert shown(window) == before
    assert not window.problems.problems


def test_a_folder_with_one_broken_picture_is_opened_without_it(qtbot, window, tmp_path):
    folder, space = tmp_path / "own", window.workspace
    for pid in (1, 2, 3):
        for shot in range(3):
            write_picture(folder / f"p{pid}" / f"{shot}.png", pid, (48, 128))
    broken = broken_picture(folder / "p2" / "1.png")
    before = space.data
    dialog = drop_and_describe(qtbot, window, folder)
    qtbot.waitUntil(dialog.open_button.isEnabled, timeout=WAIT)
    QTest.mouseClick(dialog.open_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: space.data is not before, timeout=WAIT)
    qtbot.waitUntil(lambda: window.controller.matching is not None, timeout=WAIT)
    settled(qtbot, window)
    assert broken in [rejected.path for rejected in space.data.rejected]
    assert broken not in space.data.gallery.paths
    assert broken not in space.data.query.paths
    assert len(space.ranking.order) == len(space.data.gallery)
    assert "1 picture of own cannot be read" in window.problems.problems[-1].message


def test_a_folder_of_broken_pictures_leaves_what_was_open(qtbot, window, tmp_path):
    for pid in (1, 2):
        broken_picture(tmp_path / "bad" / f"p{pid}" / "0.png")
        broken_picture(tmp_path / "bad" / f"p{pid}" / "1.png")
    before = shown(window)
    dialog = drop_and_describe(qtbot, window, tmp_path / "bad")
    qtbot.waitUntil(lambda: not dialog._jobs.has(DATA), timeout=WAIT)
    QTest.mouseClick(dialog.open_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: bool(window.problems.problems), timeout=WAIT)
    assert "none of the gallery pictures can be read" in window.problems.problems[-1].message
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
    settled(qtbot, window)
    assert shown(window)[:3] == before[:3]


@pytest.mark.parametrize("way", ["dialog", "file on the clipboard", "path as text"])
def test_a_broken_picture_as_query(qtbot, window, tmp_path, way):
    picture, before = broken_picture(tmp_path / "broken.png"), shown(window)
    if way == "dialog":
        press(window, Qt.Key_I, modifiers=Qt.ControlModifier)
        dialog = window.findChild(QFileDialog)
        dialog.setOption(QFileDialog.DontUseNativeDialog)
        dialog.filesSelected.emit([str(picture)])
        dialog.close()
    else:
        if way == "path as text":
            QGuiApplication.clipboard().setText(str(picture))
        else:
            mime = QMimeData()
            mime.setUrls([url_of(picture)])
            QGuiApplication.clipboard().setMimeData(mime)
        press(window, Qt.Key_V, modifiers=Qt.ControlModifier)
    qtbot.waitUntil(lambda: bool(window.problems.problems), timeout=WAIT)
    words = window.problems.problems[-1].message
    assert "broken.png" in words
    assert "\n" not in words
    assert window.problem_strip.isVisible()
    assert shown(window) == before
    QGuiApplication.clipboard().clear()


def test_garbage_on_the_clipboard(qtbot, window):
    before = shown(window)
    for kind in ("application/x-qt-image", "image/png"):
        mime = QMimeData()
        mime.setData(kind, b"\x89PNG no picture at all")
        QGuiApplication.clipboard().setMimeData(mime)
        press(window, Qt.Key_V, modifiers=Qt.ControlModifier)
        qtbot.waitUntil(lambda: bool(window.problems.problems), timeout=WAIT)
        words = window.problems.problems[-1].message
        assert "clipboard" in words
        window.problems.clear()
    assert not window.runner.busy
    assert shown(window) == before
    QGuiApplication.clipboard().clear()


def test_what_vanished_between_sessions_is_said(qtbot, make_window, window, tmp_path, model):
    moved = tmp_path / "moved.pth.tar"
    moved.write_bytes(Path(model.path).read_bytes())
    space, chosen = window.workspace, window.workspace.selection.queries
    drop(window, moved)
    dialog = window.dialogs.open_model()
    qtbot.waitUntil(dialog.use_button.isEnabled, timeout=WAIT)
    QTest.keyClick(dialog, Qt.Key_Return)
    qtbot.waitUntil(lambda: space.model.title == "moved.pth.tar", timeout=WAIT)
    window.close()
    moved.unlink()
    again = make_window()
    again.begin(session=load_session(data_dir()))
    settled(qtbot, again)
    words = again.problems.problems[-1].message
    assert "moved.pth.tar" in words
    assert "bundled model" in words
    assert again.workspace.model.source == "demo"
    assert again.workspace.data.root == space.data.root
    assert again.workspace.selection.queries == chosen
    assert again.problem_strip.isVisible()
    assert QApplication.activeModalWidget() is None
