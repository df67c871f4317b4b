"""``qaconv detect`` on a rendered scene with known boxes, by the bundled detector."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.measures import count_boxes
from tests.core.detection.made import find_blocks, save

SCENE = Path(__file__).parents[1] / "data" / "scene.jpg"
TRUE = (
    (317, 140, 31, 102), (310, 253, 42, 114), (564, 380, 70, 152), (251, 144, 39, 67),
    (15, 126, 37, 78), (40, 312, 48, 131), (67, 266, 50, 135), (612, 373, 68, 147),
)  # fmt: skip
"""Everybody on the scene who is not hidden, as the renderer drew them."""


def boxes_of(out):
    with open(out / "boxes.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows, [PersonBox(*(float(row[c]) for c in "xywh"), float(row["score"])) for row in rows]


def test_tiles_find_people_whom_the_whole_picture_is_too_small_for(qaconv, tmp_path):
    true = [PersonBox(*map(float, box)) for box in TRUE]
    done = qaconv("detect", SCENE, "--out", "all", "--quiet")
    assert "people on 1 picture or video" in done.out
    counts = count_boxes(boxes_of(tmp_path / "all")[1], true)
    assert counts.right >= 7
    assert counts.wrong <= 1
    qaconv("detect", SCENE, "--out", "whole", "--tiles", "whole", "--quiet")
    assert count_boxes(boxes_of(tmp_path / "whole")[1], true).right < counts.right
    qaconv("detect", SCENE, "--out", "tall", "--min-height", 140, "--quiet")
    assert 0 < len(boxes_of(tmp_path / "tall")[0]) < counts.right


def test_the_crops_can_be_searched_at_once(qaconv, tmp_path):
    qaconv("detect", SCENE, "--out", "out", "--quiet")
    query = sorted((tmp_path / "out" / "crops").glob("*.jpg"))[0]
    done = qaconv("rank", "--query", query, "--gallery", "out", "--csv", "r.csv", "--quiet")
    assert done.status == 0
    with open(tmp_path / "r.csv", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    assert len(rows) == len(boxes_of(tmp_path / "out")[0])  # without the query, with the header


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--score", "1.5"), "score must lie between 0 and 1"),
        (("--tiles", "half"), "tiles 'half'"),
        (("--fps", "0"), "frames a second"),
        (("--start", "noon"), "no date with time"),
        (("--boxes", "nothing.csv"), "no such file of boxes"),
    ],
)
def test_wrong_options_are_one_line(qaconv, arguments, complaint):
    done = qaconv("detect", SCENE, "--out", "out", *arguments, status=2)
    assert complaint in done.complaint


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_a_run_that_is_killed_goes_on_to_the_same_files(qaconv, tmp_path):
    for number in range(6):
        (tmp_path / "in").mkdir(exist_ok=True)
        shutil.copy(SCENE, tmp_path / "in" / f"{number}.jpg")
    options = ("--tiles", "whole,1", "--quiet")
    command = [sys.executable, "-m", "qaconv_core", "detect", "in", "--out", "out", *options]
    running = subprocess.Popen(command, cwd=tmp_path)
    journal, limit = tmp_path / "out" / ".detect.jsonl", time.monotonic() + 300
    while not (journal.exists() and journal.read_bytes().count(b'"end"') >= 2):
        assert time.monotonic() < limit
        assert running.poll() in (None, 0)
        time.sleep(0.02)
    running.kill()
    running.wait()
    done = qaconv("detect", "in", "--out", "out", *options)
    assert "done before" in done.out
    qaconv("detect", "in", "--out", "once", *options)
    for name in ("boxes.csv", "pictures.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()
    crops = [sorted(p.name for p in (tmp_path / d / "crops").rglob("*")) for d in ("out", "once")]
    assert crops[0] == crops[1]


def test_people_of_a_video_keep_their_tracks(qaconv, tmp_path):
    scene = cv2.imread(str(SCENE))[:, :360]
    size = (scene.shape[1], scene.shape[0])
    video = cv2.VideoWriter("gate_20240501_080000.avi", cv2.VideoWriter.fourcc(*"MJPG"), 5, size)
    for number in range(12):
        video.write(np.roll(scene, 3 * number, axis=1))
    video.release()
    done = qaconv("detect", "gate_20240501_080000.avi", "--out", "out", "--fps", 2, "--quiet")
    rows, _ = boxes_of(tmp_path / "out")
    assert {int(row["frame"]) for row in rows} == {0, 3, 5, 8, 10}
    assert rows[-1]["time"] == "2024-05-01 08:00:02.000"
    lengths = Counter(row["track"] for row in rows)
    assert len(lengths) <= 6
    assert sum(length >= 4 for length in lengths.values()) >= 2
    assert f"{len(lengths)} tracks" in done.out
    query = next((tmp_path / "out" / "crops").rglob("*.jpg"))
    options = ("--query", query, "--gallery", "out", "--top", 99, "--json", "r.json")
    ranked = qaconv("rank", *options, "--quiet")
    assert "each track once, by the best of its pictures" in ranked.out
    results = json.loads((tmp_path / "r.json").read_text())["queries"][0]["results"]
    assert {result["track"] for result in results} <= set(map(int, lengths))
    assert [result["rank"] for result in results] == list(range(1, len(results) + 1))
    assert len(lengths) - 1 <= len(results) <= len(lengths)  # without the query's own picture
    ranked = qaconv("rank", *options, "--tracks", "mean", "--quiet")
    assert "by the mean of its pictures; the best is shown" in ranked.out
    qaconv(
        "rank", "--query", query, "--gallery", "out/crops", *options[4:-1], "each.json", "--quiet"
    )
    (by_track,) = json.loads((tmp_path / "r.json").read_text())["queries"]
    each = json.loads((tmp_path / "each.json").read_text())["queries"][0]["results"]
    logits = {Path(item["path"]).name: item["logit"] for item in each}
    of_track: dict[str, list[float]] = {}
    with open(tmp_path / "out" / "pictures.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if Path(row["path"]).name in logits:  # without the query's own picture
                of_track.setdefault(row["track"], []).append(logits[Path(row["path"]).name])
    means = [float(np.mean(of_track[str(item["track"])])) for item in by_track["results"]]
    assert by_track["tracks"] == "mean"
    assert [item["track_mean"] for item in by_track["results"]] == pytest.approx(means, abs=1e-3)
    assert means == sorted(means, reverse=True)
    for item in by_track["results"]:
        assert item["logit"] == pytest.approx(max(of_track[str(item["track"])]), abs=1e-3)


def test_cameras_can_be_named(qaconv, tmp_path):
    shutil.copy(SCENE, tmp_path / "a.jpg")
    options = ("--out", "out", "--tiles", "whole", "--quiet")
    qaconv("detect", "a.jpg", *options, "--camera", "a.jpg=north gate")
    with open(tmp_path / "out" / "pictures.csv", encoding="utf-8") as file:
        assert {row["camid"] for row in csv.DictReader(file)} == {"north gate"}
    done = qaconv("detect", "a.jpg", *options, "--camera", "north", status=2)
    assert "give a file and a name" in done.complaint


def test_a_run_that_could_read_nothing_fails(qaconv, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    done = qaconv("detect", "broken.jpg", "--out", "out", "--quiet", status=2)
    assert "none of the pictures and videos can be read" in done.err


def test_a_share_that_vanishes_half_way_is_said_and_what_was_found_is_kept(
    qaconv, tmp_path, monkeypatch
):
    from qaconv_core.cli import detect

    share, away = tmp_path / "share", tmp_path / "away"
    for number in range(3):
        save(share / f"{number}.png", [(10, 20, 30, 90, "red")])
    seen = []

    def unplug(picture, video=False, context=None):
        seen.append(picture)
        if len(seen) == 2:
            share.rename(away)
        return find_blocks(picture)

    monkeypatch.setattr(detect, "_finder", lambda arguments: (unplug, {}))
    options = ("detect", share, "--out", "people", "--quiet")
    done = qaconv(*options, status=2)
    assert f"left out: {share / '2.png'}: no such file" in done.err
    assert "2 people on 2 pictures and videos: people" in done.out
    assert done.complaint == (
        "qaconv: 1 file or folder went away while people were looked for, 2.png first (a share or "
        "disk that was disconnected?): what was found is kept; connect it, and the same command "
        "goes on"
    )
    assert len(boxes_of(tmp_path / "people")[0]) == 2
    away.rename(share)
    (share / "link.png").symlink_to("nothing.png")  # leads nowhere, but is there
    done = qaconv(*options)
    assert "3 people on 3 pictures and videos" in done.out
