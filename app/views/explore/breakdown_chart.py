"""The score breakdown as bars; the bar of a cell can be pointed at and clicked."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import (
    QHelpEvent,
    QHideEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
)
from PyQt5.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.items.breakdown_painter import (
    BreakdownPainter,
    BreakdownRow,
    BreakdownSection,
    height_of,
    sections_of,
    spoken,
)
from app.jobs.images import ImageLoader
from app.state import words
from app.state.overlay import matched_cell
from app.state.scene import is_stale
from app.state.score_breakdown import ScoreBreakdown, breakdown_of, zone_terms
from app.state.why import breakdown_of_difference
from app.state.workspace import Workspace
from app.state.zones import PairZones
from app.views.widgets.stale_overlay import StaleOverlay
from qaconv_core.explaining.values import NormalisedBreakdown, Relative
from qaconv_core.galleries.values import PairView
from qaconv_core.readable import counted

EMPTY = "The score breakdown stands here once there is a match."
POSITIVE, NEGATIVE = 4, 2
"""Cells named of those that speak for the match, and against it."""
_TIPS = {
    "zone": words.ZONE,
    "strongest": "The cells listed above, together.",
    "rest": words.REST,
    "bias": words.BIAS,
    "usual": words.USUAL,
    "difference": words.DIFFERENCE,
    "logit": words.LOGIT,
    "normalised": words.NORMALISED_SCORE,
}


class BreakdownChart(QWidget):
    """Bars: the strongest cells, then every term of the sum. A click on a cell pins it."""

    def __init__(
        self, workspace: Workspace, pictures: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.pictures = workspace, pictures
        pictures.loaded.connect(self._picture_arrived)
        self.stale_overlay = StaleOverlay(self)
        self._sections: tuple[BreakdownSection, ...] = ()
        self._shown: PairView | None = None
        self._marked: tuple[BreakdownRow, ...] = ()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setAccessibleName("Score breakdown")
        self.setMouseTracking(True)
        workspace.pair_changed.connect(self.refresh)
        workspace.look_changed.connect(self.refresh)
        workspace.parts.changed.connect(self._on_drawn)
        workspace.selection_changed.connect(self._on_cell)
        workspace.pair_stale_changed.connect(self._on_cell)
        workspace.hover_changed.connect(self._mark)
        self.refresh()

    def refresh(self) -> None:
        """Show the workspace's pair."""
        pair = self._shown = self.workspace.shown_pair
        self._sections = (
            ()
            if pair is None
            else sections_of(
                self._sum(pair), pair, self._zones(pair), self._by_zone(pair), float(self.width())
            )
        )
        self.stale_overlay.set(is_stale(self.workspace))
        self.setAccessibleDescription(spoken(self._sections) or EMPTY)
        self._marked = self._rows_of_cell()
        self.setMinimumHeight(round(height_of(self._sections)) or 96)
        self.updateGeometry()
        self.update()

    def _on_drawn(self) -> None:
        if self.workspace.shown_pair is not self._shown:
            self.refresh()

    def _sum(self, pair: PairView) -> ScoreBreakdown:
        """Of the logit; of the difference of two where they are compared."""
        why = self.workspace.shown_why
        return (
            breakdown_of(pair.match, POSITIVE, NEGATIVE, relative=self._relative)
            if why is None
            else breakdown_of_difference(why)
        )

    def _zones(self, pair: PairView) -> tuple[PairZones, ...]:
        other = self.workspace.other_pair
        return tuple(self.workspace.zones_of(p) for p in (pair, other) if p is not None)

    def _by_zone(self, pair: PairView) -> tuple[tuple[str, float], ...]:
        """Sums by zone; none where two candidates are compared."""
        space = self.workspace
        if space.shown_why is not None:
            return ()
        return zone_terms(pair, space.zones_of(pair), space.look.measure)

    def _paths(self) -> tuple[Path, ...]:
        """The files of query and candidate of the pair shown."""
        pair, data = self.workspace.pair, self.workspace.data
        if pair is None or data is None:
            return ()
        return data.query[pair.query].path, data.gallery[pair.candidate].path

    def _picture_arrived(self, path: object) -> None:
        if path in self._paths():
            self.update()

    @property
    def _relative(self) -> Relative | None:
        """Contributions above average, or parts of the normalised score, where the look asks for
        them and they are known."""
        pair = self.workspace.shown_pair
        wanted = self.workspace.look.measure == "relative"
        return pair.relative if wanted and pair is not None else None

    def _on_cell(self) -> None:
        self.stale_overlay.set(is_stale(self.workspace))
        self._mark()

    def _rows_of_cell(self) -> tuple[BreakdownRow, ...]:
        """The bars of the cell that is pointed at or pinned."""
        cell = self.workspace.cell
        if cell is None:
            return ()
        return tuple(row for row in self.rows if row.part.cell == cell)

    def _mark(self) -> None:
        """Another cell is pointed at: paint anew what is or was marked, and no more."""
        marked = self._rows_of_cell()
        for row in (*self._marked, *marked) if marked != self._marked else ():
            whole = QRectF(0, row.rect.top(), self.width(), row.rect.height())
            self.update(whole.adjusted(0, -2, 0, 2).toAlignedRect())
        self._marked = marked

    @property
    def rows(self) -> tuple[BreakdownRow, ...]:
        """All bars from the top."""
        return tuple(row for section in self._sections for row in section.rows)

    def row_at(self, at: QPointF) -> BreakdownRow | None:
        """The bar under a point."""
        return next((row for row in self.rows if row.rect.contains(at)), None)

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(280, round(height_of(self._sections)) or 96)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the sections, or the text of the empty chart."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        if not self._sections:
            painter.setPen(self.palette().color(QPalette.WindowText))
            flags = int(Qt.AlignCenter) | int(Qt.TextWordWrap)
            painter.drawText(self.rect(), flags, EMPTY)
            return
        marked = list(self._rows_of_cell())
        pair = self.workspace.pair
        assert pair is not None
        query, gallery = (self.pictures.get(path) for path in self._paths())
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        bars = BreakdownPainter(
            painter, self.font(), self.palette(), (query, gallery), pair.match.grid
        )
        bars.paint(self._sections, float(self.width()), marked)
        self.stale_overlay.paint(painter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Rows are as wide as the chart."""
        if event.size().width() != event.oldSize().width():
            self.refresh()
        super().resizeEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """A hidden chart is never greyed."""
        self.stale_overlay.stop()
        super().hideEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Pin the cell of a bar, or release it."""
        row = self.row_at(event.localPos())
        if row is not None and row.part.cell is not None and event.button() == Qt.LeftButton:
            pinned = self.workspace.selection.cell
            self.workspace.pin(None if pinned == row.part.cell else row.part.cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pointing at the bar of a cell shows it in the pictures."""
        row = self.row_at(event.localPos())
        self.workspace.set_hover(None if row is None else row.part.cell)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        self.workspace.set_hover(None)
        super().leaveEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tooltips with the whole number and the sentence that explains it."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.ToolTip:
            row = self.row_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if row is None else self._tip(row), self)
            return True
        return super().event(event)

    def _tip(self, row: BreakdownRow) -> str:
        pair = self.workspace.shown_pair
        number = f"{row.label}: {words.decimals(row.part.value, 5, signed=True)}"
        if row.part.kind == "rest":
            number += f" ({counted(row.part.cells, 'cell')})"
        if row.part.own_cell is not None and pair is not None:
            place = words.cell_sentence(row.part.own_cell, pair.match.grid)
            return f"{number}\n{place}\n{words.DIFFERENCE}"
        if row.part.cell is not None and pair is not None:
            zones, cell = self.workspace.zones_of(pair), row.part.cell
            ends = [
                f"{zones.words(end)}: {words.cell_sentence(end.number, pair.match.grid)}"
                for end in (cell, matched_cell(pair, cell))
            ]
            ends[1] = f"matched with {ends[1]}"
            told = words.BEYOND if self._relative else words.ADDS
            if isinstance(self._relative, NormalisedBreakdown):
                told = words.ABOVE_STRANGERS
            return "\n".join((number, *ends, told))
        return f"{number}\n{_TIPS[row.part.kind]}"
