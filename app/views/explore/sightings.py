"""Confirmed sightings on a timeline, a row for each camera."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PyQt5.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.items.decision_marks import paint_decided
from app.items.thumbnail import faded
from app.jobs.case_jobs import Confirmed
from app.state.words import time_text
from qaconv_core.naming import camera_label, camera_words

ROW, MARK, LEFT, RIGHT = 22, 14, 36, 12
NONE = "Confirmed candidates stand here, by camera and time."
REACH = 10.0


class SightingTimeline(QWidget):
    """``chosen`` carries the place of the sighting that was clicked."""

    chosen = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sightings: tuple[Confirmed, ...] = ()
        self._current = -1
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setAccessibleName("Confirmed sightings by camera and time")

    def show_sightings(self, sightings: Sequence[Confirmed]) -> None:
        """Show others, ordered by time; those without a time come last."""
        found = sorted(sightings, key=lambda s: (s.time is None, s.time or 0.0))
        self.sightings = tuple(found)
        self._current = min(self._current, len(found) - 1)
        self.setAccessibleDescription("; ".join(map(sighting_words, found)) or NONE)
        self.updateGeometry()
        self.update()

    @property
    def rows(self) -> list[int | None]:
        """The cameras, in their order; None for pictures of no known camera."""
        found = {sighting.camid for sighting in self.sightings}
        return [*sorted(camid for camid in found if camid is not None),
                *([None] if None in found else [])]  # fmt: skip

    def sizeHint(self) -> QSize:
        """A line for each camera, and one for the times."""
        return QSize(280, ROW * (max(1, len(self.rows)) + 1))

    minimumSizeHint = sizeHint

    def point_of(self, place: int) -> QPointF:
        """The middle of a sighting's mark."""
        sighting = self.sightings[place]
        times = [s.time for s in self.sightings if s.time is not None]
        room = self.width() - LEFT - RIGHT
        if sighting.time is None:
            share = 1.0
        elif max(times) == min(times):
            share = 0.5 if len(times) == len(self.sightings) else 0.4
        else:
            share = (sighting.time - min(times)) / (max(times) - min(times))
            share *= 1.0 if len(times) == len(self.sightings) else 0.85
        return QPointF(LEFT + share * room, ROW * (self.rows.index(sighting.camid) + 0.5))

    def place_at(self, at: QPointF) -> int | None:
        """The sighting whose mark is meant; the last of those that lie over each other."""
        near = [
            i
            for i in range(len(self.sightings))
            if (self.point_of(i) - at).manhattanLength() <= REACH
        ]
        return near[-1] if near else None

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A line for each camera, a mark for each sighting, the first and the last time."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        ink = self.palette().color(QPalette.WindowText)
        faint = faded(ink, 150)
        if not self.sightings:
            painter.setPen(faint)
            painter.drawText(self.rect(), int(Qt.AlignCenter) | int(Qt.TextWordWrap), NONE)
            return
        names = {sighting.camid: sighting.camera for sighting in self.sightings}
        for row, camid in enumerate(self.rows):
            middle = ROW * (row + 0.5)
            painter.setPen(ink)
            name = camera_label(camid, names.get(camid, "")) or "–"
            painter.drawText(QRectF(0, middle - ROW / 2, LEFT - 8, ROW),
                             int(Qt.AlignRight | Qt.AlignVCenter), name)  # fmt: skip
            painter.setPen(QPen(faded(ink, 60), 1))
            painter.drawLine(QPointF(LEFT, middle), QPointF(self.width() - RIGHT, middle))
        for place in range(len(self.sightings)):
            side = QRectF(0, 0, MARK, MARK)
            side.moveCenter(self.point_of(place))
            paint_decided(painter, side, "confirm")
            if place == self._current and self.hasFocus():
                painter.setPen(QPen(self.palette().color(QPalette.Highlight), 2))
                painter.setBrush(Qt.NoBrush)
                painter.drawEllipse(side.adjusted(-3, -3, 3, 3))
        self._paint_times(painter)

    def _paint_times(self, painter: QPainter) -> None:
        times = [s.time for s in self.sightings if s.time is not None]
        painter.setPen(faded(self.palette().color(QPalette.WindowText), 150))
        foot = QRectF(LEFT, ROW * len(self.rows), self.width() - LEFT - RIGHT, ROW)
        if not times:
            painter.drawText(foot, Qt.AlignCenter, "times not known")
            return
        painter.drawText(foot, int(Qt.AlignLeft | Qt.AlignVCenter), time_text(min(times)))
        last = "no time" if len(times) < len(self.sightings) else ""
        if not last and max(times) > min(times):
            last = time_text(max(times))
        painter.drawText(foot, int(Qt.AlignRight | Qt.AlignVCenter), last)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a sighting."""
        place = self.place_at(QPointF(event.pos()))
        if event.button() == Qt.LeftButton and place is not None:
            self._choose(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right walk through the sightings."""
        if event.key() not in (Qt.Key_Left, Qt.Key_Right) or not self.sightings:
            super().keyPressEvent(event)
            return
        step = 1 if event.key() == Qt.Key_Right else -1
        self._choose(min(max(self._current + step, 0), len(self.sightings) - 1))

    def _choose(self, place: int) -> None:
        self._current = place
        self.update()
        self.chosen.emit(place)

    def event(self, event: QEvent) -> bool:
        """Say which sighting lies under the pointer."""
        if event.type() == QEvent.ToolTip and isinstance(event, QHelpEvent):
            place = self.place_at(QPointF(event.pos()))
            text = "" if place is None else sighting_words(self.sightings[place])
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)


def sighting_words(sighting: Confirmed) -> str:
    """ "camera 3, 17:22, 0002_c3.jpg"."""
    camera = camera_words(sighting.camid, sighting.camera)
    return ", ".join(part for part in (camera, time_text(sighting.time), sighting.name) if part)
