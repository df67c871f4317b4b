"""Keeps keys with the widget that needs them.

Commands own single keys and arrows in the whole window. A slider, a table or a button that has the
focus needs some of these itself; Qt asks it first (ShortcutOverride), and most of its widgets do
not answer. Text fields do.
"""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtGui import QFocusEvent, QKeyEvent
from PyQt5.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QComboBox,
    QMenu,
    QTabBar,
    QTableView,
    QTextBrowser,
    QTreeView,
    QWidget,
)

_ARROWS = {Qt.Key_Up, Qt.Key_Down, Qt.Key_Left, Qt.Key_Right}
_ENDS = {Qt.Key_Home, Qt.Key_End}
_KEPT: tuple[tuple[tuple[type[QWidget], ...], set[int]], ...] = (
    ((QAbstractSlider,), _ARROWS | _ENDS),
    ((QComboBox,), {Qt.Key_Up, Qt.Key_Down} | _ENDS),
    ((QTableView, QTreeView, QTextBrowser), {Qt.Key_Up, Qt.Key_Down} | _ENDS),
    ((QTabBar,), {Qt.Key_Left, Qt.Key_Right}),
    ((QMenu,), _ARROWS | _ENDS | {Qt.Key_Space}),
)
_PLAIN = (Qt.NoModifier, Qt.KeypadModifier)


def keeps(widget: QWidget | None, key: int, tab_focus: bool = True) -> bool:
    """Whether a focused widget needs a plain key for itself.

    A button keeps Space only where the keyboard brought the focus to it: after a click on one,
    Space is the window's again.
    """
    if isinstance(widget, QAbstractButton):
        return key == Qt.Key_Space and tab_focus
    return any(isinstance(widget, kinds) and key in keys for kinds, keys in _KEPT)


class KeyGuard(QObject):
    """Answers Qt's question for the widgets of one window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._by_keyboard = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.FocusIn:
            assert isinstance(event, QFocusEvent)
            self._by_keyboard = event.reason() in (Qt.TabFocusReason, Qt.BacktabFocusReason)
        elif event.type() == QEvent.ShortcutOverride and isinstance(watched, QWidget):
            assert isinstance(event, QKeyEvent)
            plain = event.modifiers() in _PLAIN
            if plain and keeps(watched, event.key(), self._by_keyboard):
                event.accept()
                return True
        return False
