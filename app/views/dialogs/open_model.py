"""Opening a checkpoint: see what was read from it, then decide."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QSpinBox,
    QWidget,
)

from app.jobs.controller import Controller
from app.jobs.engine import LoadedModel
from app.jobs.inspections import inspect_model
from app.state.requests import DEMO, ModelRequest
from app.state.values import ModelInfo, Problem
from app.views.dialogs.check_panel import marked_line
from app.views.dialogs.job_dialog import DropDialog
from app.views.widgets.fields import combo_box, line_edit, push_button, whole_number
from app.views.widgets.file_dialogs import CHECKPOINTS, ask_path
from app.views.widgets.labels import MessageLine, heading, plain_label
from app.views.widgets.layouts import boxed, in_column, in_form, in_row, size_on_screen
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
    box = combo_box(
        "Device", "Where features and scores are computed; cuda:1 and the like can be typed"
    )
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
        super().__init__("Open checkpoint", controller.runner, parent)
        self.controller, self._precision = controller, precision
        self._loaded: LoadedModel | None = None
        self._asked: ModelRequest | None = None
        size_on_screen(self, 640, 432)
        self.path = line_edit(
            "Checkpoint file", "A checkpoint of any QAConv release",
            placeholder="checkpoint.pth.tar; it can also be dropped here",
        )  # fmt: skip
        self.browse = push_button("Fi&le…", "Choose a checkpoint file", self._browse)
        self.bundled = push_button(
            "&Bundled model", "Take the model that comes with the program",
            lambda: self.choose(DEMO),
        )  # fmt: skip
        self.device = device_box(device)
        self.height_box, self.width_box = _pixels("height", 384), _pixels("width", 128)
        self.read_again = push_button(
            "&Read again", "Read the file with this training size", self.inspect
        )
        cross = plain_label("×", wrap=False)
        self.size_row = boxed(in_row(self.height_box, cross, self.width_box, self.read_again, None))
        self.message = MessageLine()
        self.facts = QWidget()
        self.use_button = self.make_buttons(
            QDialogButtonBox.Ok, "&Use", "Match with this model from now on"
        )
        self._lay_out()
        self._connect()
        self._allow(False)

    # ── how it looks ────────────────────────────────────────────────────────────────────────────

    def _lay_out(self) -> None:
        where = in_row(self.path, self.browse, self.bundled, spacing=-1)
        self.form = in_form(
            ("&File", where),
            ("&Device", self.device),
            ("Trained &at", self.size_row),
            spacing=(8, 8),
        )
        self._show_size(False)
        self._facts_column = in_column(self.facts)
        in_column(self.form, self.message, self._facts_column, None, self.buttons,
               into=self, margins=16, spacing=16)  # fmt: skip

    def _connect(self) -> None:
        self.path.editingFinished.connect(self._edited)
        self.device.activated.connect(lambda _index: self._edited())
        self.device.lineEdit().editingFinished.connect(self._edited)

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
        ask_path(self, "Checkpoint", self.path.text(), self.choose, CHECKPOINTS)

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
        super().accept()

    def stop_work(self) -> None:
        super().stop_work()
        self._loaded = None  # a network is large; closed dialogs do not keep one


def _pixels(side: str, value: int) -> QSpinBox:
    tip = f"The {side} of the pictures that the network was trained on"
    box = whole_number(f"Training {side} in pixels", tip, value, 2048, 16, " px")
    box.setSingleStep(16)
    return box


def _facts_page(info: ModelInfo | None) -> QWidget:
    if info is None:
        return QWidget()
    facts = in_form(spacing=(24, 4))
    for name, value in facts_of(info):
        label = plain_label(value)
        label.setAccessibleName(f"{name}: {value}")
        facts.addRow(name, label)
    notes = (marked_line("info", note, "Note") for note in info.notes)
    return boxed(in_column(heading(info.title), facts, *notes))
