"""Checks of correspondences: what the strongest ones connect, and whether they follow a shift.

A model can rank well by matching pavement with pavement. Three checks of the strongest
correspondences of a pair (query → gallery) show whether it matches people:

- *part agreement*: do both ends lie on the same body part or garment (by label maps)?
- *background* and *border*: does either end lie off the person, or on the picture's edge?
- *shift following*: when the gallery picture's content is moved by k cells, do the matches move by
  k? 1 is right; 0 means that the network matches places of the frame.

They are made on true pairs and, as a control, on pairs of different people. *Border* and *shift
following* need no label maps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from qaconv_core.data.label_maps import Labels, cell_labels
from qaconv_core.errors import InputError
from qaconv_core.model import Model
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.types import CorrespondenceMap, Grid, ImageRef, Int64

STRONG = 12
"""Correspondences of a pair that are looked at: as many as a match figure draws."""

SHIFTS = (1, 2, 3)
"""Cells by which the gallery picture is moved."""

LabelReader = Callable[[ImageRef], Labels]


@dataclass(frozen=True)
class PartNames:
    """Which numbers of a label map are parts of the person; ``background`` is none of them."""

    person: frozenset[int]
    background: int = 0


@dataclass(frozen=True)
class ExplanationQuality:
    """Shares in [0, 1] over the strong correspondences of all pairs; None where not measured.

    ``shift_following`` maps k to the mean movement of matches in units of k, along the axis in
    which the picture was moved, over matches whose right answer stays in the picture.
    """

    pairs: int
    correspondences: int
    part_agreement: float | None
    background: float | None
    off_person: float | None
    border: float
    shift_following: dict[int, float]
    mean_logit: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; shifts as text keys."""
        plain = asdict(self)
        plain["shift_following"] = {str(k): v for k, v in self.shift_following.items()}
        return plain


def strong_cells(
    match: CorrespondenceMap, top: int, average: npt.NDArray[np.floating] | None = None
) -> Int64:
    """The query cells whose matches count most, strongest first, at most ``top``.

    By contribution; with ``average`` (h·w), the mean contributions of the query's cells over a
    gallery, by contribution above average.
    """
    strength = match.query_contribution.ravel().astype(np.float64)
    if average is not None:
        strength = strength - average.ravel()
    return np.argsort(-strength, kind="stable")[:top].astype(np.int64)


def same_part(first: Labels, second: Labels, parts: PartNames) -> npt.NDArray[np.bool_]:
    """(n,) whether the ``first`` and the ``second`` labels are one part of the person."""
    return np.isin(first, list(parts.person)) & (first == second)


def is_border(cells: Int64, grid: Grid) -> npt.NDArray[np.bool_]:
    """Whether each cell touches the edge of the picture."""
    rows, columns = np.divmod(cells, grid[1])
    return (rows == 0) | (rows == grid[0] - 1) | (columns == 0) | (columns == grid[1] - 1)


def shifted(image: Image.Image, cells: tuple[int, int], grid: Grid) -> Image.Image:
    """``image`` with its content moved down and right by ``cells`` (rows, columns) of ``grid``.

    The space that opens repeats the edge, so that no new content appears.
    """
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    down = round(cells[0] * height / grid[0])
    right = round(cells[1] * width / grid[1])
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return Image.fromarray(np.ascontiguousarray(pixels[rows][:, columns]))


def following(
    before: Int64, after: Int64, moved: tuple[int, int], grid: Grid
) -> npt.NDArray[np.float64]:
    """How far each match moved along ``moved`` (rows, columns), in units of that movement.

    ``before`` and ``after`` are gallery cells. Matches without one right answer are left out: those
    that would leave the picture, and those on the edge that :func:`shifted` repeats.
    """
    rows, columns = np.divmod(before, grid[1])
    new_rows, new_columns = np.divmod(after, grid[1])
    inside = (rows + moved[0] < grid[0]) & (columns + moved[1] < grid[1])
    # The edge that is repeated stays where it was besides moving on: two right answers.
    inside &= (rows > 0) | (moved[0] == 0)
    inside &= (columns > 0) | (moved[1] == 0)
    steps = (new_rows - rows) * moved[0] + (new_columns - columns) * moved[1]
    return np.asarray(steps[inside] / (moved[0] ** 2 + moved[1] ** 2), dtype=np.float64)


class _Tally:
    """Counts what the strong correspondences of pairs connect."""

    def __init__(self, grid: Grid, parts: PartNames | None) -> None:
        self.grid, self.parts = grid, parts
        self.pairs = self.total = self.same = self.background = self.off = self.border = 0
        self.moves: dict[int, list[npt.NDArray[np.float64]]] = {}
        self.logit = 0.0

    def add(
        self, match: CorrespondenceMap, cells: Int64, labels: tuple[Labels, Labels] | None
    ) -> None:
        other = match.query_best.ravel()[cells]
        self.pairs += 1
        self.total += len(cells)
        self.logit += match.logit
        self.border += int((is_border(cells, self.grid) | is_border(other, self.grid)).sum())
        if labels is None or self.parts is None:
            return
        first, second = labels[0].ravel()[cells], labels[1].ravel()[other]
        person = np.isin(first, list(self.parts.person)) & np.isin(second, list(self.parts.person))
        self.same += int(same_part(first, second, self.parts).sum())
        self.off += int((~person).sum())
        ground = self.parts.background
        self.background += int(((first == ground) | (second == ground)).sum())

    def result(self) -> ExplanationQuality:
        n = max(self.total, 1)
        known = self.parts is not None
        return ExplanationQuality(
            pairs=self.pairs,
            correspondences=self.total,
            part_agreement=self.same / n if known else None,
            background=self.background / n if known else None,
            off_person=self.off / n if known else None,
            border=self.border / n,
            shift_following={
                k: float(np.mean(np.concatenate(moves)))
                for k, moves in sorted(self.moves.items())
                if sum(map(len, moves))
            },
            mean_logit=self.logit / max(self.pairs, 1),
        )


def explanation_qualities(
    model: Model,
    pairs: Sequence[tuple[ImageRef, ImageRef]],
    averages: Sequence[Callable[[int], npt.NDArray[np.floating]] | None],
    *,
    read: Callable[[ImageRef], Image.Image],
    labels: LabelReader | None = None,
    parts: PartNames | None = None,
    top: int = STRONG,
    shifts: Sequence[int] = SHIFTS,
    context: WorkContext = NO_CONTEXT,
    stage: str = "explanations",
) -> list[ExplanationQuality]:
    """Measure strong correspondences of ``pairs`` (query, gallery), for several choices of them.

    Returns one result for each of ``averages``; the network sees every picture once. A choice is
    None (strong by contribution), or a function from a pair's number to the mean contributions of
    its query's cells (strong by contribution above average, :func:`strong_cells`). ``labels`` and
    ``parts`` give label maps and their meaning; without them only what needs none is measured. The
    gallery picture is moved down and right by each of ``shifts`` cells.
    """
    if (labels is None) != (parts is None):
        raise InputError("label maps and their meaning belong together: give both or neither")
    grid = model.spec.grid
    tallies = [_Tally(grid, parts) for _ in averages]
    tracker = context.tracker(stage, len(pairs), "pairs")
    for number, (query, gallery) in enumerate(pairs):
        picture = read(gallery)
        moves = [move for k in shifts for move in ((k, 0), (0, k)) if _fits(move, grid)]
        pictures = [read(query), picture, *(shifted(picture, move, grid) for move in moves)]
        maps = model.extract(pictures)
        match = model.match(maps[0], maps[1])
        moved = [model.match(maps[0], found).query_best.ravel() for found in maps[2:]]
        both = None
        if labels is not None:
            both = (cell_labels(labels(query), grid), cell_labels(labels(gallery), grid))
        for tally, average in zip(tallies, averages, strict=True):
            cells = strong_cells(match, top, None if average is None else average(number))
            tally.add(match, cells, both)
            before = match.query_best.ravel()[cells]
            for move, after in zip(moves, moved, strict=True):
                steps = following(before, after[cells], move, grid)
                tally.moves.setdefault(max(move), []).append(steps)
        tracker.advance()
    return [tally.result() for tally in tallies]


def _fits(move: tuple[int, int], grid: Grid) -> bool:
    return move[0] < grid[0] and move[1] < grid[1]
