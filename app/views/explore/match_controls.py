"""The line of controls above a match: its mode, and what that mode lets one set."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QEvent, QSignalBlocker, QSize, Qt
from PyQt5.QtGui import QKeyEvent, QResizeEvent
from PyQt5.QtWidgets import QLabel, QSizePolicy, QSlider, QSpinBox, QToolButton, QWidget

from app.state import words
from app.state.commands import BY_ID
from app.state.values import EACH, MOST_LINES, Mode
from app.state.workspace import Workspace
from app.views.widgets.choice import Choice
from app.views.widgets.icons import icon
from app.views.widgets.layouts import boxed, in_row

SPACING = 6
MODES: tuple[tuple[Mode, str, str], ...] = (
    ("lines", "Lines", "Lines between matched cells (1)"),
    ("heat", "Heat maps", "Contribution of each cell, over both pictures (2)"),
    ("hover", "Point and see", "Point at a place and see where the other picture answers (3)"),
    ("compare", "Compare", "Two to four chosen candidates under one query (4)"),
)
KINDS = {
    "relative": "above average",
    "contribution": "by contribution",
    "similarity": "by similarity",
}
COLOURS = {**KINDS, EACH: "a colour each"}
ARROWS = {"query": "→", "gallery": "←", "mutual": "↔"}
_KEYS = {
    Qt.Key_Left, Qt.Key_Right, Qt.Key_Up, Qt.Key_Down,
    Qt.Key_Home, Qt.Key_End, Qt.Key_PageUp, Qt.Key_PageDown,
}  # fmt: skip
_STYLES = (
    (Qt.ToolButtonTextBesideIcon, True),
    (Qt.ToolButtonTextOnly, True),
    (Qt.ToolButtonIconOnly, True),
    (Qt.ToolButtonIconOnly, False),
)
"""From roomy to narrow: how the modes are shown, and whether the threshold is."""


class KeepsArrows:
    """Keeps the arrow keys while it has the focus: the window's shortcuts do not take them."""

    def event(self, event: QEvent) -> bool:
        """Answers Qt's question before a shortcut is tried."""
        if event.type() == QEvent.ShortcutOverride:
            assert isinstance(event, QKeyEvent)
            if event.key() in _KEYS:
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
        self.setFixedWidth(56)


class MatchControls(QWidget):
    """One line that changes the workspace's look, and shows it. It never asks for more lines:
    where it is narrow, words give way to icons, and then the threshold to its keys.
    """

    def __init__(
        self,
        workspace: Workspace,
        choose_mode: Callable[[Mode], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self._fits: tuple[object, ...] = ()
        """What the present style was chosen for."""
        self.modes = {mode: self._button(mode, title, tip) for mode, title, tip in MODES}
        for mode, button in self.modes.items():
            button.clicked.connect(lambda _on, mode=mode: self._chosen(mode, choose_mode))
        self._make_settings()
        self._lay_out()
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        workspace.look_changed.connect(self.refresh)
        workspace.pair_changed.connect(self.refresh)
        self.refresh()

    @property
    def _relative_words(self) -> str:
        """What a contribution is compared with: the average, or strangers where these rank."""
        pair = self.workspace.pair
        normalised = pair is not None and pair.normalised is not None
        return "above strangers" if normalised else KINDS["relative"]

    def _chosen(self, mode: Mode, choose_mode: Callable[[Mode], None]) -> None:
        choose_mode(mode)
        self.refresh()  # a click on the mode that is on must not switch it off

    def _button(self, mode: Mode, title: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(title)
        button.setIcon(icon(BY_ID[f"match.{mode}"].icon))
        button.setToolTip(tip)
        button.setAccessibleName(title)
        button.setCheckable(True)
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
        self.threshold_number.setToolTip(self.threshold.toolTip())
        self.count = Number()
        self.count.setRange(0, MOST_LINES)
        self.count.setKeyboardTracking(False)
        self.count.setFocusPolicy(Qt.StrongFocus)
        self.count.setSuffix(" lines")
        self.count.setAccessibleName("Most lines")
        self.count.setToolTip("How many lines are drawn at most, the strongest first (+ −)")
        self.count.valueChanged.connect(lambda value: change(count=value))
        self.count.editingFinished.connect(self.count.clearFocus)
        self.direction = Choice(
            "Direction of the lines",
            "From each query cell, from each gallery cell, or only pairs that are each other's "
            "best (D)",
            words.DIRECTIONS,
            ARROWS,
        )
        self.colour_by = Choice(
            "Colour of the lines", "What colour, width and order of lines show", COLOURS
        )
        self.heat_of = Choice(
            "What the heat maps show",
            "Each cell's contribution above its average over the gallery, its contribution, or how "
            "similar it is to its best match",
            KINDS,
        )
        for box, field in (
            (self.direction, "direction"), (self.colour_by, "colour_by"), (self.heat_of, "heat_of")
        ):  # fmt: skip
            box.chosen.connect(lambda value, field=field: change(**{field: value}))
        self.opacity = Slider(0, 100, "Opacity of the heat maps", "How much the heat maps cover")
        self.opacity.valueChanged.connect(lambda value: change(opacity=value / 100))
        self.opacity_number = QLabel()

    def _lay_out(self) -> None:
        """Modes at the left, the settings of the mode beside them."""
        self.threshold_number.setMinimumWidth(self.fontMetrics().horizontalAdvance("−0.00"))
        self.opacity_number.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %"))
        at_least = QLabel("≥")
        at_least.setToolTip(self.threshold.toolTip())
        self._thresholds = group_of(at_least, self.threshold, self.threshold_number)
        lines = (group_of(self.count), self._thresholds, group_of(self.direction, self.colour_by))
        opacity = group_of(QLabel("opacity"), self.opacity, self.opacity_number)
        self._groups = {
            "lines": lines, "compare": lines, "heat": (group_of(self.heat_of), opacity),
            "hover": (opacity,),
        }  # fmt: skip
        settings = dict.fromkeys(group for groups in self._groups.values() for group in groups)
        self._modes = boxed(in_row(*self.modes.values(), spacing=2))
        in_row(self._modes, *settings, None, into=self, spacing=SPACING)

    def minimumSizeHint(self) -> QSize:
        """As narrow as need be."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or less room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The roomiest of the styles that fit with the settings of any mode: the modes stay where
        they are when another one is chosen. The width of words depends on these values alone."""
        wants = (self.workspace.look, self._relative_words, self.width(), self.font().key())
        if wants == self._fits:
            return
        self._fits = wants
        shown = self._groups[self.workspace.look.mode]
        for style, threshold in _STYLES:
            for button in self.modes.values():
                button.setToolButtonStyle(style)
            modes = sum(b.sizeHint().width() + 2 for b in self.modes.values())
            self._thresholds.setVisible(threshold and self._thresholds in shown)
            if modes + self._widest(threshold) <= self.width():
                break

    def _widest(self, threshold: bool) -> int:
        """Pixels that the settings of a mode take at most, with the ``threshold`` or without."""
        return max(
            sum(g.sizeHint().width() + SPACING for g in groups
                if threshold or g is not self._thresholds)
            for groups in self._groups.values()
        )  # fmt: skip

    # ── what is on ──────────────────────────────────────────────────────────────────────────────

    def refresh(self) -> None:
        """Show the workspace's look."""
        look = self.workspace.look
        for mode, button in self.modes.items():
            button.setChecked(mode == look.mode)
        self.direction.show_value(look.direction)
        for choice, value in ((self.colour_by, look.colour_by), (self.heat_of, look.heat_of)):
            choice.name_value("relative", self._relative_words)
            choice.show_value(value)
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
            if group is not self._thresholds:  # which shows only where there is room
                group.setVisible(group in shown)
        self._fit()


def group_of(*widgets: QWidget) -> QWidget:
    """Controls that belong together."""
    return boxed(in_row(*widgets, spacing=SPACING // 2))
