"""Small pieces that the form is made of: numbers with their sentence, and folds."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)


def whole(name: str, tip: str, value: int, most: int = 100_000, least: int = 1) -> QSpinBox:
    """A field for a whole number."""
    box = QSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    return _named(box, name, tip)


def real(name: str, tip: str, value: float, most: float, step: float, digits: int = 2) -> QWidget:
    """A field for a number from 0 to ``most``."""
    box = QDoubleSpinBox()
    box.setDecimals(digits)
    box.setRange(0.0, most)
    box.setSingleStep(step)
    box.setValue(value)
    return _named(box, name, tip)


def tick(text: str, tip: str, on: bool = False) -> QCheckBox:
    """A box to tick."""
    box = QCheckBox(text)
    box.setChecked(on)
    return _named(box, text, tip)


def _named(widget, name: str, tip: str):  # type: ignore[no-untyped-def]
    widget.setAccessibleName(name)
    widget.setToolTip(tip)
    return widget


class Fold(QWidget):
    """A box to tick whose parameters unfold below it."""

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
        head = QHBoxLayout()
        head.addWidget(box, 1)
        head.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.content)
        self.content.hide()
        self.button.toggled.connect(self._unfold)
        box.toggled.connect(self.content.setEnabled)
        self.content.setEnabled(box.isChecked())

    def _unfold(self, on: bool) -> None:
        self.content.setVisible(on)
        self.button.setArrowType(Qt.DownArrow if on else Qt.RightArrow)
