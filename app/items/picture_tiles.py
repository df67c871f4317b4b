"""Tiles of several pictures that belong together: a failure's three, a pair's two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PyQt5.QtCore import QModelIndex, QObject, QRect, QSize, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette
from PyQt5.QtWidgets import QStyle, QStyleOptionViewItem

from app.items.result_delegate import FRAME, PAD, ResultDelegate
from app.items.row_models import ListModel
from app.items.selection import draw_ground
from app.items.thumbnail import draw_thumbnail, faded
from app.jobs.images import ImageLoader
from app.state.insights import PairPlace
from app.state.words import who_label
from qaconv_core.types import ImageRef

TILE_ROLE = Qt.UserRole


@dataclass(frozen=True)
class Tile:
    """Pictures beside each other with their truth, a line of words, and what is spoken.

    ``place`` is what opens in the browser. One that is ``marked`` has a line below it.
    """

    pictures: tuple[tuple[ImageRef, int], ...]
    line: str
    spoken: str
    place: PairPlace
    marked: bool = False


class TileModel(ListModel):
    """Tiles in the order they are shown."""

    def shown(self, row: int, role: int) -> Any:
        """The tile, its line, and what a screen reader says."""
        tile = self.rows[row]
        if role == TILE_ROLE:
            return tile
        if role in (Qt.ToolTipRole, Qt.AccessibleTextRole):
            return tile.spoken
        return tile.line if role == Qt.DisplayRole else None


class TileDelegate(ResultDelegate):
    """Draws ``count`` pictures beside each other, who they are below, and the line."""

    def __init__(
        self, thumbnails: ImageLoader, count: int, widest: str, parent: QObject | None = None
    ) -> None:
        """``widest`` is the longest line that is to be expected."""
        super().__init__(thumbnails, parent)
        self.beside = False
        self._count, self._widest = count, widest

    def _words_height(self, font: QFont) -> int:
        """Who is on each picture, and the line."""
        return 2 * QFontMetrics(font).lineSpacing() + PAD

    def tile_size(self, font: QFont, picture: int) -> QSize:
        """Room for pictures that are half as wide as high, or for the words."""
        words = QFontMetrics(font).horizontalAdvance(self._widest)
        width = max(words, self._count * (picture // 2 + 2 * FRAME + PAD)) + 4 * PAD
        return QSize(width, picture + 2 * FRAME + 3 * PAD + self._words_height(font))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        tile: Tile = index.data(TILE_ROLE)
        painter.save()
        painter.setRenderHints(QPainter.SmoothPixmapTransform | QPainter.Antialiasing)
        draw_ground(painter, option, bool(option.state & QStyle.State_HasFocus))
        ink = option.palette.color(QPalette.Text)
        room = option.rect.adjusted(2 * PAD, PAD + PAD // 2, -2 * PAD, -PAD - PAD // 2)
        words = room.adjusted(0, room.height() - self._words_height(option.font) + PAD, 0, 0)
        line = QFontMetrics(option.font).lineSpacing()
        wide = room.width() // self._count
        for place, (ref, truth) in enumerate(tile.pictures):
            left = room.left() + place * wide
            picture = QRect(left, room.top(), wide, words.top() - PAD - room.top())
            picture.adjust(FRAME, FRAME, -FRAME - PAD, -FRAME)
            covered = draw_thumbnail(painter, picture, ref.path, self.thumbnails, option.palette)
            self._draw_mark(painter, covered, truth, option)
            who = who_label(ref) or ref.path.name
            below = QRect(left, words.top(), wide, line)
            self._draw_line(painter, option.font, below, who, faded(ink, 190))
        last = QRect(room.left(), words.top() + line, room.width(), line)
        self._draw_line(painter, option.font, last, tile.line, ink)
        if tile.marked:
            below = option.rect.adjusted(2 * PAD, option.rect.height() - PAD, -2 * PAD, -1)
            painter.fillRect(below, option.palette.color(QPalette.Highlight))
        painter.restore()

    def _draw_line(
        self, painter: QPainter, font: QFont, room: QRect, text: str, ink: QColor
    ) -> None:
        painter.setFont(font)
        painter.setPen(ink)
        short = QFontMetrics(font).elidedText(text, Qt.ElideRight, room.width())
        painter.drawText(room, Qt.AlignCenter, short)
