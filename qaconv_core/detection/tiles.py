"""Where on a large picture the detector looks: the whole, and overlapping squares at two scales.

The detector sees 300×300 pixels. On a whole street scene it loses people below a tenth of the
height; on a square of half the height they are twice as large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qaconv_core.detection.boxes import Boxes, Indices, Scores, areas, shared_areas, shares_inside
from qaconv_core.errors import InputError

WHOLE = 0
"""The scale of the whole picture."""
SCALES = (WHOLE, 1, 2)
"""The scales that are used for a picture unless others are asked for."""
VIDEO_SCALES = (WHOLE, 2)
"""The same for a video, of which there are thousands of frames."""
OVERLAP = 0.25
"""Share of a tile's side that its neighbour sees too, at least."""
SMALLEST_SIDE = 150
"""Pixels; a smaller tile would be nothing but a blurred enlargement."""
_CLOSE = 0.02
"""Share of a tile's side within which a box counts as cut off by the tile's border."""
_PART = 0.7
_SURE = 0.7
"""Least score of a box that a tile's border cuts off: most of them are half a person."""
_FILLS = 0.9


@dataclass(frozen=True)
class Tile:
    """A part of a picture, pixels; ``scale`` as in :data:`SCALES`."""

    left: int
    top: int
    width: int
    height: int
    scale: int = WHOLE


def plan_tiles(width: int, height: int, scales: tuple[int, ...] = SCALES) -> list[Tile]:
    """The tiles of a picture at each scale, each once.

    Scale :data:`WHOLE` is the whole picture in one; scale n ≥ 1 are squares whose side is the
    picture's shorter side divided by n, no smaller than :data:`SMALLEST_SIDE`.
    """
    found: dict[tuple[int, int, int, int], Tile] = {}
    for scale in scales:
        if scale == WHOLE:
            tiles = [Tile(0, 0, width, height)]
        else:
            side = min(max(math.ceil(min(width, height) / scale), SMALLEST_SIDE), width, height)
            tiles = [
                Tile(left, top, side, side, scale)
                for top in _starts(height, side)
                for left in _starts(width, side)
            ]
        for tile in tiles:
            found.setdefault((tile.left, tile.top, tile.width, tile.height), tile)
    return list(found.values())


def read_scales(text: str) -> tuple[int, ...]:
    """``whole``, ``1``, ``2`` … joined by commas, e.g. ``whole,1,2``; raises InputError."""
    found = []
    for part in (piece.strip().lower() for piece in text.split(",")):
        if part == "whole":
            found.append(WHOLE)
        elif part.isdecimal() and 1 <= int(part) <= 8:
            found.append(int(part))
        else:
            raise InputError(
                f"tiles '{text}': give whole, or numbers from 1 to 8, joined by commas "
                "(whole,1,2: the whole picture, squares of its height, squares of half of it)"
            )
    return tuple(dict.fromkeys(found))


def cut_off(boxes: Boxes, tile: Tile, width: int, height: int) -> np.ndarray:
    """Which boxes (n, 4) on the picture reach a border of the tile that is none of the picture's.

    (n,) bool. Such a box may hold half a person, whom a neighbouring tile sees whole.
    """
    near = _CLOSE * np.array([tile.width, tile.height] * 2)
    right, bottom = tile.left + tile.width, tile.top + tile.height
    inner = np.array([tile.left > 0, tile.top > 0, right < width, bottom < height])
    reaches = np.concatenate(
        [
            boxes[:, :2] <= np.array([tile.left, tile.top]) + near[:2],
            boxes[:, 2:] >= np.array([right, bottom]) - near[2:],
        ],
        axis=1,
    )
    return (reaches & inner).any(1)


def fills(boxes: Boxes, tile: Tile) -> np.ndarray:
    """Which boxes (n, 4) are nearly as high as their square tile, (n,) bool.

    Such people are too close for it: the whole picture, or a larger tile, shows them better.
    """
    if tile.scale == WHOLE:
        return np.zeros(len(boxes), bool)
    return boxes[:, 3] - boxes[:, 1] > _FILLS * tile.height


def without_parts(boxes: Boxes, scores: Scores, cut: np.ndarray) -> Indices:
    """Indices of the boxes that stay when cut-off ones are held against the whole ones.

    ``cut`` (n,) bool. A cut-off box goes where most of it lies inside a box that is whole and of
    no less than half its score: it is the part of a person whom another tile saw whole. The others
    must be surer than whole ones.
    """
    whole = np.flatnonzero(~cut)
    kept = [int(index) for index in whole]
    inside = shares_inside(boxes, boxes[whole]) if len(whole) else np.zeros((len(boxes), 0))
    for index in np.flatnonzero(cut):
        holds = (inside[index] >= _PART) & (scores[whole] >= 0.5 * scores[index])
        if scores[index] >= _SURE and not holds.any():
            kept.append(int(index))
    return np.array(sorted(kept), np.int64)


def without_nested(boxes: Boxes, scores: Scores, limit: float) -> Indices:
    """Indices of the boxes that stay of pairs in which one lies almost inside the other.

    Two scales often give one person's whole body and the upper half of it, which overlap too
    little to be joined. Of two boxes that share ``limit`` of the smaller one and about the same
    middle across, the better one stays.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    for index in order:
        mine, others = boxes[index][None], boxes[kept]
        if kept:
            smaller = np.minimum(areas(mine)[0], areas(others))
            shared = shared_areas(mine, others)[0] >= limit * np.maximum(smaller, 1e-9)
            width = np.minimum(mine[0, 2] - mine[0, 0], others[:, 2] - others[:, 0])
            middle = np.abs(mine[0, [0, 2]].mean() - others[:, [0, 2]].mean(1))
            if (shared & (middle < 0.25 * width)).any():
                continue
        kept.append(int(index))
    return np.array(kept, np.int64)


def _starts(length: int, side: int) -> list[int]:
    """First pixels of tiles of ``side`` that cover ``length`` evenly."""
    if side >= length:
        return [0]
    count = math.ceil((length - side) / (side * (1 - OVERLAP))) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)]
