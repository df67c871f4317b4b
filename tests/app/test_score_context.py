"""The candidate's place in the gallery's distribution, against counting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from app.state.score_context import BINS, context_words, distribution_of
from app.views.explore.score_context import ScoreContext
from app.views.widgets.theme import palette_of
from qaconv_core.types import RankingResult
from tests.app.lists import rank
from tests.app.samples import sample_pair


def test_counts_leave_junk_out_and_shares_are_counted(space):
    ranking = space.ranking
    found = distribution_of(ranking)
    counted = ranking.truth != RankingResult.JUNK
    values = ranking.values[counted]
    assert found.true.sum() == (ranking.truth == RankingResult.TRUE).sum()
    assert found.others.sum() + found.true.sum() == counted.sum()
    assert len(found.true) == BINS
    for value in values:
        assert found.share_below(value) == pytest.approx(np.mean(values < value))
    assert found.position(found.high) == 1.0
    assert context_words(found, found.high + 1) == "above 100.0\u00a0% of this query's gallery"


def test_one_picture_has_no_distribution(space):
    one = space.ranking
    first = np.zeros(1, dtype=np.int64)
    alone = RankingResult(one.queries, first, one.values[:1], one.truth[:1])
    assert distribution_of(alone) is None


def test_the_mark_follows_the_candidate(qtbot, space):
    made = ScoreContext(space)
    qtbot.addWidget(made)
    made.resize(260, 40)
    made.show()
    assert made.value == pytest.approx(float(space.ranking.values[0]))
    before = made.grab().toImage()
    candidate = int(space.ranking.order[5])
    space.select_candidate(candidate)
    space.set_pair(sample_pair(0, candidate))
    assert made.value == pytest.approx(float(space.ranking.values[5]))
    assert made.grab().toImage() != before
    rank(space, 1)
    assert made.value is None
    assert made.isHidden()


def test_the_outlines_follow_ranking_size_and_theme(qtbot, space):
    made = ScoreContext(space)
    qtbot.addWidget(made)
    made.resize(260, 40)
    made.show()

    def drawn():
        fresh = ScoreContext(space)
        qtbot.addWidget(fresh)
        fresh.resize(made.size())
        fresh.setPalette(made.palette())
        assert made.grab().toImage() == fresh.grab().toImage()
        return made.grab().toImage()

    seen = [drawn()]
    made.setPalette(palette_of("dark"))
    seen.append(drawn())
    made.resize(300, 40)
    seen.append(drawn())
    rank(space, 1)
    space.set_pair(sample_pair(1, int(space.ranking.order[0])))
    seen.append(drawn())
    assert all(a != b for a, b in itertools.pairwise(seen))
