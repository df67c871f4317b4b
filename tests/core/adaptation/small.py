"""Pictures of a few coloured people before two cameras, and a model too small to be slow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from qaconv_core.adaptation import learning, replay
from qaconv_core.adaptation.checks import Check
from qaconv_core.adaptation.replay import MapQuality
from qaconv_core.adaptation.values import AdaptationResult, Mirrored, Round
from qaconv_core.models.backbone import FeatureNetwork
from qaconv_core.training.building import new_criterion
from qaconv_core.training.checkpoint import export_checkpoint
from tests.core.training.tiny import draw_person, tiny_recipe

PEOPLE, VIEWS = 10, 8
LITTLE = ((replay, "PAIRS", 8), (replay, "LIMITS", (8, 800)), (learning, "_BATCH", 32))
"""Fewer pairs that maps are measured on, fewer rendered pictures and smaller batches: most of the
time of an adaptation to so few pictures goes there, and every step of it is still made."""


def do_little(patch: pytest.MonkeyPatch) -> None:
    """Let adaptations of this process do little in each of their steps."""
    for module, name, value in LITTLE:
        patch.setattr(module, name, value)


def write_cameras(folder: Path, people: int = PEOPLE, views: int = VIEWS) -> Path:
    """``cam1`` and ``cam2`` with pictures whose names say nothing; camera 2 is darker."""
    random = np.random.default_rng(3)
    names = iter(random.permutation(people * views))
    for pid in range(people):
        for view in range(views):
            camera = view % 2 + 1
            pixels = draw_person(pid, view)
            if camera == 2:
                pixels = (pixels * 0.8).astype(np.uint8)
            place = folder / f"cam{camera}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(place / f"{next(names):04}.png")
    return folder


def write_model(path: Path) -> Path:
    """A model with random weights, in the form that training exports."""
    recipe = tiny_recipe("scratch", num_instance=4)
    torch.manual_seed(1)
    network = FeatureNetwork(
        recipe.arch, recipe.ibn, recipe.layer, recipe.neck, recipe.neck_bn, recipe.padding
    )
    criterion = new_criterion(recipe, 2)
    whole = path.with_name("whole.pth.tar")
    content = {
        "model": network.state_dict(),
        "criterion": criterion.state_dict(),
        "epoch": 1,
        "input_size": list(recipe.input_size),
        "padding": recipe.padding,
    }
    torch.save(content, whole)
    export_checkpoint(whole, path, half=False)
    whole.unlink()
    return path


def adaptation_result(kept: int, mirrored: bool | None) -> AdaptationResult:
    """What came of two rounds; ``mirrored`` pictures helped, did not, or (None) were not tried."""
    check, maps = Check(9, 2, 0.5, 0.9, None, 0.1, gain=0.25), MapQuality(0.75, 0.125)
    rounds = tuple(Round(n, 0.5, 2, 20, 20, 1.0, 1.0, check, None, maps) for n in (1, 2))
    tried = None if mirrored is None else Mirrored(check, maps, mirrored)
    return AdaptationResult(Path("new"), kept, tried, check, maps, rounds, 90, 2, 9, 60.0)
