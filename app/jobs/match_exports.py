"""The current match as files and for the clipboard: figure, numbers, list of correspondences.

All of it runs in worker threads; matplotlib is loaded by the first figure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtGui import QImage, QPainter

from app.jobs.sheet import LATEX, Sheet
from app.state.export_choices import CSV, FIGURES, JSON, Format
from app.state.overlay import all_correspondences, beyond_usual, kind_of, lines_of
from app.state.score_breakdown import zone_terms
from app.state.values import Look
from app.state.words import logit_text, score_text
from app.state.workspace import Workspace
from app.state.zones import PairZones
from qaconv_core.explaining.zones import zones_of_picture
from qaconv_core.galleries.values import OpenSet, PairView
from qaconv_core.naming import camera_called, camera_label
from qaconv_core.readable import csv_text
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.types import ImageRef

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS: tuple[Format, ...] = (*FIGURES, JSON, CSV)
MATCH_FORMATS: tuple[Format, ...] = (*FORMATS, LATEX)
COLUMNS = (
    "query_row", "query_column", "gallery_row", "gallery_column",
    "similarity", "contribution", "beyond_usual", "drawn",
)  # fmt: skip


@dataclass(frozen=True)
class MatchExport:
    """A match as it is shown: the pair, its pictures, the look of the lines, its rank.

    ``rank`` counts from 1; 0 for junk, None where the ranking is not that of the query.
    """

    query: ImageRef
    candidate: ImageRef
    pair: PairView
    look: Look
    rank: int | None
    dataset: str
    checkpoint: str
    others: tuple[MatchExport, ...] = ()
    """The pairs that it is compared with."""

    @property
    def stem(self) -> str:
        """A file name that says what it is: ``match_0002_c1_vs_0002_c3_rank4``."""
        place = "" if self.rank is None else f"_rank{self.rank}" if self.rank else "_junk"
        return f"match_{short_name(self.query)}_vs_{short_name(self.candidate)}{place}"

    def figure(self) -> Figure:
        """Lines as they are shown, and the heat maps."""
        from qaconv_core.data.images import read_image
        from qaconv_core.figures.match import match_figure

        look = self.look
        return match_figure(
            read_image(self.query.path),
            read_image(self.candidate.path),
            self.pair.match,
            threshold=look.threshold,
            top=look.count,
            direction=look.direction,
            colour_by=kind_of(look.colour_by, self.pair.relative),
            relative=self.pair.relative,
            labels=(self._query_label, self.candidate.path.name),
            among=self.pair.part,
        )

    @property
    def _query_label(self) -> str:
        part, name = self.pair.part, self.query.path.name
        return name if part is None else f"{name}, {part.sum()} of {part.size} cells"

    def numbers(self) -> dict[str, Any]:
        """What the pair is, then every field of its explanation."""
        return {
            "query": _described(self.query),
            "candidate": _described(self.candidate),
            "dataset": self.dataset,
            "checkpoint": self.checkpoint,
            "rank": self.rank or None,
            **self._part(),
            **self.pair.match.to_dict(),
            **self._compared(),
        }

    def _compared(self) -> dict[str, Any]:
        """Contributions above average, or the parts of the normalised score."""
        found = self.pair.relative
        name = "relative" if self.pair.normalised is None else "normalised"
        return {name: None if found is None else found.to_dict()}

    def _part(self) -> dict[str, Any]:
        """The cells searched by (their numbers, row by row), and the plain logit."""
        if self.pair.part is None:
            return {}
        cells = self.pair.part.ravel().nonzero()[0].tolist()
        return {"part": cells, "whole_query_logit": self.pair.full_logit}

    def json_text(self) -> str:
        """:meth:`numbers` as text, those of a compared pair inside, or a list of several."""
        numbers = self.numbers()
        compared = [other.numbers() for other in self.others]
        if compared:
            numbers["compared"] = compared[0] if len(compared) == 1 else compared
        return json.dumps(numbers, indent=1) + "\n"

    def csv_text(self) -> str:
        """Every correspondence of the shown direction; rows and columns count from 1."""
        match = self.pair.match
        columns = match.grid[1]
        drawn = {(x.query_cell, x.gallery_cell) for x in lines_of(self.pair, self.look).drawn}
        listed = all_correspondences(self.pair, self.look.direction)
        beyond = beyond_usual(listed, self.look.direction, self.pair.relative)
        rows = []
        for line, more in zip(listed, beyond, strict=True):
            places = (*divmod(line.query_cell, columns), *divmod(line.gallery_cell, columns))
            shown = (line.query_cell, line.gallery_cell) in drawn
            rows.append(
                [
                    *(place + 1 for place in places),
                    line.similarity,
                    line.contribution,
                    None if self.pair.relative is None else more,
                    int(shown),
                ]
            )
        return csv_text(COLUMNS, rows)

    def breakdown(self) -> Sheet:
        """The figure with the score breakdown by zones: what they sum to, and the score."""
        pair, known = self.pair, self.pair.relative
        grid = pair.match.grid
        zones = PairZones(*(zones_of_picture(ref, grid) for ref in (self.query, self.candidate)))
        rows = [(zone, logit_text(value)) for zone, value in zone_terms(pair, zones, "relative")]
        logit = ("logit", logit_text(pair.match.logit))
        if pair.normalised is not None:
            what = "part of the deviations above strangers"
            rows += [("above strangers", logit_text(pair.normalised.total)), logit]
        elif known is None:
            what = "contribution"
            rows += [("bias", logit_text(pair.match.bias)), logit]
        else:
            what = "contribution above average"
            rows += [("average logit", logit_text(known.base)), logit]
        rows.append(("score", score_text(pair.match.score)))
        caption = (
            f"Query {self._query_label} and candidate {self.candidate.path.name} ({self.dataset}): "
            f"the {what} of each zone of both pictures, and what they sum to. "
            f"Model: {self.checkpoint}."
        )
        return Sheet(self.stem, caption, ("zone", what), tuple(rows), self.figure)

    def write(self, path: Path, width: float | None) -> None:
        """Write a file by the suffix of ``path``; ``width`` in pixels or mm where it has one.

        Compared pairs get files of their own beside it, ``…_compared``, ``…_compared_2``, where one
        holds one pair.
        """
        suffix = path.suffix.lower()
        for number, other in enumerate(self.others, start=1):
            if suffix != JSON.suffix:
                name = f"{path.stem}_compared{f'_{number}' if number > 1 else ''}"
                other.write(path.with_name(f"{name}{path.suffix}"), width)
        if suffix == JSON.suffix:
            atomic_write_text(path, self.json_text())
        elif suffix == CSV.suffix:
            atomic_write_text(path, self.csv_text())
        elif suffix == LATEX.suffix:
            self.breakdown().write(path, width)
        else:
            from qaconv_core.figures.sizes import save_at_width

            save_at_width(self.figure(), path, width or 2000)

    def image(self, width: int) -> QImage:
        """The figure as a picture so many pixels wide, for the clipboard; those of compared pairs
        stand below it."""
        from qaconv_core.figures.sizes import figure_bytes

        files = (figure_bytes(one.figure(), ".png", width) for one in (self, *self.others))
        images = [QImage.fromData(file, "PNG") for file in files]
        whole = QImage(width, sum(image.height() for image in images), QImage.Format_RGB32)
        painter = QPainter(whole)
        top = 0
        for image in images:
            painter.drawImage(0, top, image)
            top += image.height()
        painter.end()
        return whole


def match_export(space: Workspace) -> MatchExport | None:
    """The match that is shown now; None where there is none."""
    if space.pair is None or space.data is None:
        return None
    pairs = (space.pair, *(space.others if space.look.mode == "compare" else ()))
    first, *others = (_export_of(space, space.data, pair) for pair in pairs)
    return replace(first, others=tuple(others))


def _export_of(space: Workspace, data: OpenSet, pair: PairView) -> MatchExport:
    ranking = space.ranking
    ranked = ranking is not None and pair.query in ranking.queries and ranking.whole
    return MatchExport(
        data.query[pair.query],
        data.gallery[pair.candidate],
        pair,
        space.look,
        ranking.rank_of(pair.candidate) if ranked and ranking is not None else None,
        data.name,
        "" if space.model is None else space.model.source,
    )


def short_name(ref: ImageRef) -> str:
    """A picture in a file name: person and camera; its own name where the person is not known."""
    if ref.pid is None:
        return re.sub(r"[^\w.-]+", "_", ref.path.stem)[:60]
    person = ref.person or f"{ref.pid:04}"
    names = filter(None, (person, camera_label(ref.camid, ref.camera)))
    return re.sub(r"[^\w.-]+", "_", "_".join(names))[:60]


def _described(ref: ImageRef) -> dict[str, Any]:
    called = camera_called(ref.camid, ref.camera)
    camera = int(called) if called.isdecimal() else called or None
    return {"file": ref.path.name, "pid": ref.pid, "camera": camera, "time": ref.time}
