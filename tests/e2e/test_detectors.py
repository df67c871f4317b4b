"""``qaconv detect --detector``: torchvision's detectors, where their weights are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import get_model

from qaconv_core.data.images import read_image
from qaconv_core.detection.finder import FindOptions, PersonFinder
from tests.e2e.test_detect import SCENE, boxes_of

NAME, FILE = "ssdlite320_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large_coco-a79551df.pth"


def put_weights(state) -> Path:
    """Weights where torch keeps what it downloads."""
    folder = Path(os.environ["TORCH_HOME"]) / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(state, folder / FILE)
    return folder / FILE


@pytest.fixture(scope="module")
def state():
    """A network of that kind which takes everything for a person."""
    torch.manual_seed(1)
    network = get_model(NAME, weights=None, weights_backbone=None)
    found = network.state_dict()
    for name, value in found.items():
        if name.startswith("head.classification_head") and name.endswith("1.bias"):
            value.zero_()
            value[1::91] = 6.0
    return found


def test_without_its_weights_it_is_one_line_that_says_where_to_get_them(qaconv):
    done = qaconv("detect", SCENE, "--out", "out", "--detector", NAME, status=2)
    assert done.complaint.endswith(f"fetch them by qaconv weights --download {NAME}")
    done = qaconv("detect", SCENE, "--out", "out", "--detector", "yolo", status=2)
    assert "no detector is called “yolo”; known are bundled, fasterrcnn" in done.complaint
    assert NAME in qaconv("weights").out


def test_weights_that_are_others_are_one_line(qaconv):
    put_weights({"x": torch.zeros(1)})
    done = qaconv("detect", SCENE, "--out", "out", "--detector", NAME, status=2)
    assert f"{FILE}: not the weights of {NAME}" in done.complaint


def test_its_boxes_are_on_the_picture(qaconv, tmp_path, state):
    put_weights(state)
    options = ("--out", "out", "--quiet", "--score", 0.6)
    qaconv("detect", SCENE, *options, "--detector", NAME)
    rows, boxes = boxes_of(tmp_path / "out")
    assert rows
    width, height = read_image(SCENE).size
    assert all(b.x >= 0 and b.x + b.w <= width + 1 and b.y + b.h <= height + 1 for b in boxes)
    assert max(box.w for box in boxes) > 0.2 * width  # shares of the picture, not of 320 pixels
    done = qaconv("detect", SCENE, *options, status=2)  # the bundled one does not go on there
    assert "other options (detector" in done.complaint


def test_a_published_detector_looks_at_the_whole_picture(state):
    put_weights(state)
    finder = PersonFinder("cpu", detector=NAME)
    for video in (False, True):
        assert FindOptions.of(None, 0, None, video=video, detector=NAME).scales == (0,)
    assert FindOptions.of(None, 0, "whole,1", video=True, detector=NAME).scales == (0, 1)
    with torch.inference_mode():
        assert finder.find(np.zeros((64, 64, 3), np.uint8), FindOptions(0.999999)) == []
