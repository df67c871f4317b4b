"""Sliders for brightness, contrast and sharpness of the pictures on the screen, in a line above
them."""

from __future__ import annotations

from dataclasses import fields

from PyQt5.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt5.QtWidgets import QLabel, QWidget

from app.state.values import Adjustment
from app.state.workspace import Workspace
from app.views.explore.match_controls import Slider, group_of
from app.views.widgets.fields import push_button
from app.views.widgets.flow_layout import FlowLayout
from app.views.widgets.labels import small_button

LIMITS = {"brightness": (-100, 100), "contrast": (-100, 100), "sharpness": (0, 100)}
WIDTH = 56
NOTE = "Only what is on the screen changes: not the files, not the scores, not the exports."


class AdjustRow(QWidget):
    """Changes the workspace's look. ``closed``: the cross; Esc is the inspector's."""

    closed = pyqtSignal()

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.setAccessibleName("Adjust the pictures")
        self.setAccessibleDescription(NOTE)
        row = FlowLayout(self, gap=12)
        self.sliders: dict[str, Slider] = {}
        self.numbers: dict[str, QLabel] = {}
        for field in fields(Adjustment):
            name = field.name
            slider = Slider(
                *LIMITS[name], name.capitalize(), f"{name.capitalize()} of the pictures"
            )
            slider.setFixedWidth(WIDTH)
            slider.valueChanged.connect(lambda _value: self._change())
            number = QLabel()
            number.setMinimumWidth(number.fontMetrics().horizontalAdvance("−100"))
            number.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
            self.sliders[name], self.numbers[name] = slider, number
            row.addWidget(group_of(QLabel(name.capitalize()), slider, number))
        self.swipe = push_button(
            "Swipe", "Show the pictures as their files are, left of a line to drag"
        )
        self.swipe.setCheckable(True)
        self.swipe.clicked.connect(lambda on: workspace.change_look(swipe="original" if on else ""))
        self.reset = push_button(
            "As they are",
            f"Show the pictures as their files are. {NOTE}",
            lambda: workspace.change_look(adjust=Adjustment()),
        )
        cross = small_button("x", "Close", self, tip="Close (Esc); what was set stays")
        cross.clicked.connect(self.closed)
        row.addWidget(group_of(self.swipe, self.reset, cross))
        workspace.look_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the workspace's look."""
        look = self.workspace.look
        for name, slider in self.sliders.items():
            value = getattr(look.adjust, name)
            with QSignalBlocker(slider):
                slider.setValue(value)
            self.numbers[name].setText(f"{value}".replace("-", "−"))
        for button in (self.reset, self.swipe):
            button.setEnabled(look.adjust != Adjustment())
        self.swipe.setChecked(look.swipe == "original")

    def _change(self) -> None:
        values = {name: slider.value() for name, slider in self.sliders.items()}
        self.workspace.change_look(adjust=Adjustment(**values))

    def begin(self) -> None:
        """Show it, the first slider with the focus."""
        self.show()
        self.sliders["brightness"].setFocus()
