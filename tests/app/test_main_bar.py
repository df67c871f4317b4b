"""The toolbar names what is open at every width, and loses no button."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QToolButton

from app.views.shell.main_bar import fitted
from app.views.shell.main_window import SMALLEST
from tests.app.samples import sample_model, sample_set

CHECKPOINT = "/models/msmt17_resnet50_ibn_b/checkpoint_of_epoch_60.pth.tar"


@pytest.mark.parametrize(
    ("room", "line"),
    [
        (33, "market · checkpoint.pth.tar · CPU"),
        (28, "market · checkp…th.tar · CPU"),
        (20, "ma…et · che…ar · CPU"),
        (3, "ma…et · ch…ar · CPU"),
    ],
)
def test_the_longest_name_is_shortened_first(room, line):
    assert fitted(("market", "checkpoint.pth.tar", "CPU"), room, len) == line


@pytest.fixture
def window(make_window, tmp_path):
    made = make_window()
    made.workspace.open_data(sample_set(tmp_path, pictures=False))
    made.workspace.set_model(replace(sample_model(), source=CHECKPOINT))
    return made


def hidden_buttons(bar):
    """Buttons that are not in sight, and the one that would show them."""
    more = bar.findChild(QToolButton, "qt_toolbar_ext_button")
    buttons = [bar.widgetForAction(action) for action in bar.actions()]
    lost = [w.text() for w in buttons if isinstance(w, QToolButton) and not w.isVisible()]
    return lost + (["»"] if more is not None and more.isVisible() else [])


@pytest.mark.parametrize("width", [SMALLEST[0], 1280, 1920])
def test_nothing_is_lost_at_any_width(qtbot, window, width):
    window.resize(width, 700)
    qtbot.waitUntil(lambda: window.bar.width() == width)
    bar = window.bar
    assert hidden_buttons(bar) == []
    qtbot.waitUntil(lambda: bar.place.shown.startswith("sample · "))
    assert bar.place.shown.endswith("ar · CPU")
    assert bar.place.fontMetrics().horizontalAdvance(bar.place.shown) <= bar.place.width()
    assert "checkpoint_of_epoch_60.pth.tar" in bar.place.toolTip()
    assert "checkpoint_of_epoch_60.pth.tar" in bar.place.accessibleName()


def test_buttons_give_their_words_back_with_the_room(qtbot, window):
    styles = []
    for width in (1920, SMALLEST[0], 1920, SMALLEST[0]):
        window.resize(width, 700)
        qtbot.waitUntil(lambda width=width: window.bar.width() == width)
        styles.append(window.bar.opening[0].toolButtonStyle())
    words, none = Qt.ToolButtonTextBesideIcon, Qt.ToolButtonIconOnly
    assert styles == [words, none, words, none]
    assert window.bar.opening[0].accessibleName() or window.bar.opening[0].toolTip()


def test_pages_give_up_their_words_last(qtbot, window):
    pages = window.bar.button(window.commands, "view.gallery")
    styles = []
    for width in (1280, SMALLEST[0], 1280):
        window.resize(width, 700)
        qtbot.waitUntil(lambda width=width: window.bar.width() == width)
        styles.append(pages.toolButtonStyle())
    assert styles == [
        Qt.ToolButtonTextBesideIcon,
        Qt.ToolButtonIconOnly,
        Qt.ToolButtonTextBesideIcon,
    ]
    assert pages.toolTip()
