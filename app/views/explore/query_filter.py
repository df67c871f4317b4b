"""Which queries are listed: by text, person and camera, errors only; and in which order."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QRegularExpression, Qt
from PyQt5.QtGui import QKeyEvent, QRegularExpressionValidator
from PyQt5.QtWidgets import QComboBox, QLineEdit, QWidget

from app.state.workspace import Workspace
from app.views.widgets.fields import combo_box, named, tick_box
from app.views.widgets.filter_choices import CameraChoice, camera_chip
from app.views.widgets.filter_field import ChipText, FilterField
from app.views.widgets.labels import heading
from app.views.widgets.layouts import boxed, in_column

SORTS = {
    "file": "File",
    "person": "Person",
    "ap": "AP, worst first",
    "score": "Top score",
}


class FilterEdit(QLineEdit):
    """A field that Esc empties; an empty one leaves Esc to the window."""

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key_Escape and self.text():
            if event.type() == QEvent.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.KeyPress:
                self.clear()
                return True
        return super().event(event)


class QueryFilterBar(QWidget):
    """Changes ``workspace.query_filter`` and shows it. ``sort`` is placed by whoever owns the bar,
    at the other end of the list.
    """

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.text = named(
            FilterEdit(), "Filter queries by file or person",
            "List queries whose file name holds this, or of this person (Ctrl+L).",
        )  # fmt: skip
        self.text.setPlaceholderText("File or person")
        self.text.setClearButtonEnabled(True)
        self.person = named(
            FilterEdit(), "Filter queries by person number",
            "List queries of the person with exactly this number.",
        )  # fmt: skip
        self.person.setPlaceholderText("Person")
        self.person.setValidator(QRegularExpressionValidator(QRegularExpression(r"\d{0,9}")))
        self.cameras = CameraChoice()
        self.errors = tick_box(
            "Errors only", "List only queries whose rank 1 is known to be a false match.",
            name="List errors only",
        )  # fmt: skip
        self.sort = combo_box(
            "Order of the queries",
            "Sort queries by file, person, AP or the score of the best candidate.",
            ((words, key) for key, words in SORTS.items()),
        )
        self.sort.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.sort.setMinimumContentsLength(8)
        self.filters = FilterField("Choose which queries are listed.", self._popup())
        in_column(self.text, self.filters, into=self, spacing=4)
        self._connect()
        self._show_data()

    def _popup(self) -> QWidget:
        return boxed(
            in_column(
                self.errors, heading("Person"), self.person, heading("Cameras"), self.cameras,
                margins=12, spacing=6,
            )
        )  # fmt: skip

    def _connect(self) -> None:
        space = self.workspace
        self.text.textChanged.connect(lambda text: space.change_query_filter(text=text))
        self.person.textChanged.connect(self._person_typed)
        self.cameras.chosen.connect(lambda chosen: space.change_query_filter(camids=chosen))
        self.errors.clicked.connect(lambda on: space.change_query_filter(errors=on))
        self.sort.activated.connect(
            lambda place: space.change_query_filter(sort=self.sort.itemData(place))
        )
        self.filters.removed.connect(self._remove)
        space.data_changed.connect(self._show_data)
        space.filters_changed.connect(self._show_filter)

    def _remove(self, name: str) -> None:
        self.workspace.change_query_filter(**{name: False if name == "errors" else None})

    def _person_typed(self, text: str) -> None:
        self.workspace.change_query_filter(pid=int(text) if text else None)

    def _show_data(self) -> None:
        data = self.workspace.data
        self.cameras.set_cameras(() if data is None else data.query_camids.tolist())
        self.person.setEnabled(data is not None and bool((data.query_pids >= 0).any()))
        self._show_filter()

    def _show_filter(self) -> None:
        chosen = self.workspace.query_filter
        if self.text.text() != chosen.text:
            self.text.setText(chosen.text)
        person = "" if chosen.pid is None else str(chosen.pid)
        shown = int(self.person.text()) if self.person.text() else None
        if shown != chosen.pid:
            self.person.setText(person)
        self.cameras.show_chosen(chosen.camids)
        self.errors.setChecked(chosen.errors)
        errors = ChipText("errors", "errors", "Only queries whose rank 1 is a false match.")
        one = ChipText("pid", f"person {person}", f"Only queries of person {person}.")
        self.filters.show_chips(
            (
                *((errors,) if chosen.errors else ()),
                *((one,) if person else ()),
                *camera_chip(chosen.camids),
            )
        )
        self.sort.setCurrentIndex(list(SORTS).index(chosen.sort))

    def focus(self) -> None:
        """Type to filter."""
        self.text.setFocus(Qt.ShortcutFocusReason)
        self.text.selectAll()
