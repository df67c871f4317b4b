"""Sliders for brightness, contrast and sharpness of the pictures on the screen."""

from __future__ import annotations

from dataclasses import fields

from PyQt5.QtCore import QPoint, QSignalBlocker, Qt
from PyQt5.QtWidgets import QDialog, QLabel, QWidget

from app.state.values import Adjustment
from app.state.workspace import Workspace
from app.views.explore.match_controls import Slider
from app.views.widgets.fields import push_button
from app.views.widgets.labels import plain_label
from app.views.widgets.layouts import in_column, in_form, in_row

LIMITS = {"brightness": (-100, 100), "contrast": (-100, 100), "sharpness": (0, 100)}
WIDTH = 180
NOTE = "Only what is on the screen changes: not the files, not the scores, not the exports."


class AdjustPopup(QDialog):
    """Changes the workspace's look; closes with a click elsewhere or Esc."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.Popup)
        self.workspace = workspace
        self.setAccessibleName("Adjust the pictures")
        rows = []
        self.sliders: dict[str, Slider] = {}
        self.numbers: dict[str, QLabel] = {}
        for field in fields(Adjustment):
            name = field.name
            slider = Slider(*LIMITS[name], name.capitalize(), f"{name.capitalize()} of pictures")
            slider.setFixedWidth(WIDTH)
            slider.valueChanged.connect(lambda _value: self._change())
            number = QLabel()
            number.setMinimumWidth(number.fontMetrics().horizontalAdvance("−100"))
            number.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
            self.sliders[name], self.numbers[name] = slider, number
            rows.append((name.capitalize(), in_row(slider, number)))
        self.reset = push_button(
            "As they are",
            "Show the pictures as their files are",
            lambda: workspace.change_look(adjust=Adjustment()),
        )
        note = plain_label(NOTE)
        note.setMaximumWidth(320)
        in_column(
            in_form(*rows, spacing=(8, 8)), note, in_row(None, self.reset), into=self, margins=16
        )
        workspace.look_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the workspace's look."""
        now = self.workspace.look.adjust
        for name, slider in self.sliders.items():
            value = getattr(now, name)
            with QSignalBlocker(slider):
                slider.setValue(value)
            self.numbers[name].setText(f"{value}".replace("-", "−"))
        self.reset.setEnabled(now != Adjustment())

    def _change(self) -> None:
        values = {name: slider.value() for name, slider in self.sliders.items()}
        self.workspace.change_look(adjust=Adjustment(**values))

    def show_beside(self, widget: QWidget) -> None:
        """Right of a widget, the first slider with the focus."""
        self.adjustSize()
        self.move(widget.mapToGlobal(QPoint(widget.width() + 8, 0)))
        self.show()
        self.sliders["brightness"].setFocus()
