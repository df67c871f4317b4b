"""A query's own file in the gallery is found through links, and a copy is another picture."""

from __future__ import annotations

import os

import pytest

from qaconv_core.data.own_files import OwnFiles
from qaconv_core.types import ImageRef, ImageSet


def images(*paths):
    return ImageSet(tuple(ImageRef(path) for path in paths))


@pytest.fixture
def folder(tmp_path):
    """Three pictures with the same bytes below two folders."""
    for name in ("one/a.jpg", "one/b.jpg", "two/a.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"the same picture")
    return tmp_path


def test_the_very_file_is_found_and_copies_are_not(folder):
    gallery = images(folder / "one/a.jpg", folder / "one/b.jpg", folder / "two/a.jpg")
    assert OwnFiles(gallery).of(folder / "one/a.jpg").tolist() == [0]
    assert OwnFiles(gallery).of(folder / "one/../one/b.jpg").tolist() == [1]


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_links_are_followed_from_either_side_and_under_any_name(folder, link):
    link(folder / "one/a.jpg", folder / "two/other name.jpg")
    plain = OwnFiles(images(folder / "two/a.jpg", folder / "one/a.jpg"))
    assert plain.of(folder / "two/other name.jpg").tolist() == [1]
    linked = OwnFiles(images(folder / "two/other name.jpg", folder / "one/b.jpg"))
    assert linked.of(folder / "one/a.jpg").tolist() == [0]


def test_a_folder_that_is_a_link_leads_to_the_same_files(folder):
    (folder / "there").symlink_to(folder / "one", target_is_directory=True)
    files = OwnFiles(images(folder / "there/a.jpg", folder / "there/b.jpg"))
    assert files.of(folder / "one/b.jpg").tolist() == [1]


def test_files_that_are_not_there_are_nobodys_own(folder):
    gone = folder / "gone.jpg"
    files = OwnFiles(images(gone, folder / "one/a.jpg"))
    assert files.of(gone).tolist() == []
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    assert files.of(folder / "loop.jpg").tolist() == []


def test_pairs_of_two_sides_and_pictures_listed_twice(folder):
    a, b = folder / "one/a.jpg", folder / "one/b.jpg"
    files = OwnFiles(images(a, b, a))
    pairs = files.pairs(images(folder / "two/a.jpg", a, b))
    assert pairs is not None
    assert list(zip(*(side.tolist() for side in pairs), strict=True)) == [(1, 0), (1, 2), (2, 1)]
    assert files.of(a, b).tolist() == [0, 1, 2]
    assert files.pairs(images(folder / "two/a.jpg")) is None
