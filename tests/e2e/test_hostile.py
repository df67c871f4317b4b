"""Commands beside names that are no text, control characters, formulas, and disks that refuse."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
import socket

import numpy as np
import pytest
from PIL import Image

from qaconv_core.errors import InputError
from qaconv_core.store import folders
from tests.small_world import person

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names are text there")

LATIN = [os.fsdecode(b"caf\xe9_%d.jpg" % n) for n in range(4)]
ESCAPES = ["\x1b[31mred.jpg", "bell\x07.jpg", "=1+1.jpg", "@SUM(1).jpg"]


def set_folder(data_dir):
    """The folder of the one set in a data directory."""
    return next(data_dir.rglob("query")).parent


@pytest.fixture
def pictures(tmp_path):
    """A folder of four people under the names given."""

    def make(names):
        folder = tmp_path / "pictures"
        folder.mkdir()
        for number, name in enumerate(names):
            person(number, 0).save(tmp_path / "x.jpg")
            shutil.move(os.fsencode(tmp_path / "x.jpg"), os.fsencode(folder / name))
        return folder

    return make


def test_names_that_are_no_text(qaconv, pictures, checkpoint, tmp_path):
    folder = pictures(LATIN)
    query = str(folder / LATIN[0])
    model = ("--checkpoint", checkpoint, "--quiet")
    qaconv("rank", "--query", query, "--gallery", folder, "--csv", "r.csv", "--json", "r.json",
           "--figure", "r.png", *model)  # fmt: skip
    for report in ("r.pdf", "r.html"):  # each draws every candidate
        qaconv("rank", "--query", query, "--gallery", folder, "--report", report, "--top", 1,
               *model)  # fmt: skip
    qaconv("match", query, str(folder / LATIN[1]), "--json", "m.json", "--figure", "m.svg", *model)
    with open(tmp_path / "r.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["query"] for row in rows} == {str(folder / "caf\\udce9_0.jpg")}
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert os.path.exists(found["queries"][0]["results"][0]["path"])  # JSON holds the name itself
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))["query"] == query
    assert "caf\\udce9_0.jpg" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_an_evaluation_of_names_that_are_no_text(qaconv, checkpoint, tmp_path):
    for pid in (1, 2):
        for number in range(2):
            folder = tmp_path / "set" / f"p{pid}"
            folder.mkdir(parents=True, exist_ok=True)
            person(pid, number).save(tmp_path / "x.jpg")
            shutil.move(os.fsencode(tmp_path / "x.jpg"), os.fsencode(folder / LATIN[number]))
    qaconv("evaluate", "--dataset", "set", "--checkpoint", checkpoint, "--json", "e.json",
           "--csv", "e.csv", "--save-score", "e.npz", "--per-query", "--quiet")  # fmt: skip
    assert json.loads((tmp_path / "e.json").read_text())["counts"]["valid_queries"] == 2
    assert json.loads(qaconv("rescore", "e.npz", "--json", "-").out)["counts"]["query"] == 2


def test_no_control_character_and_no_formula(qaconv, pictures, checkpoint, tmp_path, monkeypatch):
    folder = pictures(ESCAPES)
    monkeypatch.chdir(folder)
    done = qaconv("rank", "--query", *ESCAPES[2:], ESCAPES[0], "--gallery", ".", "--csv", "-",
                  "--joint", "mean", "--checkpoint", checkpoint, "--quiet")  # fmt: skip
    assert all(sign.isprintable() or sign in "\n" for sign in done.out + done.err)
    for row in csv.reader(io.StringIO(done.out)):
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t"))
    done = qaconv("rank", "--query", ESCAPES[0], "--gallery", "nowhere\x1b[2J", status=2)
    assert "\\x1b[2J" in done.err
    assert "\x1b" not in done.err


def test_own_results_beside_pictures_change_no_data_set(qaconv, market, checkpoint, tmp_path):
    folder = tmp_path / "set"
    place = set_folder(market)
    shutil.copytree(place / "query", folder / "query")
    shutil.copytree(place / "bounding_box_test", folder / "gallery")
    before = qaconv("check", "--dataset", folder, "--names-only", "--json", "-").out
    query = next((folder / "query").iterdir())
    common = ("--checkpoint", checkpoint, "--quiet")
    qaconv("rank", "--query", query, "--gallery", folder, "--csv", folder / "ranked.csv", *common)
    qaconv("evaluate", "--dataset", folder, "--csv", folder / "results.csv", *common)
    after = qaconv("check", "--dataset", folder, "--names-only", "--json", "-").out
    assert json.loads(after)["counts"] == json.loads(before)["counts"]


def test_a_full_disk_loses_no_result(qaconv, market, checkpoint, tmp_path, monkeypatch):
    def full(path, scores):
        raise InputError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr("qaconv_core.evaluation.saved_scores.save_scores", full)
    done = qaconv("evaluate", "--dataset", "market", "--data-dir", market, "--checkpoint",
                  checkpoint, "--save-score", "s.npz", "--json", "r.json", "--quiet",
                  status=2)  # fmt: skip
    assert "Rank-1" in done.out
    assert json.loads((tmp_path / "r.json").read_text())["results"]
    assert done.err.splitlines()[-1].startswith("qaconv: s.npz: cannot be written (No space")
    assert '"rank1"' in qaconv("runs", "show", "1").out


def test_outputs_that_are_no_files_are_refused_before_the_work(qaconv, tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    for option, path in (("--save-score", "pipe.npz"), ("--json", "/dev/null"), ("--csv", ".")):
        done = qaconv("evaluate", "--dataset", "demo", option, path, status=2)
        assert "cannot be written, it is a" in done.err
        assert len(done.err.splitlines()) == 1


def test_no_result_takes_the_place_of_another_or_of_the_model(qaconv, checkpoint, tmp_path):
    before = checkpoint.read_bytes()
    for options, pair in (
        (("--json", "a.txt", "--csv", "./a.txt"), "--json and --csv"),
        (("--json", checkpoint), "--checkpoint and --json"),
    ):
        refused = qaconv(
            "evaluate", "--dataset", "demo", "--checkpoint", checkpoint, *options, status=2
        )
        assert f"is named by {pair}; choose two files" in refused.err
    assert checkpoint.read_bytes() == before
    assert not (tmp_path / "a.txt").exists()


def test_runs_are_listed_from_a_folder_that_is_only_read(
    qaconv, market, checkpoint, tmp_path, monkeypatch
):
    qaconv("evaluate", "--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint,
           "--quiet")  # fmt: skip

    def refuse(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(folders.tempfile, "TemporaryFile", refuse)
    assert "market" in qaconv("runs").out
    assert '"rank1"' in qaconv("runs", "show", "1").out
    assert "cannot be written to" in qaconv("runs", "delete", "1", status=2).err


def test_compared_runs_of_other_pictures_are_said(qaconv, market, checkpoint):
    options = ("--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint, "--quiet")
    first = qaconv("evaluate", *options)
    assert "the published set 3,368: results are not comparable" in first.out
    next((set_folder(market) / "query").iterdir()).unlink()
    qaconv("evaluate", *options)
    assert "run 2 is of other pictures than run 1" in qaconv("runs", "compare", "1", "2").out


def test_a_folder_that_is_a_named_set_keeps_its_times(qaconv, market):
    done = qaconv("check", "--dataset", set_folder(market), "--names-only", "--json", "-")
    assert "recognised as market" in done.err
    assert json.loads(done.out)["splits"]["query"]["unknown_times"] == 0


def test_pictures_that_went_away_leave_a_result_and_an_error(
    qaconv, pictures, market, checkpoint, tmp_path, monkeypatch
):
    from qaconv_core.cli import evaluate, rank

    def unplugged(load, *lost):
        def loaded(*arguments):
            for path in lost:
                path.unlink()
            return load(*arguments)

        return loaded

    folder = pictures([f"{number}.jpg" for number in range(4)])
    query, *others = sorted(folder.iterdir())
    monkeypatch.setattr(rank, "load_chosen_model", unplugged(rank.load_chosen_model, others[0]))
    options = ("--query", query, "--gallery", folder, "--checkpoint", checkpoint)
    done = qaconv("rank", *options, "--json", "r.json", status=2)
    assert f"1 picture went away while the data set was read, {others[0].name} first" in (
        done.complaint
    )
    (found,) = json.loads((tmp_path / "r.json").read_text())["queries"]
    assert len(found["results"]) == len(others) - 1
    lost = next((market / "market" / "bounding_box_test").glob("0002_*"))
    load = unplugged(evaluate.load_chosen_model, lost)
    monkeypatch.setattr(evaluate, "load_chosen_model", load)
    options = ("--dataset", "market", "--data-dir", market, "--checkpoint", checkpoint)
    done = qaconv("evaluate", *options, "--json", "e.json", "--quiet", status=2)
    assert f"{lost.name} first (a share or disk" in done.complaint
    assert json.loads((tmp_path / "e.json").read_text())["counts"]["gallery"] == 25


def test_damaged_pictures_are_said_and_no_error(qaconv, pictures, checkpoint):
    folder = pictures(["a.jpg", "b.jpg", "c.jpg"])
    query, other, _ = sorted(folder.iterdir())
    other.write_bytes(b"no picture")
    options = ("--query", query, "--gallery", folder, "--checkpoint", checkpoint)
    assert f"left out: {other}" in qaconv("rank", *options).err


def test_a_home_that_cannot_be_written_keeps_nothing_and_ranks(
    qaconv_process, pictures, checkpoint, monkeypatch, tmp_path
):
    for name in ("HOME", "QACONV_CACHE_DIR", "QACONV_DATA_DIR"):
        monkeypatch.setenv(name, os.path.join(os.devnull, "home"))
    for name in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    folder = pictures(["a.jpg", "b.jpg", "c.jpg"])
    query = folder / "a.jpg"
    options = ("--query", query, "--gallery", folder, "--checkpoint", checkpoint)
    done = qaconv_process("rank", *options, "--figure", "r.png", "--quiet")
    assert "rank" in done.out
    assert (tmp_path / "r.png").is_file()
    (warning,) = (line for line in done.err.splitlines() if "warning" in line)
    assert warning.endswith("going on without stored features")
    assert "matplotlib" not in done.err.lower()
    labels = ("labels", "--dataset", folder, "--assign", "Ann", query.name)
    assert "set QACONV_DATA_DIR to a folder of your own" in qaconv_process(*labels, status=2).err


def test_nothing_asks_a_network_and_figures_are_blurred_where_asked(
    qaconv, pictures, checkpoint, tmp_path, monkeypatch
):
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: asked.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: asked.append(address) or [])
    folder = pictures(["a.jpg", "b.jpg", "c.jpg"])
    qaconv("import", folder)
    options = ("--query", folder / "a.jpg", "--gallery", folder, "--checkpoint", checkpoint)
    qaconv("rank", *options, "--figure", "sharp.png", "--quiet")
    qaconv("rank", *options, "--figure", "blurred.png", "--blur", "all", "--quiet")
    qaconv("detect", folder, "--out", "people", "--quiet")
    qaconv("weights")
    assert not asked
    sharp, blurred = (
        np.asarray(Image.open(tmp_path / name).convert("L"), dtype=float)
        for name in ("sharp.png", "blurred.png")
    )
    detail = [np.abs(np.diff(figure, axis=1)).mean() for figure in (sharp, blurred)]
    assert sharp.shape == blurred.shape
    assert detail[1] < 0.8 * detail[0]
