"""The tools to draw on the pictures of a match."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLabel, QToolButton, QWidget

from app.state.commands import BY_ID
from app.state.drawn_parts import Tool
from app.state.workspace import Workspace
from app.views.explore.match_controls import SPACING, group_of
from app.views.widgets.actions import Actions
from app.views.widgets.flow_layout import FlowLayout
from app.views.widgets.icons import icon

TOOLS: dict[str, Tool] = {
    "match.part_box": "box",
    "match.part_lasso": "lasso",
    "match.part_paint": "paint",
    "match.hide_box": "hide",
}
BUTTONS = {
    "match.part_box": "Box",
    "match.part_lasso": "Lasso",
    "match.part_paint": "Paint",
    "match.part_ignore": "Ignore it",
    "match.part_whole": "Whole query",
    "match.hide_box": "Hide",
    "match.occlusion_map": "Which region matters",
}
GROUPS = {
    "Part": tuple(id for id in BUTTONS if id.startswith("match.part")),
    "What if": ("match.hide_box", "match.occlusion_map"),
}
ICONS_ONLY = ("match.part_box", "match.part_lasso", "match.part_paint")


class PartTools(QWidget):
    """Buttons of the commands that draw. Answers these commands."""

    def __init__(
        self, workspace: Workspace, drop_stroke: Callable[[], bool], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.parts = workspace, workspace.parts
        self._drop_stroke = drop_stroke
        self.buttons = {id: self._button(id, text) for id, text in BUTTONS.items()}
        self._lay_out()
        for id, handler in self.handlers().items():
            if id in self.buttons:
                self.buttons[id].clicked.connect(lambda _on, handler=handler: self._run(handler))
        for event in (self.parts.changed, workspace.pair_changed):
            event.connect(self.refresh)
        self.refresh()

    def _button(self, id: str, text: str) -> QToolButton:
        command = BY_ID[id]
        button = QToolButton(self)
        button.setText(text)
        button.setAccessibleName(command.title)
        keys = f" ({command.keys[0]})" if command.keys else ""
        button.setToolTip(f"{command.tip}{keys}")
        button.setCheckable(command.checkable)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.TabFocus)
        if id in ICONS_ONLY:
            button.setIcon(icon(command.icon))
        return button

    def _lay_out(self) -> None:
        flow = FlowLayout(self, gap=2 * SPACING)
        flow.setContentsMargins(0, 0, 0, 0)
        for title, ids in GROUPS.items():
            flow.addWidget(group_of(QLabel(title), *(self.buttons[id] for id in ids)))

    def _run(self, handler: Callable[[], object]) -> None:
        handler()
        self.refresh()  # a button that stays as it was must not look pressed

    def refresh(self) -> None:
        """Show what is in the hand and what was drawn."""
        now, pair = self.parts.now, self.workspace.pair
        for id, button in self.buttons.items():
            button.setEnabled(pair is not None)
            if id in TOOLS:
                button.setChecked(TOOLS[id] == now.tool)
        self.buttons["match.part_ignore"].setChecked(now.ignore)
        self.buttons["match.occlusion_map"].setChecked(now.seeking)
        drawn = pair is not None and now.region is not None
        for id in ("match.part_ignore", "match.part_whole"):
            self.buttons[id].setEnabled(drawn)

    # ── commands ────────────────────────────────────────────────────────────────────────────────

    def handlers(self) -> dict[str, Callable[[], object]]:
        """The commands that draw."""
        tools = {
            id: lambda tool=tool: self.parts.choose_tool(tool) for id, tool in TOOLS.items()
        }  # fmt: skip
        return {
            **tools,
            "match.part_ignore": self.parts.switch_ignore,
            "match.part_whole": self.parts.whole_query,
            "match.take_cell": self.take_cell,
            "match.occlusion_map": lambda: self.parts.seek(not self.parts.now.seeking),
        }

    def refresh_actions(self, actions: Actions) -> None:
        """Tell which commands are on."""
        now = self.parts.now
        for id, tool in TOOLS.items():
            actions.check(id, tool == now.tool)
        actions.check("match.part_ignore", now.ignore)
        actions.check("match.occlusion_map", now.seeking)

    def take_cell(self) -> None:
        """Take the cell pinned or pointed at, or let it out."""
        pair = self.workspace.pair
        self.parts.take_cell(self.workspace.cell, None if pair is None else pair.match.grid)

    def let_go(self) -> None:
        """Esc: give up the stroke; else let go of the cell; else clear what is drawn."""
        if self._drop_stroke():
            return
        if self.workspace.selection.cell is not None:
            self.workspace.pin(None)
        else:
            self.parts.clear()
