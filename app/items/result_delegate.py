"""Draws a ranked picture: frame and sign of its truth, rank, score, who it is, how it moved."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QModelIndex, QObject, QPoint, QRect, QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPen
from PyQt5.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.items.captions import bold
from app.items.colours import truth_colour
from app.items.decision_marks import paint_decided
from app.items.fitted_text import fitted
from app.items.match_painting import paint_tag
from app.items.part_layers import PART, paint_outline
from app.items.result_model import MEAN_SIGN, ResultEntry
from app.items.row_models import ENTRY_ROLE
from app.items.row_texts import move_text
from app.items.selection import draw_ground
from app.items.thumbnail import draw_thumbnail, faded
from app.jobs.images import ImageLoader
from app.state.framing import Box
from app.state.words import SIGNS, short_camera, who_label

PAD = 4
FRAME = 3
SMALLEST, MOST = 56, 256
"""Heights of the picture in a tile of a strip: at the very least, and at most."""
BELOW = 0.4
"""How opaque pictures below the line of normalised scores are."""
SMALLEST_IN_GRID, WORDS_FROM = 32, 72
"""The smallest picture of a grid, and the smallest with words below it."""


class ResultDelegate(QStyledItemDelegate):
    """Tiles of one size. ``moves`` adds a line on how the rank moved; ``aside`` makes room for
    the share of each pair's evidence, or its normalised score, ``tracks`` for how many pictures a
    track has.

    In a strip the words stand ``beside`` the picture, which so gets the height; in a grid they
    stand below it. Without ``wordy`` tiles are pictures alone.
    """

    def __init__(self, thumbnails: ImageLoader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.thumbnails = thumbnails
        self.moves = self.aside = self.tracks = False
        self.beside = self.wordy = True
        self.playing: dict[int, Path] = {}
        """Pictures shown in place of candidates' own: their tracks play."""

    def _lines(self) -> int:
        if not self.wordy:
            return 0
        return (3 if self.beside else 2) + self.moves + (self.aside and self.beside)

    def tile_size(self, font: QFont, picture: int) -> QSize:
        """The size of a tile whose picture is at most ``picture`` pixels high."""
        metrics = QFontMetrics(font)
        words = self._lines() * metrics.lineSpacing()
        wide, high = picture // 2 + 2 * FRAME, picture + 2 * FRAME
        if self.beside:
            text = QFontMetrics(bold(font)).horizontalAdvance("8,888")
            if self.aside:
                text = max(text, metrics.horizontalAdvance("+88.8 σ"))
            if self.tracks:
                followed = ("c88 ▶ 88", f"{MEAN_SIGN} 0.888", f"{MEAN_SIGN} +88.8 σ")
                text = max(text, *map(metrics.horizontalAdvance, followed[: 2 + self.aside]))
            return QSize(wide + text + 5 * PAD, max(high, words) + 3 * PAD)
        longest = "888 · c8 88 %" if self.aside else "8888 0.888"
        longest += f" {MEAN_SIGN}" if self.tracks else ""
        text = metrics.horizontalAdvance(longest) if self.wordy else 0
        return QSize(max(text, wide) + 4 * PAD, high + words + (4 if self.wordy else 3) * PAD)

    def picture_height(self, font: QFont, height: int) -> int:
        """How high the picture of a tile of ``height`` is, within what looks well."""
        taken = 2 * FRAME + 3 * PAD
        if not self.beside:
            taken = self.tile_size(font, 0).height()
        return min(max(height - taken, SMALLEST), MOST)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return self.tile_size(option.font, SMALLEST)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        entry: ResultEntry = index.data(ENTRY_ROLE)
        painter.save()
        painter.setRenderHints(QPainter.SmoothPixmapTransform | QPainter.Antialiasing)
        draw_ground(painter, option, bool(option.state & QStyle.State_HasFocus))
        ink = option.palette.color(QPalette.Text)
        room, words = self._shared_out(option)
        picture = room.adjusted(FRAME, FRAME, -FRAME, -FRAME)
        if entry.first_below:
            self._draw_line_before(painter, option)
        if entry.below:
            painter.setOpacity(BELOW)
        path = self.playing.get(entry.candidate, entry.ref.path)
        covered = draw_thumbnail(painter, picture, path, self.thumbnails, option.palette)
        painter.setOpacity(1.0)
        self._draw_mark(painter, covered, entry.truth, option)
        if entry.found is not None:
            box = Box(covered.x(), covered.y(), covered.width(), covered.height())
            painter.setRenderHint(QPainter.Antialiasing, False)  # thin lines stay sharp
            paint_outline(painter, box, entry.found.cells, PART, 1.0)
            painter.setRenderHint(QPainter.Antialiasing)
        if entry.pictures > 1 and not (self.wordy and self.beside):
            self._draw_track(painter, covered, entry, option.font)
        side = QFontMetrics(option.font).height()
        corner = covered.bottomRight() - QPoint(side - 1 - FRAME, side - 1 - FRAME)
        paint_decided(painter, QRectF(QRect(corner, QSize(side, side))), entry.decided)
        if self.wordy and self.beside:
            self._draw_words_beside(painter, words, entry, option.font, ink)
        elif self.wordy:
            self._draw_words(painter, words, entry, option.font, ink)
        painter.restore()

    def _draw_line_before(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        """Before the first candidate below the line."""
        painter.setPen(QPen(option.palette.color(QPalette.Highlight), 2))
        x = option.rect.left() + 1
        painter.drawLine(x, option.rect.top() + PAD, x, option.rect.bottom() - PAD)

    def _shared_out(self, option: QStyleOptionViewItem) -> tuple[QRect, QRect]:
        """The rooms of the picture with its frame, and of the words."""
        room = option.rect.adjusted(2 * PAD, PAD + PAD // 2, -2 * PAD, -PAD - PAD // 2)
        words = QRect(room)
        if self.beside:
            room.setWidth(min(room.height() // 2 + FRAME, room.width()))
            words.setLeft(room.right() + 1 + PAD)
        elif self.wordy:
            high = self._lines() * QFontMetrics(option.font).lineSpacing()
            words.setTop(room.bottom() + 1 - high)
            room.setBottom(words.top() - 1 - PAD)
        return room, words

    def _draw_track(
        self, painter: QPainter, covered: QRect, entry: ResultEntry, font: QFont
    ) -> None:
        """How many pictures the track has, in the upper right corner; a triangle: it can play."""
        words, metrics = self._track_words(entry), QFontMetrics(font)
        plate = QRect(0, 0, metrics.horizontalAdvance(words) + 2 * PAD, metrics.height())
        plate.moveTopRight(covered.topRight())
        if plate.width() <= covered.width():
            paint_tag(painter, QRectF(plate), words, font)

    def _track_words(self, entry: ResultEntry) -> str:
        """``▶ 8``: a track of eight pictures, which can play."""
        sign = "❚❚" if entry.candidate in self.playing else "▶"
        return f"{sign} {entry.pictures}" if entry.pictures > 1 else ""

    def _draw_mark(
        self, painter: QPainter, covered: QRect, truth: int, option: QStyleOptionViewItem
    ) -> None:
        colour = truth_colour(truth)
        painter.setBrush(Qt.NoBrush)
        if colour is None:
            painter.setPen(QPen(faded(option.palette.color(QPalette.Text), 70), 1))
            painter.drawRect(covered)
            return
        painter.fillRect(covered.adjusted(-FRAME, -FRAME, FRAME, 0 - covered.height()), colour)
        painter.fillRect(covered.adjusted(-FRAME, covered.height(), FRAME, FRAME), colour)
        painter.fillRect(covered.adjusted(-FRAME, 0, -covered.width(), 0), colour)
        painter.fillRect(covered.adjusted(covered.width(), 0, FRAME, 0), colour)
        side = QFontMetrics(option.font).height()
        badge = QRect(covered.left() - FRAME, covered.top() - FRAME, side, side)
        painter.fillRect(badge, colour)
        painter.setPen(Qt.white)
        painter.setFont(option.font)
        painter.drawText(badge, Qt.AlignCenter, SIGNS[truth])

    def _draw_words(
        self, painter: QPainter, room: QRect, entry: ResultEntry, font: QFont, ink: QColor
    ) -> None:
        line = QFontMetrics(font).lineSpacing()
        row = QRect(room.left(), room.top(), room.width(), line)
        strong = bold(font)
        painter.setPen(ink)
        painter.setFont(strong)
        rank = f"{entry.rank}" if entry.rank else "–"
        painter.drawText(row, Qt.AlignLeft, rank)
        painter.setFont(font)
        painter.drawText(row, Qt.AlignRight, entry.value_text)
        row.translate(0, line)
        who, metrics, left = who_label(entry.ref), QFontMetrics(font), row.width()
        if entry.aside:
            painter.drawText(row, Qt.AlignRight, entry.aside)
            left -= metrics.horizontalAdvance(entry.aside) + PAD
        painter.setPen(faded(ink, 190))
        short = (
            fitted(who, metrics, left)
            if who
            else metrics.elidedText(entry.ref.path.name, Qt.ElideMiddle, left)
        )
        painter.drawText(row, Qt.AlignLeft, short)
        if self.moves and entry.rank:
            row.translate(0, line)
            painter.setPen(ink)
            painter.drawText(row, Qt.AlignLeft, move_text(entry.move))

    def _draw_words_beside(
        self, painter: QPainter, room: QRect, entry: ResultEntry, font: QFont, ink: QColor
    ) -> None:
        """Rank, score, camera, and what else there is, one below the other."""
        metrics = QFontMetrics(font)
        track = self._track_words(entry)
        camera = short_camera(entry.ref) or ("" if track else entry.ref.path.name)
        camera = f"{camera} {track}".strip()
        lines = [(f"{entry.rank:,}" if entry.rank else "–", bold(font), ink)]
        lines += [(entry.value_text, font, ink), (camera, font, faded(ink, 190))]
        if self.aside:
            lines.append((entry.aside, font, ink))
        if self.moves and entry.rank:
            lines.append((move_text(entry.move), font, ink))
        row = QRect(room.left(), room.top(), room.width(), metrics.lineSpacing())
        for text, style, colour in lines:
            painter.setFont(style)
            painter.setPen(colour)
            painter.drawText(
                row, Qt.AlignLeft, metrics.elidedText(text, Qt.ElideMiddle, row.width())
            )
            row.translate(0, metrics.lineSpacing())
