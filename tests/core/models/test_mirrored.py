"""Maps averaged with those of mirrored pictures: by hand, in all forms of the network, in files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from qaconv_core.errors import CheckpointError
from qaconv_core.model import load_model
from qaconv_core.models.backbone import FeatureNetwork
from qaconv_core.models.checkpoints import load_checkpoint, read_tensors
from qaconv_core.models.inference import InferenceNetwork
from qaconv_core.training.calibration import Calibration
from qaconv_core.training.checkpoint import export_checkpoint, read_calibration
from tests.core.adaptation.small import write_model


@pytest.fixture
def network() -> FeatureNetwork:
    torch.manual_seed(3)
    return FeatureNetwork("resnet18", "b", "layer2", 16, False, "zeros").eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 3, 64, 32, generator=torch.Generator().manual_seed(1))


def by_hand(network: FeatureNetwork, images: torch.Tensor) -> np.ndarray:
    """Each cell plus its place in the mirrored picture, of length 1."""
    with torch.inference_mode():
        maps = network(images).double().numpy()
        other = network(torch.from_numpy(images.numpy()[..., ::-1].copy())).double().numpy()
    out = np.empty_like(maps)
    n, _, h, w = maps.shape
    for i in range(n):
        for y in range(h):
            for x in range(w):
                both = maps[i, :, y, x] + other[i, :, y, w - 1 - x]
                out[i, :, y, x] = both / np.linalg.norm(both)
    return out


def test_a_cell_is_averaged_with_its_place_in_the_mirrored_picture(network, images):
    wanted = by_hand(network, images)
    network.mirrored = True
    with torch.inference_mode():
        for form in (network, InferenceNetwork(network)):
            found = form(images).numpy()
            np.testing.assert_allclose(found, wanted, atol=2e-5)
            np.testing.assert_allclose(form(images.flip(3)).numpy(), found[..., ::-1], atol=2e-5)


def test_without_it_nothing_changes(network, images):
    with torch.inference_mode():
        plain = network(images)
        network.mirrored = True
        averaged = network(images)
        network.mirrored = False
        assert torch.equal(network(images), plain)
    assert not torch.allclose(averaged, plain, atol=1e-3)


def test_a_file_keeps_it_and_says_so(tmp_path):
    plain, changed, again = (tmp_path / f"{name}.pth.tar" for name in ("plain", "new", "again"))
    write_model(plain)
    export_checkpoint(plain, changed, half=False, mirrored=True)
    export_checkpoint(changed, again, half=False)
    words = "maps averaged with those of the mirrored picture"
    for path, wanted in ((plain, False), (changed, True), (again, True)):
        model = load_model(path, "cpu")
        assert model.network.mirrored is wanted
        assert (words in model.spec.adapted) is wanted
        assert any(words in note for note in model.notes) is wanted
    picture = np.random.default_rng(2).integers(0, 256, (64, 32, 3), dtype=np.uint8)
    model = load_model(changed, "cpu")
    one, turned = model.extract([picture, picture[:, ::-1]])
    np.testing.assert_allclose(turned, one[..., ::-1], atol=2e-3)  # resizing is not symmetrical
    export_checkpoint(changed, again, half=False, mirrored=False)
    assert not load_checkpoint(again).network.mirrored


def test_logits_can_be_rescaled_and_scaled_back(tmp_path):
    """As often as one likes: the file keeps what a loss's logits have become."""
    path, first, second = (tmp_path / f"{name}.pth.tar" for name in ("plain", "one", "two"))
    write_model(path)
    export_checkpoint(path, first, half=False, rescaled=Calibration(0.5, 3.0))
    export_checkpoint(first, second, half=False, rescaled=Calibration(4.0, -1.0))
    pictures = np.random.default_rng(5).integers(0, 256, (4, 64, 32, 3), dtype=np.uint8)
    maps = load_model(path, "cpu").extract(list(pictures))
    plain, one, two = (load_model(p, "cpu").score(maps, maps) for p in (path, first, second))
    np.testing.assert_allclose(one, 0.5 * plain + 3, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(two, 4 * one - 1, rtol=1e-4, atol=1e-4)
    found = read_calibration(read_tensors(second))
    assert found == Calibration(2.0, 11.0)
    np.testing.assert_allclose(
        two * found.inverse.slope + found.inverse.shift, plain, rtol=1e-4, atol=1e-4
    )


def test_a_damaged_entry_is_one_line_that_names_the_file(tmp_path):
    path = write_model(tmp_path / "model.pth.tar")
    content = dict(read_tensors(path))
    nested: list[object] = []
    for _ in range(300):
        nested = [nested]
    for value, kind in (("yes", "str"), (1, "int"), (nested, "list"), (torch.ones(2), "Tensor")):
        torch.save({**content, "mirrored": value}, tmp_path / "bad.pth.tar")
        words = rf"bad\.pth\.tar: entry 'mirrored' is of type {kind}, expected true or false"
        with pytest.raises(CheckpointError, match=words):
            load_checkpoint(tmp_path / "bad.pth.tar")
