"""A context menu for lists and figures that have none of their own: what is there is copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from PyQt5.QtCore import QModelIndex, QPoint, Qt
from PyQt5.QtWidgets import QAbstractItemView, QApplication, QMenu, QWidget


def offer_copying(root: QWidget, figures: Iterable[QWidget] = ()) -> None:
    """Give every list in ``root``, and these figures, a menu, unless they have one."""
    for view in root.findChildren(QAbstractItemView):
        in_combo = view.parentWidget().inherits("QComboBoxPrivateContainer")
        if view.contextMenuPolicy() == Qt.DefaultContextMenu and not in_combo:
            view.setContextMenuPolicy(Qt.CustomContextMenu)
            view.customContextMenuRequested.connect(partial(_open_rows, view))
    for figure in figures:
        if figure.contextMenuPolicy() == Qt.DefaultContextMenu:
            figure.setContextMenuPolicy(Qt.CustomContextMenu)
            figure.customContextMenuRequested.connect(partial(_open_figure, figure))


def _open_rows(view: QAbstractItemView, at: QPoint) -> QMenu:
    menu = _menu(view)
    selected = [index for index in view.selectionModel().selectedIndexes() if index.isValid()]
    under = view.indexAt(at)
    rows = _rows(selected or [under]) if selected or under.isValid() else []
    copy = menu.addAction("Copy", lambda: _put(view, rows))
    copy.setEnabled(bool(rows))
    everything = [view.model().index(row, 0) for row in range(view.model().rowCount())]
    whole = menu.addAction("Copy all rows", lambda: _put(view, everything))
    whole.setEnabled(bool(everything))
    if view.selectionMode() in (
        QAbstractItemView.ExtendedSelection, QAbstractItemView.MultiSelection
    ):  # fmt: skip
        menu.addAction("Select all", view.selectAll)
    menu.popup(view.viewport().mapToGlobal(at))
    return menu


def _open_figure(figure: QWidget, at: QPoint) -> QMenu:
    menu = _menu(figure)
    menu.addAction("Copy as a picture", lambda: QApplication.clipboard().setPixmap(figure.grab()))
    menu.popup(figure.mapToGlobal(at))
    return menu


def _menu(widget: QWidget) -> QMenu:
    menu = QMenu(widget)
    menu.setAttribute(Qt.WA_DeleteOnClose)
    return menu


def _rows(some: Sequence[QModelIndex]) -> list[QModelIndex]:
    """One index for each row, from the top."""
    found = sorted((index.parent().row(), index.row(), number) for number, index in enumerate(some))
    first = {(parent, row): some[number] for parent, row, number in reversed(found)}
    return [first[place].sibling(place[1], 0) for place in sorted(first)]


def _put(view: QAbstractItemView, rows: Iterable[QModelIndex]) -> None:
    """Rows on the clipboard as lines; the words of a row between tabs."""
    QApplication.clipboard().setText("\n".join(_words(view, row) for row in rows))


def _words(view: QAbstractItemView, row: QModelIndex) -> str:
    """What a row shows; what is spoken of it where it shows a picture."""
    columns = range(view.model().columnCount(row.parent()))
    cells = [row.sibling(row.row(), column).data(Qt.DisplayRole) for column in columns]
    shown = "\t".join("" if cell is None else str(cell).replace("\n", " ") for cell in cells)
    return shown if shown.strip() else str(row.data(Qt.AccessibleTextRole) or "")
