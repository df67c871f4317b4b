"""The ranked gallery: tiles in rank order, method, what is hidden, and walking along it."""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt5.QtCore import QItemSelectionModel, QModelIndex, Qt, pyqtSignal
from PyQt5.QtWidgets import QApplication, QStackedWidget, QWidget

from app.items.result_delegate import ResultDelegate
from app.items.result_model import ResultModel
from app.items.row_texts import count_text
from app.jobs.images import ImageLoader
from app.state.values import METHODS, CandidateView, Method
from app.state.workspace import Workspace
from app.views.explore.candidate_selection import CandidateSelection
from app.views.explore.find_bar import FindBar
from app.views.explore.results_header import HIDES, NO_FILTER, ResultsHeader
from app.views.explore.track_player import TrackPlayer
from app.views.widgets.actions import Handler, Handlers
from app.views.widgets.hints import EmptyPage, NoteLine
from app.views.widgets.layouts import in_column
from app.views.widgets.tile_view import TileView
from qaconv_core.ranking.tracks import BEST, MEAN
from qaconv_core.types import RankingResult

METHOD_IDS: dict[Method, str] = dict(zip(METHODS[:3], ("qaconv", "rerank", "tlift"), strict=True))
NO_DATA = "No data set is open. Open one with Ctrl+O, or the demo from the File menu."
NO_MODEL = "No model is loaded. Load a checkpoint with Ctrl+Shift+O to rank the gallery."
NO_QUERY = "Choose a query to rank the gallery by it, or search by a picture with Ctrl+I."
NO_GALLERY = "This set has no gallery pictures to rank."
LOADING = "The ranking appears here once the model is loaded."
PREPARING = "The ranking appears here once the feature maps are computed."
RANKING = "Ranking…"
STRANGERS = "Measuring strangers between the cameras; the ranking follows…"
NO_TRACKS = "it was not followed through a video"


class ResultsPanel(QWidget):
    """Shows ``workspace.ranking``. ``opened``: a candidate wants to be looked at closely;
    ``command_wanted``: run this command of the table."""

    opened = pyqtSignal(int)
    command_wanted = pyqtSignal(str)

    def __init__(
        self, workspace: Workspace, thumbnails: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.thumbnails = workspace, thumbnails
        self.model = ResultModel(workspace, thumbnails, self)
        self.delegate = ResultDelegate(thumbnails, self)
        self.header = ResultsHeader(workspace, self.model, self)
        self.note = NoteLine()
        self.find_bar = FindBar(workspace, self)
        self.view = TileView(self.delegate)
        self.empty = EmptyPage()
        self.pages = QStackedWidget()
        self._clicked = self._scrolled_away = False
        self.player = TrackPlayer(self.view, self.model, self.delegate, thumbnails)
        self.candidate_selection = CandidateSelection(workspace, self.model, self.view)
        self._arrange()
        self._connect()
        self._on_rows_changed()

    # ── how it is put together ──────────────────────────────────────────────────────────────────

    def _arrange(self) -> None:
        self.view.setModel(self.model)
        self.view.focus_chooses = False  # the candidate may be hidden
        self.view.setAccessibleName("Ranked gallery")
        self.view.setToolTip("The gallery in rank order; arrow keys walk along it.")
        self.find_bar.hide()
        self.pages.addWidget(self.view)
        self.pages.addWidget(self.empty)
        in_column(self.header, self.find_bar, self.note, self.pages,
               into=self, grows=self.pages, margins=(8, 4, 8, 0), spacing=4)  # fmt: skip

    def show_as(self, view: CandidateView, picture: int) -> None:
        """As one of :data:`~app.state.values.CANDIDATE_VIEWS`; ``picture``: height in a grid."""
        if view == "strip":
            self.view.show_as_strip()
        elif view == "grid":
            self.view.show_as_grid(picture)
        self.pages.setVisible(view != "closed")
        self.header.show_view(view, picture)

    def _connect(self) -> None:
        space = self.workspace
        self.model.modelAboutToBeReset.connect(self._note_scrolled_away)
        self.model.modelReset.connect(self._on_rows_changed)
        self.view.selectionModel().currentChanged.connect(self._current_changed)
        self.view.opened.connect(self._open)
        self.view.pressed.connect(self._press)
        self.view.pointed.connect(lambda: space.point_at_list(time.monotonic()))
        for bar in (self.view.horizontalScrollBar(), self.view.verticalScrollBar()):
            bar.valueChanged.connect(self._request_found)
            bar.rangeChanged.connect(self._request_found)
        self.header.command_wanted.connect(self.command_wanted)
        self.empty.link_clicked.connect(self._show_all)
        self.find_bar.closed.connect(self.view.setFocus)
        self.thumbnails.loaded.connect(self.view.show_arrived)
        space.selection_changed.connect(self._show_selection)
        space.ranking_changed.connect(self._show_ranking_state)
        space.model_changed.connect(self._show_ranking_state)
        space.method_changed.connect(self._show_ranking_state)
        space.data_changed.connect(self._show_ranking_state)

    # ── following the workspace ─────────────────────────────────────────────────────────────────

    def _note_scrolled_away(self) -> None:
        """Note that the candidate is scrolled out of view: it stays so while the ranking grows."""
        ranking, current = self.model.ranking, self.view.currentIndex()
        grows = ranking is not None and not ranking.whole and current.isValid()
        seen = self.view.viewport().rect().intersects(self.view.visualRect(current))
        self._scrolled_away = grows and not seen

    def _on_rows_changed(self) -> None:
        ranking = self.model.ranking
        self.delegate.moves = self.model.moves is not None
        self.delegate.tracks = ranking is not None and ranking.tracks is not None
        by_part = ranking is not None and ranking.part is not None
        self.delegate.aside = by_part or self.workspace.strangers is not None
        self.view.measure_tiles()
        self._show_ranking_state()
        self._show_selection()
        self._scrolled_away = False
        self._request_found()

    def _request_found(self) -> None:
        """In a search by part: request where it was found in the visible candidates."""
        ranking = self.model.ranking
        if ranking is not None and ranking.part is not None:
            rows = self.view.visible_rows()
            self.workspace.parts.want(tuple(self.model.candidate_at(row) for row in rows))

    def _show_ranking_state(self) -> None:
        words, link = self._missing()
        if words:
            self.empty.say(words, link)
        self.pages.setCurrentWidget(self.empty if words else self.view)
        self.view.set_waiting(self._waits_for())
        self.header.refresh()

    def _waits_for(self) -> str:
        """What is being computed for another ranking; empty where the one shown is current."""
        if self.workspace.awaited_method is not None:
            return STRANGERS
        return RANKING if self.workspace.ranking_stale else ""

    def _missing(self) -> tuple[str, str]:
        """Why there is nothing to list, and the words of a link that mends it."""
        space = self.workspace
        if space.data is None:
            return NO_DATA, ""
        if not len(space.data.gallery):
            return NO_GALLERY, ""
        if space.model is None:
            return (LOADING if space.model_loading else NO_MODEL), ""
        if space.ranking is None:
            return (PREPARING if space.selection.queries else NO_QUERY), ""
        if not self.model.rowCount():
            hidden = count_text(len(space.ranking.order))
            return f"All {hidden} pictures are hidden by the filters above.", "Show all"
        return "", ""

    def _show_selection(self) -> None:
        """Highlight the chosen candidate and keep it in view."""
        candidate = self.workspace.selection.candidate
        row = self.model.row_of(candidate)
        index = QModelIndex() if row is None else self.model.index(row)
        selection = self.view.selectionModel()
        selection.setCurrentIndex(index, QItemSelectionModel.ClearAndSelect)
        if row is None:
            selection.clear()
        self.candidate_selection.mark_chosen()
        self.header.show_chosen()
        # A strip that moves under the pointer makes double clicks miss.
        if not self._clicked and not self._scrolled_away:
            self.view.scrollTo(index)
        hidden = candidate is not None and self.model.rowCount() > 0 and row is None
        self.note.say(self._hidden_words(candidate) if hidden else "")
        if self.workspace.ranking is None:
            self._show_ranking_state()

    def _hidden_words(self, candidate: int | None) -> str:
        ranking = self.workspace.ranking
        assert ranking is not None
        assert candidate is not None
        rank = ranking.rank_of(candidate)
        what = (
            f"The candidate at rank {count_text(rank)}"
            if rank
            else "The candidate, of the same camera,"
        )
        return f"{what} is hidden by the filters above."

    # ── what people do ──────────────────────────────────────────────────────────────────────────

    def _current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        """Choose the view's current candidate, unless the workspace already has it."""
        if not index.isValid():
            return
        candidate = self.model.candidate_at(index.row())
        if candidate != self.workspace.selection.candidate:
            self._clicked = QApplication.mouseButtons() != Qt.NoButton
            self.workspace.select_candidate(candidate)
            self._clicked = False

    def _press(self, index: QModelIndex) -> None:
        """A press chooses the candidate, also where it is shown already."""
        self.workspace.select_candidate(self.model.candidate_at(index.row()))

    def _open(self, index: QModelIndex) -> None:
        candidate = self.model.candidate_at(index.row())
        self.workspace.select_candidate(candidate)
        self.opened.emit(candidate)

    def _show_all(self) -> None:
        self.workspace.change_result_filter(**NO_FILTER)

    @property
    def _waits_for_another(self) -> bool:
        """Whether the ranking shown is still that of another query."""
        ranking = self.workspace.ranking
        return ranking is None or ranking.queries != self.workspace.selection.queries

    def _go_to_row(self, row: int | None) -> None:
        if row is not None and 0 <= row < self.model.rowCount() and not self._waits_for_another:
            self.workspace.select_candidate(self.model.candidate_at(row))

    def step(self, by: int) -> None:
        """One listed candidate further (1) or back (−1)."""
        self._go_to_row(self.model.row_beside(self.workspace.selection.candidate, by))

    def step_true(self, by: int) -> None:
        """To the next (1) or previous (−1) listed true match."""
        candidate = self.workspace.selection.candidate
        self._go_to_row(self.model.row_beside(candidate, by, RankingResult.TRUE))

    def next_undecided(self) -> None:
        """To the next listed candidate that nothing was decided about."""
        row = self.model.row_beside(self.workspace.selection.candidate, 1)
        rows = range(self.model.rowCount() if row is None else row, self.model.rowCount())
        decided = self.workspace.decided
        self._go_to_row(next((r for r in rows if self.model.candidate_at(r) not in decided), None))

    def leave_hidden(self) -> None:
        """Something was decided: where that hides the candidate, the next listed one is shown, or
        the one before where it was the last; whatever was decided."""
        space = self.workspace
        candidate = space.selection.candidate
        if not space.result_filter.hide_decided or candidate not in space.decided:
            return
        if self.model.row_of(candidate) is None:
            after, before = (self.model.row_beside(candidate, step) for step in (1, -1))
            self._go_to_row(before if after is None else after)

    def compare(self) -> None:
        """The candidate beside the first true match; that one beside the first false match."""
        ranking, candidate = self.workspace.ranking, self.workspace.selection.candidate
        if ranking is None or candidate is None or self._waits_for_another:
            return
        other = ranking.first(RankingResult.TRUE)
        if other == candidate:
            other = ranking.first(RankingResult.FALSE)
        if other is not None:
            self.workspace.compare_with(other)
            self.workspace.change_look(mode="compare")

    def why_false(self) -> None:
        """The first false match beside the first true one, and what makes the difference."""
        ranking = self.workspace.ranking
        if ranking is None or self._waits_for_another:
            return
        false, true = ranking.first(RankingResult.FALSE), ranking.first(RankingResult.TRUE)
        if false is not None and true is not None:
            self.workspace.select_candidate(false)
            self.workspace.compare_with(true)
            self.workspace.change_look(mode="compare")

    def _play(self) -> None:
        candidate = self.workspace.selection.candidate
        if candidate is not None:
            self.player.toggle(candidate)

    def _toggle(self, name: str) -> None:
        now = getattr(self.workspace.result_filter, name)
        self.workspace.change_result_filter(**{name: not now})

    # ── commands ────────────────────────────────────────────────────────────────────────────────

    def handlers(self) -> Handlers:
        """What the commands of candidates do."""
        space = self.workspace

        def step(run: Callable[[], object]) -> Handler:
            return Handler(run, lambda: self.model.rowCount() > 0)

        def truth_words() -> str:
            known = self.header.truth.text()
            return "" if self._has(RankingResult.TRUE) else known or "no ranking yet"

        def to_true(run: Callable[[], object]) -> Handler:
            return Handler(run, lambda: self._has(RankingResult.TRUE), reason=truth_words)

        def hide(name: str) -> Handler:
            return Handler(
                lambda: self._toggle(name), checked=lambda: getattr(space.result_filter, name)
            )

        def rank_by(method: Method) -> Handler:
            return Handler(
                lambda: space.set_method(method),
                enabled=lambda: method in space.methods,
                checked=lambda: method == space.method,
                reason=lambda: self.header.reason(method),
            )

        return {
            "candidate.next": step(lambda: self.step(1)),
            "candidate.previous": step(lambda: self.step(-1)),
            "candidate.first": step(lambda: self._go_to_row(0)),
            "candidate.last": step(lambda: self._go_to_row(self.model.rowCount() - 1)),
            "candidate.next_true": to_true(lambda: self.step_true(1)),
            "candidate.previous_true": to_true(lambda: self.step_true(-1)),
            "candidate.compare": to_true(self.compare),
            "candidate.why_false": Handler(
                self.why_false,
                lambda: self._has(RankingResult.TRUE) and self._has(RankingResult.FALSE),
                reason=lambda: truth_words() or "no false match is ranked",
            ),
            "candidate.next_undecided": step(self.next_undecided),
            **{f"candidate.{name}": hide(name) for name in HIDES},
            "candidate.every_picture": Handler(
                lambda: self._toggle("every_picture"),
                lambda: space.has_tracks,
                checked=lambda: space.result_filter.every_picture,
                reason=lambda: NO_TRACKS,
            ),
            "candidate.tracks_mean": Handler(
                lambda: space.change_look(tracks=BEST if space.look.tracks == MEAN else MEAN),
                lambda: space.has_tracks,
                checked=lambda: space.look.tracks == MEAN,
                reason=lambda: NO_TRACKS,
            ),
            "candidate.play_track": Handler(
                self._play,
                lambda: self.player.can_play(space.selection.candidate),
                checked=lambda: self.player.playing is not None,
                reason=lambda: NO_TRACKS,
            ),
            "candidate.exact": Handler(
                lambda: space.change_look(exact=not space.look.exact),
                checked=lambda: space.look.exact,
            ),
            **{f"candidate.method_{short}": rank_by(m) for m, short in METHOD_IDS.items()},
            "edit.find": Handler(self.find_bar.open, lambda: space.data is not None),
            **self.candidate_selection.handlers(),
        }

    def _has(self, truth: int) -> bool:
        """Whether the ranking holds a picture of that truth."""
        ranking = self.workspace.ranking
        return ranking is not None and ranking.first(truth) is not None
