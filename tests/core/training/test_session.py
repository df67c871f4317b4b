"""Whole trainings through the command's own options: files, resuming, evaluation, processes."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from qaconv_core.cli import train as command
from qaconv_core.errors import Cancelled, DatasetError, InputError
from qaconv_core.models import load_checkpoint
from qaconv_core.progress import CancelToken, Progress
from qaconv_core.training import RECIPES
from tests.core.training.run_two import in_double
from tests.core.training.tiny import write_people

ROOT = Path(__file__).parents[3]
SMALL = [
    *("--recipe", "v2.1", "-a", "resnet18", "--final_layer", "layer2", "--neck", "8"),
    *("--init", "none", "--height", "64", "--width", "32", "-b", "8", "--epochs", "2"),
    *("--device", "cpu", "-j", "0", "--quiet", "--amp", "off", "--pad", "2"),
]


def parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    return parser.parse_args([str(option) for option in options])


def run(*options: object, cancel: CancelToken | None = None) -> None:
    arguments = parsed(*map(str, options))
    arguments.run(arguments, cancel or CancelToken())


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("data")
    write_people(folder / "market")
    return folder


def place(exp: Path) -> Path:
    return exp / "Market" / "QAConv" / "v2.1-res18-ibnb-layer2"


def test_a_training_leaves_checkpoint_log_and_results(data, tmp_path, capsys):
    run("--data-dir", data, "--exp-dir", tmp_path, "-d", "market", "--testset", "market",
        "--rerank", "--export", tmp_path / "model.pth.tar", *SMALL)  # fmt: skip
    folder = place(tmp_path)
    assert load_checkpoint(folder / "checkpoint.pth.tar").spec.epoch == 2
    assert load_checkpoint(tmp_path / "model.pth.tar").spec.input_size == (64, 32)
    log = (folder / "log.txt").read_text()
    for part in ("24 pictures of 6 people from 2 cameras", "epoch 2/2: loss", "backbone: random"):
        assert part in log
    training, test = (json.loads(line) for line in (folder / "results.json").open())
    assert (training["train_dataset"], training["epochs"], training["people"]) == ("market", 2, 6)
    assert len(training["history"]) == 2
    assert test["test_dataset"] == "market"
    assert 0 <= test["mAP"] <= 1
    assert 0 <= test["rank1_rerank"] <= 1
    assert test["report"]["counts"]["query"] == 6
    shown = capsys.readouterr()
    assert "Rank-1" in shown.out
    assert "qaconv+rerank: Rank-1" in shown.err


def test_an_interrupted_run_is_resumed_to_the_same_end(data, tmp_path, monkeypatch):
    options = ("--data-dir", data, "-d", "market", *SMALL)
    run("--exp-dir", tmp_path / "whole", *options)
    token = CancelToken()
    show = command.TrainingShower.__call__

    def stop_in_the_second_epoch(self, progress: Progress) -> None:
        show(self, progress)
        if progress.stage == "epoch 2/2" and progress.message:
            token.cancel()

    with monkeypatch.context() as patch:
        patch.setattr(command.TrainingShower, "__call__", stop_in_the_second_epoch)
        with pytest.raises(Cancelled, match="stopped in epoch 2 after 1 of 6 batches"):
            run("--exp-dir", tmp_path / "parts", *options, cancel=token)
    file = place(tmp_path / "parts") / "checkpoint.pth.tar"
    assert torch.load(file, weights_only=True)["epoch"] == 1
    # The recipe comes out of the checkpoint: nothing has to be said again but the place.
    run("--exp-dir", tmp_path / "parts", "--data-dir", data, "-d", "market", "--device", "cpu",
        "-j", "0", "--quiet", "--sub_method", "v2.1-res18-ibnb-layer2", "--resume")  # fmt: skip
    contents = [torch.load(place(tmp_path / name) / "checkpoint.pth.tar", weights_only=True)
                for name in ("whole", "parts")]  # fmt: skip
    for part in ("model", "criterion"):
        for name, value in contents[0][part].items():
            assert torch.equal(value, contents[1][part][name]), name


def test_a_resumed_run_keeps_its_teachers(data, tmp_path, capsys):
    recipe = ("--recipe", "scratch", *SMALL[2:])
    where = ("--exp-dir", tmp_path, "--data-dir", data, "-d", "market", "--sub_method", "taught")
    run(*where, *recipe, "--epochs", "1", "--teacher", "demo,", "--average", "0.5")
    capsys.readouterr()
    run(*where, "--device", "cpu", "-j", "0", "--quiet", "--resume", "--epochs", "2")
    told = capsys.readouterr().err
    assert "teachers: demo" in told
    assert ", teachers " in told.partition("epoch 2/2")[2], "as a part of the loss"
    folder = tmp_path / "Market" / "QAConv" / "taught"
    assert torch.load(folder / "checkpoint.pth.tar", weights_only=True)["recipe"]["teachers"] == [
        "demo"
    ]


def test_runs_are_not_replaced_unasked(data, tmp_path):
    folder = place(tmp_path)
    folder.mkdir(parents=True)
    (folder / "checkpoint.pth.tar").write_bytes(b"precious")
    options = ("--data-dir", data, "--exp-dir", tmp_path, "-d", "market", *SMALL)
    with pytest.raises(InputError, match="--resume continues it, --overwrite"):
        run(*options)
    assert (folder / "checkpoint.pth.tar").read_bytes() == b"precious"
    run(*options, "--overwrite", "--epochs", "1")
    assert load_checkpoint(folder / "checkpoint.pth.tar").spec.epoch == 1
    run(*options, "--resume", "--epochs", "2")
    assert load_checkpoint(folder / "checkpoint.pth.tar").spec.epoch == 2


def test_bad_requests_are_met_at_once(data, tmp_path):
    options = ("--data-dir", data, "--exp-dir", tmp_path)
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        run(*options, "-d", "market", *SMALL, "--resume")
    with pytest.raises(InputError, match="--height and --width belong together"):
        run(*options, "-d", "market", "--height", "64")
    with pytest.raises(DatasetError, match="DukeMTMC-reID not found"):
        run(*options, "-d", "market,duke", *SMALL)
    with pytest.raises(InputError, match="--dataset names no data set"):
        run(*options, "-d", ", ", *SMALL)
    with pytest.raises(InputError, match="folder for --export does not exist"):
        run(*options, "-d", "market", *SMALL, "--export", tmp_path / "no" / "m.pth.tar")
    with pytest.raises(InputError, match="cannot be the name of a run's folder"):
        run(*options, "-d", "market", *SMALL, "--sub_method", "../..")
    assert not list(tmp_path.rglob("*.pth.tar"))


def test_test_sets_without_queries_are_met_before_training(data, tmp_path):
    pictures = tmp_path / "flat"
    pictures.mkdir()
    first = next((data / "market" / "query").iterdir())
    (pictures / "a.png").write_bytes(first.read_bytes())
    with pytest.raises(InputError, match="has no query pictures; leave it out of --testset"):
        run("--data-dir", data, "--exp-dir", tmp_path / "e", "-d", "market", "--testset", pictures,
            *SMALL)  # fmt: skip
    assert not (tmp_path / "e").exists()


def test_several_sets_and_all_their_pictures_are_joined(data, tmp_path):
    write_people(tmp_path / "more", people=3)
    arguments = parsed("-d", f"market,{tmp_path / 'more'}", "--data-dir", str(data),
                       "--combine_all", "--exp-dir", str(tmp_path))  # fmt: skip
    job = command.training_job(arguments)
    assert [len(dataset.train) for dataset in job.datasets] == [24 + 12, 12 + 6]
    assert job.folder.parts[-3] == "Market+More"


def test_options_change_the_recipe_and_leave_the_rest():
    arguments = parsed("-b", "32", "-K", "4", "--ibn", "none", "--max_size", "0", "--neck", "0",
                       "--height", "256", "--width", "64", "--final_layer", "layer2")  # fmt: skip
    changes = command.recipe_changes(arguments)
    assert changes == {
        "batch_size": 32, "num_instance": 4, "ibn": "none", "occlusion": (0.0, 0.0), "neck": 0,
        "input_size": (256, 64), "layer": "layer2",
    }  # fmt: skip
    assert command.recipe_changes(parsed()) == {}
    from qaconv_core.training.recipes import change_recipe

    recipe = change_recipe(RECIPES["v2.1"], **changes)
    assert recipe.lr == 0.005
    assert recipe.ibn is None


def run_script(command: list[str], script: str, *options: object, folder: Path) -> None:
    """Run a script of this folder by a command."""
    done = subprocess.run(
        [*command, str(Path(__file__).with_name(script)), *map(str, options)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        cwd=folder,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_two_processes_stop_resume_and_learn_alike(tmp_path):
    write_people(tmp_path / "set", people=4, views=2, labels=True)
    run_script([sys.executable], "run_two.py", tmp_path, folder=tmp_path)
    assert json.loads((tmp_path / "v2.0.json").read_text())["alone"] < 1e-13
    for recipe in ("v1", "v2.1", "scratch"):
        found = json.loads((tmp_path / f"{recipe}.json").read_text())
        assert found["epochs"] == 2
        assert found["ranks"] == 0, recipe
        assert found["resumed"] == 0, recipe
        # All but the statistics of a learning backbone is that of the whole batch.
        assert found["alone"] < 1e-4, recipe


def test_a_lost_process_is_told_in_one_line(monkeypatch):
    from qaconv_core.training import distributed

    monkeypatch.setattr(distributed, "launched", lambda: True)
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda *a, **k: None)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: None)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with (
        pytest.raises(InputError, match="process 2 of 2: another process of this training"),
        distributed.team("cpu"),
    ):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:561] Connection closed by peer")
    with pytest.raises(RuntimeError, match="shapes"), distributed.team("cpu"):
        raise RuntimeError("shapes do not fit")


def test_two_processes_train_as_one(data, tmp_path, monkeypatch):
    monkeypatch.setitem(
        RECIPES, "v2.0", replace(RECIPES["v2.0"], frozen_norms=True, even_head=True)
    )
    # The pairwise loss, and pictures without flat squares: where several triplets or cells are
    # equally good, rounding decides which of them learns.
    options = ["--data-dir", str(data), "-d", "market", "--testset", "market", *SMALL]
    options += ["--recipe", "v2.0", "-K", "2", "--gs_pre_epochs", "0", "--epochs", "1"]
    options += ["--sub_method", "run", "--pad", "0", "--max_size", "0", "--rotate", "0"]
    with in_double():
        run("--exp-dir", tmp_path / "one", *options)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run_script(
        torchrun, "run_train.py", "--exp-dir", tmp_path / "two", *options, folder=tmp_path
    )  # fmt: skip
    folders = [tmp_path / name / "Market" / "QAConv" / "run" for name in ("one", "two")]
    one, two = (torch.load(f / "checkpoint.pth.tar", weights_only=True) for f in folders)
    for part in ("model", "criterion"):
        for key, value in one[part].items():
            torch.testing.assert_close(two[part][key], value, atol=1e-5, rtol=1e-4, msg=key)
    assert "in 2 processes" in (folders[1] / "log.txt").read_text()
    assert len((folders[1] / "results.json").read_text().splitlines()) == 2


def test_curves_are_written_where_tensorboard_is_installed(tmp_path, monkeypatch):
    from qaconv_core.training import journal

    written = []

    class Writer:
        def __init__(self, folder):
            written.append(folder)

        def add_scalar(self, name, value, step):
            written.append((name, value, step))

        def flush(self):
            pass

        def close(self):
            written.append("closed")

    fake = types.SimpleNamespace(SummaryWriter=Writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    monkeypatch.setattr(journal, "_tensorboard_installed", lambda: True)
    (tmp_path / "events.out.tfevents.1.old.0").touch()
    book = journal.Journal(tmp_path)
    book.forget_curves()
    assert not list(tmp_path.iterdir())
    assert written == []
    book.scalars(3, {"loss": 0.5})
    book.close()
    assert written == [str(tmp_path), ("loss", 0.5, 3), "closed"]
    monkeypatch.setattr(journal, "_tensorboard_installed", lambda: False)
    journal.Journal(tmp_path).scalars(4, {"loss": 0.4})
    assert len(written) == 3


def test_a_disk_that_is_full_for_an_epoch_loses_nothing(data, tmp_path, monkeypatch, capsys):
    kept, failures = torch.save, iter((True, False))

    def full(content, path):
        if next(failures, False):
            raise RuntimeError("PytorchStreamWriter failed writing file data/0\nframe #0")
        kept(content, path)

    monkeypatch.setattr(torch, "save", full)
    run("--data-dir", data, "--exp-dir", tmp_path, "-d", "market", *SMALL)
    assert load_checkpoint(place(tmp_path) / "checkpoint.pth.tar").spec.epoch == 2
    assert "the training goes on and tries again" in (place(tmp_path) / "log.txt").read_text()


def test_a_disk_that_stays_full_keeps_the_state_elsewhere(data, tmp_path, monkeypatch):
    kept, folder = torch.save, place(tmp_path / "exp")

    def full(content, path):
        if Path(path).parent == folder:
            raise RuntimeError("PytorchStreamWriter failed writing file")
        kept(content, path)

    monkeypatch.setattr(torch, "save", full)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(InputError, match=r"cannot be written .* the state is kept as") as error:
        run("--data-dir", data, "--exp-dir", tmp_path / "exp", "-d", "market", *SMALL)
    assert len(str(error.value).splitlines()) == 1
    (saved,) = tmp_path.glob("qaconv-*/checkpoint.pth.tar")
    assert load_checkpoint(saved).spec.epoch == 2
