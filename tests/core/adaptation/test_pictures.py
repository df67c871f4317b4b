"""Which pictures are adapted to, and what folders stand for."""

from __future__ import annotations

import pytest
from PIL import Image

from qaconv_core.adaptation import pictures_of
from qaconv_core.data import open_dataset
from qaconv_core.errors import DatasetError, InputError
from tests.core.training.tiny import write_people


def write(folder, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 16)).save(path)
    return open_dataset("folder", folder)


def test_folders_named_as_cameras_are_cameras(tmp_path):
    found = pictures_of(write(tmp_path, [f"cam{c}/{i:03}.png" for c in (1, 2) for i in range(30)]))
    assert len(found) == 60
    assert found.cameras == 2
    assert {ref.pid for ref in found.refs} == {None}


def test_few_folders_of_many_pictures_are_cameras_though_their_names_do_not_say_so(tmp_path):
    names = [f"{place}/{i:03}.png" for place in ("7", "hut", "x") for i in range(45)]
    found = pictures_of(write(tmp_path, names))
    assert found.cameras == 3
    assert {ref.pid for ref in found.refs} == {None}
    assert any("camera" in note for note in found.notes)


def test_many_folders_of_few_pictures_are_persons(tmp_path):
    dataset = write(tmp_path, [f"{p}/{i:03}.png" for p in range(10, 25) for i in range(5)])
    found = pictures_of(dataset)
    assert found.cameras == 0
    assert len({ref.pid for ref in found.refs}) == 15
    assert pictures_of(dataset, "cameras").cameras == 15
    assert pictures_of(dataset, "persons").notes == found.notes
    assert {ref.pid for ref in pictures_of(dataset, "none").refs} == {None}
    with pytest.raises(InputError, match="unknown folders"):
        pictures_of(dataset, "rooms")


def test_where_folders_stand_for_nothing_no_note_names_cameras(tmp_path):
    dataset = write(tmp_path, [f"cam{c}/{i:03}.png" for c in (1, 2) for i in range(30)])
    found = pictures_of(dataset, "none")
    assert found.cameras == 0
    assert found.notes == ("folders were taken for neither cameras nor persons (--folders)",)


def test_folders_called_cameras_may_be_said_to_be_persons(tmp_path):
    dataset = write(tmp_path, [f"cam{c}/{i:03}.png" for c in (1, 2) for i in range(30)])
    found = pictures_of(dataset, "persons")
    assert found.cameras == 0
    assert {(ref.pid, ref.person) for ref in found.refs} == {(1, "cam1"), (2, "cam2")}
    assert found.notes == ("each of 2 folders was taken for one person (--folders)",)


def test_a_benchmark_gives_its_training_part_alone(tmp_path):
    dataset = open_dataset("market", write_people(tmp_path, people=6, views=8))
    found = pictures_of(dataset)
    assert set(found.refs) == set(dataset.train)
    assert found.name == "market"


def test_too_few_pictures(tmp_path):
    with pytest.raises(DatasetError, match="too few"):
        pictures_of(write(tmp_path, [f"cam1/{i}.png" for i in range(39)]))
