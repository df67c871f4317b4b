"""Opening a data set: choose it, see what it holds, then decide."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QWidget,
)

from app.jobs.controller import Controller
from app.jobs.engine import Inspected
from app.jobs.inspections import DATA, inspect_data
from app.state.requests import BY_CONTENT, DEMO, DataRequest
from app.state.values import Problem
from app.views.dialogs.check_panel import CheckPanel
from app.views.dialogs.job_dialog import DropDialog
from app.views.widgets.fields import line_edit, push_button
from app.views.widgets.file_dialogs import TABLES, ask_path
from app.views.widgets.job_strip import progress_words
from app.views.widgets.labels import MessageLine, label_of, plain_label
from app.views.widgets.layouts import in_column, in_row, scrolled, size_on_screen
from app.views.widgets.table_style import space_rows
from qaconv_core.errors import QAConvError
from qaconv_core.paths import typed_path
from qaconv_core.progress import Progress

CHOICES = (
    (BY_CONTENT, "Recognise by content", "Any folder or table; what it is, its files tell"),
    ("market", "Market-1501", "In the data folder, or in its own"),
    ("duke", "DukeMTMC-reID", "In the data folder, or in its own"),
    ("cuhk03_np_labeled", "CUHK03-NP, labeled", "Boxes drawn by hand, 767/700 persons"),
    ("cuhk03_np_detected", "CUHK03-NP, detected", "Boxes of a detector, 767/700 persons"),
    ("msmt", "MSMT17", "Version 1 or 2, with its lists"),
    ("clonedperson", "ClonedPerson", "Synthetic people"),
    ("randperson", "RandPerson", "For training only: there is nothing to search"),
    ("folder", "Folder or table", "Pictures as they are, or a CSV table of them"),
    (DEMO, "Demo", "The bundled synthetic people"),
)


class OpenDataDialog(DropDialog):
    """Choose a data set and read the report on it; only *Open* changes what is shown.

    ``opened`` tells the request of the set that was opened, ``import_wanted`` the folder or table
    of which a person wants to say how it is read.
    """

    opened = pyqtSignal(object)
    import_wanted = pyqtSignal(object)

    def __init__(
        self, controller: Controller, data_folder: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__("Open data set", controller.runner, parent)
        self.controller = controller
        self._found: Inspected | None = None
        self._asked: DataRequest | None = None
        size_on_screen(self, 880, 560)
        self.names = self._make_names()
        self.path = line_edit(
            "Folder or table", "The data folder, the set's own folder, or a CSV table",
            data_folder, "Folder or CSV table; it can also be dropped here",
        )  # fmt: skip
        self.path.editingFinished.connect(self._path_edited)
        self.browse = push_button("&Folder…", "Choose a folder", self._browse_folder)
        self.browse_table = push_button(
            "&Table…", "Choose a CSV table with a column path", self._browse_table
        )
        self.message = MessageLine()
        self.area = scrolled(name="Report on the data set")
        self.decode = push_button(
            "&Decode every picture", "Finds damaged pictures before a long run does; takes a while",
            lambda: self.inspect(decode=True),
        )  # fmt: skip
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of decoding")
        self.rate = plain_label(wrap=False)
        self.describe = push_button(
            "Persons, &cameras, times…", "Say what folders, file names and columns mean",
            self._describe,
        )  # fmt: skip
        self.describe.hide()
        self.stop = push_button("&Stop", "Stop decoding; the report without it stays", self._stop)
        self.open_button = self.make_buttons(QDialogButtonBox.Open)
        self._lay_out()
        self.names.currentItemChanged.connect(lambda *_: self.inspect())
        self._show_working(False)
        self._allow_open("")
        self.message.say("Choose a data set on the left, or drop a folder or a table here.")

    # ── how it looks ────────────────────────────────────────────────────────────────────────────

    def _make_names(self) -> QListWidget:
        names = QListWidget()
        names.setAccessibleName("Data sets")
        names.setFixedWidth(208)
        space_rows(names)
        for name, title, tip in CHOICES:
            item = QListWidgetItem(title)
            item.setData(Qt.UserRole, name)
            item.setData(Qt.AccessibleTextRole, f"{title}. {tip}")
            item.setToolTip(tip)
            names.addItem(item)
        return names

    def _lay_out(self) -> None:
        where = in_row(label_of("&Path", self.path), self.path, self.browse, self.browse_table)
        work = in_row(self.describe, self.decode, self.bar, self.rate, self.stop, grows=self.bar)
        work.addStretch()
        right = in_column(where, self.message, self.area, work, grows=self.area)
        both = in_row(self.names, right, grows=right, spacing=16)
        in_column(both, self.buttons, into=self, grows=both, margins=16, spacing=16)

    # ── choosing ────────────────────────────────────────────────────────────────────────────────

    @property
    def request(self) -> DataRequest | None:
        """What is chosen; None while it is not said where to look."""
        item = self.names.currentItem()
        if item is None:
            return None
        name = item.data(Qt.UserRole)
        if name == DEMO:
            return DataRequest()
        text = self.path.text().strip()
        return DataRequest(name, typed_path(text)) if text else None

    def choose(self, request: DataRequest) -> None:
        """Choose a data set and look at it at once."""
        if request.root is not None:
            self.path.setText(str(request.root))
        for row, (name, _, _) in enumerate(CHOICES):
            if name == request.name and self.names.currentRow() != row:
                self.names.setCurrentRow(row)
                return
        self.inspect()

    def choose_path(self, path: Path) -> None:
        """Look at a folder or table that was dropped or browsed for."""
        self.path.setText(str(path))
        item = self.names.currentItem()
        if item is None or item.data(Qt.UserRole) == DEMO:
            self.choose(DataRequest(BY_CONTENT, path))
        else:
            self.inspect()

    def _path_edited(self) -> None:
        """Look again where the path is another one; losing the focus alone is no reason."""
        request = self.request
        if self.names.currentItem() is None and self.path.text().strip():
            self.choose_path(typed_path(self.path.text().strip()))
        elif request is not None and (self._found is None or self._asked != request):
            self.inspect()

    def _browse_folder(self) -> None:
        ask_path(self, "Folder of the data set", self.path.text(), self._browsed)

    def _browse_table(self) -> None:
        ask_path(self, "Table of pictures", self.path.text(), self._browsed, TABLES)

    def _browsed(self, name: str) -> None:
        self.choose_path(Path(name))

    def take_dropped(self, paths: list[Path]) -> None:
        self.choose_path(paths[0])

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    def inspect(self, decode: bool = False) -> None:
        """Read the chosen set in the background and show the report."""
        request = self.request
        for widget in (self.path, self.browse, self.browse_table):
            widget.setEnabled(request is None or request.name != DEMO)
        self._jobs.stop_all()
        if not decode:
            self._found = None
            self._show_report(None)
        if request is None:
            self._allow_open("")
            self.message.say("Choose the folder that holds the data set.")
            return
        self._asked = request
        self._allow_open("")
        self.message.say("Decoding every picture…" if decode else f"Reading {request.title}…")
        self._show_working(decode)
        job = inspect_data(self._jobs, request, self._show_found, self._failed, self._ended, decode)
        job.progressed.connect(self._show_progress)

    def _show_found(self, found: Inspected) -> None:
        self._found = found
        self.message.say("")
        self._show_report(CheckPanel(found.report))

    def _failed(self, problem: Problem) -> bool:
        self.message.say(problem.message, warning=True)
        return True

    def _ended(self) -> None:
        self._show_working(False)
        if self._found is None:
            return
        gallery = next(s.images for s in self._found.report.splits if s.name == "gallery")
        self._allow_open("" if gallery else "There are no gallery pictures to search.", gallery > 0)
        if self.message.text().startswith("Decoding"):
            self.message.say("Stopped; the pictures were not decoded.")

    def _show_progress(self, progress: Progress) -> None:
        if progress.fraction is not None:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * progress.fraction))
        self.rate.setText(progress_words(progress))

    def _show_report(self, panel: QWidget | None) -> None:
        self.area.setWidget(panel if panel is not None else QWidget())
        self.decode.setVisible(panel is not None)
        own = self._found is not None and self._found.request.name in ("folder", BY_CONTENT)
        self.describe.setVisible(panel is not None and own)

    def _show_working(self, on: bool) -> None:
        for widget in (self.bar, self.rate, self.stop):
            widget.setVisible(on)
        self.bar.setValue(0)
        self.decode.setVisible(not on and self._found is not None)

    def _allow_open(self, why_not: str, on: bool = False) -> None:
        self.open_button.setEnabled(on)
        self.open_button.setDefault(on)
        self.open_button.setToolTip(why_not or "Show this data set")
        if why_not:
            self.message.say(why_not, warning=True)

    def _stop(self) -> None:
        self._jobs.cancel(DATA)

    def _describe(self) -> None:
        request = self.request
        if request is not None and request.root is not None:
            self.import_wanted.emit(request.root.absolute())
            self.reject()

    # ── deciding ────────────────────────────────────────────────────────────────────────────────

    def accept(self) -> None:
        """Show the data set; a set that cannot be searched is said here, nothing changes."""
        if self._found is None or not self.open_button.isEnabled():
            return
        try:
            self.controller.use_data(self._found.dataset, None, self._found.request)
        except QAConvError as error:
            self._allow_open(str(error))
            return
        self.opened.emit(self._found.request)
        super().accept()
