"""The gallery's tiles: pictures in an order of their own, with who is on them and when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, QSize, Qt
from PyQt5.QtGui import QFont, QFontMetrics, QPainter, QPalette, QPen
from PyQt5.QtWidgets import QStyle, QStyleOptionViewItem

from app.items.dragged import DragsFiles
from app.items.result_delegate import FRAME, PAD, ResultDelegate
from app.items.row_texts import count_text, who_sentence
from app.items.selection import draw_ground
from app.items.thumbnail import draw_thumbnail, faded
from app.state.gallery import Gallery
from app.state.words import short_camera, time_text
from qaconv_core.data.names import shown_person
from qaconv_core.types import ImageRef

TILE_ROLE = Qt.UserRole


@dataclass(frozen=True)
class GalleryTile:
    """A picture: its gallery index, the person given to it ("" for none), the near-duplicates that
    its tile begins, itself among them, and whether these are unfolded."""

    picture: int
    ref: ImageRef
    person: str
    count: int
    open: bool

    @property
    def badge(self) -> str:
        """What stands in the tile's corner; empty where the picture stands alone."""
        if self.count < 2:
            return ""
        return f"{'−' if self.open else '×'} {count_text(self.count)}"

    @property
    def spoken(self) -> str:
        """File, person, camera, time and near-duplicates, a line each."""
        who = who_sentence(self.ref)
        named = f"You call this person {self.person}" if self.person else ""
        alike = ""
        if self.count > 1:
            state = "unfolded" if self.open else "folded into this tile"
            alike = f"{count_text(self.count)} near-duplicates, {state}"
        lines = (self.ref.path.name, who, named, time_text(self.ref.time), alike)
        return "\n".join(line for line in lines if line)


class GalleryModel(DragsFiles, QAbstractListModel):
    """Rows are those of ``gallery``."""

    def __init__(self, gallery: Gallery, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.gallery = gallery
        self._row_of: dict[int, int] | None = None
        gallery.changed.connect(self._update)

    def _update(self) -> None:
        self.beginResetModel()
        self._row_of = None
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Tiles."""
        return 0 if parent.isValid() else len(self.gallery.rows)

    def picture_at(self, row: int) -> int:
        """The gallery index of a row."""
        return int(self.gallery.rows.pictures[row])

    def row_of(self, picture: int) -> int | None:
        """The row of a gallery index; None where it is not listed."""
        if self._row_of is None:
            pictures = self.gallery.rows.pictures.tolist()
            self._row_of = {picture: row for row, picture in enumerate(pictures)}
        return self._row_of.get(picture)

    def path_at(self, row: int) -> Path:
        """The file of a row."""
        return self.tile(row).ref.path

    file_of = path_at

    def tile(self, row: int) -> GalleryTile:
        """What a row shows."""
        gallery, data = self.gallery, self.gallery.space.data
        assert data is not None
        picture = self.picture_at(row)
        return GalleryTile(
            picture, data.gallery[picture], gallery.persons.get(picture, ""),
            int(gallery.rows.counts[row]), bool(gallery.rows.open[row]),
        )  # fmt: skip

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        """The tile, its file name, and what a screen reader says."""
        if not index.isValid() or index.row() >= self.rowCount():
            return None
        tile = self.tile(index.row())
        if role == TILE_ROLE:
            return tile
        if role == Qt.ToolTipRole:
            return tile.spoken
        if role == Qt.AccessibleTextRole:
            return tile.spoken.replace("\n", ", ")
        return tile.ref.path.name if role == Qt.DisplayRole else None


class GalleryDelegate(ResultDelegate):
    """Picture, person or file, camera and time; a plate with the number of near-duplicates."""

    def _lines(self) -> int:
        return 2 if self.wordy else 0

    def tile_size(self, font: QFont, picture: int) -> QSize:
        """Room for a picture half as wide as high, and for two short lines."""
        metrics = QFontMetrics(font)
        words = metrics.horizontalAdvance("c8 · 88:88:88") if self.wordy else 0
        wide = max(words, picture // 2 + 2 * FRAME) + 4 * PAD
        high = picture + 2 * FRAME + self._lines() * metrics.lineSpacing()
        return QSize(wide, high + (4 if self.wordy else 3) * PAD)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        tile: GalleryTile = index.data(TILE_ROLE)
        painter.save()
        painter.setRenderHints(QPainter.SmoothPixmapTransform | QPainter.Antialiasing)
        draw_ground(painter, option, bool(option.state & QStyle.State_HasFocus))
        ink = option.palette.color(QPalette.Text)
        room, words = self._shared_out(option)
        inner = room.adjusted(FRAME, FRAME, -FRAME, -FRAME)
        covered = draw_thumbnail(painter, inner, tile.ref.path, self.thumbnails, option.palette)
        painter.setBrush(Qt.NoBrush)
        painter.setPen(QPen(faded(ink, 70), 1))
        painter.drawRect(covered)
        if tile.badge:
            self._draw_badge(painter, self.badge_rect(option, tile), tile, option)
        if self.wordy:
            moment = time_text(tile.ref.time)
            where = " · ".join(t for t in (short_camera(tile.ref), moment) if t)
            who = shown_person(tile.ref)
            metrics, row = QFontMetrics(option.font), QRect(words)
            row.setHeight(metrics.lineSpacing())
            painter.setFont(option.font)
            for text, colour in ((tile.person or who or tile.ref.path.name, ink),
                                 (where, faded(ink, 190))):  # fmt: skip
                painter.setPen(colour)
                short = metrics.elidedText(text, Qt.ElideMiddle, row.width())
                painter.drawText(row, Qt.AlignCenter, short)
                row.translate(0, metrics.lineSpacing())
        painter.restore()

    def badge_rect(self, option: QStyleOptionViewItem, tile: GalleryTile) -> QRect:
        """Where the plate of near-duplicates stands; empty where there is none."""
        if not tile.badge:
            return QRect()
        metrics, room = QFontMetrics(option.font), self._shared_out(option)[0]
        size = QSize(metrics.horizontalAdvance(tile.badge) + 12, metrics.height() + 4)
        return QRect(room.topRight() - QRect(0, 0, size.width() - 1, 0).topRight(), size)

    def _draw_badge(
        self, painter: QPainter, place: QRect, tile: GalleryTile, option: QStyleOptionViewItem
    ) -> None:
        painter.setPen(QPen(option.palette.color(QPalette.Mid), 1))
        painter.setBrush(option.palette.color(QPalette.Button))
        painter.drawRoundedRect(place, place.height() / 2, place.height() / 2)
        painter.setPen(option.palette.color(QPalette.ButtonText))
        painter.setFont(option.font)
        painter.drawText(place, Qt.AlignCenter, tile.badge)
