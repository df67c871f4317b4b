"""The detector's network against what the original computes, and its weights file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from qaconv_core.data.resources import resource_path
from qaconv_core.detection.boxes import suppress
from qaconv_core.errors import CheckpointError
from qaconv_core.models.detector import (
    ANCHORS,
    GRIDS,
    Detector,
    SameConv,
    anchor_boxes,
    decode,
    load_detector,
)

REFERENCE = Path(__file__).parents[2] / "data" / "detector.npz"
END = 30
LOGIT, ENCODING, SCORE = 0.07, 0.07, 0.003
"""What weights in float16 may change; in float32 the network agrees within 1e-4."""


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def network():
    return load_detector(resource_path("detector", "weights.npz"))


def picture(reference, number):
    return torch.from_numpy(reference[f"image{number}"]).permute(2, 0, 1)[None].float()


def test_anchors_are_the_original_ones(reference):
    assert len(anchor_boxes()) == sum(g * g * a for g, a in zip(GRIDS, ANCHORS, strict=True))
    np.testing.assert_allclose(anchor_boxes(), reference["anchors"], atol=1e-6)


@pytest.mark.parametrize("number", range(3))
def test_logits_and_encodings_are_those_of_the_original(reference, network, number):
    encodings, logits = (x[0].numpy() for x in network.predict(picture(reference, number)))
    pairs = ((logits, "class_logits", LOGIT), (encodings, "box_encodings", ENCODING))
    for found, name, limit in pairs:
        np.testing.assert_allclose(found[::7], reference[f"{name}{number}"], atol=limit)
        np.testing.assert_allclose(found[-END:], reference[f"{name}_end{number}"], atol=limit)


@pytest.mark.parametrize("number", range(3))
def test_the_best_boxes_and_scores_are_those_of_the_original(reference, network, number):
    boxes, scores = (x[0].double().numpy() for x in network(picture(reference, number)))
    expected = reference[f"detection_boxes{number}"][:, [1, 0, 3, 2]]
    sure = reference[f"detection_scores{number}"] > 0.05
    kept = suppress(boxes, scores)[: sure.sum()]
    assert sure.any()
    best = reference[f"detection_scores{number}"][sure]
    np.testing.assert_allclose(scores[kept], best, atol=SCORE)
    np.testing.assert_allclose(np.clip(boxes[kept], 0, 1), expected[sure], atol=0.005)


def test_what_no_encoding_moves_is_the_anchor_itself():
    anchors = torch.tensor([[0.1, 0.2, 0.5, 0.8]])
    boxes = decode(torch.zeros(1, 1, 4), anchors)
    np.testing.assert_allclose(boxes[0, 0], [0.2, 0.1, 0.8, 0.5], atol=1e-6)
    moved = decode(torch.tensor([[[10.0, 0, 0, 5 * np.log(2)]]]), anchors)  # down, twice as wide
    np.testing.assert_allclose(moved[0, 0], [-0.1, 0.5, 1.1, 0.9], atol=1e-6)


@pytest.mark.parametrize(("side", "before", "after"), [(300, 0, 1), (75, 1, 1), (19, 1, 1)])
def test_the_odd_row_of_same_padding_goes_below_and_right(side, before, after):
    conv = SameConv(1, 1, 3, 2)
    image = torch.randn(1, 1, side, side)
    plain = functional.pad(image, (before, after, before, after))
    expected = functional.conv2d(plain, conv.weight, conv.bias, stride=2)
    torch.testing.assert_close(conv(image), expected)


def test_other_files_are_refused_in_one_line(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(CheckpointError, match=r"weights\.npz: not the detector"):
        load_detector(path)
    state = {k: v.numpy() for k, v in Detector().state_dict().items()}
    np.savez(path, **{**state, "stem.bias": np.full(32, np.nan, np.float32)})
    with pytest.raises(CheckpointError, match=r"stem\.bias"):
        load_detector(path)
    np.savez(path, **{**state, "stem.weight": np.zeros((1, 3, 3, 3), np.float32)})
    with pytest.raises(CheckpointError, match=r"stem\.weight"):
        load_detector(path)
