"""Keys that a focused widget keeps for itself although the window has commands on them."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtWidgets import QWidget

WALKING = (
    Qt.Key_Up, Qt.Key_Down, Qt.Key_Left, Qt.Key_Right, Qt.Key_Home, Qt.Key_End,
    Qt.Key_PageUp, Qt.Key_PageDown, Qt.Key_Space,
)  # fmt: skip


class KeptKeys(QObject):
    """Claims keys for the widget it is installed on; Ctrl, Alt and Meta stay the window's."""

    def __init__(self, widget: QWidget, keys: tuple[int, ...] = WALKING) -> None:
        super().__init__(widget)
        self._keys = keys
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Accept the question whether a shortcut is wanted as a plain key."""
        if event.type() == QEvent.ShortcutOverride:
            others = Qt.ControlModifier | Qt.AltModifier | Qt.MetaModifier
            if event.key() in self._keys and not event.modifiers() & others:
                event.accept()
                return True
        return False
