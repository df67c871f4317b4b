"""Whole adaptations through the command: files, words, resuming after a kill, bad input."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from qaconv_core.adaptation import rounds as engine
from qaconv_core.adaptation.checks import Check, Checked, gain_over
from qaconv_core.adaptation.grouping import ALONE, Grouping
from qaconv_core.adaptation.learning import epochs_of, thinned
from qaconv_core.adaptation.replay import MapQuality
from qaconv_core.adaptation.rounds import as_before, best_round, hold_out, mirrored_help
from qaconv_core.adaptation.state import State
from qaconv_core.adaptation.values import Round
from qaconv_core.cli import adapt as command
from qaconv_core.errors import Cancelled, InputError, QAConvError
from qaconv_core.model import load_model
from qaconv_core.models.checkpoints import read_tensors
from qaconv_core.progress import CancelToken
from qaconv_core.training.checkpoint import read_saved
from tests.core.adaptation.small import do_little, write_cameras, write_model

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", autouse=True)
def little():
    with pytest.MonkeyPatch.context() as patch:
        do_little(patch)
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """``pictures`` before two cameras, and ``model.pth.tar``."""
    folder = tmp_path_factory.mktemp("world")
    write_cameras(folder / "pictures")
    write_model(folder / "model.pth.tar")
    return folder


def options(world: Path, out: Path, *more: object) -> list[str]:
    return [
        *("--dataset", "folder", "--data-dir", str(world / "pictures")),
        *("--checkpoint", str(world / "model.pth.tar"), "--out", str(out)),
        *("--device", "cpu", "-j", "0", "--quiet", "--rounds", "2", "--epochs", "2"),
        *map(str, more),
    ]


def run(world: Path, out: Path, *more: object, cancel: CancelToken | None = None) -> None:
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    arguments = parser.parse_args(options(world, out, *more))
    arguments.run(arguments, cancel or CancelToken())


@pytest.fixture(scope="module")
def adapted(world, tmp_path_factory) -> Path:
    """What an uninterrupted run writes: ``new.pth.tar`` and ``new.json``."""
    folder = tmp_path_factory.mktemp("adapted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CLEAR", -9.0)  # whatever comes of so small a model is kept
        run(world, folder / "new.pth.tar", "--json", folder / "new.json", "--figure",
            folder / "new.png")  # fmt: skip
    return folder


class StopOnce(CancelToken):
    """Cancels as soon as a file is there."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        object.__setattr__(self, "path", path)

    @property
    def cancelled(self) -> bool:
        return self.path.exists()

    def raise_if_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled


@pytest.fixture(scope="module")
def begun(world, tmp_path_factory) -> Path:
    """The work folder of an adaptation that was stopped in its second round, after an epoch."""
    out = tmp_path_factory.mktemp("begun") / "new.pth.tar"
    work = out.with_name("new.pth.tar.work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CLEAR", -9.0)
        with pytest.raises(Cancelled):
            run(world, out, cancel=StopOnce(work / "round-2.pth.tar"))
    return work


def tensors(path: Path) -> dict[str, torch.Tensor]:
    content = read_tensors(path)
    parts = ("model", "criterion", "camera_correction")
    return {f"{part}.{k}": v for part in parts for k, v in content.get(part, {}).items()}


def same(one: Path, other: Path) -> bool:
    a, b = tensors(one), tensors(other)
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_the_model_says_from_what_on_what_and_when_it_was_adapted(world, adapted):
    model = load_model(adapted / "new.pth.tar", "cpu")
    words = model.spec.adapted
    assert "adapted without labels to 80 pictures of pictures (2 cameras) on 20" in words
    assert "from model.pth.tar" in words
    assert words in model.spec.in_full()
    assert any(words in note for note in model.notes)
    record = read_tensors(adapted / "new.pth.tar")["adapted"]
    assert record["from_sha256"] == load_model(world / "model.pth.tar", "cpu").spec.sha256
    assert not same(world / "model.pth.tar", adapted / "new.pth.tar")


def test_the_model_knows_the_cameras_by_their_pictures(world, adapted):
    """Camera 2 is darker, and pictures alone say so."""
    model = load_model(adapted / "new.pth.tar", "cpu")
    assert "maps corrected for 2 cameras" in model.spec.adapted
    correction = model.network.correction
    assert correction is not None
    model.network.correction, model.network.mirrored = None, False
    right = 0.0
    for camera in (1, 2):
        pictures = sorted((world / "pictures" / f"cam{camera}").iterdir())
        likely = correction.probabilities(torch.from_numpy(model.extract(pictures)))
        right += (likely.argmax(dim=1) == camera - 1).float().mean().item() / 2
    assert right > 0.8


def test_the_json_names_rounds_and_checks(adapted):
    found = json.loads((adapted / "new.json").read_text())
    assert found["kept"] in (1, 2)
    assert [one["number"] for one in found["rounds"]] == [1, 2]
    assert found["pictures"] == 80
    assert 10 <= found["held_out"] <= 40
    for one in found["rounds"]:
        assert one["learned"] + found["held_out"] <= 80
        assert one["groups"] >= 2


def test_at_last_mirrored_pictures_are_tried(world, adapted, tmp_path, monkeypatch, capsys):
    """They are averaged where the gain is not clearly less than that of the round that is kept."""
    found = json.loads((adapted / "new.json").read_text())
    gain = found["rounds"][found["kept"] - 1]["check"]["gain"]
    helped = found["mirrored"]["check"]["gain"] >= gain - engine.SEEMS_LOST
    assert found["mirrored"]["helped"] is helped is True
    content, words = read_tensors(adapted / "new.pth.tar"), "averaged with those of the mirrored"
    assert content["mirrored"] is True
    assert content["adapted"]["checks"][-1] == found["mirrored"]["check"]
    assert (found["mirrored"]["slope"], found["mirrored"]["shift"]) != (1, 0)
    assert words in load_model(adapted / "new.pth.tar", "cpu").spec.adapted
    gain_of = engine.gain_over

    def worse(before, after, cameras):
        return gain_of(before, after, cameras) - (stages[-1] == "checking: mirrored pictures")

    stages: list[str] = []
    maps = engine._Adaptation._maps

    def noted(self, model, places, work, stage, book=None):
        stages.append(stage)
        return maps(self, model, places, work, stage, book)

    monkeypatch.setattr(engine._Adaptation, "_maps", noted)
    monkeypatch.setattr(engine, "gain_over", worse)
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    run(world, tmp_path / "new.pth.tar", "--rounds", "1", "--epochs", "1", "--json",
        tmp_path / "new.json")  # fmt: skip
    found = json.loads((tmp_path / "new.json").read_text())
    assert not found["mirrored"]["helped"]
    assert "mirrored pictures too: " in capsys.readouterr().err
    assert "mirrored" not in read_tensors(tmp_path / "new.pth.tar")
    assert words not in load_model(tmp_path / "new.pth.tar", "cpu").spec.adapted


def test_a_model_that_averages_mirrored_pictures_is_compared_with_such(
    world, adapted, tmp_path, monkeypatch
):
    seen: list[tuple[str, bool]] = []
    maps = engine._Adaptation._maps

    def watched(self, model, places, work, stage, book=None):
        seen.append((stage, model.network.mirrored))
        return maps(self, model, places, work, stage, book)

    monkeypatch.setattr(engine._Adaptation, "_maps", watched)
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    out = tmp_path / "new.pth.tar"
    start = adapted / "new.pth.tar"
    run(world, out, "--rounds", "1", "--epochs", "1", "--checkpoint", start, "--json",
        tmp_path / "new.json")  # fmt: skip
    assert {mirrored for stage, mirrored in seen if stage == "checking: features"} == {True}
    assert {mirrored for stage, mirrored in seen if stage == "learning: cameras"} == {False}
    assert json.loads((tmp_path / "new.json").read_text())["mirrored"] is None
    assert read_tensors(out)["mirrored"] is True


def test_nothing_but_the_model_is_left(adapted):
    assert sorted(path.name for path in adapted.iterdir()) == ["new.json", "new.png", "new.pth.tar"]


def test_where_the_maps_fall_half_as_much_is_kept(world, tmp_path, monkeypatch, capsys):
    """And no further round follows; killed and begun again, the same comes of it."""
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    models: list[dict[str, torch.Tensor]] = []
    quality = engine._Adaptation._map_quality

    def measured(self, path, number, stage="checking: maps"):
        models.append(tensors(path))
        return quality(self, path, number, stage)

    def honest(self, before):
        return len(models) != 2  # the old model, the round's, the same with half as much

    monkeypatch.setattr(engine._Adaptation, "_map_quality", measured)
    monkeypatch.setattr(MapQuality, "honest", honest)
    out = tmp_path / "new.pth.tar"
    run(world, out, "--epochs", "1", "--json", tmp_path / "new.json")
    assert "half as much of what was learned is kept" in capsys.readouterr().err
    found = json.loads((tmp_path / "new.json").read_text())
    assert [(one["number"], one["share"]) for one in found["rounds"]] == [(1, 0.25)]
    assert found["kept"] == 1
    start, half, quarter = models[:3]
    moved = 0.0
    for name, value in start.items():
        if name.startswith("model.") and value.is_floating_point():
            wanted = value + (half[name] - value) / 2
            torch.testing.assert_close(quarter[name], wanted, atol=1e-6, rtol=1e-5)
            moved = max(moved, float((half[name] - value).abs().max()))
    assert moved > 1e-3
    # The head's scale and zero are fitted anew to the logits as learned: weights of its cells lie
    # halfway as well.
    for name in ("criterion.matcher.fc.weight", "criterion.matcher.fc.bias"):
        wanted = start[name] + (half[name] - start[name]) / 2
        torch.testing.assert_close(quarter[name], wanted, atol=1e-6, rtol=1e-5)


def test_where_results_cannot_be_written_is_said_beforehand(world, tmp_path):
    for option, name, words in (
        ("--figure", "a.gif", "choose one of these"),
        ("--figure", "no/a.png", "the folder for --figure does not exist"),
        ("--json", "no/a.json", "the folder for --json does not exist"),
        ("--groups", "no/a.html", "the folder for --groups does not exist"),
    ):
        with pytest.raises(InputError, match=words):
            run(world, tmp_path / "new.pth.tar", option, tmp_path / name)
    assert not list(tmp_path.iterdir())
    out = tmp_path / "new.png"
    for more in (("--figure", out), ("--json", tmp_path / "x.png", "--figure", tmp_path / "x.png")):
        with pytest.raises(InputError, match="choose two files"):
            run(world, out, *more)
    start = world / "model.pth.tar"
    with pytest.raises(InputError, match="--checkpoint and --json"):
        run(world, out, "--json", start)


def test_logits_of_averaged_maps_have_mean_and_spread_as_before():
    random = np.random.default_rng(4)
    old = random.normal(-50, 20, (30, 30)).astype(np.float32)
    new = random.normal(7, 3, (30, 30)).astype(np.float32)
    np.fill_diagonal(old, 1e6)  # a picture with itself tells nothing
    np.fill_diagonal(new, 1e6)
    slope, shift = as_before(old, new)
    pairs = [(i, j) for i in range(30) for j in range(30) if i != j]
    wanted = np.array([old[pair] for pair in pairs], dtype=float)
    found = np.array([slope * new[pair] + shift for pair in pairs], dtype=float)
    assert found.mean() == pytest.approx(wanted.mean())
    assert found.std() == pytest.approx(wanted.std())
    assert slope > 0
    assert as_before(old, np.ones_like(new)) == (1, 0)
    assert as_before(old[:1, :1], new[:1, :1]) == (1, 0)


def test_a_file_that_is_there_is_not_replaced_unasked(world, adapted):
    with pytest.raises(InputError, match="--overwrite replaces it"):
        run(world, adapted / "new.pth.tar")


def test_results_that_could_not_be_written_come_without_learning_anew(
    world, adapted, begun, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    out, result = tmp_path / "new.pth.tar", tmp_path / "new.json"
    shutil.copytree(begun, tmp_path / "new.pth.tar.work")
    result.mkdir()  # nothing can be written in its place
    monkeypatch.setattr("qaconv_core.cli.evaluate.check_outputs", lambda arguments: None)
    with pytest.raises(QAConvError):
        run(world, out, "--json", result)
    assert "adapted in" in capsys.readouterr().out
    assert same(out, adapted / "new.pth.tar")
    result.rmdir()

    def learned(*_args: object) -> None:
        raise AssertionError("a round was made once more")

    monkeypatch.setattr(engine._Adaptation, "_round", learned)
    run(world, out, "--json", result)
    found, whole = (json.loads(path.read_text()) for path in (result, adapted / "new.json"))
    assert [one["check"] for one in found["rounds"]] == [one["check"] for one in whole["rounds"]]
    assert same(out, adapted / "new.pth.tar")
    assert not (tmp_path / "new.pth.tar.work").exists()


def test_work_that_may_replace_a_file_goes_on_without_being_told_again(
    world, adapted, tmp_path, monkeypatch
):
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    out = tmp_path / "new.pth.tar"
    out.write_bytes(b"old")
    with pytest.raises(Cancelled):
        run(world, out, "--overwrite", cancel=StopOnce(out.with_name("new.pth.tar.work")
                                                       / "state.json"))  # fmt: skip
    assert out.read_bytes() == b"old"
    run(world, out)
    assert same(out, adapted / "new.pth.tar")


def test_an_evaluation_shows_the_adaptation(adapted, tmp_path, capsys):
    from qaconv_core.cli import main

    demo = tmp_path / "set"
    for split in ("query", "bounding_box_test"):
        (demo / split).mkdir(parents=True)
    for pid in (1, 2):
        for camera, split in ((1, "query"), (2, "bounding_box_test")):
            name = f"{pid:04}_c{camera}s1_{pid:06}_00.png"
            Image.new("RGB", (32, 64), (80 * pid, 10, 10)).save(demo / split / name)
    out = tmp_path / "e.json"
    assert main([
        "evaluate", "--dataset", "market", "--data-dir", str(demo), "--checkpoint",
        str(adapted / "new.pth.tar"), "--json", str(out), "--no-cache", "--no-history", "--quiet",
        "--device", "cpu", "-j", "0",
    ]) == 0  # fmt: skip
    report = json.loads(out.read_text())
    assert "adapted without labels" in report["checkpoint"]["adapted"]
    assert "adapted without labels" in capsys.readouterr().out


def test_where_it_does_not_help_the_old_model_is_kept(world, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engine, "best_round", lambda before, rounds, maps: 0)
    out = tmp_path / "new.pth.tar"
    run(world, out, "--rounds", "1", "--epochs", "1")
    assert "did not help" in capsys.readouterr().out
    assert load_model(out, "cpu").spec.adapted == ""
    old, new = tensors(world / "model.pth.tar"), tensors(out)
    assert all(torch.equal(new[k], old[k].half() if old[k].is_floating_point() else old[k])
               for k in new if k.startswith("model."))  # fmt: skip


def test_where_learning_does_not_help_the_cameras_alone_may(world, tmp_path, monkeypatch, capsys):
    def of_cameras(before, rounds, maps):
        return 0 if not rounds or rounds[-1].learned else len(rounds)

    monkeypatch.setattr(engine, "best_round", of_cameras)
    out = tmp_path / "new.pth.tar"
    run(world, out, "--rounds", "1", "--epochs", "1", "--json", tmp_path / "new.json")
    assert "the maps of the old model are corrected for the cameras" in capsys.readouterr().out
    old, new = tensors(world / "model.pth.tar"), tensors(out)
    tried = json.loads((tmp_path / "new.json").read_text())["mirrored"]
    slope, shift = (tried["slope"], tried["shift"]) if tried["helped"] else (1.0, 0.0)
    for name, value in old.items():
        if name.startswith("model."):
            wanted = value.half() if value.is_floating_point() else value
            assert torch.equal(new[name], wanted)
        elif name.endswith("logit_bn.weight"):
            assert torch.equal(new[name], value * slope)
        elif name.endswith("logit_bn.bias"):
            assert torch.equal(new[name], value * slope + shift)
        else:
            assert torch.equal(new[name], value)
    assert "maps corrected for 2 cameras" in load_model(out, "cpu").spec.adapted
    assert read_tensors(out)["adapted"]["rounds"] == 0
    found = json.loads((tmp_path / "new.json").read_text())
    assert [one["learned"] > 0 for one in found["rounds"]] == [True, False]
    assert found["kept"] == 2


def test_of_an_adapted_model_a_new_correction_is_measured_without_the_old_one(
    world, adapted, tmp_path, monkeypatch
):
    """It takes the old one's place, and would be applied to maps as the network gives them."""
    seen: list[tuple[str, bool]] = []
    maps = engine._Adaptation._maps

    def watched(self, model, places, work, stage, book=None):
        seen.append((stage, model.network.correction is not None))
        return maps(self, model, places, work, stage, book)

    monkeypatch.setattr(engine._Adaptation, "_maps", watched)
    monkeypatch.setattr(engine, "best_round", lambda before, rounds, maps: 0)
    out = tmp_path / "new.pth.tar"
    run(world, out, "--rounds", "1", "--epochs", "1", "--checkpoint", adapted / "new.pth.tar")
    stages = {stage for stage, _ in seen}
    assert {"grouping: features", "learning: cameras"} <= stages
    assert all(corrected for stage, corrected in seen if stage == "grouping: features")
    assert not any(corrected for stage, corrected in seen if stage == "learning: cameras")


def test_maps_for_the_cameras_alone_need_no_clear_gain():
    before, little = check(0.5), check(0.5, gain=0.001)
    made = replace(after((0.5, 0.001))[0], check=little)
    assert best_round(before, (replace(made, learned=10),)) == 0
    assert best_round(before, (replace(made, learned=0),)) == 1


@pytest.mark.parametrize("names", [("", "round-1.pth.tar"), ("state.json", "model-1.pth.tar")])
def test_a_cancelled_run_goes_on_to_the_same_result(world, adapted, tmp_path, monkeypatch, names):
    """Stopped as soon as the first file is there, gone on with, and stopped at the next one."""
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    out = tmp_path / "new.pth.tar"
    work = tmp_path / "new.pth.tar.work"
    for name in names:
        assert not (work / name).exists()
        with pytest.raises(Cancelled):
            run(world, out, cancel=StopOnce(work / name))
        assert (work / name).exists()
        assert not out.exists()
    run(world, out)
    assert same(out, adapted / "new.pth.tar")
    assert not work.exists()


def kill_at(wanted: Path, world: Path, out: Path) -> None:
    """Begin an adaptation, or go on with it, in a process that is killed once a file is there."""
    code = (
        "import sys; from pytest import MonkeyPatch; "
        "from tests.core.adaptation.small import do_little; do_little(MonkeyPatch()); "
        "from qaconv_core.adaptation import rounds; rounds.CLEAR = -9.0; "
        "from qaconv_core.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "adapt", *options(world, out)],
        cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(30_000):
        if wanted.exists() or process.poll() is not None:
            break
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_run_goes_on_to_the_same_result(world, adapted, tmp_path, monkeypatch):
    """Killed as soon as the first epoch of a round is saved: in the first round, and once more in
    the second."""
    out = tmp_path / "new.pth.tar"
    for name in ("round-1.pth.tar", "round-2.pth.tar"):
        wanted = out.with_name("new.pth.tar.work") / name
        assert not wanted.exists()
        kill_at(wanted, world, out)
        assert wanted.exists()
        assert not out.exists()
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    run(world, out)
    assert same(out, adapted / "new.pth.tar")


def test_a_disk_that_is_full_in_a_round_costs_that_round_alone(
    world, adapted, begun, tmp_path, monkeypatch
):
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept, out = torch.save, tmp_path / "new.pth.tar"
    shutil.copytree(begun, tmp_path / "new.pth.tar.work")
    (tmp_path / "new.pth.tar.work" / "round-2.pth.tar").unlink()  # nothing of it was saved

    def full(content, path):
        if "round-2" in Path(path).name:
            raise RuntimeError("PytorchStreamWriter failed writing file")
        kept(content, path)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(InputError, match=r"round-2\.pth\.tar: cannot be written"):
            run(world, out)
    assert not out.exists()
    assert json.loads((tmp_path / "new.pth.tar.work" / "state.json").read_text())["rounds"]
    run(world, out)
    assert same(out, adapted / "new.pth.tar")


def test_a_disk_that_is_full_at_the_end_of_a_round_loses_no_learning(
    world, adapted, begun, tmp_path, monkeypatch
):
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    out, saved = tmp_path / "new.pth.tar", State.save
    shutil.copytree(begun, tmp_path / "new.pth.tar.work")

    def full(state: State) -> None:
        if len(state.rounds) == 2:
            raise InputError("state.json: cannot be written (No space left on device)")
        saved(state)

    with monkeypatch.context() as patch:
        patch.setattr(State, "save", full)
        with pytest.raises(InputError, match="No space left"):
            run(world, out)
    learned = read_saved(tmp_path / "new.pth.tar.work" / "round-2.pth.tar")
    assert learned.epoch == 2
    run(world, out)
    assert same(out, adapted / "new.pth.tar")


def test_work_of_another_job_is_not_taken_up(world, tmp_path):
    out = tmp_path / "new.pth.tar"
    with pytest.raises(Cancelled):
        run(world, out, cancel=StopOnce(tmp_path / "new.pth.tar.work" / "state.json"))
    with pytest.raises(InputError, match="with other options; --overwrite begins"):
        run(world, out, "--seed", "5")


def test_seconds_of_earlier_calls_count(world, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    out, result = tmp_path / "new.pth.tar", tmp_path / "new.json"
    state = tmp_path / "new.pth.tar.work" / "state.json"
    short = ("--rounds", "1", "--epochs", "1")
    with pytest.raises(Cancelled):
        run(world, out, *short, cancel=StopOnce(state))
    content = json.loads(state.read_text())
    assert content["seconds"] > 0
    state.write_text(json.dumps({**content, "seconds": content["seconds"] + 5000}))
    run(world, out, *short, "--json", result)
    assert 5000 < json.loads(result.read_text())["seconds"] < 6000


def test_groups_can_be_looked_at_and_taken_out(world, adapted, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    out, page = tmp_path / "new.pth.tar", tmp_path / "groups.html"
    short = ("--rounds", "1", "--epochs", "1")
    run(world, out, *short, "--review", "--groups", page)
    assert "stopped to look at the groups" in capsys.readouterr().err
    assert not out.exists()
    text = page.read_text()
    count = text.count("<h3>Group ")
    held = {int(number) for number in re.findall(r"<h3>Group (\d+): [^<]*held out", text)}
    assert 1 <= len(held) <= count - 2
    wrong = min(set(range(1, count + 1)) - held)
    with pytest.raises(InputError, match=f"there are groups 1 to {count}"):
        run(world, out, *short, "--without", count + 1)
    run(world, out, *short, "--review", "--groups", page, "--without", wrong)
    assert re.search(rf"<h3>Group {wrong}: [^<]*taken out", page.read_text())
    result = tmp_path / "new.json"
    run(world, out, *short, "--json", result)
    whole = json.loads((adapted / "new.json").read_text())["rounds"][0]
    less = json.loads(result.read_text())["rounds"][0]
    assert less["groups"] == whole["groups"] - 1
    assert less["learned"] < whole["learned"]


@pytest.mark.parametrize("damage", ["", "{", '{"format": 9}'])
def test_damaged_work_is_named(world, tmp_path, damage):
    out = tmp_path / "new.pth.tar"
    work = tmp_path / "new.pth.tar.work"
    work.mkdir()
    (work / "state.json").write_text(damage)
    with pytest.raises(InputError, match=r"state\.json: .*--overwrite begins"):
        run(world, out)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("held_out",), [5, 99999]),
        (("held_out",), []),
        (("held_out",), None),
        (("held_out",), 5),
        (("before",), None),
        (("maps_before",), None),
        (("before", "worth"), None),
        (("before", "worth"), "x"),
        (("rounds", 0, "check", "gain"), "x"),
        (("rounds", 0, "check", "worth"), None),
        (("rounds", 0, "number"), 7),
        (("rounds", 0, "learned"), "x"),
        (("grouped", 0, "labels", 0), 1e30),
        (("grouped", 0, "labels", 0), 2**62),
        (("grouped", 0, "out"), [5000]),
        (("seconds",), -1),
        (("seconds",), 1e300),
    ],
)
def test_work_with_values_that_cannot_be_is_named(world, begun, tmp_path, place, value):
    work = tmp_path / "new.pth.tar.work"
    shutil.copytree(begun, work)
    content = json.loads((work / "state.json").read_text())
    assert len(content["rounds"]) == 1
    part = content
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    (work / "state.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"state\.json: .*--overwrite begins"):
        run(world, tmp_path / "new.pth.tar")


def test_where_damaged_work_lies_beside_a_file_that_is_said(world, tmp_path):
    out = tmp_path / "new.pth.tar"
    out.write_bytes(b"old")
    (tmp_path / "new.pth.tar.work").mkdir()
    (tmp_path / "new.pth.tar.work" / "state.json").write_text("{")
    with pytest.raises(InputError, match="replaces it; what is begun beside it may not"):
        run(world, out)


def test_seconds_of_a_stopped_call_are_kept(begun):
    """The state is written anew once the learning has stopped."""
    state, learning = (begun / name for name in ("state.json", "round-2.pth.tar"))
    assert state.stat().st_mtime_ns >= learning.stat().st_mtime_ns
    content = json.loads(state.read_text())
    assert content["seconds"] > content["rounds"][0]["seconds"]


def test_work_that_may_replace_a_file_is_so_known_before_groups_are_found(world, tmp_path):
    out = tmp_path / "new.pth.tar"
    out.write_bytes(b"old")
    work = tmp_path / "new.pth.tar.work"
    with pytest.raises(Cancelled):
        run(world, out, "--overwrite", cancel=StopOnce(work / "state.json"))
    content = json.loads((work / "state.json").read_text())
    assert content["may_replace"] is True
    assert not content["grouped"]


def test_pictures_that_cannot_be_read_are_left_out(world, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engine, "CLEAR", -9.0)
    copy = tmp_path / "copy"
    shutil.copytree(world / "pictures", copy / "pictures")
    shutil.copy(world / "model.pth.tar", copy)
    (copy / "pictures" / "cam1" / "broken.png").write_bytes(b"\x89PNG broken")
    run(copy, tmp_path / "new.pth.tar", "--rounds", "1", "--epochs", "1")
    told = capsys.readouterr().err
    assert "left out" in told
    assert "broken.png" in told
    assert "to 80 pictures" in told


def test_a_missing_folder_for_the_result_is_met_at_once(world, tmp_path):
    with pytest.raises(InputError, match="--out does not exist"):
        run(world, tmp_path / "no" / "new.pth.tar")


def test_pictures_of_nobody_alike_leave_the_model_as_it_was(world, tmp_path, capsys):
    noise = tmp_path / "noise"
    random = np.random.default_rng(0)
    (noise / "pictures").mkdir(parents=True)
    for i in range(45):
        pixels = random.integers(0, 255, (64, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(noise / "pictures" / f"{i}.png")
    shutil.copy(world / "model.pth.tar", noise)
    out = tmp_path / "new.pth.tar"
    run(noise, out, "--epochs", "1")
    told = capsys.readouterr()
    if "too few pictures look alike" in told.err:
        assert "did not help" in told.out
    assert out.is_file()


def test_whole_groups_are_held_out():
    random = np.random.default_rng(1)
    labels = random.integers(-1, 30, size=900)
    held = hold_out(Grouping(labels, 0.4, ()), seed=0)
    assert 0.13 * 900 < len(held) < 0.2 * 900
    inside = set(labels[held].tolist()) - {ALONE}
    outside = set(np.delete(labels, held).tolist()) - {ALONE}
    assert not inside & outside
    assert (hold_out(Grouping(labels, 0.4, ()), seed=0) == held).all()
    assert (hold_out(Grouping(labels, 0.4, ()), seed=1).tolist()) != held.tolist()


def check(worth: float, gain: float | None = None) -> Check:
    return Check(50, 5, worth, 1.0, 0.5, 0.5, gain=gain)


def after(*found: tuple[float, float]) -> tuple[Round, ...]:
    """Rounds by the worth and the gain of their checks."""
    return tuple(
        Round(k + 1, 0.4, 9, 90, 80, 1.0, 1.0, check(worth, gain), maps=MapQuality(0.7, 0.1))
        for k, (worth, gain) in enumerate(found)
    )


def test_the_best_round_that_is_clearly_better_is_kept():
    assert best_round(check(0.5), after((0.55, 0.02), (0.6, 0.02))) == 2
    assert best_round(check(0.5), after((0.55, 0.08), (0.6, 0.02))) == 1
    assert best_round(check(0.5), after((0.55, 0.02), (0.4, 0.02))) == 1
    assert best_round(check(0.5), ()) == 0


def test_a_later_round_is_kept_where_it_is_clearly_better_still():
    assert best_round(check(0.5), after((0.6, 0.02), (0.6, 0.02))) == 1
    assert best_round(check(0.5), after((0.6, 0.02), (0.602, 0.022))) == 1
    assert best_round(check(0.5), after((0.6, 0.02), (0.603, 0.023))) == 2
    little_by_little = after((0.6, 0.02), (0.602, 0.022), (0.604, 0.024))
    assert best_round(check(0.5), little_by_little) == 3
    assert best_round(check(0.5), after((0.6, 0.001), (0.6, 0.02))) == 2


def test_no_round_is_kept_that_is_not_clearly_better():
    assert best_round(check(0.5), after((0.6, -0.01))) == 0
    assert best_round(check(0.5), after((0.6, 0.004))) == 0
    assert best_round(check(0.5), after((0.479, 0.05))) == 0
    assert best_round(check(0.5), after((0.3, 0.05))) == 0


def test_groups_worth_a_little_less_do_not_outweigh_the_gain():
    assert best_round(check(0.5), after((0.481, 0.01))) == 1


def test_rounds_whose_maps_fell_are_not_kept():
    found = after((0.6, 0.05))
    assert best_round(check(0.5), found, MapQuality(0.72, 0.08)) == 1
    assert best_round(check(0.5), found, MapQuality(0.74, 0.1)) == 0, "parts"
    assert best_round(check(0.5), found, MapQuality(0.7, 0.04)) == 0, "background"


def test_mirrored_pictures_are_averaged_unless_they_clearly_cost():
    def helps(worth: float, gain: float, parts: float = 0.7) -> bool:
        one, mirrored = after((0.55, 0.02), (worth, gain))
        mirrored = replace(mirrored, maps=MapQuality(parts, 0.1))
        return mirrored_help(one, mirrored, check(0.5), MapQuality(0.7, 0.1))

    assert helps(0.55, 0.03)
    assert helps(0.55, 0.016), "what may be chance"
    assert not helps(0.55, 0.014)
    assert helps(0.481, 0.03)
    assert not helps(0.479, 0.03), "groups' worth"
    assert not helps(0.55, 0.03, 0.66), "parts"


def test_the_gain_is_that_of_the_better_order():
    random = np.random.default_rng(0)
    labels, cameras = np.repeat(np.arange(6), 6), np.tile([0, 1, 2], 12)
    noise = random.random((36, 36)).astype(np.float32)
    true = (labels[:, None] != labels[None, :]).astype(np.float32)

    def checked(share: float) -> Checked:
        distances = share * true + (1 - share) * noise
        return Checked(check(0.5), distances, distances, labels, distances)

    worse, better = checked(0.1), checked(0.6)
    assert gain_over(worse, better, cameras) > 0.3
    assert gain_over(better, worse, cameras) == -gain_over(worse, better, cameras)
    assert gain_over(worse, worse, cameras) == 0
    assert gain_over(worse, better, np.full(36, -1)) > 0.3, "cameras not known"
    plain = replace(worse, plain=better.plain)
    whole = gain_over(worse, better, cameras)
    assert gain_over(worse, plain, cameras) == pytest.approx(whole / 2), "half of it each"


def test_large_groups_give_up_pictures_of_cameras_that_they_have_many_of():
    labels = np.array([0] * 30 + [1] * 6 + [-1] * 10)
    cameras = np.array([0] * 25 + [1] * 5 + [0, 1] * 3 + [0] * 10)
    assert thinned(labels, cameras, 100).tolist() == list(range(36))
    kept = thinned(labels, cameras, 18)
    assert len(kept) == 18
    assert (labels[kept] == 1).sum() == 6
    assert np.bincount(cameras[kept[labels[kept] == 0]]).tolist() == [7, 5]


@pytest.mark.parametrize(("learned", "epochs"), [(100, 4), (4400, 4), (5500, 3), (40_000, 1)])
def test_many_pictures_are_seen_in_fewer_epochs(learned, epochs):
    assert epochs_of(learned, 4) == epochs
