"""The current ranking as files: a strip of pictures, or the numbers of all that is listed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.jobs.match_exports import FORMATS, short_name
from app.state.export_choices import CSV, JSON
from app.state.listing import listed_places
from app.state.workspace import Workspace
from qaconv_core.data.names import person_name
from qaconv_core.evaluation.labelled_line import LabelledLine
from qaconv_core.evaluation.ranked_lists import (
    LABELLED,
    SCORE_WORDS,
    cells_text,
    ranked_item,
    ranking_csv,
    ranking_record,
)
from qaconv_core.galleries.values import OpenSet
from qaconv_core.ranking.strangers import Strangers
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.types import ImageRef, Int64, RankingResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qaconv_core.figures.ranking import RankedPicture

__all__ = ["FORMATS", "RankingExport", "ranking_export"]

DRAWN = 20
"""Pictures in a strip: two rows of ten."""


@dataclass(frozen=True)
class RankingExport:
    """A ranking as it is listed: ``places`` are those that the filters leave, best first."""

    data: OpenSet
    ranking: RankingResult
    places: Int64
    checkpoint: str
    model: str
    strangers: Strangers | None = None
    labelled: LabelledLine | None = None

    @property
    def stem(self) -> str:
        """A file name that says what it is: ``ranking_0002_c1_qaconv_of_763``."""
        method = self.ranking.method.replace("+", "-")
        query = short_name(self.data.query[self.ranking.queries[0]])
        more = f"_and_{len(self.ranking.queries) - 1}_more" * (len(self.ranking.queries) > 1)
        part = "" if self.ranking.part is None else "_by_part"
        return f"ranking_{query}{more}_{method}{part}_of_{len(self.places)}"

    def record(self) -> dict[str, Any]:
        """The ranking as plain values, as ``qaconv rank --json`` has them."""
        queries = [self.data.query[q] for q in self.ranking.queries]
        return {
            **ranking_record(queries, len(self.ranking.order)),
            "method": self.ranking.method,
            "approximation": self.ranking.approximation,
            **self._part(),
            **self._line(),
            "results": [self._item(int(place)) for place in self.places],
        }

    def _part(self) -> dict[str, Any]:
        """The query cells searched by (their numbers, row by row), and what share they hold."""
        part = self.ranking.part
        if part is None:
            return {}
        cells = part.ravel().nonzero()[0].tolist()
        return {"part": cells, "part_cells": cells_text(part), "evidence": self.ranking.evidence}

    def _line(self) -> dict[str, Any]:
        """The lines, and what tracks are ranked by, where there are any."""
        found: dict[str, Any] = {}
        if self.strangers is not None:
            found["normalised"] = self.strangers.line_record(self.ranking)
        if self.labelled is not None:
            found["labelled_line"] = self.labelled.record(self.ranking)
        if self.ranking.track_rule:
            found["tracks"] = self.ranking.track_rule
        return found

    def _item(self, place: int) -> dict[str, Any]:
        item = ranked_item(self.data.gallery, self.ranking, place)
        if self.labelled is not None:
            item[LABELLED] = self.labelled.above_at(self.ranking, place)
        known = self.strangers
        return item if known is None else {**item, **known.record(item["gallery_index"])}

    def json_text(self) -> str:
        """:meth:`record` with what it was computed by."""
        whole = {
            "dataset": self.data.name,
            "checkpoint": {"file": self.checkpoint, "model": self.model},
            "score": SCORE_WORDS,
            "camid": "0-based",
            "queries": [self.record()],
        }
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"

    def figure(self) -> Figure:
        """The query and the first of what is listed."""
        from qaconv_core.data.images import read_image
        from qaconv_core.figures.ranking import ranking_figure

        query = self.data.query[self.ranking.queries[0]]
        items = [
            ranked_picture(self._item(int(place)), int(self.ranking.truth[place]))
            for place in self.places[:DRAWN]
        ]
        return ranking_figure(
            read_image(query.path), query.path.name, items, note=self.ranking.approximation
        )

    def write(self, path: Path, width: float | None) -> None:
        """Write a file by the suffix of ``path``; ``width`` in pixels or mm where it has one."""
        suffix = path.suffix.lower()
        if suffix == JSON.suffix:
            atomic_write_text(path, self.json_text())
        elif suffix == CSV.suffix:
            atomic_write_text(path, ranking_csv([self.record()], self.data.name, self.model))
        else:
            from qaconv_core.figures.sizes import save_at_width

            save_at_width(self.figure(), path, width or 2000)


def ranked_picture(item: dict[str, Any], truth: int) -> RankedPicture:
    """A ranked item with its picture, to be drawn."""
    from qaconv_core.data.images import read_image
    from qaconv_core.figures.ranking import RankedPicture

    ref = ImageRef(Path(item["path"]), pid=item["pid"], person=item.get("person", ""))
    known = item["rank"], item["score"], item["pid"], item["camid"], truth
    return RankedPicture(
        read_image(ref.path), *known, person=person_name(ref), camera=item.get("camera", "")
    )


def ranking_export(space: Workspace) -> RankingExport | None:
    """The ranking that is shown now; None where there is none, or where nothing is listed."""
    data, ranking = space.data, space.ranking
    if data is None or ranking is None:
        return None
    places = listed_places(data, ranking, space.result_filter, space.decided)
    if not len(places):
        return None
    model = space.model
    return RankingExport(
        data,
        ranking,
        places,
        "" if model is None else model.source,
        "" if model is None else model.spec.in_full(),
        space.strangers,
        space.labelled_line,
    )
