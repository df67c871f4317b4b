"""Methods and protocol as a person chooses them."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QCheckBox, QLabel, QToolButton, QWidget

from app.views.widgets.fields import combo_box, decimal_number, named, tick_box, whole_number
from app.views.widgets.layouts import in_column, in_form, in_row
from qaconv_core.evaluation.methods import MethodOptions

_DEFAULT = MethodOptions()


class Fold(QWidget):
    """A box to tick, whose parameters unfold below it."""

    def __init__(self, box: QCheckBox, rows: list[tuple[str, QWidget]]) -> None:
        super().__init__()
        self.box = box
        name = f"Parameters of {box.text()}"
        self.button = named(QToolButton(), name, f"Show the parameters of {box.text()}.")
        self.button.setArrowType(Qt.RightArrow)
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.content = QWidget()
        in_form(*rows, into=self.content, margins=(24, 0, 0, 8), spacing=(-1, 4))
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
        in_column(
            self.normalise, self.rerank_fold, self.tlift_fold, self.tlift_note,
            in_form(("AP", self.ap), margins=(0, 4, 0, 0)), self.junk, self.on_disk,
            into=self, spacing=4,
        )  # fmt: skip
        self._listen()

    def _build_fields(self) -> None:
        d = _DEFAULT
        self.normalise = tick_box(
            "Camera normalisation",
            "Measure also how far each score stands above those of strangers between the two "
            "cameras.",
        )
        self.rerank = tick_box(
            "Re-ranking", "k-reciprocal re-ranking (Zhong et al. 2017) of QAConv distances.", True
        )
        self.k1 = whole_number("k1", "Neighbours that two pictures may have in common.", d.k1, 1000)
        self.k2 = whole_number(
            "k2", "Neighbours over which a picture's encoding is averaged.", d.k2, 1000
        )
        self.lambda_ = decimal_number(
            "λ", "Share of the original distance, from 0 to 1.", d.lambda_, 1, 0.1
        )
        self.top = whole_number(
            "Only the nearest",
            "Re-rank only so many nearest pictures of each query: quicker, and an approximation. "
            "0 re-ranks the whole gallery.",
            0, 100_000, 0,
        )  # fmt: skip
        self.top.setSpecialValueText("whole gallery")
        self.tlift = tick_box(
            "TLift", "Temporal lifting: people seen together are looked for together.", True
        )
        self.tau = decimal_number(
            "τ", "People within so many seconds are nearby.", d.tau, 1e6, 10, 0
        )
        self.sigma = decimal_number("σ", "Time scale of the lift, in seconds.", d.sigma, 1e6, 10, 0)
        for box in (self.tau, self.sigma):
            box.setSuffix(" s")
        self.k = whole_number("K", "Retrievals in the pivot set of each nearby person.", d.k, 1000)
        self.alpha = decimal_number("α", "Regulariser, added to the lift.", d.alpha, 10, 0.05)
        self.ap = combo_box(
            "Kind of average precision",
            "Step-wise as scikit-learn and the published code, or trapezoidal as Market-1501's "
            "own tool. Papers differ here.",
            [("step-wise", "step"), ("trapezoidal", "trapezoid")],
        )
        self.junk = tick_box(
            "Leave out same camera",
            "Pictures of the query's person from the query's own camera. "
            "Switch this off for sets with a single camera.",
            True,
        )
        self.on_disk = tick_box(
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

    def show_options(self, options: MethodOptions, on_disk: bool) -> None:
        """Choose these."""
        for box, on in (
            (self.rerank, options.rerank), (self.tlift, options.tlift),
            (self.normalise, options.normalise), (self.junk, options.junk_rule),
            (self.on_disk, on_disk),
        ):  # fmt: skip
            box.setChecked(on)
        for field, value in (
            (self.k1, options.k1), (self.k2, options.k2), (self.top, options.rerank_top or 0),
            (self.k, options.k),
        ):  # fmt: skip
            field.setValue(value)
        for decimal, number in (
            (self.lambda_, options.lambda_), (self.tau, options.tau), (self.sigma, options.sigma),
            (self.alpha, options.alpha),
        ):  # fmt: skip
            decimal.setValue(number)
        self.ap.setCurrentIndex(self.ap.findData(options.ap))

    def say_tlift(self, text: str) -> None:
        """Why TLift will be left out of some sets; "" where it will not."""
        self.tlift_note.setText(text)
        self.tlift_note.setVisible(bool(text) and self.tlift.isChecked())
