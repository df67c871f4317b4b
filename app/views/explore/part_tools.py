"""The tools to draw on the pictures of a match."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLabel, QToolButton, QWidget

from app.state.commands import BY_ID
from app.state.drawn_parts import Tool
from app.state.workspace import Workspace
from app.views.explore.match_controls import SPACING, group_of
from app.views.widgets.actions import Handler, Handlers
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
        self._handlers = self.handlers()
        for id, button in self.buttons.items():
            button.clicked.connect(lambda _on, run=self._handlers[id].run: self._run(run))
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

    def _run(self, run: Callable[[], object]) -> None:
        run()
        self.refresh()  # a button that stays as it was must not look pressed

    def refresh(self) -> None:
        """Show which tool is chosen and what was drawn."""
        now, pair = self.parts.now, self.workspace.pair
        for id, button in self.buttons.items():
            button.setEnabled(pair is not None)
            checked = self._handlers[id].checked
            if checked is not None:
                button.setChecked(checked())
        drawn = pair is not None and now.region is not None
        for id in ("match.part_ignore", "match.part_whole"):
            self.buttons[id].setEnabled(drawn)

    # ── commands ────────────────────────────────────────────────────────────────────────────────

    def handlers(self) -> Handlers:
        """The commands that draw."""
        parts = self.parts

        def tool_of(tool: Tool) -> Handler:
            return Handler(lambda: parts.choose_tool(tool), checked=lambda: tool == parts.now.tool)

        return {
            **{id: tool_of(tool) for id, tool in TOOLS.items()},
            "match.part_ignore": Handler(parts.switch_ignore, checked=lambda: parts.now.ignore),
            "match.part_whole": Handler(parts.whole_query),
            "match.take_cell": Handler(self.take_cell),
            "match.occlusion_map": Handler(
                lambda: parts.want_regions(not parts.now.regions_wanted),
                checked=lambda: parts.now.regions_wanted,
            ),
        }

    def take_cell(self) -> None:
        """Add the cell pinned or pointed at to the drawn part, or remove it."""
        pair = self.workspace.pair
        self.parts.take_cell(self.workspace.cell, None if pair is None else pair.match.grid)

    def release(self) -> None:
        """Esc: cancel the stroke; else release the pinned cell; else clear what is drawn."""
        if self._drop_stroke():
            return
        if self.workspace.selection.cell is not None:
            self.workspace.pin(None)
        else:
            self.parts.clear()
