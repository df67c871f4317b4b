"""The published benchmarks in Market-1501's folders: names, cameras, times, junk."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.data import open_dataset
from qaconv_core.errors import DatasetError
from tests import builders

START = [5542, 3606, 27243, 31181, 0, 22401, 18967, 46765]


def by_name(images):
    return {ref.path.name: ref for ref in images}


def reasons(data):
    return {item.path.name: item.reason for item in data.rejected}


def test_market_reads_names_as_they_come_out_of_the_archive(tmp_path):
    builders.write_splits(
        tmp_path / "market",
        {
            "bounding_box_train": ["0002_c1s1_000451_03.jpg", "1500_c6s3_086567_01.jpg"],
            "query": ["0001_c1s1_001051_00.jpg"],
            "bounding_box_test": [
                "-1_c1s1_000401_03.jpg",
                "0000_c1s1_000151_01.jpg",
                "0001_c2s1_000301_00.jpg",
                "1488_c1s6_023021_00.jpg.jpg",
            ],
            "gt_bbox": ["0001_c1s1_001051_00.jpg"],
        },
        pictures=False,
    )
    (tmp_path / "market" / "bounding_box_test" / "Thumbs.db").write_bytes(b"db")
    data = open_dataset("market", tmp_path)
    assert data.name == "market"
    assert data.frame_rate == 25
    assert [(r.pid, r.camid) for r in data.train] == [(2, 0), (1500, 5)]
    assert [(r.pid, r.camid) for r in data.query] == [(1, 0)]
    assert [(r.pid, r.camid) for r in data.gallery] == [(0, 0), (1, 1), (1488, 0)]
    assert data.train[0].time == pytest.approx(451 / 25)
    assert set(reasons(data)) == {"-1_c1s1_000401_03.jpg", "Thumbs.db"}
    assert "junk" in reasons(data)["-1_c1s1_000401_03.jpg"]


def slow_market_times(items):
    """The published procedure, step by step: frames are moved in place, session by session.

    ``items``: (camera from 0, session from 0, frame). Returns seconds.
    """
    frames = [frame for _, _, frame in items]
    offset = np.zeros((6, 6), dtype=int)
    for c in range(6):
        for s in range(1, 6):
            before = [
                f for (cc, ss, _), f in zip(items, frames, strict=True) if (cc, ss) == (c, s - 1)
            ]
            offset[c, s] = max(before, default=0) + offset[c, s - 1]
            for i, (cc, ss, _) in enumerate(items):
                if (cc, ss) == (c, s):
                    frames[i] += offset[c, s]
    return [frame / 25 for frame in frames]


@pytest.mark.parametrize("seed", range(4))
def test_market_times_follow_the_published_procedure(tmp_path, seed):
    rng = np.random.default_rng(seed)
    splits = {name: [] for name in builders.MARKET_SPLITS}
    items = {}
    for n in range(60):
        camera, session = int(rng.integers(6)), int(rng.choice([0, 1, 3, 4, 5]))
        frame, pid = int(rng.integers(1, 99999)), int(rng.integers(-1, 20))
        lead = "-1" if pid == -1 else f"{pid:04}"
        name = f"{lead}_c{camera + 1}s{session + 1}_{frame:06}_{n:02}.jpg"
        splits[list(splits)[n % 3]].append(name)
        if pid != -1:
            items[name] = (camera, session, frame)
    # A junk box with a huge frame must not move the clock.
    splits["bounding_box_test"].append("-1_c1s1_999999_00.jpg")
    builders.write_splits(tmp_path, splits, pictures=False)
    data = open_dataset("market", tmp_path)
    expected = dict(zip(items, slow_market_times(list(items.values())), strict=True))
    found = {r.path.name: r.time for split in (data.train, data.query, data.gallery) for r in split}
    assert found == pytest.approx(expected)


def test_market_shift_by_hand(tmp_path):
    builders.write_splits(
        tmp_path,
        {
            "bounding_box_train": ["0002_c1s1_000100_01.jpg"],
            "query": ["0001_c1s2_000010_01.jpg"],
            "bounding_box_test": ["0001_c1s3_000001_01.jpg", "0001_c1s5_000007_01.jpg"],
        },
        pictures=False,
    )
    data = open_dataset("market", tmp_path)
    # s2: 100 + 0; s3: (10 + 100) + 100; s4: (1 + 210) + 210; s5: 0 (s4 is empty) + 421
    frames = [r.time * 25 for r in (*data.train, *data.query, *data.gallery)]
    assert frames == pytest.approx([100, 110, 211, 428])


def test_duke_times_and_cameras(tmp_path):
    names = [f"{c:04}_c{c}_f{46000 + c:07}.jpg" for c in range(1, 9)]
    splits = dict.fromkeys(builders.MARKET_SPLITS, names)
    builders.write_splits(tmp_path / "duke" / "DukeMTMC-reID", splits, pictures=False)
    data = open_dataset("duke", tmp_path)
    assert data.frame_rate == 59.94
    assert [r.camid for r in data.gallery] == list(range(8))
    expected = [(46000 + c + START[c - 1]) / 59.94 for c in range(1, 9)]
    assert [r.time for r in data.gallery] == pytest.approx(expected)


def test_cuhk03_has_no_times_and_keeps_pids(tmp_path):
    builders.write_splits(
        tmp_path / "cuhk03_np_labeled",
        {
            "bounding_box_train": ["0001_c1_1.png", "0001_c2_0006.png"],
            "query": ["0003_c1_22.png"],
            "bounding_box_test": ["0003_c2_27.png", "1467_c10_4_x.jpg"],
        },
        pictures=False,
    )
    data = open_dataset("cuhk03_np_labeled", tmp_path)
    assert [(r.pid, r.camid, r.time) for r in data.gallery] == [(3, 1, None), (1467, 9, None)]
    assert len(data.train) == 2
    assert data.frame_rate is None


def test_multi_digit_cameras_and_sessions_are_read_whole(tmp_path):
    names = ["0007_c12s10_000100_01.jpg"]
    builders.write_splits(tmp_path, dict.fromkeys(builders.MARKET_SPLITS, names), pictures=False)
    assert open_dataset("market", tmp_path).query[0].camid == 11


def test_junk_is_reported_and_skipped(tmp_path):
    root = builders.write_market(tmp_path / "market", pictures=False)
    query = root / "query"
    clean = open_dataset("market", tmp_path)
    junk = builders.add_junk(query)
    names = ["000000_s00_c00_f000264.jpg", "0001_c0s1_000001_01.jpg", "x0001_c1s1_000001_01.jpg"]
    builders.write_names(query, names, pictures=False)
    (query / "0009_c1s1_000001_01.jpg").symlink_to(tmp_path / "nowhere")
    data = open_dataset("market", tmp_path)
    assert data.query == clean.query
    found = reasons(data)
    assert {path.name for path in junk} | set(names) <= set(found)
    assert all(found.values())
    assert "0 bytes" in found["0001_c1s1_000001_00_empty.jpg"]
    assert "link" in found["0009_c1s1_000001_01.jpg"]
    assert "fit" in found["000000_s00_c00_f000264.jpg"]


def test_order_is_that_of_the_file_names(tmp_path):
    builders.write_market(tmp_path, people=5, pictures=False)
    data = open_dataset("market", tmp_path)
    names = [r.path.name for r in data.gallery]
    assert names == sorted(names)


@pytest.mark.parametrize("name", ["market", "duke", "cuhk03_np_labeled", "cuhk03_np_detected"])
def test_names_of_another_set_are_refused(tmp_path, name):
    writers = {
        "market": builders.write_market,
        "duke": builders.write_duke,
        "cuhk03": builders.write_cuhk03,
    }
    for other, write in writers.items():
        if not name.startswith(other):
            folder = write(tmp_path / other, pictures=False)
            with pytest.raises(DatasetError, match=f"--dataset {other}") as error:
                open_dataset(name, folder)
            assert "\n" not in str(error.value)


def test_a_missing_training_folder_is_noted_and_a_missing_query_folder_refused(tmp_path):
    root = builders.write_market(tmp_path / "market", pictures=False)
    (root / "bounding_box_train").rename(root / "gone")
    data = open_dataset("market", tmp_path)
    assert len(data.train) == 0
    assert any("training" in note for note in data.notes)
    (root / "query").rename(root / "gone too")
    with pytest.raises(DatasetError, match=r"no folder query.*seen there: bounding_box_test"):
        open_dataset("market", tmp_path)


def test_empty_split_is_refused(tmp_path):
    root = builders.write_market(tmp_path / "market", pictures=False)
    for path in (root / "query").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="query: no picture named as in Market-1501"):
        open_dataset("market", tmp_path)


def test_a_set_for_training_alone_has_empty_test_splits(tmp_path):
    root = builders.write_market(tmp_path / "market", pictures=False)
    for split in ("query", "bounding_box_test"):
        for path in (root / split).iterdir():
            path.unlink()
    data = open_dataset("market", tmp_path)
    assert len(data.train) > 0
    assert (len(data.query), len(data.gallery)) == (0, 0)
    for path in (root / "bounding_box_train").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="the right folders, but no picture in them"):
        open_dataset("market", tmp_path)


def test_combine_all_adds_test_persons_but_no_distractors(tmp_path):
    root = builders.write_market(tmp_path / "market", pictures=False)
    plain = open_dataset("market", root)
    both = open_dataset("market", root, combine_all=True)
    assert len(both.train) == len(plain.train) + len(plain.gallery) - 1 + len(plain.query)
    assert 0 not in both.train.pids
    assert both.gallery == plain.gallery
    assert any("combine_all" in note for note in both.notes)
