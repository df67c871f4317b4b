"""What is to be done next, as a table of cases: no threads, no engine, no Qt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.state.next_step import (
    Available,
    ChooseCandidate,
    ChooseSecond,
    CompareWithAverage,
    Done,
    Explain,
    KeepPair,
    KeepRanking,
    Rank,
    Wait,
    candidate_of_new_ranking,
    next_step,
)
from app.state.values import Measures
from qaconv_core.types import ImageRef, ImageSet, RankingResult
from tests.app.samples import GRID, above_average, sample_pair, sample_ranking

NOTHING, SO_FAR, WHOLE = Available(), Available(growing=True), Available(whole=True)
AVERAGE_KNOWN = replace(WHOLE, average_known=True)
PART = np.arange(GRID[0] * GRID[1]).reshape(GRID) < 4


def shown(space):
    """A pair compared with the average is shown, and it is what is chosen."""
    space.set_pair(above_average(sample_pair(0, space.selection.candidate)))


def so_far(space):
    """Six pictures have been ranked so far, and one of them explained."""
    ranking = space.ranking
    few = replace(
        ranking, order=ranking.order[:6], values=ranking.values[:6], truth=ranking.truth[:6],
        gallery=len(ranking.order),
    )  # fmt: skip
    space.set_ranking(few)
    space.select_candidate(int(few.order[0]))
    space.set_pair(sample_pair(0, int(few.order[0])), provisional=True)


def another_query(space):
    shown(space)
    space.select_queries((1,))


def there_and_back(space):
    """Another query was chosen, and the first one again before the other was ranked."""
    chosen = space.selection
    another_query(space)
    space.set_ranking_stale()
    space.look_at(chosen)


def pair_and_back(space):
    shown(space)
    space.set_pair_stale()


def ranked_only(space):
    space.select_candidate(None)


def next_candidate(space):
    shown(space)
    space.select_candidate(int(space.ranking.order[3]))


def compare(space):
    shown(space)
    space.change_look(mode="compare")


def compared(space):
    compare(space)
    space.compare_with(int(space.ranking.order[5]))
    pair = above_average(space.pair)
    space.set_pair(pair, (sample_pair(0, int(space.ranking.order[5])),))


def compared_with_itself(space):
    compare(space)
    space.compare_with(space.selection.candidate)


def draw(space):
    shown(space)
    space.parts.draw(PART)


def part_ranked(space):
    draw(space)
    space.set_ranking(replace(space.ranking, part=space.parts.part))


def another_method(space):
    shown(space)
    known = Measures.unknown(4)
    space.set_measured({"qaconv": known, "qaconv+rerank": known}, {})
    space.set_method("qaconv+rerank")


def added_by_another_method(space):
    another_method(space)
    added = ImageRef(space.data.root / "added.png")
    space.extend_data(replace(space.data, query=ImageSet((*space.data.query, added), "query")))
    space.look_at(replace(space.selection, queries=(4,)))
    space.set_ranking(replace(space.ranking, queries=(4,)))


def joined(space):
    space.select_queries((0, 1))
    space.set_ranking(replace(sample_ranking(space.data), queries=(0, 1)), "max")
    space.change_look(fuse="mean")


def estimated(space):
    shown(space)
    space.set_ranking(replace(space.ranking, certainty="measured", exact_to=3))
    space.change_look(exact=True)


def only_junk(space):
    ranking = space.ranking
    junk = np.full(len(ranking.order), RankingResult.JUNK, dtype=np.int8)
    space.set_ranking(replace(ranking, truth=junk))
    space.select_candidate(None)


def no_query(space):
    space.select_queries(())


def as_it_is(_space):
    pass


CASES = [
    (as_it_is, NOTHING, Wait),
    (no_query, WHOLE, Wait),
    (as_it_is, WHOLE, CompareWithAverage),
    (as_it_is, AVERAGE_KNOWN, Done),
    (as_it_is, SO_FAR, Done),
    (shown, WHOLE, Done),
    (another_query, WHOLE, Rank),
    (another_query, SO_FAR, Rank),
    (there_and_back, WHOLE, KeepRanking),
    (pair_and_back, WHOLE, KeepPair),
    (ranked_only, WHOLE, ChooseCandidate),
    (only_junk, WHOLE, Done),
    (next_candidate, WHOLE, Explain),
    (compare, WHOLE, ChooseSecond),
    (compared_with_itself, WHOLE, ChooseSecond),
    (compared, WHOLE, Done),
    (draw, WHOLE, Rank),
    (draw, SO_FAR, Wait),
    (part_ranked, WHOLE, Explain),
    (another_method, WHOLE, Rank),
    (added_by_another_method, WHOLE, Explain),
    (joined, WHOLE, Rank),
    (estimated, WHOLE, Rank),
    (so_far, SO_FAR, Done),
    (so_far, WHOLE, Rank),
]


@pytest.mark.parametrize(
    ("prepare", "available", "expected"),
    CASES,
    ids=[f"{case[0].__name__}-{case[2].__name__}-{i}" for i, case in enumerate(CASES)],
)
def test_the_next_step(space, prepare, available, expected):
    prepare(space)
    step = next_step(space, available)
    assert type(step) is expected
    assert step == next_step(space, available), "a step asked for again is the same step"


def test_steps_say_what_they_are_about(space):
    another_method(space)
    step = next_step(space, WHOLE)
    assert (step.queries, step.method, step.part, step.whole) == ((0,), "qaconv+rerank", None, True)
    draw(space)
    step = next_step(space, WHOLE)
    assert step.method == "qaconv", "a search by part is one by plain QAConv"
    assert step.part is space.parts.part


def test_a_pair_explained_too_early_is_explained_again_quietly(space):
    so_far(space)
    whole = sample_ranking(space.data)
    space.set_ranking(whole)
    step = next_step(space, WHOLE)
    assert isinstance(step, Explain)
    assert step.again
    next_candidate(space)
    assert not next_step(space, WHOLE).again


def test_a_drawn_part_waits_for_all_maps_and_marks_the_ranking_once(space):
    draw(space)
    assert next_step(space, SO_FAR) == Wait(outdated=True)
    space.set_ranking_stale()
    assert next_step(space, SO_FAR) == Wait(outdated=False)


def test_steps_for_other_masks_are_other_steps(space):
    draw(space)
    first = next_step(space, WHOLE)
    space.parts.draw(~PART)
    assert next_step(space, WHOLE) != first


def test_the_candidate_follows_the_best_only_where_nobody_chose_one(space):
    so_far(space)
    whole = sample_ranking(space.data, seed=6)
    best = int(whole.order[(whole.truth != RankingResult.JUNK).argmax()])
    other = next(int(c) for c in space.ranking.order if c != best)
    space.select_candidate(other)
    assert candidate_of_new_ranking(space, whole) is None, "a person chose it"
    space.select_candidate(None)
    space.auto_select(other)
    assert candidate_of_new_ranking(space, whole) == best
    by_part = replace(whole, part=PART)
    space.select_candidate(next(int(c) for c in space.ranking.order if c not in (best, other)))
    assert candidate_of_new_ranking(space, by_part) == best, "a search has a first result"
