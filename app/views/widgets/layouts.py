"""Columns and rows of widgets, each laid out in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtWidgets import (
    QAbstractScrollArea,
    QApplication,
    QBoxLayout,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

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


def in_form(
    *rows: tuple[str, Part],
    into: QWidget | None = None,
    margins: Margins = 0,
    spacing: tuple[int, int] = (-1, -1),
) -> QFormLayout:
    """Fields below each other with their labels; ``spacing`` is between columns, between rows."""
    form = QFormLayout() if into is None else QFormLayout(into)
    form.setContentsMargins(*_sides(margins))
    form.setHorizontalSpacing(spacing[0])
    form.setVerticalSpacing(spacing[1])
    for label, field in rows:
        form.addRow(label, field)
        first, words = _first_field(field), form.labelForField(field)
        if first is not None and isinstance(words, QLabel):
            words.setBuddy(first)
    return form


def _first_field(part: Part) -> QWidget | None:
    """What in a row takes the focus first."""
    if isinstance(part, QWidget) and part.focusPolicy() & Qt.TabFocus:
        return part
    layout = part.layout()
    items = [] if layout is None else [layout.itemAt(i) for i in range(layout.count())]
    parts = (item.widget() or item.layout() for item in items)
    found = (_first_field(inner) for inner in parts if inner is not None)
    return next((field for field in found if field is not None), None)


class Splitter(QSplitter):
    """Parts with handles between them. ``moved``: somebody has dragged a handle, so that nobody
    else shares the room out any more."""

    def __init__(self, orientation: Qt.Orientation, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self.moved = False
        self.splitterMoved.connect(self._remember)

    def _remember(self, _place: int, _handle: int) -> None:
        self.moved = True


def in_splitter(
    orientation: Qt.Orientation,
    *parts: QWidget,
    stretches: Sequence[int] = (),
    sizes: Sequence[int] = (),
    into: Splitter | None = None,
) -> Splitter:
    """Parts with handles between them, none of which can be dragged away.

    ``sizes`` are their first ones in pixels, ``stretches`` their shares of the room that is added.
    """
    splitter = Splitter(orientation) if into is None else into
    for part in parts:
        splitter.addWidget(part)
    for place, stretch in enumerate(stretches):
        splitter.setStretchFactor(place, stretch)
    if sizes:
        splitter.setSizes(list(sizes))
    splitter.setChildrenCollapsible(False)
    return splitter


def scrolled(widget: QWidget | None = None, *, name: str) -> QScrollArea:
    """A widget that is scrolled where it has no room, without a frame around it; ``name`` is
    spoken."""
    area = QScrollArea()
    area.setAccessibleName(name)
    area.setWidgetResizable(True)
    take_frame(area)
    if widget is not None:
        area.setWidget(widget)
    return area


def take_frame(area: QAbstractScrollArea) -> None:
    """Leave only a pixel around what is scrolled: the outline that it has with the focus."""
    area.setFrameShape(QFrame.NoFrame)
    area.setViewportMargins(1, 1, 1, 1)


SCREEN_MARGIN = 48
"""Pixels of the screen's height that a dialog leaves free, for its title among others."""


def screen_size() -> QSize:
    """The part of the screen that windows can take."""
    return QApplication.primaryScreen().availableSize()


def size_on_screen(dialog: QWidget, width: int, height: int) -> None:
    """Give a dialog a size, no larger than the screen has room for. One that is shown moves up and
    to the left as far as it needs for that."""
    room = screen_size()
    dialog.resize(min(width, room.width()), min(height, room.height() - SCREEN_MARGIN))
    if dialog.isVisible():
        corner = QApplication.primaryScreen().availableGeometry().topLeft()
        left = corner.x() + room.width() - dialog.frameGeometry().width()
        top = corner.y() + room.height() - dialog.frameGeometry().height()
        dialog.move(min(dialog.x(), left), min(dialog.y(), top))


def fit_height(dialog: QWidget) -> None:
    """Make a dialog as high as its texts need at its width; Qt's own guess is for a narrow one."""
    dialog.resize(dialog.width(), dialog.layout().totalHeightForWidth(dialog.width()))


def boxed(layout: QLayout) -> QWidget:
    """A widget of its own around a layout."""
    box = QWidget()
    box.setLayout(layout)
    return box


def _sides(margins: Margins) -> tuple[int, int, int, int]:
    return (margins, margins, margins, margins) if isinstance(margins, int) else margins


def _filled(
    layout: _Box,
    parts: tuple[Part | None, ...],
    grows: Part | None,
    margins: Margins,
    spacing: int,
) -> _Box:
    layout.setContentsMargins(*_sides(margins))
    layout.setSpacing(spacing)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, QWidget):
            layout.addWidget(part, int(part is grows))
        else:
            layout.addLayout(part, int(part is grows))
    return layout
