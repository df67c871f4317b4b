"""A field that holds all filters of a list: a popup to choose them, and a chip for each that is on.

A chip says what its filter does; a click on it ends the filter.
"""

from __future__ import annotations

from typing import NamedTuple

from PyQt5.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from PyQt5.QtWidgets import QAbstractButton, QFrame, QLabel, QSizePolicy, QWidget

from app.views.widgets.choice import ChooserButton
from app.views.widgets.layouts import in_row

PAD, CROSS, LOW = 7, 10, 4


class ChipText(NamedTuple):
    """A filter that is on: its name in the program, a few words, a sentence."""

    key: str
    words: str
    tip: str


class Chip(QAbstractButton):
    """A rounded plate with words and a small cross."""

    def __init__(self, text: ChipText, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = text.key
        self.setText(text.words)
        self.setAccessibleName(f"Filter: {text.words}. Press to remove it")
        self.setToolTip(f"{text.tip}\nClick to remove this filter.")
        self.setCursor(Qt.PointingHandCursor)
        self.setFocusPolicy(Qt.TabFocus)
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        wide = metrics.horizontalAdvance(self.text()) + 2 * PAD + CROSS + PAD // 2
        return QSize(wide, metrics.height() + LOW)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        painter.setRenderHint(QPainter.Antialiasing)
        lit = self.hasFocus() or self.underMouse()
        edge = palette.color(QPalette.Highlight if lit else QPalette.Mid)
        painter.setPen(QPen(edge, 1))
        painter.setBrush(palette.color(QPalette.Button))
        plate = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(plate, plate.height() / 2, plate.height() / 2)
        painter.setPen(palette.color(QPalette.ButtonText))
        words = self.rect().adjusted(PAD, 0, -PAD - CROSS, 0)
        painter.drawText(words, int(Qt.AlignLeft | Qt.AlignVCenter), self.text())
        cross = QRectF(self.width() - PAD - CROSS + 2, (self.height() - 7) / 2, 7, 7)
        painter.drawLine(cross.topLeft(), cross.bottomRight())
        painter.drawLine(cross.topRight(), cross.bottomLeft())
        painter.end()


class FilterField(QFrame):
    """The popup's button and the chips. ``removed`` tells the key of a chip that was clicked.

    Chips for which there is no room are counted at the end.
    """

    removed = pyqtSignal(str)

    def __init__(self, tip: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.StyledPanel)
        self.setBackgroundRole(QPalette.Base)
        self.setAutoFillBackground(True)
        self.setAccessibleName("Filters")
        self.button = ChooserButton("Filter", tip)
        self.button.show_in_menu(content)
        self.chips: list[Chip] = []
        self.more = QLabel()
        self._texts: tuple[ChipText, ...] = ()
        self._row = in_row(self.button, self.more, None, into=self, margins=(2, 1, 4, 1), spacing=4)
        self.more.hide()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.button.sizeHint().width() + 40, super().minimumSizeHint().height())

    def show_chips(self, texts: tuple[ChipText, ...]) -> None:
        """A chip for each filter that is on."""
        if texts == self._texts:
            return
        self._texts = texts
        for chip in self.chips:
            chip.hide()
            chip.deleteLater()
        self.chips = [Chip(text) for text in texts]
        for place, chip in enumerate(self.chips, start=1):
            chip.clicked.connect(lambda _on, key=chip.key: self.removed.emit(key))
            self._row.insertWidget(place, chip)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.FontChange and hasattr(self, "chips"):
            self._fit()

    def _fit(self) -> None:
        """Hide chips that have no room, and count them."""
        room = self.width() - self.button.sizeHint().width() - 16
        widths = [chip.sizeHint().width() + self._row.spacing() for chip in self.chips]
        count = self.fontMetrics().horizontalAdvance("+8") + 8
        shown = len(widths)
        while shown and sum(widths[:shown]) + (count if shown < len(widths) else 0) > room:
            shown -= 1
        for place, chip in enumerate(self.chips):
            chip.setVisible(place < shown)
        hidden = self._texts[shown:]
        self.more.setText(f"+{len(hidden)}")
        self.more.setToolTip("\n".join(text.words for text in hidden))
        self.more.setVisible(bool(hidden))
