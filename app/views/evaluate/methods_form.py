"""Methods and protocol as a person chooses them."""

from __future__ import annotations

from typing import TypeVar

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.views.widgets.layouts import in_column, in_row
from qaconv_core.evaluation.methods import MethodOptions

_DEFAULT = MethodOptions()

_Named = TypeVar("_Named", bound=QWidget)


def integer(name: str, tip: str, value: int, most: int = 100_000, least: int = 1) -> QSpinBox:
    """A field for a whole number."""
    box = QSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    return _with_name(box, name, tip)


def decimal(
    name: str, tip: str, value: float, most: float, step: float, digits: int = 2
) -> QDoubleSpinBox:
    """A field for a number from 0 to ``most``."""
    box = QDoubleSpinBox()
    box.setDecimals(digits)
    box.setRange(0.0, most)
    box.setSingleStep(step)
    box.setValue(value)
    return _with_name(box, name, tip)


def checkbox(text: str, tip: str, on: bool = False) -> QCheckBox:
    """A box to tick."""
    box = QCheckBox(text)
    box.setChecked(on)
    return _with_name(box, text, tip)


def _with_name(widget: _Named, name: str, tip: str) -> _Named:
    widget.setAccessibleName(name)
    widget.setToolTip(tip)
    return widget


class Fold(QWidget):
    """A box to tick, whose parameters unfold below it."""

    def __init__(self, box: QCheckBox, rows: list[tuple[str, QWidget]]) -> None:
        super().__init__()
        self.box = box
        self.button = QToolButton()
        self.button.setArrowType(Qt.RightArrow)
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setAccessibleName(f"Parameters of {box.text()}")
        self.button.setToolTip(f"Show the parameters of {box.text()}.")
        self.content = QWidget()
        form = QFormLayout(self.content)
        form.setContentsMargins(24, 0, 0, 8)
        form.setVerticalSpacing(4)
        for label, field in rows:
            form.addRow(label, field)
        head = in_row(box, self.button, grows=box, spacing=4)
        in_column(head, self.content, into=self, spacing=4)
        self.content.hide()
        self.button.toggled.connect(self._unfold)
        box.toggled.connect(self.content.setEnabled)
        self.content.setEnabled(box.isChecked())

    def _unfold(self, on: bool) -> None:
        self.content.setVisible(on)
        self.button.setArrowType(Qt.DownArrow if on else Qt.RightArrow)


class MethodsForm(QWidget):
    """Normalisation, re-ranking and TLift with folded parameters, AP, junk, where matrices lie."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._build_fields()
        self.rerank_fold = Fold(
            self.rerank,
            [("k1", self.k1), ("k2", self.k2), ("λ", self.lambda_), ("Only nearest", self.top)],
        )
        self.tlift_fold = Fold(
            self.tlift,
            [("τ", self.tau), ("σ", self.sigma), ("K", self.k), ("α", self.alpha)],
        )
        self.tlift_note = QLabel()
        self.tlift_note.setWordWrap(True)
        self.tlift_note.hide()
        protocol = QFormLayout()
        protocol.setContentsMargins(0, 0, 0, 0)
        protocol.addRow("AP", self.ap)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for part in (self.normalise, self.rerank_fold, self.tlift_fold, self.tlift_note):
            column.addWidget(part)
        column.addSpacing(4)
        column.addLayout(protocol)
        column.addWidget(self.junk)
        column.addWidget(self.on_disk)
        self._listen()

    def _build_fields(self) -> None:
        d = _DEFAULT
        self.normalise = checkbox(
            "Camera normalisation",
            "Measure also how far each score stands above those of strangers between the two "
            "cameras.",
        )
        self.rerank = checkbox(
            "Re-ranking", "k-reciprocal re-ranking (Zhong et al. 2017) of QAConv distances.", True
        )
        self.k1 = integer("k1", "Neighbours that two pictures may have in common.", d.k1, 1000)
        self.k2 = integer(
            "k2", "Neighbours over which a picture's encoding is averaged.", d.k2, 1000
        )
        self.lambda_ = decimal(
            "λ", "Share of the original distance, from 0 to 1.", d.lambda_, 1, 0.1
        )
        self.top = integer(
            "Only the nearest",
            "Re-rank only so many nearest pictures of each query: quicker, and an approximation. "
            "0 re-ranks the whole gallery.",
            0, 100_000, 0,
        )  # fmt: skip
        self.top.setSpecialValueText("whole gallery")
        self.tlift = checkbox(
            "TLift", "Temporal lifting: people seen together are looked for together.", True
        )
        self.tau = decimal("τ", "People within so many seconds are nearby.", d.tau, 1e6, 10, 0)
        self.sigma = decimal("σ", "Time scale of the lift, in seconds.", d.sigma, 1e6, 10, 0)
        for box in (self.tau, self.sigma):
            box.setSuffix(" s")
        self.k = integer("K", "Retrievals in the pivot set of each nearby person.", d.k, 1000)
        self.alpha = decimal("α", "Regulariser, added to the lift.", d.alpha, 10, 0.05)
        self.ap = QComboBox()
        self.ap.addItem("step-wise", "step")
        self.ap.addItem("trapezoidal", "trapezoid")
        self.ap.setAccessibleName("Kind of average precision")
        self.ap.setToolTip(
            "Step-wise as scikit-learn and the published code, or trapezoidal as Market-1501's "
            "own tool. Papers differ here."
        )
        self.junk = checkbox(
            "Leave out same camera",
            "Pictures of the query's person from the query's own camera. "
            "Switch this off for sets with a single camera.",
            True,
        )
        self.on_disk = checkbox(
            "Scores in files (--on-disk)",
            "Slower, but needs less memory: for sets whose scores do not fit.",
        )

    def _listen(self) -> None:
        # Normalised scores are re-ranked over the whole gallery.
        self.normalise.toggled.connect(self.top.setDisabled)
        for box in (self.normalise, self.rerank, self.tlift, self.junk, self.on_disk):
            box.toggled.connect(lambda _on: self.changed.emit())
        fields = (self.k1, self.k2, self.lambda_, self.top, self.tau, self.sigma, self.k)
        for field in (*fields, self.alpha):
            field.valueChanged.connect(lambda _value: self.changed.emit())
        self.ap.currentIndexChanged.connect(lambda _row: self.changed.emit())

    def options(self) -> MethodOptions:
        """What is chosen."""
        return MethodOptions(
            rerank=self.rerank.isChecked(),
            tlift=self.tlift.isChecked(),
            normalise=self.normalise.isChecked(),
            k1=self.k1.value(),
            k2=self.k2.value(),
            lambda_=self.lambda_.value(),
            rerank_top=None if self.normalise.isChecked() else self.top.value() or None,
            tau=self.tau.value(),
            sigma=self.sigma.value(),
            k=self.k.value(),
            alpha=self.alpha.value(),
            junk_rule=self.junk.isChecked(),
            ap=self.ap.currentData(),
        )

    def say_tlift(self, text: str) -> None:
        """Why TLift will be left out of some sets; "" where it will not."""
        self.tlift_note.setText(text)
        self.tlift_note.setVisible(bool(text) and self.tlift.isChecked())
