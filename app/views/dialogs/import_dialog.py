"""Importing own pictures: what folders, names and columns say, with a preview while it is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PyQt5.QtCore import QSize, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QIcon, QPixmap
from PyQt5.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.jobs.images import ImageLoader
from app.jobs.imports import propose_import, save_import
from app.jobs.job_slots import JobSlots
from app.jobs.runner import JobRunner
from app.state.requests import DataRequest
from app.state.values import Problem
from app.views.widgets.dropped_files import DropDialog
from app.views.widgets.labels import MessageLine, plain_label, without_icons
from app.views.widgets.layouts import in_column, in_row
from qaconv_core.data.folder_guess import Wishes
from qaconv_core.data.moments import UNITS
from qaconv_core.data.name_fields import FIELDS, PRESETS
from qaconv_core.data.proposal import Proposal, examples, possibilities, spread

COLUMNS = ("File", "Person", "Camera", "Time", "Split")
RECOGNISE = "Recognise"
FOLDERS = (RECOGNISE, "persons", "cameras", "cameras/persons", "persons/cameras", "none")
_EXAMPLES = 40
_THUMBNAIL = 48
_PAUSE = 300  # milliseconds after the last key until the preview is made anew
_FIELDS = "Fields: " + ", ".join(f"{{{name}}} {meaning}" for name, meaning in FIELDS.items())


class ImportDialog(DropDialog):
    """Choose folders or tables, see what is understood of them, say what is otherwise.

    ``imported`` carries the request that opens what was written down.
    """

    imported = pyqtSignal(object)

    def __init__(self, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import pictures")
        self.resize(920, 640)
        self.places: list[Path] = []
        self.proposal: Proposal | None = None
        self._shown: list[Path] = []
        self._jobs = JobSlots(runner, self)
        self._thumbnails = ImageLoader(_THUMBNAIL, parent=self)
        self._thumbnails.loaded.connect(self._show_thumbnail)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_PAUSE)
        self._later.timeout.connect(self._propose)
        self._make()
        self.message.say("Choose a folder or a table, or drop several here.")

    def _make(self) -> None:
        self.where = plain_label("")
        self.browse = QPushButton("Folder…")
        self.browse_table = QPushButton("Table…")
        self.pattern = QComboBox()
        self.pattern.setEditable(True)
        self.pattern.addItems([RECOGNISE, *PRESETS, "none", "{pid}_c{cam}_{frame}"])
        self.pattern.setToolTip(f"How files are named, without the suffix. {_FIELDS}")
        self.folders = QComboBox()
        self.folders.addItems(FOLDERS)
        self.folders.setToolTip("What folders are, the outermost first")
        self.unit = QComboBox()
        self.unit.addItems([RECOGNISE, *UNITS])
        self.rate = QLineEdit()
        self.rate.setPlaceholderText("frames per second, where frames are counted")
        self.name = QLineEdit()
        self.name.setPlaceholderText("a name by which commands find it; may be left empty")
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.setAccessibleName("Pictures as they are understood")
        self.table.setEditTriggers(QTableWidget.NoEditTriggers)
        self.table.setIconSize(QSize(_THUMBNAIL, _THUMBNAIL))
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_THUMBNAIL + 4)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.Stretch)
        self.possible = plain_label("")
        self.possible.setAccessibleName("What is possible")
        self.message = MessageLine()
        self.buttons = QDialogButtonBox(QDialogButtonBox.Save | QDialogButtonBox.Cancel)
        self.save = self.buttons.button(QDialogButtonBox.Save)
        self.save.setText("Save and open…")
        self.save.setToolTip("Write qaconv.toml beside the pictures, and look at the data set")
        self.save.setEnabled(False)
        without_icons(self.buttons)
        form = QFormLayout()
        rows: tuple[tuple[str, QWidget], ...] = (
            ("File names", self.pattern),
            ("Folders", self.folders),
            ("Times", self.unit),
            ("Rate", self.rate),
            ("Name", self.name),
        )
        for title, widget in rows:
            widget.setAccessibleName(title)
            form.addRow(title, widget)
        where = in_row(self.where, self.browse, self.browse_table, grows=self.where)
        in_column(where, form, self.table, self.possible, self.message, self.buttons,
                  into=self, grows=self.table, margins=16)  # fmt: skip
        self._connect()

    def _connect(self) -> None:
        for button in (self.browse, self.browse_table):
            button.setAutoDefault(False)
        self.browse.clicked.connect(self._browse_folder)
        self.browse_table.clicked.connect(self._browse_table)
        self.pattern.editTextChanged.connect(self._changed)
        self.folders.currentTextChanged.connect(self._changed)
        self.unit.currentTextChanged.connect(self._changed)
        self.rate.textChanged.connect(self._changed)
        self.name.textChanged.connect(self._changed)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    # ── choosing ────────────────────────────────────────────────────────────────────────────────

    def choose(self, places: Sequence[Path]) -> None:
        """Look at folders and tables."""
        self.places = [path.absolute() for path in places]
        self.where.setText(", ".join(map(str, self.places)))
        self.proposal = None
        self._propose()

    def _browse_folder(self) -> None:
        dialog = QFileDialog(self, "Folder of pictures")
        dialog.setFileMode(QFileDialog.Directory)
        dialog.setOption(QFileDialog.ShowDirsOnly)
        self._ask(dialog)

    def _browse_table(self) -> None:
        self._ask(QFileDialog(self, "Table of pictures", "", "Tables (*.csv)"))

    def _ask(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.choose([Path(name)]))
        dialog.open()

    def take_dropped(self, paths: list[Path]) -> None:
        self.choose(paths)

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    def wishes(self) -> Wishes:
        """What was said of the pictures; what was left to the program is empty."""
        pattern, folders = self.pattern.currentText().strip(), self.folders.currentText()
        unit, rate = self.unit.currentText(), self.rate.text().strip().replace(",", ".")
        return Wishes(
            patterns=() if pattern in ("", RECOGNISE) else (pattern,),
            folders=None if folders == RECOGNISE else tuple(folders.split("/")),
            unit="" if unit == RECOGNISE else unit,
            rate=float(rate) if rate else None,
            name=self.name.text().strip(),
        )

    def _changed(self) -> None:
        self.save.setEnabled(False)
        if self.places:
            self._later.start()

    def _propose(self) -> None:
        self.save.setEnabled(False)
        try:
            wishes = self.wishes()
        except ValueError:
            self.message.say("The rate has to be a number of frames per second.", warning=True)
            return
        self.message.say("Reading names…")
        propose_import(self._jobs, self.places, wishes, self.proposal, self._show, self._failed)

    def _show(self, proposal: Proposal) -> None:
        self.proposal = proposal
        rows = examples(proposal, _EXAMPLES)
        self._shown = [picture.path for picture in spread(proposal, _EXAMPLES)]
        self.table.setRowCount(len(rows))
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                self.table.setItem(row, column, QTableWidgetItem(text))
            self._show_thumbnail(self._shown[row])
        self.possible.setText("\n".join(
            f"{'✓' if item.possible else '✕'} {item.what}: {item.why}"
            for item in possibilities(proposal.dataset)
        ))  # fmt: skip
        said = [*proposal.warnings, *proposal.reasons]
        count = len(proposal.pictures.pictures)
        self.message.say(f"{count:,} pictures. " + "; ".join(said), warning=bool(proposal.warnings))
        self.save.setEnabled(True)

    def _show_thumbnail(self, path: Path) -> None:
        if self.proposal is None or path not in self._shown:
            return
        image = self._thumbnails.get(path)
        item = self.table.item(self._shown.index(path), 0)
        if image is not None and item is not None:
            item.setIcon(QIcon(QPixmap.fromImage(image)))

    def _failed(self, problem: Problem) -> bool:
        self.message.say(problem.message, warning=True)
        return True

    # ── deciding ────────────────────────────────────────────────────────────────────────────────

    def accept(self) -> None:
        """Write down how the pictures are read, and offer to open them."""
        if self.proposal is None or not self.save.isEnabled():
            return
        self.save.setEnabled(False)
        save_import(self._jobs, self.proposal.description, self._saved, self._failed)

    def _saved(self, request: DataRequest) -> None:
        self.imported.emit(request)
        self._end()
        super().accept()

    def reject(self) -> None:
        self._end()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._end()
        super().closeEvent(event)

    def _end(self) -> None:
        self._later.stop()
        self._jobs.stop_all()
        self._thumbnails.close()
