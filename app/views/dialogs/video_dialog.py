"""People in video: which cameras and clocks, which frames; then a job that can be stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QCloseEvent
from PyQt5.QtWidgets import (
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.jobs.runner import JobRunner
from app.jobs.videos import DETECT, VideoFacts, VideoWork, detect, read_facts
from app.state.requests import DataRequest
from app.state.values import Problem
from app.views.dialogs.detector_box import DetectorBox
from app.views.dialogs.job_dialog import HelpedDialog, dialog_buttons
from app.views.widgets.fields import decimal_number, line_edit, named, push_button, tick_box
from app.views.widgets.file_dialogs import ask_path, ask_paths
from app.views.widgets.job_strip import clock
from app.views.widgets.labels import MessageLine
from app.views.widgets.layouts import in_column, in_form, in_row, size_on_screen
from app.views.widgets.table_style import space_columns
from app.views.widgets.work_strip import WorkStrip
from qaconv_core.data.moments import moment_of
from qaconv_core.detection.crops import PICTURES
from qaconv_core.paths import typed_path
from qaconv_core.readable import counted

if TYPE_CHECKING:
    from qaconv_core.detection.job import Detected

COLUMNS = ("File", "Length", "Camera", "Starts at")
CAMERA, START = 2, 3
USUAL_RATE = 2.0
NO_START = "not known"
_GOES_ON = "You may close this dialog: the search goes on, and its set opens then."


class VideoDialog(HelpedDialog):
    """Videos, each with its camera and the time when it began; what to look at; where to.

    ``opened`` carries the request of the set that was made. While people are looked for, closing
    hides the dialog: the job goes on, and ends with the set opened.
    """

    opened = pyqtSignal(object)

    def __init__(self, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__("People in video", runner, parent)
        size_on_screen(self, 880, 560)
        self.paths: list[Path] = []
        self.facts: list[VideoFacts] = []
        self._out_typed = False
        self._make()
        self._lay_out()
        self._connect()
        self.message.say("Choose videos, or drop them here.")
        self._refresh()

    def _make(self) -> None:
        self.table = named(
            QTableWidget(0, len(COLUMNS)), "Videos",
            "Camera and start can be changed: click, or press F2",
        )  # fmt: skip
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        space_columns(self.table)
        for column in (0, CAMERA):  # a camera is called as its file is, until it has a name
            self.table.horizontalHeader().setSectionResizeMode(column, QHeaderView.Stretch)
        for column, width in ((1, 80), (START, 208)):
            self.table.setColumnWidth(column, width)
        self.add = push_button("Add &videos…", "", lambda: ask_paths(self, "Videos", self.choose))
        self.rate = decimal_number(
            "Look at", "", USUAL_RATE, 60.0, 1.0, least=0.01, suffix=" frames a second"
        )
        self.motion = tick_box("of those, &only frames in which something moved", "")
        self.detector = DetectorBox()
        self.make_help("people in video", "help.videos")
        self.out = line_edit(
            "Into", "Folder of the crops and tables; a run that was stopped goes on there"
        )
        self.browse = push_button(
            "Fol&der…", "", lambda: ask_path(self, "Folder of the crops", "", self._choose_out)
        )
        self.message = MessageLine()
        self.work = WorkStrip()
        self.buttons = dialog_buttons(self, QDialogButtonBox.Close)
        self.open_found = push_button(
            "Open &what was found", "Open the people found before the run was stopped", self._open
        )
        self.start = push_button("&Find people", "", self.accept)
        self.start.setDefault(True)

    def _lay_out(self) -> None:
        form = in_form(
            ("&Look at", in_row(self.rate, self.motion, None)),
            ("&By", in_row(self.detector, None)),
            ("&Into", in_row(self.out, self.browse, grows=self.out)),
        )
        last = in_row(self.help, self.open_found, None, self.buttons, self.start)
        in_column(self.table, in_row(self.add, None), form, self.message, self.work, last,
                  into=self, grows=self.table, margins=16)  # fmt: skip

    def _connect(self) -> None:
        self.rate.valueChanged.connect(self._refresh)
        self.motion.toggled.connect(self._refresh)
        self.detector.currentIndexChanged.connect(self._refresh)
        self.out.textEdited.connect(self._out_edited)
        self.table.itemChanged.connect(self._refresh)

    # ── choosing ────────────────────────────────────────────────────────────────────────────────

    def choose(self, paths: Sequence[Path]) -> None:
        """Look at videos, and at folders of them, besides those that are shown."""
        self.paths = list(dict.fromkeys((*self.paths, *(path.absolute() for path in paths))))
        if not self._out_typed and self.paths:
            self.out.setText(str(out_for(self.paths)))
        self.message.say("Reading the videos…")
        read_facts(self._jobs, self.paths, self._show, self._failed)

    def take_dropped(self, paths: list[Path]) -> None:
        if not self._jobs.has(DETECT):
            self.choose(paths)
            return
        names = ", ".join(path.name for path in paths)
        self.message.say(
            f"{_GOES_ON} {names}: not taken while people are looked for; drop it again then.",
            warning=True,
        )

    def _choose_out(self, name: str) -> None:
        self.out.setText(name)
        self._out_edited()

    def _out_edited(self) -> None:
        self._out_typed = True
        self._refresh()

    def _show(self, facts: list[VideoFacts]) -> None:
        kept = {(row.path, column): self._cell(number, column)
                for number, row in enumerate(self.facts) for column in (CAMERA, START)}  # fmt: skip
        self.facts = facts
        self.table.blockSignals(True)
        self.table.setRowCount(len(facts))
        for number, one in enumerate(facts):
            length = "picture" if not one.video else clock(one.seconds) if one.seconds else "–"
            start = one.start.isoformat(" ", "seconds") if one.start else NO_START
            camera = kept.get((one.path, CAMERA), one.camera)
            start = kept.get((one.path, START), start)
            for column, text in enumerate((one.name, length, camera, start)):
                item = QTableWidgetItem(text)
                editable = column in (CAMERA, START) and not one.fault
                if not editable:
                    item.setFlags(Qt.ItemIsSelectable | Qt.ItemIsEnabled)
                item.setToolTip(one.fault or str(one.path))
                self.table.setItem(number, column, item)
        self.table.blockSignals(False)
        self._refresh()

    def _cell(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return "" if item is None else item.text().strip()

    def _failed(self, problem: Problem) -> bool:
        self.message.say(problem.message, warning=True)
        self._refresh_buttons(bool(self.facts))
        return True

    # ── what is said ────────────────────────────────────────────────────────────────────────────

    def wanted(self) -> VideoWork:
        """What is to be done. Raises ValueError with a sentence where a start is no time."""
        starts: dict[str, datetime] = {}
        cameras: dict[str, str] = {}
        for row, one in enumerate(self.facts):
            camera, text = self._cell(row, CAMERA), self._cell(row, START)
            if camera:
                cameras[one.name] = camera
            if text in ("", NO_START):
                continue
            start = moment_of(text)
            if start is None:
                raise ValueError(
                    f"{one.name}: “{text}” is no date with time; write it like 2024-05-01 12:00:00"
                )
            starts[one.name] = start
        out = typed_path(self.out.text().strip())
        return VideoWork(
            self.rate.value(), self.motion.isChecked(), out, starts, cameras, self.detector.name
        )

    def _refresh(self, *_changed: object) -> None:
        try:
            work = self.wanted()
        except ValueError as error:
            self.message.say(str(error), warning=True)
            self._refresh_buttons(False)
            return
        usable = [one for one in self.facts if not one.fault]
        ready = bool(usable) and bool(self.out.text().strip())
        self._refresh_buttons(ready)
        if self.facts and not self._jobs.has(DETECT):
            self._say_what(usable, work)

    def _say_what(self, usable: list[VideoFacts], work: VideoWork) -> None:
        faults = [f"{one.name}: {one.fault}" for one in self.facts if one.fault]
        frames = sum(round((one.seconds or 0) * work.rate) or 1 for one in usable)
        cameras = len({work.cameras.get(one.name, "") for one in usable})
        said = f"{counted(frames, 'frame')} of {counted(cameras, 'camera')} at most."
        if len(work.starts) < len([one for one in usable if one.video]):
            said += " Times can be compared between cameras once each video has a start."
        self.message.say("; ".join([*faults, said]), warning=bool(faults))

    def _refresh_buttons(self, ready: bool) -> None:
        busy = self._jobs.has(DETECT)
        self.start.setEnabled(ready and not busy)
        for widget in (self.table, self.add, self.rate, self.motion, self.out, self.browse):
            widget.setEnabled(not busy)
        there = (typed_path(self.out.text().strip() or ".") / PICTURES).is_file()
        self.start.setText("&Go on" if there and self.out.text().strip() else "&Find people")
        self.open_found.setVisible(there and bool(self.out.text().strip()))
        self.open_found.setEnabled(not busy)

    # ── running ─────────────────────────────────────────────────────────────────────────────────

    def accept(self) -> None:
        """Start, or go on where a run was stopped."""
        if not self.start.isEnabled():
            return
        work = self.wanted()
        job = detect(self._jobs, self.paths, work, self._done, self._not_done, self._ended)
        names = ", ".join(one.name for one in self.facts[:2])
        self.work.add_job(f"Finding people in {names}", job)
        self.message.say(_GOES_ON)
        self._refresh_buttons(False)

    def _done(self, done: Detected) -> None:
        if done.lost or not done.totals.boxes:
            goes_on = f"{done.lost_words}; connect it, and “Go on” looks at the rest."
            self.message.say(goes_on if done.lost else "Nobody was found.", warning=True)
            self.show()  # it may have been closed meanwhile
            return
        for fault in done.rejected[:1]:
            self.message.say(str(fault), warning=True)
        self._open()

    def _open(self) -> None:
        self.opened.emit(DataRequest("folder", self.wanted().out.absolute()))
        super().accept()

    def _not_done(self, problem: Problem) -> bool:
        self.message.say(problem.message, warning=True)
        return True

    def _ended(self) -> None:
        said = self.message.text()
        self._refresh()
        if said.startswith(_GOES_ON):
            self.message.say("Stopped. “Go on” looks at the rest; what was found is kept.")
        else:
            self.message.say(said, warning=True)

    def reject(self) -> None:
        if self._jobs.has(DETECT):
            self.hide()
        else:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._jobs.has(DETECT):
            self.hide()
            event.ignore()
        else:
            super().closeEvent(event)


def out_for(paths: Sequence[Path]) -> Path:
    """Where the people of videos go unless another folder is named: beside them."""
    first = paths[0]
    if first.is_dir():
        return first.with_name(f"{first.name} people")
    name = first.stem if len(paths) == 1 else first.parent.name
    return first.with_name(f"{name} people")
