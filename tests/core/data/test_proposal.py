"""What the program proposes for somebody's own folders and tables."""

import csv
import os
import shutil
import time

import pytest

from qaconv_core.data import proposal as proposals
from qaconv_core.data.check import check_dataset
from qaconv_core.data.described import as_dataset, collect
from qaconv_core.data.description import find_named, save_description
from qaconv_core.data.duplicates import find_duplicates
from qaconv_core.data.folder import open_folder
from qaconv_core.data.folder_guess import Wishes
from qaconv_core.data.proposal import examples, possibilities, propose
from qaconv_core.errors import Cancelled, DatasetError
from qaconv_core.galleries.truth import GroundTruth
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.types import RankingResult
from tests.builders import write_names, write_picture


def write_table(file, header, rows):
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return file


def roles(found):
    return found.description.sources[0].folders


def possible(found):
    return {item.what: item.possible for item in possibilities(found.dataset)}


def test_names_with_person_camera_and_frame(tmp_path):
    names = [f"{p:04}_c{c}_{k}.jpg" for p in (1, 2, 3) for c in (1, 2) for k in (10, 20)]
    folder = write_names(tmp_path / "a", names, False)
    found = propose([folder])
    assert found.description.sources[0].patterns == ("{pid:d}_c{cam:d}_{frame}",)
    assert possible(found) == {
        "Search": True, "Evaluate": True, "TLift": False, "Normalise scores by camera": True,
    }  # fmt: skip
    assert any("--rate" in reason for reason in found.reasons)
    timed = propose([folder], Wishes(rate=25.0))
    assert possible(timed)["TLift"]
    assert sorted({ref.time for ref in timed.dataset.gallery}) == [0.8]


def test_market_names_keep_their_clock_and_lose_their_junk_boxes(tmp_path):
    names = ["0002_c1s1_000050_01.jpg", "0002_c2s1_000050_01.jpg", "0003_c1s2_000025_01.jpg",
             "0003_c2s1_000075_01.jpg", "-1_c1s1_000100_01.jpg"]  # fmt: skip
    found = propose([write_names(tmp_path / "a", names, False)])
    assert found.description.sources[0].rate == 25.0
    times = {r.path.name: r.time for r in (*found.dataset.query, *found.dataset.gallery)}
    # The second session begins after the last frame of the first.
    assert times["0003_c1s2_000025_01.jpg"] == (25 + 100) / 25
    assert [r.path.name for r in found.dataset.rejected] == ["-1_c1s1_000100_01.jpg"]


def test_folders_of_cameras_with_folders_of_persons(tmp_path):
    names = [f"{c}/{p}/{k}.jpg" for c in ("hof", "straße") for p in ("李", "bob", "eve")
             for k in "12"]  # fmt: skip
    found = propose([write_names(tmp_path / "a", names, False)])
    assert roles(found) == ("cameras", "persons")
    assert found.dataset.camera_names == {0: "hof", 1: "straße"}
    assert set(found.dataset.person_names.values()) == {"李", "bob", "eve"}
    assert possible(found)["Evaluate"]
    assert ("hof/bob/1.jpg", "bob", "hof", "–", "–") in examples(found, 20)


def test_folders_of_persons_with_folders_of_cameras(tmp_path):
    names = [f"{p}/{c}/{k}.jpg" for c in ("cam1", "cam2", "cam10") for p in "abcdef" for k in "12"]
    found = propose([write_names(tmp_path / "a", names, False)])
    assert roles(found) == ("persons", "cameras")
    assert found.dataset.camera_names == {0: "cam1", 1: "cam2", 2: "cam10"}


@pytest.mark.parametrize(
    ("places", "pictures"), [(("site_a", "site_b"), 2), (("shop", "depot"), 60)]
)
def test_two_cameras_of_one_name_at_two_places_are_two(tmp_path, places, pictures):
    a, b = places
    names = [f"{p}/{k}.jpg" for p in (f"{a}/cam1", f"{a}/cam2", f"{b}/cam1")
             for k in range(pictures)]  # fmt: skip
    whole = write_names(tmp_path, names, False)
    cameras = {f"{a}/cam1", f"{a}/cam2", f"{b}/cam1"}
    for given in ([tmp_path / a, tmp_path / b], [whole]):
        found = propose(given)
        assert roles(found) == ("cameras", "cameras")
        assert set(found.dataset.camera_names.values()) == cameras
        assert not found.dataset.person_names
        assert "are places, each with cameras of its own" in found.reasons[0]
    people = propose([whole], Wishes(folders=("persons", "cameras"))).dataset
    assert set(people.person_names.values()) == set(places)
    assert set(people.camera_names.values()) <= {"cam1", "cam2"}


def test_two_named_folders_of_few_pictures_with_cameras_are_persons(tmp_path):
    names = [f"{p}/cam{c}/{k}.jpg" for p in ("ann", "bob") for c in (1, 2) for k in "12"]
    write_names(tmp_path, names, False)
    found = propose([tmp_path / "ann", tmp_path / "bob"])
    assert roles(found) == ("persons", "cameras")


def test_days_of_cameras_are_no_places(tmp_path):
    names = [f"2024-05-0{d}/cam{c}/{k}.jpg" for d in (1, 2) for c in (1, 2) for k in range(60)]
    found = propose([write_names(tmp_path / "a", names, False)])
    assert roles(found) == ("none", "cameras")


def test_many_small_folders_are_persons_and_few_large_ones_cameras(tmp_path):
    small = [f"{p}/{k}.jpg" for p in range(30) for k in range(3)]
    assert roles(propose([write_names(tmp_path / "a", small, False)])) == ("persons",)
    large = [f"{c}/{k}.jpg" for c in ("oben", "unten") for k in range(60)]
    folder = write_names(tmp_path / "b", large, False)
    found = propose([folder])
    assert roles(found) == ("cameras",)
    assert not possible(found)["Evaluate"]
    assert roles(propose([folder], Wishes(folders=("persons",)))) == ("persons",)
    nothing = propose([folder], Wishes(folders=("none",))).dataset
    assert {(r.pid, r.camid) for r in nothing.gallery} == {(None, None)}


def test_dates_and_cameras_in_names(tmp_path):
    names = [f"gate_{c}_20240501_1200{s:02}.jpg" for c in "ab" for s in range(10)]
    found = propose([write_names(tmp_path / "a", names, False)])
    assert found.description.sources[0].unit == "iso"
    assert found.dataset.camera_names == {0: "gate_a", 1: "gate_b"}
    assert max(ref.time for ref in found.dataset.gallery) == 9.0
    assert possible(found)["TLift"]


def test_query_and_gallery_folders_stay_what_they_are(tmp_path):
    names = ["query/a_c1_1.jpg", "gallery/a_c2_1.jpg", "gallery/b_c2_1.jpg"]
    dataset = propose([write_names(tmp_path / "a", names, False)]).dataset
    assert [len(dataset.query), len(dataset.gallery)] == [1, 2]


def test_several_folders_are_the_outermost_level(tmp_path):
    places = [write_names(tmp_path / name, ("1.jpg", "2.jpg"), False) for name in ("cam1", "cam2")]
    found = propose(places)
    assert {ref.camid for ref in found.dataset.gallery} == {0, 1}
    assert found.dataset.root == tmp_path


def test_columns_are_recognised_by_name_and_content(tmp_path):
    write_names(tmp_path, ("p/1.jpg", "p/2.jpg", "p/3.jpg", "p/4.jpg"), False)
    rows = [(f"p\\{i}.jpg" if i % 2 else f"p/{i}.jpg", f"P{i // 3}", "tür", 1714557600000 + 500 * i)
            for i in range(1, 5)]  # fmt: skip
    table = write_table(tmp_path / "t.csv", ("Snapshot", "Person name", "Device", "when"), rows)
    found = propose([table])
    source = found.description.sources[0]
    assert source.columns == {
        "path": "Snapshot", "pid": "Person name", "camid": "Device", "time": "when",
    }  # fmt: skip
    assert source.unit == "milliseconds"
    refs = [*found.dataset.query, *found.dataset.gallery]
    assert max(r.time for r in refs) - min(r.time for r in refs) == pytest.approx(1.5)
    assert found.dataset.person_names == {1: "P0", 2: "P1"}


def test_columns_that_are_named_by_hand(tmp_path):
    write_names(tmp_path, ("1.jpg", "2.jpg"), False)
    table = write_table(tmp_path / "t.csv", ("pid", "file", "n", "w"),
                        [("x", "1.jpg", "50", "a"), ("y", "2.jpg", "75", "b")])  # fmt: skip
    wishes = Wishes(columns={"path": "file", "pid": "W", "time": "n"}, unit="frames", rate=25.0)
    found = propose([table], wishes)
    assert [r.time for r in found.dataset.gallery] == [2.0, 3.0]
    assert found.dataset.person_names == {1: "a", 2: "b"}
    with pytest.raises(DatasetError, match="no column “nope”"):
        propose([table], Wishes(columns={"path": "file", "pid": "nope"}))


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "no line|empty"), ("a,b\n1,2\n", "no column holds"), ("path\n\x00\n", "not a text")],
)
def test_tables_that_are_none(tmp_path, content, said):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DatasetError, match=said):
        propose([tmp_path / "t.csv"])


def test_whole_scenes_are_told_from_people(tmp_path):
    for number in range(4):
        write_picture(tmp_path / "a" / f"{number}.jpg", number, (64, 32))
    assert any("scenes" in warning for warning in propose([tmp_path / "a"]).warnings)
    for number in range(4):
        write_picture(tmp_path / "b" / f"{number}.jpg", number, (16, 32))
    assert not propose([tmp_path / "b"]).warnings


def test_a_folder_without_a_picture_says_what_was_left_out(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"film\.mp4"):
        propose([tmp_path])
    with pytest.raises(DatasetError, match="neither a folder nor a table"):
        propose([tmp_path / "film.mp4"])


def test_a_pattern_without_a_field_says_which_layouts_there_are(tmp_path):
    write_names(tmp_path / "a", ("1.jpg",), False)
    with pytest.raises(DatasetError, match="market"):
        propose([tmp_path / "a"], Wishes(patterns=("marked",)))


def many(folder, count):
    """``count`` links to a few small pictures in folders of cameras, made quickly."""
    sources = [write_picture(folder / "0" / f"{i}_c1_0.jpg", i, (16 + i, 32)) for i in range(4)]
    per_folder = 500
    for start in range(0, count - len(sources), per_folder):
        inside = folder / str(1 + start // per_folder)
        inside.mkdir()
        for number in range(start, min(start + per_folder, count - len(sources))):
            os.link(sources[number % 4], inside / f"{number % 900}_c{number % 7 + 1}_{number}.jpg")
    return folder


def test_fifty_thousand_files_with_everything_that_lies_about(tmp_path):
    folder = many(tmp_path / "many", 50_000)
    (folder / "1" / "again").symlink_to(folder, target_is_directory=True)
    (folder / "2" / "self").symlink_to(folder / "2" / "self")
    (folder / "3" / "Thumbs.db").write_bytes(b"x")
    (folder / "3" / "0_c1_1.jpg").write_bytes(b"")
    (folder / "3" / "notes.txt").write_text("x")
    (folder / "3" / "видео.mp4").write_bytes(b"x")
    shutil.copy(folder / "0" / "1_c1_0.jpg", folder / "4" / "77_c7_写真.jpg")
    began = time.process_time()
    found = propose([folder])
    took = time.process_time() - began
    kept = {picture.path for picture in found.pictures.pictures}
    left = {item.path for item in found.dataset.rejected}
    on_disk = {p for p in folder.rglob("*") if not p.is_dir()}
    assert len(kept) == 50_001
    assert kept | left >= on_disk  # nothing is lost
    assert not kept & left
    reasons = {item.path.name: item.reason for item in found.dataset.rejected}
    assert set(reasons) == {"again", "self", "Thumbs.db", "0_c1_1.jpg", "notes.txt", "видео.mp4"}
    assert reasons["again"] == "a link to a folder above, not followed"
    assert found.duplicates.extra == 50_001 - 4
    assert len(found.duplicates.groups) == 4
    known = [ref.camid for ref in found.dataset.gallery if ref.path.name != "77_c7_写真.jpg"]
    assert set(known) == set(range(7))
    assert took < 30, took


def test_a_share_that_goes_away_while_it_is_read(tmp_path):
    folder = write_names(tmp_path / "share", [f"{d}/{k}.jpg" for d in "abc" for k in "12"], False)

    def unplug(progress):
        if progress.done:
            shutil.rmtree(folder, ignore_errors=True)

    with pytest.raises(DatasetError, match="went away while it was read"):
        propose([folder], context=WorkContext(unplug))


def test_a_part_that_goes_away_is_said_and_the_rest_kept(tmp_path):
    folder = write_names(tmp_path / "share", [f"{d}/{k}.jpg" for d in "abc" for k in "12"], False)
    gone = []

    def unplug(progress):
        if progress.done == 3 and not gone:  # the outer folder has been read
            gone.append(folder / "a")
            shutil.rmtree(gone[0])

    found = propose([folder], context=WorkContext(unplug))
    assert len(found.pictures.pictures) == 4
    assert [item.path for item in found.dataset.rejected] == gone


def test_pictures_that_vanish_after_the_import_are_named_by_the_check(tmp_path):
    folder = tmp_path / "a"
    paths = [write_picture(folder / f"{p}_c{c}_1.jpg", p) for p in (1, 2) for c in (1, 2)]
    found = propose([folder])
    paths[3].unlink()
    report = check_dataset(found.dataset, workers=1)
    assert [item.path for item in report.rejected] == [paths[3]]
    again = as_dataset(found.description, collect(found.description))
    assert [len(again.query), len(again.gallery)] == [1, 2]


def test_it_stops_when_asked_to(tmp_path):
    folder = write_names(tmp_path / "a", ("1.jpg", "2.jpg"), False)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        propose([folder], context=WorkContext(None, cancel))


def test_duplicates_are_compared_within_a_budget(tmp_path):
    paths = [tmp_path / name for name in "abcd"]
    for path, content in zip(paths, (b"one", b"two", b"one", b"longer"), strict=True):
        path.write_bytes(content)
    found = find_duplicates(paths)
    assert found.groups == ((paths[0], paths[2]),)
    assert found.compared_all
    few = find_duplicates(paths, budget=4)
    assert few.groups == ()
    assert not few.compared_all


def test_nothing_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(proposals, "_SIZES", 3)
    folder = write_names(tmp_path / "a", [f"{i}.jpg" for i in range(30)], False)
    found = propose([folder])  # one byte each: no picture could be decoded
    assert len(found.dataset.gallery) == 30
    assert any("can be opened" in warning for warning in found.warnings)


def test_a_folder_is_read_by_its_own_table_unless_names_or_folders_are_named(tmp_path):
    folder = write_names(tmp_path / "a", ("x/1.jpg", "x/2.jpg", "y/1.jpg"), False)
    write_table(folder / "t.csv", ("file", "camera", "pid"), [("x/1.jpg", "tor", 1), ("y/1.jpg", "hof", 2)])  # fmt: skip  # noqa: E501
    found = propose([folder])
    assert found.description.sources[0].path == folder / "t.csv"
    assert found.dataset.camera_names == {0: "hof", 1: "tor"}
    by_folders = propose([folder], Wishes(folders=("persons",)), known=found)
    assert roles(by_folders) == ("persons",)
    assert len(by_folders.pictures.pictures) == 3
    back = propose([folder], known=by_folders)
    assert len(back.pictures.pictures) == 2


def test_of_several_tables_none_is_taken(tmp_path):
    folder = write_names(tmp_path / "a", ("x/1.jpg", "y/1.jpg"), False)
    for name in ("s.csv", "t.csv"):
        write_table(folder / name, ("path", "pid"), [("x/1.jpg", 1)])
    found = propose([folder])
    assert "several tables could be meant (s.csv, t.csv)" in found.reasons[0]
    assert roles(found) == ("persons",)


def test_folders_with_tables_are_all_named(tmp_path, monkeypatch):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))
    for place in ("gate people", "yard people"):
        write_picture(tmp_path / place / "in" / "1.png", len(place))
        (tmp_path / place / "pictures.csv").write_text("path,camid\nin/1.png,x\n")
    folders = [tmp_path / "gate people", tmp_path / "yard people"]
    found = propose(folders)
    assert found.reasons[0].startswith(
        "gate people and yard people each have a table of their own, pictures.csv"
    )
    assert found.reasons[1].startswith(
        "gate people/pictures.csv and yard people/pictures.csv: columns path=path, camid=camid"
    )
    assert found.description.name == "gate people and yard people"
    saved = save_description(found.description)
    assert find_named("gate people and yard people") == saved.file
    assert propose(folders).description.name == saved.name, "it is theirs"
    shutil.copytree(tmp_path / "gate people", tmp_path / "far" / "gate people")
    others = [tmp_path / "far" / "gate people", tmp_path / "yard people"]
    assert propose(others).description.name == "", "the name is that of other pictures"
    assert propose(folders, Wishes(name="mine")).description.name == "mine"


def test_folders_of_one_name_are_told_apart_by_those_around_them(tmp_path, monkeypatch):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))
    folders = [tmp_path / site / "found" for site in ("north", "south")]
    for folder in folders:
        write_picture(folder / "in" / "1.png", len(folder.parent.name))
        (folder / "pictures.csv").write_text("path,camid\nin/1.png,x\n")
    found = propose(folders)
    assert found.description.name == "north-found and south-found"
    assert found.reasons[0].startswith("north-found and south-found each have a table")


@pytest.mark.parametrize(
    "camera",
    ["door", "Gate No", "sensor_id", "place", "location", "Kamera", "камера", "カメラ"],
)
def test_a_column_that_names_a_place_is_taken_as_the_camera(tmp_path, camera):
    write_names(tmp_path, ["a.jpg", "b.jpg"], False)
    table = write_table(
        tmp_path / "t.csv", ["file", camera, "colour"], [["a.jpg", "x", "1"], ["b.jpg", "y", "2"]]
    )
    found = propose([table])
    assert found.description.sources[0].columns == {"path": "file", "camid": camera}
    assert set(found.dataset.camera_names.values()) == {"x", "y"}
    without = propose([table], Wishes(columns={"camid": "", "pid": "colour"}))
    assert without.description.sources[0].columns == {"path": "file", "pid": "colour"}


def test_a_tables_camera_goes_before_that_of_folders_and_both_are_said(tmp_path):
    yard = write_names(tmp_path / "yard", ["north/a.jpg", "north/b.jpg", "south/c.jpg"], False)
    table = write_table(
        tmp_path / "t.csv",
        ["path", "camera"],
        [["yard/north/a.jpg", "gate"], ["yard/south/c.jpg", "south"]],
    )
    for places in ([yard, table], [table, yard]):
        found = propose(places, Wishes(folders=("cameras",)))
        cameras = {picture.path.name: picture.camera for picture in found.pictures.pictures}
        assert cameras == {"a.jpg": "gate", "b.jpg": "north", "c.jpg": "south"}
        (note,) = (note for note in found.dataset.notes if "two cameras" in note)
        assert note.startswith("1 picture is given two cameras")
        assert "a.jpg: gate, not north" in note


def test_from_another_camera_is_said_only_of_known_ones(tmp_path):
    write_names(tmp_path, [f"{name}.jpg" for name in "abcdef"], False)

    def why(*cameras):
        rows = [
            [f"{name}.jpg", pid, c]
            for name, pid, c in zip("abcdef", "112233", cameras, strict=True)
        ]
        table = write_table(tmp_path / "t.csv", ["path", "pid", "camid"], rows)
        (item,) = (i for i in possibilities(propose([table]).dataset) if i.what == "Evaluate")
        return item.why

    assert why(*"121212").endswith("have a true match from another camera")
    assert "from another camera" not in why("", "", "", "", "", "")
    mixed = why("1", "2", "1", "", "", "")
    queries = mixed.partition(" queries")[0]
    assert mixed.startswith(f"{queries} queries have a true match, 1 of them one that is known")


def test_folders_that_were_named_go_before_names_that_are_recognised(tmp_path):
    for camera in ("north", "south"):
        for person in ("ann", "bob"):
            for number in (1, 2):
                write_picture(tmp_path / camera / person / f"000{number}_c1s1_00000{number}_00.jpg")
    found = propose([tmp_path], Wishes(folders=("cameras", "persons")))
    assert {picture.pid for picture in found.pictures.pictures} == {"ann", "bob"}
    assert {picture.camera for picture in found.pictures.pictures} == {"north", "south"}
    assert {picture.time for picture in found.pictures.pictures} == {1 / 25, 2 / 25}
    assert any("read as {*}_c{*}s{session}_{frame}_{*}" in reason for reason in found.reasons)
    by_names = propose([tmp_path])
    assert {picture.pid for picture in by_names.pictures.pictures} == {"0001", "0002"}


@pytest.mark.parametrize("imported", [False, True])
def test_a_distractor_is_no_query_and_nobodys_match(tmp_path, imported):
    names = [f"{pid}_c{camera}s1_00000{shot}_00.jpg" for pid in ("0000", "0001", "0002", "-1")
             for camera in (1, 2) for shot in (1, 2)]  # fmt: skip
    for name in names:
        write_picture(tmp_path / "mk" / name)
    if imported:
        data = as_dataset(found := propose([tmp_path / "mk"]).description, collect(found))
    else:
        data = open_folder(tmp_path / "mk")
    assert {ref.pid for ref in data.query} == {1, 2}
    strangers = [ref for ref in data.gallery if ref.pid == 0]
    assert len(strangers) == 4, "they stay in the gallery"
    truth = GroundTruth(data.gallery)
    assert set(truth.of(strangers[:1])) == {RankingResult.JUNK, RankingResult.NOT_KNOWN}
    one = truth.of([data.query[0]])
    places = [data.gallery.refs.index(ref) for ref in strangers]
    assert set(one[places]) == {RankingResult.FALSE}


def test_copies_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder in ("north", "south"):
        write_picture(tmp_path / "shop" / folder / "1.jpg", 5)
    (warning,) = propose([tmp_path / "shop"]).warnings
    assert warning.startswith("1 file holds the same bytes as another one")
    assert "(such as north/1.jpg and south/1.jpg)" in warning
