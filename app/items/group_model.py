"""Groups of errors under their headings, as rows; each with its mean map as a small picture."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QModelIndex, QObject, QRect, QSize, Qt
from PyQt5.QtGui import QFontMetrics, QImage, QPainter, QPalette
from PyQt5.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.items.captions import bold
from app.items.mean_map_image import image_of, paint_mean
from app.items.row_models import ListModel
from app.items.selection import draw_ground
from app.items.thumbnail import faded
from app.state.insight_words import group_line, group_title, margin_words
from app.state.insights import ErrorFindings, mean_scale
from qaconv_core.readable import counted

GROUP_ROLE = Qt.UserRole
"""A row's group of failures; None for a heading."""
PICTURE_ROLE = Qt.UserRole + 1
GAP = 8
MAP = QSize(28, 56)


class GroupModel(ListModel):
    """Rows are headings (plain text) and groups."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures: dict[str, QImage] = {}

    def set_findings(self, found: ErrorFindings | None) -> None:
        """Show other findings."""
        rows: list[Any] = []
        for section in () if found is None else found.sections:
            if len(section.groups) > 1 or section.groups[0].name != "all":
                rows.append(section.title)
            rows += section.groups
        averages = {} if found is None else found.averages
        self._pictures = {name: image_of(p) for name, p in averages.items()}
        self.show_rows(rows)

    def picture(self, name: str) -> QImage | None:
        """The average picture of a group, greyed."""
        return self._pictures.get(name)

    def row_of(self, name: str) -> int:
        """The row of a group; of the first one where there is none of that name."""
        for row, entry in enumerate(self.rows):
            if not isinstance(entry, str) and entry.name == name:
                return row
        return 0

    def flags(self, index: QModelIndex) -> Qt.ItemFlags:
        """Headings cannot be chosen."""
        if index.isValid() and isinstance(self.rows[index.row()], str):
            return Qt.ItemFlags(Qt.NoItemFlags)
        return super().flags(index)

    def shown(self, row: int, role: int) -> Any:
        """Words, the group itself, its picture."""
        entry = self.rows[row]
        if isinstance(entry, str):
            return entry if role in (Qt.DisplayRole, Qt.AccessibleTextRole) else None
        if role == Qt.DisplayRole:
            return "All" if entry.name == "all" else group_title(entry.name)
        if role in (Qt.AccessibleTextRole, Qt.ToolTipRole):
            return group_line(entry)
        if role == GROUP_ROLE:
            return entry
        return self._pictures.get(entry.name) if role == PICTURE_ROLE else None


class GroupDelegate(QStyledItemDelegate):
    """A small map, the name, how many failures and their mean margin."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        line = QFontMetrics(option.font).lineSpacing()
        if index.data(GROUP_ROLE) is None:
            return QSize(160, line + 2 * GAP)
        return QSize(160, MAP.height() + GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        painter.save()
        group = index.data(GROUP_ROLE)
        room = option.rect.adjusted(GAP, GAP // 2, -GAP, -GAP // 2)
        if group is None:
            painter.setPen(faded(option.palette.color(QPalette.Text), 170))
            text = option.fontMetrics.elidedText(index.data(), Qt.ElideRight, room.width())
            painter.drawText(room, int(Qt.AlignLeft | Qt.AlignBottom), text)
            painter.restore()
            return
        painter.setRenderHint(QPainter.Antialiasing)
        draw_ground(painter, option)
        place = QRect(room.topLeft(), MAP)
        picture = index.data(PICTURE_ROLE)
        paint_mean(painter, place, group.mean, mean_scale(group), picture, option.palette)
        self._words(painter, option, room.adjusted(MAP.width() + GAP, 0, 0, 0), index)
        painter.restore()

    def _words(
        self, painter: QPainter, option: QStyleOptionViewItem, room: QRect, index: QModelIndex
    ) -> None:
        ink = option.palette.color(QPalette.Text)
        strong = bold(option.font)
        line = QFontMetrics(option.font).lineSpacing()
        top = room.top() + (room.height() - 2 * line) // 2
        group, faint = index.data(GROUP_ROLE), faded(ink, 190)
        first = QRect(room.left(), top, room.width(), line)
        count = counted(len(group.examples), "error")
        painter.setFont(option.font)
        painter.setPen(faint)
        painter.drawText(first, int(Qt.AlignRight | Qt.AlignVCenter), count)
        painter.drawText(first.translated(0, line), Qt.AlignLeft, margin_words(group.margin))
        painter.setFont(strong)
        painter.setPen(ink)
        left = room.width() - option.fontMetrics.horizontalAdvance(count) - GAP
        name = QFontMetrics(strong).elidedText(index.data(), Qt.ElideRight, left)
        painter.drawText(first, int(Qt.AlignLeft | Qt.AlignVCenter), name)
