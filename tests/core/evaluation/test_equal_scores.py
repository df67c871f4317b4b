"""Pairs of equal logits: which are found, and how plausible they look, beside a slow count."""

from __future__ import annotations

import json
import math
import statistics

import numpy as np
import pytest

from app.state.check_measures import measure_rows
from app.state.insights import CheckFindings
from qaconv_core.documents.explanation_checks import explanation_checks_html
from qaconv_core.evaluation import equal_scores as module
from qaconv_core.evaluation.equal_scores import MOVED, SAME_PART, moved_alike
from qaconv_core.evaluation.explanation_checks import ORDERS, check_explanations
from qaconv_core.evaluation.explanations import PartNames
from tests.core.evaluation.known import CELL, GRID, KnownBench, known_dataset, sharing
from tests.core.evaluation.test_explanation_checks import WEIGHTS

CELLS = GRID[0] * GRID[1]


def match_of(best):
    """A match whose query cells end in the gallery cells ``best``, of equal contributions."""
    flat = np.zeros(GRID, dtype=np.float32)
    from qaconv_core.types import CorrespondenceMap

    places = np.array(best, dtype=np.int64).reshape(GRID)
    return CorrespondenceMap(0.0, 0.0, GRID, flat, places, flat, flat, places, flat)


def slowly_alike(best, cells):
    """As :func:`moved_alike`, cell after cell."""
    moves = []
    for cell in cells:
        to = best[cell]
        moves.append((to // GRID[1] - cell // GRID[1], to % GRID[1] - cell % GRID[1]))
    down, right = (statistics.median(move[axis] for move in moves) for axis in range(2))
    off = [math.hypot(move[0] - down, move[1] - right) for move in moves]
    return 1 / (1 + statistics.fmean(off))


def test_what_moves_as_one_is_plausible_and_what_collapses_is_not():
    cells = np.arange(12)
    still = list(range(CELLS))
    shifted = [min(cell + GRID[1], CELLS - 1) for cell in range(CELLS)]
    collapsed = [5] * CELLS
    assert moved_alike(match_of(still), cells) == 1.0
    assert moved_alike(match_of(shifted), cells) == 1.0
    assert moved_alike(match_of(collapsed), cells) < 0.5
    random = np.random.default_rng(0)
    for _ in range(20):
        best = random.integers(0, CELLS, CELLS).tolist()
        chosen = random.permutation(CELLS)[:12]
        found = moved_alike(match_of(best), chosen)
        assert found == pytest.approx(slowly_alike(best, chosen.tolist()))


def world(shared_by_false: int):
    """Two queries of two people; each has a true match of 12 cells, and a false one."""
    codes = {
        "q": sharing(range(24), 0), "true": sharing(range(12), 255),
        "false": sharing(range(shared_by_false), 254), "far": sharing([], 253),
    }  # fmt: skip
    query = [("q", 1, 0)]
    gallery = [("far", 3, 1), ("true", 1, 1), ("false", 2, 1), ("far", 0, 1), ("true", 1, 0)]
    return KnownBench(codes, WEIGHTS), known_dataset(query, gallery)


def test_pairs_of_equal_logits_are_found_and_others_are_not():
    bench, dataset = world(12)
    equal = check_explanations(bench, dataset, 5, read=bench.read).equal
    assert equal.cases == ((0, 1, 2),)
    assert equal.gap == pytest.approx(0.0, abs=1e-4)
    for order in ORDERS:
        one = equal.found[order][MOVED]
        assert (one.share, one.low, one.high) == (0.5, None, None), "twins: a tie counts half"
        assert one.true == pytest.approx(one.false)
    bench, dataset = world(9)
    report = check_explanations(bench, dataset, 5, read=bench.read)
    assert report.equal is None
    assert any("equal logits" in note for note in report.notes)


def test_parts_are_compared_where_label_maps_are_known_and_all_texts_say_so():
    bench, dataset = world(12)
    upper = np.repeat(np.repeat((np.arange(24).reshape(GRID) < 12) + 0, CELL, 0), CELL, 1)
    labels = {"false": np.zeros_like(upper)}  # nothing of the person is seen there

    def read(ref):
        return labels.get(ref.path.stem.split("_")[0], upper).astype(np.uint8)

    parts = PartNames(frozenset({1}))
    report = check_explanations(bench, dataset, 5, read=bench.read, labels=read, parts=parts)
    one = report.equal.found["contribution"][SAME_PART]
    assert (one.share, one.false) == (1.0, 0.0)
    assert one.true > 0.9
    page = explanation_checks_html(report)
    assert "PAIR-X (Shrack et al. 2025)" in page
    assert "At equal scores" in page
    json.dumps(report.to_dict(), allow_nan=False)
    rows = {row.name: row for row in measure_rows(CheckFindings(report, 5, True), "contribution")}
    assert rows["More on the same part"].values == (1.0, 0.0)
    assert "1 query has" in rows["More alike in movement"].sentence


def test_ten_persons_get_an_interval():
    persons = np.repeat(np.arange(12), 2)
    won = np.array([[1.0, 0.0]] * 18 + [[0.0, 1.0]] * 6)
    found = module._plausibility(won, persons)
    assert found.share == 0.75
    assert 0.4 < found.low < 0.75 < found.high <= 1.0
    few = module._plausibility(won[:6], persons[:6])
    assert (few.share, few.low) == (1.0, None)
