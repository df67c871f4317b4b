"""The correspondences of a pair as a table that sorts itself."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from PyQt5.QtCore import QObject, QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPen, QPixmap

from app.items.colours import colour_of, line_colour
from app.items.row_models import TableModel
from app.state import words
from app.state.overlay import (
    all_correspondences,
    beyond_usual,
    lines_of,
    own_cell,
    scale_of,
)
from app.state.values import EACH, Cell, Look
from app.state.zones import SHORT, PairZones
from qaconv_core.explaining.values import RelativeMatch
from qaconv_core.explaining.zones import ZONES, zones_by_height
from qaconv_core.galleries.values import PairView
from qaconv_core.matching.strongest import Correspondence
from qaconv_core.types import Side

COLUMNS = ("Query", "Gallery", "Simi-\nlarity", "Contri-\nbution", "Above\naverage")
_TIPS = (words.CELL, words.CELL, words.SIMILARITY, words.ADDS, words.BEYOND)


@functools.lru_cache(maxsize=512)
def _swatch(rgb: int | None) -> QPixmap:
    pixmap = QPixmap(20, 20)
    pixmap.setDevicePixelRatio(2.0)
    pixmap.fill(Qt.transparent)
    if rgb is not None:
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(QPen(QColor(128, 128, 128), 0.5))  # dark dots are seen on dark, too
        painter.setBrush(QColor(rgb))
        painter.drawEllipse(QRectF(1, 1, 8, 8))
        painter.end()
    return pixmap


def swatch(colour: QColor | None) -> QPixmap:
    """A dot as at the ends of a line; nothing, but as wide, where no line is drawn."""
    return _swatch(None if colour is None else colour.rgb())


def _cell(row: Correspondence, column: int) -> int:
    return row.query_cell if column == 0 else row.gallery_cell


class CorrespondenceModel(TableModel):
    """Every correspondence of the chosen direction; those drawn as lines have their colour."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, range(2, len(COLUMNS)), parent)
        self._pair: PairView | None = None
        self._look = Look()
        self._zones: PairZones | None = None
        self._drawn: dict[tuple[int, int], QColor] = {}
        self._beyond: dict[Correspondence, float] = {}
        self._sorted_by, self._descending = 4, True

    def shows(self, pair: PairView | None) -> bool:
        """Whether the rows are those of this very pair."""
        return pair is self._pair

    def set_pair(self, pair: PairView | None, look: Look, zones: PairZones | None = None) -> bool:
        """Show another pair, or the same under another look; whether the rows are others now.

        ``zones`` name the cells (by height, unless given).
        """
        if pair is self._pair and look.direction == self._look.direction:
            self._look = look
            self._find_drawn()
            self.tell_changed(0, Qt.DecorationRole)
            return False
        self.beginResetModel()
        self._pair, self._look, self._zones = pair, look, zones
        if pair is not None and zones is None:
            self._zones = PairZones(*[zones_by_height(pair.match.grid)] * 2)
        self.rows = [] if pair is None else all_correspondences(pair, look.direction)
        beyond = beyond_usual(self.rows, look.direction, None if pair is None else pair.relative)
        self._beyond = dict(zip(self.rows, beyond, strict=True))
        self._find_drawn()
        self._order()
        self.endResetModel()
        return True

    def _find_drawn(self) -> None:
        if self._pair is None:
            self._drawn = {}
            return
        pair = self._pair
        lines = lines_of(pair, self._look)
        scale, each = (
            scale_of(lines.kind, pair.match, relatives=[pair.relative]),
            (self._look.colour_by == EACH),
        )
        self._drawn = {
            (line.query_cell, line.gallery_cell): (
                line_colour(place) if each else colour_of(float(value), scale)
            )
            for place, (line, value) in enumerate(zip(lines.drawn, lines.values(), strict=True))
        }

    def _order(self) -> None:
        """Ties stand in the order of their cells, whichever way is sorted."""
        if not self.rows:
            return
        keys = np.array([self._key(row) for row in self.rows], dtype=np.float64)
        cells = np.array([(row.query_cell, row.gallery_cell) for row in self.rows])
        places = np.lexsort((cells[:, 1], cells[:, 0], -keys if self._descending else keys))
        self.rows = [self.rows[i] for i in places]

    def _key(self, row: Correspondence) -> float:
        """What a row is sorted by; by contribution while the average is not known."""
        if self._sorted_by < 4:
            return float(row[self._sorted_by])
        known = self._pair is not None and self._pair.relative is not None
        return self._beyond[row] if known else row.contribution

    def sort(self, column: int, order: Qt.SortOrder = Qt.AscendingOrder) -> None:
        """By a column; what is selected stays selected."""
        if column < 0:
            return
        self.layoutAboutToBeChanged.emit()
        kept = self.persistentIndexList()
        before = [self.rows[index.row()] for index in kept]
        self._sorted_by, self._descending = column, order == Qt.DescendingOrder
        self._order()
        places = {row: i for i, row in enumerate(self.rows)}
        self.changePersistentIndexList(
            kept,
            [
                self.index(places[row], index.column())
                for row, index in zip(before, kept, strict=True)
            ],
        )
        self.layoutChanged.emit()

    # ── cells ───────────────────────────────────────────────────────────────────────────────────

    def cell_of(self, row: int) -> Cell:
        """The cell that a row starts from."""
        return own_cell(self.rows[row], self._look.direction)

    def row_of(self, cell: Cell | None) -> int | None:
        """The row of a cell: its own, else the best that is matched with it; None: no row."""
        if cell is None:
            return None
        column = 0 if cell.side == "query" else 1
        found = [i for i, row in enumerate(self.rows) if row[column] == cell.number]
        return max(found, key=lambda i: self.rows[i].similarity, default=None)

    def wide_rows(self, column: int) -> list[int]:
        """Rows among which is the one with the widest words of a column."""
        if not self.rows or self._pair is None:
            return []
        if column < 2:
            zones = [self._zone(row, column) for row in self.rows]
            return [zones.index(max(zones, key=lambda zone: len(SHORT[zone])))]
        values = np.array([self._beyond[r] if column == 4 else r[column] for r in self.rows])
        values = np.nan_to_num(values)  # unknown ones are a dash
        return [int(values.argmin()), int(values.argmax())]

    # ── what Qt asks for ────────────────────────────────────────────────────────────────────────

    def title_tip(self, column: int) -> str:
        """The sentence that explains a column."""
        return words.ABOVE_STRANGERS if self._normalised(column) else _TIPS[column]

    def headerData(self, section: int, orientation: int, role: int = Qt.DisplayRole) -> Any:
        """The last column is named by what it holds."""
        if role == Qt.DisplayRole and orientation == Qt.Horizontal:
            return self._title(section)
        return super().headerData(section, orientation, role)

    def shown(self, row: int, column: int, role: int) -> Any:
        """Texts, tooltips, spoken texts, and the colour of lines that are drawn."""
        line: Correspondence = self.rows[row]
        if role == Qt.DisplayRole:
            return self._text(line, column)
        if role == Qt.ToolTipRole:
            return self._tip(line, column)
        if role == Qt.AccessibleTextRole:
            return self._spoken(line)
        if role == Qt.DecorationRole and column == 0:
            return swatch(self._drawn.get((line.query_cell, line.gallery_cell)))
        return None

    def _normalised(self, column: int) -> bool:
        """Whether a column holds parts of a normalised score."""
        return column == 4 and self._pair is not None and self._pair.normalised is not None

    def _title(self, column: int) -> str:
        return "Part\nof N" if self._normalised(column) else COLUMNS[column]

    def _text(self, row: Correspondence, column: int) -> str:
        assert self._pair is not None
        if column < 2:
            return SHORT[self._zone(row, column)]
        if column == 2:
            return words.similarity_text(row.similarity)
        return words.adds_text(self._beyond[row] if column == 4 else row.contribution)

    def _tip(self, row: Correspondence, column: int) -> str:
        assert self._pair is not None
        if column < 2:
            sentence = words.cell_sentence(_cell(row, column), self._pair.match.grid)
            return f"{COLUMNS[column]}: {ZONES[self._zone(row, column)]}\nCell in {sentence}"
        if self._normalised(column):
            return words.ABOVE_STRANGERS
        if column == 4 and self._pair.relative is not None:
            return f"{self._standing(row)}\n{words.BEYOND}"
        return _TIPS[column]

    def _zone(self, row: Correspondence, column: int) -> int:
        assert self._zones is not None
        side: Side = "query" if column == 0 else "gallery"
        return self._zones.of(Cell(side, _cell(row, column)))

    def _standing(self, row: Correspondence) -> str:
        """The percentile of the cell that the row starts from."""
        assert self._pair is not None
        relative, cell = self._pair.relative, own_cell(row, self._look.direction)
        assert isinstance(relative, RelativeMatch)
        query = cell.side == "query"
        percentiles = relative.query_percentile if query else relative.gallery_percentile
        return words.percentile_text(float(percentiles.ravel()[cell.number]))

    def _spoken(self, row: Correspondence) -> str:
        query, gallery = (ZONES[self._zone(row, column)] for column in range(2))
        similarity, adds, beyond = (self._text(row, column) for column in range(2, 5))
        said = f"query {query} to gallery {gallery}, similarity {similarity}, contribution {adds}"
        known = self._pair is not None and self._pair.relative is not None
        title = "above strangers" if self._normalised(4) else "above average"
        return f"{said}, {title} {beyond}" if known else said
