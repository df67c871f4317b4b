"""Drawing on the pictures of a match: a box, a lasso, a stroke."""

from __future__ import annotations

from PyQt5.QtCore import Qt

from app.state.drawn_parts import PART_TOOLS, DrawnParts, How, Tool, joined
from app.views.explore.match_picture import Key
from qaconv_core.explaining.masks import cells_in_box, cells_in_lasso, cells_on_stroke
from qaconv_core.types import Bool, Grid, Side

Point = tuple[float, float]


class DrawingTool:
    """One stroke at a time. Hidden cells change while the pointer moves, a part at the end.

    Shift adds to what was drawn before, Ctrl takes away from it; painting adds by itself.
    """

    def __init__(self, parts: DrawnParts) -> None:
        self.parts = parts
        self.points: list[Point] = []
        self.key: Key = ("query", 0)
        self.tool: Tool = ""
        self._grid: Grid = (1, 1)
        self._how: How = "replace"
        self._before: Bool | None = None

    @property
    def down(self) -> bool:
        """Whether something is being drawn."""
        return bool(self.points)

    def draws_on(self, key: Key) -> bool:
        """Whether the chosen tool draws on that picture; parts are drawn on the query only."""
        tool = self.parts.now.tool
        return key == ("query", 0) if tool in PART_TOOLS else tool == "hide" and not key[1]

    @property
    def side(self) -> Side:
        """Of the picture that is drawn on."""
        return self.key[0]

    def begin(self, key: Key, grid: Grid, at: Point, modifiers: Qt.KeyboardModifiers) -> None:
        """The pointer is pressed on a picture, at fractions of it."""
        now = self.parts.now
        self.key, self.tool, self._grid, self.points = key, now.tool, grid, [at]
        self._how = "add" if modifiers & Qt.ShiftModifier or self.tool == "paint" else "replace"
        if modifiers & Qt.ControlModifier:
            self._how = "remove"
        self._before = now.hidden(self.side) if self.tool == "hide" else now.region

    def move(self, at: Point) -> None:
        """The pointer moves while it is pressed."""
        if self.tool in ("box", "hide"):
            self.points = [self.points[0], at]
        else:
            self.points.append(at)
        if self.tool == "hide":
            self.parts.hide(self.side, self.result)

    @property
    def cells(self) -> Bool:
        """The cells (h, w) that the stroke takes."""
        if self.tool == "lasso":
            return cells_in_lasso(self.points, self._grid)
        if self.tool == "paint":
            return cells_on_stroke(self.points, self._grid)
        return cells_in_box((*self.points[0], *self.points[-1]), self._grid)

    @property
    def result(self) -> Bool:
        """The cells (h, w) drawn, with those of before."""
        return joined(self._before, self.cells, self._how)

    def end(self) -> None:
        """The pointer is released: apply what was drawn."""
        if self.tool == "hide":
            self.parts.hide(self.side, self.result)
        else:
            self.parts.draw(self.cells, self._how)
        self.points = []

    def drop(self) -> None:
        """Cancel the stroke and restore what was drawn before."""
        if self.down and self.tool == "hide":
            self.parts.hide(self.side, self._before)
        self.points = []
