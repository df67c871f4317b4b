"""The tools beside the pictures of a match, as in a drawing program: parts, what if, view, zoom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QToolButton, QWidget

from app.state.commands import BY_ID
from app.state.drawn_parts import Tool
from app.state.values import Adjustment, Swipe
from app.state.workspace import Workspace
from app.views.widgets.actions import Handler, Handlers
from app.views.widgets.labels import small_button

TOOLS: dict[str, Tool] = {
    "match.part_box": "box",
    "match.part_lasso": "lasso",
    "match.part_paint": "paint",
    "match.hide_box": "hide",
}
SWITCHES = ("match.overlay", "match.smooth", "match.grid", "match.linked")
GROUPS: tuple[tuple[str, ...], ...] = (
    ("match.part_box", "match.part_lasso", "match.part_paint"),
    ("match.part_ignore", "match.part_whole"),
    ("match.hide_box", "match.occlusion_map"),
    (*SWITCHES, "match.adjust", "match.swipe"),
    ("match.zoom_in", "match.zoom_fit", "match.zoom_out"),
)
OF_PARTS = ("match.part_ignore", "match.part_whole")
SIDE, ICON, BETWEEN = 28, 18, 6


@dataclass(frozen=True)
class Zooming:
    """What zooms the pictures."""

    by: Callable[[float], None]
    fit: Callable[[], None]
    step: float


class PictureTools(QWidget):
    """A column of buttons; two columns where it is low. Answers the commands that it shows."""

    def __init__(
        self,
        workspace: Workspace,
        zooming: Zooming,
        adjust: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace, self.parts = workspace, workspace.parts
        self._zooming, self._adjust = zooming, adjust
        self.setAccessibleName("Tools")
        self.buttons = {id: self._button(id) for group in GROUPS for id in group}
        self.show_zoom(1.0)
        self._handlers = self.handlers()
        for id, button in self.buttons.items():
            button.clicked.connect(lambda _on, run=self._handlers[id].run: self._run(run))
        for event in (self.parts.changed, workspace.pair_changed, workspace.look_changed):
            event.connect(self.refresh)
        self._place()
        self.refresh()

    def _button(self, id: str) -> QToolButton:
        command = BY_ID[id]
        keys = f" ({command.keys[0]})" if command.keys else ""
        tip = f"{command.title}{keys}\n{command.tip}".strip()
        button = small_button(command.icon, command.title, self, tip=tip, size=ICON)
        button.setCheckable(command.checkable)
        button.setFocusPolicy(Qt.TabFocus)
        return button

    # ── where they stand ────────────────────────────────────────────────────────────────────────

    def _place(self) -> None:
        """One below the other, with space between groups; on in another column at the end."""
        x = y = 0
        for group in GROUPS:
            for id in group:
                if y and y + SIDE > self.height():
                    x, y = x + SIDE, 0
                self.buttons[id].setGeometry(x, y, SIDE, SIDE)
                y += SIDE
            y += BETWEEN
        self.setFixedWidth(x + SIDE)

    def sizeHint(self) -> QSize:
        """One column."""
        return QSize(SIDE, len(self.buttons) * SIDE + (len(GROUPS) - 1) * BETWEEN)

    def minimumSizeHint(self) -> QSize:
        """Two columns at most."""
        return QSize(SIDE, (self.sizeHint().height() + SIDE) // 2 // SIDE * SIDE)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or fewer below each other."""
        super().resizeEvent(event)
        self._place()

    # ── what is on ──────────────────────────────────────────────────────────────────────────────

    def _run(self, run: Callable[[], object]) -> None:
        run()
        self.refresh()  # a button that stays as it was must not look pressed

    def refresh(self) -> None:
        """Show which tool is chosen, what was drawn, and what is switched on."""
        pair = self.workspace.pair
        drawn = pair is not None and self.parts.now.region is not None
        for id, button in self.buttons.items():
            draws = id in TOOLS or id == "match.occlusion_map"
            enabled = drawn if id in OF_PARTS else pair is not None or not draws
            button.setEnabled(enabled and self._handlers[id].enabled())
            checked = self._handlers[id].checked
            if checked is not None:
                button.setChecked(checked())

    def show_zoom(self, factor: float) -> None:
        """Say how close the pictures are; 100 % shows them whole."""
        fit = self.buttons["match.zoom_fit"]
        fit.setToolTip(f"{round(factor * 100)} %. Click shows the whole pictures (Ctrl+0)")
        fit.setEnabled(factor != 1.0)

    # ── commands ────────────────────────────────────────────────────────────────────────────────

    def handlers(self) -> Handlers:
        """The commands that draw, switch and zoom."""
        parts, space, zooming = self.parts, self.workspace, self._zooming

        def tool_of(tool: Tool) -> Handler:
            return Handler(lambda: parts.choose_tool(tool), checked=lambda: tool == parts.now.tool)

        def switch(name: str) -> Handler:
            return Handler(
                lambda: space.change_look(**{name: not getattr(space.look, name)}),
                checked=lambda: getattr(space.look, name),
            )

        return {
            **{id: tool_of(tool) for id, tool in TOOLS.items()},
            **{id: switch(id.split(".")[1]) for id in SWITCHES},
            "match.adjust": Handler(
                self._adjust, checked=lambda: space.look.adjust != Adjustment()
            ),
            "match.swipe": Handler(
                lambda: self._swipe("pair"),
                lambda: space.look.mode != "compare",
                lambda: space.look.swipe == "pair",
            ),
            "match.swipe_original": Handler(
                lambda: self._swipe("original"),
                lambda: space.look.adjust != Adjustment(),
                lambda: space.look.swipe == "original",
                lambda: "nothing is adjusted (K)",
            ),
            "match.part_ignore": Handler(parts.switch_ignore, checked=lambda: parts.now.ignore),
            "match.part_whole": Handler(parts.whole_query),
            "match.take_cell": Handler(self.take_cell),
            "match.occlusion_map": Handler(
                lambda: parts.want_regions(not parts.now.regions_wanted),
                checked=lambda: parts.now.regions_wanted,
            ),
            "match.zoom_in": Handler(lambda: zooming.by(zooming.step)),
            "match.zoom_out": Handler(lambda: zooming.by(1 / zooming.step)),
            "match.zoom_fit": Handler(zooming.fit),
        }

    def _swipe(self, wanted: Swipe) -> None:
        on = self.workspace.look.swipe == wanted
        self.workspace.change_look(swipe="" if on else wanted)

    def take_cell(self) -> None:
        """Add the cell pinned or pointed at to the drawn part, or remove it."""
        pair = self.workspace.pair
        self.parts.take_cell(self.workspace.cell, None if pair is None else pair.match.grid)
