"""Pairs to ask about: near the threshold, between what is not known to be one or two persons."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.errors import Cancelled
from qaconv_core.galleries.suggestions import FROM_GALLERY, labelled_pairs, suggest_pairs
from qaconv_core.matching.scores import score_maps
from qaconv_core.model import load_model
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.types import FeatureBank
from tests.checkpoints import write_checkpoint
from tests.small_world import small_checkpoint

PEOPLE, SHOTS = 6, 4


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "checkpoint.pth.tar"
    write_checkpoint(path, small_checkpoint())
    return load_model(str(path), "cpu")


@pytest.fixture(scope="module")
def gallery(model):
    """Six people, four pictures each, alike enough that some pairs are hard."""
    random = np.random.default_rng(5)
    c, h, w = model.map_shape
    centres = random.standard_normal((PEOPLE, c, h, w))
    maps = np.repeat(centres, SHOTS, axis=0)
    maps = maps + 0.7 * random.standard_normal(maps.shape)
    maps /= np.linalg.norm(maps, axis=1, keepdims=True)
    return FeatureBank(maps.astype(np.float16), np.arange(len(maps)))


def who(picture):
    return picture // SHOTS


def plain_logits(model, gallery):
    logits = score_maps(gallery, gallery, model.head)
    return (logits + logits.T) / 2


def both(model, gallery, persons):
    pairs = labelled_pairs(model, gallery, persons)
    return pairs.same, pairs.different


def test_logits_of_labelled_pairs_are_those_of_all_pairs(model, gallery):
    persons = {0: "Ann", 1: "Ann", 4: "Bob", 5: "Bob", 9: "Cid"}
    same, different = both(model, gallery, persons)
    logits = plain_logits(model, gallery)
    pairs = [(a, b) for a in persons for b in persons if a < b]
    wanted = {True: [], False: []}
    for a, b in pairs:
        wanted[persons[a] == persons[b]].append(logits[a, b])
    assert same == pytest.approx(sorted(wanted[True]), rel=1e-4)
    assert different == pytest.approx(sorted(wanted[False]), rel=1e-4)
    assert [len(part) for part in both(model, gallery, {})] == [0, 0]


def test_without_labels_the_threshold_is_the_gallerys_own_and_pairs_go_away_from_it(model, gallery):
    found = suggest_pairs(model, gallery, {})
    assert found.rule == FROM_GALLERY
    assert found.pairs
    far = [abs(pair.logit - found.threshold) for pair in found.pairs]
    assert far == sorted(far)
    uses = [picture for pair in found.pairs for picture in (pair.one, pair.other)]
    assert max(uses.count(picture) for picture in set(uses)) <= 2
    logits = score_maps(gallery, gallery, model.head)
    for pair in found.pairs:
        either = (logits[pair.one, pair.other], logits[pair.other, pair.one])
        assert min(abs(pair.logit - value) for value in either) < 1e-3


def test_labels_set_the_threshold_between_one_person_and_two(model, gallery):
    persons = {picture: f"person {who(picture)}" for picture in range(2 * SHOTS)}
    found = suggest_pairs(model, gallery, persons)
    same, different = both(model, gallery, persons)
    assert "labelled pairs" in found.rule
    missed = np.mean(same <= found.threshold)
    wrong = np.mean(different > found.threshold)
    others = np.concatenate([same, different])
    best = min(abs(np.mean(same <= t) - np.mean(different > t)) for t in others)
    assert abs(missed - wrong) == pytest.approx(best)


def test_nothing_is_asked_that_is_known(model, gallery):
    persons = {0: "Ann", 1: "Ann", 2: "Ann", 4: "Bob", 5: "Bob"}
    apart = [(0, 5), (8, 9)]
    asked = {
        frozenset(persons.get(picture, picture) for picture in (pair.one, pair.other))
        for pair in suggest_pairs(model, gallery, persons, apart, count=500).pairs
    }
    assert all(len(pair) == 2 for pair in asked), "nobody is asked within a person"
    assert frozenset(("Ann", "Bob")) not in asked, "one rejected pair tells two persons apart"
    assert frozenset((8, 9)) not in asked
    plain = suggest_pairs(model, gallery, {}, count=500)
    assert len({(p.one, p.other) for p in plain.pairs}) == len(plain.pairs)


def test_few_pictures_and_cancelling(model, gallery):
    assert not suggest_pairs(model, gallery.select([3]), {}).pairs
    assert len(suggest_pairs(model, gallery.select([3, 9]), {}).pairs) == 1
    assert len(suggest_pairs(model, gallery, {}, count=3).pairs) == 3
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        suggest_pairs(model, gallery, {}, context=WorkContext(None, cancel))
