"""The page's Save and Copy menus."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure
from PyQt5.QtCore import QObject
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication, QWidget

from app.jobs.run_exports import RunsExport, cmc_export, figure_export, table_export
from app.jobs.runner import JobRunner
from app.state.evaluation import RunList
from app.state.export_choices import ExportChoices
from app.views.dialogs.export_dialog import ExportDialog
from app.views.evaluate.page_layout import PageContent


class Exports(QObject):
    """Saves and copies what is shown. Dialogs are opened, never waited for."""

    def __init__(
        self,
        runs: RunList,
        content: PageContent,
        runner: JobRunner,
        choices: ExportChoices,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._runs, self._content, self._page = runs, content, parent
        self._runner, self._choices = runner, choices
        save, copy = content.save_button.menu(), content.copy_button.menu()
        for menu, text, tip, work in (
            (save, "Table…", "CSV, JSON, LaTeX or Markdown.", self.save_table),
            (save, "CMC curve…", "PNG, SVG, PDF, or the numbers as CSV.", self.save_cmc),
            (save, "Score distributions…", "PNG, SVG or PDF.", self.save_scores),
            (save, "AP of every query…", "PNG, SVG or PDF.", self.save_queries),
            (copy, "Table", "As Markdown text.", self.copy_table),
            (copy, "Figure", "The figure that is seen, on white.", self.copy_figure),
        ):
            action = menu.addAction(text)
            action.setToolTip(tip)
            action.triggered.connect(lambda _on, work=work: work())
        save.setToolTipsVisible(True)
        copy.setToolTipsVisible(True)
        save.aboutToShow.connect(self._prepare_save)
        copy.aboutToShow.connect(self._prepare_copy)

    def _prepare_save(self) -> None:
        there = (self.table(), self.cmc(), self.scores(), self.queries())
        for action, export in zip(self._content.save_button.menu().actions(), there, strict=True):
            action.setEnabled(export is not None)

    def _prepare_copy(self) -> None:
        table, figure = self._content.copy_button.menu().actions()
        table.setEnabled(self.table() is not None)
        figure.setEnabled(self.seen() is not None)

    # ── what there is to take ───────────────────────────────────────────────────────────────────

    def table(self) -> RunsExport | None:
        """The measures of the shown runs."""
        return table_export(self._runs.shown) if self._runs.shown else None

    def cmc(self) -> RunsExport | None:
        """The CMC curves of the shown runs, of the methods chosen."""
        reports = self._content.cmc.reports()
        return cmc_export(self._runs.shown, reports) if reports else None

    def scores(self) -> RunsExport | None:
        """The score distributions of the chosen run."""
        return self._of_current("scores", self._content.scores.maker())

    def queries(self) -> RunsExport | None:
        """The AP of every query of the chosen run."""
        return self._of_current("ap", self._content.queries.maker())

    def _of_current(self, what: str, draw: Callable[[], Figure] | None) -> RunsExport | None:
        run = self._runs.current
        return None if run is None or draw is None else figure_export(what, run, draw)

    def seen(self) -> RunsExport | None:
        """The figure of the tab that is seen."""
        content = self._content
        makers = {
            content.table: self.cmc,
            content.scores: self.scores,
            content.queries: self.queries,
        }
        make = makers.get(content.tabs.currentWidget())
        return None if make is None else make()

    # ── files ───────────────────────────────────────────────────────────────────────────────────

    def save_table(self) -> ExportDialog | None:
        """Save the measures of the shown runs."""
        return self._ask("Save table", self.table())

    def save_cmc(self) -> ExportDialog | None:
        """Save the CMC curve of the shown runs, or its numbers."""
        return self._ask("Save CMC curve", self.cmc())

    def save_scores(self) -> ExportDialog | None:
        """Save the score distributions of the chosen run."""
        return self._ask("Save score distributions", self.scores())

    def save_queries(self) -> ExportDialog | None:
        """Save the chart of the queries' AP of the chosen run."""
        return self._ask("Save AP of every query", self.queries())

    def _ask(self, title: str, export: RunsExport | None) -> ExportDialog | None:
        if export is None:
            return None
        dialog = ExportDialog(
            title, export.stem, export.formats, export.write, self._runner, self._choices,
            self._page,
        )  # fmt: skip
        dialog.open()
        return dialog

    # ── clipboard ───────────────────────────────────────────────────────────────────────────────

    def copy_table(self) -> None:
        """The measures of the shown runs as Markdown."""
        export = self.table()
        if export is not None:
            QApplication.clipboard().setText(export.texts[".md"]())

    def copy_figure(self) -> None:
        """The figure of the tab that is seen, drawn in the background."""
        export = self.seen()
        if export is not None:
            self._runner.start(
                "Drawing the figure", lambda _context: export.image(), lane="files", done=_put
            )


def _put(image: QImage) -> None:
    QApplication.clipboard().setImage(image)
