"""The groups of an adaptation as rows of small pictures, with what a person takes out of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QModelIndex, QObject, QPoint, QRect, QSize, Qt
from PyQt5.QtGui import QFontMetrics, QPainter, QPalette, QPen
from PyQt5.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.items.captions import bold
from app.items.row_models import ListModel
from app.items.selection import draw_ground
from app.items.thumbnail import draw_thumbnail, faded
from app.jobs.images import ImageLoader
from app.state.adaptation import Adaptation
from qaconv_core.adaptation.pictures import cameras_in_turn, largest_first
from qaconv_core.readable import counted
from qaconv_core.types import ImageRef

if TYPE_CHECKING:  # it loads torch
    from qaconv_core.adaptation import FoundGroups

NUMBER_ROLE = Qt.UserRole
"""A row's number of its group, from 1."""
PICTURES_ROLE = Qt.UserRole + 1
"""The pictures of a row, in the order that they are shown."""
PAD, WORDS = 8, 152
PICTURE = QSize(44, 88)
OUT_OPACITY = 0.3


class FoundGroupModel(ListModel):
    """A row for each group, by its number: those to learn from first, the largest at the top.

    Whoever owns it calls :meth:`refresh` when the groups, or what is taken out, change.
    """

    def __init__(self, adaptation: Adaptation, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.adaptation = adaptation
        self._found: FoundGroups | None = None
        self._pictures: dict[int, list[ImageRef]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Show the groups that are known now."""
        found = self.adaptation.found
        if found is self._found:
            self.tell_changed()
            return
        self._found, self._pictures = found, {}
        order = [] if found is None else largest_first(found.groups)
        held = frozenset() if found is None else found.held_out
        self.show_rows([n for n in order if n not in held] + [n for n in order if n in held])

    def number(self, row: int) -> int:
        """The number of a row's group, from 1."""
        return int(self.rows[row])

    def pictures(self, number: int) -> list[ImageRef]:
        """A group's pictures, cameras in turn."""
        if number not in self._pictures and self._found is not None:
            self._pictures[number] = cameras_in_turn(self._found.groups[number - 1])
        return self._pictures[number]

    def state(self, number: int) -> str:
        """What is to be said of a group beside its size."""
        assert self._found is not None
        if number in self._found.held_out:
            return "held out for the check"
        if number in self.adaptation.groups_out:
            return "taken out"
        out = sum(ref.path in self.adaptation.pictures_out for ref in self.pictures(number))
        return f"{out:,} taken out" if out else ""

    def size_words(self, number: int) -> str:
        """``18 pictures, 5 cameras``."""
        group = self.pictures(number)
        cameras = len({ref.camid for ref in group} - {None})
        words = counted(len(group), "picture")
        return words + (f", {counted(cameras, 'camera')}" if cameras else "")

    def shown(self, row: int, role: int) -> Any:
        """Words, the number, the pictures."""
        number = self.number(row)
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            parts = (f"Group {number}", self.size_words(number), self.state(number))
            return ", ".join(filter(None, parts))
        if role == NUMBER_ROLE:
            return number
        return self.pictures(number) if role == PICTURES_ROLE else None


class FoundGroupDelegate(QStyledItemDelegate):
    """What a group is called, then as many of its pictures as there is room for."""

    def __init__(
        self, model: FoundGroupModel, thumbnails: ImageLoader, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self.thumbnails = model, thumbnails
        self.column = 0
        """The picture of the current row that the keys are on."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(WORDS + 4 * PICTURE.width(), PICTURE.height() + 2 * PAD)

    def places(self, room: QRect, count: int) -> list[QRect]:
        """Where the pictures of a row stand; fewer than ``count`` where there is not room."""
        wide = PICTURE.width() + PAD // 2
        left = room.left() + WORDS
        fit = max(1, (room.right() - PAD - left) // wide)
        if count > fit:
            fit = max(1, fit - 1)  # the last place says how many more there are
        corner = QPoint(left, room.top() + PAD)
        return [QRect(corner + QPoint(k * wide, 0), PICTURE) for k in range(min(fit, count))]

    def picture_at(self, room: QRect, count: int, point: QPoint) -> int | None:
        """The picture under ``point`` in a row that takes ``room``."""
        places = self.places(room, count)
        return next((k for k, place in enumerate(places) if place.contains(point)), None)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        painter.save()
        painter.setRenderHints(QPainter.SmoothPixmapTransform | QPainter.Antialiasing)
        draw_ground(painter, option)
        number, pictures = index.data(NUMBER_ROLE), index.data(PICTURES_ROLE)
        self._words(painter, option, number)
        places = self.places(option.rect, len(pictures))
        keys = option.state & QStyle.State_Selected and option.state & QStyle.State_HasFocus
        for k, (ref, place) in enumerate(zip(pictures, places, strict=False)):
            out = self._is_out(number, ref.path)
            painter.setOpacity(OUT_OPACITY if out else 1.0)
            covered = draw_thumbnail(painter, place, ref.path, self.thumbnails, option.palette)
            painter.setOpacity(1.0)
            if out:
                _strike(painter, covered, option.palette)
            if keys and k == self.column:
                painter.setPen(QPen(option.palette.color(QPalette.Highlight), 2))
                painter.setBrush(Qt.NoBrush)
                painter.drawRect(covered.adjusted(-2, -2, 2, 2))
        if len(places) < len(pictures):
            room = places[-1].translated(PICTURE.width() + PAD // 2, 0)
            painter.setPen(faded(option.palette.color(QPalette.Text), 190))
            painter.drawText(room, Qt.AlignCenter, f"+{len(pictures) - len(places):,}")
        painter.restore()

    def _is_out(self, number: int, path: Path) -> bool:
        known = self._model.adaptation
        held = known.found is not None and number in known.found.held_out
        return not held and (number in known.groups_out or path in known.pictures_out)

    def _words(self, painter: QPainter, option: QStyleOptionViewItem, number: int) -> None:
        ink = option.palette.color(QPalette.Text)
        faint = faded(ink, 190)
        line = QFontMetrics(option.font).lineSpacing()
        place = QRect(option.rect.left() + 2 * PAD, option.rect.top() + PAD, WORDS - 3 * PAD, line)
        for text, font, colour in (
            (f"Group {number}", bold(option.font), ink),
            *((part, option.font, faint) for part in self._model.size_words(number).split(", ")),
            (self._model.state(number), option.font, ink),
        ):
            painter.setFont(font)
            painter.setPen(colour)
            short = QFontMetrics(font).elidedText(text, Qt.ElideRight, place.width())
            painter.drawText(place, int(Qt.AlignLeft | Qt.AlignVCenter), short)
            place.translate(0, line + 1)


def _strike(painter: QPainter, room: QRect, palette: QPalette) -> None:
    """A line across a picture that is taken out."""
    painter.setPen(QPen(faded(palette.color(QPalette.Text), 200), 2))
    painter.drawLine(room.bottomLeft(), room.topRight())
