"""The controls under a match: how it is shown, and how strong a match must be to be drawn."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QEvent, QSignalBlocker, Qt
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import (
    QComboBox,
    QLabel,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

from app.state import words
from app.state.values import MOST_LINES, Mode
from app.state.workspace import Workspace
from app.views.widgets.flow_layout import FlowLayout
from app.views.widgets.layouts import boxed, in_column, in_row

SPACING = 8
MODES: tuple[tuple[Mode, str, str], ...] = (
    ("lines", "Lines", "Lines between matched cells (1)"),
    ("heat", "Heat maps", "What each cell adds to the logit, over both pictures (2)"),
    ("hover", "Point and see", "Point at a place and see where the other picture answers (3)"),
    ("compare", "Compare", "Two candidates under one query (4)"),
)
SWITCHES = (
    ("overlay", "Overlay", "Show what is drawn over the pictures (Space)"),
    ("grid", "Grid", "Show the cells of the model's grid (G)"),
    ("linked", "Linked", "Zoom and move the pictures together (L)"),
)
KINDS = {
    "relative": "beyond the usual",
    "contribution": "by contribution",
    "similarity": "by similarity",
}
_ARROWS = {
    Qt.Key_Left, Qt.Key_Right, Qt.Key_Up, Qt.Key_Down,
    Qt.Key_Home, Qt.Key_End, Qt.Key_PageUp, Qt.Key_PageDown,
}  # fmt: skip


class KeepsArrows:
    """Keeps the arrow keys while it has the focus: the window's shortcuts do not take them."""

    def event(self, event: QEvent) -> bool:
        """Answers Qt's question before a shortcut is tried."""
        if event.type() == QEvent.ShortcutOverride:
            assert isinstance(event, QKeyEvent)
            if event.key() in _ARROWS:
                event.accept()
                return True
        return super().event(event)  # type: ignore[misc]  # the widget it is mixed into has it


class Number(KeepsArrows, QSpinBox):
    """A number to type or to step."""


class Slider(KeepsArrows, QSlider):
    """A slider; only Tab gives it the focus, so that a drag leaves the arrows to the window."""

    def __init__(self, low: int, high: int, name: str, tip: str) -> None:
        super().__init__(Qt.Horizontal)
        self.setRange(low, high)
        self.setPageStep(10)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setFocusPolicy(Qt.TabFocus)
        self.setFixedWidth(112)


class MatchControls(QWidget):
    """Changes the workspace's look, and shows it. ``zoom_by`` and ``fit`` are the canvas's."""

    def __init__(
        self,
        workspace: Workspace,
        choose_mode: Callable[[Mode], None],
        zoom_by: Callable[[float], None],
        fit: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.modes = {mode: self._button(title, tip) for mode, title, tip in MODES}
        for mode, button in self.modes.items():
            button.clicked.connect(lambda _on, mode=mode: self._chosen(mode, choose_mode))
        self.switches = {name: self._button(title, tip) for name, title, tip in SWITCHES}
        for name, button in self.switches.items():
            button.clicked.connect(lambda on, name=name: workspace.change_look(**{name: on}))
        self.zoom_out = self._button("−", "Zoom out (Ctrl+−)", "Zoom out", checkable=False)
        self.zoom_in = self._button("+", "Zoom in (Ctrl++)", "Zoom in", checkable=False)
        self.zoom_fit = self._button("100 %", "Back to the whole pictures (Ctrl+0)", "Fit", False)
        self.zoom_out.clicked.connect(lambda: zoom_by(1 / 1.25))
        self.zoom_in.clicked.connect(lambda: zoom_by(1.25))
        self.zoom_fit.clicked.connect(fit)
        self._make_settings()
        self._lay_out()
        workspace.look_changed.connect(self.refresh)
        self.refresh()

    def _chosen(self, mode: Mode, choose_mode: Callable[[Mode], None]) -> None:
        choose_mode(mode)
        self.refresh()  # a click on the mode that is on must not switch it off

    def _button(self, title: str, tip: str, name: str = "", checkable: bool = True) -> QToolButton:
        button = QToolButton(self)
        button.setText(title)
        button.setToolTip(tip)
        button.setAccessibleName(name or title)
        button.setCheckable(checkable)
        button.setFocusPolicy(Qt.TabFocus)
        button.setAutoRaise(True)
        return button

    def _make_settings(self) -> None:
        change = self.workspace.change_look
        self.threshold = Slider(
            -100, 100, "Least similarity of a line", "Lines of less similarity are not drawn ([ ])"
        )
        self.threshold.valueChanged.connect(lambda value: change(threshold=value / 100))
        self.threshold_number = QLabel()
        self.count = Number()
        self.count.setRange(0, MOST_LINES)
        self.count.setKeyboardTracking(False)
        self.count.setFocusPolicy(Qt.StrongFocus)
        self.count.setSuffix(" lines")
        self.count.setAccessibleName("Most lines")
        self.count.setToolTip("How many lines are drawn at most, the strongest first (+ −)")
        self.count.valueChanged.connect(lambda value: change(count=value))
        self.count.editingFinished.connect(self.count.clearFocus)
        self.direction = self._choice(
            words.DIRECTIONS, "direction", "Direction of the lines",
            "From each query cell, from each gallery cell, or only pairs that are each other's "
            "best (D)",
        )  # fmt: skip
        self.colour_by = self._choice(
            KINDS, "colour_by", "Colour of the lines", "What colour, width and order of lines show"
        )
        self.heat_of = self._choice(
            KINDS, "heat_of", "What the heat maps show",
            "What each cell adds beyond its average over the gallery, what it adds, or how "
            "similar it is to its best match",
        )  # fmt: skip
        self.opacity = Slider(0, 100, "Opacity of the heat maps", "How much the heat maps cover")
        self.opacity.valueChanged.connect(lambda value: change(opacity=value / 100))
        self.opacity_number = QLabel()

    def _choice(self, texts: dict[str, str], field: str, name: str, tip: str) -> QComboBox:
        box = QComboBox(self)
        for value, text in texts.items():
            box.addItem(text, value)
        box.setAccessibleName(name)
        box.setToolTip(tip)
        box.setFocusPolicy(Qt.TabFocus)
        box.activated.connect(lambda _row: self.workspace.change_look(**{field: box.currentData()}))
        return box

    def _lay_out(self) -> None:
        """Two lines, broken into more where there is little room."""
        self.threshold_number.setMinimumWidth(self.fontMetrics().horizontalAdvance("−0.00"))
        self.opacity_number.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %"))
        lines = (
            group_of(QLabel("similarity ≥"), self.threshold, self.threshold_number),
            group_of(QLabel("at most"), self.count),
            group_of(self.direction, self.colour_by),
        )
        opacity = group_of(QLabel("opacity"), self.opacity, self.opacity_number)
        self._groups = {
            "lines": lines, "compare": lines, "heat": (group_of(self.heat_of), opacity),
            "hover": (opacity,),
        }  # fmt: skip
        zoom = (self.zoom_out, self.zoom_fit, self.zoom_in)
        how = (group_of(*self.modes.values()), group_of(*self.switches.values()), group_of(*zoom))
        settings = dict.fromkeys(group for groups in self._groups.values() for group in groups)
        whole = in_column(into=self, spacing=SPACING // 2)
        for groups in (how, settings):
            flow = FlowLayout(gap=2 * SPACING)
            for group in groups:
                group.setFixedHeight(self.count.sizeHint().height())  # lines of one height
                flow.addWidget(group)
            whole.addLayout(flow)

    def event(self, event: QEvent) -> bool:
        """Fix the height to that of the lines, so that they never overlap."""
        handled = super().event(event)
        if event.type() in (QEvent.Resize, QEvent.LayoutRequest):
            self.setFixedHeight(max(1, self.layout().heightForWidth(self.width())))
        return handled

    # ── what is on ──────────────────────────────────────────────────────────────────────────────

    def refresh(self) -> None:
        """Show the workspace's look."""
        look = self.workspace.look
        for mode, button in self.modes.items():
            button.setChecked(mode == look.mode)
        for name, button in self.switches.items():
            button.setChecked(getattr(look, name))
        for box, value in (
            (self.direction, look.direction),
            (self.colour_by, look.colour_by),
            (self.heat_of, look.heat_of),
        ):
            box.setCurrentIndex(box.findData(value))
        for widget, number in (
            (self.threshold, round(look.threshold * 100)),
            (self.count, look.count),
            (self.opacity, round(look.opacity * 100)),
        ):
            with QSignalBlocker(widget):
                widget.setValue(number)
        self.threshold_number.setText(words.similarity_text(look.threshold))
        self.opacity_number.setText(f"{round(look.opacity * 100)} %")
        shown = self._groups[look.mode]
        for group in {group for groups in self._groups.values() for group in groups}:
            group.setVisible(group in shown)

    def show_zoom(self, factor: float) -> None:
        """Show how close the pictures are; 100 % shows them whole."""
        self.zoom_fit.setText(f"{round(factor * 100)} %")


def group_of(*widgets: QWidget) -> QWidget:
    """Controls that stay together when the line is broken."""
    return boxed(in_row(*widgets, spacing=SPACING // 2))
