"""MSMT17 by its lists, RandPerson and ClonedPerson by their scenes."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.data import open_dataset
from qaconv_core.errors import DatasetError
from tests import builders

RAND_FIRST = [0, 2, 4, 6, 8, 9, 10, 12, 13, 14, 15]
RAND_START = [0, 160000, 340000, 490000, 640000, 1070000, 1330000, 1590000, 1890000]
RAND_START += [3190000, 3490000]
CLONED_FIRST = [0, 0, 0, 4, 4, 8, 12, 12, 12, 12, 16, 16, 20]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_msmt_versions(tmp_path, version, newline):
    root = builders.write_msmt(tmp_path, version=version, newline=newline, pictures=False)
    data = open_dataset("msmt", root)
    assert f"V{version}" in data.layout
    assert (len(data.train), len(data.query), len(data.gallery)) == (12, 6, 6)
    assert set(data.query.camids) == {0, 11}
    assert data.query.pids.tolist() == [0, 0, 1, 1, 2, 2]
    assert np.isnan(data.query.times).all()
    assert not data.rejected
    assert all(ref.path.is_file() for ref in (*data.train, *data.query, *data.gallery))
    assert {"train": 1, "mask_train_v2": 2}[
        data.train[0].path.relative_to(root).parts[0]
    ] == version


def test_msmt_keeps_the_lists_order_with_val_behind_train(tmp_path):
    builders.write_msmt(tmp_path, pictures=False)
    for part in ("train", "gallery"):
        file = tmp_path / f"list_{part}.txt"
        file.write_text("\n".join(reversed(file.read_text().splitlines())))
    data = open_dataset("msmt", tmp_path)
    lines = [
        line.split()[0]
        for part in ("train", "val")
        for line in (tmp_path / f"list_{part}.txt").read_text().splitlines()
    ]
    assert [ref.path.relative_to(tmp_path / "train").as_posix() for ref in data.train] == lines
    assert data.gallery.pids.tolist() == [2, 2, 1, 1, 0, 0]


def test_msmt_combine_all_keeps_test_persons_apart(tmp_path):
    builders.write_msmt(tmp_path, people=4, pictures=False)
    data = open_dataset("msmt", tmp_path, combine_all=True)
    train, gallery, query = np.split(data.train.pids, [16, 24])
    assert set(train) == {0, 1, 2, 3}
    assert set(gallery) == set(query) == {4, 5, 6, 7}
    assert set(data.query.pids) == {0, 1, 2, 3}
    assert data.train[16].path == data.gallery[0].path


def test_msmt_bad_lines_are_rejected_with_their_reason(tmp_path):
    builders.write_msmt(tmp_path, pictures=False)
    file = tmp_path / "list_gallery.txt"
    good = open_dataset("msmt", tmp_path)
    first = file.read_text().splitlines()[0]
    (tmp_path / "test" / "0000" / "empty_000_01_x.jpg").write_bytes(b"")
    extra = [
        "0009/0009_000_01_0303morning_0001_0.jpg 9",
        "../../../etc/0009_000_01_x.jpg 9",
        "/etc/0009_000_01_x.jpg 9",
        "0000/strange.jpg 0",
        "no pid here",
        first.rsplit(" ", 1)[0] + " minus",
    ]
    file.write_text("\n".join([*file.read_text().splitlines(), "", *extra]))
    data = open_dataset("msmt", tmp_path)
    assert data.gallery == good.gallery
    assert len(data.rejected) == len(extra)
    texts = [str(item) for item in data.rejected]
    assert "not on disk" in texts[0]
    assert "line 8" in texts[0]
    assert "leads out" in texts[1]
    assert "leads out" in texts[2]
    assert any("missing" in note for note in data.notes)


def test_msmt_without_a_list_or_pictures(tmp_path):
    root = builders.write_msmt(tmp_path / "msmt", pictures=False)
    (root / "list_val.txt").unlink()
    assert len(open_dataset("msmt", tmp_path).train) == 6
    (root / "list_query.txt").rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=r"lacks list_query\.txt"):
        open_dataset("msmt", tmp_path)
    (tmp_path / "elsewhere").rename(root / "list_query.txt")
    (root / "test").rename(root / "tset")
    with pytest.raises(DatasetError, match="neither folder test"):
        open_dataset("msmt", tmp_path)
    (root / "test").mkdir()
    with pytest.raises(DatasetError, match="not one listed picture"):
        open_dataset("msmt", tmp_path)
    (root / "list_query.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DatasetError, match="not a text file"):
        open_dataset("msmt", tmp_path)


def test_msmt_v2_without_lists_says_so(tmp_path):
    builders.write_msmt(tmp_path, version=2, pictures=False)
    for file in tmp_path.glob("list_*.txt"):
        file.unlink()
    with pytest.raises(DatasetError, match=r"lacks list_train.txt.*copy the lists"):
        open_dataset("msmt", tmp_path)


def test_randperson_cameras_and_times(tmp_path):
    names = [f"{s:06}_s{s:02}_c01_f000264.jpg" for s in range(11)]
    bad = ["000003_s11_c00_f000001.jpg", "0001_c1s1_001051_00.jpg", "000000_s00_c00_f.png"]
    builders.write_names(tmp_path / "randperson_subset", [*names, *bad], pictures=False)
    data = open_dataset("randperson", tmp_path)
    assert [r.camid for r in data.train] == [first + 1 for first in RAND_FIRST]
    assert [r.time for r in data.train] == pytest.approx([(264 + s) / 24 for s in RAND_START])
    assert sorted(item.path.name for item in data.rejected) == sorted(bad)
    assert len(data.query) == len(data.gallery) == 0
    again = open_dataset("randperson", tmp_path, combine_all=True)
    assert again.train == data.train


def test_clonedperson_cameras_and_times(tmp_path):
    names = [f"7{s:05}_s{s:02}_c03_f023389.jpg" for s in range(13)]
    splits = dict.fromkeys(("train", "test/query", "test/gallery"), names)
    builders.write_splits(tmp_path, splits, pictures=False)
    data = open_dataset("clonedperson", tmp_path)
    for images in (data.train, data.query, data.gallery):
        assert [r.camid for r in images] == [first + 3 for first in CLONED_FIRST]
        assert {r.time for r in images} == {23389 / 24}
        assert [r.pid for r in images] == [700000 + s for s in range(13)]
    assert data.query[0].path.parent.name == "query"


def test_clonedperson_half_unpacked(tmp_path):
    builders.write_clonedperson(tmp_path, pictures=False)
    (tmp_path / "test" / "gallery").rename(tmp_path / "g")
    with pytest.raises(DatasetError, match="test/gallery"):
        open_dataset("clonedperson", tmp_path)
