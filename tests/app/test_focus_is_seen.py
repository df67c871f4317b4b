"""Every stop of Tab shows that it has the focus, in the window and in its dialogs."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication, QWidget

from app.state.session import PAGES
from tests.app.controls import name_of
from tests.app.real import WAIT
from tests.app.test_every_dialog import OPEN, focusable
from tests.app.test_insights import failures, known_times, trust, window

__all__ = ["failures", "known_times", "trust", "window"]

LEAST = 12
"""Pixels that are other ones with the focus."""


@pytest.fixture
def empty_window(make_window, known_times):
    window = make_window()
    yield window
    window.theme.use("system")


def pixels(widget: QWidget) -> np.ndarray:
    """(h, w, 4) of a widget as it is painted now."""
    image = widget.grab().toImage().convertToFormat(QImage.Format_RGB32)
    bits = image.constBits().asstring(image.sizeInBytes())
    rows = np.frombuffer(bits, dtype=np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)


def difference(widget: QWidget) -> int:
    """How many pixels the focus changes."""
    other = QApplication.focusWidget()
    if other is not None:
        other.clearFocus()
    before = pixels(widget)
    widget.setFocus(Qt.TabFocusReason)
    if not widget.hasFocus():
        return LEAST  # it passes the focus on
    return int((pixels(widget) != before).any(axis=2).sum())


def stops(root: QWidget) -> list[QWidget]:
    """What Tab stops at: areas that are only scrolled take it to have the arrow keys."""
    return [
        widget
        for widget in focusable(root)
        if widget.focusPolicy() & Qt.TabFocus
        and widget.isEnabled()
        and widget.width() > 1
        and widget.window() is root.window()
    ]


def unseen(root: QWidget) -> list[str]:
    """Stops that look the same with and without the focus."""
    QApplication.instance().setActiveWindow(root.window())
    root.window().setAttribute(Qt.WA_KeyboardFocusChange)  # as a press of Tab does
    return [
        f"{type(widget).__name__} {name_of(widget)!r} {type(widget.parent()).__name__}"
        for widget in stops(root)
        if difference(widget) < LEAST
    ]


def unseen_on_pages(qtbot, window) -> dict[str, list[str]]:
    """By page."""
    found = {}
    for page in PAGES:
        window.pages.choose(page)
        qtbot.wait(50)
        assert len(stops(window)) > 5
        found[page] = unseen(window)
    return found


def unseen_in_dialogs(qtbot, window) -> dict[str, list[str]]:
    """By dialog."""
    found = {}
    for name, open_one in OPEN.items():
        dialog = open_one(window)
        dialog.show()
        qtbot.waitUntil(dialog.isVisible, timeout=WAIT)
        qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)
        found[name] = unseen(dialog)
        dialog.close()
    return found


def test_in_the_window_and_in_every_dialog(qtbot, window, failures, trust):
    """Every page with what it shows when all was measured, then every dialog, in both themes."""
    window.problems_dock.show()
    window.explore.inspector.switch_adjust()
    window.explore.results.find_bar.open()
    found = {}
    for theme in ("light", "dark"):  # the whole window is polished anew: once, not for each dialog
        window.theme.use(theme)
        pages, dialogs = unseen_on_pages(qtbot, window), unseen_in_dialogs(qtbot, window)
        found[theme] = {name: what for name, what in (pages | dialogs).items() if what}
    assert found == {"light": {}, "dark": {}}
