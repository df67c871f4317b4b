"""Training sets: joined, checked, read; bad ones get a clear line."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qaconv_core.data import open_dataset
from qaconv_core.data.label_maps import label_path
from qaconv_core.errors import DatasetError, ImageError, InputError
from qaconv_core.training import Augmentation
from qaconv_core.training.loading import Hands, load_batches
from qaconv_core.training.people import check_learnable, join_training_sets
from qaconv_core.training.pictures import open_book
from qaconv_core.types import Dataset, ImageRef, ImageSet
from tests.core.training.tiny import SIZE, draw_labels, tiny_book, tiny_dataset, write_people


def made_dataset(name: str, refs: list[ImageRef], root: Path = Path("data")) -> Dataset:
    empty = ImageSet(())
    return Dataset(name, root, "made", ImageSet(tuple(refs)), empty, empty)


def refs(*pids: int | None, camid: int | None = 0) -> list[ImageRef]:
    return [ImageRef(Path(f"{i}.jpg"), pid, camid) for i, pid in enumerate(pids)]


def test_joined_sets_keep_people_and_cameras_apart():
    first = made_dataset("a", [ImageRef(Path("1.jpg"), 3, 0), ImageRef(Path("2.jpg"), 7, 1)])
    second = made_dataset("b", [ImageRef(Path("3.jpg"), 3, 0), ImageRef(Path("4.jpg"), 0, None)])
    people = join_training_sets([first, second])
    assert people.labels.tolist() == [0, 1, 3, 2]
    assert people.cameras.tolist() == [0, 1, 2, -1]
    assert people.classes == 4
    assert people.name == "a+b"
    assert [p.tolist() for p in people.pictures_of] == [[0], [1], [3], [2]]


def test_pictures_of_nobody_known_are_left_out_and_counted():
    people = join_training_sets([made_dataset("a", refs(1, None, 2, 1, -1))])
    assert len(people) == 3
    assert "2 training pictures of nobody known" in people.notes[0]


@pytest.mark.parametrize(("pids", "message"), [
    ([], "has no training pictures"),
    ([None, None], "no person ids"),
])  # fmt: skip
def test_sets_with_nothing_to_learn_are_refused(pids, message):
    with pytest.raises(DatasetError, match=message):
        join_training_sets([made_dataset("a", refs(*pids))])


@pytest.mark.parametrize(("pids", "message"), [
    ([5, 5, 5], "all 3 training pictures show one person"),
    ([1, 2, 3], "each of the 3 people has one training picture only"),
])  # fmt: skip
def test_people_that_teach_nothing_are_refused(pids, message):
    with pytest.raises(DatasetError, match=message):
        check_learnable(join_training_sets([made_dataset("a", refs(*pids))]), 2)


def test_thin_sets_are_noted():
    notes = check_learnable(join_training_sets([made_dataset("a", refs(1, 2, 2, 3, 3, 3, 3))]), 4)
    assert notes[0].startswith("1 of 3 people have one picture")
    assert notes[1].startswith("1 person has fewer than 4 pictures")


def test_unreadable_pictures_are_left_out_and_named(tmp_path):
    folder = write_people(tmp_path / "set", people=3, views=2)
    train = sorted((folder / "bounding_box_train").iterdir())
    train[0].write_bytes(train[0].read_bytes()[:60])
    train[3].write_text("no picture")
    people = join_training_sets([open_dataset("market", folder)])
    book = open_book(people, SIZE, workers=0)
    assert len(book.people) == 4
    assert {item.path for item in book.people.rejected} == {train[0], train[3]}
    for i in range(4):
        with Image.open(book.people.refs[i].path) as image:
            np.testing.assert_array_equal(book.picture(i), np.asarray(image))
    assert book.people.labels.tolist() == [0, 1, 2, 2]


def test_a_person_lost_to_unreadable_pictures_leaves_no_gap(tmp_path):
    folder = write_people(tmp_path / "set", people=3, views=2)
    for path in (folder / "bounding_box_train").glob("0002_*"):
        path.write_bytes(b"")
    book = open_book(join_training_sets([open_dataset("market", folder)]), SIZE, workers=0)
    assert book.people.labels.tolist() == [0, 0, 1, 1]


def test_what_was_left_out_is_told_where_nothing_is_left(tmp_path):
    folder = write_people(tmp_path / "set", people=2, views=2)
    for path in (folder / "bounding_box_train").glob("0002_*"):
        path.write_bytes(b"junk")
    book = open_book(join_training_sets([open_dataset("market", folder)]), SIZE, workers=0)
    with pytest.raises(DatasetError, match=r"show one person \(2 were left out, e.g. .*0002_c1"):
        check_learnable(book.people, 2)


def test_pictures_that_do_not_fit_into_memory_are_read_again(tmp_path):
    people = join_training_sets([tiny_dataset(tmp_path, 2, 2, labels=True)])
    stored, read = open_book(people, SIZE, workers=0), open_book(people, SIZE, workers=0, memory=0)
    assert read.pixels is None
    for i in range(len(people)):
        np.testing.assert_array_equal(stored.picture(i), read.picture(i))
        np.testing.assert_array_equal(stored.label_map(i), read.label_map(i))
    people.refs[0].path.unlink()
    with pytest.raises(ImageError, match=people.refs[0].path.name):
        read.picture(0)


def test_label_maps_are_found_by_name(tmp_path):
    book = tiny_book(tmp_path / "set", 2, 2, labels=True)
    assert book.people.has_label_maps
    np.testing.assert_array_equal(book.label_map(1), draw_labels(1, 1))
    elsewhere = tmp_path / "maps"
    (elsewhere / "bounding_box_train").mkdir(parents=True)
    one = book.people.refs[2].path
    (book.people.label_maps[2]).rename(label_path(one, elsewhere))
    dataset = open_dataset("market", tmp_path / "set")
    people = join_training_sets([dataset], elsewhere)
    assert [p is not None for p in people.label_maps] == [False, False, True, False]
    with pytest.raises(InputError, match="no such folder of label maps"):
        join_training_sets([dataset], tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no label map .*expected e.g. .*box_train.0001"):
        join_training_sets([dataset], tmp_path / "empty")


def test_damaged_label_maps_are_named(tmp_path):
    dataset = tiny_dataset(tmp_path, 2, 2, labels=True)
    people = join_training_sets([dataset])
    people.label_maps[1].write_bytes(b"\x89PNG no")
    with pytest.raises(ImageError, match=people.label_maps[1].name):
        open_book(people, SIZE, workers=0)
    Image.new("RGB", (32, 64)).save(people.label_maps[1])
    with pytest.raises(ImageError, match="one number a pixel"):
        open_book(people, SIZE, workers=0)


def batches(book, **options):
    plan = np.arange(8).reshape(2, 4)
    return list(load_batches(book, plan, Augmentation(pad=2, flip=0.5, occlusion=(0, 0.5)),
                             grid=(8, 4), seed=3, epoch=1, **options))  # fmt: skip


def test_batches_are_the_same_however_they_are_made(tmp_path, monkeypatch):
    # Workers start fresh: a fork inherits the locks of threads that it does not have.
    monkeypatch.setattr(os, "fork", None, raising=False)
    book = tiny_book(tmp_path, 4, 2, labels=True)
    whole = batches(book)
    assert whole[0].pixels.shape == (4, 3, 64, 32)
    assert whole[0].parts.shape == (4, 32)
    hands, on_disk = Hands(1), open_book(book.people, SIZE, workers=0, memory=0)
    with closing(hands):
        others = [batches(book, hands=hands), batches(on_disk, hands=hands), batches(on_disk)]
    for other in others:
        for a, b in zip(whole, other, strict=True):
            assert a.pixels.equal(b.pixels)
            assert a.parts.equal(b.parts)
    assert batches(book, start=1)[0].pixels.equal(whole[1].pixels)
    halves = [batches(book, share=(rank, 2)) for rank in (0, 1)]
    for number in (0, 1):
        assert halves[0][number].pixels.equal(whole[number].pixels[:2])
        assert halves[1][number].labels.equal(whole[number].labels[2:])
    with pytest.raises(InputError, match="cannot be shared by 3 processes"):
        batches(book, share=(0, 3))


def test_fingerprints_tell_sets_apart():
    first = join_training_sets([made_dataset("a", refs(1, 1, 2))])
    assert first.fingerprint == join_training_sets([made_dataset("b", refs(4, 4, 5))]).fingerprint
    assert first.fingerprint != join_training_sets([made_dataset("a", refs(1, 2, 2))]).fingerprint
