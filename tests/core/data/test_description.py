"""qaconv.toml: written, found, read, and refused where it is not ours."""

import os
import stat

import pytest

from qaconv_core.data import open_dataset, open_folder, recognise
from qaconv_core.data.check import check_dataset
from qaconv_core.data.described import collect, open_described
from qaconv_core.data.description import (
    FILE_NAME,
    Description,
    Source,
    find_description,
    find_named,
    own_file,
    read_description,
    save_description,
)
from qaconv_core.data.proposal import propose
from qaconv_core.data.table import read_table
from qaconv_core.errors import DatasetError, InputError, StoreError
from qaconv_core.naming import camera_label, camera_numbered, camera_words
from tests.builders import write_names, write_picture

NAMES = ("a_c1_10.jpg", "a_c1_20.jpg", "a_c2_30.jpg", "b_c1_40.jpg", "b_c2_50.jpg", "odd.jpg")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))


@pytest.fixture
def pictures(tmp_path):
    return write_names(tmp_path / "pictures", NAMES, pictures=False)


def source(folder, **more):
    return Source(folder, ("{pid}_c{cam:d}_{frame}",), rate=25.0, **more)


def test_what_is_written_is_read_again_and_used_by_every_opener(pictures):
    saved = save_description(Description((source(pictures),), "Mein Laden"))
    assert saved.file == pictures / FILE_NAME
    assert read_description(saved.file) == saved
    assert recognise(pictures) == "folder"
    for dataset in (open_folder(pictures), open_dataset("mein laden")):
        refs = {ref.path.name: ref for ref in (*dataset.query, *dataset.gallery)}
        assert refs["b_c2_50.jpg"].pid == 2
        assert refs["b_c2_50.jpg"].camid == 1
        assert refs["b_c2_50.jpg"].time == pytest.approx(2.0)
        assert refs["odd.jpg"].pid is None  # kept, without what its name does not say
        assert dataset.person_names == {1: "a", 2: "b"}
        assert dataset.name == "Mein Laden"
        assert len(refs) == len(NAMES)
        assert any("odd.jpg" in note for note in dataset.notes)


def test_every_label_text_unit_and_path_survives(tmp_path):
    folder = tmp_path / 'Bilder "neu" \\ 写真\t1'
    write_names(folder, NAMES, pictures=False)
    given = Source(folder, ('{pid}"{*}',), ("cameras", "persons"), {}, "iso", 29.97)
    table = Source(folder / "li'st.csv", columns={"path": 'a"b', "pid": "wér"}, unit="frames")
    saved = save_description(Description((given, table), "x"))
    assert read_description(saved.file).sources == (given, table)


def test_a_place_that_cannot_be_written_to_has_its_file_in_the_users_folder(pictures, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    saved = save_description(Description((source(pictures),), "shop"))
    assert saved.file == own_file(pictures)
    assert not (pictures / FILE_NAME).exists()
    assert find_description(pictures) == saved.file
    assert len(open_folder(pictures).query) == 2
    assert find_named("SHOP") == saved.file


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_the_right_to_write(pictures):
    pictures.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert save_description(Description((source(pictures),))).file == own_file(pictures)


def test_several_folders_lie_in_one_file_beside_them_or_in_the_users_own(tmp_path):
    places = [write_names(tmp_path / n, ("1.jpg", "2.jpg"), False) for n in ("north", "south")]
    beside = Description(tuple(Source(p, folders=("cameras",)) for p in places))
    saved = save_description(beside)
    assert saved.file == tmp_path / FILE_NAME
    dataset = open_folder(tmp_path)
    assert dataset.camera_names == {0: "north", 1: "south"}
    apart = write_names(tmp_path / "deep" / "west", ("1.jpg",), False)
    saved = save_description(Description((*beside.sources, Source(apart)), "apart"))
    assert saved.file.parent == tmp_path / "own" / "imports"
    assert len(open_dataset("apart").gallery) == 5


def test_folders_of_a_described_folder_leave_its_description_and_its_name(tmp_path):
    whole = write_names(tmp_path / "shop", ("hof/1.jpg", "tor/1.jpg", "gang/1.jpg"), False)
    parts = tuple(Source(whole / name, folders=("cameras",)) for name in ("hof", "tor"))
    saved = save_description(Description((Source(whole, folders=("cameras",)),), "shop"))
    with pytest.raises(DatasetError, match="is the name of the data set in"):
        save_description(Description(parts, "Shop"))
    apart = save_description(Description(parts, "two"))
    assert apart.file.parent == tmp_path / "own" / "imports"
    assert read_description(saved.file) == saved
    assert [len(open_dataset(name).gallery) for name in ("shop", "two")] == [3, 2]
    assert len(open_folder(whole).gallery) == 3


def test_a_folder_that_is_described_after_some_in_it_leaves_their_name(tmp_path):
    whole = write_names(tmp_path / "shop", ("hof/1.jpg", "tor/1.jpg", "gang/1.jpg"), False)
    parts = tuple(Source(whole / name, folders=("cameras",)) for name in ("hof", "tor"))
    assert save_description(Description(parts, "two")).file == whole / FILE_NAME
    save_description(Description((Source(whole, folders=("cameras",)),)))
    assert len(open_folder(whole).gallery) == 3
    assert len(open_dataset("two").gallery) == 2


def test_a_name_whose_file_describes_others_by_now_is_free(tmp_path):
    whole = write_names(tmp_path / "shop", ("hof/1.jpg", "tor/1.jpg", "gang/1.jpg"), False)
    parts = Description(tuple(Source(whole / name) for name in ("hof", "tor")), "two")
    save_description(parts).file.unlink()
    save_description(Description((Source(whole),), "shop"))
    assert find_named("two") is None
    save_description(parts)
    assert [len(open_dataset(name).gallery) for name in ("shop", "two")] == [3, 2]


def test_a_folder_that_is_described_after_a_table_in_it_leaves_the_tables_columns(tmp_path):
    write_picture(tmp_path / "a.png", 1)
    (tmp_path / "list.csv").write_text("file,who\na.png,Ann\n")
    table = Source(tmp_path / "list.csv", columns={"path": "file", "pid": "who"})
    save_description(Description((table,)))
    save_description(Description((Source(tmp_path),)))
    found = open_described(find_description(tmp_path / "list.csv"))
    assert list(found.person_names.values()) == ["Ann"]


def test_no_write_without_any_place_to_write(pictures, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="QACONV_DATA_DIR"):
        save_description(Description((source(pictures),)))


GOOD = 'format = 1\n[[source]]\npath = "."\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 1\n", "source"),
        ("format = 2\n[[source]]\npath='.'\n", "newer"),
        ("format = true\n[[source]]\npath='.'\n", "format"),
        ("[[source]]\npath='.'\n", "format"),
        (GOOD + "pathern = 'x'\n", "pathern"),
        (GOOD + "pattern = 7\n", "pattern"),
        (GOOD + "pattern = ['{pidd}']\n", "pidd"),
        (GOOD + "pattern = ['(a+)+']\n", "no field"),
        (GOOD + "pattern = [" + "'{pid}', " * 30 + "]\n", "pattern"),
        (GOOD + "folders = ['people']\n", "folders"),
        (GOOD + "time = 'years'\n", "time"),
        (GOOD + "rate = 0\n", "rate"),
        (GOOD + "rate = nan\n", "rate"),
        (GOOD + "rate = inf\n", "rate"),
        (GOOD + "rate = true\n", "rate"),
        (GOOD + "columns = {pidd = 'x'}\n", "columns"),
        (GOOD + "columns = {pid = 7}\n", "columns"),
        ("format = 1\n[[source]]\npath = '/etc'\n", "below"),
        ("format = 1\n[[source]]\npath = '../other'\n", "below"),
        ("format = 1\n[[source]]\npath = 'a/../../other'\n", "below"),
        ('format = 1\n[[source]]\npath = "a\\u0000"\n', "path"),
        ("format = 1\n[[source]]\n", "path"),
        ("format = 1\nsource = 7\n", "source"),
        ("format = 1\nname = '/x'\n[[source]]\npath='.'\n", "name"),
        ("format = 1\nsee = '/etc/qaconv.toml'\n", "see"),
        ("format = 1" + "0" * 5000 + "\n", "TOML"),
        ("x = " + "[" * 20000 + "\n", "TOML"),
        ("format = 1\n# " + "x" * 300_000, "longer"),
        ("\x00\xff", "TOML"),
    ],
)
def test_what_is_not_ours_is_refused_in_one_line_that_names_it(pictures, text, said):
    (pictures / FILE_NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(DatasetError) as error:
        open_folder(pictures)
    assert said in str(error.value)
    assert FILE_NAME in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_a_name_that_is_no_text_is_refused_before_anything_is_written(tmp_path):
    if os.name == "nt":
        return
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    apart = Description((Source(folder), Source(tmp_path / "deep" / "x")))
    with pytest.raises(InputError, match="rename"):
        save_description(apart)


def test_a_picture_is_there_once_where_sources_overlap(pictures):
    found = collect(Description((Source(pictures.parent), Source(pictures))))
    assert len(found.pictures) == len(NAMES)
    assert sum("named twice" in r.reason for r in found.rejected) == len(NAMES)


@pytest.mark.parametrize("way", ["", "../shop/"])
@pytest.mark.parametrize("table_first", [False, True])
def test_a_table_beside_the_folder_of_its_pictures_keeps_what_it_says(tmp_path, table_first, way):
    shop = tmp_path / "shop"
    for name in ("a", "b"):
        write_picture(shop / f"{name}.png", 1)
    (shop / "list.csv").write_text(f"path,pid,time\n{way}a.png,Ann,1.5\n", encoding="utf-8")
    sources = [Source(shop), Source(shop / "list.csv")]
    found = collect(Description(tuple(reversed(sources) if table_first else sources)))
    said = {picture.path.name: (picture.pid, picture.time) for picture in found.pictures}
    assert said == {"a.png": ("Ann", 1.5), "b.png": ("", None)}
    assert len(found.pictures) == 2


def test_a_second_table_of_a_folder_leaves_the_first_ones_description(tmp_path):
    for name in ("a", "b"):
        write_picture(tmp_path / f"{name}.png", 1)
        (tmp_path / f"{name}.csv").write_text(f"file,who\n{name}.png,{name}\n")
    for name in ("a", "b"):
        source = Source(tmp_path / f"{name}.csv", columns={"path": "file", "pid": "who"})
        save_description(Description((source,), f"list {name}"))
    for name in ("a", "b"):
        for way in (find_description(tmp_path / f"{name}.csv"), find_named(f"LIST {name}")):
            assert list(open_described(way).person_names.values()) == [name]
    save_description(Description((source,), "again"))
    assert find_named("again") == find_description(tmp_path / "b.csv")
    assert find_named("list b") is None


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (("1_c0_1.png", "1_c1_1.png"), ["c0", "c1"]),
        (("1_c1_1.png", "1_c12_1.png"), ["c12", "c1"]),
        (("cam0/a/1.png", "cam3/b/1.png"), ["c0", "c3"]),
        (("cam1/a/1.png", "cam3/b/1.png"), ["c1", "c3"]),
    ],
)
def test_cameras_are_called_as_names_number_them(tmp_path, names, called):
    for number, name in enumerate(names):
        write_picture(tmp_path / "set" / name, number)
    dataset = open_folder(tmp_path / "set", split=False)
    assert [camera_label(ref.camid, ref.camera) for ref in dataset.gallery] == called


@pytest.mark.parametrize("cameras", [(0, 1), (1, 2), (1, 12), (17, 3)])
def test_cameras_are_called_as_a_table_numbers_them(tmp_path, cameras):
    for camera in cameras:
        write_picture(tmp_path / f"{camera}.png", camera)
    rows = "".join(f"{camera}.png,{camera}\n" for camera in cameras)
    (tmp_path / "t.csv").write_text(f"path,camid\n{rows}")
    names = [f"c{camera}" for camera in cameras]
    plain = read_table(tmp_path / "t.csv")
    assert plain.gallery.camids.tolist() == list(cameras)
    imported = open_described(save_description(propose([tmp_path / "t.csv"]).description).file)
    for dataset in (plain, imported):
        refs = dataset.gallery
        assert [camera_label(ref.camid, ref.camera) for ref in refs] == names
        assert [camera_words(ref.camid, ref.camera) for ref in refs] == [
            f"camera {camera}" for camera in cameras
        ]
        assert [camera_numbered(str(c), dataset.camera_names) for c in cameras] == [
            ref.camid for ref in refs
        ]
        assert camera_numbered("99", dataset.camera_names) not in refs.camids
    said = check_dataset(plain, decode=False).splits[2].cameras_words
    assert said == {(0, 1): "0–1", (1, 2): "1–2", (1, 12): "1, 12", (17, 3): "3, 17"}[cameras]
