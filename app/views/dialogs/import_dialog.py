"""Importing own pictures: what folders, names and columns say, with a preview while it is said."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QIcon, QImage, QPainter, QPixmap
from PyQt5.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.jobs.images import ImageLoader
from app.jobs.imports import PROPOSE, SHOW, cut_out, propose_import, save_import, show_people
from app.jobs.runner import JobRunner
from app.jobs.timers import pause_timer
from app.state.requests import DataRequest
from app.state.values import Problem
from app.views.dialogs.check_panel import rejected_text
from app.views.dialogs.job_dialog import DropDialog
from app.views.dialogs.video_dialog import out_for
from app.views.widgets.fields import combo_box, line_edit, named, push_button
from app.views.widgets.file_dialogs import TABLES, ask_path
from app.views.widgets.labels import (
    MessageLine,
    details_box,
    fold_button,
    label_of,
    plain_label,
    sentence_case,
    without_mnemonic,
)
from app.views.widgets.layouts import boxed, in_column, in_form, in_row, size_on_screen
from app.views.widgets.table_style import show_as_rows, space_columns
from qaconv_core.data.catalog import name_fault
from qaconv_core.data.description import RATE_WORDS, is_rate
from qaconv_core.data.folder_guess import Wishes
from qaconv_core.data.moments import UNITS
from qaconv_core.data.name_fields import FIELDS, PRESETS
from qaconv_core.data.proposal import BY_DETECT, Proposal, examples, spread
from qaconv_core.data.scan import Scan
from qaconv_core.data.scenes import BY_COMMAND
from qaconv_core.data.videos import is_video_name
from qaconv_core.readable import counted, shown
from qaconv_core.types import Rejected

if TYPE_CHECKING:
    from qaconv_core.detection.given import BoxesProposal

COLUMNS = ("File", "Person", "Camera", "Time", "Split")
RECOGNISE = "Recognise"
ROLES = (
    ("path", "Fil&e"),
    ("pid", "&Person"),
    ("camid", "&Camera"),
    ("time", "&Time"),
    ("split", "Sp&lit"),
)
"""Columns of a table: our names, and the window's words for them."""
NO_COLUMN = "none"
FOLDERS = (
    RECOGNISE, "persons", "cameras", "cameras/persons", "persons/cameras", "cameras/cameras",
    "none",
)  # fmt: skip
SAVE_WORDS = "&Save and open…"
SAVE_TIP = "Write qaconv.toml beside the pictures, and look at the data set"
CUT_TIP = "Cut the people out of their pictures by these boxes, and look at the data set"
_EXAMPLES = 40
_LEFT_OUT = 96  # pixels of height
_THUMBNAIL = 48
_PEOPLE, _PERSON, _GAP = 4, QSize(30, _THUMBNAIL), 4
"""People of one picture that are shown, how large at most, and pixels between them."""
_NOT_HERE = "drop the folder; whole scenes and videos are dropped on the window itself"
_BELOW_FOLDERS = 2
_PAUSE = 300  # milliseconds after the last key until the preview is made anew
_FIELDS = "Fields: " + ", ".join(f"{{{name}}} {meaning}" for name, meaning in FIELDS.items())


class ImportDialog(DropDialog):
    """Choose folders or tables, see what is understood of them, say what is otherwise.

    ``imported`` carries the request that opens what was written down, ``videos_dropped`` the paths
    of videos, for which this is not the place.
    """

    imported = pyqtSignal(object)
    videos_dropped = pyqtSignal(object)

    def __init__(self, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__("Import pictures", runner, parent)
        size_on_screen(self, 920, 640)
        self.places: list[Path] = []
        self.proposal: Proposal | None = None
        self.boxes: BoxesProposal | None = None
        self._shown: list[Path] = []
        self._scans: dict[Path, Scan] = {}
        self._thumbnails = ImageLoader(_THUMBNAIL, parent=self)
        self._thumbnails.loaded.connect(self._show_thumbnail)
        self._later = pause_timer(self, _PAUSE, self._propose)
        self._make()
        self.message.say("Choose folders or a table, or drop them, or scenes with a file of boxes.")

    def _make(self) -> None:
        self.where = plain_label("")
        self.where.setAccessibleName("Where the pictures lie")
        self.browse = push_button("&Folder…", "", self._browse_folder)
        self.browse_table = push_button("Ta&ble…", "", self._browse_table)
        tip = f"How files are named, without the suffix. {_FIELDS}"
        self.pattern = combo_box("File names", tip)
        self.pattern.setEditable(True)
        self.pattern.addItems([RECOGNISE, *PRESETS, "none", "{pid}_c{cam}_{frame}"])
        self.folders = combo_box("Folders", "What folders are, the outermost first")
        self.folders.addItems(FOLDERS)
        self.columns = {
            ours: combo_box(f"Column of {what}s", f"The table's column of {what}s")
            for ours, what in ((ours, without_mnemonic(words).lower()) for ours, words in ROLES)
        }
        self.unit = combo_box("Times")
        self.unit.addItems([RECOGNISE, *UNITS])
        rate = "frames per second, where frames are counted"
        self.rate = line_edit("Rate", placeholder=rate)
        name = "a name by which commands find it; may be left empty"
        self.name = line_edit("Name", placeholder=name)
        self.rate_fault, self.name_fault = MessageLine(), MessageLine()
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.setAccessibleName("Pictures as they are understood")
        show_as_rows(self.table)
        space_columns(self.table)
        self.table.setIconSize(QSize(_THUMBNAIL, _THUMBNAIL))
        self.table.verticalHeader().setDefaultSectionSize(_THUMBNAIL + 4)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.Stretch)
        self.possible = plain_label("")
        self.possible.setAccessibleName("What is possible")
        self.left_out = MessageLine()
        self.fold, self.all_left_out = fold_button("All left o&ut"), details_box("")
        self.all_left_out.setAccessibleName("Files left out, by reason")
        self.all_left_out.setFixedHeight(_LEFT_OUT)
        self.fold.toggled.connect(self.all_left_out.setVisible)
        self.fold.hide()
        self.all_left_out.hide()
        self.message = MessageLine()
        self.save = self.make_buttons(
            QDialogButtonBox.Save, SAVE_WORDS, SAVE_TIP
        )  # fmt: skip
        self.save.setEnabled(False)
        self.table_row, self.table_label = (
            self._make_table_row(),
            plain_label("Columns", wrap=False),
        )
        self.fields = (
            self.pattern, self.folders, self.table_row, self.unit, self.rate, self.name
        )  # fmt: skip
        for field in (self.rate, self.name, self.pattern.lineEdit()):
            field.setAcceptDrops(False)  # a file dropped there is for the dialog
        self.form = in_form(
            ("File &names", self.pattern), ("F&olders", self.folders), ("T&imes", self.unit),
            ("&Rate", _with_fault(self.rate, self.rate_fault)),
            ("Na&me", _with_fault(self.name, self.name_fault)),
        )  # fmt: skip
        where = in_row(self.where, self.browse, self.browse_table, grows=self.where)
        left_out = in_row(self.left_out, self.fold, grows=self.left_out)
        in_column(where, self.form, self.table, self.possible, left_out, self.all_left_out,
                  self.message, self.buttons, into=self, grows=self.table,
                  margins=16)  # fmt: skip
        for part in (self.table_label, self.table_row):
            part.setParent(self)
        self._show_columns([])
        self.pattern.editTextChanged.connect(self._changed)
        self.folders.currentTextChanged.connect(self._changed)
        for column in self.columns.values():
            column.currentIndexChanged.connect(self._changed)
        self.unit.currentTextChanged.connect(self._changed)
        self.rate.textChanged.connect(self._changed)
        self.name.textChanged.connect(self._changed)

    def _make_table_row(self) -> QWidget:
        """Which column of a table is what."""
        parts = []
        for ours, words in ROLES:
            column = self.columns[ours]
            column.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
            column.setMinimumContentsLength(6)
            parts += [label_of(words, column), column]
        row = in_row(*parts, spacing=6)
        for column in self.columns.values():
            row.setStretchFactor(column, 1)
        return named(boxed(row), "Columns")

    def _show_columns(self, names: Sequence[str]) -> None:
        """Offer the columns of a table; without one there is no row of them."""
        for ours, column in self.columns.items():
            offered = [] if ours == "path" else [(NO_COLUMN, "")]
            chosen = column.currentData()
            column.blockSignals(True)
            column.clear()
            for words, theirs in [(RECOGNISE, None), *offered, *((name, name) for name in names)]:
                column.addItem(words, theirs)
            column.setCurrentIndex(max(0, column.findData(chosen)) if chosen is not None else 0)
            column.blockSignals(False)
        if names and not self.table_row.isVisibleTo(self):
            self.form.insertRow(_BELOW_FOLDERS, self.table_label, self.table_row)
        elif not names and self.form.indexOf(self.table_row) >= 0:
            self.form.takeRow(self.table_row)  # a hidden row would leave a gap
        for part in (self.table_label, self.table_row):
            part.setVisible(bool(names))
        steps = [self.folders, *self.columns.values(), self.unit] if names else []
        for before, after in itertools.pairwise(steps):
            self.setTabOrder(before, after)

    # ── choosing ────────────────────────────────────────────────────────────────────────────────

    def choose(self, places: Sequence[Path], scans: Mapping[Path, Scan] | None = None) -> None:
        """Look at folders and tables; nothing that was said of others holds for them. ``scans`` are
        folders that were read just now."""
        if self.places:
            self._say_nothing()
        self.places = [path.absolute() for path in places]
        self._scans = dict(scans or {})
        self.where.setText(", ".join(map(str, self.places)))
        self.proposal = None
        self._show_nothing()
        self._show_columns([])
        self._propose()

    def _say_nothing(self) -> None:
        """All fields as they are in a new dialog."""
        self._show_columns([])
        self.pattern.setEditText(RECOGNISE)
        for choice in (self.folders, self.unit, *self.columns.values()):
            choice.setCurrentIndex(0)
        for line in (self.rate, self.name):
            line.clear()
        for field in self.fields:
            field.setEnabled(True)

    def _show_nothing(self) -> None:
        """No table, and nothing that is possible."""
        self.boxes, self._shown = None, []
        self._jobs.stop(SHOW)
        self._fill(())
        self.possible.setText("")
        self._say_left_out(())

    def _browse_folder(self) -> None:
        ask_path(self, "Folder of pictures", "", self._browsed)

    def _browse_table(self) -> None:
        ask_path(self, "Table of pictures", "", self._browsed, TABLES)

    def _browsed(self, name: str) -> None:
        self.choose([Path(name)])

    def take_dropped(self, paths: list[Path]) -> None:
        if all(is_video_name(path.name) and path.is_file() for path in paths):
            self.videos_dropped.emit(paths)
            self.reject()
        else:
            self.choose(paths)

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    def wishes(self) -> Wishes:
        """What was said of the pictures; what was left to the program is empty."""
        pattern, folders = self.pattern.currentText().strip(), self.folders.currentText()
        unit = self.unit.currentText()
        return Wishes(
            patterns=() if pattern in ("", RECOGNISE) else (pattern,),
            folders=None if folders == RECOGNISE else tuple(folders.split("/")),
            columns={
                ours: column.currentData()
                for ours, column in self.columns.items()
                if column.currentData() is not None
            },
            unit="" if unit == RECOGNISE else unit,
            rate=self._rate(),
            name=self.name.text().strip(),
        )

    def _rate(self) -> float | None:
        """Frames per second as typed; NaN for what is no number, None where nothing is typed."""
        typed = self.rate.text().strip().replace(",", ".")
        try:
            return float(typed) if typed else None
        except ValueError:
            return math.nan

    def _said_rightly(self) -> bool:
        """Whether rate and name can be kept; what is wrong is said beside each."""
        rate, fault = self._rate(), name_fault(self.name.text().strip())
        rate_fault = "" if rate is None or is_rate(rate) else f"has to be {RATE_WORDS}"
        self.rate_fault.say(rate_fault, warning=True)
        self.name_fault.say(f"cannot be given: {fault}" if fault else "", warning=True)
        return not rate_fault and not fault

    def _changed(self) -> None:
        self.save.setEnabled(False)
        self._jobs.stop(PROPOSE)  # what it finds is not what is said now
        self._later.stop()
        if not self._said_rightly():
            self.message.say("")  # what is wrong stands beside its field
        elif self.places:
            self._later.start()

    def _propose(self) -> None:
        self.save.setEnabled(False)
        self._later.stop()
        if not self._said_rightly():
            return
        self.message.say("Reading names…")
        self._jobs.stop(SHOW)
        propose_import(
            self._jobs, self.places, self.wishes(), self.proposal, self._scans,
            self._show_columns, self._proposed, self._not_proposed,
        )  # fmt: skip

    def _proposed(self, found: Proposal | BoxesProposal) -> None:
        as_pictures = isinstance(found, Proposal)
        for field in self.fields:
            field.setEnabled(as_pictures)
        self.save.setText(SAVE_WORDS if as_pictures else "Cut out and open…")
        self.save.setToolTip(SAVE_TIP if as_pictures else CUT_TIP)
        if isinstance(found, Proposal):
            self._show(found)
        else:
            self._show_boxes(found)

    def _show_boxes(self, found: BoxesProposal) -> None:
        """What a file of boxes says of the pictures that it was dropped with."""
        self.proposal, self.boxes, self._shown = None, found, []
        self._fill(
            (name, counted(number, "box", "boxes"), "", "", "")
            for name, number in found.boxes[:_EXAMPLES]
        )
        self.possible.setText(
            f"✓ Cut {counted(found.people, 'person', 'people')} out, into {out_for(found.inputs)}, "
            "and search among them"
        )
        self._say_left_out(())
        self.message.say("; ".join(found.sentences), warning=bool(found.unknown))
        self.save.setEnabled(True)
        self.table.setIconSize(QSize(_PEOPLE * (_PERSON.width() + _GAP), _THUMBNAIL))
        for row in range(self.table.rowCount()):
            self._show_people((row, []))  # names stay where they are when people appear
        show_people(self._jobs, found, _EXAMPLES, _PEOPLE, _PERSON, self._show_people)

    def _show_people(self, found: tuple[int, list[QImage]]) -> None:
        row, people = found
        strip = QPixmap(self.table.iconSize())
        strip.fill(Qt.transparent)
        painter = QPainter(strip)
        left = 0
        for person in people:
            painter.drawImage(left, (_THUMBNAIL - person.height()) // 2, person)
            left += person.width() + _GAP
        painter.end()
        item = self.table.item(row, 0)
        if item is not None:
            item.setIcon(QIcon(strip))

    def _show(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self.table.setIconSize(QSize(_THUMBNAIL, _THUMBNAIL))
        self._shown = [picture.path for picture in spread(proposal, _EXAMPLES)]
        self._fill(examples(proposal, _EXAMPLES))
        for path in self._shown:
            self._show_thumbnail(path)
        self.possible.setText("\n".join(
            f"{'✓' if item.possible else '✕'} {item.what}: {in_window(item.why)}"
            for item in proposal.possible()
        ))  # fmt: skip
        for source in filter(lambda source: source.is_table, proposal.description.sources):
            for ours, column in self.columns.items():
                known = source.columns.get(ours)
                column.setItemText(0, f"{known} (auto)" if known else RECOGNISE)
        told = (*proposal.warnings, *proposal.pictures.notes)
        said = "; ".join(map(in_window, (*told, *proposal.reasons)))
        count = counted(len(proposal.pictures.pictures), "picture")
        self._say_left_out(proposal.dataset.rejected)
        self.message.say(f"{count}. {sentence_case(said)}", warning=bool(told))
        self.save.setEnabled(True)

    def _say_left_out(self, rejected: Sequence[Rejected]) -> None:
        """How many files or lines are left out, and why the first; all of them are folded in."""
        named = "" if len(rejected) < 2 else ", the first"
        words = (
            f"{len(rejected):,} left out{named}: {shown(rejected[0].reason)}" if rejected else ""
        )
        self.left_out.say(words, warning=True)
        self.all_left_out.setPlainText(rejected_text(rejected))
        self.fold.setVisible(bool(rejected))
        self.fold.setChecked(self.fold.isChecked() and bool(rejected))

    def _fill(self, rows: Iterable[Sequence[str]]) -> None:
        """Show these rows of :data:`COLUMNS`."""
        self.table.setRowCount(0)
        for row, cells in enumerate(rows):
            self.table.insertRow(row)
            for column, text in enumerate(cells):
                self.table.setItem(row, column, QTableWidgetItem(text))

    def _show_thumbnail(self, path: Path) -> None:
        if self.proposal is None or path not in self._shown:
            return
        image = self._thumbnails.get(path)
        item = self.table.item(self._shown.index(path), 0)
        if image is not None and item is not None:
            item.setIcon(QIcon(QPixmap.fromImage(image)))

    def _not_proposed(self, problem: Problem) -> bool:
        self._show_nothing()
        return self._failed(problem)

    def _failed(self, problem: Problem) -> bool:
        self.message.say(in_window(problem.message), warning=True)
        return True

    # ── deciding ────────────────────────────────────────────────────────────────────────────────

    def accept(self) -> None:
        """Write down how the pictures are read, or cut the boxes out, and offer to open them."""
        if not self.save.isEnabled():
            return
        self.save.setEnabled(False)
        if self.boxes is not None:
            out = out_for(self.boxes.inputs)
            self.message.say("Cutting people out…")
            self._jobs.stop(SHOW)
            cut_out(self._jobs, self.boxes, out, self._saved, self._not_saved)
        elif self.proposal is not None:
            save_import(self._jobs, self.proposal.description, self._saved, self._not_saved)

    def _not_saved(self, problem: Problem) -> bool:
        self.save.setEnabled(True)  # what stood in the way may be gone the next time
        return self._failed(problem)

    def _saved(self, request: DataRequest) -> None:
        self.imported.emit(request)
        super().accept()

    def stop_work(self) -> None:
        super().stop_work()
        self._later.stop()
        self._thumbnails.close()


def _with_fault(field: QWidget, fault: MessageLine) -> QBoxLayout:
    """A field, and room beside it for what is wrong with it."""
    row = in_row(field, fault)
    for part in (field, fault):
        row.setStretchFactor(part, 1)
    return row


def in_window(sentence: str) -> str:
    """A sentence of the engine without the options of the command line: the fields stand above."""
    plain = re.sub(r"; --[a-z]+ .*says otherwise.*$", "", sentence)
    plain = plain.replace(f"name the folder; {BY_DETECT}", _NOT_HERE)
    plain = plain.replace(BY_COMMAND, "drop them on the window, which finds people in scenes")
    plain = plain.replace("name it (--columns path=…)", "choose the column of files")
    return plain.replace("--rate", "a rate").replace("--pattern ", "")
