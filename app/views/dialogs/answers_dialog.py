"""What two queries find first, or one query in two rankings, one strip above the other."""

from __future__ import annotations

from PyQt5.QtCore import QModelIndex, QSignalBlocker, Qt, pyqtSignal
from PyQt5.QtWidgets import QDialog, QLayout, QWidget

from app.items.answer_tiles import FIRST, WIDEST, answer_tiles, first_candidates, query_tile
from app.items.picture_tiles import TILE_ROLE, Tile, TileDelegate, TileModel
from app.jobs.images import ImageLoader
from app.state.words import METHOD_NAMES, who_label
from app.views.widgets.labels import heading, plain_label
from app.views.widgets.layouts import in_column, in_row, size_on_screen
from app.views.widgets.picture_tiles import PictureTiles
from qaconv_core.galleries.values import OpenSet
from qaconv_core.readable import counted
from qaconv_core.types import RankingResult

HINT = "A line below a picture marks candidates of both. A click opens a match."
NUMBERS = "The numbers are QAConv scores; the order is that of the method."
STRIP = 208
"""Pixels of height of a strip."""


def common_words(first: RankingResult, second: RankingResult, queries: bool = True) -> str:
    """ "7 of the first 20 candidates are common to both queries, ranked by QAConv"; or to both
    rankings of one query, of which each has its own title. What the numbers are, where they are
    not what ranks."""
    one, two = first_candidates(first), first_candidates(second)
    common = len(one.keys() & two.keys())
    listed = min(FIRST, max(len(one), len(two)))
    are = "is" if common == 1 else "are"
    both = f"{common} of the first {counted(listed, 'candidate')} {are} common to both"
    both += f" queries, ranked by {METHOD_NAMES[first.method]}." if queries else "."
    plain = first.method == second.method == "qaconv"
    return both if plain else f"{both} {NUMBERS}"


class AnswersDialog(QDialog):
    """``opened`` carries the place of a match. What is chosen in one strip is chosen in the other
    one, where it is there. ``titles`` name two rankings of one query."""

    opened = pyqtSignal(object)

    def __init__(
        self,
        data: OpenSet,
        rankings: tuple[RankingResult, RankingResult],
        thumbnails: ImageLoader,
        parent: QWidget | None = None,
        titles: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Answers of two queries" if titles is None else "Both rankings")
        self.data, self._thumbnails = data, thumbnails
        self.strips: list[PictureTiles] = []
        rows: list[QWidget | QLayout] = []
        of = "query" if titles is None else "ranking"
        for place, (ranking, other) in enumerate((rankings, rankings[::-1])):
            query = ranking.queries[0]
            ref = data.query[query]
            name = who_label(ref) or ref.path.name
            head = self._strip([query_tile(data, query)], f"Query {name}")
            head.setFocusPolicy(Qt.NoFocus)
            head.setFixedWidth(head.grid().width + 2 * head.frameWidth())
            tiles = answer_tiles(data, ranking, first_candidates(other), of)
            title = "" if titles is None else titles[place]
            strip = self._strip(tiles, f"First candidates of query {name} {title}".rstrip())
            strip.open_pair.connect(self.opened)
            strip.selectionModel().currentChanged.connect(self._choose_in_other)
            self.strips.append(strip)
            rows += [heading(title)] if title else []
            rows.append(in_row(head, strip, grows=strip))
        self.words = plain_label(common_words(*rankings, titles is None))
        in_column(self.words, *rows, plain_label(HINT), into=self, margins=16)
        size_on_screen(self, 960, 560)
        self.strips[0].setFocus()

    def _strip(self, tiles: list[Tile], name: str) -> PictureTiles:
        model = TileModel(self)
        model.show_rows(tiles)
        strip = PictureTiles(model, TileDelegate(self._thumbnails, 1, WIDEST, self), self)
        strip.setAccessibleName(name)
        strip.setMinimumHeight(STRIP)
        strip.measure_tiles()
        return strip

    def _choose_in_other(self, index: QModelIndex, _before: QModelIndex) -> None:
        """The same candidate in the other strip, or nothing."""
        here = self.strips[0].model() is index.model()
        other = self.strips[int(here)]
        wanted = index.data(TILE_ROLE).place.candidate
        places = [other.model().index(row, 0) for row in range(other.model().rowCount())]
        found = (place for place in places if place.data(TILE_ROLE).place.candidate == wanted)
        with QSignalBlocker(other.selectionModel()):
            other.setCurrentIndex(next(found, QModelIndex()))
        other.viewport().update()
