"""Buttons and fields, each made with its words, spoken name and tooltip in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from app.views.widgets.labels import without_mnemonic

_Widget = TypeVar("_Widget", bound=QWidget)


def named(widget: _Widget, name: str, tip: str = "") -> _Widget:
    """A widget with the name that a screen reader says, and a tooltip."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip)
    return widget


def push_button(
    words: str, tip: str, run: Callable[[], object] | None = None, name: str = ""
) -> QPushButton:
    """A button. In a dialog, Enter in a field does not press it.

    ``name`` is what is spoken where the words are not enough.
    """
    button = named(QPushButton(words), name or without_mnemonic(words), tip)
    button.setAutoDefault(False)
    if run is not None:
        button.clicked.connect(lambda _on: run())
    return button


def tick_box(words: str, tip: str, on: bool = False, name: str = "") -> QCheckBox:
    """A box to tick."""
    box = named(QCheckBox(words), name or without_mnemonic(words), tip)
    box.setChecked(on)
    return box


def combo_box(
    name: str, tip: str = "", entries: Iterable[tuple[str, Any]] = (), chosen: Any = None
) -> QComboBox:
    """One of several values: ``entries`` are words and the data behind them."""
    box = named(QComboBox(), name, tip)
    for words, value in entries:
        box.addItem(words, value)
    if chosen is not None:
        box.setCurrentIndex(box.findData(chosen))
    return box


def line_edit(name: str, tip: str = "", text: str = "", placeholder: str = "") -> QLineEdit:
    """A line to type."""
    field = named(QLineEdit(text), name, tip)
    field.setPlaceholderText(placeholder)
    return field


def text_area(name: str, tip: str = "", text: str = "") -> QPlainTextEdit:
    """Lines to type; Tab leaves them."""
    field = named(QPlainTextEdit(text), name, tip)
    field.setTabChangesFocus(True)
    return field


def whole_number(
    name: str, tip: str, value: int, most: int = 100_000, least: int = 1, suffix: str = ""
) -> QSpinBox:
    """A field for a whole number."""
    box = named(QSpinBox(), name, tip)
    box.setRange(least, most)
    box.setValue(value)
    box.setSuffix(suffix)
    return box


def decimal_number(
    name: str,
    tip: str,
    value: float,
    most: float,
    step: float,
    digits: int = 2,
    least: float = 0.0,
    suffix: str = "",
) -> QDoubleSpinBox:
    """A field for a number with ``digits`` after the point."""
    box = named(QDoubleSpinBox(), name, tip)
    box.setDecimals(digits)
    box.setRange(least, most)
    box.setSingleStep(step)
    box.setValue(value)
    box.setSuffix(suffix)
    return box
