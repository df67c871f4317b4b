"""Persons of the gallery: their list, what can be done with them, and pairs to ask about."""

from __future__ import annotations

from PyQt5.QtCore import QItemSelection, QItemSelectionModel, QSignalBlocker, Qt
from PyQt5.QtWidgets import QHeaderView, QTableView, QToolButton, QWidget

from app.items.people_model import PERSON_ROLE, PeopleModel
from app.items.row_texts import shown_of
from app.jobs.images import ImageLoader
from app.jobs.label_jobs import LabelMeasure
from app.state.gallery import Gallery
from app.views.gallery.suggestion_box import SuggestionBox
from app.views.widgets.actions import Actions
from app.views.widgets.flow_layout import FlowLayout
from app.views.widgets.labels import heading, plain_label
from app.views.widgets.layouts import in_column
from app.views.widgets.table_style import show_as_rows, space_columns
from qaconv_core.readable import counted

ABOUT_PICTURES = ("gallery.new_person", "gallery.give", "gallery.take_away")
ABOUT_PERSONS = ("gallery.rename", "gallery.merge", "gallery.from_decisions")
ABOUT_ALL = ("gallery.suggest", "gallery.evaluate_labels", "file.save_labels")
SHORT = {
    "gallery.take_away": "Remove",
    "gallery.give": "Give to…",
    "gallery.rename": "Rename…",
    "gallery.merge": "Merge",
    "gallery.from_decisions": "Take confirmed",
    "gallery.evaluate_labels": "Evaluate",
    "file.save_labels": "Save…",
}
TEACH = (
    "Choose pictures of one person, then New person. Confirmed candidates become persons by Take "
    "confirmed. With a few persons the model can be measured on your own pictures."
)


class PersonsPanel(QWidget):
    """The list narrows the grid to a person; the buttons are commands of the table."""

    def __init__(
        self,
        gallery: Gallery,
        thumbnails: ImageLoader,
        actions: Actions,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.gallery = gallery
        self.setAccessibleName("Persons")
        self.model = PeopleModel(gallery, self)
        self.table = QTableView()
        self.table.setModel(self.model)
        show_as_rows(self.table)
        space_columns(self.table)
        self.table.setSelectionMode(QTableView.ExtendedSelection)
        self.table.setAccessibleName("Persons")
        self.table.setToolTip("One row lists that person's pictures; several can be merged.")
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.Stretch)
        header.setMaximumSectionSize(160)
        self.table.setMinimumHeight(144)
        self.count = plain_label()
        self.count.setAccessibleName("How many pictures have a person")
        self.teach = plain_label(TEACH)
        self.box = SuggestionBox(gallery, thumbnails)
        self.result = plain_label()
        self.result.setAccessibleName("What was measured on the labelled pictures")
        self.result.hide()
        rows = [_buttons(ids, actions) for ids in (ABOUT_PICTURES, ABOUT_PERSONS, ABOUT_ALL)]
        in_column(
            heading("Persons"), self.count, self.table, *rows[:2], self.box, rows[2], self.result,
            self.teach, into=self, grows=self.table,
        )  # fmt: skip
        self.setMinimumWidth(304)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._choose())
        self.model.modelReset.connect(self._show_chosen)
        gallery.people_changed.connect(self._show)
        gallery.changed.connect(self._show_chosen)
        gallery.forgotten.connect(self.result.hide)
        self._show()
        self._show_chosen()

    def chosen(self) -> list[str]:
        """The persons chosen in the list, in its order."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        names = [self.model.index(row, 0).data(PERSON_ROLE) for row in rows]
        return [name for name in names if name]

    def _show(self) -> None:
        data, people = self.gallery.space.data, self.gallery.people
        total = 0 if data is None else len(data.gallery)
        known = len(self.gallery.persons)
        queries = sum(person.queries for person in people)
        words = f"{counted(len(people), 'person')} · {shown_of(known, total)} pictures"
        if queries:
            words += f" · {counted(queries, 'query', 'queries')}, not listed here"
        self.count.setText(words)
        self.teach.setVisible(len(people) < 2)

    def _choose(self) -> None:
        """A single row narrows the grid."""
        rows = self.table.selectionModel().selectedRows()
        if len(rows) == 1:
            self.gallery.change_look(person=rows[0].data(PERSON_ROLE))

    def _show_chosen(self) -> None:
        """Mark the row of the person that is listed, unless several are chosen."""
        selection, person = self.table.selectionModel(), self.gallery.look.person
        if len(selection.selectedRows()) > 1:
            return
        row = self.model.row_of(person)
        with QSignalBlocker(selection):
            marked = QItemSelection(self.model.index(row, 0), self.model.index(row, 2))
            selection.select(marked, QItemSelectionModel.ClearAndSelect)
        self.table.viewport().update()

    def show_measured(self, found: LabelMeasure) -> None:
        """What was measured on the labelled pictures."""
        self.result.setText(
            f"Rank-1 {100 * found.rank1:.1f} % of {counted(found.queries, 'query', 'queries')}. "
            f"{found.sentence}. {found.threshold}".rstrip()
        )
        self.result.show()


def _buttons(ids: tuple[str, ...], actions: Actions) -> FlowLayout:
    row = FlowLayout(gap=4)
    for id in ids:
        button, action = QToolButton(), actions.on_button(id)
        action.setIconText(SHORT.get(id, action.text()))
        button.setToolButtonStyle(Qt.ToolButtonTextOnly)
        button.setDefaultAction(action)
        button.setAccessibleName(action.text().rstrip("…"))
        button.setFocusPolicy(Qt.TabFocus)
        row.addWidget(button)
    return row
