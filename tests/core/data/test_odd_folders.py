"""Folders and tables as people have them: beside results, of other programs, by camera."""

from __future__ import annotations

import os
from datetime import datetime

import pytest

from qaconv_core.data import check_dataset, open_dataset, open_folder
from qaconv_core.data.description import save_description
from qaconv_core.data.proposal import propose
from qaconv_core.data.scan import scan_pictures
from qaconv_core.evaluation.ranked_lists import ranking_csv
from qaconv_core.galleries.values import OpenSet
from qaconv_core.store.decisions import Decision, decisions_csv
from tests import builders

NAMES = [f"{pid:04}_c{camera}_{n}.jpg" for pid in (1, 2) for camera in (1, 2) for n in range(2)]


def table(tmp_path, header, rows, name="table.csv"):
    builders.write_names(tmp_path, NAMES, pictures=False)
    file = tmp_path / name
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


def ids(tmp_path, four):
    rows = [f"{name},{pid},1" for name, pid in zip(NAMES, four, strict=False)]
    return open_folder(table(tmp_path, "path,pid,camid", rows), split=False)


def test_own_results_are_no_table_of_pictures(tmp_path):
    builders.write_names(tmp_path, NAMES, pictures=False)
    item = {"rank": 1, "path": NAMES[0], "logit": 1.0, "score": 0.5}
    results = {
        "ranked.csv": ranking_csv([{"query": "q", "results": [item]}]),
        "decided.csv": decisions_csv([Decision(NAMES[0], NAMES[1], "confirm")]),
        "results.csv": "# measures are fractions in [0, 1]\n# path, pid\ndataset,method\n",
    }
    for name, text in results.items():
        (tmp_path / name).write_text(text)
    data = open_folder(tmp_path, split=False)
    assert len(data.gallery) == len(NAMES)
    why = {item.path.name: item.reason for item in data.rejected}
    assert why == dict.fromkeys(results, "a result of this program, not a table of pictures")


@pytest.mark.parametrize("header", ["file_name,caption", "path,caption", "image,colour,size"])
def test_a_foreign_table_beside_pictures_is_said_and_not_used(tmp_path, header):
    table(tmp_path, header, [f"{NAMES[0]},a man,x"], "metadata.csv")
    data = open_folder(tmp_path, split=False)
    assert len(data.gallery) == len(NAMES)
    (left,) = data.rejected
    assert left.path.name == "metadata.csv"
    assert "not used: a table without" in left.reason


@pytest.mark.parametrize(
    ("folders", "cameras"),
    [
        (("cam_a", "cam_b"), 2), (("north", "south", "lobby"), 3), (("gate 1", "gate-2"), 2),
        (("Kamera A", "Камера Б", "カメラ 3"), 3),
        (("Camera left", "Camera right"), 2), (("view1", "view2"), 2),
    ],
)  # fmt: skip
def test_folders_of_cameras_are_no_persons(tmp_path, folders, cameras):
    names = [f"{folder}/{n:03}_45.jpg" for folder in folders for n in range(3)]
    builders.write_names(tmp_path, names, pictures=False)
    data = open_dataset("folder", tmp_path)
    assert {ref.pid for ref in data.gallery} == {None}
    assert {ref.camid for ref in data.gallery} == set(range(cameras))
    assert len(data.query) == 0
    assert any("cameras were taken from folder names" in note for note in data.notes)
    assert check_dataset(data, decode=False).valid_queries == 0


def test_a_person_called_like_a_place_among_others_is_a_person(tmp_path):
    builders.write_people(tmp_path, {"anna": 2, "west": 2}, pictures=False)
    assert {ref.pid for ref in open_folder(tmp_path).gallery} == {1, 2}


@pytest.mark.parametrize(
    "four",
    [
        ["12345678901234567890", "12345678901234567891", "12345678901234567892", "1"],
        ["3e5", "a4f", "771", "c0de"],
        ["17", "17b", "18", "Unit 4"],
        ["7", "07", "007", "8"],
    ],
)
def test_ids_are_names_as_they_stand(tmp_path, four):
    data = ids(tmp_path, four)
    assert sorted(ref.pid for ref in data.gallery) == [1, 2, 3, 4]
    assert any("numbered in sorted order" in note for note in data.notes)
    if "07" in four:
        assert any("zeros in front are kept apart" in note for note in data.notes)


def test_whole_numbers_of_a_spreadsheet_stay_numbers(tmp_path):
    assert [ref.pid for ref in ids(tmp_path, ["7.0", "+12", "12", "7"]).gallery] == [7, 12, 12, 7]


def test_dates_and_decimal_commas(tmp_path):
    moments = ["2024-05-01 12:00:10", "2024-05-01T12:00:00Z", "", "2024-05-01 14:00:00+02:00"]
    rows = [f"{name},1,{moment}" for name, moment in zip(NAMES, moments, strict=False)]
    data = open_folder(table(tmp_path / "a", "path,pid,time", rows), split=False)
    assert [ref.time for ref in data.gallery] == [10.0, 0.0, None, 0.0]
    assert any("seconds after 2024-05-01 12:00:00" in note for note in data.notes)
    assert OpenSet.of(data).start == datetime(2024, 5, 1, 12, 0)
    rows = [f"{name};1;{n},5" for n, name in enumerate(NAMES)]
    data = open_folder(table(tmp_path / "b", "path;pid;time", rows), split=False)
    assert [ref.time for ref in data.gallery] == [n + 0.5 for n in range(len(NAMES))]


def test_other_usual_columns(tmp_path):
    rows = [f"{name},{n // 4},gate {n % 2},{('query', 'gallery')[n % 4 > 0]}"
            for n, name in enumerate(NAMES)]  # fmt: skip
    data = open_folder(table(tmp_path, "filename,person_id,camera,subset", rows))
    assert (len(data.query), len(data.gallery)) == (2, 6)
    assert {ref.pid for ref in data.gallery} == {0, 1}
    assert any("person_id as pid" in note for note in data.notes)
    assert check_dataset(data, decode=False).valid_queries == 2


def test_unknown_cameras_are_warned_of(tmp_path):
    rows = [f"{name},{name[:4]},{('query', 'gallery')[n % 4 > 0]}" for n, name in enumerate(NAMES)]
    data = open_folder(table(tmp_path, "path,pid,split", rows))
    report = check_dataset(data, decode=False)
    assert any("near-duplicates" in line for line in report.warnings)


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text(tmp_path):
    for n in range(3):
        with open(os.fsencode(tmp_path) + b"/caf\xe9_%d.jpg" % n, "wb") as file:
            file.write(b"x")
    data = open_folder(tmp_path)
    assert len(data.gallery) == 3
    lines = "\n".join(check_dataset(data).lines())
    lines.encode()  # no name that is no text is in it
    assert "caf\\udce9_0.jpg" in lines


def test_several_folders_that_fit_are_said(tmp_path):
    builders.write_market(tmp_path / "a" / "Market-1501", pictures=False)
    builders.write_market(tmp_path / "b" / "Market-1501", pictures=False)
    data = open_dataset("market", tmp_path)
    assert any("would fit as well" in note for note in data.notes)
    alone = open_dataset("market", tmp_path / "a")
    assert not any("would fit" in note for note in alone.notes)


def test_lines_that_contradict_each_other_are_counted_and_the_first_is_named(tmp_path):
    rows = [
        f"{NAMES[0]},ann,yard,1",
        f"{NAMES[1]},,yard,",
        f"../{tmp_path.name}/{NAMES[0]},bob,yard,1",  # another way to the same file
        f"{NAMES[1]},eve,yard,7",  # says what the first line leaves open
        f"{NAMES[0]},ann,yard,1.0",
        f"{NAMES[2]},ann,yard,1",
        f"{NAMES[2]},ann,gate,1",
    ]
    file = table(tmp_path, "path,pid,camid,time", rows)
    data = open_folder(file, split=False)
    said = (
        f"table.csv: 2 pictures have lines that contradict each other, {NAMES[0]} first (person "
        "ann on line 2, bob on line 4): the earlier line counts"
    )
    assert said in data.notes
    assert [(ref.person, ref.camera, ref.time) for ref in data.gallery] == [
        ("ann", "yard", 1.0), ("eve", "yard", 7.0), ("ann", "yard", 1.0),
    ]  # fmt: skip
    assert data.rejected[0].reason == (
        "the same picture as line 2, which is kept (table.csv line 4)"
    )
    save_description(propose([file]).description)
    again = open_folder(file, split=False)
    assert said in again.notes
    assert [(ref.person, ref.time) for ref in again.gallery] == [
        ("ann", 1.0), ("eve", 7.0), ("ann", 1.0),
    ]  # fmt: skip


def test_lines_that_contradict_each_other_in_two_splits_both_count(tmp_path):
    rows = [f"{NAMES[0]},ann,query", f"{NAMES[0]},bob,gallery", f"{NAMES[1]},ann,gallery"]
    data = open_folder(table(tmp_path, "path,pid,split", rows))
    assert any("ann on line 2, bob on line 3): both count, each in its split" in note
               for note in data.notes)  # fmt: skip
    assert [ref.person for ref in (*data.query, *data.gallery)] == ["ann", "bob", "ann"]
    rows[1] = f"{NAMES[0]},ann,gallery"
    again = open_folder(table(tmp_path, "path,pid,split", rows))
    assert not any("contradict" in note for note in again.notes)


def test_folders_without_pictures_are_named_the_outermost_of_each(tmp_path):
    builders.write_names(tmp_path, ["north/a.jpg", "south/day/b.jpg"], pictures=False)
    for folder in ("yard/old", "south/night", ".hidden"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "yard" / "notes.txt").write_text("nothing to see")
    data = open_folder(tmp_path, split=False)
    assert "2 folders hold no picture: south/night, yard" in data.notes
    found = propose([tmp_path])
    assert "2 folders hold no picture: south/night, yard" in found.dataset.notes
    for folder in ("south/night", "yard/old"):
        builders.write_names(tmp_path / folder, ["c.jpg"], pictures=False)
    assert not any("no picture" in note for note in open_folder(tmp_path).notes)


def test_one_of_several_folders_without_a_picture_is_named(tmp_path):
    builders.write_names(tmp_path / "north", ["a.jpg", "b.jpg"], pictures=False)
    (tmp_path / "south" / "deep").mkdir(parents=True)
    notes = propose([tmp_path / "north", tmp_path / "south"]).dataset.notes
    assert "1 folder holds no picture: south" in notes


def test_links_to_folders_above_are_not_followed(tmp_path):
    mine, other = tmp_path / "all" / "mine", tmp_path / "all" / "other"
    builders.write_names(mine, NAMES[:4], pictures=False)
    builders.write_names(other, NAMES[4:], pictures=False)
    (mine / "deep").mkdir()
    (mine / "deep" / "up").symlink_to("../..", target_is_directory=True)
    (mine / "itself").symlink_to(mine, target_is_directory=True)
    found = scan_pictures(mine, recursive=True)
    assert [picture.name for picture in found.pictures] == sorted(NAMES[:4])
    faults = {fault.path.name: fault.reason for fault in found.rejected}
    assert set(faults) == {"up", "itself"}
    assert set(faults.values()) == {"a link to a folder above, not followed"}
    (mine / "beside").symlink_to(other, target_is_directory=True)
    assert len(scan_pictures(mine, recursive=True).pictures) == len(NAMES)


def test_no_name_of_a_folder_breaks_a_line(tmp_path):
    builders.write_people(tmp_path, {"yard\nnew": 2, "ann\x1b[2J": 2}, pictures=False)
    notes = open_folder(tmp_path).notes
    assert any(r"ann\x1b[2J = 1, yard\nnew = 2" in note for note in notes)
    assert all("\n" not in note for note in notes)
