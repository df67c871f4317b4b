"""What to evaluate: data sets, model, methods; what it will take; start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QComboBox, QFormLayout, QFrame, QHBoxLayout, QLabel, QMenu, QWidget

from app.state.evaluation import Estimate, EvaluationRequest
from app.state.requests import DEMO
from app.views.evaluate.methods_form import MethodsForm
from app.views.evaluate.set_list import SetList
from app.views.widgets.fields import combo_box, line_edit, push_button
from app.views.widgets.file_dialogs import CHECKPOINTS, TABLES, ask_path
from app.views.widgets.labels import heading
from app.views.widgets.layouts import boxed, in_column, in_form, in_row, scrolled
from app.views.widgets.run_words import about
from qaconv_core.device import format_bytes
from qaconv_core.readable import counted


class RequestForm(QWidget):
    """The left side of the page.

    ``changed`` tells that the request changed, ``folder_changed`` that the data folder did, and
    ``browsed`` names a folder or table that was chosen.
    """

    changed = pyqtSignal()
    folder_changed = pyqtSignal()
    browsed = pyqtSignal(object)
    start_requested = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sets = SetList()
        self.methods = MethodsForm()
        self._build_fields()
        inner = boxed(in_column(
            heading("Data sets"), self._folder_row(),
            self.sets, in_row(self.browse_button, None), heading("Model"), self._model_form(),
            heading("Methods and protocol"), self.methods, grows=self.sets, margins=8,
        ))  # fmt: skip
        scroll = scrolled(inner, name="What to measure")
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        bar = scroll.verticalScrollBar().sizeHint().width()
        scroll.setMinimumWidth(inner.minimumSizeHint().width() + bar)
        in_column(scroll, self._foot(), into=self, grows=scroll, spacing=0)
        self._listen()

    # ── building ────────────────────────────────────────────────────────────────────────────────

    def _build_fields(self) -> None:
        self.folder = line_edit(
            "Data folder", "The folder below which data sets are looked for (--data-dir).", "data"
        )
        self.folder_button = push_button(
            "…", "Choose the data folder.", self._ask_folder, "Choose data folder"
        )
        self.browse_button = push_button(
            "Add another set", "Evaluate any folder of pictures or a CSV table.",
            name="Add another data set",
        )  # fmt: skip
        menu = QMenu(self.browse_button)
        menu.addAction("Folder…").triggered.connect(lambda _on: self._ask_set(table=False))
        menu.addAction("Table…").triggered.connect(lambda _on: self._ask_set(table=True))
        self.browse_button.setMenu(menu)
        self.sets.setMinimumHeight(6 * self.fontMetrics().lineSpacing())
        self.checkpoint = combo_box(
            "Checkpoint", "The model to evaluate.", [("bundled model", DEMO)]
        )
        self.checkpoint.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.checkpoint_button = push_button(
            "…", "Choose a checkpoint file.", self._ask_checkpoint, "Choose checkpoint"
        )
        for button in (self.folder_button, self.checkpoint_button):
            button.setFixedWidth(32)
        self.device = combo_box("Device", "Where to compute; auto takes a GPU if there is one.")
        self.device.addItems(["auto", "cpu"])
        for field in (self.folder, self.checkpoint, self.device):
            field.setMinimumWidth(80)
        self.estimate = QLabel()
        self.estimate.setWordWrap(True)
        self.estimate.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.estimate.setAccessibleName("Estimated time and memory")
        self.start_button = push_button(
            "Start", "Evaluate the ticked data sets, one after another.",
            self.start_requested.emit, "Start evaluation",
        )  # fmt: skip

    def _folder_row(self) -> QHBoxLayout:
        return in_row(QLabel("In"), self.folder, self.folder_button, grows=self.folder, spacing=-1)

    def _model_form(self) -> QFormLayout:
        chosen = in_row(self.checkpoint, self.checkpoint_button, grows=self.checkpoint, spacing=-1)
        return in_form(("Checkpoint", chosen), ("Device", self.device))

    def _foot(self) -> QWidget:
        foot = QFrame()
        in_column(self.estimate, self.start_button, into=foot, margins=8)
        return foot

    def _listen(self) -> None:
        self.sets.changed.connect(self.changed)
        self.methods.changed.connect(self.changed)
        self.checkpoint.currentIndexChanged.connect(lambda _row: self.changed.emit())
        self.device.currentIndexChanged.connect(lambda _row: self.changed.emit())
        self.folder.editingFinished.connect(self._folder_edited)

    def _folder_edited(self) -> None:
        """The focus leaving the field is no change."""
        if self.folder.isModified():
            self.folder.setModified(False)
            self.folder_changed.emit()

    # ── asking ──────────────────────────────────────────────────────────────────────────────────

    def _ask_folder(self) -> None:
        ask_path(self, "Data folder", self.folder.text(), self.set_folder)

    def _ask_set(self, table: bool) -> None:
        title, filters = ("Table of pictures", TABLES) if table else ("Folder of pictures", "")
        ask_path(self, title, self.folder.text(), self._browsed, filters)

    def _browsed(self, path: str) -> None:
        self.browsed.emit(Path(path))

    def _ask_checkpoint(self) -> None:
        ask_path(self, "Checkpoint", "", self.add_checkpoint, CHECKPOINTS)

    # ── what is chosen ──────────────────────────────────────────────────────────────────────────

    def set_folder(self, folder: str) -> None:
        """Look for data sets below another folder."""
        if folder != self.folder.text():
            self.folder.setText(folder)
            self.folder_changed.emit()

    def add_checkpoint(self, path: str, choose: bool = True) -> None:
        """List a checkpoint, and take it where ``choose``."""
        row = self.checkpoint.findData(path)
        if row < 0:
            self.checkpoint.addItem(Path(path).name, path)
            row = self.checkpoint.count() - 1
            self.checkpoint.setItemData(row, path, Qt.ToolTipRole)
        if choose:
            self.checkpoint.setCurrentIndex(row)

    def requests(self) -> tuple[EvaluationRequest, ...]:
        """One for each ticked data set."""
        return tuple(
            EvaluationRequest(
                choice,
                checkpoint=self.checkpoint.currentData(),
                device=self.device.currentText(),
                options=self.methods.options(),
                on_disk=self.methods.on_disk.isChecked(),
            )
            for choice in self.sets.ticked
        )

    def take(self, request: EvaluationRequest) -> None:
        """Choose what was requested before, so that one thing can be changed."""
        self.sets.tick_only(request.choice)
        self.add_checkpoint(request.checkpoint)
        if self.device.findText(request.device) >= 0:
            self.device.setCurrentText(request.device)
        self.methods.show_options(request.options, request.on_disk)

    # ── what it will take ───────────────────────────────────────────────────────────────────────

    def say(self, text: str) -> None:
        """Words in the place of the estimate."""
        self.estimate.setText(text)

    def show_estimate(self, estimate: Estimate) -> None:
        """Time and memory, and what will not work."""
        self._show_devices(estimate.devices)
        off = [part for part in estimate.sets if part.tlift_off]
        reasons = dict.fromkeys(f"{part.title}: {part.tlift_off}" for part in off)
        self.methods.say_tlift("\n".join(reasons))
        lines = [f"<b>{_words(problem)}</b>" for problem in estimate.problems]
        able = [part for part in estimate.sets if not part.problem]
        if able:
            free = format_bytes(able[0].available_bytes)
            lines.insert(
                0,
                f"<b>{about(estimate.seconds).capitalize()}</b>, at most "
                f"{format_bytes(estimate.memory_bytes)} of memory ({free} free)",
            )
            lines += [_words(line) for line in _details(able)]
        self.estimate.setText("<br>".join(lines))

    def _show_devices(self, devices: Sequence[str]) -> None:
        for device in devices:
            if self.device.findText(device) < 0:
                self.device.addItem(device)


def _details(parts: Sequence) -> list[str]:
    """Pairs and the seconds of each stage over all sets."""
    pairs = sum(part.pairs for part in parts)
    stored = sum(part.stored for part in parts)
    pictures = sum(part.queries + part.galleries for part in parts)
    lines = [
        f"{counted(pictures, 'picture')} ({counted(stored, 'already has', 'already have')} feature "
        f"maps), {counted(pairs, 'pair')}"
    ]
    unused = sorted({part.unused for part in parts} - {""})
    if unused:
        lines.append(f"Maps are computed again in float32: Explore's are {', '.join(unused)}.")
    stages: dict[str, float] = {}
    for part in parts:
        for stage, seconds in part.seconds.items():
            stages[stage] = stages.get(stage, 0.0) + seconds
    long = [f"{stage} {about(s).removeprefix('about ')}" for stage, s in stages.items() if s >= 1]
    return [*lines, ", ".join(long)] if long else lines


def _words(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
