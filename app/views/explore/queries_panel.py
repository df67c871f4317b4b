"""The query panel: which queries there are, which are chosen, and how well each was found."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QItemSelection, QItemSelectionModel, Qt
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QListView,
    QRadioButton,
    QStackedWidget,
    QWidget,
)

from app.items.query_delegate import QueryDelegate
from app.items.query_model import QueryModel
from app.items.row_models import ENTRY_ROLE
from app.items.row_texts import shown_of
from app.jobs.images import ImageLoader
from app.state.commands import BY_ID
from app.state.listing import QUERY_SORTS, next_error, step_in
from app.state.workspace import Workspace
from app.views.explore.query_filter import QueryFilterBar
from app.views.widgets.actions import Handler, Handlers
from app.views.widgets.hints import EmptyPage, NoteLine
from app.views.widgets.layouts import in_column, in_row
from qaconv_core.naming import person_words

NO_DATA = "No data set is open. Open one with Ctrl+O, or drop a picture here to search by it."
NO_QUERIES = (
    "This set has no queries of its own. Search by a picture: Ctrl+I chooses a file, "
    "Ctrl+V takes the one on the clipboard, or drop one here."
)
NONE_FITS = "No query fits the filter."
NO_ERRORS = "No query with a false rank 1 is known so far."
NO_FILTER = {"text": "", "pid": None, "camids": None, "errors": False}


class QueriesPanel(QWidget):
    """Lists the queries; choosing several of one person ranks by their joint evidence."""

    def __init__(
        self, workspace: Workspace, thumbnails: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.thumbnails = workspace, thumbnails
        self.model = QueryModel(workspace, thumbnails, self)
        self.filter_bar = QueryFilterBar(workspace, self)
        self.count, self.note = QLabel(), NoteLine()
        self.empty = EmptyPage()
        self.list = self._make_list()
        self.pages = QStackedWidget()
        self.fuse, self.fuse_buttons = self._make_fuse()
        self._updating = False
        self._left_out = 0
        self._beside: tuple[int, int] | None = None
        """The query shown, and one of another person that was chosen with it."""
        self._arrange()
        self._connect()
        self._on_rows_changed()

    # ── how it is put together ──────────────────────────────────────────────────────────────────

    def _make_list(self) -> QListView:
        view = QListView()
        view.setAccessibleName("Queries")
        view.setToolTip(
            "Click to choose a query; Ctrl or Shift and click for several of a person. Drop a "
            "picture here to search by it."
        )
        view.setModel(self.model)
        delegate = QueryDelegate(self.thumbnails, view)
        view.setItemDelegate(delegate)
        view.setSelectionMode(QAbstractItemView.ExtendedSelection)
        view.setEditTriggers(QAbstractItemView.NoEditTriggers)
        view.setDragDropMode(QAbstractItemView.DragOnly)
        view.setUniformItemSizes(True)
        view.setGridSize(delegate.row_size(view.font()))
        view.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        view.setMouseTracking(True)
        return view

    def _make_fuse(self) -> tuple[QWidget, dict[str, QRadioButton]]:
        """How several queries are joined; shown only where there are several."""
        row, group = QWidget(), QButtonGroup(self)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(QLabel("Join by"))
        tips = {
            "max": "A gallery picture counts as much as its best match with any of the queries.",
            "mean": "A gallery picture counts as much as it matches the queries on average.",
        }
        buttons = {}
        for name, tip in tips.items():
            buttons[name] = QRadioButton(name)
            buttons[name].setToolTip(tip)
            buttons[name].setAccessibleName(f"Join queries by {name}")
            buttons[name].clicked.connect(lambda _on, name=name: self._set_fuse(name))
            group.addButton(buttons[name])
            layout.addWidget(buttons[name])
        layout.addStretch()
        return row, buttons

    def _arrange(self) -> None:
        self.pages.addWidget(self.list)
        self.pages.addWidget(self.empty)
        last = in_row(self.count, self.filter_bar.sort, grows=self.count)
        in_column(self.filter_bar, self.note, self.fuse, self.pages, last,
               into=self, grows=self.pages, margins=8)  # fmt: skip

    def _connect(self) -> None:
        space = self.workspace
        self.model.modelReset.connect(self._on_rows_changed)
        self.model.dataChanged.connect(lambda *_: self._show_count())
        self.list.selectionModel().selectionChanged.connect(self._chosen)
        self.filter_bar.text.left.connect(self.list.setFocus)
        self.empty.link_clicked.connect(lambda: space.change_query_filter(**NO_FILTER))
        self.thumbnails.loaded.connect(self._picture_arrived)
        space.selection_changed.connect(self._show_selection)
        space.look_changed.connect(self._show_fuse)
        space.data_changed.connect(self._forget_beside)

    def changeEvent(self, event: QEvent) -> None:
        """Rows are as high as the font asks for."""
        super().changeEvent(event)
        if event.type() in (QEvent.FontChange, QEvent.ApplicationFontChange, QEvent.StyleChange):
            delegate = self.list.itemDelegate()
            assert isinstance(delegate, QueryDelegate)
            self.list.setGridSize(delegate.row_size(self.list.font()))

    # ── following the workspace ─────────────────────────────────────────────────────────────────

    def _on_rows_changed(self) -> None:
        data = self.workspace.data
        self._show_count()
        if self.model.rowCount():
            self.pages.setCurrentWidget(self.list)
        else:
            self._explain_emptiness()
            self.pages.setCurrentWidget(self.empty)
        self.count.setVisible(data is not None and len(data.query) > 0)
        self._show_selection()

    def _explain_emptiness(self) -> None:
        data = self.workspace.data
        if data is None:
            self.empty.say(NO_DATA)
        elif not len(data.query):
            self.empty.say(NO_QUERIES)
        else:
            errors = self.workspace.query_filter.errors
            self.empty.say(NO_ERRORS if errors else NONE_FITS, "Show all queries")

    def _show_count(self) -> None:
        data = self.workspace.data
        total = 0 if data is None else len(data.query)
        self.count.setText(shown_of(self.model.rowCount(), total))
        self.count.setToolTip("How many of the set's queries the filter lists.")

    def _show_selection(self) -> None:
        """Select in the list what is chosen; the first chosen query is the current row."""
        chosen = self.workspace.selection.queries
        if self._beside is not None and chosen != self._beside[:1]:
            self._beside = None  # somebody went elsewhere
        rows = [self.model.row_of(query) for query in chosen]
        wanted = QItemSelection()
        for row in rows:
            if row is not None:
                wanted.select(self.model.index(row), self.model.index(row))
        selection = self.list.selectionModel()
        self._updating = True
        try:
            if {i.row() for i in selection.selectedIndexes()} != {r for r in rows if r is not None}:
                selection.select(wanted, QItemSelectionModel.ClearAndSelect)
            self._scroll_to_current(rows)
        finally:
            self._updating = False
        self.note.say(self._joined_words())
        self._show_fuse()

    def _scroll_to_current(self, rows: list[int | None]) -> None:
        row = next((row for row in rows if row is not None), None)
        if row is None or self.list.currentIndex().row() in rows:
            return
        index = self.model.index(row)
        self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.NoUpdate)
        self.list.scrollTo(index)

    def _show_fuse(self) -> None:
        self.fuse.setVisible(len(self.workspace.selection.queries) > 1)
        for name, button in self.fuse_buttons.items():
            button.setChecked(name == self.workspace.look.fuse)

    def _picture_arrived(self, path: object) -> None:
        """Paint the row again whose picture is there now, if it is in view."""
        first = self.list.indexAt(self.list.viewport().rect().topLeft()).row()
        height = self.list.gridSize().height()
        last = first + self.list.viewport().height() // height + 1
        for row in range(max(0, first), min(last + 1, self.model.rowCount())):
            index = self.model.index(row)
            if index.data(ENTRY_ROLE).ref.path == path:
                self.list.update(index)

    # ── what people do ──────────────────────────────────────────────────────────────────────────

    def _chosen(self) -> None:
        """Rows were selected by a person: choose their queries, of one person only."""
        if self._updating:
            return
        rows = sorted(index.row() for index in self.list.selectionModel().selectedIndexes())
        queries = [int(self.model.rows[row]) for row in rows]
        if not queries:
            self._show_selection()  # there is always a query, once one was chosen
            return
        kept, left_out = self._of_one_person(queries)
        self._left_out = len(left_out)
        self._beside = (kept[0], left_out[0]) if left_out and len(queries) == 2 else None
        self.workspace.select_queries(kept)
        self._show_selection()
        self._left_out = 0

    def _forget_beside(self) -> None:
        """In another data set the numbers are those of other queries."""
        self._beside = None

    @property
    def two(self) -> tuple[int, int] | None:
        """The two queries that are chosen: of a person, or one that was left out since it is of
        another person. None for more than two."""
        chosen = self.workspace.selection.queries
        if len(chosen) > 1:
            return (chosen[0], chosen[1]) if len(chosen) == 2 else None
        return self._beside

    def why_not_two(self) -> str:
        """Why there are not two queries to compare."""
        chosen = len(self.workspace.selection.queries)
        if chosen > 2:
            return f"{chosen} queries are chosen; choose two in the list (Ctrl and click)"
        return "choose two queries in the list (Ctrl and click)"

    def _of_one_person(self, queries: list[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The queries of the first one's person, and those that were left out.

        The query that was shown large stays the first one.
        """
        shown = self.workspace.selection.query
        current = self.model.rows[self.list.currentIndex().row()]
        first = shown if shown in queries else int(current)
        if first not in queries:
            first = queries[0]
        assert self.workspace.data is not None
        pids = self.workspace.data.query_pids
        kept = (first, *(q for q in queries if q != first and pids[q] == pids[first]))
        return kept, tuple(query for query in queries if query not in kept)

    def _joined_words(self) -> str:
        """What is ranked together, and that others were left out just now."""
        data, chosen = self.workspace.data, self.workspace.selection.queries
        if data is None or not chosen or (len(chosen) < 2 and not self._left_out):
            return ""
        pid = int(data.query_pids[chosen[0]])
        person = person_words(pid, data.person_names.get(pid, ""))
        if self._left_out:
            of = person if pid >= 0 else "persons not known"
            text = f"Only queries of one person are joined: kept {len(chosen)} of {of}."
            answers = BY_ID["query.answers"].keys[0]
            return f"{text} {answers} compares what both find." if self.two else text
        if pid < 0:
            return f"{len(chosen)} queries ranked together, taken for one person."
        return f"{len(chosen)} queries of {person} ranked together."

    def _set_fuse(self, name: str) -> None:
        self.workspace.change_look(fuse=name)

    def _go(self, query: int | None) -> None:
        if query is not None:
            self.workspace.select_queries((query,))

    def step(self, by: int) -> None:
        """To the query so many rows further down."""
        self._go(step_in(self.model.rows, self.workspace.selection.query, by))

    def go_to_error(self, back: bool) -> None:
        """To the next query whose rank 1 is a false match, or the one before, round the list."""
        measures = self.workspace.current_measures
        self._go(next_error(self.model.rows, measures, self.workspace.selection.query, back))

    # ── commands ────────────────────────────────────────────────────────────────────────────────

    def handlers(self) -> Handlers:
        """What the commands of queries do."""
        space = self.workspace

        def any_listed() -> bool:
            return len(self.model.rows) > 0

        def sort_by(name: str) -> Handler:
            return Handler(
                lambda: space.change_query_filter(sort=name),
                checked=lambda: name == space.query_filter.sort,
            )

        def to_error(back: bool) -> Handler:
            return Handler(
                lambda: self.go_to_error(back),
                self._any_error,
                reason=lambda: "no error is known among the listed queries",
            )

        return {
            "query.next": Handler(lambda: self.step(1), any_listed),
            "query.previous": Handler(lambda: self.step(-1), any_listed),
            "query.next_error": to_error(False),
            "query.previous_error": to_error(True),
            "query.filter": Handler(self.filter_bar.focus),
            **{f"query.sort_{name}": sort_by(name) for name in QUERY_SORTS},
        }

    def _any_error(self) -> bool:
        listed, first_true = self.model.rows, self.workspace.current_measures.first_true
        return len(first_true) > 0 and bool((first_true[listed] > 1).any())
