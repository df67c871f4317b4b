"""Failures as rows: a tile of three pictures each, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PyQt5.QtCore import QObject, Qt

from app.items.picture_tiles import TILE_ROLE, Tile
from app.items.row_models import TableModel
from app.state.insight_words import example_line, example_sentence
from app.state.insights import Example
from app.state.words import adds_text, short_camera
from qaconv_core.explaining.zones import ZONES
from qaconv_core.types import RankingResult

COLUMNS = (
    "Number", "Margin", "Cause", "Cameras", "Query", "False match", "True match", "Cell adds",
)  # fmt: skip
NUMBERS = (0, 1, 7)
WIDEST = "cell +0.88 · margin +88.88"
"""The longest line below a failure's pictures."""


def cells(example: Example) -> tuple[str, ...]:
    """A failure in the words of :data:`COLUMNS`."""
    cameras = (short_camera(ref) or "–" for ref in (example.query, example.false))
    names = (ref.path.name for ref in (example.query, example.false, example.true))
    value = "–" if example.value is None else adds_text(example.value)
    margin = adds_text(example.failure.margin)
    cause = ZONES[example.cause]
    return (f"{example.number}", margin, cause, " → ".join(cameras), *names, value)


class ExampleModel(TableModel):
    """Failures in the order they are shown; the last column only where a cell is chosen."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS[:-1], NUMBERS, parent)
        self._cells: list[tuple[str, ...]] = []
        self._tiles: list[Tile] = []

    def set_examples(self, examples: Sequence[Example]) -> None:
        """Show other failures."""
        self.beginResetModel()
        self.rows, self._cells = examples, [cells(example) for example in examples]
        self._tiles = [tile_of(example) for example in examples]
        with_cell = bool(examples) and examples[0].value is not None
        self.columns = COLUMNS if with_cell else COLUMNS[:-1]
        self.endResetModel()

    def shown(self, row: int, column: int, role: int) -> Any:
        """Words, the failure's tile, and what a screen reader says."""
        if role == Qt.DisplayRole:
            return self._cells[row][column]
        if role == TILE_ROLE:
            return self._tiles[row]
        spoken = role in (Qt.ToolTipRole, Qt.AccessibleTextRole)
        return example_sentence(self.rows[row]) if spoken else None


def tile_of(example: Example) -> Tile:
    """Query, first false and first true match beside each other."""
    pictures = (
        (example.query, RankingResult.NOT_KNOWN),
        (example.false, RankingResult.FALSE),
        (example.true, RankingResult.TRUE),
    )
    return Tile(pictures, example_line(example), example_sentence(example), example.place)
