"""People's own pictures: flat, one folder per person, split folders, names, tables."""

from __future__ import annotations

import os

import pytest

from qaconv_core.data import open_dataset, open_folder
from qaconv_core.data.splits import choose_queries
from qaconv_core.data.table import read_table
from qaconv_core.errors import DatasetError
from qaconv_core.types import ImageRef
from tests import builders


def rows(images):
    return [(r.path.name, r.pid, r.camid) for r in images]


def test_flat_pictures_are_a_gallery_without_queries(tmp_path):
    names = [
        "b c.JPG",
        "ä 人.png",
        "a.jpg",
        "a.png",
        "deep/er/x.webp",
        "deep/y.tiff",
        "z.bmp",
        "p.pgm",
    ]
    builders.write_names(tmp_path, names, pictures=False)
    data = open_dataset("folder", tmp_path)
    assert len(data.gallery) == len(names)
    assert len(data.query) == len(data.train) == 0
    assert {r.pid for r in data.gallery} == {r.camid for r in data.gallery} == {None}
    assert {r.time for r in data.gallery} == {None}
    assert any("no query" in note for note in data.notes)
    assert all(ref.path.is_file() for ref in data.gallery)


def test_one_folder_per_person_named(tmp_path):
    builders.write_people(tmp_path, {"zoë": 3, "anna b": 2, "Bert": 1}, pictures=False)
    data = open_dataset("folder", tmp_path)
    everything = {r.path.parent.name: r.pid for r in (*data.query, *data.gallery)}
    assert everything == {"Bert": 1, "anna b": 2, "zoë": 3}
    assert any("Bert = 1" in note for note in data.notes)
    assert len(data.query) == 2
    assert len(data.gallery) == 4


def test_one_folder_per_person_numbered(tmp_path):
    builders.write_people(tmp_path, {"0007": 2, "12": 2, "-1": 2}, pictures=False)
    data = open_dataset("folder", tmp_path)
    assert {r.pid for r in data.gallery} == {7, 12}
    assert len(data.rejected) == 2
    again = builders.write_people(tmp_path / "b", {"7": 1, "007": 1}, pictures=False)
    numbers = {r.path.parent.name: r.pid for r in open_dataset("folder", again).gallery}
    assert numbers == {"007": 1, "7": 2}


def test_persons_and_cameras_as_folders(tmp_path):
    names = [f"{p}/cam{c}/{n}.jpg" for p in ("ann", "bob") for c in (1, 2) for n in range(2)]
    builders.write_names(tmp_path, names, pictures=False)
    data = open_dataset("folder", tmp_path)
    assert sorted((r.pid, r.camid) for r in data.query) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert len(data.gallery) == 4


def test_camera_folders_alone_are_not_persons(tmp_path):
    builders.write_names(tmp_path, ["Cam 1/a.jpg", "Cam 3/a.jpg"], pictures=False)
    data = open_dataset("folder", tmp_path)
    assert rows(data.gallery) == [("a.jpg", None, 0), ("a.jpg", None, 2)]


def test_split_folders_share_their_persons(tmp_path):
    builders.write_people(tmp_path / "Query", {"bob": 1, "cleo": 1}, pictures=False)
    builders.write_people(tmp_path / "gallery", {"ann": 1, "bob": 2, "cleo": 1}, pictures=False)
    data = open_dataset("folder", tmp_path)
    assert data.query.pids.tolist() == [2, 3]
    assert data.gallery.pids.tolist() == [1, 2, 2, 3]


def test_pictures_beside_a_query_folder_are_the_gallery_and_the_other_way_round(tmp_path):
    names = ["query/a.jpg", "b.jpg", "c/d.jpg"]
    data = open_dataset("folder", builders.write_names(tmp_path / "1", names, pictures=False))
    assert (len(data.query), len(data.gallery)) == (1, 2)
    names = ["gallery/a.jpg", "b.jpg", "c/d.jpg"]
    data = open_dataset("folder", builders.write_names(tmp_path / "2", names, pictures=False))
    assert (len(data.query), len(data.gallery)) == (2, 1)


def test_what_lies_beside_query_and_gallery_is_left_out(tmp_path):
    names = ["0001_c1_1.jpg", "0001_c2_1.jpg"]
    splits = dict.fromkeys(("query", "gallery", "gt_bbox"), names)
    builders.write_splits(tmp_path, splits, pictures=False)
    data = open_dataset("folder", tmp_path)
    assert (len(data.query), len(data.gallery)) == (2, 2)
    assert {item.path.parent.name for item in data.rejected} == {"gt_bbox"}
    assert len(open_folder(tmp_path, split=False).gallery) == 6


def test_train_and_test_folders(tmp_path):
    builders.write_people(tmp_path / "1" / "train", {"ann": 2}, pictures=False)
    builders.write_people(tmp_path / "1" / "test", {"bob": 2, "cleo": 2}, pictures=False)
    data = open_dataset("folder", tmp_path / "1")
    assert data.train.pids.tolist() == [1, 1]
    assert (data.query.pids.tolist(), data.gallery.pids.tolist()) == ([2, 3], [2, 3])
    builders.write_clonedperson(tmp_path / "2", pictures=False)
    data = open_dataset("folder", tmp_path / "2")
    assert [len(images) for images in (data.train, data.query, data.gallery)] == [9, 9, 9]


def test_names_like_market_count_only_if_all_match(tmp_path):
    names = ["0002_c1s1_000451_03.jpg", "0002_c12_7.png", "0003_c1_x.jpg", "-1_c1_8.jpg"]
    builders.write_names(tmp_path, names, pictures=False)
    data = open_folder(tmp_path, split=False)
    assert rows(data.gallery) == [(names[1], 2, 11), (names[0], 2, 0), (names[2], 3, 0)]
    assert [item.path.name for item in data.rejected] == ["-1_c1_8.jpg"]
    builders.write_names(tmp_path, ["holiday.jpg"], pictures=False)
    assert {r.pid for r in open_folder(tmp_path, split=False).gallery} == {None}


def test_randperson_names_are_not_taken_for_market_names(tmp_path):
    builders.write_names(tmp_path, ["000000_s00_c00_f000264.jpg"], pictures=False)
    assert open_folder(tmp_path).gallery[0].pid is None


def test_without_a_split_every_query_keeps_its_true_matches():
    def ref(pid, camid, n):
        return ImageRef(f"{pid}{camid}{n}", pid, camid)

    pictures = [
        *(ref(1, 0, n) for n in range(3)),  # several in camera 0, one in camera 1
        ref(1, 1, 0),
        ref(2, 0, 0),  # one per camera
        ref(2, 1, 0),
        ref(2, 2, 0),
        ref(3, 0, 0),  # a single picture
        ref(None, 0, 0),
        *(ref(4, None, n) for n in range(2)),  # camera not known
    ]
    query, gallery, note = choose_queries(pictures)
    assert [r.path for r in query] == ["100", "200", "4None0"]
    assert len(query) + len(gallery) == len(pictures)
    assert "no split" in note
    for q in query:
        assert any(g.pid == q.pid and (g.camid is None or g.camid != q.camid) for g in gallery)


def test_junk_in_folders(tmp_path):
    builders.write_names(tmp_path, ["a/1.jpg", "b/1.jpg"], pictures=False)
    builders.add_junk(tmp_path / "a")
    (tmp_path / ".git").mkdir()
    data = open_folder(tmp_path, split=False)
    assert sorted(r.path.name for r in data.gallery) == ["1.jpg", "1.jpg", "holiday.jpg"]
    found = {item.path.name for item in data.rejected}
    assert {"Thumbs.db", "desktop.ini", ".DS_Store", "__MACOSX", "notes.txt", ".git"} <= found


def test_wrapper_and_folder_named_folder(tmp_path):
    builders.write_people(tmp_path / "folder", {"a": 2, "b": 2}, pictures=False)
    assert len(set(open_dataset("folder", tmp_path).gallery.pids)) == 2
    builders.write_market(tmp_path / "market", pictures=False)
    assert len(set(open_dataset("folder", tmp_path).gallery.pids)) == 2
    wrapped = tmp_path / "w"
    builders.write_names(wrapped / "archive" / "query", ["a.jpg"], pictures=False)
    builders.write_names(wrapped / "archive" / "gallery", ["b.jpg"], pictures=False)
    assert len(open_dataset("folder", wrapped).query) == 1


def test_circle_of_links_is_read_once(tmp_path):
    builders.write_names(tmp_path, ["a/1.jpg"], pictures=False)
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert len(open_folder(tmp_path).gallery) == 1


def test_folder_without_pictures(tmp_path):
    (tmp_path / "letter.txt").write_text("x")
    with pytest.raises(DatasetError, match=r"no picture in it or below \(seen: letter.txt\)"):
        open_dataset("folder", tmp_path)


# ---- tables


def table(tmp_path, text, encoding="utf-8", names=("a.jpg", "b.jpg", "c d.jpg", "ü/人.png")):
    builders.write_names(tmp_path, names, pictures=False)
    file = tmp_path / "my table.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_full_table(tmp_path):
    file = table(
        tmp_path,
        "path,pid,camid,time,split\na.jpg,7,3,1.5,query\nb.jpg,7,4,,gallery\n"
        "c d.jpg,8,4,2e1,train\nü/人.png,,,,gallery\n",
    )
    for root in (file, tmp_path):
        data = open_dataset("folder", root)
        assert [(r.pid, r.camid, r.time) for r in data.query] == [(7, 3, 1.5)]
        assert [(r.pid, r.camid, r.time) for r in data.gallery] == [(7, 4, None), (None,) * 3]
        assert [(r.pid, r.camid, r.time) for r in data.train] == [(8, 4, 20.0)]
        assert all(r.path.is_file() for r in (*data.query, *data.gallery, *data.train))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_dialects(tmp_path, delimiter, newline, encoding):
    lines = [" Path ,PID", '"a.jpg",1.0', "b.jpg, 1", "", "ü/人.png,2", " , "]
    text = newline.join(line.replace(",", delimiter) for line in lines)
    data = open_dataset("folder", table(tmp_path, text, encoding))
    assert rows((*data.query, *data.gallery)) == [
        ("a.jpg", 1, None),
        ("b.jpg", 1, None),
        ("人.png", 2, None),
    ]


def test_only_paths(tmp_path):
    data = open_dataset("folder", table(tmp_path, "path\na.jpg\nb.jpg\n"))
    assert rows(data.gallery) == [("a.jpg", None, None), ("b.jpg", None, None)]
    assert len(data.query) == 0


def test_names_for_persons_and_cameras(tmp_path):
    text = "path,pid,camid,weather\na.jpg,Zoë,door,wet\nb.jpg,Ann,yard,dry\nc d.jpg,-1,,x\n"
    data = open_folder(table(tmp_path, text), split=False)
    assert rows(data.gallery) == [("a.jpg", 2, 0), ("b.jpg", 1, 1), ("c d.jpg", None, None)]
    notes = " ".join(data.notes)
    assert "Ann = 1" in notes
    assert "door = 0" in notes
    assert "weather" in notes


def test_rows_that_cannot_be_used_are_reported_with_their_line(tmp_path):
    text = (
        "path,pid,split\na.jpg,1,gallery\nb.jpg,1,query\na.jpg,1,gallery\nnowhere.jpg,2,gallery\n"
        ",3,gallery\na.jpg,1,query\nc d.jpg,1,\nx.jpg,1,query,more\nempty.jpg,1,query\n"
    )
    file = table(tmp_path, text)
    (tmp_path / "empty.jpg").write_bytes(b"")
    data = open_dataset("folder", file)
    assert rows(data.gallery) == [("a.jpg", 1, None)]
    assert rows(data.query) == [("b.jpg", 1, None), ("a.jpg", 1, None)]
    found = {str(item.reason) for item in data.rejected}
    assert len(data.rejected) == 6
    assert any("same picture as line 2" in r and "line 4" in r for r in found)
    assert any("not on disk" in r and "line 5" in r for r in found)
    assert any("no path" in r and "line 6" in r for r in found)
    assert any("no split" in r and "line 8" in r for r in found)
    assert any("4 fields" in r and "line 9" in r for r in found)
    assert any("0 bytes" in r and "line 10" in r for r in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size,pid\na.jpg,1\n", r"my table.csv: no column “path”; columns seen: size, pid; wanted"),
        ("path,time\na.jpg,1\nb.jpg,noon\n", "line 3: time “noon” is not a number"),
        ("path,time\na.jpg,1.2.3\n", "line 2: time"),
        ("path,time\na.jpg,inf\n", "line 2: time"),
        ("path,pid\na.jpg,1.5\n", "line 2: pid “1.5” is not a whole number"),
        ("path,pid\na.jpg,-4\n", "line 2: pid “-4”"),
        ("path,split\na.jpg,test\n", "line 2: split “test” is none of train, query, gallery"),
        ("path,pid,pid\na.jpg,1,2\n", "“pid” stands there twice"),
        ("path\nx.jpg\n", "no row gives a usable picture; the first: .*x.jpg: not on disk"),
        ("path\n", "no row gives a usable picture"),
        ("query,rank,path,logit,score\nq.jpg,1,a.jpg,1,0.5\n", "a result of this program"),
        ("# measures are fractions in [0, 1]\ndataset,method\n", "a result of this program"),
        ("path,time\na.jpg,1\nb.jpg,2024-05-01 12:00\n", "line 2: time is a number of seconds"),
        ("", "no column “path”"),
        ('path\n"a.jpg\n', "line 2: not a table"),
        ("path\na\0.jpg\n", "not a text file"),
    ],
)
def test_table_faults(tmp_path, text, message):
    with pytest.raises(DatasetError, match=message) as error:
        open_dataset("folder", table(tmp_path, text))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("times", "known", "line", "text"),
    [
        (["1", "2", "noon", "4"], [1, 2, None, 4], 4, "noon"),
        (["x", "2024-05-01 12:00", "y", "2024-05-01 12:01"] * 2, None, 2, "x"),
        (["2024-05-01 12:00", "7", "2024-05-01 12:01", ""], [0, None, 60, None], 3, "7"),
        (["5", "2024-05-01 12:00", "inf", "6", "7"], [5, None, None, 6, 7], 3, "2024-05-01"),
    ],
)
def test_single_times_that_cannot_be_read_are_not_known(tmp_path, times, known, line, text):
    names = [f"{number}.jpg" for number in range(len(times))]
    rows = "".join(f"{name},{time}\n" for name, time in zip(names, times, strict=True))
    given = table(tmp_path, f"path,time\n{rows}", names=names)
    if known is None:
        with pytest.raises(DatasetError, match="line 2: time “x” is not a number"):
            read_table(given)
        return
    data = read_table(given)
    assert [ref.time for ref in data.gallery] == known
    (note,) = [note for note in data.notes if "cannot be read" in note]
    broken = sum(time is None and bool(given) for time, given in zip(known, times, strict=True))
    assert f"{broken} time" in note
    assert f"the first on line {line} (“{text}" in note


def test_table_in_another_encoding_names_the_line(tmp_path):
    file = table(tmp_path, "path\na.jpg\nmüller.jpg\n", "latin-1")
    with pytest.raises(DatasetError, match="line 3: not UTF-8"):
        open_dataset("folder", file)


def test_several_tables(tmp_path):
    table(tmp_path, "path\na.jpg\n")
    (tmp_path / "other.csv").write_text("colour,size\nred,1\n")
    assert len(open_dataset("folder", tmp_path).gallery) == 1
    (tmp_path / "third.csv").write_text("path\nb.jpg\n")
    with pytest.raises(DatasetError, match=r"my table.csv, third.csv"):
        open_dataset("folder", tmp_path)
    (tmp_path / "third.csv").unlink()
    (tmp_path / "my table.csv").write_text("size\n1\n")
    data = open_dataset("folder", tmp_path)
    assert len(data.gallery) == 4
    assert {item.path.name for item in data.rejected} == {"my table.csv", "other.csv"}


def test_absolute_and_windows_paths(tmp_path):
    far = builders.write_names(tmp_path / "far", ["x.jpg"], pictures=False) / "x.jpg"
    file = table(tmp_path / "t", f"path\n{far}\nü\\人.png\n")
    data = open_dataset("folder", file)
    assert [r.path.name for r in data.gallery] == ["x.jpg", "人.png"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind root")
def test_unreadable_table(tmp_path):
    file = table(tmp_path, "path\na.jpg\n")
    file.chmod(0)
    with pytest.raises(DatasetError, match="cannot be read"):
        open_dataset("folder", file)


def test_combine_all_for_a_folder(tmp_path):
    builders.write_people(tmp_path, {"a": 2, "b": 2}, pictures=False)
    data = open_dataset("folder", tmp_path, combine_all=True)
    assert sorted(data.train.pids) == [1, 1, 2, 2]
