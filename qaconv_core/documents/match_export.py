"""Figures of many pairs in folders, as the published visualiser makes them.

Of every query picture all true matches from other cameras, and the false one from another camera
with the largest logit, are drawn where enough cells contribute enough. ``positives/`` and
``negatives/`` hold the figures, whose names begin with the number of lines and the score;
an index names every pair, also those with too few lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qaconv_core.data import read_image
from qaconv_core.errors import InputError
from qaconv_core.figures.match import match_figure
from qaconv_core.figures.style import save_figure
from qaconv_core.galleries.truth import GroundTruth
from qaconv_core.matching.strongest import select_correspondences
from qaconv_core.model import Model
from qaconv_core.progress import WorkContext
from qaconv_core.readable import csv_text, encoded, json_text, shown
from qaconv_core.store.atomic import atomic_write_bytes
from qaconv_core.store.keys import fingerprint, written_since
from qaconv_core.types import (
    Bool,
    CorrespondenceMap,
    FeatureBank,
    Float32,
    ImageRef,
    ImageSet,
    RankingResult,
)

POSITIVES, NEGATIVES = "positives", "negatives"
_QUERIES_AT_ONCE = 64
_LONGEST = 80
_ENDS = {".png": b"IEND\xaeB`\x82", ".pdf": b"%%EOF\n", ".svg": b"</svg>\n"}


@dataclass(frozen=True)
class Drawing:
    """Which lines are drawn, and which pairs.

    Lines are matches of at least ``contribution`` to the logit and ``threshold`` of similarity
    (None: any), followed from the cells of ``direction``; pairs with fewer than ``lines`` of them
    are not drawn. At most ``top`` are drawn (None: all). ``suffix`` is that of the figures.
    """

    contribution: float
    lines: int = 5
    threshold: float | None = None
    top: int | None = None
    direction: str = "query"
    suffix: str = ".png"

    def select(self, match: CorrespondenceMap) -> int:
        """How many matches of a pair are lines."""
        found, _ = select_correspondences(
            match, self.threshold, None, self.direction, contribution=self.contribution
        )
        return len(found)


@dataclass(frozen=True)
class Source:
    """The data set that pairs are of; ``among`` is the side that its queries are matched with,
    "query" or "gallery"."""

    name: str
    root: Path
    among: str

    def record(self, queries: ImageSet, others: ImageSet) -> dict[str, Any]:
        """What tells these pictures from those of another set, as plain values."""
        return {
            "dataset": self.name,
            "root": str(self.root.resolve()),
            "among": self.among,
            **{
                side: {"pictures": len(refs), "fingerprint": fingerprint(refs, self.root)}
                for side, refs in (("queries", queries), ("matched_with", others))
            },
        }


@dataclass(frozen=True)
class Pictures:
    """Pictures that could be read, and their maps."""

    refs: ImageSet
    bank: FeatureBank


@dataclass(frozen=True)
class Exported:
    """One pair: ``file`` is its figure below the folder, "" where it has too few lines."""

    kind: str
    query: str
    picture: str
    logit: float
    score: float
    lines: int
    file: str


def usual_contribution(model: Model) -> float:
    """Half of what a query cell of average weight contributes where it matches perfectly."""
    return float(np.abs(model.head.query_weights).mean() / 2)


def export_matches(
    model: Model,
    queries: Pictures,
    others: Pictures,
    source: Source,
    folder: Path,
    drawing: Drawing,
    index: str,
    context: WorkContext,
) -> list[Exported]:
    """Draw the pairs of ``queries`` with ``others`` into ``folder``; what became of each.

    Figures that are there and whole are not drawn again, so that an interrupted export goes on.
    The index (``index.csv`` or ``index.json``, by ``index``) is written at the end, and as far as
    the work got where ``context`` cancels. Raises :class:`InputError` where the folder holds
    anything else, figures of other pictures, or figures drawn otherwise.
    """
    pictures = source.record(queries.refs, others.refs)
    settings = {"checkpoint": model.spec.sha256, **pictures, **asdict(drawing)}
    _open_folder(folder, settings, (*queries.refs, *others.refs))
    done: list[Exported] = []
    used: set[str] = set()
    sides = _Sides(queries.refs, others.refs)
    tracker = context.tracker("pairs", sides.count(), "pairs")
    try:
        for query, row in _rows(model, queries, others):
            for kind, picture in sides.pairs(query, row):
                match = model.match(queries.bank[query], others.bank[picture])
                pair = queries.refs[query], others.refs[picture]
                done.append(_export(match, pair, kind, folder, drawing, used))
                tracker.advance(1)
    finally:  # also as far as a cancelled export got
        _write_index(folder / f"index.{index}", settings, done)
    return done


def _rows(model: Model, queries: Pictures, others: Pictures) -> Iterator[tuple[int, Float32]]:
    """(query, its logits (g,)) for every query."""
    for start in range(0, len(queries.refs), _QUERIES_AT_ONCE):
        some = np.arange(start, min(start + _QUERIES_AT_ONCE, len(queries.refs)))
        logits = model.score(queries.bank.select(some), others.bank)
        yield from zip(some.tolist(), logits, strict=True)


class _Sides:
    """True and false matches of every query among the others, from other cameras."""

    def __init__(self, queries: ImageSet, others: ImageSet) -> None:
        self.queries, self._cameras = queries, others.camids
        self._truth = GroundTruth(others, junk_rule=True)

    def count(self) -> int:
        """All pairs."""
        return sum(
            int(true.sum()) + bool(false.any()) for true, false in map(self._of, self.queries)
        )

    def pairs(self, query: int, row: Float32) -> Iterator[tuple[str, int]]:
        """True matches in order, then the false one with the largest logit."""
        true, false = self._of(self.queries[query])
        for picture in np.flatnonzero(true).tolist():
            yield POSITIVES, picture
        if false.any():
            yield NEGATIVES, int(np.where(false, row, -np.inf).argmax())

    def _of(self, ref: ImageRef) -> tuple[Bool, Bool]:
        truth = self._truth.of([ref])
        here = (self._cameras == ref.camid) if ref.camid is not None else np.zeros_like(truth, bool)
        return truth == RankingResult.TRUE, (truth == RankingResult.FALSE) & ~here


def _export(
    match: CorrespondenceMap,
    pair: tuple[ImageRef, ImageRef],
    kind: str,
    folder: Path,
    drawing: Drawing,
    used: set[str],
) -> Exported:
    lines, file = drawing.select(match), ""
    if lines >= drawing.lines:
        file = f"{kind}/{_name(pair, lines, match.score, used)}{drawing.suffix}"
        if not _is_whole(folder / file):
            figure = match_figure(
                read_image(pair[0].path),
                read_image(pair[1].path),
                match,
                threshold=drawing.threshold,
                contribution=drawing.contribution,
                top=drawing.top,
                direction=drawing.direction,
                heat=False,
                labels=[shown(ref.path.name) for ref in pair],
            )
            save_figure(figure, folder / file)
    query, picture = (str(ref.path) for ref in pair)
    return Exported(kind, query, picture, float(match.logit), float(match.score), lines, file)


def _name(pair: tuple[ImageRef, ImageRef], lines: int, score: float, used: set[str]) -> str:
    """``lines_score_query-other``, as published; one more number where that is taken."""
    stems = "-".join(re.sub(r"[^\w.]+", "_", shown(ref.path.stem)) for ref in pair)
    name = first = f"{lines}_{score:.4f}_{stems[:_LONGEST]}"
    number = 1
    while name in used:
        number += 1
        name = f"{first}-{number}"
    used.add(name)
    return name


def _is_whole(path: Path) -> bool:
    end = _ENDS[path.suffix]
    try:
        return path.read_bytes().endswith(end)
    except OSError:
        return False


def _open_folder(folder: Path, settings: dict[str, Any], refs: Sequence[ImageRef]) -> None:
    """Make the folder, or see that what it holds was drawn in the same way."""
    note = folder / "settings.json"
    try:
        for kind in (POSITIVES, NEGATIVES):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        strangers = {path.name for path in folder.iterdir()} - {POSITIVES, NEGATIVES, note.name}
        known = note.read_text(encoding="utf-8") if note.is_file() else ""
        drawn = note.stat().st_mtime_ns if known else 0
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{shown(folder)}: cannot be used ({error})") from None
    text = json.dumps(settings, indent=2) + "\n"
    if known and known != text:
        late = written_since(refs, drawn)
        raise InputError(
            f"{shown(folder)}: holds pairs of other pictures or of another model, or drawn "
            f"otherwise (settings.json{'; ' if late else ''}{late}); name another folder by --out"
        )
    if not known and strangers:
        raise InputError(f"{shown(folder)}: is not empty; name a new folder by --out")
    atomic_write_bytes(note, encoded(text))


def _write_index(path: Path, settings: dict[str, Any], done: Sequence[Exported]) -> None:
    rows = [asdict(exported) for exported in done]
    if path.suffix == ".json":
        atomic_write_bytes(path, encoded(json_text({"settings": settings, "pairs": rows})))
        return
    fields = list(Exported.__dataclass_fields__)
    text = csv_text(fields, ([row[name] for name in fields] for row in rows))
    atomic_write_bytes(path, encoded(text))
