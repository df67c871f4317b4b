"""Torchvision's detectors, in place of the bundled one: larger, slower, trained on COCO.

Their weights are files that a person has, or fetched by ``qaconv weights``; nothing is downloaded
here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from qaconv_core.data.weights import DETECTORS, find_weights
from qaconv_core.errors import CheckpointError, InputError
from qaconv_core.models.checkpoints import read_tensors
from qaconv_core.readable import shown

PERSON = 1
"""COCO's number for persons."""


def load_published(name: str) -> nn.Module:
    """One of :data:`~qaconv_core.data.weights.DETECTORS` with its weights, for evaluation.

    Raises :class:`InputError` where there is none of that name or its weights are not on this
    disk, :class:`CheckpointError` where the file is not those weights.
    """
    known = next((item for item in DETECTORS if item.name == name.strip().lower()), None)
    if known is None:
        names = ", ".join(item.name for item in DETECTORS)
        raise InputError(f"no detector is called “{shown(name)}”; known are bundled, {names}")
    path = find_weights(known)
    if path is None:
        raise InputError(
            f"the weights of {known.name} ({known.megabytes:g} MB) are not on this disk; fetch "
            f"them by qaconv weights --download {known.name}"
        )
    return _loaded(known.name, path)


def _loaded(name: str, path: Path) -> nn.Module:
    from torchvision.models import get_model  # it takes a second to import

    network: nn.Module = get_model(name, weights=None, weights_backbone=None)
    try:
        network.load_state_dict(read_tensors(path))
    except (CheckpointError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{shown(path)}: not the weights of {name}") from error
    return network.requires_grad_(False).eval()


def persons_on(
    network: nn.Module, picture: npt.NDArray[np.uint8], device: torch.device
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Persons on an RGB picture (h, w, 3): corners as shares (n, 4), and their scores (n,)."""
    image = torch.from_numpy(picture.copy()).to(device).permute(2, 0, 1) / 255
    with torch.inference_mode():
        found: dict[str, Any] = network([image])[0]
    persons = found["labels"] == PERSON
    size = np.array([picture.shape[1], picture.shape[0]] * 2)
    boxes = found["boxes"][persons].double().cpu().numpy() / size
    return boxes, found["scores"][persons].double().cpu().numpy()
