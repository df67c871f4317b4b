"""Where data sets are found, and what is said when they are not."""

from __future__ import annotations

import os

import pytest

from qaconv_core.data import DATASETS, open_dataset
from qaconv_core.errors import DatasetError
from tests import builders

BUILDERS = {
    "market": builders.write_market,
    "duke": builders.write_duke,
    "cuhk03_np_labeled": builders.write_cuhk03,
    "cuhk03_np_detected": builders.write_cuhk03,
    "msmt": builders.write_msmt,
    "randperson": builders.write_randperson,
    "clonedperson": builders.write_clonedperson,
}
PLACES = [
    ("market", "market"),
    ("market", "market/Market-1501-v15.09.15"),
    ("market", "Market-1501-v15.09.15"),
    ("market", "Market-1501"),
    ("market", "market1501/Market-1501-v15.09.15"),
    ("market", "MARKET1501"),
    ("market", "Market-1501-v15.09.15/Market-1501-v15.09.15"),
    ("duke", "duke"),
    ("duke", "duke/DukeMTMC-reID"),
    ("duke", "DukeMTMC-reID/DukeMTMC-reID"),
    ("cuhk03_np_labeled", "cuhk03_np_labeled"),
    ("cuhk03_np_labeled", "cuhk03-np/labeled"),
    ("cuhk03_np_labeled", "CUHK03_New_Labeled"),
    ("cuhk03_np_labeled", "cuhk03_np_labeled/cuhk03-np/labeled"),
    ("cuhk03_np_detected", "cuhk03-np/detected"),
    ("cuhk03_np_detected", "CUHK03/CUHK03-NP/Detected"),
    ("msmt", "msmt"),
    ("msmt", "msmt/MSMT17_V1"),
    ("msmt", "MSMT17_V2"),
    ("msmt", "msmt17/MSMT17_V2"),
    ("randperson", "randperson"),
    ("randperson", "randperson/randperson_subset"),
    ("randperson", "RandPerson/subset"),
    ("clonedperson", "clonedperson"),
    ("clonedperson", "ClonedPerson/clonedperson"),
]


@pytest.mark.parametrize(("name", "place"), PLACES)
@pytest.mark.parametrize("start", ["data", "set", "archive"])
def test_usual_places_are_found(tmp_path, name, place, start):
    data_dir = tmp_path / "Daten ü 数据"
    folder = BUILDERS[name](data_dir / place, pictures=False)
    root = {"data": data_dir, "set": data_dir / place.split("/")[0], "archive": folder}[start]
    data = open_dataset(name, str(root))
    # RandPerson's root may also be the folder around randperson_subset.
    assert data.root == folder or (name, data.root) == ("randperson", folder.parent)
    assert len(data.train) > 0
    assert all(ref.path.exists() for ref in data.train)


def test_all_sets_side_by_side_are_told_apart(tmp_path):
    for name, write in BUILDERS.items():
        write(tmp_path / name, pictures=False)
    for name in BUILDERS:
        assert open_dataset(name, tmp_path).root == tmp_path / name


def test_unusual_folder_names_are_found_by_their_content(tmp_path):
    for name in ("market", "duke", "msmt", "clonedperson"):
        BUILDERS[name](tmp_path / f"copy of {name}", pictures=False)
    for name in ("market", "duke", "msmt", "clonedperson"):
        assert open_dataset(name, tmp_path).root == tmp_path / f"copy of {name}"
    with pytest.raises(DatasetError, match="RandPerson not found"):
        open_dataset("randperson", tmp_path)


def test_the_named_folder_wins_over_a_nearer_copy(tmp_path):
    builders.write_market(tmp_path / "a copy", pictures=False)
    builders.write_market(tmp_path / "market1501", pictures=False)
    right = builders.write_market(tmp_path / "market" / "Market-1501-v15.09.15", pictures=False)
    assert open_dataset("market", tmp_path).root == right


def test_folder_names_of_any_case(tmp_path):
    root = builders.write_market(tmp_path / "market", pictures=False)
    (root / "query").rename(root / "Query")
    (root / "bounding_box_test").rename(root / "Bounding_Box_Test")
    assert len(open_dataset("market", tmp_path).query) > 0
    assert open_dataset("MARKET", tmp_path).name == "market"


@pytest.mark.parametrize("name", [n for n in DATASETS if n not in ("folder", "demo")])
def test_wrong_folder_says_what_was_expected_and_seen(tmp_path, name):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "letter.txt").write_text("hello")
    with pytest.raises(DatasetError) as error:
        open_dataset(name, tmp_path)
    text = str(error.value)
    assert "\n" not in text
    assert str(tmp_path) in text
    assert "expected" in text
    assert "holiday, letter.txt" in text
    assert "--data-dir" in text


def test_another_set_in_the_data_folder_is_not_blamed(tmp_path):
    builders.write_market(tmp_path / "market", pictures=False)
    with pytest.raises(DatasetError, match=r"DukeMTMC-reID not found; expected .* seen there: mar"):
        open_dataset("duke", tmp_path)
    builders.write_market(tmp_path / "duke" / "inside", pictures=False)
    with pytest.raises(DatasetError, match=r"named like 0000_c1s1_.*use --dataset market"):
        open_dataset("duke", tmp_path)


def test_missing_root_file_and_none(tmp_path):
    with pytest.raises(DatasetError, match="no such folder"):
        open_dataset("market", tmp_path / "nowhere")
    archive = tmp_path / "market.zip"
    archive.write_bytes(b"PK")
    with pytest.raises(DatasetError, match="unpack"):
        open_dataset("market", archive)
    with pytest.raises(DatasetError, match="no folder given"):
        open_dataset("market")
    with pytest.raises(DatasetError, match=r"unknown data set “veri”.*market, duke"):
        open_dataset("veri", tmp_path)


def test_the_other_boxes_of_cuhk03_are_refused(tmp_path):
    builders.write_cuhk03(tmp_path / "cuhk03-np" / "detected", pictures=False)
    with pytest.raises(DatasetError, match="use --dataset cuhk03_np_detected"):
        open_dataset("cuhk03_np_labeled", tmp_path)


def test_right_folders_without_pictures(tmp_path):
    for split in builders.MARKET_SPLITS:
        (tmp_path / split).mkdir()
    with pytest.raises(DatasetError, match="no picture in them"):
        open_dataset("market", tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind root")
def test_unreadable_folder(tmp_path):
    root = builders.write_market(tmp_path / "market", pictures=False)
    (root / "query").chmod(0)
    try:
        with pytest.raises(DatasetError, match="cannot be read"):
            open_dataset("market", tmp_path)
    finally:
        (root / "query").chmod(0o700)


def test_a_circle_of_links_ends(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    with pytest.raises(DatasetError):
        open_dataset("market", tmp_path)
