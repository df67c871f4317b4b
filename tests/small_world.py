"""A small data set of real files and a small model, for tests that run the whole engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.checkpoints import head_state, published_checkpoint


def small_checkpoint() -> dict[str, object]:
    """ResNet-18 to layer3 for pictures of 192×64, whose 12×4 grid makes scoring cheap.

    It takes a sixth of the time of layer4 at 384×128, which has the same grid.
    """
    torch.manual_seed(4)
    content = published_checkpoint("v2.1", "resnet18", "layer3", 16)
    head = head_state(48)
    # Positive weights: what matches must speak for a match, or rankings would be noise.
    head["fc.weight"] = head["fc.weight"].abs()
    content["criterion"] = {f"matcher.{name}": value for name, value in head.items()}
    content["input_size"] = [192, 64]
    return content


def person(pid: int, view: int, size: tuple[int, int] = (48, 128)) -> Image.Image:
    """A picture that looks alike for one pid: three bands of colour, some noise by view."""
    bands = np.random.default_rng(pid).integers(0, 255, (3, 1, 3))
    noise = np.random.default_rng(1011 * pid + view).normal(0, 12, (size[1], size[0], 3))
    pixels = np.repeat(bands, [size[1] // 4, size[1] // 4, size[1] - 2 * (size[1] // 4)], axis=0)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


def write_market(root: Path, people: int = 5, cameras: int = 3) -> Path:
    """A data set in the Market-1501 layout below ``root``/market; returns ``root``."""
    for pid in range(1, people + 1):
        for cam in range(1, cameras + 1):
            for shot in range(2):
                frame = 1000 * pid + 100 * cam + 10 * shot
                folder = "query" if shot == 0 and cam == 1 else "bounding_box_test"
                path = root / "market" / folder / f"{pid:04}_c{cam}s1_{frame:06}_0{shot}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                person(pid, 10 * cam + shot).save(path, quality=92)
    (root / "market" / "bounding_box_train").mkdir()
    person(9, 1).save(root / "market" / "bounding_box_train" / "0009_c1s1_000001_01.jpg")
    person(99, 1).save(root / "market" / "bounding_box_test" / "0000_c2s1_000777_00.jpg")
    person(98, 1).save(root / "market" / "bounding_box_test" / "-1_c2s1_000778_00.jpg")
    return root
