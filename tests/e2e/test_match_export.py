"""``qaconv match --dataset``: figures of all true matches and the hardest false one, in folders."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from qaconv_core import load_model
from qaconv_core.documents import match_export
from qaconv_core.matching.strongest import select_correspondences
from tests.small_world import write_market

OTHER = "holds pairs of other pictures or of another model, or drawn otherwise"


@pytest.fixture
def market(tmp_path):
    """Three people, so that few pairs are drawn."""
    return write_market(tmp_path / "daten für Tests", people=3)


@pytest.fixture
def asked(market, checkpoint):
    return ("match", "--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint,
            "--among", "gallery", "--out", "pairs", "--quiet")  # fmt: skip


def of_name(path):
    """(person, camera) of a picture of the small Market-1501."""
    pid, camera = Path(path).name.split("_")[:2]
    return int(pid), camera[:2]


def test_all_true_matches_and_the_hardest_false_one(qaconv, market, checkpoint, asked, tmp_path):
    done = qaconv(*asked, "--index", "json", "--contribution", "-1000", "--lines", 48, "--top", 1)
    found = json.loads((tmp_path / "pairs" / "index.json").read_text())["pairs"]
    root = market / "market"
    queries = sorted(str(path) for path in (root / "query").glob("*.jpg"))
    gallery = [str(path) for path in (root / "bounding_box_test").glob("*.jpg")]
    model = load_model(checkpoint, "cpu")
    for query in queries:
        person, camera = of_name(query)
        true = {x for x in gallery if of_name(x)[0] == person and of_name(x)[1] != camera}
        mine = [pair for pair in found if pair["query"] == query]
        assert {p["picture"] for p in mine if p["kind"] == "positives"} == true
        false = [
            x for x in gallery if of_name(x)[0] not in (person, -1) and of_name(x)[1] != camera
        ]
        logits = model.score(model.extract([query]), model.extract(false))[0]
        (hardest,) = (p for p in mine if p["kind"] == "negatives")
        assert hardest["logit"] == pytest.approx(float(logits.max()), abs=0.02)
    assert [pair["lines"] for pair in found] == [48] * len(found)
    for pair in found:
        assert Image.open(tmp_path / "pairs" / pair["file"]).width > 300
        assert pair["file"].startswith(f"{pair['kind']}/48_{pair['score']:.4f}_")
    assert f"{len(found)} of {len(found)} pairs drawn in pairs" in done.out


def test_lines_need_enough_contribution_and_pairs_enough_lines(qaconv, checkpoint, asked, tmp_path):
    model = load_model(checkpoint, "cpu")
    usual = match_export.usual_contribution(model)
    qaconv(*asked, "--lines", 6, "--format", "svg")
    rows = list(csv.DictReader((tmp_path / "pairs" / "index.csv").open()))
    for row in rows[:6]:
        match = model.match(*model.extract([row["query"], row["picture"]]))
        every, _ = select_correspondences(match, top=None)
        count = sum(line.contribution >= usual for line in every)
        assert abs(count - int(row["lines"])) <= 1  # stored maps are rounded
        assert bool(row["file"]) == (int(row["lines"]) >= 6)
    there = {f"{p.parent.name}/{p.name}" for p in (tmp_path / "pairs").glob("*/*.svg")}
    assert there == {row["file"] for row in rows if row["file"]}


def test_an_interrupted_export_goes_on(qaconv, asked, tmp_path, monkeypatch):
    drawn = []
    save = match_export.save_figure

    def counted(figure, path):
        if len(drawn) == 3:
            raise KeyboardInterrupt
        drawn.append(path.name)
        save(figure, path)

    monkeypatch.setattr(match_export, "save_figure", counted)
    options = ("--contribution", "-1000", "--top", "3", "--format", "svg")
    assert qaconv(*asked, *options, status=None).status == 130
    first = list(drawn)
    assert len(list(csv.DictReader((tmp_path / "pairs" / "index.csv").open()))) == 3
    damaged = next((tmp_path / "pairs" / "positives").glob("*.svg"))
    damaged.write_bytes(damaged.read_bytes()[:-20])
    monkeypatch.setattr(
        match_export, "save_figure", lambda f, p: (drawn.append(p.name), save(f, p))
    )
    qaconv(*asked, *options)
    rows = list(csv.DictReader((tmp_path / "pairs" / "index.csv").open()))
    again = drawn[3:]
    assert damaged.name in again
    assert not set(again) & set(first) - {damaged.name}
    assert sorted(set(drawn)) == sorted(Path(row["file"]).name for row in rows)
    told = qaconv(*asked, "--contribution", "1", status=2).err
    assert OTHER in told


def test_a_figure_of_another_picture_is_never_reused(qaconv, market, asked, tmp_path):
    asked = (*asked, "--format", "svg")  # the quickest
    qaconv(*asked)
    kept = {path: path.read_bytes() for path in (tmp_path / "pairs").rglob("*") if path.is_file()}
    assert OTHER in qaconv(*asked, "--among", "query", status=2).err
    copied = tmp_path / "other"
    shutil.copytree(market, copied)
    other = ("--data-dir", copied)
    assert OTHER in qaconv(*asked, *other, status=2).err, "the same names, another folder"
    picture = next((market / "market" / "bounding_box_test").glob("0*.jpg"))
    content, status = picture.read_bytes(), picture.stat()
    picture.write_bytes(content[:-10] + bytes(10))
    told = qaconv(*asked, status=2).err
    assert OTHER in told, "another picture of the same name and size"
    assert f"{picture} changed since" in told
    picture.unlink()
    assert OTHER in qaconv(*asked, status=2).err, "a picture less"
    picture.write_bytes(content)
    os.utime(picture, ns=(status.st_atime_ns, status.st_mtime_ns))
    for path, before in kept.items():
        assert path.read_bytes() == before
    qaconv(*asked)
    settings = json.loads((tmp_path / "pairs" / "settings.json").read_text())
    assert settings["among"] == "gallery"
    assert settings["dataset"] == "market"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("A.jpg",), "name two pictures or --dataset, not both"),
        (("--json", "x.json"), "--json is for two pictures"),
    ],
)
def test_what_does_not_go_together_is_one_line(qaconv, asked, options, words):
    assert words in qaconv(*asked, *options, status=2).err


def test_neither_pictures_nor_a_set(qaconv):
    assert "name two pictures, A.jpg B.jpg, or a data set" in qaconv("match", status=2).err
    told = qaconv("match", "--dataset", "demo", status=2).err
    assert "name a folder for them by --out" in told


def test_a_folder_with_other_things_is_refused(qaconv, asked, tmp_path):
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "mine.txt").write_text("x")
    assert "is not empty" in qaconv(*asked, status=2).err
