"""Opening a checkpoint: see what was read from it, then decide."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QCloseEvent
from PyQt5.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from app.jobs.controller import Controller
from app.jobs.engine import LoadedModel
from app.jobs.inspections import inspect_model
from app.jobs.job_slots import JobSlots
from app.state.requests import DEMO, ModelRequest
from app.state.values import ModelInfo, Problem
from app.views.dialogs.check_panel import marked_line
from app.views.widgets.dropped_files import DropDialog
from app.views.widgets.labels import MessageLine, heading, plain_label, without_icons
from app.views.widgets.layouts import boxed, in_column
from qaconv_core.paths import typed_path
from qaconv_core.types import arch_title

DEVICES = (
    ("auto", "Automatic: a CUDA GPU if there is one"),
    ("cpu", "CPU"),
    ("cuda", "CUDA GPU"),
    ("mps", "Apple GPU"),
)


def device_box(chosen: str) -> QComboBox:
    """A choice of devices; ``cuda:1`` and the like can be typed."""
    box = QComboBox()
    box.setAccessibleName("Device")
    box.setToolTip("Where features and scores are computed; cuda:1 and the like can be typed")
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.NoInsert)
    for name, words in DEVICES:
        box.addItem(name)
        box.setItemData(box.count() - 1, words, Qt.ToolTipRole)
    box.setCurrentText(chosen)
    return box


def facts_of(info: ModelInfo) -> list[tuple[str, str]]:
    """What was read from a checkpoint, as names and values for people."""
    spec = info.spec
    arch = arch_title(spec.arch)
    neck = f"{spec.neck} channels" if spec.neck else "none"
    if spec.neck_bn:
        neck += ", with batch norm"
    return [
        ("Architecture", f"{arch}, {f'IBN-{spec.ibn}' if spec.ibn else 'no IBN'}"),
        ("Cut after", spec.layer),
        ("Neck", neck),
        ("Head", f"{spec.head} ({spec.release})" if spec.release else spec.head),
        ("Grid", f"{spec.grid[0]}×{spec.grid[1]} cells, {spec.channels} channels"),
        ("Input", f"{spec.input_size[0]}×{spec.input_size[1]} pixels (height × width)"),
        ("Trained", "epoch not in the file" if spec.epoch is None else f"epoch {spec.epoch}"),
        ("SHA-256", spec.sha256[:12] or "not known"),
        ("Computes on", info.device),
        ("Feature maps", f"computed in {info.precision}"),
    ]


class OpenModelDialog(DropDialog):
    """Choose a checkpoint and read what it is; only *Use* changes what is shown.

    ``opened`` tells the request of the checkpoint that is used from now on.
    """

    opened = pyqtSignal(object)

    def __init__(
        self,
        controller: Controller,
        device: str = "auto",
        precision: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.controller, self._precision = controller, precision
        self._loaded: LoadedModel | None = None
        self._asked: ModelRequest | None = None
        self._jobs = JobSlots(controller.runner, self)
        self.setWindowTitle("Open checkpoint")
        self.resize(640, 432)
        self.path = QLineEdit()
        self.path.setAccessibleName("Checkpoint file")
        self.path.setPlaceholderText("checkpoint.pth.tar; it can also be dropped here")
        self.path.setToolTip("A checkpoint of any QAConv release")
        self.browse = QPushButton("File…")
        self.browse.setToolTip("Choose a checkpoint file")
        self.bundled = QPushButton("Bundled model")
        self.bundled.setToolTip("Take the model that comes with the program")
        self.device = device_box(device)
        self.height_box, self.width_box = _pixels("height", 384), _pixels("width", 128)
        self.size_row = self._make_size_row()
        self.message = MessageLine()
        self.facts = QWidget()
        self.buttons = QDialogButtonBox(QDialogButtonBox.Ok | QDialogButtonBox.Cancel)
        self.use_button = self.buttons.button(QDialogButtonBox.Ok)
        self.use_button.setText("Use")
        self.use_button.setToolTip("Match with this model from now on")
        without_icons(self.buttons)
        self._lay_out()
        self._connect()
        self._allow(False)

    # ── how it looks ────────────────────────────────────────────────────────────────────────────

    def _make_size_row(self) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        self.read_again = QPushButton("Read again")
        self.read_again.setToolTip("Read the file with this training size")
        for widget in (self.height_box, plain_label("×", wrap=False), self.width_box,
                       self.read_again):  # fmt: skip
            line.addWidget(widget)
        line.addStretch(1)
        return row

    def _lay_out(self) -> None:
        where = QHBoxLayout()
        for widget in (self.path, self.browse, self.bundled):
            where.addWidget(widget)
        self.form = QFormLayout()
        self.form.setSpacing(8)
        self.form.addRow("File", where)
        self.form.addRow("Device", self.device)
        self.form.addRow("Trained at", self.size_row)
        self._show_size(False)
        self._facts_column = in_column(self.facts)
        in_column(self.form, self.message, self._facts_column, None, self.buttons,
               into=self, margins=16, spacing=16)  # fmt: skip

    def _connect(self) -> None:
        for button in (self.browse, self.bundled, self.read_again):
            button.setAutoDefault(False)
        self.path.editingFinished.connect(self._edited)
        self.device.activated.connect(lambda _index: self._edited())
        self.device.lineEdit().editingFinished.connect(self._edited)
        self.browse.clicked.connect(self._browse)
        self.bundled.clicked.connect(lambda: self.choose(DEMO))
        self.read_again.clicked.connect(self.inspect)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _show_size(self, on: bool) -> None:
        self.size_row.setVisible(on)
        self.form.labelForField(self.size_row).setVisible(on)

    # ── choosing ────────────────────────────────────────────────────────────────────────────────

    @property
    def request(self) -> ModelRequest | None:
        """What is chosen; None while no file is."""
        path = self.path.text().strip()
        if not path:
            return None
        size = None
        if not self.size_row.isHidden():
            size = (self.height_box.value(), self.width_box.value())
        path = path if path == DEMO else str(typed_path(path))
        device = self.device.currentText().strip() or "auto"
        return ModelRequest(path, device, size, self._precision)

    def choose(self, path: str) -> None:
        """Read a checkpoint at once."""
        self._show_size(False)
        self.path.setText(path)
        self.inspect()

    def _edited(self) -> None:
        request = self.request
        if request is not None and request != self._asked:
            self.inspect()

    def _browse(self) -> None:
        dialog = QFileDialog(
            self, "Checkpoint", self.path.text(), "Checkpoints (*.tar *.pth *.pt);;All files (*)"
        )
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.ExistingFile)
        dialog.fileSelected.connect(self.choose)
        dialog.open()

    def take_dropped(self, paths: list[Path]) -> None:
        self.choose(str(paths[0]))

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    def inspect(self) -> None:
        """Load the chosen file in the background and show what it is."""
        request = self.request
        self._jobs.stop_all()
        self._loaded = None
        self._show_facts(None)
        self._allow(False)
        if request is None:
            return
        self._asked = request
        self.message.say(f"Reading {request.title}…")
        inspect_model(self._jobs, request, self._show_found, self._failed)

    def _show_found(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self.message.say("")
        self._show_facts(loaded.info)
        self._allow(True)

    def _failed(self, problem: Problem) -> bool:
        words = problem.message
        if problem.size_mismatch:
            words = (
                f"{problem.size_mismatch}; if it was trained at another size, "
                "give its height and width above"
            )
            self._show_size(True)
            self.height_box.setFocus()
        self.message.say(words, warning=True)
        return True

    def _show_facts(self, info: ModelInfo | None) -> None:
        old, self.facts = self.facts, _facts_page(info)
        self._facts_column.replaceWidget(old, self.facts)
        old.hide()
        old.deleteLater()

    def _allow(self, on: bool) -> None:
        self.use_button.setEnabled(on)
        self.use_button.setDefault(on)

    # ── deciding ────────────────────────────────────────────────────────────────────────────────

    def accept(self) -> None:
        """Match with the model from now on."""
        if self._loaded is None:
            return
        self.controller.use_model(self._loaded)
        self.opened.emit(self._loaded.request)
        self._loaded = None
        super().accept()

    def reject(self) -> None:
        self._jobs.stop_all()
        self._loaded = None  # a network is large; closed dialogs do not keep one
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._jobs.stop_all()
        super().closeEvent(event)


def _pixels(side: str, value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(16, 2048)
    box.setSingleStep(16)
    box.setValue(value)
    box.setSuffix(" px")
    box.setAccessibleName(f"Training {side} in pixels")
    box.setToolTip(f"The {side} of the pictures that the network was trained on")
    return box


def _facts_page(info: ModelInfo | None) -> QWidget:
    if info is None:
        return QWidget()
    facts = QFormLayout()
    facts.setHorizontalSpacing(24)
    facts.setVerticalSpacing(4)
    for name, value in facts_of(info):
        label = plain_label(value)
        label.setAccessibleName(f"{name}: {value}")
        facts.addRow(name, label)
    notes = (marked_line("info", note, "Note") for note in info.notes)
    return boxed(in_column(heading(info.title), facts, *notes))
