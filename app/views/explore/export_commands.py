"""Commands that export the shown match and ranking to files and to the clipboard."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication, QWidget

from app.jobs.keeping import with_blur
from app.jobs.match_exports import FORMATS, MatchExport, match_export
from app.jobs.ranking_exports import RankingExport, ranking_export
from app.jobs.runner import JobRunner
from app.state.export_choices import ExportChoices
from app.state.workspace import Workspace
from app.views.dialogs.export_dialog import ExportDialog
from app.views.widgets.actions import Handler, Handlers

CLIPBOARD_WIDTH = 2000


class ExportCommands(QObject):
    """Copy and save match and ranking. ``reported``: a sentence for the bottom line."""

    reported = pyqtSignal(str)

    def __init__(
        self,
        workspace: Workspace,
        runner: JobRunner,
        window: QWidget,
        choices: ExportChoices | None = None,
    ) -> None:
        super().__init__(window)
        self.workspace, self.runner, self._window = workspace, runner, window
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

    def save(self) -> ExportDialog | None:
        """Ask for format, size and file of the match."""
        return self._ask("Save match", match_export(self.workspace))

    def save_ranking(self) -> ExportDialog | None:
        """Ask for format, size and file of the ranking, as it is listed."""
        return self._ask("Save ranking", ranking_export(self.workspace))

    def _ask(self, title: str, export: MatchExport | RankingExport | None) -> ExportDialog | None:
        if export is None:
            return None
        dialog = ExportDialog(
            title, export.stem, FORMATS, export.write, self.runner, self.choices, self._window,
            people=True,
        )  # fmt: skip
        dialog.saved.connect(self._on_saved)
        dialog.open()
        return dialog

    def _on_saved(self, path: Path) -> None:
        self.reported.emit(f"Saved {path.name}")
