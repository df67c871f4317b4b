"""Groups: neighbours, k-reciprocal distances, the reach found from the data, sure pairs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from qaconv_core.adaptation import grouping, neighbours
from qaconv_core.adaptation.grouping import (
    ALONE,
    FAR,
    FEWEST,
    Hints,
    group_pictures,
    linked,
    prefer_across,
    renumbered,
    silhouettes,
)
from qaconv_core.adaptation.hints import MOST_IN_FRAME, time_hints
from qaconv_core.adaptation.neighbours import (
    Neighbours,
    all_logits,
    all_values,
    nearest_of_all,
    nearest_pictures,
)
from qaconv_core.adaptation.reciprocal import reciprocal_distances
from qaconv_core.models import AffineHead
from qaconv_core.progress import WorkContext
from qaconv_core.ranking import k_reciprocal_rerank

CELLS = (3, 2)
HEAD = AffineHead(np.full(6, 3.0), np.full(6, 3.0), -20.0, CELLS)


def maps_of_people(people=12, views=8, spread=0.6, channels=16, seed=0):
    """Unit maps (n, C, 3, 2) around one centre a person, and the persons."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(people, channels, *CELLS))
    pids = np.repeat(np.arange(people), views)
    maps = centres[pids] + spread * random.normal(size=(len(pids), channels, *CELLS))
    maps /= np.linalg.norm(maps, axis=1, keepdims=True)
    return maps.astype(np.float16), pids


def points(people=15, views=8, spread=0.05, seed=0):
    """Distances among points in the plane, in [0, 1], and whose they are."""
    random = np.random.default_rng(seed)
    pids = np.repeat(np.arange(people), views)
    side = int(np.ceil(np.sqrt(people)))
    centres = np.stack(np.divmod(np.arange(people), side), axis=1) / side
    centres += random.uniform(-0.02, 0.02, size=centres.shape)
    at = centres[pids] + spread * random.normal(size=(len(pids), 2))
    found = np.linalg.norm(at[:, None] - at[None], axis=2)
    return (found / found.max()).astype(np.float32), pids


def test_nearest_are_those_of_a_full_sort():
    distances, _ = points()
    near = nearest_of_all(distances.copy())
    assert (near.places[:, 0] == np.arange(len(distances))).all()
    assert (near.distances[:, 0] == 0).all()
    off = distances + 2 * np.eye(len(distances), dtype=np.float32)
    order = np.argsort(off, axis=1, kind="stable")[:, : near.places.shape[1] - 1]
    assert (near.places[:, 1:] == order).all()


def test_fewer_pictures_than_neighbours_are_wanted():
    distances, _ = points(people=2, views=3)
    near = nearest_of_all(distances)
    assert near.places.shape == (6, 6)
    assert np.isfinite(reciprocal_distances(near).toarray()).all()


def test_reciprocal_distances_are_those_of_the_re_ranking():
    """The same pictures as queries and as gallery stand twice among each other's nearest, so the
    re-ranking is asked for the gallery alone: one query far away takes no part."""
    distances, _ = points(people=8, views=7, spread=0.08)
    n = len(distances)
    near = nearest_of_all(distances.copy())
    found = reciprocal_distances(near, k1=6, k2=1, lambda_=0.0).toarray()
    for query in (0, 10, 37):
        others = np.setdiff1d(np.arange(n), query)
        expected = k_reciprocal_rerank(
            distances[query, others][None],
            np.zeros((1, 1), np.float32),
            distances[np.ix_(others, others)],
            k1=6,
            k2=1,
            lambda_=0.0,
        )[0]
        stored = found[query, others] > 0
        # Weights are exp(−d / largest d) there and exp(−d) here; the difference is small.
        assert np.abs(found[query, others][stored] - expected[stored]).max() < 0.03
        assert (expected[~stored] > 0.99).all()


def test_reciprocal_distances_are_symmetric_without_a_diagonal():
    distances, pids = points()
    found = reciprocal_distances(nearest_of_all(distances))
    assert abs(found - found.T).max() == 0
    assert (found.diagonal() == 0).all()
    dense = np.where(found.toarray() > 0, found.toarray(), FAR)
    same = (pids[:, None] == pids[None]) & ~np.eye(len(pids), dtype=bool)
    assert dense[same].mean() < dense[pids[:, None] != pids[None]].mean() - 0.3


def test_silhouettes_are_those_of_scikit_learn():
    from sklearn.metrics import silhouette_samples

    distances, _ = points(people=6, views=5)
    graph = sparse.csr_array(np.where(np.eye(len(distances)) > 0, 0, distances))
    labels = np.repeat(np.arange(6), 5)
    labels[[3, 17]] = ALONE
    labels[4] = 6  # alone in its group
    kept = labels != ALONE
    expected = silhouette_samples(distances[np.ix_(kept, kept)], labels[kept], metric="precomputed")
    found = silhouettes(graph, labels)
    assert np.allclose(found[kept], expected, atol=1e-5)
    assert (found[~kept] == 0).all()


@pytest.mark.parametrize("spread", [0.01, 0.03])
def test_the_reach_is_found_from_the_data(spread):
    from sklearn.metrics import adjusted_rand_score

    distances, pids = points(people=25, views=10, spread=spread, seed=4)
    near = nearest_of_all(distances)
    found = group_pictures(reciprocal_distances(near), np.full(len(pids), -1))
    kept = found.labels != ALONE
    assert kept.mean() > 0.8
    assert adjusted_rand_score(pids[kept], found.labels[kept]) > 0.8
    assert max(np.bincount(found.labels[kept])) < len(pids) / 4


def sparse_distances(n: int = 90, seed: int = 6) -> tuple[sparse.csr_array, np.ndarray]:
    """Distances in the plane of which only those below 0.3 are stored, and all of them."""
    at = np.random.default_rng(seed).random((n, 2))
    whole = np.linalg.norm(at[:, None] - at[None], axis=2).astype(np.float32)
    whole[whole > 0.3] = FAR
    return sparse.csr_array(np.where(whole < FAR, whole, 0)), whole


@pytest.mark.parametrize("reach", [0.1, 0.2, 0.28])
def test_groups_are_those_of_average_linkage_over_all_pairs(reach):
    graph, whole = sparse_distances()
    tree = hierarchy.linkage(squareform(whole, checks=False), "average")
    expected = hierarchy.fcluster(tree, reach, "distance")
    expected = np.where(np.bincount(expected)[expected] >= FEWEST, expected, ALONE)
    kept = graph.data.copy(), graph.indices.copy()
    first, found = linked(graph, (0.05, reach))
    assert found.tolist() == renumbered(expected).tolist()
    assert found.max() > 3
    assert (first != ALONE).sum() < (found != ALONE).sum()
    assert (graph.data == kept[0]).all()
    assert (graph.indices == kept[1]).all()


def test_too_many_pictures_for_one_piece_fall_apart_by_shorter_pairs(monkeypatch):
    graph, _ = sparse_distances()
    one = linked(graph, (0.28,))[0]
    monkeypatch.setattr(grouping, "MOST_TOGETHER", 30)
    parts = grouping._parts(graph, 0.28)
    assert len(parts) > 2
    assert max(map(len, parts)) <= 30
    assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts))
    found = linked(graph, (0.28,))[0]
    assert found.max() > 3
    assert np.bincount(found[found != ALONE]).max() <= np.bincount(one[one != ALONE]).max()


def test_sure_pictures_are_one_however_far_apart():
    graph, _ = sparse_distances()
    sure = np.arange(90)
    places = np.array([3, 40, 41, 77])
    sure[places] = 3
    apart = linked(graph, (0.1,))[0][places]
    assert len(set(apart.tolist())) > 1
    # Nothing but a pair that is stored puts pictures into one part.
    near = sparse.lil_array(graph)
    for other in places[1:]:
        near[3, other] = near[other, 3] = 1e-6
    together = linked(near, (0.1,), sure)[0][places]
    assert len(set(together.tolist())) == 1
    assert together[0] != ALONE


def test_everything_in_one_group_never_wins():
    distances, pids = points(people=25, views=10, spread=0.03, seed=4)
    graph = reciprocal_distances(nearest_of_all(distances))
    found = group_pictures(graph, np.full(len(pids), -1))
    worth = {trial.reach: trial.worth for trial in found.trials}
    assert worth[found.reach] == max(worth.values())
    one = silhouettes(graph, np.zeros(len(pids), dtype=np.int64))
    assert (one == 0).all()


def test_pictures_that_are_all_alike_or_all_unlike_give_no_groups():
    n = 60
    for distances in (np.ones((n, n), np.float32), np.zeros((n, n), np.float32)):
        np.fill_diagonal(distances, 0)
        found = group_pictures(reciprocal_distances(nearest_of_all(distances)), np.full(n, -1))
        assert found.count == 0
        assert found.grouped == 0


def test_groups_of_one_camera_are_given_up_where_most_reach_over_several():
    labels = np.array([0, 0, 1, 1, 2, 2, ALONE])
    cameras = np.array([0, 1, 0, 1, 0, 0, 1])
    assert prefer_across(labels, cameras).tolist() == [0, 0, 1, 1, ALONE, ALONE, ALONE]
    alone = np.array([0, 0, 1, 1, 0, 0, 1])
    assert prefer_across(labels, alone).tolist() == labels.tolist()
    assert prefer_across(labels, np.full(7, -1)).tolist() == labels.tolist()


def test_groups_are_numbered_by_their_first_pictures():
    assert renumbered(np.array([ALONE, 7, 3, 7, ALONE, 3, 5])).tolist() == [-1, 0, 1, 0, -1, 1, 2]


def test_times_give_sure_pairs():
    places = np.array([[0, 1, 2, 3], [1, 0, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0]])
    near = Neighbours(places, np.zeros((4, 4), np.float32))
    cameras = np.array([0, 0, 0, 1])
    times = np.array([10.0, 10.5, 10.5, 10.0])
    found = time_hints(near, cameras, times)
    assert found.apart.tolist() == [[1, 2]]
    assert sorted(map(sorted, found.same.tolist())) == [[0, 1], [0, 2]]
    none = time_hints(near, cameras, np.full(4, np.nan))
    assert len(none.same) == len(none.apart) == 0
    seconds = time_hints(near, cameras, np.array([10.0, 11.0, 11.0, 10.0]))
    assert seconds.apart.tolist() == []  # many frames have the time 11
    assert sorted(map(sorted, seconds.same.tolist())) == [[0, 1], [0, 2], [1, 2]]
    minutes = time_hints(near, cameras, np.array([60.0, 120.0, 120.0, 60.0]))
    assert len(minutes.same) == len(minutes.apart) == 0


@pytest.mark.parametrize("step", [0.5, 1.0])
def test_hints_are_those_of_all_pairs(step):
    random = np.random.default_rng(3)
    cameras = random.integers(-1, 3, 60)
    times = random.integers(0, 40, 60) * step
    times[random.integers(0, 60, 5)] = np.nan
    places = np.stack([[i, *random.permutation(np.delete(np.arange(60), i))] for i in range(60)])
    near = Neighbours(places, np.zeros((60, 60), np.float32))
    found = time_hints(near, cameras, times)
    same, apart = set(), set()
    for a, b in itertools.combinations(range(60), 2):
        if cameras[a] != cameras[b] or cameras[a] < 0 or not abs(times[a] - times[b]) <= 1:
            continue
        if times[a] == times[b] and step < 1:
            apart.add((a, b))
        elif b in places[a, 1:6] and a in places[b, 1:6]:
            same.add((a, b))
    assert {tuple(sorted(pair)) for pair in found.apart.tolist()} == apart
    assert {tuple(sorted(pair)) for pair in found.same.tolist()} == same
    assert len(found.same) == len(same)


def test_a_time_that_many_pictures_share_is_no_frame():
    n = MOST_IN_FRAME + 1
    near = Neighbours(np.arange(n)[:, None], np.zeros((n, 1), np.float32))
    times, cameras = np.full(n, 2.5), np.zeros(n, dtype=np.int64)
    assert len(time_hints(near, cameras, times).apart) == 0
    assert len(time_hints(near, cameras, times[:0]).apart) == 0
    times[0] = 2.0
    assert len(time_hints(near, cameras, times).apart) == (n - 1) * (n - 2) // 2


def test_pictures_that_are_apart_share_no_group():
    distances, pids = points(people=10, views=8, spread=0.01)
    graph = reciprocal_distances(nearest_of_all(distances))
    cameras = np.full(len(pids), -1)
    free = group_pictures(graph, cameras)
    a, b = np.flatnonzero(free.labels == 0)[:2]
    held = group_pictures(graph, cameras, Hints(apart=np.array([[a, b]])))
    assert ALONE in (held.labels[a], held.labels[b]) or held.labels[a] != held.labels[b]


def test_a_sure_pair_draws_a_picture_into_a_group():
    distances, pids = points(people=10, views=8, spread=0.01)
    stray = len(pids) - 1
    distances[stray], distances[:, stray] = 0.9, 0.9
    distances[stray, stray] = 0
    graph = reciprocal_distances(nearest_of_all(distances))
    cameras = np.full(len(pids), -1)
    assert linked(graph, (0.3,))[0][stray] == ALONE
    pairs = np.array([[stray, other] for other in range(4)])
    held = group_pictures(graph, cameras, Hints(same=pairs))
    assert held.labels[stray] == held.labels[0]


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("listed", [60, neighbours.LISTED])
def test_lists_hold_the_neighbours_of_all_pairs(normalise, listed, monkeypatch):
    monkeypatch.setattr(neighbours, "LISTED", listed)
    maps, pids = maps_of_people(people=20, views=8)
    cameras = np.arange(len(maps)) % 2
    whole = nearest_pictures(maps, HEAD, cameras, normalise=normalise)
    found = nearest_pictures(maps, HEAD, cameras, normalise=normalise, most_pairwise=0)
    assert found.places.shape == (160, min(listed, neighbours.KEPT))
    assert (found.places[:, 0] == np.arange(len(maps))).all()
    assert (np.diff(found.distances, axis=1) >= 0).all()
    assert np.abs(found.distances[:, :8] - whole.distances[:, :8]).max() < 0.02
    same = [len(set(a[:8]) & set(b[:8])) for a, b in zip(found.places, whole.places, strict=True)]
    assert np.mean(same) > 7.8
    groups = group_pictures(reciprocal_distances(found), cameras)
    kept = groups.labels != ALONE
    assert kept.mean() > 0.9
    assert all(len(set(pids[groups.labels == g])) == 1 for g in range(groups.count))


@pytest.mark.parametrize("most_pairwise", [0, 1000])
def test_stages_are_those_that_the_forecast_reckons_with(most_pairwise, monkeypatch):
    monkeypatch.setattr(neighbours, "LISTED", 60)
    maps, _ = maps_of_people(people=20, views=8)
    cameras = np.arange(len(maps)) % 2
    told: list[str] = []
    nearest_pictures(
        maps, HEAD, cameras, most_pairwise=most_pairwise,
        work=WorkContext(lambda progress: told.append(progress.stage)),
    )  # fmt: skip
    expected = neighbours.pairs_of_stages(cameras, CELLS, most_pairwise=most_pairwise)
    assert list(dict.fromkeys(told)) == list(expected)


def test_what_stages_cost_grows_with_the_pictures_and_not_with_all_exact_pairs():
    cameras = np.arange(20_000) % 6
    pairs = neighbours.pairs_of_stages(cameras, (12, 6))
    assert sum(pairs.values()) < 20_000**2 / 8
    assert pairs[neighbours.COHORTS] == 20_000 * 6 * neighbours._SAMPLE
    twice = neighbours.pairs_of_stages(np.arange(40_000) % 6, (12, 6))
    assert twice[neighbours.SCORED] == 2 * pairs[neighbours.SCORED]
    on_gpu = neighbours.pairs_of_stages(cameras, (12, 6), on_cpu=False)
    assert list(on_gpu) == [neighbours.LISTS, neighbours.COHORTS]
    assert neighbours.pairs_of_stages(cameras[:400], (12, 6)) == {neighbours.PAIRS: 400**2 / 2}


def test_memory_of_lists_grows_with_the_pictures_and_not_with_their_square():
    small, large = (neighbours.bytes_of_pairs(n, 128, (12, 6), 2) for n in (20_000, 80_000))
    assert large == 4 * small
    assert small < 20_000**2


def test_normalised_distances_do_not_prefer_the_own_camera():
    maps, _pids = maps_of_people(people=30, views=6, spread=0.7)
    cameras = np.arange(len(maps)) % 2
    tint = np.random.default_rng(5).normal(size=(2, maps.shape[1], 1, 1))
    looked = maps + 0.5 * tint[cameras]
    looked /= np.linalg.norm(looked, axis=1, keepdims=True)
    looked = looked.astype(np.float16)

    def across(normalise: bool) -> float:
        near = nearest_of_all(all_values(all_logits(looked, HEAD), cameras, normalise))
        return float((cameras[near.places[:, 1:6]] != cameras[:, None]).mean())

    assert across(True) > across(False) + 0.05


def test_neighbour_lists_are_bounded():
    maps, _ = maps_of_people(people=20, views=8)
    near = nearest_pictures(maps, HEAD, np.full(len(maps), -1))
    assert near.places.shape == (160, neighbours.KEPT)
