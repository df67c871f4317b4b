"""Settings are looked at, tried and taken back."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.state.settings import Settings
from app.views.dialogs.settings_dialog import SettingsDialog
from qaconv_core.store.features import FeatureStore
from tests.app.controls import words_of


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A feature store with something in it."""
    monkeypatch.setenv("QACONV_CACHE_DIR", str(tmp_path))
    made = FeatureStore()
    made.open("a" * 64, (2, 3, 4), "a model").close()
    return made


@pytest.fixture
def dialog(qtbot, runner, store):
    made = SettingsDialog(Settings(data_folder="/data", theme="light"), runner)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: made.clear.isEnabled(), timeout=5000)
    return made


def test_what_is_chosen_is_told_once_by_ok(dialog):
    told, tried = [], []
    dialog.changed.connect(told.append)
    dialog.theme_tried.connect(tried.append)
    dialog.folder.setFocus()
    dialog.folder.selectAll()
    QTest.keyClicks(dialog.folder, "/elsewhere")
    dialog.theme.setFocus()
    QTest.keyClick(dialog.theme, Qt.Key_Down)
    QTest.mouseClick(dialog.session, Qt.LeftButton, pos=dialog.session.rect().center() * 0 + dialog.session.rect().topLeft() + dialog.session.rect().bottomLeft() / 2)  # fmt: skip  # noqa: E501
    assert tried == ["dark"]
    QTest.keyClick(dialog, Qt.Key_Return)
    assert not dialog.isVisible()
    assert told == [Settings(data_folder="/elsewhere", theme="dark", restore_session=False)]


def test_the_precision_of_maps_is_chosen_by_key(dialog):
    told = []
    dialog.changed.connect(told.append)
    dialog.precision.setFocus()
    QTest.keyClick(dialog.precision, Qt.Key_End)
    QTest.keyClick(dialog, Qt.Key_Return)
    assert told == [Settings(data_folder="/data", theme="light", precision="float32")]


def test_cancel_takes_a_tried_theme_back(dialog):
    told, tried = [], []
    dialog.changed.connect(told.append)
    dialog.theme_tried.connect(tried.append)
    dialog.theme.setFocus()
    QTest.keyClick(dialog.theme, Qt.Key_Down)
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert tried == ["dark", "light"]
    assert told == []


def test_the_store_is_measured_and_cleared_on_the_second_click(qtbot, dialog, store):
    assert "0 feature maps" in dialog.cache.text()
    assert str(store.root) in dialog.cache.toolTip()
    QTest.mouseClick(dialog.clear, Qt.LeftButton)
    assert len(store.sizes()) == 1, "once is a slip"
    assert words_of(dialog.clear) == "Really clear"
    QTest.mouseClick(dialog.clear, Qt.LeftButton)
    qtbot.waitUntil(lambda: "freed" in dialog.cache.text(), timeout=5000)
    assert store.sizes() == []


def test_a_store_that_cannot_be_read_is_one_line(qtbot, runner, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("QACONV_CACHE_DIR", str(tmp_path / "file"))
    told = []
    runner.problem.connect(told.append)
    dialog = SettingsDialog(Settings(), runner)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: "QACONV_CACHE_DIR" in dialog.cache.text(), timeout=5000)
    assert told == []
