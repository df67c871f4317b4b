"""Which queries are listed: by text, person and camera, errors only; and in which order."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QRegularExpression, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QRegularExpressionValidator
from PyQt5.QtWidgets import QComboBox, QLineEdit, QWidget

from app.state.workspace import Workspace
from app.views.widgets.fields import combo_box, named, tick_box
from app.views.widgets.filter_choices import CameraChoice, camera_chip
from app.views.widgets.filter_field import ChipText, FilterField
from app.views.widgets.labels import heading
from app.views.widgets.layouts import boxed, in_column
from qaconv_core.naming import person_label, person_words

SORTS = {
    "file": "File",
    "person": "Person",
    "ap": "AP, worst first",
    "score": "Top score",
}


class FilterEdit(QLineEdit):
    """A field that Esc empties. ``left`` tells of Esc in an empty one; where nobody listens to
    that, Esc is the window's."""

    left = pyqtSignal()

    def event(self, event: QEvent) -> bool:
        own = bool(self.text()) or self.receivers(self.left) > 0
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key_Escape and own:
            if event.type() == QEvent.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.KeyPress:
                if self.text():
                    self.clear()
                else:
                    self.left.emit()
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
            "List queries whose file name holds this, or of this person or camera (Ctrl+L).\n"
            "Esc empties the field, then leads to the list.",
        )  # fmt: skip
        self.text.setPlaceholderText("File or person")
        self.text.setClearButtonEnabled(True)
        self.person = named(
            FilterEdit(), "Filter queries by person",
            "List queries of the person with exactly this name or number.",
        )  # fmt: skip
        self.person.setPlaceholderText("Person")
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
        self.workspace.change_query_filter(pid=self._person_of(text))

    def _person_of(self, text: str) -> int | None:
        """The pid that a name, or a number where persons have none, stands for."""
        data = self.workspace.data
        names = {} if data is None else data.person_names
        known = {name: pid for pid, name in names.items()}
        return known.get(text, int(text) if text.isdecimal() and not names else None)

    def _show_data(self) -> None:
        data = self.workspace.data
        cameras = () if data is None else data.query_camids.tolist()
        self.cameras.set_cameras(cameras, {} if data is None else data.camera_names)
        named = data is not None and bool(data.person_names)
        form = QRegularExpression(".*" if named else r"\d{0,9}")
        self.person.setValidator(QRegularExpressionValidator(form))
        self.person.setEnabled(data is not None and bool((data.query_pids >= 0).any()))
        self._show_filter()

    def _show_filter(self) -> None:
        chosen = self.workspace.query_filter
        if self.text.text() != chosen.text:
            self.text.setText(chosen.text)
        data = self.workspace.data
        persons, cameras = ({}, {}) if data is None else (data.person_names, data.camera_names)
        name = "" if chosen.pid is None else persons.get(chosen.pid, "")
        if self._person_of(self.person.text()) != chosen.pid:
            self.person.setText(name or person_label(chosen.pid))
        self.cameras.show_chosen(chosen.camids)
        self.errors.setChecked(chosen.errors)
        errors = ChipText("errors", "errors", "Only queries whose rank 1 is a false match.")
        person = person_words(chosen.pid, name)
        one = ChipText("pid", person, f"Only queries of {person}.")
        self.filters.show_chips(
            (
                *((errors,) if chosen.errors else ()),
                *((one,) if person else ()),
                *camera_chip(chosen.camids, cameras),
            )
        )
        self.sort.setCurrentIndex(list(SORTS).index(chosen.sort))

    def focus(self) -> None:
        """Type to filter."""
        self.text.setFocus(Qt.ShortcutFocusReason)
        self.text.selectAll()
