"""The bottom line of the window; a message ends before what stands at its right."""

from __future__ import annotations

from PyQt5.QtCore import QRect, Qt
from PyQt5.QtGui import QPaintEvent, QPalette
from PyQt5.QtWidgets import QStatusBar, QStyle, QStyleOption, QStylePainter, QWidget

GAP = 6


class StatusLine(QStatusBar):
    """A status bar whose messages are elided; the whole message is the tool tip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.messageChanged.connect(self.setToolTip)

    @property
    def message_rect(self) -> QRect:
        """Where a message has room: from the left to the first widget that is shown."""
        shown = [w.x() for w in self.findChildren(QWidget, "", Qt.FindDirectChildrenOnly)
                 if w.isVisible()]  # fmt: skip
        right = min(shown, default=self.width()) - GAP
        return QRect(GAP, 0, max(right - GAP, 0), self.height())

    @property
    def shown_message(self) -> str:
        """The message, as far as it has room."""
        room = self.message_rect.width()
        return self.fontMetrics().elidedText(self.currentMessage(), Qt.ElideRight, room)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The panel and the message."""
        if not self.currentMessage():
            super().paintEvent(event)
            return
        painter = QStylePainter(self)
        option = QStyleOption()
        option.initFrom(self)
        painter.drawPrimitive(QStyle.PE_PanelStatusBar, option)
        painter.setPen(self.palette().color(QPalette.WindowText))
        place = int(Qt.AlignLeft | Qt.AlignVCenter | Qt.TextSingleLine)
        painter.drawText(self.message_rect, place, self.shown_message)
        painter.end()
