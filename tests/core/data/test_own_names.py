"""What pictures of one's own are called where nobody gave them a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaconv_core.data import DATASETS, open_folder
from qaconv_core.data.catalog import _ENTRIES
from qaconv_core.data.described import opened_by_name
from qaconv_core.data.description import save_description
from qaconv_core.data.folder import title_at
from qaconv_core.data.folder_guess import Wishes
from qaconv_core.data.own_names import own_name
from qaconv_core.data.proposal import propose
from tests.builders import write_names

FLAT = ("a.jpg", "b.jpg")


def write_list(folder, name="list.csv"):
    write_names(folder, FLAT, pictures=False)
    (folder / name).write_text("path,camid\na.jpg,1\nb.jpg,2\n")
    return folder / name


@pytest.mark.parametrize("called", ["shop", "двор 写真", "a\nb", "market", "Demo"])
def test_a_folder_is_called_by_its_own_name_and_never_as_a_known_set(tmp_path, called):
    folder = write_names(tmp_path / called, FLAT, pictures=False)
    name = {
        "a\nb": r"a\nb", "market": "market (own pictures)", "Demo": "Demo (own pictures)",
    }.get(called, called)  # fmt: skip
    assert open_folder(folder).name == title_at(folder) == name
    save_description(propose([folder]).description)
    assert open_folder(folder).name == title_at(folder) == name


def test_a_table_is_called_by_its_folder_and_one_of_several_by_both(tmp_path):
    table = write_list(tmp_path / "shop")
    assert open_folder(table).name == open_folder(tmp_path / "shop").name == "shop"
    assert title_at(table) == title_at(tmp_path / "shop") == "shop"
    (tmp_path / "shop" / "ranked.csv").write_text("query,rank,logit,score\n")
    assert open_folder(table).name == "shop"  # a result is no table of pictures
    write_list(tmp_path / "shop", "more.csv")
    assert [open_folder(table.with_name(n)).name for n in ("list.csv", "more.csv")] == [
        "shop list", "shop more",
    ]  # fmt: skip


def test_a_name_that_was_given_goes_before(tmp_path):
    folder = write_names(tmp_path / "shop", FLAT, pictures=False)
    save_description(propose([folder], Wishes(name="Laden")).description)
    assert open_folder(folder).name == title_at(folder) == "Laden"


def test_several_places_under_one_name_are_opened_again_by_it(tmp_path):
    places = [write_names(tmp_path / d / "cam", FLAT, pictures=False) for d in ("north", "south")]
    (tmp_path / "else.jpg").write_bytes(b"x")
    file = save_description(propose(places, Wishes(name="Both gates")).description).file
    data = open_folder(file)
    assert (data.name, data.root) == ("Both gates", tmp_path)
    assert opened_by_name("Both gates", data.root) == file
    assert opened_by_name("Both gates", tmp_path / "other") == tmp_path / "other"
    assert opened_by_name("nobody", tmp_path) == tmp_path


def test_all_names_of_known_sets_are_taken(tmp_path):
    assert {*_ENTRIES, "folder", "demo"} == set(DATASETS)
    assert own_name(tmp_path / "CUHK03-NP-detected") == "CUHK03-NP-detected (own pictures)"
    assert "/" not in own_name(Path(tmp_path.anchor))
