"""What a folder is, its content tells."""

from __future__ import annotations

import pytest

from qaconv_core.data import open_gallery, recognise
from qaconv_core.errors import DatasetError
from tests.builders import (
    write_clonedperson,
    write_cuhk03,
    write_duke,
    write_market,
    write_msmt,
    write_names,
    write_people,
    write_randperson,
)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (write_market, "market"),
        (write_duke, "duke"),
        (write_msmt, "msmt"),
        (write_randperson, "randperson"),
        (write_clonedperson, "clonedperson"),
    ],
)
@pytest.mark.parametrize("folder", ["x", "a/b"])
def test_sets_are_recognised_under_any_name(tmp_path, write, name, folder):
    assert recognise(write(tmp_path / folder, pictures=False)) == name


def test_boxes_of_cuhk03_are_told_apart_by_the_folders_name(tmp_path):
    for boxes in ("labeled", "detected"):
        folder = write_cuhk03(tmp_path / f"cuhk03_np_{boxes}", pictures=False)
        assert recognise(folder) == f"cuhk03_np_{boxes}"


def test_an_archive_inside_a_folder_of_the_sets_name_is_found(tmp_path):
    write_market(tmp_path / "market" / "Market-1501-v15.09.15", pictures=False)
    assert recognise(tmp_path / "market") == "market"


def test_anything_else_is_a_folder(tmp_path):
    write_people(tmp_path / "people", {"ann": 2, "bob": 2}, pictures=False)
    write_names(tmp_path / "flat", ["a.jpg"], pictures=False)
    for path in (
        tmp_path / "people",
        tmp_path / "flat",
        tmp_path / "gone",
        tmp_path / "flat/a.jpg",
    ):
        assert recognise(path) == "folder"
    assert recognise(tmp_path) == "folder"


def test_a_gallery_folder_is_a_known_set_too(tmp_path):
    root = write_market(tmp_path / "of mine")
    found = open_gallery(str(root))
    assert (found.name, len(found.query) > 0) == ("market", True)
    assert [ref.time is not None for ref in found.gallery] == [True] * len(found.gallery)
    assert {ref.path.parent.name for ref in found.gallery} == {"bounding_box_test"}
    by_name = open_gallery("Market", root)
    assert by_name.gallery == found.gallery


def test_a_known_set_without_a_gallery_is_searched_whole(tmp_path):
    root = write_randperson(tmp_path / "of mine")
    assert recognise(root) == "randperson"
    found = open_gallery(str(root))
    assert found.name == "of mine"
    assert len(found.gallery) > 0


def test_a_gallery_that_is_nothing_is_named():
    with pytest.raises(DatasetError, match=r"nothing.+, and no folder or table of that name"):
        open_gallery("nothing here")
