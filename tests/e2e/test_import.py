"""``qaconv import`` as a person types it, and the other commands on what it wrote."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
from pathlib import Path

import pytest

from qaconv_core.data import check
from tests.builders import write_boxes, write_picture
from tests.core.detection.made import write_video
from tests.small_world import person


@pytest.fixture
def shop(tmp_path):
    """Two cameras and three persons, named in words."""
    for camera in ("hof", "tor"):
        for number, name in enumerate(("ann", "bob", "李")):
            for shot in (1, 2):
                path = tmp_path / "shop" / camera / name / f"{shot}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                person(number, 10 * shot + len(camera)).save(path)
    return tmp_path / "shop"


def test_import_writes_what_every_command_reads(qaconv, shop, checkpoint, tmp_path):
    done = qaconv("import", shop, "--dataset", "Laden", "--json", "i.json")
    assert "hof/ann/1.jpg" in done.out
    assert "yes  Evaluate" in done.out
    assert f"written: {shop / 'qaconv.toml'}" in done.err
    record = json.loads((tmp_path / "i.json").read_text())
    assert record["cameras"] == {"0": "hof", "1": "tor"}
    assert record["counts"]["pictures"] == 12
    check = qaconv("check", "--dataset", "Laden")
    assert "valid queries: 6 of 6" in check.out
    for name in ("laden", shop):
        qaconv("evaluate", "--dataset", name, "--checkpoint", checkpoint, "--json", "e.json")
        report = json.loads((tmp_path / "e.json").read_text())
        assert report["counts"]["valid_queries"] == report["counts"]["query"] == 6
        assert report["dataset"] == "Laden"
    query = shop / "hof" / "bob" / "1.jpg"
    qaconv("rank", "--query", query, "--gallery", "laden", "--checkpoint", checkpoint,
           "--json", "r.json")  # fmt: skip
    ranked = json.loads((tmp_path / "r.json").read_text())
    assert ranked["gallery"] == 12


def test_import_again_replaces_and_a_dry_run_writes_nothing(qaconv, shop):
    qaconv("import", shop, "--dry-run")
    assert not (shop / "qaconv.toml").exists()
    qaconv("import", shop)
    again = qaconv("import", shop, "--folders", "none/persons")
    assert "in place of an earlier one" in again.err
    assert 'folders = ["none", "persons"]' in (shop / "qaconv.toml").read_text()


def test_pictures_that_cannot_be_decoded_are_counted(qaconv, shop, tmp_path):
    whole = (shop / "hof" / "bob" / "1.jpg").read_bytes()
    (shop / "hof" / "bob" / "1.jpg").write_bytes(whole[: len(whole) // 2])
    (shop / "tor" / "bob" / "1.jpg").write_text("<html>not found</html>")
    done = qaconv("import", shop, "--dry-run", "--json", "i.json")
    assert (
        "damaged: 2 pictures of 12 cannot be decoded and are left out of every search" in done.out
    )
    assert "yes  Search: 10 pictures can be ranked" in done.out
    assert "yes  Evaluate: 4 of 4 queries have a true match" in done.out  # of 6, as all of them
    record = json.loads((tmp_path / "i.json").read_text())
    assert record["possible"][0]["why"] == "10 pictures can be ranked"
    damaged = record["damaged"]
    assert [Path(item["path"]).parent.parent.name for item in damaged] == ["hof", "tor"]
    quick = qaconv("import", shop, "--dry-run", "--names-only", "--json", "i.json")
    assert "damaged" not in quick.out
    assert json.loads((tmp_path / "i.json").read_text())["damaged"] is None
    assert "1 of 12 pictures looked at cannot be opened (1.jpg: " in quick.out
    assert "yes  Search: 11 pictures can be ranked" in quick.out
    qaconv("import", shop)
    checked = qaconv("check", "--dataset", shop).out
    assert "gallery        6 pictures" in checked
    assert "valid queries: 4 of 4" in checked


def test_a_set_without_a_name_goes_by_its_folder_everywhere(qaconv, shop, checkpoint, tmp_path):
    query = shop / "hof" / "bob" / "1.jpg"
    for _described in range(2):
        qaconv("evaluate", "--dataset", shop, "--checkpoint", checkpoint, "--json", "e.json")
        assert json.loads((tmp_path / "e.json").read_text())["dataset"] == "shop"
        assert qaconv("check", "--dataset", shop).out.startswith("shop: ")
        qaconv("import", shop)
    runs = qaconv("runs", "--dataset", "shop", "--json").out
    assert [run["dataset"] for run in json.loads(runs)] == ["shop", "shop"]
    assert "  shop  " in qaconv("runs").out
    qaconv("rank", "--query", query, "--gallery", shop, "--checkpoint", checkpoint,
           "--report", "r.html", "--top", 1)  # fmt: skip
    assert "shop, own pictures (persons, cameras)" in (tmp_path / "r.html").read_text()
    qaconv("labels", "-d", shop, "--assign", "Ann", "hof/ann/1.jpg")
    qaconv("import", shop, "--dataset", "Laden")  # a name that comes later loses nothing
    assert "Ann" in qaconv("labels", "-d", "Laden").out


def test_lines_and_folders_that_say_too_much_or_nothing_are_said(qaconv, shop, tmp_path):
    (shop / "yard").mkdir()
    assert "note: 1 folder holds no picture: yard" in qaconv("import", shop, "--dry-run").out
    assert "note: 1 folder holds no picture: yard" in qaconv("check", "-d", shop).out
    rows = [
        "path,pid",
        "shop/hof/ann/1.jpg,ann",
        "shop/hof/bob/1.jpg,bob",
        "shop/hof/ann/1.jpg,eve",
    ]
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    said = (
        "note: list.csv: 1 picture has lines that contradict each other, 1.jpg first (person ann "
        "on line 2, eve on line 4): the earlier line counts"
    )
    for command in (("import", "list.csv"), ("check", "-d", "list.csv")):
        assert said in qaconv(*command).out


def test_notes_of_an_evaluation_call_cameras_by_their_names(qaconv, shop, checkpoint):
    qaconv("import", shop)
    done = qaconv("evaluate", "--dataset", shop, "--checkpoint", checkpoint, "--normalise")
    assert "pictures of cameras hof, tor, of which the gallery has at most" in done.out + done.err


def test_a_benchmark_needs_no_import(qaconv, market):
    done = qaconv("import", market / "market")
    assert "this is the data set market" in done.out
    assert not (market / "market" / "qaconv.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "no such file or folder"),
        (("shop", "--pattern", "{pidd}"), "no field {pidd}"),
        (("shop", "--pattern", "{pid"), "without }"),
        (("shop", "--folders", "people"), "levels are persons, cameras, none"),
        (("shop", "--columns", "person=x"), "OURS=THEIRS"),
        (("shop", "--rate", "-1"), "frames per second"),
        (("shop", "--rate", "nan"), "frames per second"),
        (("shop", "--dataset", "market"), "a published set has it"),
        (("shop", "--dataset", "a/b"), "cannot be given"),
    ],
)
def test_wrong_use_is_met_with_one_line(qaconv, shop, arguments, said):
    done = qaconv("import", *arguments, status=2)
    assert said in done.complaint
    assert len(done.err.strip().splitlines()) == 1
    assert not (shop / "qaconv.toml").exists()


def test_a_damaged_description_stops_every_command_with_its_name(qaconv, shop):
    (shop / "qaconv.toml").write_text("format = 1\n[[source]]\npath = '..'\n")
    done = qaconv("check", "--dataset", shop, status=2)
    assert "qaconv.toml" in done.complaint


def test_a_file_of_boxes_is_proposed_and_its_command_works(qaconv, tmp_path):
    for number in (1, 2):
        write_picture(tmp_path / "my street" / f"{number}.png", number, size=(320, 240))
    write_boxes(tmp_path / "boxes.json")
    done = qaconv("import", "my street", "boxes.json")
    assert "boxes.json: 3 boxes of people on 1 picture or video" in done.out
    assert "not among the pictures: 9.png" in done.out
    command = done.out.strip().splitlines()[-1]
    program, *words = shlex.split(command)
    assert program == "qaconv"
    qaconv(*words, "--quiet")
    assert "3 pictures" in qaconv("import", "people", "--dry-run").out
    alone = qaconv("import", "boxes.json", status=2)
    assert "name the pictures or the video" in alone.complaint


def test_boxes_outside_of_their_picture_are_counted(qaconv, tmp_path):
    for name in ("1.png", "2.png"):
        write_picture(tmp_path / "street" / name, size=(320, 240))
    rows = ("1.png,10,20,40,100", "1.png,400,20,40,100", "2.png,10,-200,40,100")
    (tmp_path / "b.csv").write_text("\n".join(("file,x,y,w,h", *rows)) + "\n")
    done = qaconv("import", "street", "b.csv")
    assert "b.csv: 1 box of people on" in done.out
    assert "2 boxes lie outside of their picture and are left out" in done.out
    for _again in range(2):  # a run that finds everything done says it, too
        done = qaconv("detect", "street", "--boxes", "b.csv", "--out", "people", "--quiet")
        assert "note: 2 boxes lie outside of their picture and are left out" in done.err
        assert "1 person on 2 pictures" in done.out


def test_tracks_are_counted_alike_before_and_after(qaconv, tmp_path):
    """A track of pictures goes through all of them; its number says nothing of how many."""
    for name in ("1.png", "2.png", "3.png"):
        write_picture(tmp_path / "street" / name, size=(320, 240))
    write_video(tmp_path / "street" / "0.avi", frames=6)
    rows = [f"{name},0,10,20,40,100,{track}" for name in ("1.png", "2.png") for track in (3, 9)]
    rows += ["3.png,0,10,20,40,100,", "3.png,0,400,20,40,100,12"]  # no track; outside
    rows += [f"0.avi,{frame},10,20,40,100,9" for frame in (0, 2, 900)]
    (tmp_path / "b.csv").write_text("\n".join(("file,frame,x,y,w,h,track", *rows)) + "\n")
    left_out = ("1 box lies outside of its picture and is left out",
                "0.avi: 1 box is on frames that it does not have, and left out")  # fmt: skip
    before = qaconv("import", "street", "b.csv")
    assert "7 boxes of people on 4 pictures and videos, 3 tracks" in before.out
    after = qaconv("detect", "street", "--boxes", "b.csv", "--out", "people", "--quiet")
    assert "7 people on 4 pictures and videos, 3 tracks: people" in after.out
    for sentence in left_out:
        assert sentence in before.out
        assert f"note: {sentence}" in after.err
    with open(tmp_path / "people" / "pictures.csv", encoding="utf-8") as file:
        tracks = [row["track"] for row in csv.DictReader(file)]
    assert len(set(tracks) - {""}) == 3


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_boxes_without_their_size_are_no_table_of_pictures(qaconv, tmp_path, delimiter):
    write_picture(tmp_path / "street" / "1.png", size=(320, 240))
    text = "file,x,y\nstreet/1.png,10,20\n".replace(",", delimiter)
    (tmp_path / "boxes.csv").write_text(text)
    done = qaconv("import", "street", "boxes.csv", status=2)
    assert "boxes.csv: no column w, h; columns seen: file, x, y" in done.complaint
    assert len(done.err.strip().splitlines()) == 1
    assert not list(tmp_path.rglob("qaconv.toml"))


def test_positions_beside_persons_are_a_table_of_pictures(qaconv, tmp_path):
    write_picture(tmp_path / "more" / "2.png")
    write_picture(tmp_path / "1.png")
    (tmp_path / "list.csv").write_text("file,pid,x,y\n1.png,ann,10,20\n")
    done = qaconv("import", "more", "list.csv", "--dry-run")
    assert "list.csv: columns path=file, pid=pid (not used: x, y)" in done.out


def test_a_file_that_is_missing_is_not_called_a_folder(qaconv, shop):
    done = qaconv("import", shop, "nosuch.json", status=2)
    assert "nosuch.json: no such file or folder" in done.complaint


def test_a_folder_of_videos_is_sent_to_the_command_that_takes_them(qaconv, tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "gate.MP4").write_bytes(b"x")
    assert "a video, not a picture (qaconv detect" in qaconv("import", folder, status=2).complaint


def test_a_name_in_use_is_refused_and_one_whose_folder_is_gone_can_be_forgotten(qaconv, shop):
    qaconv("import", shop, "--dataset", "Laden")
    other = shop.with_name("other")
    shutil.copytree(shop, other)
    (other / "qaconv.toml").unlink()
    done = qaconv("import", other, "--dataset", "laden", status=2)
    assert f"is the name of the data set in {shop}; give another name, or" in done.complaint
    assert not (other / "qaconv.toml").exists()
    qaconv("import", shop, "--dataset", "Laden", "--folders", "cameras/persons")  # its own
    qaconv("labels", "-d", "Laden", "--assign", "Ann", "hof/ann/1.jpg")
    shutil.rmtree(shop)
    for command in (("labels", "-d", "laden"), ("check", "-d", "laden"),
                    ("rank", "--gallery", "laden", "--query", other / "hof" / "ann" / "1.jpg")):  # fmt: skip  # noqa: E501
        assert f"lay in {shop}, which is missing" in qaconv(*command, status=2).complaint
    assert "1 file of labels" in qaconv("forget", "-d", "Laden").out
    assert "unknown data set" in qaconv("check", "-d", "Laden", status=2).complaint
    qaconv("import", other, "--dataset", "Laden")


@pytest.mark.parametrize("part", ["", "tor", "*"])
def test_a_share_that_goes_away_while_pictures_are_decoded(
    qaconv, shop, tmp_path, monkeypatch, part
):
    """All of it (of a mount the folder stays, empty): nothing is written. A part: what is left is
    said. The status tells either."""
    read, away, mount = check.read_image, shop.with_name("away"), part == "*"
    part = "" if mount else part

    def unplug():
        if not away.exists():
            (shop / part).rename(away)
            if mount:
                shop.mkdir()

    def plug():
        if mount:
            shop.rmdir()
        away.rename(shop / part)

    def unplugged(path):
        unplug()
        return read(path)

    monkeypatch.setattr(check, "read_image", unplugged)
    monkeypatch.setattr(check.os, "cpu_count", lambda: 1)
    done = qaconv("import", shop, "--quiet", status=2)
    if mount:
        assert "12 pictures and folders went away while the folder was read" in done.complaint
    elif not part:
        assert f"{shop}: went away while it was read (a share or disk" in done.complaint
    else:
        assert "yes  Search: 6 pictures can be ranked" in done.out
        assert (
            "6 pictures and folders went away while the folder was read, 1.jpg first"
            in done.complaint
        )
        assert (shop / "qaconv.toml").is_file()
    if not part:
        assert done.out == ""
        assert not list(tmp_path.rglob("*.toml"))
    plug()
    done = qaconv("check", "--dataset", shop, "--json", "-", "--quiet", status=2)
    assert "pictures went away while the data set was read, 1.jpg first" in done.complaint
    assert len(json.loads(done.out)["rejected"]) == (6 if part else 12)
    plug()
    monkeypatch.setattr(check, "read_image", read)
    assert qaconv("check", "--dataset", shop, "--quiet").err == ""
