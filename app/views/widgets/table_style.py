"""A style that puts more space between the columns and rows of tables and lists."""

from __future__ import annotations

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyleOption,
    QStyleOptionHeader,
    QTableView,
    QTreeView,
    QWidget,
)

from app.views.widgets.theme import OutlinedStyle, typed

AIR = 6
"""Additional pixels on either side of the text of a cell or a column title."""
ABOVE = 3
"""Additional pixels above and below the text of a row of a list or tree."""


class SpacedTableStyle(OutlinedStyle):
    """Fusion with :data:`AIR` pixels more on both sides of a table's texts."""

    def pixelMetric(
        self,
        metric: QStyle.PixelMetric,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
    ) -> int:
        """Widen the margin of a cell's text."""
        usual = super().pixelMetric(metric, option, widget)
        return usual + AIR if metric == QStyle.PM_FocusFrameHMargin else usual

    def sizeFromContents(
        self,
        kind: QStyle.ContentsType,
        option: QStyleOption | None,
        size: QSize,
        widget: QWidget | None = None,
    ) -> QSize:
        """Widen a column title, heighten a row."""
        usual = super().sizeFromContents(kind, option, size, widget)  # type: ignore[arg-type]  # stub: None is allowed
        if kind == QStyle.CT_HeaderSection:
            return usual + QSize(2 * AIR, 0)
        return usual + QSize(0, 2 * ABOVE) if kind == QStyle.CT_ItemViewItem else usual

    def placed(
        self, element: QStyle.ControlElement, option: QStyleOption | None
    ) -> QStyleOption | None:
        """Align a column title with the texts below it."""
        if element != QStyle.CE_HeaderLabel or option is None:
            return super().placed(element, option)
        header = QStyleOptionHeader(typed(option, QStyleOptionHeader))
        header.rect = header.rect.adjusted(AIR, 0, -AIR, 0)
        return header


def show_as_rows(table: QTableView) -> None:
    """Set a table up to be read and chosen from by rows: no grid, no row numbers, no editing."""
    table.setSelectionBehavior(QAbstractItemView.SelectRows)
    table.setSelectionMode(QAbstractItemView.SingleSelection)
    table.setEditTriggers(QAbstractItemView.NoEditTriggers)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
    table.horizontalHeader().setHighlightSections(False)


def space_columns(table: QTableView | QTreeView) -> None:
    """Use the style for a table or tree and its header. Titles stand at the left, over the words,
    unless the model says otherwise."""
    header = table.header() if isinstance(table, QTreeView) else table.horizontalHeader()
    header.setStyle(space_rows(table))
    header.setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)


def space_rows(view: QAbstractItemView) -> QStyle:
    """Use the style for a list of words, and return it."""
    style = SpacedTableStyle()
    style.setParent(view)
    view.setStyle(style)
    return style
