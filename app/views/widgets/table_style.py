"""Tables whose columns keep apart."""

from __future__ import annotations

from PyQt5.QtCore import QSize
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import QStyle, QStyleOption, QStyleOptionHeader, QTableView, QWidget

from app.views.widgets.theme import OutlinedStyle

AIR = 6
"""Pixels more at either side of what a cell or a title says."""


class SpacedTableStyle(OutlinedStyle):
    """Fusion with more room beside the words of a table."""

    def pixelMetric(
        self,
        metric: QStyle.PixelMetric,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
    ) -> int:
        """The margin of a cell's words is wider."""
        usual = super().pixelMetric(metric, option, widget)
        return usual + AIR if metric == QStyle.PM_FocusFrameHMargin else usual

    def sizeFromContents(
        self,
        kind: QStyle.ContentsType,
        option: QStyleOption | None,
        size: QSize,
        widget: QWidget | None = None,
    ) -> QSize:
        """A title needs more room."""
        usual = super().sizeFromContents(kind, option, size, widget)
        return usual + QSize(2 * AIR, 0) if kind == QStyle.CT_HeaderSection else usual

    def drawControl(
        self,
        element: QStyle.ControlElement,
        option: QStyleOption | None,
        painter: QPainter | None,
        widget: QWidget | None = None,
    ) -> None:
        """A title stands over the words of its column."""
        if element == QStyle.CE_HeaderLabel and isinstance(option, QStyleOptionHeader):
            option = QStyleOptionHeader(option)
            option.rect = option.rect.adjusted(AIR, 0, -AIR, 0)
        super().drawControl(element, option, painter, widget)


def space_columns(table: QTableView) -> None:
    """Keep the columns of a table apart."""
    style = SpacedTableStyle()
    style.setParent(table)
    for widget in (table, table.horizontalHeader()):
        widget.setStyle(style)
