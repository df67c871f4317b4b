"""The line of labelled pairs: few pairs of two persons are above it; how many of one, it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qaconv_core.evaluation.labelled_line import LabelledPairs
from qaconv_core.ranking import rank_gallery
from qaconv_core.ranking.tracks import by_tracks
from qaconv_core.types import RankingResult

RNG = np.random.default_rng(5)
PAIRS = LabelledPairs(
    np.sort(RNG.normal(6, 3, 40)).astype(np.float32),
    np.sort(RNG.normal(0, 3, 500)).astype(np.float32),
)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1])
def test_the_line_is_the_lowest_that_keeps_the_share(share):
    line = PAIRS.line(share)
    assert np.mean(PAIRS.different > line.value) == pytest.approx(line.fpr)
    assert line.fpr <= share
    below = PAIRS.different[PAIRS.different < line.value]
    assert np.mean(PAIRS.different > below[-1]) > share  # the next lower one lets more pass
    assert np.mean(PAIRS.same > line.value) == pytest.approx(line.tpr)


def test_pairs_of_one_kind_alone_are_not_enough():
    none = np.empty(0, np.float32)
    assert PAIRS.enough
    assert not LabelledPairs(PAIRS.same, none).enough
    assert not LabelledPairs(none, PAIRS.different).enough


def test_candidates_are_above_by_their_logit_and_tracks_by_their_mean():
    line = PAIRS.line(0.01)
    values = np.array([20, -20, 20, line.value, 20], np.float32)
    truth = np.array([1, -2, 0, 0, RankingResult.JUNK], np.int8)
    plain = rank_gallery(values, truth)
    assert line.above(plain) == 2  # not the junk, nor the one on the line
    places = [line.above_at(plain, place) for place in range(5)]
    assert places == line.above_places(plain).tolist()
    assert "nobody" not in line.line_words(plain)
    reranked = replace(plain, kind="score", values=plain.values / 100, whole_logits=plain.values)
    assert line.above(reranked) == 2
    tracks = np.array([3, 3, 7, -1, -1])
    tracked = replace(plain, tracks=tracks[plain.order])
    assert line.above(tracked) == 2  # the best of track 3 and of track 7
    assert line.above(by_tracks(tracked, "mean")) == 1  # track 3 has 0 in the mean
    nobody = rank_gallery(np.full(3, -9, np.float32))
    assert line.line_words(nobody).endswith("probably nobody is there, or nobody clear")


def test_pairs_that_cannot_show_the_share_are_said_to_be_few():
    few = LabelledPairs(PAIRS.same[:9], PAIRS.different[:12])
    assert "so few of two cannot show a share of 1.0 %" in few.line(0.01).basis
    assert "so few" not in few.line(0.1).basis
    assert "so few" not in PAIRS.line(0.01).basis
