"""Columns and rows of widgets, each laid out in one call."""

from __future__ import annotations

from typing import TypeVar

from PyQt5.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

Part = QWidget | QLayout
_Box = TypeVar("_Box", bound=QBoxLayout)
Margins = int | tuple[int, int, int, int]


def in_column(
    *parts: Part | None,
    into: QWidget | None = None,
    grows: Part | None = None,
    margins: Margins = 0,
    spacing: int = 8,
) -> QVBoxLayout:
    """Parts below each other, in logical pixels; ``None`` among them is a stretch.

    The column is that of the widget ``into`` where one is given. ``grows`` is the part that takes
    the room left. ``margins`` are left, top, right and bottom, or one number for all. A
    ``spacing`` of −1 is that of the style, or of the layout around.
    """
    layout = QVBoxLayout() if into is None else QVBoxLayout(into)
    return _filled(layout, parts, grows, margins, spacing)


def in_row(
    *parts: Part | None,
    into: QWidget | None = None,
    grows: Part | None = None,
    margins: Margins = 0,
    spacing: int = 8,
) -> QHBoxLayout:
    """Parts beside each other; see :func:`in_column`."""
    layout = QHBoxLayout() if into is None else QHBoxLayout(into)
    return _filled(layout, parts, grows, margins, spacing)


def boxed(layout: QLayout) -> QWidget:
    """A widget of its own around a layout."""
    box = QWidget()
    box.setLayout(layout)
    return box


def _filled(
    layout: _Box,
    parts: tuple[Part | None, ...],
    grows: Part | None,
    margins: Margins,
    spacing: int,
) -> _Box:
    layout.setContentsMargins(*((margins,) * 4 if isinstance(margins, int) else margins))
    layout.setSpacing(spacing)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, QWidget):
            layout.addWidget(part, int(part is grows))
        else:
            layout.addLayout(part, int(part is grows))
    return layout
