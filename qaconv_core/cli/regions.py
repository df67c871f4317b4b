"""Regions of a picture on the command line, and rankings by the cells they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.explaining.masks import BoxFractions, cells_in_box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qaconv_core.explaining.values import PartMatch, PartScores
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.types import Bool, Grid, Int64


def region(text: str) -> BoxFractions:
    """``x0,y0,x1,y1`` as fractions of the picture, from its top left corner."""
    parts = text.split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(0.0 <= number <= 1.0 for number in numbers):
        raise argparse.ArgumentTypeError(
            f"{text} is not x0,y0,x1,y1 in fractions of the picture (0 to 1), e.g. 0.2,0.2,0.8,0.5"
        )
    return numbers[0], numbers[1], numbers[2], numbers[3]


def window(text: str) -> tuple[int, int]:
    """``3x3`` as (rows, columns) of cells."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text} is not rows×columns of cells, e.g. 3x3")
    return int(parts[0]), int(parts[1])


def add_region_options(parser: argparse.ArgumentParser) -> None:
    """Search by part."""
    group = parser.add_argument_group("search by part (both may be given more than once)")
    group.add_argument(
        "--part",
        type=region,
        action="append",
        metavar="X0,Y0,X1,Y1",
        help="rank by this box of the query picture alone, in fractions of it, from the top left",
    )
    group.add_argument(
        "--ignore",
        type=region,
        action="append",
        metavar="X0,Y0,X1,Y1",
        help="rank without this box of the query picture (what hides the person, say)",
    )


def region_mask(
    parts: Sequence[BoxFractions] | None, ignored: Sequence[BoxFractions] | None, grid: Grid
) -> Bool | None:
    """The query cells that take part, (h, w); None where no region was given."""
    if not parts and not ignored:
        return None
    mask = np.full(grid, not parts)
    for box in parts or ():
        mask |= cells_in_box(box, grid)
    for box in ignored or ():
        mask &= ~cells_in_box(box, grid)
    if not mask.any():
        raise InputError("--part and --ignore leave no cell of the query picture to search by")
    return mask


def describe_part(mask: Bool, evidence: float, arguments: argparse.Namespace) -> dict[str, Any]:
    """What part of a query was searched by, and the share of the evidence it holds, as plain
    values."""
    return {
        "part": [list(box) for box in arguments.part or ()],
        "ignore": [list(box) for box in arguments.ignore or ()],
        "cells": int(mask.sum()),
        "of": int(mask.size),
        "evidence": evidence,
        "mask": mask.astype(int).tolist(),
    }


def find_parts(
    search: GallerySearch, found: PartScores, candidates: Int64, number: int
) -> tuple[tuple[int, PartMatch], ...]:
    """Where the part was found in each of ``candidates``, and by which query.

    With ``number`` −1 it is the query that fits best.
    """
    from qaconv_core.explaining.part import find_part

    places = []
    for candidate in map(int, candidates):
        query = number if number >= 0 else int(found.best_query[candidate])
        maps = search.maps_of(query, candidate)
        places.append((query, find_part(*maps, search.model.head, found.masks[query])))
    return tuple(places)


def place_record(query: int, part: PartMatch) -> dict[str, Any]:
    """Where the part of a query was found in a result, as plain values."""
    alike = part.match.query_similarity.ravel()[part.query_cells]
    return {
        "evidence": part.evidence,
        "by_query": query,
        "found": [
            [int(s), int(r), round(float(similarity), 6)]
            for s, r, similarity in zip(part.query_cells, part.found_cells, alike, strict=True)
        ],
    }
