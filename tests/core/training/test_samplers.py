"""Batches hold what their definition says, on sets where the answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qaconv_core.data import open_dataset
from qaconv_core.errors import InputError
from qaconv_core.training.people import TrainingSet, join_training_sets
from qaconv_core.training.pictures import open_book
from qaconv_core.training.samplers import Decks, graph_plan, identity_plan, neighbours, random_plan
from qaconv_core.types import ImageRef
from tests import oracles
from tests.core.training.tiny import SIZE, tiny_recipe, tiny_trainer, write_people


def people_with(counts: list[int]) -> TrainingSet:
    labels = np.repeat(np.arange(len(counts)), counts)
    refs = tuple(ImageRef(Path(f"{i}.png"), int(p)) for i, p in enumerate(labels))
    return TrainingSet("set", refs, labels, np.zeros(len(refs), np.int64), (None,) * len(refs))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def line_distances(people: TrainingSet):
    """People stand on a line at squares: everyone's neighbours are known."""

    def distances(places):
        x = people.labels[places].astype(np.float32) ** 2
        return np.abs(x[:, None] - x[None, :])

    return distances


def test_graph_batches_hold_each_person_and_its_nearest():
    people = people_with([3, 2, 5, 4, 2, 3, 7])
    plan = graph_plan(people, 6, 2, rng(), line_distances(people), Decks(people))
    assert plan.shape == (7, 6)
    found = {tuple(people.labels[batch].tolist()) for batch in plan}
    # Each person first, then its two nearest on the line 0 1 4 9 16 25 36.
    assert found == {
        (0, 0, 1, 1, 2, 2), (1, 1, 0, 0, 2, 2), (2, 2, 1, 1, 0, 0), (3, 3, 2, 2, 4, 4),
        (4, 4, 3, 3, 5, 5), (5, 5, 4, 4, 6, 6), (6, 6, 5, 5, 4, 4),
    }  # fmt: skip
    assert all(len(set(batch)) == 6 for batch in plan.tolist())


def test_graph_uses_a_persons_pictures_up_before_repeating_any():
    people = people_with([4] * 5)
    plan = graph_plan(people, 10, 2, rng(1), line_distances(people), Decks(people))
    counts = np.bincount(plan.ravel(), minlength=20)
    # Everybody stands in all five batches with two pictures each: ten draws of four pictures.
    assert counts.reshape(5, 4).sum(axis=1).tolist() == [10] * 5
    assert set(counts.tolist()) <= {2, 3}


def test_decks_go_on_from_epoch_to_epoch():
    people = people_with([5] * 4)
    decks, again, fresh = Decks(people), Decks(people), Decks(people)
    drawn: list[list[int]] = [[] for _ in range(4)]
    for epoch in range(6):
        if epoch == 3:  # as a resumed run does
            again.restore(json.loads(json.dumps(decks.state())))
            decks = again
        plan = graph_plan(people, 8, 2, rng(epoch), line_distances(people), decks)
        for batch in plan.tolist():
            for place in batch:
                drawn[people.labels[place]].append(place)
    # Over all epochs everybody's five pictures were used equally often, but for the last round.
    for places in drawn:
        counts = np.bincount(places, minlength=20)[np.unique(places)]
        assert len(counts) == 5
        assert counts.max() - counts.min() <= 1
    once, twice = (
        graph_plan(people, 8, 2, rng(9), line_distances(people), d) for d in (decks, fresh)
    )
    assert (once != twice).any()
    with pytest.raises(InputError, match="other people"):
        decks.restore([[0, 0], [], [], []])
    with pytest.raises(InputError, match="other people"):
        decks.restore([[7], [], [], []])


def test_graph_takes_one_random_picture_of_everybody():
    people = people_with([3, 1, 4])
    seen = []

    def distances(places):
        seen.append(places)
        return np.ones((3, 3))

    plan = graph_plan(people, 4, 2, rng(), distances, Decks(people))
    assert people.labels[seen[0]].tolist() == [0, 1, 2]
    # Equal distances go to the lower number.
    first_two = {tuple(dict.fromkeys(people.labels[b].tolist())) for b in plan}
    assert first_two == {(0, 1), (1, 0), (2, 0)}


def test_distances_that_are_no_numbers_are_far():
    people = people_with([2, 2, 2])
    table = np.array([[0, np.nan, 3], [np.nan, 0, np.inf], [3, 1, 0]], np.float32)
    plan = graph_plan(people, 4, 2, rng(), lambda places: table, Decks(people))
    pairs = {tuple(dict.fromkeys(people.labels[b].tolist())) for b in plan}
    assert pairs == {(0, 2), (1, 0), (2, 1)}
    with pytest.raises(InputError, match="3 people need square distances"):
        graph_plan(people, 4, 2, rng(), lambda places: table[:2], Decks(people))


def test_neighbours_equal_a_plain_sort(monkeypatch):
    from qaconv_core.training import samplers

    monkeypatch.setattr(samplers, "_ROWS", 3)
    distances = rng(2).integers(0, 4, (8, 8)).astype(np.float32)
    np.fill_diagonal(distances, np.inf)
    found = neighbours(distances, 5)
    for i in range(8):
        order = sorted((j for j in range(8) if j != i), key=lambda j, i=i: (distances[i, j], j))
        assert found[i].tolist() == order[:5]


def test_identity_batches_hold_different_people_and_all_pictures():
    people = people_with([4, 4, 2, 6, 4, 4, 8, 4])
    plan = identity_plan(people, 6, 2, rng(3))
    for batch in plan:
        labels = people.labels[batch].reshape(3, 2)
        assert (labels[:, 0] == labels[:, 1]).all()
        assert len(set(labels[:, 0].tolist())) == 3
        assert len(set(batch.tolist())) == 6
    assert set(plan.ravel().tolist()) == set(range(len(people)))


def test_people_with_few_pictures_are_repeated_but_not_before_need():
    people = people_with([1, 3, 5])
    plan = identity_plan(people, 8, 4, rng(4))
    for batch in plan:
        for person, count in ((0, 1), (1, 3), (2, 4)):
            mine = batch[people.labels[batch] == person]
            assert len(mine) in (0, 4)
            assert len(mine) == 0 or len(set(mine.tolist())) == count


def test_fewer_people_than_a_batch_holds_make_smaller_batches():
    people = people_with([2, 2])
    assert identity_plan(people, 64, 2, rng()).shape[1] == 4
    assert graph_plan(people, 64, 2, rng(), line_distances(people), Decks(people)).shape == (2, 4)
    assert random_plan(people, 64, rng()).shape == (1, 4)


def test_random_batches_hold_every_picture_at_most_once():
    people = people_with([3, 4, 5])
    plan = random_plan(people, 5, rng())
    assert plan.shape == (2, 5)
    assert len(set(plan.ravel().tolist())) == 10


def test_plans_depend_on_the_seed_alone():
    people = people_with([4, 3, 5, 2])
    for make in (
        lambda r: random_plan(people, 4, r),
        lambda r: identity_plan(people, 4, 2, r),
        lambda r: graph_plan(people, 4, 2, r, line_distances(people), Decks(people)),
    ):
        np.testing.assert_array_equal(make(rng(5)), make(rng(5)))
        assert not np.array_equal(make(rng(5)), make(rng(6)))


def test_the_graphs_distances_can_be_re_ranked(tmp_path):
    book = open_book(join_training_sets([open_dataset("market", write_people(tmp_path))]), SIZE)
    places = np.arange(len(book.people.labels))
    found = {}
    for rerank in (False, True):
        trainer = tiny_trainer(tiny_recipe("v2.0", num_instance=4, gs_rerank=rerank), book)
        found[rerank] = trainer._distances(places)
    logits = -found[False]
    plain = 1 / (1 + np.exp(logits / 10))
    expected = oracles.k_reciprocal(plain, plain, plain)
    np.testing.assert_allclose(found[True], expected, atol=1e-4)
    assert np.abs(found[True] - plain).max() > 0.01


def test_release_2_begins_with_a_random_head_and_norms_that_learn(tmp_path):
    book = open_book(join_training_sets([open_dataset("market", write_people(tmp_path))]), SIZE)
    trainers = {name: tiny_trainer(tiny_recipe(name), book) for name in ("v2.0", "v2.1")}
    spread = {
        name: float(t.criterion.matcher.fc.weight.detach().std()) for name, t in trainers.items()
    }
    assert spread["v2.0"] > 0.01
    assert spread["v2.1"] == 0
    assert trainers["v2.0"].network.neck_conv.bias is None
    assert trainers["v2.0"].network.neck_bn is not None
    assert trainers["v2.1"].network.neck_conv.bias is not None
