"""What all lists and tables of rows do alike: counting, titles, alignment, telling of changes."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QAbstractListModel, QAbstractTableModel, QModelIndex, QObject, Qt

from app.items.dragged import DragsFiles
from qaconv_core.types import Int64

ENTRY_ROLE = Qt.UserRole
"""What a row of an :class:`EntryModel` shows, whole."""


class ListModel(QAbstractListModel):
    """A row for each of ``rows``; subclasses say what it shows."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Any] | Int64 = ()

    def shown(self, row: int, role: int) -> Any:
        """What a row shows in a role of Qt, None where it shows nothing."""
        raise NotImplementedError

    def show_rows(self, rows: Sequence[Any]) -> None:
        """Show others."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def tell_changed(self) -> None:
        """The rows are the same, what they show is not."""
        if len(self.rows):
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        known = index.isValid() and index.row() < len(self.rows)
        return self.shown(index.row(), role) if known else None


class EntryModel(DragsFiles, ListModel):
    """Pictures of the open set. An entry has the picture as its ``ref``; sentences tell of it."""

    def entry(self, row: int) -> Any:
        """What a row shows."""
        raise NotImplementedError

    def file_of(self, row: int) -> Path:
        path: Path = self.entry(row).ref.path
        return path

    def sentences(self, entry: Any) -> list[str]:
        """What can be said of an entry."""
        raise NotImplementedError

    def spoken(self, entry: Any) -> list[str]:
        """What a screen reader says of it."""
        return self.sentences(entry)

    def shown(self, row: int, role: int) -> Any:
        if role == ENTRY_ROLE:
            return self.entry(row)
        if role == Qt.DisplayRole:
            return self.entry(row).ref.path.name
        if role == Qt.ToolTipRole:
            return "\n".join(self.sentences(self.entry(row)))
        if role == Qt.AccessibleTextRole:
            return ", ".join(self.spoken(self.entry(row)))
        return None


class TableModel(QAbstractTableModel):
    """A row for each of ``rows``, with titled ``columns``; those in ``numbers`` stand to the right.

    Subclasses say what a cell shows.
    """

    def __init__(
        self, columns: Sequence[str], numbers: Container[int], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.columns, self.numbers = columns, numbers
        self.rows: Sequence[Any] = ()

    def shown(self, row: int, column: int, role: int) -> Any:
        """What a cell shows in a role of Qt, None where it shows nothing."""
        raise NotImplementedError

    def show_rows(self, rows: Sequence[Any]) -> None:
        """Show others."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def tell_changed(self, column: int, role: int) -> None:
        """The rows are the same, what a column shows in a role is not."""
        if self.rows:
            last = self.index(len(self.rows) - 1, column)
            self.dataChanged.emit(self.index(0, column), last, [role])

    def title_tip(self, column: int) -> str | None:
        """What a column means, where its title does not say it."""
        return None

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.TextAlignmentRole:
            return self._alignment(index.column())
        return self.shown(index.row(), index.column(), role)

    def headerData(self, section: int, orientation: int, role: int = Qt.DisplayRole) -> Any:
        if orientation != Qt.Horizontal or not 0 <= section < len(self.columns):
            return None
        if role == Qt.DisplayRole:
            return self.columns[section]
        if role == Qt.ToolTipRole:
            return self.title_tip(section)
        return self._alignment(section) if role == Qt.TextAlignmentRole else None

    def _alignment(self, column: int) -> int:
        side = Qt.AlignRight if column in self.numbers else Qt.AlignLeft
        return int(side | Qt.AlignVCenter)
