"""The persons given to pictures as rows: name, pictures, cameras."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from app.items.row_texts import count_text
from app.state.gallery import NOBODY, Gallery
from qaconv_core.data.labelled import PersonCount
from qaconv_core.naming import camera_label
from qaconv_core.readable import counted

COLUMNS = ("Person", "Pictures", "Cameras")
PICTURES = COLUMNS.index("Pictures")
PERSON_ROLE = Qt.UserRole
"""The name; :data:`~app.state.gallery.NOBODY` or None in the two rows above the persons."""
ALL, NONE = "All pictures", "Without a person"
_ABOVE = 2


class PeopleModel(QAbstractTableModel):
    """Two rows for all pictures and those of nobody, then the persons in the order they came."""

    def __init__(self, gallery: Gallery, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.gallery = gallery
        self.people: tuple[PersonCount, ...] = gallery.people
        gallery.people_changed.connect(self._update)

    def _update(self) -> None:
        if self.gallery.people != self.people:
            self.beginResetModel()
            self.people = self.gallery.people
            self.endResetModel()
        elif self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(_ABOVE - 1, len(COLUMNS) - 1))

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Persons and the two rows above them."""
        return 0 if parent.isValid() else _ABOVE + len(self.people)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Name, pictures, cameras."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole
    ) -> Any:
        """The names of the columns."""
        if orientation == Qt.Horizontal and role == Qt.TextAlignmentRole and section == PICTURES:
            return int(Qt.AlignRight | Qt.AlignVCenter)
        wanted = orientation == Qt.Horizontal and role == Qt.DisplayRole
        return COLUMNS[section] if wanted else None

    def person_at(self, row: int) -> str | None:
        """The name in a row; see :data:`PERSON_ROLE`."""
        return (None, NOBODY)[row] if row < _ABOVE else self.people[row - _ABOVE].name

    def row_of(self, person: str | None) -> int:
        """The row of a name; the first where it is not there."""
        names = [self.person_at(row) for row in range(self.rowCount())]
        return names.index(person) if person in names else 0

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        """Texts; the name as data."""
        if not index.isValid():
            return None
        if role == PERSON_ROLE:
            return self.person_at(index.row())
        if role == Qt.TextAlignmentRole and index.column() == 1:
            return int(Qt.AlignRight | Qt.AlignVCenter)
        if role in (Qt.DisplayRole, Qt.ToolTipRole):
            return self._texts(index.row(), role == Qt.ToolTipRole)[index.column()]
        return None

    def _texts(self, row: int, counts: bool) -> tuple[str, str, str]:
        """The columns; cameras with their ``counts`` of pictures where there is room for them."""
        if row < _ABOVE:
            data = self.gallery.space.data
            total = 0 if data is None else len(data.gallery)
            count = total if row == 0 else total - len(self.gallery.persons)
            return (ALL, NONE)[row], count_text(count), ""
        person = self.people[row - _ABOVE]
        data = self.gallery.space.data
        names = {} if data is None else data.camera_names

        def label(camera: int | None) -> str:
            name = "" if camera is None else names.get(camera, "")
            return camera_label(camera, name) or "no camera"

        where = (
            f"{label(camera)} {n}" if counts else label(camera) for camera, n in person.cameras
        )
        return person.name, _pictures_text(person), ", ".join(where)


def _pictures_text(person: PersonCount) -> str:
    """The gallery pictures, which a click lists, and those that it does not list."""
    others = person.pictures - person.listed - person.queries
    more = [counted(person.queries, "query", "queries")] if person.queries else []
    more += [f"{count_text(others)} elsewhere"] if others else []
    return " + ".join([count_text(person.listed), *more])
