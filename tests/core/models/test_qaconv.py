"""The matching rule equals the published numbers and its own folded form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from qaconv_core.errors import CheckpointError, InputError
from qaconv_core.matching.correspondences import match_maps
from qaconv_core.matching.cpu import FloatTiles
from qaconv_core.matching.gpu import ChunkScorer
from qaconv_core.matching.scores import plan_scoring, score_maps
from qaconv_core.models import QAConv
from tests.checkpoints import head_state

DATA = Path(__file__).parents[2] / "data"


def published(size: str, release: str):
    """(query maps, gallery maps, head's state, published logits) of one vector file."""
    numbers = np.load(DATA / f"open_{size}_scoring.npz", allow_pickle=False)
    prefix = f"{release}."
    state = {
        name[len(prefix) :]: torch.from_numpy(numbers[name])
        for name in numbers.files
        if name.startswith((f"{prefix}bn.", f"{prefix}fc.", f"{prefix}logit_bn."))
    }
    if release == "v2":
        logits = numbers["v2.logit"]
    else:
        score = numbers["v1.score_sigmoid_over_10"].astype(np.float64)
        logits = 10 * np.log(score / (1 - score))
    return numbers["query_features"], numbers["gallery_features"], state, logits


CASES = [(size, release) for size in ("small", "full") for release in ("v1", "v2")]


@pytest.mark.parametrize(("size", "release"), CASES)
def test_module_meets_the_published_logits(size, release):
    query, gallery, state, logits = published(size, release)
    matcher = QAConv.from_state_dict(state, grid=query.shape[2:])
    assert matcher.head == ("shared" if release == "v2" else "two-sided")
    with torch.inference_mode():
        found = matcher(torch.from_numpy(query), torch.from_numpy(gallery)).numpy()
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-4 if release == "v1" else 1e-6)


@pytest.mark.parametrize(("size", "release"), CASES)
def test_folded_scoring_meets_the_published_logits(size, release):
    query, gallery, state, logits = published(size, release)
    head = QAConv.from_state_dict(state, grid=query.shape[2:]).affine()
    found = score_maps(query, gallery, head)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", ["small", "full"])
def test_correspondences_meet_the_published_ones(size):
    numbers = np.load(DATA / f"open_{size}_scoring.npz", allow_pickle=False)
    query, gallery, state, logits = published(size, "v2")
    head = QAConv.from_state_dict(state, grid=query.shape[2:]).affine()
    for p in range(len(query)):
        for g in range(len(gallery)):
            match = match_maps(query[p], gallery[g], head)
            for side, best in (("query", "gallery"), ("gallery", "query")):
                location = numbers[f"{side}_location.best_{best}_index"][p, g]
                similarity = numbers[f"{side}_location.similarity"][p, g]
                found = getattr(match, f"{side}_similarity").ravel()
                np.testing.assert_allclose(found, similarity, atol=1e-6)
                np.testing.assert_array_equal(getattr(match, f"{side}_best").ravel(), location)
            assert match.logit == pytest.approx(logits[p, g], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("size", "release"), CASES)
def test_contributions_and_bias_add_up_to_the_logit(size, release):
    query, gallery, state, logits = published(size, release)
    head = QAConv.from_state_dict(state, grid=query.shape[2:]).affine()
    match = match_maps(query[0], gallery[1], head)
    total = match.query_contribution.sum() + match.gallery_contribution.sum() + match.bias
    assert total == pytest.approx(logits[0, 1], abs=1e-4)
    assert match.logit == pytest.approx(total, abs=1e-4)


def unit_maps(count: int, channels: int, grid, seed: int) -> np.ndarray:
    maps = np.random.default_rng(seed).standard_normal((count, channels, *grid))
    return (maps / np.linalg.norm(maps, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize(("p", "g", "grid"), [(1, 1, (1, 1)), (3, 5, (2, 3)), (66, 260, (3, 2))])
@pytest.mark.parametrize("on_device_path", [False, True])
def test_chunked_scoring_equals_the_module(p, g, grid, sides, on_device_path):
    cells = grid[0] * grid[1]
    matcher = QAConv.from_state_dict(head_state(cells * sides), grid=grid)
    query, gallery = unit_maps(p, 8, grid, 1), unit_maps(g, 8, grid, 2)
    with torch.inference_mode():
        expected = matcher(torch.from_numpy(query), torch.from_numpy(gallery)).numpy()
    small = 500 * cells * (cells + 4) * 4 * 3 if on_device_path else None
    plan = plan_scoring(p, g, (8, *grid), available=1 << 40, device_available=small)
    # The path of a GPU, run on the CPU: it is the same code on either.
    head = matcher.affine()
    chunked = ChunkScorer(head, plan, torch.device("cpu"))
    with torch.inference_mode():
        found = (chunked if on_device_path else FloatTiles(head, 8)).score(query, gallery)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        score_maps(query, gallery, matcher.affine(), plan=plan), expected, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("sides", [1, 2])
def test_a_set_against_itself_equals_all_pairs(sides):
    grid = (2, 2)
    head = QAConv.from_state_dict(head_state(4 * sides), grid=grid).affine()
    maps = unit_maps(300, 4, grid, 3)
    seen = []
    mirrored = score_maps(maps, maps, head, symmetric=True, progress=seen.append)
    np.testing.assert_allclose(mirrored, score_maps(maps, maps, head), atol=1e-5)
    assert seen[-1].done == seen[-1].total == (300 * 301 // 2 if sides == 1 else 300 * 300)


def test_empty_sides_give_empty_logits():
    head = QAConv.from_state_dict(head_state(4), grid=(2, 2)).affine()
    assert score_maps(unit_maps(0, 4, (2, 2), 0), unit_maps(3, 4, (2, 2), 0), head).shape == (0, 3)


def test_wrong_grids_and_channels_are_named():
    matcher = QAConv.from_state_dict(head_state(4), grid=(2, 2))
    with pytest.raises(InputError, match=r"query maps have shape .*\(n, C, 2, 2\)"):
        matcher(torch.zeros(1, 4, 3, 3), torch.zeros(1, 4, 2, 2))
    with pytest.raises(InputError, match="gallery maps"):
        score_maps(unit_maps(1, 4, (2, 2), 0), unit_maps(1, 4, (4, 1), 0), matcher.affine())
    with pytest.raises(InputError, match="4 channels, gallery maps 5"):
        score_maps(unit_maps(1, 4, (2, 2), 0), unit_maps(1, 5, (2, 2), 0), matcher.affine())
    with pytest.raises(CheckpointError, match=r"\(1, 4\).*\(1, 8\)"):
        QAConv.from_state_dict(head_state(5), grid=(2, 2))


def test_gradients_reach_the_maps():
    matcher = QAConv((2, 2)).train()
    maps = torch.from_numpy(unit_maps(3, 4, (2, 2), 5)).requires_grad_()
    matcher(maps, maps).sum().backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()
