"""Rendered people beside the groups: who is learned from, who is measured on, what is joined."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qaconv_core.adaptation import replay
from qaconv_core.adaptation.replay import MapQuality, replayed_people, with_replay
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


def test_who_adapts_to_the_demo_has_its_pictures_already():
    demo = open_dataset("demo")
    paths = {ref.path for ref in (*demo.query, *demo.gallery)}
    rendered = replayed_people(500, SIZE, 0, without=paths)
    assert len(rendered.people) == 0
    book = own_book()
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
