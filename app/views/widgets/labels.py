"""Small parts that several views are made of."""

from __future__ import annotations

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import (
    QFont,
    QFontDatabase,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PyQt5.QtWidgets import (
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.state.words import JOIN
from app.views.widgets.icons import icon
from app.views.widgets.layouts import in_row


def without_mnemonic(words: str) -> str:
    """The words of a control without the ``&`` before the letter that Alt reaches it by."""
    return "&".join(part.replace("&", "") for part in words.split("&&"))


class Mark(QWidget):
    """An icon that stands beside text; painted by the palette, so right in every theme."""

    def __init__(self, name: str, size: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(size, size)
        self._name = name

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        icon(self._name).paint(painter, self.rect())
        painter.end()


def heading(text: str = "", scale: float = 1.0) -> QLabel:
    """A label in bold, ``scale`` times the usual size."""
    label = QLabel(text)
    label.setTextFormat(Qt.PlainText)
    font = QFont(label.font())
    font.setBold(True)
    font.setPointSizeF(font.pointSizeF() * scale)
    label.setFont(font)
    return label


def label_of(words: str, field: QWidget) -> QLabel:
    """A label beside a field; the letter after its ``&`` gives the field the focus."""
    label = QLabel(words)
    label.setBuddy(field)
    return label


def small_button(
    name: str,
    words: str,
    parent: QWidget | None = None,
    *,
    tip: str = "",
    size: int = 16,
    checkable: bool = False,
) -> QToolButton:
    """A flat button that is an icon, with a spoken name, and a tooltip: the name unless given.

    One that is ``checkable`` stays pressed, and takes the focus by Tab alone.
    """
    button = QToolButton(parent)
    button.setIcon(icon(name))
    button.setIconSize(QSize(size, size))
    button.setAutoRaise(True)
    button.setToolTip(tip or words)
    button.setAccessibleName(words)
    if checkable:
        button.setCheckable(True)
        button.setFocusPolicy(Qt.TabFocus)
    return button


def quiet_label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """A label that is cut where there is no room, so that it never widens the window."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.PlainText)
    label.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
    return label


def fold_button(words: str) -> QToolButton:
    """A button with an arrow that folds something out and in again."""
    button = QToolButton()
    button.setText(words)
    button.setCheckable(True)
    button.setAutoRaise(True)
    button.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
    button.setArrowType(Qt.RightArrow)
    button.setAccessibleName(f"{without_mnemonic(words)}, fold out")
    button.setToolTip(f"Show or hide: {without_mnemonic(words).lower()}")
    button.toggled.connect(lambda on: button.setArrowType(Qt.DownArrow if on else Qt.RightArrow))
    return button


def details_box(text: str) -> QPlainTextEdit:
    """Text for copying, in the system's fixed font."""
    box = QPlainTextEdit(text)
    box.setReadOnly(True)
    box.setLineWrapMode(QPlainTextEdit.NoWrap)
    box.setFont(QFontDatabase.systemFont(QFontDatabase.FixedFont))
    box.setFixedHeight(160)
    box.setAccessibleName("Details")
    return box


def copy_with_details(sentence: str, details: str) -> None:
    """Put a sentence and its details on the clipboard."""
    QGuiApplication.clipboard().setText(f"{sentence}\n\n{details}".strip() + "\n")


def plain_label(text: str = "", *, wrap: bool = True) -> QLabel:
    """A label for text of unknown origin (never read as HTML) that can be selected and copied."""
    label = QLabel(text)
    label.setTextFormat(Qt.PlainText)
    label.setWordWrap(wrap)
    label.setTextInteractionFlags(Qt.TextSelectableByMouse)
    return label


class ElidedLabel(QLabel):
    """One line of which whole parts (between " · ") go where there is no room for all of it, from
    the end; the first one ends in an ellipsis."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.PlainText)
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        room, metrics, words = self.contentsRect(), self.fontMetrics(), self.text()
        while JOIN in words and metrics.horizontalAdvance(words) > room.width():
            words = words.rpartition(JOIN)[0]
        words = metrics.elidedText(words, Qt.ElideRight, room.width())
        align = int(Qt.AlignLeft | Qt.AlignVCenter)
        self.style().drawItemText(
            painter, room, align, self.palette(), self.isEnabled(), words, self.foregroundRole()
        )
        painter.end()


class Sheltered(QWidget):
    """A widget whose text changes at every move of the pointer: what is around it is not laid out
    anew for that, since its size does not depend on the text."""

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self._inside = inside
        inside.setParent(self)
        self.setSizePolicy(inside.sizePolicy())

    def sizeHint(self) -> QSize:
        """That of the widget inside."""
        return self._inside.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """That of the widget inside."""
        return self._inside.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The widget inside takes all the room."""
        self._inside.setGeometry(self.rect())
        super().resizeEvent(event)


class MessageLine(QWidget):
    """A sentence in a dialog, with a warning sign where it is a warning; hidden while empty."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mark = Mark("warning")
        self._words = plain_label()
        row = in_row(self._mark, self._words, into=self, grows=self._words)
        row.setAlignment(self._mark, Qt.AlignTop)
        self.hide()

    def say(self, text: str, warning: bool = False) -> None:
        """Show a sentence, with a sign beside it where it is a warning."""
        self._words.setText(text)
        self._words.setAccessibleName(f"Warning: {text}" if warning else text)
        self._mark.setVisible(warning)
        self.setVisible(bool(text))

    def text(self) -> str:
        """What is said now."""
        return self._words.text()


def sentence_case(text: str) -> str:
    """With a capital at its beginning, unless it begins with the name of a file or folder."""
    first = text.split(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text
