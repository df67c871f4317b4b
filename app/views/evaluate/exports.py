"""The page's Save and Copy menus."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure
from PyQt5.QtCore import QObject, Qt
from PyQt5.QtWidgets import QFileDialog, QWidget

from app.jobs.job import problem_of
from app.jobs.runner import JobRunner
from app.state.evaluating import FinishedRun, RunsBook
from app.views.evaluate import take_away
from app.views.evaluate.content import Content
from qaconv_core.errors import QAConvError


class Exports(QObject):
    """Saves and copies what is shown. Dialogs are opened, never waited for."""

    def __init__(
        self, book: RunsBook, content: Content, runner: JobRunner, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._book, self._content, self._page = book, content, parent
        self._runner = runner
        self.folder = ""
        save, copy = content.save_button.menu(), content.copy_button.menu()
        for menu, text, tip, work in (
            (save, "Table…", "CSV, JSON, LaTeX or Markdown.", self.ask_table),
            (save, "CMC curve…", "PNG, SVG, PDF, or the numbers as CSV.", self.ask_cmc),
            (save, "Score distributions…", "PNG, SVG or PDF.", self.ask_scores),
            (save, "AP of every query…", "PNG, SVG or PDF.", self.ask_queries),
            (copy, "Table", "As Markdown text.", self.copy_table),
            (copy, "Figure", "The figure that is seen, on white.", self.copy_figure),
        ):
            action = menu.addAction(text)
            action.setToolTip(tip)
            action.triggered.connect(lambda _on, work=work: self.guarded(work))
        save.setToolTipsVisible(True)
        copy.setToolTipsVisible(True)
        copy.aboutToShow.connect(self._prepare_copy)
        self._copy_figure = copy.actions()[1]

    def guarded(self, work: Callable[[], object]) -> None:
        """Do something; what goes wrong is told where all problems are."""
        try:
            work()
        except (QAConvError, OSError) as error:
            self._runner.problem.emit(problem_of(error, "Saving"))

    def _prepare_copy(self) -> None:
        self._copy_figure.setEnabled(self._content.figure() is not None)

    @property
    def _current(self) -> tuple[FinishedRun, ...]:
        return () if self._book.current is None else (self._book.current,)

    # ── asking where ────────────────────────────────────────────────────────────────────────────

    def ask_table(self) -> None:
        """Save the measures of the shown runs."""
        runs = self._book.shown
        self._ask(
            "Save table",
            "measures",
            runs,
            take_away.TABLE_FILTER,
            tuple(take_away.TABLE_FORMATS),
            lambda p: take_away.save_table(runs, p),
        )

    def ask_cmc(self) -> None:
        """Save the CMC curve of the shown runs, or its numbers."""
        runs = self._book.shown

        def save(path: str) -> None:
            figure = self._content.cmc.figure()
            if figure is not None:
                take_away.save_cmc(self._content.cmc.reports(), figure, path)

        self._ask(
            "Save CMC curve", "cmc", runs, take_away.CMC_FILTER, (*take_away.FORMATS, ".csv"), save
        )

    def ask_scores(self) -> None:
        """Save the score distributions of the chosen run."""
        self._ask_figure("Save score distributions", "scores", self._content.scores.figure)

    def ask_queries(self) -> None:
        """Save the chart of the queries' AP of the chosen run."""
        self._ask_figure("Save AP of every query", "ap", self._content.queries.figure)

    def _ask_figure(self, title: str, what: str, make: Callable[[], Figure | None]) -> None:
        figure = make()
        if figure is not None:
            self._ask(
                title,
                what,
                self._current,
                take_away.FIGURE_FILTER,
                take_away.FORMATS,
                lambda path: take_away.save_figure(figure, path),
            )

    def _ask(
        self,
        title: str,
        what: str,
        runs: tuple[FinishedRun, ...],
        filters: str,
        suffixes: tuple[str, ...],
        save: Callable[[str], None],
    ) -> None:
        if not runs:
            return
        dialog = QFileDialog(self._page, title, self.folder, filters)
        dialog.setObjectName("save")
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptSave)
        first = filters.split(";;")[0]
        dialog.selectFile(take_away.file_name(what, runs, take_away.with_suffix("", first, ())))

        def chosen(path: str) -> None:
            self.folder = dialog.directory().path()
            whole = take_away.with_suffix(path, dialog.selectedNameFilter(), suffixes)
            self.guarded(lambda: save(whole))

        dialog.fileSelected.connect(chosen)
        dialog.open()

    # ── clipboard ───────────────────────────────────────────────────────────────────────────────

    def copy_table(self) -> None:
        """The measures of the shown runs as Markdown."""
        if self._book.shown:
            take_away.copy_table(self._book.shown)

    def copy_figure(self) -> None:
        """The figure of the tab that is seen."""
        make = self._content.figure()
        figure = None if make is None else make()
        if figure is not None:
            take_away.copy_figure(figure)
