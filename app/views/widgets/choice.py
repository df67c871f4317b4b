"""Buttons that open choices: one of several, or whatever stands in their popup."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt5.QtCore import QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QPaintEvent, QPalette
from PyQt5.QtWidgets import (
    QAction,
    QActionGroup,
    QMenu,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QWidget,
    QWidgetAction,
)

ARROW = 8
"""Logical pixels of the arrow that shows there is a menu."""


class ChooserButton(QToolButton):
    """A button with a menu.

    Its arrow stands beside the words; styles draw one into the corner, which looks like a comma.
    """

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(name)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setPopupMode(QToolButton.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonTextOnly)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.TabFocus)
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self.setMenu(self._menu)

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(hint.width() + ARROW + 2, hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, option = QStylePainter(self), QStyleOptionToolButton()
        self.initStyleOption(option)
        option.features &= ~QStyleOptionToolButton.HasMenu  # type: ignore[assignment]  # stub: ~ is int
        words, text = QRect(self.rect()), option.text
        words.setRight(words.right() - ARROW)
        option.text = ""
        painter.drawComplexControl(QStyle.CC_ToolButton, option)
        painter.drawItemText(
            words, int(Qt.AlignCenter), option.palette, self.isEnabled(), text, QPalette.ButtonText
        )
        width = option.fontMetrics.horizontalAdvance(text)
        option.rect = QRect(words.center().x() + width // 2 + 3, 0, ARROW, self.height())
        painter.drawPrimitive(QStyle.PE_IndicatorArrowDown, option)
        painter.end()

    def show_in_menu(self, content: QWidget) -> None:
        """Put a widget in the menu, which stays open while one chooses in it."""
        self._menu.clear()
        action = QWidgetAction(self._menu)
        action.setDefaultWidget(content)
        self._menu.addAction(action)


class Choice(ChooserButton):
    """One of several values; the button shows which. ``chosen`` tells the value picked.

    ``texts`` are the entries, ``short`` what the button shows for them (the entry, unless given).
    """

    chosen = pyqtSignal(object)

    def __init__(
        self,
        name: str,
        tip: str,
        texts: Mapping[str, str],
        short: Mapping[str, str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", tip, parent)
        self.setAccessibleName(name)
        self.value = ""
        self._short = {**texts, **(short or {})}
        group = QActionGroup(self)
        self.actions_: dict[str, QAction] = {}
        for value, text in texts.items():
            action = self._menu.addAction(text)
            action.setCheckable(True)
            action.triggered.connect(lambda _on, value=value: self.chosen.emit(value))
            group.addAction(action)
            self.actions_[value] = action

    def name_value(self, value: str, text: str) -> None:
        """Another text for one of the entries."""
        self.actions_[value].setText(text)
        self._short[value] = text

    def show_value(self, value: str) -> None:
        """Show which is chosen, without telling."""
        self.value = value
        self.actions_[value].setChecked(True)
        self.setText(self._short[value])
        self.setAccessibleDescription(self.actions_[value].text())
