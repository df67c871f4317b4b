"""Draws a query: its picture, who it is, how well it was found, its file."""

from __future__ import annotations

from PyQt5.QtCore import QModelIndex, QObject, QRect, QSize, Qt
from PyQt5.QtGui import QFont, QFontMetrics, QPainter, QPalette
from PyQt5.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.items.captions import bold
from app.items.colours import truth_colour
from app.items.fitted_text import fitted
from app.items.query_model import QueryEntry
from app.items.row_models import ENTRY_ROLE
from app.items.selection import draw_ground
from app.items.thumbnail import draw_thumbnail, faded
from app.jobs.images import ImageLoader
from app.state.words import SIGNS
from qaconv_core.types import RankingResult

GAP = 8
THUMBNAIL = QSize(36, 64)


class QueryDelegate(QStyledItemDelegate):
    """Rows of one height: thumbnail left, three lines of text right, an error mark at the end."""

    def __init__(self, thumbnails: ImageLoader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.thumbnails = thumbnails

    def row_size(self, font: QFont) -> QSize:
        """The least width and the height of every row."""
        lines = 3 * QFontMetrics(font).lineSpacing()
        return QSize(160, max(THUMBNAIL.height(), lines) + GAP)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return self.row_size(option.font)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        entry: QueryEntry = index.data(ENTRY_ROLE)
        painter.save()
        painter.setRenderHints(QPainter.SmoothPixmapTransform | QPainter.Antialiasing)
        draw_ground(painter, option)
        room = option.rect.adjusted(GAP, GAP // 2, -GAP, -GAP // 2)
        picture = QRect(room.topLeft(), QSize(THUMBNAIL.width(), room.height()))
        draw_thumbnail(painter, picture, entry.ref.path, self.thumbnails, option.palette)
        self._draw_words(painter, option, room.adjusted(THUMBNAIL.width() + GAP, 0, 0, 0), entry)
        painter.restore()

    def _draw_words(
        self, painter: QPainter, option: QStyleOptionViewItem, room: QRect, entry: QueryEntry
    ) -> None:
        ink = option.palette.color(QPalette.Text)
        strong = bold(option.font)
        line = QFontMetrics(option.font).lineSpacing()
        name = entry.ref.path.name
        texts = [(entry.title or name, strong, ink)]
        if entry.verdict:
            texts.append((entry.verdict, option.font, ink))
        texts.append((name, option.font, faded(ink, 170)))
        top = room.top() + (room.height() - line * len(texts)) // 2
        for place, (text, font, colour) in enumerate(texts):
            row = QRect(room.left(), top + place * line, room.width(), line)
            if place == 0 and entry.error:
                row = self._draw_error(painter, option, row)
            painter.setFont(font)
            painter.setPen(colour)
            metrics = QFontMetrics(font)
            if text == name:
                short = metrics.elidedText(text, Qt.ElideMiddle, row.width())
            else:
                short = fitted(text, metrics, row.width())
            painter.drawText(row, int(Qt.AlignLeft | Qt.AlignVCenter), short)

    def _draw_error(self, painter: QPainter, option: QStyleOptionViewItem, row: QRect) -> QRect:
        """The sign of a false rank 1 at the end of the line; returns what is left of the line."""
        box = QRect(row.right() - row.height() + 1, row.top(), row.height(), row.height())
        box.adjust(1, 1, -1, -1)
        painter.fillRect(box, truth_colour(RankingResult.FALSE) or Qt.darkGray)
        painter.setPen(Qt.white)
        painter.setFont(option.font)
        painter.drawText(box, Qt.AlignCenter, SIGNS[RankingResult.FALSE])
        return row.adjusted(0, 0, -row.height() - GAP // 2, 0)
