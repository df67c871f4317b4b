"""Failures as rows: a tile of three pictures each, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from app.items.picture_tiles import TILE_ROLE, Tile
from app.items.row_texts import camera_text
from app.state.insight_words import example_line, example_sentence
from app.state.insights import Example
from app.state.words import adds_text
from qaconv_core.types import RankingResult

COLUMNS = ("Number", "Margin", "Cameras", "Query", "False match", "True match", "Cell adds")
NUMBERS = (0, 1, 6)
WIDEST = "cell +0.88 · margin +88.88"
"""The longest line below a failure's pictures."""


def cells(example: Example) -> tuple[str, ...]:
    """A failure in the words of :data:`COLUMNS`."""
    cameras = (camera_text(ref.camid) or "–" for ref in (example.query, example.false))
    names = (ref.path.name for ref in (example.query, example.false, example.true))
    value = "–" if example.value is None else adds_text(example.value)
    margin = adds_text(example.failure.margin)
    return (f"{example.number}", margin, " → ".join(cameras), *names, value)


class ExampleModel(QAbstractTableModel):
    """Failures in the order they are shown; the last column only where a cell is chosen."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.examples: Sequence[Example] = ()
        self._cells: list[tuple[str, ...]] = []
        self._tiles: list[Tile] = []
        self._columns = len(COLUMNS) - 1

    def set_examples(self, examples: Sequence[Example]) -> None:
        """Show other failures."""
        self.beginResetModel()
        self.examples, self._cells = examples, [cells(example) for example in examples]
        self._tiles = [tile_of(example) for example in examples]
        with_cell = bool(examples) and examples[0].value is not None
        self._columns = len(COLUMNS) if with_cell else len(COLUMNS) - 1
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Failures."""
        return 0 if parent.isValid() else len(self.examples)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Columns."""
        return 0 if parent.isValid() else self._columns

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        """Words, the failure itself, and what a screen reader says."""
        if not index.isValid():
            return None
        if role == Qt.DisplayRole:
            return self._cells[index.row()][index.column()]
        if role == TILE_ROLE:
            return self._tiles[index.row()]
        if role in (Qt.ToolTipRole, Qt.AccessibleTextRole):
            return example_sentence(self.examples[index.row()])
        if role == Qt.TextAlignmentRole and index.column() in NUMBERS:
            return int(Qt.AlignRight | Qt.AlignVCenter)
        return None

    def headerData(self, section: int, orientation: int, role: int = Qt.DisplayRole) -> Any:
        """Names of the columns."""
        if orientation != Qt.Horizontal or not 0 <= section < self._columns:
            return None
        if role == Qt.DisplayRole:
            return COLUMNS[section]
        if role == Qt.TextAlignmentRole:
            side = Qt.AlignRight if section in NUMBERS else Qt.AlignLeft
            return int(side | Qt.AlignVCenter)
        return None


def tile_of(example: Example) -> Tile:
    """Query, first false and first true match beside each other."""
    pictures = (
        (example.query, RankingResult.NOT_KNOWN),
        (example.false, RankingResult.FALSE),
        (example.true, RankingResult.TRUE),
    )
    return Tile(pictures, example_line(example), example_sentence(example), example.place)
