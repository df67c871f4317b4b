"""Texts shown in place of an empty list, and buttons that look like links."""

from __future__ import annotations

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QFont, QPainter, QPaintEvent, QPalette, QPen
from PyQt5.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from app.views.widgets.layouts import in_column


class LinkButton(QPushButton):
    """A button that looks like a link, in the palette's colour for links."""

    def __init__(self, words: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(words, parent)
        self.setFlat(True)
        self.setCursor(Qt.PointingHandCursor)
        self.setToolTip(tip)
        self.setAccessibleName(words)
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)

    def sizeHint(self) -> QSize:
        """Room for the words and the frame of the focus."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 8, metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:
        """The words are never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        # Not by a style sheet: that keeps the colours of the palette it was made under.
        painter = QPainter(self)
        font = QFont(self.font())
        font.setUnderline(True)
        painter.setFont(font)
        painter.setPen(self.palette().color(QPalette.Link))
        painter.drawText(self.rect(), Qt.AlignCenter, self.text())
        if self.hasFocus():
            painter.setPen(QPen(self.palette().color(QPalette.Link), 1, Qt.DotLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class EmptyPage(QWidget):
    """Shown in place of an empty list: what to do next, with a link."""

    link_clicked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setAlignment(Qt.AlignCenter)
        self.link = LinkButton("", "")
        self.link.clicked.connect(self.link_clicked)
        layout = in_column(None, self.label, self.link, None, into=self, margins=-1, spacing=-1)
        layout.setAlignment(self.link, Qt.AlignHCenter)

    def say(self, words: str, link: str = "") -> None:
        """Show these words, and a link below them where there is one."""
        self.label.setText(words)
        self.label.setAccessibleName(words)
        self.link.setText(link)
        self.link.setAccessibleName(link)
        self.link.setToolTip(f"{link}." if link else "")
        self.link.setVisible(bool(link))


class NoteLine(QLabel):
    """A sentence above a list; hidden while it is empty."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.hide()

    def say(self, words: str) -> None:
        """Show these words; hide the line where there are none."""
        self.setText(words)
        self.setVisible(bool(words))
