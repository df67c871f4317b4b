"""The candidate's logit as a mark on the distributions of this query's gallery."""

from __future__ import annotations

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPixmap, QPolygonF
from PyQt5.QtWidgets import QSizePolicy, QWidget

from app.items.colours import truth_colour
from app.state import words
from app.state.score_context import Distribution, context_words, distribution_of
from app.state.workspace import Workspace
from qaconv_core.types import RankingResult

HIGH = 40
TIP = (
    "How the pictures of this query's gallery are spread: the true matches in teal, all others in "
    "grey, each to its own height. The line is this candidate."
)


class ScoreContext(QWidget):
    """Two outlines and a line; hidden while the ranking is not that of the pair shown."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self._of: RankingResult | None = None
        self._distribution: Distribution | None = None
        self._ground: tuple[object, QPixmap] | None = None
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setAccessibleName("The candidate among this query's gallery")
        self.setToolTip(TIP)
        for event in (workspace.ranking_changed, workspace.pair_changed):
            event.connect(self.refresh)
        self.refresh()

    def sizeHint(self) -> QSize:
        """One low strip."""
        return QSize(240, HIGH)

    @property
    def value(self) -> float | None:
        """What the shown candidate is ranked by; None where that is not known."""
        ranking, pair = self.workspace.ranking, self.workspace.pair
        if ranking is None or pair is None or pair.query not in ranking.queries:
            return None
        known = ranking.place_of(pair.candidate) >= 0
        return float(ranking.value_of(pair.candidate)) if known else None

    @property
    def words(self) -> str:
        """How it stands, in a few words; empty where that is not known."""
        value, distribution = self.value, self._distribution
        return "" if value is None or distribution is None else context_words(distribution, value)

    def refresh(self) -> None:
        """Follow ranking and pair."""
        ranking = self.workspace.ranking
        if ranking is not self._of:
            self._of = ranking
            self._distribution = None if ranking is None else distribution_of(ranking)
        self.setVisible(self._distribution is not None and self.value is not None)
        self.setAccessibleDescription(self.words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Others, then true ones, then the candidate."""
        found, value = self._distribution, self.value
        if found is None or value is None:
            return
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._painted_ground(found))
        painter.setRenderHint(QPainter.Antialiasing)
        ink, room = self.palette().color(QPalette.WindowText), self._room()
        x = 1 + found.position(value) * (room.width() - 2)
        painter.setPen(QPen(ink, 2))
        painter.drawLine(QPointF(x, 0), QPointF(x, room.bottom() + 2))
        painter.setPen(self.palette().color(QPalette.PlaceholderText))
        low, high = (words.decimals(end, 1, signed=True) for end in (found.low, found.high))
        painter.drawText(QPointF(0, self.height() - 4), low)
        right = self.width() - self.fontMetrics().horizontalAdvance(high)
        painter.drawText(QPointF(right, self.height() - 4), high)
        painter.end()

    def _room(self) -> QRectF:
        """Where the outlines stand."""
        return QRectF(0, 2, self.width(), self.height() - self.fontMetrics().height() - 4)

    def _painted_ground(self, found: Distribution) -> QPixmap:
        """The outlines, which stay the same from one candidate to the next."""
        ratio, ink = self.devicePixelRatioF(), self.palette().color(QPalette.WindowText)
        key = found, self.size(), self._room(), ratio, ink.rgba()
        if self._ground is None or self._ground[0] != key:
            ground = QPixmap(self.size() * ratio)
            ground.setDevicePixelRatio(ratio)
            ground.fill(Qt.transparent)
            painter = QPainter(ground)
            self._paint_outlines(painter, found)
            painter.end()
            self._ground = key, ground
        return self._ground[1]

    def _paint_outlines(self, painter: QPainter, found: Distribution) -> None:
        """Others, then true ones."""
        painter.setRenderHint(QPainter.Antialiasing)
        ink, room = self.palette().color(QPalette.WindowText), self._room()
        grey = QColor(ink)
        grey.setAlphaF(0.35)
        teal = truth_colour(RankingResult.TRUE) or ink
        for counts, colour in ((found.others, grey), (found.true, teal)):
            most = int(counts.max())
            if not most:
                continue
            step = room.width() / len(counts)
            outline = QPolygonF([room.bottomLeft()])
            for place, count in enumerate(counts.tolist()):
                high = room.bottom() - room.height() * count / most
                outline.append(QPointF(place * step, high))
                outline.append(QPointF((place + 1) * step, high))
            outline.append(room.bottomRight())
            fill = QColor(colour)
            fill.setAlphaF(0.3 * colour.alphaF())
            painter.setPen(QPen(colour, 1.2))
            painter.setBrush(fill)
            painter.drawPolygon(outline)
