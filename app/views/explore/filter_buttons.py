"""Small buttons that open choices: which cameras, which times."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QRect, QSignalBlocker, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QPaintEvent, QPalette
from PyQt5.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QWidget,
    QWidgetAction,
)

Cameras = frozenset[int] | None
TimeRange = tuple[float, float] | None
IN_A_COLUMN = 16
"""Cameras below each other in the menu."""


ARROW = 8
"""Logical pixels of the arrow that shows there is a menu."""


class ChooserButton(QToolButton):
    """A button whose menu stays open while one chooses in it.

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
        self._menu = QMenu(self)
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

    def _show_in_menu(self, content: QWidget) -> None:
        self._menu.clear()
        action = QWidgetAction(self._menu)
        action.setDefaultWidget(content)
        self._menu.addAction(action)


class CameraButton(ChooserButton):
    """Which cameras are listed. ``chosen`` tells a frozen set of camids, or None for all."""

    chosen = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Cameras", "Choose of which cameras pictures are listed.", parent)
        self.boxes: dict[int, QCheckBox] = {}
        self.everything = QPushButton("All cameras")
        self.set_cameras(())

    def set_cameras(self, camids: Sequence[int]) -> None:
        """Offer these cameras (0-based; shown from 1, as in file names)."""
        known = sorted({int(camid) for camid in camids if camid >= 0})
        self.setEnabled(len(known) > 1)
        if known == list(self.boxes) and known:
            return
        content = QWidget()
        layout = QGridLayout(content)
        self.everything = QPushButton("All cameras")
        self.everything.clicked.connect(lambda: self.chosen.emit(None))
        layout.addWidget(self.everything, 0, 0, 1, -1)
        self.boxes = {camid: QCheckBox(f"Camera {camid + 1}") for camid in known}
        for place, box in enumerate(self.boxes.values()):
            box.setChecked(True)
            box.clicked.connect(self._tell)
            layout.addWidget(box, 1 + place % IN_A_COLUMN, place // IN_A_COLUMN)
        self._show_in_menu(content)

    def show_chosen(self, camids: Cameras) -> None:
        """Show which cameras are listed, without telling."""
        for camid, box in self.boxes.items():
            box.setChecked(camids is None or camid in camids)
        self.everything.setEnabled(camids is not None)
        self.setText("Cameras" if camids is None else f"Cameras: {_short(camids)}")

    def _tell(self) -> None:
        on = frozenset(camid for camid, box in self.boxes.items() if box.isChecked())
        self.chosen.emit(None if len(on) == len(self.boxes) else on)


def _short(camids: frozenset[int]) -> str:
    if not camids:
        return "none"
    names = [str(camid + 1) for camid in sorted(camids)]
    return ", ".join(names[:3]) + ("…" if len(names) > 3 else "")


class TimeButton(ChooserButton):
    """From when until when pictures are listed. ``chosen`` tells (from, to) in seconds, or None."""

    chosen = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Times", "", parent)
        self.low, self.high = self._box("From, seconds"), self._box("To, seconds")
        self.everything = QPushButton("All times")
        self.everything.clicked.connect(lambda: self.chosen.emit(None))
        content = QWidget()
        layout = QGridLayout(content)
        for row, (name, box) in enumerate((("From", self.low), ("To", self.high))):
            layout.addWidget(QLabel(name), row, 0)
            layout.addWidget(box, row, 1)
        layout.addWidget(self.everything, 2, 0, 1, 2)
        self._show_in_menu(content)
        self.set_limits(None)

    def _box(self, name: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setAccessibleName(name)
        box.setToolTip("Times are seconds since the first camera's start, as the data set says.")
        box.setSuffix(" s")
        box.setDecimals(1)
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._tell)
        return box

    def set_limits(self, limits: TimeRange) -> None:
        """The earliest and the latest time of the gallery; None where no times are known."""
        self.setEnabled(limits is not None)
        self.setToolTip(
            "Choose from when until when pictures are listed; those without a time are left out."
            if limits
            else "The times of these pictures are not known."
        )
        if limits is not None:
            for box in (self.low, self.high):
                with QSignalBlocker(box):
                    box.setRange(_tenth(limits[0], down=True), _tenth(limits[1], down=False))
            self.show_chosen(None)

    def show_chosen(self, times: TimeRange) -> None:
        """Show which times are listed, without telling."""
        self.everything.setEnabled(times is not None)
        self.setText("Times" if times is None else f"Times: {times[0]:.0f}–{times[1]:.0f} s")
        low, high = times or (self.low.minimum(), self.high.maximum())
        for box, value in ((self.low, low), (self.high, high)):
            with QSignalBlocker(box):
                box.setValue(value)

    def _tell(self) -> None:
        low, high = self.low.value(), self.high.value()
        whole = low <= self.low.minimum() and high >= self.high.maximum()
        self.chosen.emit(None if whole else (min(low, high), max(low, high)))


def _tenth(seconds: float, down: bool) -> float:
    """Rounded outwards to what the boxes can show, so that no picture falls outside."""
    tenths = 10 * seconds
    return (tenths // 1 if down else -(-tenths // 1)) / 10
