"""Rendered people beside the groups: who is learned from, who is measured on, what is joined."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qaconv_core.adaptation import replay
from qaconv_core.adaptation.replay import (
    MapQuality,
    before_surroundings,
    replayed_people,
    surroundings,
    with_replay,
)
from qaconv_core.data import open_dataset
from qaconv_core.data.resources import resource_path
from qaconv_core.progress import NO_CONTEXT
from qaconv_core.training.people import TrainingSet
from qaconv_core.training.pictures import PictureCache
from qaconv_core.types import ImageRef

SIZE = (32, 16)


def own_book(count: int = 12) -> PictureCache:
    people = TrainingSet(
        "own",
        tuple(ImageRef(Path(f"{i}.png"), None, i % 2) for i in range(count)),
        np.arange(count) // 4,
        np.arange(count) % 2,
        (None,) * count,
    )
    return PictureCache(people, SIZE, np.zeros((count, *SIZE, 3), dtype=np.uint8))


def test_nobody_is_learned_from_and_measured_on():
    demo = open_dataset("demo")
    halves = [replay._half(demo, learned) for learned in (True, False)]
    learned, measured = ({ref.pid for ref in (*half.query, *half.gallery)} for half in halves)
    assert len(learned) >= 20
    assert len(measured) >= 20
    assert not learned & measured
    assert min(learned | measured) > 0, "no distractors"


def test_rendered_people_stand_beside_the_groups_with_their_label_maps():
    rendered = replayed_people(500, SIZE, 0)
    assert len(rendered.people) == 100
    joined = with_replay(own_book(), rendered)
    people = joined.people
    assert people.classes == 3 + rendered.people.classes
    assert not set(people.labels[:12]) & set(people.labels[12:])
    assert not set(people.cameras[:12]) & set(people.cameras[12:])
    assert joined.label_map(0) is None
    assert (joined.label_map(12) == rendered.label_map(0)).all()
    assert joined.label_map(12).max() > 0
    assert (joined.picture(12) == rendered.picture(0)).all()
    again = replayed_people(500, SIZE, 0).people
    assert again.refs == rendered.people.refs
    assert replayed_people(500, SIZE, 1).people.refs != rendered.people.refs


def test_rendered_people_come_again_once_all_have_come():
    learned = sum(1 for _ in replayed_people(10_000, (8, 4), 0).people.refs)
    assert learned == replay.LIMITS[1]
    refs = replayed_people(10_000, (8, 4), 0).people.refs
    demo = replay._half(open_dataset("demo"), learned=True)
    there = len(demo.query) + len(demo.gallery)
    assert len(set(refs[:there])) == min(there, len(refs))
    assert max(refs.count(ref) for ref in set(refs)) == -(-len(refs) // there)


def test_rendered_people_stand_before_what_surrounds_people_in_own_pictures():
    rendered = replayed_people(500, (96, 48), 0)
    own = own_book()
    own = PictureCache(own.people, (96, 48), np.full((12, 96, 48, 3), 7, np.uint8))
    found = before_surroundings(rendered, own, 3)
    person = np.asarray(rendered.labels) > 0
    inside, outside = person.copy(), ~person
    for axis in (1, 2):  # away from edges, which are blurred
        for step in (-1, 1):
            inside &= np.roll(inside, step, axis)
            outside &= np.roll(outside, step, axis)
    changed = [(found.picture(i) != rendered.picture(i)).any() for i in range(len(person))]
    assert 0.6 < np.mean(changed) < 0.95
    assert (found.pixels[inside] == rendered.pixels[inside]).all()
    for i in np.flatnonzero(changed):
        assert (found.picture(i)[outside[i]] == 7).all()
    assert found.people is rendered.people
    assert (found.labels == rendered.labels).all()
    again = before_surroundings(rendered, own, 3)
    assert (again.pixels == found.pixels).all()
    assert not (before_surroundings(rendered, own, 4).pixels == found.pixels).all()


def test_surroundings_show_nothing_of_the_middle():
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[:, :6], picture[:, 6:24], picture[:, 24:] = (9, 0, 0), (0, 200, 0), (0, 0, 9)
    found = surroundings(picture)
    assert found.shape == picture.shape
    assert (found[:, :15] == (9, 0, 0)).all()
    assert (found[:, 15:] == (0, 0, 9)).all()
    assert surroundings(picture[:, :3]).shape == (20, 3, 3)


def test_who_adapts_to_the_demo_has_its_pictures_already():
    demo = open_dataset("demo")
    paths = {ref.path for ref in (*demo.query, *demo.gallery)}
    rendered = replayed_people(500, SIZE, 0, without=paths)
    assert len(rendered.people) == 0
    book = own_book()
    assert before_surroundings(rendered, book, 0) is rendered
    assert with_replay(book, rendered) is book


def test_the_maps_of_the_bundled_model_are_measured_the_same_every_time():
    path = resource_path("model", "checkpoint.pth.tar")
    found = replay.map_quality(path, "cpu", None, NO_CONTEXT)
    assert found == replay.map_quality(path, "cpu", None, NO_CONTEXT)
    assert 0.4 < found.parts < 0.9
    assert 0.05 < found.background < 0.4


def test_maps_may_not_fall():
    before = MapQuality(0.60, 0.20)
    assert MapQuality(0.58, 0.24).honest(before)
    assert not MapQuality(0.56, 0.20).honest(before)
    assert not MapQuality(0.60, 0.26).honest(before)
