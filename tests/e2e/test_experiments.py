"""``qaconv evaluate`` with upstream's options that say which experiment is meant."""

from __future__ import annotations

import os

import pytest

from tests.checkpoints import write_checkpoint
from tests.small_world import small_checkpoint


@pytest.fixture
def experiments(tmp_path, checkpoint):
    """Exp/Market with two runs; the older one is of another network."""
    older = tmp_path / "Exp" / "Market" / "QAConv_GS" / "res18-layer3"
    newer = tmp_path / "Exp" / "Market" / "QAConv" / "res18-ibnb-layer4"
    for age, folder in enumerate((newer, older)):
        folder.mkdir(parents=True)
        path = folder / "checkpoint.pth.tar"
        path.write_bytes(checkpoint.read_bytes())
        os.utime(path, (1e9 - age, 1e9 - age))
    return older, newer


def where(market):
    return ("evaluate", "-d", "market", "--testset", "market", "--data-dir", market, "--quiet")


def taken(done):
    """The checkpoint that the command says it uses."""
    return next(line for line in done.err.splitlines() if line.startswith("checkpoint: "))[12:]


def test_the_folder_of_a_published_experiment_is_taken(qaconv, market, experiments, tmp_path):
    older, newer = experiments
    asked = ("--method", "QAConv_GS", "--sub_method", "res18-layer3")
    done = qaconv(*where(market), *asked)  # Exp is upstream's default
    assert taken(done) == str(older.relative_to(tmp_path) / "checkpoint.pth.tar")
    done = qaconv(*where(market), "--exp-dir", "Exp", "--method", "QAConv")
    assert taken(done) == str(newer.relative_to(tmp_path) / "checkpoint.pth.tar")
    told = qaconv(*where(market), "--sub_method", "res50", status=2).err
    assert "Exp: holds no checkpoint of --sub_method res50; there are Market/" in told


def test_the_network_asked_for_chooses_among_experiments(qaconv, market, experiments, tmp_path):
    older, newer = experiments
    other = small_checkpoint()
    other["model"] = {k: v for k, v in other["model"].items() if not k.startswith("neck")}
    spec = ("-a", "resnet18", "--final_layer", "layer3", "--neck", "16", "--ibn", "none")
    write_checkpoint(newer / "checkpoint.pth.tar", other)
    os.utime(newer / "checkpoint.pth.tar", (1e9 + 5, 1e9 + 5))
    done = qaconv(*where(market), *spec)
    assert taken(done) == str(older.relative_to(tmp_path) / "checkpoint.pth.tar")


def test_a_checkpoint_is_checked_against_the_options(qaconv, market, checkpoint):
    given = (*where(market), "--checkpoint", checkpoint)
    qaconv(*given, "-a", "resnet18", "--neck", "16", "--ibn", "none", "--final_layer", "layer3")
    told = qaconv(*given, "-a", "resnet50", "--ibn", "b", status=2).err
    assert "is ResNet-18 to layer3" in told
    assert "--arch resnet50 --ibn b was asked for" in told
    told = qaconv(*where(market), "--neck", "64", status=2).err  # no Exp here: the bundled model
    assert "--neck 64 was asked for" in told
