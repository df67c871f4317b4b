"""Commands that export the shown match and ranking to files and to the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication, QWidget

from app.jobs.blurring import with_blur
from app.jobs.match_exports import FORMATS, MATCH_FORMATS, MatchExport, match_export
from app.jobs.ranking_exports import RankingExport, ranking_export
from app.jobs.runner import JobRunner
from app.jobs.sheets import CompareRequest, GridRequest, compare_request, grid_request
from app.state.export_choices import JSON, ExportChoices
from app.state.listing import listed_queries
from app.state.workspace import Workspace
from app.views import dialogs
from app.views.widgets.actions import Handler, Handlers
from qaconv_core.readable import counted

if TYPE_CHECKING:
    from qaconv_core.galleries.search import GallerySearch

CLIPBOARD_WIDTH = 2000
GRID_COUNTS = (("Queries", 5, 1, 20), ("Candidates of each", 10, 1, 20))
NOT_A_FEW = "Choose two to four candidates (Shift+arrows or Ctrl+click)."


class ExportCommands(QObject):
    """Copy and save match and ranking. ``reported``: a sentence for the bottom line."""

    reported = pyqtSignal(str)

    def __init__(
        self,
        workspace: Workspace,
        runner: JobRunner,
        window: QWidget,
        choices: ExportChoices | None = None,
        matching: Callable[[], GallerySearch | None] = lambda: None,
    ) -> None:
        super().__init__(window)
        self.workspace, self.runner, self._window = workspace, runner, window
        self._matching = matching
        self.choices = choices or ExportChoices()

    def handlers(self) -> Handlers:
        """The commands."""
        space = self.workspace

        def matched() -> bool:
            return space.pair is not None

        return {
            "edit.copy_figure": Handler(self.copy_figure, matched),
            "edit.copy_numbers": Handler(self.copy_numbers, matched),
            "file.export_match": Handler(self.save, matched),
            "file.export_grid": Handler(
                self.save_grid,
                enabled=lambda: self._matching() is not None and bool(space.selection.queries),
                reason=lambda: "The feature maps are not all there yet.",
            ),
            "candidate.sheet": Handler(
                self.save_sheet,
                enabled=lambda: self._sheet() is not None,
                reason=lambda: NOT_A_FEW,
            ),
            "file.export_ranking": Handler(
                self.save_ranking,
                enabled=lambda: space.ranking is not None and space.ranking.whole,
                reason=lambda: (
                    "" if space.ranking is None else "The gallery is still being ranked."
                ),
            ),
        }

    def copy_figure(self) -> None:
        """Draw the figure in the background and copy it."""
        export = match_export(self.workspace)
        if export is None:
            return

        blur = self.choices.blur

        def copy(image: QImage) -> None:
            QApplication.clipboard().setImage(image)
            self.reported.emit("The match figure is on the clipboard")

        self.runner.start(
            "Drawing the match figure",
            lambda _context: with_blur(blur, lambda: export.image(CLIPBOARD_WIDTH)),
            lane="files",
            done=copy,
        )

    def copy_numbers(self) -> None:
        """Put the match's numbers on the clipboard as JSON."""
        export = match_export(self.workspace)
        if export is not None:
            QApplication.clipboard().setText(export.json_text())
            self.reported.emit("The match's numbers are on the clipboard")

    def save(self) -> dialogs.ExportDialog | None:
        """Ask for format, size and file of the match."""
        return self._ask("Save match", match_export(self.workspace))

    def save_ranking(self) -> dialogs.ExportDialog | None:
        """Ask for format, size and file of the ranking, as it is listed."""
        return self._ask("Save ranking", ranking_export(self.workspace))

    def save_sheet(self) -> dialogs.SheetDialog | None:
        """Compare the chosen candidates on a sheet."""
        return self._ask_sheet("Compare candidates", self._sheet, ())

    def save_grid(self) -> dialogs.SheetDialog | None:
        """Show several queries with their first candidates, as a figure."""
        return self._ask_sheet("Queries and their candidates", self._grid, GRID_COUNTS)

    def _sheet(self) -> CompareRequest | None:
        return compare_request(self.workspace, self._matching())

    def _grid(self, rows: int, count: int) -> GridRequest | None:
        space = self.workspace
        if space.data is None:
            return None
        measures = space.measures.of(space.method)
        listed = listed_queries(space.data, measures, space.query_filter).tolist()
        return grid_request(space, self._matching(), listed, rows, count)

    def _ask_sheet(
        self,
        title: str,
        request_for: Callable[..., CompareRequest | GridRequest | None],
        counts: tuple[tuple[str, int, int, int], ...],
    ) -> dialogs.SheetDialog | None:
        if request_for(*(start for _name, start, *_limits in counts)) is None:
            return None
        dialog = dialogs.SheetDialog(
            title, request_for, counts, self.runner, self.choices, self._window
        )
        dialog.saved.connect(self._on_saved)
        dialog.open()
        return dialog

    def _ask(
        self, title: str, export: MatchExport | RankingExport | None
    ) -> dialogs.ExportDialog | None:
        if export is None:
            return None
        formats = MATCH_FORMATS if isinstance(export, MatchExport) else FORMATS
        dialog = dialogs.ExportDialog(
            title, export.stem, formats, export.write, self.runner, self.choices, self._window,
            people=True,
        )  # fmt: skip
        compared = len(export.others) if isinstance(export, MatchExport) else 0
        dialog.saved.connect(lambda path: self._on_saved(path, compared))
        dialog.open()
        return dialog

    def _on_saved(self, path: Path, compared: int = 0) -> None:
        """``compared`` pairs have files of their own beside it, but for JSON."""
        beside = ""
        if compared and path.suffix.lower() != JSON.suffix:
            beside = f", and {counted(compared, 'compared pair')} beside it"
        self.reported.emit(f"Saved {path.name}{beside}")
