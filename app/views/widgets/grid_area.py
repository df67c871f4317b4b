"""A grid of labels that is made anew where it is to show something else."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QGridLayout, QScrollArea, QWidget

from app.views.widgets.layouts import take_frame


class GridArea(QScrollArea):
    """Scrolled up and down where it has no room; ``name`` is spoken."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setWidgetResizable(True)
        take_frame(self)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)


def empty_grid(right: int, between: int, grows: int) -> tuple[QWidget, QGridLayout]:
    """A widget to fill, and its grid: pixels kept free to the ``right`` and ``between`` rows, and
    the column that takes the room left."""
    inner = QWidget()
    grid = QGridLayout(inner)
    grid.setContentsMargins(0, 0, right, 8)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(between)
    grid.setColumnStretch(grows, 1)
    return inner, grid
