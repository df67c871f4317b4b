"""The choice of correspondences against loops that spell the rules out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from qaconv_core.errors import InputError
from qaconv_core.matching.strongest import Correspondence, select_correspondences
from qaconv_core.types import CorrespondenceMap
from tests.core.records import make_match


def slow_selection(
    match: CorrespondenceMap, threshold: float | None, top: int | None, direction: str, order: str
) -> tuple[list[Correspondence], int]:
    """One cell after the other."""
    width = match.grid[1]

    def at(values: np.ndarray, cell: int) -> float:
        return values[cell // width][cell % width]

    found = []
    for cell in range(match.grid[0] * width):
        to_gallery = int(at(match.query_best, cell))
        to_query = int(at(match.gallery_best, cell))
        if direction == "query":
            adds = float(at(match.query_contribution, cell))
            pair = (cell, to_gallery, float(at(match.query_similarity, cell)), adds)
        elif direction == "gallery":
            adds = float(at(match.gallery_contribution, cell))
            pair = (to_query, cell, float(at(match.gallery_similarity, cell)), adds)
        else:
            if int(at(match.gallery_best, to_gallery)) != cell:
                continue
            adds = float(at(match.query_contribution, cell))
            adds += float(at(match.gallery_contribution, to_gallery))
            pair = (cell, to_gallery, float(at(match.query_similarity, cell)), adds)
        found.append((cell, Correspondence(*pair)))
    total = len(found)
    kept = [f for f in found if threshold is None or f[1].similarity >= threshold]
    kept.sort(key=lambda f: (-getattr(f[1], order), f[0]))
    chosen = [correspondence for _, correspondence in kept]
    return (chosen if top is None else chosen[:top]), total


@pytest.mark.parametrize("direction", ["query", "gallery", "mutual"])
@pytest.mark.parametrize("order", ["contribution", "similarity"])
@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_the_slow_selection(direction: str, order: str, ties: bool) -> None:
    mutual = 0
    for seed, grid in enumerate([(1, 1), (6, 3), (2, 2), (24, 8), (1, 7), (3, 1)]):
        match = make_match(grid, seed, ties)
        for threshold in (None, 0.0, 0.9, 2.0):
            for top in (None, 0, 1, 5, 1000):
                expected = slow_selection(match, threshold, top, direction, order)
                found = select_correspondences(match, threshold, top, direction, order)
                assert found == expected
                mutual += len(found[0])
    assert mutual > 0


def test_threshold_keeps_its_own_value() -> None:
    match = make_match((2, 2))
    value = float(match.query_similarity.ravel()[2])
    chosen, _ = select_correspondences(match, threshold=value, top=None)
    assert 2 in [c.query_cell for c in chosen]


def test_one_cell() -> None:
    match = make_match((1, 1))
    chosen, total = select_correspondences(match, direction="mutual")
    assert total == 1
    both = float(match.query_contribution.item()) + float(match.gallery_contribution.item())
    assert chosen == [(0, 0, pytest.approx(match.query_similarity.item()), pytest.approx(both))]


def test_wrong_wishes_are_named() -> None:
    match = make_match()
    with pytest.raises(InputError, match="sideways"):
        select_correspondences(match, direction="sideways")
    with pytest.raises(InputError, match="beauty"):
        select_correspondences(match, order_by="beauty")
    with pytest.raises(InputError, match="-3"):
        select_correspondences(match, top=-3)
    outside = dataclasses.replace(match, query_best=np.full(match.grid, 18))
    with pytest.raises(InputError, match="outside the grid"):
        select_correspondences(outside)
