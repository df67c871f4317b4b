"""What cameras do to all maps is found, and undone without being told the camera."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from qaconv_core.errors import CheckpointError
from qaconv_core.models import camera_correction
from qaconv_core.models.backbone import FeatureNetwork
from qaconv_core.models.camera_correction import (
    FEWEST_PICTURES,
    CameraCorrection,
    fit_camera_correction,
    pictures_to_fit,
    read_correction,
)
from qaconv_core.models.checkpoints import CORRECTION, load_checkpoint, read_tensors
from qaconv_core.models.inference import InferenceNetwork
from qaconv_core.training.checkpoint import export_checkpoint
from tests.core.adaptation.small import write_model

CHANNELS, GRID = 12, (4, 3)


def plain_maps(count, seed):
    """Maps that have something in common."""
    common = np.random.default_rng(1).standard_normal((CHANNELS, *GRID))
    own = np.random.default_rng(seed).standard_normal((count, CHANNELS, *GRID))
    return functional.normalize(torch.from_numpy(2 * common + own).float())


def before_cameras(maps, cameras, strength=1.0):
    """The same as three cameras show them: channels mixed, cells moved. The third does nothing."""
    random = np.random.default_rng(2)
    shown = maps.clone()
    for camera in (0, 1):
        mix = np.eye(CHANNELS) + 0.15 * strength * random.standard_normal((CHANNELS, CHANNELS))
        move = 0.3 * strength * random.standard_normal((CHANNELS, *GRID))
        some = torch.from_numpy(np.flatnonzero(cameras == camera))
        turned = torch.einsum("cd,ndhw->nchw", torch.from_numpy(mix).float(), maps[some])
        shown[some] = functional.normalize(turned + torch.from_numpy(move).float())
    return shown


def fitted(count=300, strength=1.0, strangers=0):
    cameras = np.arange(count) % 3
    maps = before_cameras(plain_maps(count, 3), cameras, strength).numpy()
    found = fit_camera_correction(maps, cameras, plain_maps(strangers, 9).numpy())
    assert found is not None
    return found


def test_pictures_of_one_thing_look_alike_again_before_all_cameras():
    """Maps that were in neither set, and nobody names their cameras."""
    correction, things = fitted(), plain_maps(60, 4)
    shown = [before_cameras(things, np.full(60, camera)) for camera in range(3)]
    corrected = [correction(maps) for maps in shown]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        apart = (shown[one] - shown[other]).norm(dim=1).mean()
        now = (corrected[one] - corrected[other]).norm(dim=1).mean()
        assert now < 0.6 * apart
    for maps in corrected:
        torch.testing.assert_close(maps.norm(dim=1), torch.ones(60, *GRID))


def test_cameras_are_told_apart_and_strangers_belong_to_none():
    correction = fitted(strangers=100)
    things = plain_maps(60, 5)
    for camera in (0, 1):
        likely = correction.probabilities(before_cameras(things, np.full(60, camera)))
        assert (likely.argmax(dim=1) == camera).float().mean() > 0.9
    far = functional.normalize(plain_maps(60, 6).flip(1))  # nothing in common with the others
    correction = CameraCorrection(
        torch.zeros(3 * CHANNELS, 4), torch.tensor([0.0, 0.0, 0.0, 50.0]),
        correction.mixes, correction.offsets,
    )  # fmt: skip
    torch.testing.assert_close(correction(far), far, atol=1e-5, rtol=0)


def test_cameras_that_do_the_same_are_hardly_corrected():
    correction, things = fitted(strength=0.0), plain_maps(60, 7)
    change = (correction(things) - things).norm(dim=1).mean()
    strong = (fitted()(things) - things).norm(dim=1).mean()
    assert change < 0.4 * strong


def test_few_pictures_one_camera_or_unknown_cameras_give_none():
    maps = plain_maps(80, 3).numpy()
    empty = maps[:0]
    few = np.repeat([0, 1], [80 - FEWEST_PICTURES + 1, FEWEST_PICTURES - 1])
    for cameras in (few, np.zeros(80, dtype=int), np.full(80, -1)):
        assert fit_camera_correction(maps, cameras, empty) is None
        assert not len(pictures_to_fit(cameras, CHANNELS))
    half = np.arange(80) % 2
    assert fit_camera_correction(maps, half, empty).cameras == 2
    assert pictures_to_fit(half, CHANNELS).tolist() == list(range(80))


def test_maps_of_many_channels_are_not_corrected_nor_looked_at(monkeypatch):
    monkeypatch.setattr(camera_correction, "MOST_CHANNELS", CHANNELS - 1)
    maps, half = plain_maps(80, 3).numpy(), np.arange(80) % 2
    assert fit_camera_correction(maps, half, maps[:0]) is None
    assert not len(pictures_to_fit(half, CHANNELS))


def test_of_many_pictures_some_of_each_camera_are_looked_at(monkeypatch):
    monkeypatch.setattr(camera_correction, "MOST_PICTURES", 30)
    cameras = np.repeat([4, 7, -1], [100, 25, 50])
    places = pictures_to_fit(cameras, CHANNELS)
    assert np.bincount(cameras[places]).tolist() == [0, 0, 0, 0, 30, 0, 0, 25]
    assert places[0] == 0
    assert 99 in places
    monkeypatch.setattr(camera_correction, "MOST_IN_ALL", 50)
    places = pictures_to_fit(cameras, CHANNELS)
    assert np.bincount(cameras[places]).tolist() == [0, 0, 0, 0, 25, 0, 0, 25]


def test_a_network_and_its_form_for_the_processor_correct_alike():
    torch.manual_seed(0)
    network = FeatureNetwork("resnet18", "b", "layer2", CHANNELS).eval()
    before = set(network.state_dict())
    pictures = torch.rand(4, 3, 32, 24)
    with torch.inference_mode():
        plain = network(pictures)
        network.correction = fitted()
        assert set(network.state_dict()) == before
        corrected = network(pictures)
        assert (corrected - plain).abs().max() > 0.01
        torch.testing.assert_close(network.correction(plain), corrected)
        arranged = InferenceNetwork(network)
        torch.testing.assert_close(arranged(pictures), corrected, atol=1e-5, rtol=1e-4)


def with_correction(tmp_path):
    """A small model's file with a correction that fits it."""
    source, target = write_model(tmp_path / "plain.pth.tar"), tmp_path / "corrected.pth.tar"
    spec = load_checkpoint(source).spec
    random = np.random.default_rng(0)
    maps = random.standard_normal((60, spec.channels, *spec.grid)).astype(np.float32)
    found = fit_camera_correction(maps, np.arange(60) % 2, maps[:0])
    export_checkpoint(source, target, half=False, correction=found)
    return target, found


def test_a_file_keeps_it_and_says_so(tmp_path):
    path, found = with_correction(tmp_path)
    model = load_checkpoint(path)
    assert model.network.correction is not None
    for name, tensor in found.tensors().items():
        torch.testing.assert_close(model.network.correction.tensors()[name], tensor)
    words = "maps corrected for 2 cameras, recognised by the picture"
    assert model.spec.adapted == words
    assert any(words in note for note in model.notes)
    again = tmp_path / "again.pth.tar"
    export_checkpoint(path, again)
    assert load_checkpoint(again).network.correction.cameras == 2


def cut(entry, name, change):
    return {**entry, name: change(entry[name])}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda entry: 3, "holds no weight, bias, mixes, offsets"),
        (lambda entry: {**entry, "more": entry["bias"]}, "holds no weight"),
        (lambda entry: cut(entry, "bias", lambda b: "b"), "something else than tensors"),
        (lambda entry: cut(entry, "bias", lambda b: b.long()), "something else than tensors"),
        (lambda entry: cut(entry, "bias", lambda b: b[:-1]), "bias of shape"),
        (lambda entry: cut(entry, "offsets", lambda b: b[:1]), "knows 1 cameras"),
        (lambda entry: cut(entry, "offsets", lambda b: b.sum()), "knows 0 cameras"),
        (lambda entry: cut(entry, "mixes", lambda b: b * np.nan), "not finite"),
        (lambda entry: cut(entry, "mixes", lambda b: torch.ones(1).expand(b.shape)), "promises"),
        (lambda entry: cut(entry, "mixes", torch.Tensor.to_sparse), "is sparse"),
    ],
)
def test_a_damaged_entry_is_one_line_that_names_the_file(tmp_path, change, words):
    path, _found = with_correction(tmp_path)
    content = read_tensors(path)
    torch.save({**content, CORRECTION: change(content[CORRECTION])}, tmp_path / "bad.pth.tar")
    with pytest.raises(CheckpointError, match=words) as caught:
        load_checkpoint(tmp_path / "bad.pth.tar")
    assert "bad.pth.tar" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_correction_for_other_maps_is_refused():
    with pytest.raises(ValueError, match="expected"):
        read_correction(fitted().tensors(), CHANNELS, (5, 3))
