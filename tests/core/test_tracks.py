"""A track is one entry of a ranking: the rank of the best of its pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.state.listing import listed_places, rank_moves
from app.state.values import ResultFilter
from qaconv_core.data import open_folder
from qaconv_core.galleries.values import OpenSet
from qaconv_core.ranking import rank_gallery
from qaconv_core.ranking.tracks import by_tracks
from qaconv_core.types import UNKNOWN, ImageRef, ImageSet, RankingResult, leads, ranks
from tests.builders import write_picture

TRACKS = np.array([7, 7, UNKNOWN, 8, 7, 8, UNKNOWN])
TRUTH = np.array([-1, -2, -2, -2, -2, -1, -2], dtype=np.int8)


def test_a_track_has_the_rank_of_its_best_picture():
    assert ranks(TRUTH, TRACKS).tolist() == [0, 1, 2, 3, 1, 0, 4]
    assert leads(TRUTH, TRACKS).tolist() == [True, True, True, True, False, True, True]
    assert ranks(TRUTH).tolist() == [0, 1, 2, 3, 4, 0, 5]
    assert leads(TRUTH, None).all()


def opened(tmp_path):
    tracks = [int(t) if t != UNKNOWN else None for t in TRACKS]
    refs = tuple(
        ImageRef(tmp_path / f"{i}.jpg", None, i % 2, float(i), t) for i, t in enumerate(tracks)
    )
    return OpenSet("s", tmp_path, "", ImageSet(refs[:1]), ImageSet(refs), added_from=1)


def test_a_list_holds_each_track_once(tmp_path):
    data = opened(tmp_path)
    ranking = RankingResult((0,), np.arange(7), -np.arange(7, dtype=np.float32),
                            np.full(7, -2, np.int8), tracks=TRACKS)  # fmt: skip
    listed = lambda decided=(), **how: listed_places(  # noqa: E731
        data, ranking, ResultFilter(**how), decided
    ).tolist()
    assert listed() == [0, 2, 3, 6]
    assert listed(every_picture=True) == list(range(7))
    assert listed(time_range=(1.0, 9.0)) == [1, 2, 3, 6]  # the best that is left of a track
    assert listed({4}, hide_decided=True) == [2, 3, 6]  # decided about once, decided altogether
    assert data.track_size(0) == 3
    assert data.track_size(2) == 1
    assert data.track_of(5).tolist() == [3, 5]
    assert data.track_of(2).tolist() == [2]


def test_moves_count_tracks(tmp_path):
    before = np.array([1, 0, 2])  # the place under plain QAConv of each picture
    ranking = RankingResult((0,), np.arange(3), np.zeros(3, np.float32), np.full(3, -2, np.int8),
                            method="qaconv+rerank", kind="score", before=before,
                            tracks=np.array([5, 6, 6]))  # fmt: skip
    assert rank_moves(ranking).tolist() == [1, -1, -1]


def mean_of_track(i, values, tracks, truth):
    """What the entry of picture ``i`` is ranked by, plainly."""
    if tracks[i] == UNKNOWN or truth[i] == RankingResult.JUNK:
        return values[i]
    same = [j for j in range(len(values)) if tracks[j] == tracks[i] and truth[j] != -1]
    return sum(float(values[j]) for j in same) / len(same)


@pytest.mark.parametrize("seed", range(4))
def test_tracks_in_the_order_of_their_means(seed):
    rng = np.random.default_rng(seed)
    n = 40
    values = np.round(rng.normal(size=n), 1).astype(np.float32)  # with ties
    tracks = rng.integers(-1, 8, n)
    truth = rng.choice(np.array([-1, -2, 0, 1], np.int8), n)
    plain = rank_gallery(values, truth)
    ranking = replace(plain, tracks=tracks[plain.order])
    assert by_tracks(ranking, "best") is ranking
    found = by_tracks(ranking, "mean")
    means = [mean_of_track(i, values, tracks, truth) for i in range(n)]
    assert found.track_means == pytest.approx([means[i] for i in found.order], abs=1e-6)
    assert (np.diff(found.track_means) <= 0).all()
    assert found.values.tolist() == values[found.order].tolist()  # each keeps its own
    assert found.whole
    # An entry's rank counts the entries with a larger mean, and it is shown by its best picture.
    heads = found.order[found.counted_leads]
    assert sorted(tracks[heads][tracks[heads] != UNKNOWN]) == sorted(
        set(tracks[(tracks != UNKNOWN) & (truth != -1)])
    )
    for rank, head in enumerate(heads, start=1):
        assert found.rank_of(int(head)) == rank
        if tracks[head] != UNKNOWN:
            mine = values[(tracks == tracks[head]) & (truth != -1)]
            assert values[head] == mine.max()
    assert by_tracks(found, "mean") is found


def test_moves_compare_means_with_means():
    # Plain logits: track 6 has 1.5 in the mean, and track 5 has 2: it was first.
    whole = np.array([2.0, 3.0, 0.0], np.float32)
    ranking = RankingResult((0,), np.arange(3), np.array([0.1, 0.5, 0.4], np.float32),
                            np.full(3, -2, np.int8), method="qaconv+rerank", kind="score",
                            before=np.array([1, 0, 2]), whole_logits=whole,
                            tracks=np.array([5, 6, 6]))  # fmt: skip
    found = by_tracks(ranking, "mean")
    assert found.order.tolist() == [1, 2, 0]
    assert rank_moves(found).tolist() == [1, 1, -1]


def test_tables_tell_tracks(tmp_path):
    for number in range(3):
        write_picture(tmp_path / f"{number}.png", number)
    (tmp_path / "t.csv").write_text("path,camid,track\n0.png,1,4\n1.png,1,\n2.png,1,-1\n")
    data = open_folder(tmp_path / "t.csv", split=False)
    assert data.gallery.tracks.tolist() == [4, UNKNOWN, UNKNOWN]
    assert not any("not used" in note for note in data.notes)
