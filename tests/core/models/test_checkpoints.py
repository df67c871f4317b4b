"""Published checkpoints load without being told what they are, and compute what they did."""

from __future__ import annotations

import argparse
import zipfile

import numpy as np
import pytest
import torch

from qaconv_core.errors import CheckpointError
from qaconv_core.models import load_checkpoint
from tests.checkpoints import (
    GRIDS,
    head_state,
    published_checkpoint,
    reference_features,
    write_checkpoint,
)

FORMS = [
    # release, arch, layer, neck, ibn
    ("v1.0", "resnet50", "layer3", 128, None),
    ("v1.0", "resnet50", "layer3", 128, "b-v1"),
    ("v1.0", "resnet18", "layer2", 64, "b-v1"),
    ("v1.1", "resnet50", "layer3", 64, "b"),
    ("v1.1", "resnet18", "layer3", 0, None),
    ("v2.0", "resnet50", "layer3", 64, "b"),
    ("v2.0", "resnet34", "layer4", 128, "a"),
    ("v2.1", "resnet50", "layer3", 128, "b"),
    ("v2.1", "resnet101", "layer3", 64, "a"),
    ("v2.1", "resnet152", "layer2", 128, None),
    ("v2.1", "resnet18", "layer4", 0, "b"),
    ("v2.1", "resnet50", "layer2", 32, "a"),
]


@pytest.mark.parametrize(("release", "arch", "layer", "neck", "ibn"), FORMS)
def test_published_forms_load_untold_and_compute_the_formula(
    tmp_path, release, arch, layer, neck, ibn
):
    content = published_checkpoint(release, arch, layer, neck, ibn)
    loaded = load_checkpoint(write_checkpoint(tmp_path / "checkpoint.pth.tar", content))
    spec = loaded.spec
    assert (spec.layer, spec.neck, spec.ibn) == (layer, neck, ibn)
    assert spec.arch == (arch if layer != "layer2" or arch != "resnet101" else "resnet50")
    assert spec.head == ("shared" if release == "v2.1" else "two-sided")
    assert spec.grid == GRIDS[layer]
    assert spec.epoch == 15
    assert len(spec.sha256) == 64
    images = torch.rand(1, 3, 384, 128)
    with torch.inference_mode():
        found = loaded.network(images)
        expected = reference_features(content["model"], images, layer, ibn)
    assert tuple(found.shape) == (1, spec.channels, *spec.grid)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("prefix", ["module.", "module.module."])
def test_data_parallel_prefixes_are_tolerated(tmp_path, prefix):
    path = write_checkpoint(tmp_path / "c.pth.tar", published_checkpoint("v2.0", prefix=prefix))
    assert load_checkpoint(path).spec.head == "two-sided"


def test_a_file_cut_after_its_last_stage_loads_too(tmp_path):
    content = published_checkpoint("v2.1", "resnet50", "layer2", 64)
    later = ("base.layer3", "base.layer4", "base.fc")
    content["model"] = {k: v for k, v in content["model"].items() if not k.startswith(later)}
    spec = load_checkpoint(write_checkpoint(tmp_path / "c.pth", content)).spec
    assert (spec.arch, spec.layer) == ("resnet50", "layer2")


def test_float16_tensors_become_float32(tmp_path):
    content = published_checkpoint("v2.1")
    content["model"] = {
        k: v.half() if v.is_floating_point() else v for k, v in content["model"].items()
    }
    network = load_checkpoint(write_checkpoint(tmp_path / "c.pth", content)).network
    assert all(p.dtype == torch.float32 for p in network.parameters())


def test_the_parameterless_ibn_b_of_the_first_release_is_recognised_and_said(tmp_path):
    content = published_checkpoint("v1.0", "resnet18", ibn="b-v1")
    loaded = load_checkpoint(write_checkpoint(tmp_path / "c.pth", content))
    assert loaded.spec.ibn == "b-v1"
    assert "first release" in loaded.notes[0]


def test_numpy_numbers_beside_the_tensors_are_accepted(tmp_path):
    content = published_checkpoint("v2.1") | {"best_acc": np.float64(0.5), "epoch": np.int64(9)}
    assert load_checkpoint(write_checkpoint(tmp_path / "c.pth", content)).spec.epoch == 9


def test_another_training_size_is_read_or_asked_for(tmp_path):
    content = published_checkpoint("v2.1")
    content["criterion"] = {f"matcher.{k}": v for k, v in head_state(16 * 8).items()}
    path = write_checkpoint(tmp_path / "c.pth", content)
    with pytest.raises(CheckpointError, match=r"fc\.weight.*128 inputs.*192.*384.*--height"):
        load_checkpoint(path)
    assert load_checkpoint(path, input_size=(256, 128)).spec.grid == (16, 8)
    write_checkpoint(path, content | {"input_size": (256, 128)})
    assert load_checkpoint(path).spec.grid == (16, 8)


def refused(path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_files_that_are_no_checkpoints_say_so_in_one_line(tmp_path):
    text = tmp_path / "notes.pth.tar"
    text.write_text("epoch 3: loss 0.2\n")
    assert "is not a checkpoint" in refused(text)
    empty = tmp_path / "empty.pth.tar"
    empty.touch()
    assert "0 bytes" in refused(empty)
    assert "no such" in refused(tmp_path / "missing.pth.tar")
    assert "folder" in refused(tmp_path)
    archive = tmp_path / "archive.pth.tar"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.txt", "hello")
    assert "damaged" in refused(archive)
    alone = tmp_path / "tensor.pth"
    torch.save(torch.ones(3), alone)
    assert "holds a Tensor" in refused(alone)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_a_truncated_checkpoint_says_so(tmp_path, share):
    path = write_checkpoint(tmp_path / "c.pth.tar", published_checkpoint("v2.1"))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "truncated" in refused(path)


class _Evil:
    def __reduce__(self):
        return (print, ("ran code",))


def test_objects_other_than_tensors_are_not_loaded(tmp_path, capsys):
    for intruder in (_Evil(), argparse.Namespace(lr=1)):
        content = published_checkpoint("v2.1") | {"args": intruder}
        path = write_checkpoint(tmp_path / "c.pth", content)
        assert "objects other than tensors" in refused(path)
    assert "ran code" not in capsys.readouterr().out


def test_contradictions_name_the_tensor_and_what_was_expected(tmp_path):
    path = tmp_path / "c.pth"

    def with_model(**changes):
        content = published_checkpoint("v2.1", "resnet18")
        for name, value in changes.items():
            if value is None:
                del content["model"][name]
            else:
                content["model"][name] = value
        return write_checkpoint(path, content)

    message = refused(with_model(**{"base.layer3.0.conv1.weight": torch.zeros(256, 99, 3, 3)}))
    assert "base.layer3.0.conv1.weight" in message
    assert "(256, 128, 3, 3)" in message
    assert "base.layer2.1.bn2.weight is missing" in refused(
        with_model(**{"base.layer2.1.bn2.weight": None})
    )
    assert "neck_conv.weight takes 300 channels" in refused(
        with_model(**{"neck_conv.weight": torch.zeros(128, 300, 3, 3)})
    )
    assert "blocks" in refused(with_model(**{"base.layer1.5.conv1.weight": torch.zeros(1)}))
    assert "not finite" in refused(with_model(**{"base.bn1.bias": torch.full((64,), np.nan)}))
    assert "neck_conv.weight is missing" in refused(with_model(**{"neck_conv.weight": None}))


def test_a_damaged_head_names_the_tensor(tmp_path):
    content = published_checkpoint("v2.1")
    content["criterion"]["matcher.bn.weight"] = torch.ones(4)
    assert "bn.weight" in refused(write_checkpoint(tmp_path / "a.pth", content))
    del content["criterion"]["matcher.fc.bias"]
    assert "fc.bias of the QAConv head is missing" in refused(
        write_checkpoint(tmp_path / "b.pth", content)
    )
    del content["criterion"]
    assert "no 'criterion' part" in refused(write_checkpoint(tmp_path / "c.pth", content))
