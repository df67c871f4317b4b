"""What to evaluate: data sets, model, methods; what it will take; start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.state.evaluation import Estimate, EvaluationRequest
from app.state.requests import DEMO
from app.views.evaluate.methods_form import MethodsForm
from app.views.evaluate.set_list import SetList
from app.views.widgets.labels import heading
from app.views.widgets.layouts import in_column
from app.views.widgets.run_words import about
from qaconv_core.device import format_bytes

TABLES = "Tables (*.csv);;All files (*)"
CHECKPOINTS = "Checkpoints (*.pth.tar *.pth *.pt *.tar);;All files (*)"


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
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        for title, parts in (
            ("Data sets", (self._folder_row(), self.sets, self._browse_row())),
            ("Model", (self._model_row(),)),
            ("Methods and protocol", (self.methods,)),
        ):
            column.addWidget(heading(title))
            for part in parts:
                column.addWidget(part, 1 if part is self.sets else 0)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        bar = scroll.verticalScrollBar().sizeHint().width()
        scroll.setMinimumWidth(inner.minimumSizeHint().width() + bar)
        in_column(scroll, self._foot(), into=self, grows=scroll, spacing=0)
        self._listen()

    # ── building ────────────────────────────────────────────────────────────────────────────────

    def _build_fields(self) -> None:
        self.folder = QLineEdit("data")
        self.folder.setAccessibleName("Data folder")
        self.folder.setToolTip("The folder below which data sets are looked for (--data-dir).")
        self.folder_button = _button("…", "Choose the data folder.", "Choose data folder")
        self.browse_button = QPushButton("Add another set")
        self.browse_button.setToolTip("Evaluate any folder of pictures or a CSV table.")
        self.browse_button.setAccessibleName("Add another data set")
        menu = QMenu(self.browse_button)
        menu.addAction("Folder…").triggered.connect(lambda _on: self._ask_set(table=False))
        menu.addAction("Table…").triggered.connect(lambda _on: self._ask_set(table=True))
        self.browse_button.setMenu(menu)
        self.sets.setMinimumHeight(6 * self.fontMetrics().lineSpacing())
        self.checkpoint = QComboBox()
        self.checkpoint.setAccessibleName("Checkpoint")
        self.checkpoint.setToolTip("The model to evaluate.")
        self.checkpoint.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.checkpoint.addItem("bundled model", DEMO)
        self.checkpoint_button = _button("…", "Choose a checkpoint file.", "Choose checkpoint")
        self.device = QComboBox()
        self.device.setAccessibleName("Device")
        self.device.setToolTip("Where to compute; auto takes a GPU if there is one.")
        self.device.addItems(["auto", "cpu"])
        for field in (self.folder, self.checkpoint, self.device):
            field.setMinimumWidth(80)
        self.estimate = QLabel()
        self.estimate.setWordWrap(True)
        self.estimate.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.estimate.setAccessibleName("Estimated time and memory")
        self.start_button = QPushButton("Start")
        self.start_button.setAccessibleName("Start evaluation")
        self.start_button.setToolTip("Evaluate the ticked data sets, one after another.")

    def _folder_row(self) -> QWidget:
        return _row(QLabel("In"), self.folder, self.folder_button, stretch=1)

    def _browse_row(self) -> QWidget:
        return _row(self.browse_button, QWidget(), stretch=1)

    def _model_row(self) -> QWidget:
        box = QWidget()
        form = QFormLayout(box)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Checkpoint", _row(self.checkpoint, self.checkpoint_button, stretch=0))
        form.addRow("Device", self.device)
        return box

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
        self.start_button.clicked.connect(lambda _on: self.start_requested.emit())
        self.folder_button.clicked.connect(lambda _on: self._ask_folder())
        self.checkpoint_button.clicked.connect(lambda _on: self._ask_checkpoint())

    def _folder_edited(self) -> None:
        """The focus leaving the field is no change."""
        if self.folder.isModified():
            self.folder.setModified(False)
            self.folder_changed.emit()

    # ── asking ──────────────────────────────────────────────────────────────────────────────────

    def _ask_folder(self) -> None:
        dialog = QFileDialog(self, "Data folder", self.folder.text())
        dialog.setFileMode(QFileDialog.Directory)
        self._open(dialog, self.set_folder)

    def _ask_set(self, table: bool) -> None:
        title = "Table of pictures" if table else "Folder of pictures"
        dialog = QFileDialog(self, title, self.folder.text(), TABLES if table else "")
        dialog.setFileMode(QFileDialog.ExistingFile if table else QFileDialog.Directory)
        self._open(dialog, lambda path: self.browsed.emit(Path(path)))

    def _ask_checkpoint(self) -> None:
        dialog = QFileDialog(self, "Checkpoint", "", CHECKPOINTS)
        dialog.setFileMode(QFileDialog.ExistingFile)
        self._open(dialog, self.add_checkpoint)

    def _open(self, dialog: QFileDialog, then: Callable[[str], object]) -> None:
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.fileSelected.connect(then)
        dialog.open()

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
    lines = [f"{pictures:,} pictures ({stored:,} already have feature maps), {pairs:,} pairs"]
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


def _button(text: str, tip: str, name: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleName(name or text)
    if len(text) == 1:
        button.setFixedWidth(32)
    return button


def _row(*widgets: QWidget, stretch: int) -> QWidget:
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    for place, widget in enumerate(widgets):
        row.addWidget(widget, 1 if place == stretch else 0)
    return box
