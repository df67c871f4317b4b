"""Filters, sorts, moves and steps against the obvious way to do them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from app.state.listing import (
    listed_places,
    listed_queries,
    next_error,
    rank_moves,
    step_in,
)
from app.state.values import Measures, QueryFilter, ResultFilter
from qaconv_core.types import ImageRef, ImageSet, RankingResult
from tests.app.samples import sample_set

seeds = some.integers(0, 10_000)
COUNT = 12


def data_of(random):
    """Queries and gallery with some persons, cameras and times not known."""

    def ref(place):
        pid = None if random.random() < 0.2 else int(random.integers(4))
        camid = None if random.random() < 0.2 else int(random.integers(3))
        time = None if random.random() < 0.2 else float(random.integers(10))
        return ImageRef(Path(f"{random.integers(100):02}_{place}.jpg"), pid, camid, time)

    query, gallery = ([ref(place) for place in range(COUNT)] for _ in range(2))
    data = sample_set(Path(), pictures=False)
    return replace(
        data, query=ImageSet(tuple(query)), gallery=ImageSet(tuple(gallery)), added_from=COUNT
    )


def measures_of(random):
    unknown = random.random(COUNT) < 0.3
    ap, top = random.integers(4, size=(2, COUNT)) / 4
    first = np.where(unknown, 0, random.integers(1, 4, COUNT))
    return Measures(np.where(unknown, np.nan, ap), first, np.where(unknown, np.nan, top))


def ranking_of(random, queries=(0,)):
    truth = random.integers(-2, 2, COUNT).astype(np.int8)
    before = random.permutation(COUNT)
    values = np.sort(random.random(COUNT).astype(np.float32))[::-1].copy()
    order = random.permutation(COUNT)
    return RankingResult(queries, order, values, truth, "qaconv+rerank", "score", before=before)


def last_if_unknown(value, sign=1):
    return (1, 0.0) if math.isnan(value) else (0, sign * value)


@settings(max_examples=80, deadline=None)
@given(
    seeds, some.sampled_from(["file", "person", "ap", "score"]), some.sampled_from(["", "1", "_1"])
)
def test_queries(seed, sort, text):
    random = np.random.default_rng(seed)
    data, known = data_of(random), measures_of(random)
    chosen = QueryFilter(
        text=text,
        pid=random.choice([None, 0, 1]),
        camids=None if random.random() < 0.5 else frozenset({0, 2}),
        errors=bool(random.random() < 0.3),
        sort=sort,
    )
    kept = []
    for i, ref in enumerate(data.query):
        fits = text in ref.path.name or (text.isdecimal() and ref.pid == int(text))
        fits = fits and (chosen.pid is None or ref.pid == chosen.pid)
        fits = fits and (chosen.camids is None or ref.camid in chosen.camids)
        if fits and not (chosen.errors and known.first_true[i] <= 1):
            kept.append(i)
    key = {
        "file": lambda i: (data.query[i].path.name, i),
        "person": lambda i: (data.query[i].pid is None, data.query[i].pid or 0, i),
        "ap": lambda i: (last_if_unknown(known.ap[i]), i),
        "score": lambda i: (last_if_unknown(known.top[i], -1), i),
    }[sort]
    assert listed_queries(data, known, chosen).tolist() == sorted(kept, key=key)


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_places(seed):
    random = np.random.default_rng(seed)
    data = data_of(random)
    ranking = ranking_of(random, tuple(random.choice(COUNT, 2, replace=False).tolist()))
    chosen = ResultFilter(
        *(random.random(3) < 0.3),
        None if random.random() < 0.5 else frozenset({1, 2}),
        None if random.random() < 0.5 else (2.0, 6.0),
    )
    own = {data.query[q].camid for q in ranking.queries} - {None}
    kept = []
    for place, index in enumerate(ranking.order):
        ref, truth = data.gallery[int(index)], ranking.truth[place]
        if chosen.hide_junk and truth == -1:
            continue
        if chosen.hide_false and truth == 0:
            continue
        if chosen.hide_same_camera and ref.camid in own:
            continue
        if chosen.camids is not None and ref.camid not in chosen.camids:
            continue
        if chosen.time_range and (ref.time is None or not 2 <= ref.time <= 6):
            continue
        kept.append(place)
    assert listed_places(data, ranking, chosen).tolist() == kept


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_moves_are_differences_of_ranks_without_junk(seed):
    ranking = ranking_of(np.random.default_rng(seed))
    by_plain = sorted(range(COUNT), key=lambda place: ranking.before[place])
    counted = [place for place in by_plain if ranking.truth[place] != -1]
    moves = rank_moves(ranking)
    now = 0
    for place in range(COUNT):
        if ranking.truth[place] == -1:
            assert moves[place] == 0
            continue
        now += 1
        assert moves[place] == counted.index(place) + 1 - now


def test_plain_rankings_have_no_moves():
    ranking = ranking_of(np.random.default_rng(0))
    assert rank_moves(replace(ranking, before=None)) is None


@pytest.mark.parametrize(
    ("current", "step", "to"),
    [(5, 1, 3), (5, -1, None), (8, 1, None), (8, -1, 3), (7, 1, 5), (7, -1, 8), (None, 1, 5)],
)
def test_steps(current, step, to):
    assert step_in(np.array([5, 3, 8]), current, step) == to
    assert step_in(np.array([], dtype=np.int64), current, step) is None


@pytest.mark.parametrize(("current", "to"), [(4, 1), (1, 2), (2, 1), (0, 1), (None, 1), (3, 2)])
def test_errors_are_met_in_the_listed_order_and_round_again(current, to):
    listed = np.array([4, 0, 1, 3, 2])
    known = Measures.unknown(5)
    known.first_true[:] = [1, 2, 9, 0, 1]
    assert next_error(listed, known, current) == to
    assert next_error(listed, known, to, back=True) == {1: 2, 2: 1}[to]
    known.first_true[:] = 1
    assert next_error(listed, known, current) is None


def test_a_ranking_of_part_of_the_gallery_knows_what_it_has_not_ranked():
    data = sample_set(Path(), pictures=False)
    order, truth = np.array([4, 1]), np.array([1, -1], dtype=np.int8)
    values = np.array([3.0, 2.0], dtype=np.float32)
    part = RankingResult((0,), order, values, truth, gallery=6)
    assert not part.whole
    assert part.places.tolist() == [-1, 1, -1, -1, 0, -1]
    assert [part.rank_of(c) for c in range(6)] == [0, 0, 0, 0, 1, 0]
    assert np.isnan(part.value_of(0))
    assert part.truth_of(0) == RankingResult.NOT_KNOWN
    assert part.truth_of(4) == RankingResult.TRUE
    assert listed_places(data, part, ResultFilter(hide_junk=True)).tolist() == [0]
