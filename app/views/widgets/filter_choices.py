"""What the popups of the filters hold: which cameras, which times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PyQt5.QtCore import QSignalBlocker, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QWidget,
)

from app.views.widgets.fields import decimal_number, push_button
from app.views.widgets.filter_field import ChipText
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


class TimeChoice(QWidget):
    """From when until when pictures are listed. ``chosen`` tells (from, to) in seconds, or None."""

    chosen = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Times")
        self.low, self.high = self._box("From, seconds"), self._box("To, seconds")
        self.everything = push_button(
            "All times", "List pictures of all times.", lambda: self.chosen.emit(None)
        )
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for row, (name, box) in enumerate((("From", self.low), ("To", self.high))):
            layout.addWidget(QLabel(name), row, 0)
            layout.addWidget(box, row, 1)
        layout.addWidget(self.everything, 2, 0, 1, 2)
        self.set_limits(None)

    def _box(self, name: str) -> QDoubleSpinBox:
        tip = "Times are seconds since the first camera's start, as the data set says."
        box = decimal_number(name, tip, 0.0, 99.99, 1.0, digits=1, suffix=" s")
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._tell)
        return box

    def set_limits(self, limits: TimeRange) -> None:
        """The earliest and the latest time of the gallery; None where no times are known."""
        self.setEnabled(limits is not None)
        self.setToolTip(
            "Choose from when until when pictures are listed; those without a time are left out."
            if limits
            else "The times of these pictures are not known."
        )
        if limits is not None:
            for box in (self.low, self.high):
                with QSignalBlocker(box):
                    box.setRange(_tenth(limits[0], down=True), _tenth(limits[1], down=False))
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
    words = f"{times[0]:.0f}–{times[1]:.0f} s"
    return (ChipText("time_range", words, f"Only pictures of {words}."),)


def _tenth(seconds: float, down: bool) -> float:
    """Rounded outwards to what the boxes can show, so that no picture falls outside."""
    tenths = 10 * seconds
    return (tenths // 1 if down else -(-tenths // 1)) / 10
