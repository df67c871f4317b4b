"""Makes the pages of errors and of explanation checks when first chosen; runs their commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QWidget

from app.jobs.controller import Controller
from app.jobs.images import ImageLoader
from app.jobs.insight_jobs import REPORT_FORMATS, InsightJobs, insight_export
from app.state.commands import BY_ID
from app.state.export_choices import ExportChoices
from app.state.insights import KINDS, REASONS, Insights, Kind, PairPlace, selection_of
from app.state.values import Problem
from app.views import dialogs
from app.views.widgets.actions import Handler, Handlers

if TYPE_CHECKING:
    from app.views.insights.insight_page import InsightPage


class InsightPages(QObject):
    """Errors and explanation checks of the open set.

    ``page_wanted`` asks for a page by its name, ``reported`` carries news, ``failed`` a problem,
    ``data_requested`` asks for the dialog that opens a data set.
    """

    page_wanted = pyqtSignal(str)
    reported = pyqtSignal(str)
    failed = pyqtSignal(object)
    data_requested = pyqtSignal()

    def __init__(
        self,
        controller: Controller,
        thumbnails: ImageLoader,
        choices: ExportChoices,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._controller = controller
        self._awaited: PairPlace | None = None
        self.workspace, self._thumbnails = controller.workspace, thumbnails
        self._runner, self._choices, self._window = controller.runner, choices, window
        self.insights = Insights()
        self.insights.belong_to(self.workspace)
        self.jobs = InsightJobs(controller.sources, controller.runner, self.insights, self)
        self.made: dict[Kind, InsightPage] = {}
        self.workspace.selection_changed.connect(self._show_awaited)

    def page(self, kind: Kind) -> InsightPage:
        """The page, made at the first call; matplotlib is loaded by what is drawn on it."""
        if kind not in self.made:
            self.made[kind] = self._make(kind)
        return self.made[kind]

    def _make(self, kind: Kind) -> InsightPage:
        page: InsightPage
        if kind == "failures":
            from app.views.insights.errors_page import ErrorsPage

            page = ErrorsPage(self.workspace, self.jobs, self._thumbnails, self._window)
        else:
            from app.views.insights.checks_page import ChecksPage

            page = ChecksPage(self.workspace, self.jobs, self._thumbnails, self._window)
        page.open_pair.connect(self.open_pair)
        page.save_requested.connect(lambda: self.save(kind))
        page.data_requested.connect(self.data_requested)
        return page

    def open_pair(self, place: PairPlace) -> None:
        """Show a pair in the browser; with another candidate, the two compared.

        A picture of the gallery that was asked for as a query becomes one first.
        """
        space = self.workspace
        chosen = selection_of(space.data, place)
        if chosen is None and space.data is not None and place.query in space.data.gallery.paths:
            self._awaited = place
            self._controller.add_pictures([place.query])
            return
        if chosen is None:
            self.failed.emit(Problem(f"{place.query}: is not in the data set that is open now"))
            return
        self.page_wanted.emit("explore")
        space.look_at(chosen)
        if chosen.other is not None:
            space.change_look(mode="compare")
        elif space.look.mode == "compare":
            space.change_look(mode="lines")

    def _show_awaited(self) -> None:
        """Show the pair that was waiting for its query, once that is chosen."""
        place, data, query = self._awaited, self.workspace.data, self.workspace.selection.query
        if place is None or data is None or query is None or data.query[query].path != place.query:
            return
        self._awaited = None
        self.open_pair(place)

    def begin(self, kind: Kind) -> None:
        """Show the page and start what it is about."""
        self.page_wanted.emit(kind)
        self.jobs.start(kind)

    def save(self, kind: Kind) -> dialogs.ExportDialog | None:
        """Ask for format and file of a report."""
        export = insight_export(self.insights, kind)
        if export is None:
            return None
        dialog = dialogs.ExportDialog(
            BY_ID[f"file.export_{kind}"].title.rstrip("…"), export.stem, REPORT_FORMATS,
            export.write, self._runner, self._choices, self._window, people=True,
        )  # fmt: skip
        dialog.saved.connect(self._on_saved)
        dialog.open()
        return dialog

    def _on_saved(self, path: Path) -> None:
        self.reported.emit(f"Saved {path.name}")

    def handlers(self) -> Handlers:
        """Commands of both pages."""

        def measure(kind: Kind) -> Handler:
            def why_not() -> str:
                return REASONS[kind](self.workspace.data)

            return Handler(
                lambda: self.begin(kind),
                lambda: not why_not() and self.jobs.ready and not self.jobs.running(kind),
                reason=why_not,
            )

        def export(kind: Kind) -> Handler:
            return Handler(
                lambda: self.save(kind),
                lambda: getattr(self.insights, kind) is not None,
                reason=lambda: "Nothing was measured yet.",
            )

        return {
            **{f"evaluate.{kind}": measure(kind) for kind in KINDS},
            **{f"file.export_{kind}": export(kind) for kind in KINDS},
        }
