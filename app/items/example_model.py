"""Failures as rows: a tile of three pictures each, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QObject, QRect, QSize, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetrics, QPainter
from PyQt5.QtWidgets import QStyleOptionViewItem

from app.items.result_delegate import FRAME, PAD, ResultDelegate
from app.items.row_texts import camera_text, who_text
from app.items.thumbnail import draw_thumbnail, faded
from app.state.insight_words import example_line, example_sentence
from app.state.insights import Example
from app.state.words import adds_text
from qaconv_core.types import RankingResult

COLUMNS = ("Number", "Query", "False match", "True match", "Cameras", "Margin", "Cell adds")
NUMBERS = (0, 5, 6)
EXAMPLE_ROLE = Qt.UserRole
TRUTHS = (RankingResult.NOT_KNOWN, RankingResult.FALSE, RankingResult.TRUE)


def cells(example: Example) -> tuple[str, ...]:
    """A failure in the words of :data:`COLUMNS`."""
    cameras = (camera_text(ref.camid) or "–" for ref in (example.query, example.false))
    names = (ref.path.name for ref in (example.query, example.false, example.true))
    value = "–" if example.value is None else adds_text(example.value)
    return (
        f"{example.number}", *names, " → ".join(cameras), adds_text(example.failure.margin), value
    )  # fmt: skip


class ExampleModel(QAbstractTableModel):
    """Failures in the order they are shown; the last column only where a cell is chosen."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.examples: Sequence[Example] = ()
        self._cells: list[tuple[str, ...]] = []
        self._columns = len(COLUMNS) - 1

    def show(self, examples: Sequence[Example]) -> None:
        """Show other failures."""
        self.beginResetModel()
        self.examples, self._cells = examples, [cells(example) for example in examples]
        with_cell = bool(examples) and examples[0].value is not None
        self._columns = len(COLUMNS) if with_cell else len(COLUMNS) - 1
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Failures."""
        return 0 if parent.isValid() else len(self.examples)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Columns."""
        return 0 if parent.isValid() else self._columns

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        """Words, the failure itself, and what a screen reader says."""
        if not index.isValid():
            return None
        if role == Qt.DisplayRole:
            return self._cells[index.row()][index.column()]
        if role == EXAMPLE_ROLE:
            return self.examples[index.row()]
        if role in (Qt.ToolTipRole, Qt.AccessibleTextRole):
            return example_sentence(self.examples[index.row()])
        if role == Qt.TextAlignmentRole and index.column() in NUMBERS:
            return int(Qt.AlignRight | Qt.AlignVCenter)
        return None

    def headerData(self, section: int, orientation: int, role: int = Qt.DisplayRole) -> Any:
        """Names of the columns."""
        if orientation != Qt.Horizontal or not 0 <= section < self._columns:
            return None
        if role == Qt.DisplayRole:
            return COLUMNS[section]
        if role == Qt.TextAlignmentRole:
            side = Qt.AlignRight if section in NUMBERS else Qt.AlignLeft
            return int(side | Qt.AlignVCenter)
        return None


class ExampleDelegate(ResultDelegate):
    """Query, first false and first true match beside each other, with who they are below."""

    def words_height(self, font: QFont) -> int:
        """Who is on each picture, and the margin."""
        return 2 * QFontMetrics(font).lineSpacing() + PAD

    def tile_size(self, font: QFont, picture: int) -> QSize:
        """Room for three pictures that are half as wide as high, or for the words."""
        words = QFontMetrics(font).horizontalAdvance("cell +0.88 · margin +88.88")
        width = max(words, 3 * (picture // 2 + 2 * FRAME + PAD)) + 4 * PAD
        return QSize(width, picture + 2 * FRAME + 3 * PAD + self.words_height(font))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        example: Example = index.data(EXAMPLE_ROLE)
        painter.save()
        painter.setRenderHints(QPainter.SmoothPixmapTransform | QPainter.Antialiasing)
        ink = self._draw_ground(painter, option)
        room = option.rect.adjusted(2 * PAD, PAD + PAD // 2, -2 * PAD, -PAD - PAD // 2)
        words = room.adjusted(0, room.height() - self.words_height(option.font), 0, 0)
        line = QFontMetrics(option.font).lineSpacing()
        wide = room.width() // 3
        for place, truth in enumerate(TRUTHS):
            ref = (example.query, example.false, example.true)[place]
            column = QRect(room.left() + place * wide, room.top(), wide, words.top() - room.top())
            picture = column.adjusted(FRAME, FRAME, -FRAME - PAD, -FRAME)
            covered = draw_thumbnail(painter, picture, ref.path, self.thumbnails, option.palette)
            self._draw_mark(painter, covered, truth, option)
            below = QRect(column.left(), words.top() + PAD, wide, line)
            who = who_text(ref.pid, ref.camid) or ref.path.name
            self._draw_line(painter, option, below, who, faded(ink, 190))
        last = QRect(room.left(), words.top() + PAD + line, room.width(), line)
        self._draw_line(painter, option, last, example_line(example), ink)
        painter.restore()

    def _draw_line(
        self, painter: QPainter, option: QStyleOptionViewItem, room: QRect, text: str, ink: QColor
    ) -> None:
        painter.setFont(option.font)
        painter.setPen(ink)
        short = QFontMetrics(option.font).elidedText(text, Qt.ElideRight, room.width())
        painter.drawText(room, Qt.AlignCenter, short)
