"""The page of errors: groups, their mean maps, the parts that mislead, and the examples."""

from __future__ import annotations

from PyQt5.QtCore import QModelIndex, QSignalBlocker, Qt
from PyQt5.QtWidgets import QListView, QWidget

from app.items.colour_bar import ColourBar
from app.items.group_model import GROUP_ROLE, GroupDelegate, GroupModel
from app.state import insight_words as words
from app.state.insights import SORTS, ErrorFindings, mean_scale
from app.views.insights.examples import Examples
from app.views.insights.insight_page import InsightPage
from app.views.insights.map_view import MapView
from app.views.insights.part_bars import PartBars
from app.views.widgets.fields import combo_box
from app.views.widgets.labels import ElidedLabel, heading, plain_label
from app.views.widgets.layouts import boxed, in_column, in_row, in_splitter


class ErrorsPage(InsightPage):
    """What misleads the model, over the whole set."""

    kind = "failures"

    # ── building ────────────────────────────────────────────────────────────────────────────────

    def _make_results(self) -> QWidget:
        self.groups = QListView()
        self._model = GroupModel(self.groups)
        self.groups.setModel(self._model)
        self.groups.setItemDelegate(GroupDelegate(self.groups))
        self.groups.setAccessibleName("Groups of errors")
        self.groups.setMinimumWidth(248)
        self.groups.setVerticalScrollMode(QListView.ScrollPerPixel)
        self.groups.selectionModel().currentChanged.connect(self._group_chosen)
        self.insights.choice_changed.connect(self._show_choice)
        self.examples = Examples(self.insights, self.thumbnails)
        self.examples.open_pair.connect(self.open_pair)
        self.nothing = plain_label(words.NONE_FAILED)
        self.nothing.setAlignment(Qt.AlignCenter)
        self.nothing.hide()
        self.parts = in_splitter(
            Qt.Horizontal, self.groups, self._map_column(), self._right(),
            stretches=(0, 1, 3), sizes=(248, 280, 752),
        )  # fmt: skip
        whole = in_column(self.parts, grows=self.parts)
        whole.addWidget(self.nothing, 1)
        return boxed(whole)

    def _map_column(self) -> QWidget:
        self.map = MapView(self.insights)
        self.map.pointed.connect(lambda _cell: self._read_cell())
        self.bar = ColourBar()
        self.cell_words = plain_label()
        self.cell_words.setAccessibleName("The cell pointed at or chosen")
        self.cell_words.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.cell_words.setAlignment(Qt.AlignTop | Qt.AlignHCenter)
        whole = in_column(self.map, self.bar, self.cell_words, grows=self.map, margins=(8, 0, 8, 0))
        whole.setAlignment(self.bar, Qt.AlignHCenter)
        return boxed(whole)

    def _right(self) -> QWidget:
        self.title = heading("", 1.15)
        self.sentence = plain_label()
        self.sentence.setToolTip(words.MARGIN)
        self.bars = PartBars()
        self.bars.setToolTip(words.PARTS)
        self.bars.setMaximumWidth(560)
        self.no_parts = plain_label(words.NO_PARTS)
        self.order = ElidedLabel()
        self.cause = combo_box("Cause", words.CAUSE)
        self.sort = combo_box(
            "Order of the examples", "Order errors by margin, cause, camera pair or query.",
            ((title, key) for key, title in SORTS.items()),
        )  # fmt: skip
        self.cause.activated.connect(
            lambda row: self.insights.choose_cause(self.cause.itemData(row))
        )
        self.sort.activated.connect(lambda row: self.insights.choose_sort(self.sort.itemData(row)))
        found = in_column(self.title, self.sentence, self.bars, self.no_parts)
        self.examples.setCornerWidget(boxed(in_row(self.cause, self.sort, margins=(0, 0, 0, 4))))
        examples = in_column(self.order, self.examples, grows=self.examples)
        return boxed(in_column(found, examples, grows=examples, margins=(8, 0, 0, 0), spacing=16))

    @property
    def first(self) -> QWidget:
        """The list of groups."""
        return self.groups

    # ── showing ─────────────────────────────────────────────────────────────────────────────────

    def _show_found(self, found: ErrorFindings) -> None:
        self.summary.setText(words.failures_verdict(found))
        self.parts.setVisible(bool(found.sections))
        self.nothing.setVisible(not found.sections)
        with QSignalBlocker(self.groups.selectionModel()):
            self._model.set_findings(found)
        self._show_choice()

    def _show_choice(self) -> None:
        """The group and the cell that are looked at."""
        group, found = self.insights.group, self.insights.failures
        if group is None or found is None:
            return
        model = self._model
        row = model.index(model.row_of(group.name), 0)
        if self.groups.currentIndex() != row:
            self.groups.setCurrentIndex(row)
        self.map.show_picture(model.picture(group.name))
        self.bar.show_scale(mean_scale(group))
        self.title.setText(words.group_title(group.name))
        self.sentence.setText(words.group_sentence(group))
        self.bars.setVisible(bool(group.parts))
        self.bars.show_parts(group.parts)
        self.no_parts.setVisible(not found.labelled)
        self._show_causes()
        self.examples.show_examples()
        self._read_cell()

    def _show_causes(self) -> None:
        insights = self.insights
        self.cause.clear()
        self.cause.addItem("All causes", None)
        for cause, count in insights.causes().items():
            self.cause.addItem(words.cause_words(cause, count), cause)
        self.cause.setCurrentIndex(max(0, self.cause.findData(insights.cause)))
        self.sort.setCurrentIndex(self.sort.findData(insights.sort))

    def _read_cell(self) -> None:
        group, cell = self.insights.group, self.insights.cell
        if group is None:
            return
        grid = group.mean.shape
        shown = cell if self.map.hovered is None else self.map.hovered
        self.cell_words.setText(
            "Point at a cell to read it." if shown is None
            else words.cell_sentence(group, shown, grid)
        )  # fmt: skip
        count = self.examples.model.rowCount()
        self.order.setText(words.order_words(count, cell, self.insights.sort))

    def _group_chosen(self, index: QModelIndex, _before: QModelIndex) -> None:
        group = index.data(GROUP_ROLE)
        if group is not None:
            self.insights.choose_group(group.name)
