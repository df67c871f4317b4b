"""What the popups of the filters hold: which cameras, which times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from PyQt5.QtCore import QSignalBlocker, pyqtSignal
from PyQt5.QtGui import QValidator
from PyQt5.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QWidget,
)

from app.state.words import seconds_of, tenths_text, time_format
from app.views.widgets.fields import named, push_button
from app.views.widgets.filter_field import ChipText
from app.views.widgets.labels import MessageLine
from qaconv_core.naming import camera_called, camera_words
from qaconv_core.readable import shown

Cameras = frozenset[int] | None
TimeRange = tuple[float, float] | None
IN_A_COLUMN = 16
"""Cameras below each other."""


class CameraChoice(QWidget):
    """Which cameras are listed. ``chosen`` tells a frozen set of camids, or None for all."""

    chosen = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Cameras")
        self.setToolTip("Choose of which cameras pictures are listed.")
        self.boxes: dict[int, QCheckBox] = {}
        self._words: dict[int, str] = {}
        self.everything = push_button(
            "All cameras", "List pictures of all cameras.", lambda: self.chosen.emit(None)
        )
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.addWidget(self.everything, 0, 0, 1, -1)
        self.set_cameras(())

    def set_cameras(self, camids: Sequence[int], names: Mapping[int, str] | None = None) -> None:
        """Offer these cameras (0-based; shown by name, or from 1, as in file names)."""
        known = {
            camid: camera_words(camid, (names or {}).get(camid, ""))
            for camid in sorted({int(camid) for camid in camids if camid >= 0})
        }
        self.setEnabled(len(known) > 1)
        if known == self._words:
            return
        self._words = known
        for box in self.boxes.values():
            box.hide()
            box.deleteLater()
        self.boxes = {
            camid: QCheckBox(words[:1].upper() + words[1:]) for camid, words in known.items()
        }
        for place, box in enumerate(self.boxes.values()):
            box.setChecked(True)
            box.clicked.connect(self._tell)
            self._grid.addWidget(box, 1 + place % IN_A_COLUMN, place // IN_A_COLUMN)

    def show_chosen(self, camids: Cameras) -> None:
        """Show which cameras are listed, without telling."""
        for camid, box in self.boxes.items():
            box.setChecked(camids is None or camid in camids)
        self.everything.setEnabled(camids is not None)

    def _tell(self) -> None:
        on = frozenset(camid for camid, box in self.boxes.items() if box.isChecked())
        self.chosen.emit(None if len(on) == len(self.boxes) else on)


def camera_chip(camids: Cameras, names: Mapping[int, str]) -> tuple[ChipText, ...]:
    """The chip of the cameras chosen; none where all are listed."""
    if camids is None:
        return ()
    told = [shown(camera_called(camid, names.get(camid, ""))) for camid in sorted(camids)]
    some = ", ".join(told[:3]) + ("…" if len(told) > 3 else "") if told else "none"
    word = "camera" if len(told) == 1 else "cameras"
    return (ChipText("camids", f"{word} {some}", f"Only {word} {', '.join(told) or 'none'}."),)


class TimeField(QDoubleSpinBox):
    """Seconds, shown and typed as times are on the pictures; ``start``: the moment of 0 seconds,
    where dates can be typed. ``typed`` tells whether the text is a time."""

    typed = pyqtSignal(bool)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.start: datetime | None = None
        named(self, name)
        self.setDecimals(1)
        self.setKeyboardTracking(False)
        self.lineEdit().textEdited.connect(
            lambda text: self.typed.emit(self._seconds(text) is not None)
        )

    def _seconds(self, text: str) -> float | None:
        return seconds_of(text, self.start)

    def textFromValue(self, value: float) -> str:
        return tenths_text(value)

    def valueFromText(self, text: str) -> float:
        found = self._seconds(text)
        return self.value() if found is None else found

    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        """Anything can stand there while it is typed."""
        whole = self._seconds(text) is not None
        return (QValidator.Acceptable if whole else QValidator.Intermediate), text, at


class TimeChoice(QWidget):
    """From when until when pictures are listed. ``chosen`` tells (from, to) in seconds, or None."""

    chosen = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Times")
        self.low, self.high = self._field("From"), self._field("To")
        self.format = MessageLine()
        self.everything = push_button(
            "All times", "List pictures of all times.", lambda: self.chosen.emit(None)
        )
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for row, (name, box) in enumerate((("From", self.low), ("To", self.high))):
            layout.addWidget(QLabel(name), row, 0)
            layout.addWidget(box, row, 1)
        layout.addWidget(self.format, 2, 0, 1, 2)
        layout.addWidget(self.everything, 3, 0, 1, 2)
        self.set_limits(None)

    def _field(self, name: str) -> TimeField:
        field = TimeField(name)
        field.valueChanged.connect(self._tell)
        field.typed.connect(self._say_format)
        return field

    def _say_format(self, understood: bool) -> None:
        self.format.say(time_format(self.low.start), warning=not understood)

    def set_limits(self, limits: TimeRange, start: datetime | None = None) -> None:
        """The earliest and the latest time of the gallery in seconds, None where no times are
        known, and the moment that they count from, where that is known."""
        self.setEnabled(limits is not None)
        self.setToolTip(
            "Choose from when until when pictures are listed; those without a time are left out."
            if limits
            else "The times of these pictures are not known."
        )
        self.format.setVisible(limits is not None)
        if limits is not None:
            for box in (self.low, self.high):
                box.start = start
                box.setToolTip(time_format(start))
                date = "" if start is None else start.isoformat(" ", "seconds")
                box.setMinimumWidth(box.fontMetrics().horizontalAdvance(date) + 40 if date else 0)
                with QSignalBlocker(box):
                    box.setRange(_tenth(limits[0], down=True), _tenth(limits[1], down=False))
            self._say_format(True)
            self.show_chosen(None)

    def show_chosen(self, times: TimeRange) -> None:
        """Show which times are listed, without telling."""
        self.everything.setEnabled(times is not None)
        low, high = times or (self.low.minimum(), self.high.maximum())
        for box, value in ((self.low, low), (self.high, high)):
            with QSignalBlocker(box):
                box.setValue(value)

    def _tell(self) -> None:
        low, high = self.low.value(), self.high.value()
        whole = low <= self.low.minimum() and high >= self.high.maximum()
        self.chosen.emit(None if whole else (min(low, high), max(low, high)))


def time_chip(times: TimeRange) -> tuple[ChipText, ...]:
    """The chip of the times chosen; none where all are listed."""
    if times is None:
        return ()
    words = "–".join(map(tenths_text, times))
    return (ChipText("time_range", words, f"Only pictures of {words}."),)


def _tenth(seconds: float, down: bool) -> float:
    """Rounded outwards to what the fields can show, so that no picture falls outside."""
    return (math.floor(10 * seconds) if down else math.ceil(10 * seconds)) / 10
