"""Checkpoints that are no network: one line, little memory, and no code of theirs runs."""

from __future__ import annotations

import argparse
import io
import zipfile

import numpy as np
import pytest
import torch

from qaconv_core.errors import CheckpointError
from qaconv_core.models.checkpoints import load_checkpoint
from tests.checkpoints import published_checkpoint, write_checkpoint

CONV, VARIANCE = "base.conv1.weight", "base.layer1.0.bn1.running_var"


@pytest.fixture(scope="module")
def content():
    return published_checkpoint("v2.1", "resnet18", "layer2")


def refused(tmp_path, content, match, **change):
    path = write_checkpoint(tmp_path / "c.pth.tar", {**content, **change})
    with pytest.raises(CheckpointError, match=match) as error:
        load_checkpoint(path)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "make", "match"),
    [
        (CONV, lambda t: torch.zeros(1).expand(30_000, 30_000), "promises 900,000,000 numbers"),
        (CONV, lambda t: t.to_sparse(), "is sparse"),
        (CONV, lambda t: torch.empty(t.shape, device="meta"), "has no numbers"),
        (CONV, lambda t: t.to(torch.complex64), "holds complex numbers"),
        (CONV, lambda t: t.double() * 1e300, "not finite in float32"),
        (CONV, lambda t: torch.full_like(t, float("nan")), "not finite"),
        (CONV, lambda t: torch.full((1, 1), float("nan")), r"has shape \(1, 1\)"),  # shapes first
        (VARIANCE, lambda t: -t - 1, "negative variances"),
        ("base.layer1.²0.conv1.weight", lambda t: torch.zeros(1), "does not belong"),
    ],
)
def test_tensors_that_no_network_has(tmp_path, content, name, make, match):
    model = dict(content["model"])
    model[name] = make(model.get(name, torch.zeros(1)))
    refused(tmp_path, content, match, model=model)


def test_heads_that_give_no_logit(tmp_path, content):
    for name, value, match in (
        ("matcher.bn.running_var", -1.0, "negative variances"),
        ("matcher.fc.weight", 1e38, "too large to give a logit"),
    ):
        head = dict(content["criterion"])
        head[name] = torch.full_like(head[name], value)
        head["matcher.bn.weight"] = torch.full((1,), 1e30)
        refused(tmp_path, content, match, criterion=head)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("thing", "name"),
    [(argparse.Namespace(lr=0.1), "argparse.Namespace"), (np.array([0.5]), "a NumPy array")],
)
def test_what_is_inside_is_named_with_the_way_out(tmp_path, content, thing, name, zipped):
    path = tmp_path / "c.pth.tar"
    torch.save({**content, "args": thing}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=f"{name}.*save the weights alone: torch.save"):
        load_checkpoint(path)


def test_a_compressed_archive_is_refused(tmp_path, content):
    stream = io.BytesIO()
    torch.save(content, stream)
    with (
        zipfile.ZipFile(stream) as archive,
        zipfile.ZipFile(tmp_path / "c.pth.tar", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in archive.infolist()[:3]:
            packed.writestr(member.filename, archive.read(member))
    with pytest.raises(CheckpointError, match="compressed archive"):
        load_checkpoint(tmp_path / "c.pth.tar")


def test_entries_beyond_all_bounds(tmp_path, content):
    path = write_checkpoint(tmp_path / "c.pth.tar", {**content, "epoch": 10**400})
    assert load_checkpoint(path).spec.epoch is None
    refused(tmp_path, content, "'input_size' is out of range", input_size=[10**9, 128])
