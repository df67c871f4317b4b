"""Choosing several candidates in the ranked strip: Ctrl+click, Shift+click, Shift+arrows."""

from __future__ import annotations

from PyQt5.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QObject

from app.items.result_model import ResultModel
from app.state.workspace import Workspace
from app.views.widgets.actions import Handler, Handlers
from app.views.widgets.tile_view import TileView


class CandidateSelection(QObject):
    """Changes ``workspace.selection.more`` as people do in a file manager, and shows it.

    Shift chooses all listed candidates from the one last chosen without it.
    """

    def __init__(self, workspace: Workspace, model: ResultModel, view: TileView) -> None:
        super().__init__(view)
        self.workspace, self.model, self.view = workspace, model, view
        self._anchor: int | None = None
        view.added.connect(self._add)
        view.extended.connect(lambda index: self._extend(index.row()))
        view.pressed.connect(self._choose_one)

    def mark_chosen(self) -> None:
        """Select the rows of all chosen candidates in the view."""
        selection = self.workspace.selection
        if not selection.more:
            self._anchor = selection.candidate
            return
        rows = [self.model.row_of(candidate) for candidate in selection.more]
        marked = QItemSelection()
        for row in rows:
            if row is not None:
                marked.select(self.model.index(row), self.model.index(row))
        self.view.selectionModel().select(marked, QItemSelectionModel.Select)
        self.view.viewport().update()

    def _choose_one(self, index: QModelIndex) -> None:
        """A plain click chooses one candidate only, also where it is the current one."""
        self.workspace.select_candidate(self.model.candidate_at(index.row()))

    def _add(self, index: QModelIndex) -> None:
        """Add a candidate or remove it; the shown candidate always stays chosen."""
        selection, candidate = self.workspace.selection, self.model.candidate_at(index.row())
        self._anchor = candidate
        if candidate not in selection.chosen:
            self.workspace.choose_candidates(candidate, selection.chosen)
            return
        left = selection.chosen - {candidate}
        if left and self.model.ranking is not None:
            place = self.model.ranking.place_of
            here = place(candidate)
            nearest = min(left, key=lambda c: (abs(place(c) - here), place(c)))
            shown = nearest if candidate == selection.candidate else selection.candidate
            self.workspace.choose_candidates(shown, left)

    def _extend(self, row: int) -> None:
        """Choose all listed candidates from the anchor to a row, and show that row's."""
        anchor = self.model.row_of(self._anchor)
        anchor = row if anchor is None else anchor
        rows = range(min(anchor, row), max(anchor, row) + 1)
        chosen = frozenset(self.model.candidate_at(r) for r in rows)
        self.workspace.choose_candidates(self.model.candidate_at(row), chosen)

    def step(self, by: int) -> None:
        """Shift and an arrow: one listed candidate more, or one less on the way back."""
        row = self.model.row_beside(self.workspace.selection.candidate, by)
        if row is not None:
            self._extend(row)

    def handlers(self) -> Handlers:
        """The commands that choose more."""

        def any_listed() -> bool:
            return self.model.rowCount() > 0

        return {
            "candidate.extend_next": Handler(lambda: self.step(1), any_listed),
            "candidate.extend_previous": Handler(lambda: self.step(-1), any_listed),
        }
