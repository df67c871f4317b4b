"""Whole runs of the detection job, as a user sees them: what is on disk at the end."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shutil
import weakref
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from qaconv_core.data.catalog import open_dataset
from qaconv_core.data.description import save_description
from qaconv_core.data.folder import open_folder
from qaconv_core.data.proposal import propose
from qaconv_core.detection.crops import JOURNAL
from qaconv_core.detection.frames import Sampling
from qaconv_core.detection.job import Work, detect_people
from qaconv_core.errors import Cancelled, DatasetError, InputError
from qaconv_core.progress import CancelToken, WorkContext
from tests.core.detection.made import find_blocks, save, walkers, write_uneven_video, write_video

ONE, TWO = [(20, 40, 30, 90, "red")], [(20, 40, 30, 90, "red"), (200, 60, 30, 80, "blue")]


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tree(folder):
    """Every file below a folder but the lock, with its bytes."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and not p.name.endswith(".lock")
    }


@pytest.fixture
def scenes(tmp_path):
    folder = tmp_path / "in"
    save(folder / "cam1" / "a.png", ONE)
    save(folder / "cam1" / "b.png", TWO)
    save(folder / "cam2" / "a.png", [])
    save(folder / "cam2" / "c.png", TWO)
    return folder


def test_crops_and_tables_of_pictures(scenes, tmp_path):
    done = detect_people([scenes], tmp_path / "out", find_blocks)
    assert (done.totals.boxes, done.totals.sources, done.found_done) == (5, 4, 0)
    with open(tmp_path / "out" / "boxes.csv", encoding="utf-8") as file:
        assert file.readline() == "file,frame,time,x,y,w,h,score,track\n"
    boxes, pictures = (rows_of(tmp_path / "out" / f"{n}.csv") for n in ("boxes", "pictures"))
    assert [row["file"] for row in boxes] == ["cam1/a.png", *["cam1/b.png"] * 2, *["cam2/c.png"] * 2]  # fmt: skip  # noqa: E501
    assert [boxes[0][c] for c in "xywh"] == ["20.0", "40.0", "30.0", "90.0"]
    crop = np.asarray(Image.open(tmp_path / "out" / pictures[0]["path"]))
    assert crop.shape == (90 + 2 * 3, 30 + 2 * 3, 3)  # with its margin
    assert np.abs(crop[48, 18].astype(int) - (200, 30, 30)).max() < 12
    assert [row["row"] for row in pictures] == ["1", "2", "3", "4", "5"]


def test_the_output_folder_opens_as_a_data_set_with_cameras(scenes, tmp_path):
    detect_people([scenes], tmp_path / "out", find_blocks)
    data = open_dataset("folder", tmp_path / "out")
    assert [ref.camid for ref in data.gallery] == [0, 0, 0, 1, 1]
    assert "boxes" not in data.layout
    with pytest.raises(DatasetError, match="result of this program"):
        open_folder(tmp_path / "out" / "boxes.csv")
    (tmp_path / "out" / "pictures.csv").unlink()
    data = open_dataset("folder", tmp_path / "out")  # the crops alone
    assert len(data.gallery) + len(data.query) == 5


def test_crops_of_an_earlier_run_are_no_scenes(scenes, tmp_path):
    detect_people([scenes], scenes / "people", find_blocks)
    (scenes / "people" / "boxes.csv").unlink()  # a run that was killed has no tables yet
    done = detect_people([scenes], tmp_path / "other", find_blocks)
    assert done.totals.sources == 4
    (fault,) = [fault for fault in done.rejected if fault.path.name == "crops"]
    assert fault.reason == "5 pictures cut out of scenes by an earlier run, left out"
    again = detect_people([scenes], scenes / "people", find_blocks)  # its own are passed over
    assert again.found_done == 4
    assert not any(fault.path.name == "crops" for fault in again.rejected)


def test_bad_files_are_named_and_skipped(scenes, tmp_path):
    (scenes / "broken.jpg").write_bytes(b"no picture")
    (scenes / "empty.mp4").write_bytes(b"")
    (scenes / "broken.mp4").write_bytes(b"no video" * 99)
    os.mkfifo(scenes / "pipe.jpg")
    done = detect_people([scenes], tmp_path / "out", find_blocks)
    assert done.totals.boxes == 5
    faults = {r.path.name: r.reason for r in done.rejected}
    assert set(faults) == {"broken.jpg", "empty.mp4", "broken.mp4", "pipe.jpg"}
    assert "not an ordinary file" in faults["pipe.jpg"]
    assert "not a video" in faults["broken.mp4"]
    with pytest.raises(InputError, match="is a pipe"):
        detect_people([scenes / "pipe.jpg"], tmp_path / "out2", find_blocks)
    with pytest.raises(InputError, match="no such"):
        detect_people([scenes / "nobody.jpg"], tmp_path / "out2", find_blocks)


def test_pictures_are_turned_upright_first(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    picture = save(tmp_path / "turned.png", [(0, 100, 60, 30, "red")], exif=exif)
    detect_people([picture], tmp_path / "out", find_blocks)
    (row,) = rows_of(tmp_path / "out" / "boxes.csv")
    assert [float(row[c]) for c in "xywh"] == [240 - 130, 0, 30, 60]
    assert row["file"] == "turned.png"


def test_names_are_safe_in_the_tables_and_found_again(tmp_path):
    folder = tmp_path / "in"
    save(folder / "=cmd|a.png", ONE)
    save(folder / "line\nbreak.png", ONE)
    detect_people([folder], tmp_path / "out", find_blocks)
    text = (tmp_path / "out" / "boxes.csv").read_text("utf-8")
    assert "\n'=cmd|a.png," in text
    assert rows_of(tmp_path / "out" / "boxes.csv")[1]["file"] == "line\nbreak.png"
    assert len(open_dataset("folder", tmp_path / "out").gallery) == 2


def test_links_copies_scripts_and_what_lies_about(tmp_path):
    folder = tmp_path / "in"
    first = save(folder / "двор" / "写真 1.png", ONE)
    shutil.copy(first, folder / "двор" / "copy.png")
    (folder / "двор" / "round").symlink_to(folder, target_is_directory=True)
    (folder / "self.png").symlink_to(folder / "self.png")
    (folder / "nothing.png").symlink_to(folder / "gone.png")
    for name in ("Thumbs.db", "notes.txt", "._写真 1.png"):
        (folder / name).write_bytes(b"x")
    (folder / "empty.mp4").touch()
    done = detect_people([folder], tmp_path / "out", find_blocks)
    rows = rows_of(tmp_path / "out" / "boxes.csv")
    assert [row["file"] for row in rows] == ["двор/copy.png", "двор/写真 1.png"]
    assert len(open_dataset("folder", tmp_path / "out").gallery) == 2
    left = {fault.path.name: fault.reason for fault in done.rejected}
    others = {"round", "self.png", "nothing.png", "Thumbs.db", "notes.txt", "._写真 1.png"}
    assert set(left) == {*others, "empty.mp4"}
    assert left["empty.mp4"] == "empty (0 bytes)"


def test_a_share_that_vanishes_half_way_and_comes_back(tmp_path):
    share = tmp_path / "share"
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        save(share / name, ONE)
    (share / "notes.txt").write_text("no picture")  # nobody misses it
    seen = []

    def unplug(picture, video=False, context=None):
        seen.append(picture)
        if len(seen) == 2:
            share.rename(tmp_path / "unplugged")
        return find_blocks(picture)

    done = detect_people([share], tmp_path / "out", unplug)
    assert [row["file"] for row in rows_of(tmp_path / "out" / "boxes.csv")] == names[:2]
    assert [fault.path.name for fault in done.rejected] == ["notes.txt", *names[2:]]
    assert [path.name for path in done.lost] == names[2:]
    assert done.lost_words.startswith("2 files and folders went away while people were looked for")
    (tmp_path / "unplugged").rename(share)
    again = detect_people([share], tmp_path / "out", find_blocks)
    assert again.found_done == 1  # whether the second one has changed cannot be known
    assert [row["file"] for row in rows_of(tmp_path / "out" / "boxes.csv")] == names
    assert [fault.path.name for fault in again.rejected] == ["notes.txt"]
    assert not again.lost
    assert again.lost_words == ""


def test_a_video_that_went_away_while_it_was_read_is_looked_at_to_its_end_later(tmp_path):
    video = write_video(tmp_path / "v.avi", frames=120)
    whole, stamp = video.read_bytes(), video.stat()
    detect_people([video], tmp_path / "one go", find_blocks)
    seen = []

    def unplug(picture, video_frame=False, context=None):
        seen.append(picture)
        if len(seen) == 3:
            os.truncate(video, len(whole) // 2)  # to whoever reads on, as a share that is gone
        return find_blocks(picture)

    with contextlib.suppress(InputError):  # it is another file now
        detect_people([video], tmp_path / "out", unplug)
    assert 3 <= len(seen) < 20
    video.write_bytes(whole)
    os.utime(video, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    again = detect_people([video], tmp_path / "out", find_blocks)
    assert not again.notes
    tables = [rows_of(tmp_path / out / "boxes.csv") for out in ("one go", "out")]
    assert tables[0] == tables[1]


class Stopping:
    """A finder that asks for the work to stop at its n-th picture."""

    def __init__(self, at):
        self.left, self.cancel = at, CancelToken()

    def __call__(self, picture, video=False, context=None):
        self.left -= 1
        if self.left == 0:
            self.cancel.cancel()
        return find_blocks(picture)


@pytest.mark.parametrize("at", [1, 3, 6, 11])
@pytest.mark.parametrize("motion", [False, True])
def test_a_stopped_run_goes_on_to_the_same_result(scenes, tmp_path, at, motion):
    write_video(scenes / "gate.avi")
    work = Work(Sampling(5, motion))
    detect_people([scenes], tmp_path / "once", find_blocks, work)
    stopping = Stopping(at)
    with pytest.raises(Cancelled, match="the same command goes on"):
        detect_people([scenes], tmp_path / "out", stopping, work, WorkContext(cancel=stopping.cancel))  # fmt: skip  # noqa: E501
    assert (tmp_path / "out" / "boxes.csv").is_file()
    detect_people([scenes], tmp_path / "out", find_blocks, work)
    assert tree(tmp_path / "out") == tree(tmp_path / "once")


def test_a_killed_run_goes_on_to_the_same_result(scenes, tmp_path):
    """Whatever part of the journal a killed program left, and of the crop it was writing."""
    write_video(scenes / "gate.avi")
    detect_people([scenes], tmp_path / "once", find_blocks)
    expected = tree(tmp_path / "once")
    whole = expected[JOURNAL]
    for length in np.linspace(0, len(whole) - 1, 9).astype(int):
        out = tmp_path / f"killed{length}"
        shutil.copytree(tmp_path / "once", out)
        for name in ("boxes.csv", "pictures.csv"):
            (out / name).unlink()
        (out / JOURNAL).write_bytes(whole[:length])
        (out / ".crop.part").write_bytes(b"half")
        detect_people([scenes], out, find_blocks)
        assert tree(out) == expected


def test_what_changed_is_looked_at_again_and_other_options_are_refused(scenes, tmp_path):
    detect_people([scenes], tmp_path / "out", find_blocks)
    save(scenes / "cam1" / "a.png", TWO)
    seen = Stopping(99)
    done = detect_people([scenes], tmp_path / "out", seen)
    assert (done.found_done, 99 - seen.left, done.totals.boxes) == (3, 1, 6)
    with pytest.raises(InputError, match=r"other options \(margin\)"):
        detect_people([scenes], tmp_path / "out", find_blocks, Work(margin=0.2))
    (tmp_path / "out" / JOURNAL).write_bytes(b'{"somebody": "else"}\n')
    with pytest.raises(InputError, match="not a journal"):
        detect_people([scenes], tmp_path / "out", find_blocks)


def test_a_video_is_a_camera_with_tracks_and_times(tmp_path):
    video = write_video(tmp_path / "north_20240501_120000.avi")
    done = detect_people([video], tmp_path / "out", find_blocks, Work(Sampling(5)))
    rows = rows_of(tmp_path / "out" / "boxes.csv")
    assert sorted({int(row["frame"]) for row in rows}) == list(range(0, 30, 2))
    assert rows[0]["time"] == "2024-05-01 12:00:00"
    assert rows[-1]["time"] == "2024-05-01 12:00:02.800"
    assert done.totals.tracks == 3
    by_track = {}
    for row in rows:
        by_track.setdefault(row["track"], []).append(float(row["y"]))
    assert all(max(y) - min(y) < 4 for y in by_track.values())  # nobody was exchanged
    data = open_dataset("folder", tmp_path / "out")
    assert {ref.camid for ref in data.gallery} == {0}
    assert max(ref.time for ref in data.gallery) == pytest.approx(2.8)


def test_a_start_that_is_told_goes_before_the_name(tmp_path):
    video = write_video(tmp_path / "north_20240501_120000.avi", frames=6)
    work = Work(Sampling(5), starts={"": datetime(2020, 1, 1, 8)})
    detect_people([video], tmp_path / "out", find_blocks, work)
    assert rows_of(tmp_path / "out" / "boxes.csv")[0]["time"] == "2020-01-01 08:00:00"


def test_a_video_cut_short_is_read_as_far_as_it_goes(tmp_path):
    video = write_video(tmp_path / "cut.avi", frames=60)
    data = video.read_bytes()
    video.write_bytes(data[: len(data) // 2])
    done = detect_people([video], tmp_path / "out", find_blocks)
    assert done.totals.boxes > 0
    assert any("cut.avi: ends after" in note for note in done.notes)
    frames = {int(row["frame"]) for row in rows_of(tmp_path / "out" / "boxes.csv")}
    assert 15 <= max(frames) < 35


def test_times_of_a_video_of_variable_rate_are_those_of_its_stream(tmp_path):
    seconds = [0.0, 0.1, 0.2, 3.0, 3.1, 3.2, 7.5, 7.6]
    video = write_uneven_video(tmp_path / "phone.mkv", seconds)
    detect_people([video], tmp_path / "out", find_blocks, Work(Sampling(2)))
    rows = rows_of(tmp_path / "out" / "boxes.csv")
    times = sorted({float(row["time"]) for row in rows})
    assert times == [0.0, 3.0, 7.5]  # by a mean rate these would be frames 0, 1 and 2
    assert {int(row["frame"]) for row in rows} == {0, 3, 6}


def test_no_more_than_two_frames_of_a_video_are_in_memory(tmp_path):
    video = write_video(tmp_path / "long.avi", frames=60)
    alive, most = weakref.WeakSet(), []

    class Held:
        """Stands for a frame's pixels: arrays cannot be put into a set."""

    def finder(picture, video, context):
        held = Held()
        alive.add(held)
        weakref.finalize(picture, lambda h: None, held)
        most.append(len(alive))
        return find_blocks(picture)

    detect_people([video], tmp_path / "out", finder, Work(Sampling(None)))
    assert len(most) == 60
    assert max(most) <= 2


def test_only_frames_with_motion_are_kept_when_asked(tmp_path):
    video = write_video(
        tmp_path / "still.avi", frames=40, blocks=lambda n: walkers(0 if n < 25 else n)
    )
    detect_people([video], tmp_path / "out", find_blocks, Work(Sampling(None, motion=True)))
    frames = sorted({int(row["frame"]) for row in rows_of(tmp_path / "out" / "boxes.csv")})
    assert frames[:2] == [0, 25]


def test_sources_of_one_name_are_told_apart(tmp_path):
    a, b = save(tmp_path / "x" / "s.png", ONE), save(tmp_path / "y" / "s.png", TWO)
    detect_people([a, b, a], tmp_path / "out", find_blocks)
    rows = rows_of(tmp_path / "out" / "boxes.csv")
    assert [row["file"] for row in rows] == ["x/s.png", "y/s.png", "y/s.png"]


def test_a_folder_of_other_pictures_is_left_as_it_is(scenes, tmp_path):
    save(tmp_path / "mine" / "deep" / "a.png", ONE)
    before = tree(tmp_path / "mine")
    with pytest.raises(InputError, match="mine: holds pictures already; name an empty or new"):
        detect_people([scenes], tmp_path / "mine", find_blocks)
    assert tree(tmp_path / "mine") == before
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "read me.txt").write_text("no picture")
    assert detect_people([scenes], tmp_path / "notes", find_blocks).totals.boxes == 5


def test_what_was_found_is_imported_by_its_own_table(tmp_path):
    videos = [write_video(tmp_path / f"c{number}.avi") for number in (1, 2)]
    out = tmp_path / "out"
    began = {"": datetime(2024, 5, 1, 12)}
    detect_people(videos, out, find_blocks, Work(Sampling(5), starts=began))
    opened = open_folder(out)
    found = propose([out])
    told = "out has a table of its own, pictures.csv: what is known of its pictures is taken"
    assert found.reasons[0].startswith(told)
    assert "columns path=path, camid=camid, time=time, track=track" in found.reasons[1]
    save_description(found.description)
    again = open_folder(out)
    assert again.root == out / "pictures.csv"
    for side in ("query", "gallery"):
        assert getattr(again, side).refs == getattr(opened, side).refs
    assert {ref.camera for ref in again.gallery} == {"c1.avi", "c2.avi"}
    assert None not in {value for ref in again.gallery for value in (ref.time, ref.track)}


def test_what_was_found_before_stays_with_its_cameras_and_starts(tmp_path):
    one, two = (write_video(tmp_path / f"c{number}.avi", frames=6) for number in (1, 2))
    out, began = tmp_path / "out", datetime(2024, 5, 1, 12)
    work = Work(Sampling(5), starts={"": began}, cameras={"c1.avi": "Tür"})
    detect_people([one, two], out, find_blocks, work)
    before = rows_of(out / "pictures.csv")
    two.unlink()
    again = detect_people([one], out, find_blocks, Work(Sampling(5)))
    assert any("people of 1 file not named now (c2.avi)" in note for note in again.notes)
    assert (again.totals.sources, again.totals.boxes) == (2, len(before))
    told = [(row["path"], row["camid"], row["time"]) for row in before]
    after = [(row["path"], row["camid"], row["time"]) for row in rows_of(out / "pictures.csv")]
    assert sorted(after) == sorted(told)
    scene = save(tmp_path / "yard 2024-05-01 13-00-00.png", TWO)
    moved = Work(Sampling(5), starts={"": datetime(2025, 1, 1)}, cameras={"c2.avi": "Hof"})
    added = detect_people([scene], out, find_blocks, moved)
    assert added.totals.boxes == len(before) + 2
    detect_people([save(tmp_path / "undated.png", ONE)], out, find_blocks, Work(Sampling(5)))
    rows = {row["scene"]: row for row in rows_of(out / "pictures.csv")}
    assert [rows[f"c{number}.avi"]["camid"] for number in (1, 2)] == ["Tür", "Hof"]
    assert rows["c1.avi"]["time"].startswith("2024-05-01 12:00:0")
    assert rows["undated.png"]["time"] == ""
    assert all((out / row["path"]).is_file() for row in rows.values())


def test_files_that_would_be_mixed_up_with_earlier_ones_are_refused(tmp_path):
    a, b = save(tmp_path / "x" / "s.png", ONE), save(tmp_path / "y" / "s.png", TWO)
    out = tmp_path / "out"
    detect_people([a], out, find_blocks)
    before = tree(out)
    with pytest.raises(InputError, match=r"holds people of another s.png .*another folder"):
        detect_people([b], out, find_blocks)
    with pytest.raises(InputError, match=r"s.png as s.png; name files and folders as then"):
        detect_people([tmp_path / "x", save(tmp_path / "s.png", ONE), a], out, find_blocks)
    journal = out / JOURNAL
    lines = journal.read_text().splitlines(keepends=True)
    assert '"path"' in lines[1]
    journal.write_text(lines[0] + re.sub(r', "path.*(?=})', "", lines[1]) + "".join(lines[2:]))
    with pytest.raises(InputError, match=r"s.png, which is not named now; name it too"):
        detect_people([save(tmp_path / "other.png", ONE)], out, find_blocks)
    assert {**tree(out), JOURNAL: before[JOURNAL]} == before
