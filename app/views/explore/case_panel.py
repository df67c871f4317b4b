"""The panel of a case: its words, its query pictures, confirmed sightings, notes, its log."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QHideEvent, QIcon, QPixmap
from PyQt5.QtWidgets import (
    QListView,
    QListWidget,
    QListWidgetItem,
    QWidget,
)

from app.jobs.case_jobs import CaseJobs
from app.jobs.images import ImageLoader
from app.jobs.timers import pause_timer
from app.state.values import Selection
from app.state.words import DECIDED
from app.views.explore.sightings import SightingTimeline
from app.views.widgets.fields import push_button, text_area
from app.views.widgets.labels import MessageLine, heading, plain_label
from app.views.widgets.layouts import boxed, in_column, in_row
from qaconv_core.readable import counted
from qaconv_core.store.cases import Case

PICTURE = QSize(48, 80)
PAUSE_MS = 1000
"""From the last letter of the notes to their writing."""
NO_CASE = (
    "No case is open. A case is one file that keeps data set, model, query pictures, decisions and "
    "notes as you go, with a log of every decision."
)


def log_words(case: Case) -> str:
    """What is to be said against the log of a case, in sentences; "" where nothing is."""
    found = [f"The log does not hold: {case.fault}."] if case.fault else []
    if case.remark:
        found.append(f"{case.remark[0].upper()}{case.remark[1:]}.")
    return " ".join(found)


class CasePanel(QWidget):
    """Shows the open case. ``command_wanted`` carries the id of a command."""

    command_wanted = pyqtSignal(str)

    def __init__(
        self, jobs: CaseJobs, thumbnails: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.jobs, self._thumbnails = jobs, thumbnails
        self.title = heading()
        self.about, self.count = plain_label(), plain_label()
        self.fault = MessageLine()
        self.tray = self._make_tray()
        self.timeline = SightingTimeline()
        self.notes = text_area("Notes on the case")
        self.notes.setPlaceholderText("Notes on the case")
        self.buttons = {
            id: push_button(words, tip, partial(self.command_wanted.emit, id), tip)
            for id, words, tip in (
                ("file.new_case", "New…", "Begin a case about what is open"),
                ("file.open_case", "Open…", "Open a case"),
                ("query.to_case", "Add query", "Take the chosen queries into the case"),
                ("query.case_all", "Search by all", "Rank by all pictures of the case together"),
                ("file.describe_case", "Title…", "Change title, reference and examiner"),
                ("file.save_case_log", "Save log…", "Save every entry with its time, as CSV"),
            )
        }
        self._timer = pause_timer(self, PAUSE_MS, self.keep_notes)
        self._lay_out()
        self._shown: tuple[Path, ...] | None = None
        self._known = ""
        """The notes as they were read or handed over last."""
        self.notes.textChanged.connect(self._timer.start)
        self.timeline.chosen.connect(self._look_at)
        thumbnails.loaded.connect(self._picture_arrived)
        jobs.changed.connect(self.refresh)
        jobs.closing.connect(self.keep_notes)
        jobs.workspace.data_changed.connect(self.refresh)
        self.refresh()

    def _make_tray(self) -> QListWidget:
        tray = QListWidget()
        tray.setAccessibleName("Query pictures of the case")
        tray.setToolTip("A click shows a picture's ranking.")
        tray.setViewMode(QListView.IconMode)
        tray.setFlow(QListView.LeftToRight)
        tray.setWrapping(False)
        tray.setMovement(QListView.Static)
        tray.setIconSize(PICTURE)
        tray.setFixedHeight(PICTURE.height() + 32)
        tray.itemActivated.connect(lambda item: self._show_query(item.data(Qt.UserRole)))
        tray.itemClicked.connect(lambda item: self._show_query(item.data(Qt.UserRole)))
        return tray

    def _lay_out(self) -> None:
        b = self.buttons
        self.remove = push_button("Remove", "Take the marked picture out of the case", self._remove)
        queries = in_row(b["query.to_case"], b["query.case_all"], self.remove, None, spacing=4)
        log = in_column(self.count, in_row(None, b["file.save_case_log"]))
        self.whole = boxed(
            in_column(
                in_row(self.title, b["file.describe_case"], grows=self.title), self.about,
                self.fault, heading("Queries"), self.tray, queries,
                heading("Confirmed sightings"), self.timeline, heading("Notes"), self.notes, log,
                grows=self.notes,
            )
        )  # fmt: skip
        self.empty = boxed(
            in_column(
                plain_label(NO_CASE), in_row(b["file.new_case"], b["file.open_case"], None), None
            )
        )
        in_column(self.whole, self.empty, into=self, grows=self.whole, margins=8)

    # ── what is shown ───────────────────────────────────────────────────────────────────────────

    def refresh(self) -> None:
        """Show the case as it is now."""
        case = self.jobs.case
        self.whole.setVisible(case is not None)
        self.empty.setVisible(case is None)
        if case is None:
            self._timer.stop()
            self._shown = None
            return
        self.title.setText(case.title or "Untitled case")
        about = (case.reference, case.examiner)
        self.about.setText(" · ".join(part for part in about if part))
        self.about.setVisible(any(about))
        self.fault.say(log_words(case), warning=True)
        if not self._timer.isActive():
            self._show_notes(case.notes)
        counts = dict.fromkeys(DECIDED, 0)
        for decision in case.decisions:
            counts[decision.verdict] += 1
        decided = ", ".join(f"{n:,} {DECIDED[verdict]}" for verdict, n in counts.items() if n)
        entries = counted(len(case.entries), "entry", "entries")
        self.count.setText(f"{entries}; {decided}" if decided else entries)
        self.count.setToolTip(f"{self.count.text()}\nThe log ends with {case.seal}")
        self.timeline.show_sightings(self.jobs.confirmed())
        self._show_tray()

    def _show_notes(self, text: str) -> None:
        self._known = text
        if self.notes.toPlainText() != text:
            self.notes.blockSignals(True)
            self.notes.setPlainText(text)
            self.notes.blockSignals(False)

    def _show_tray(self) -> None:
        pictures = self.jobs.pictures
        if pictures == self._shown:
            return
        self._shown = pictures
        self.tray.clear()
        for path in pictures:
            item = QListWidgetItem(path.name[:12])
            item.setTextAlignment(Qt.AlignHCenter)
            item.setData(Qt.UserRole, path)
            item.setToolTip(str(path))
            item.setData(Qt.AccessibleTextRole, f"Query picture {path.name}")
            self.tray.addItem(item)
            self._set_icon(item, path)

    def _set_icon(self, item: QListWidgetItem, path: Path) -> None:
        image = self._thumbnails.get(path)
        if image is not None:
            item.setIcon(QIcon(QPixmap.fromImage(image)))

    def _picture_arrived(self, path: Path) -> None:
        if self._shown is None or path not in self._shown:
            return
        item = self.tray.item(self._shown.index(path))
        if item is not None:
            self._set_icon(item, path)

    # ── what is done ────────────────────────────────────────────────────────────────────────────

    def _show_query(self, path: Path) -> None:
        data = self.jobs.workspace.data
        if data is None:
            return
        place = next((i for i, ref in enumerate(data.query) if ref.path == path), None)
        if place is None:
            self.jobs.controller.add_pictures([path])
        else:
            self.jobs.workspace.select_queries((place,))

    def _remove(self) -> None:
        item = self.tray.currentItem()
        if item is not None:
            self.jobs.remove_query(item.data(Qt.UserRole))

    def _look_at(self, place: int) -> None:
        sighting = self.timeline.sightings[place]
        self.jobs.workspace.look_at(Selection((sighting.query,), sighting.candidate))

    def keep_notes(self) -> None:
        """Keep the notes as they are now."""
        self._timer.stop()
        if self.jobs.case is not None:
            text, known = self.notes.toPlainText(), self._known
            self._known = text
            self.jobs.set_notes(text, known)

    def hideEvent(self, event: QHideEvent) -> None:
        """Keep what still waits to be written."""
        if self._timer.isActive():
            self.keep_notes()
        super().hideEvent(event)
