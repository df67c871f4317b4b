"""The oracles themselves against the published numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests import oracles
from tests.core.ranking.samples import reference

DATA = Path(__file__).parents[2] / "data"


def scoring(size: str) -> dict[str, np.ndarray]:
    with np.load(DATA / f"open_{size}_scoring.npz", allow_pickle=False) as data:
        return {key: data[key] for key in data.files}


def state(data: dict[str, np.ndarray], release: str) -> dict[str, np.ndarray]:
    return {k[3:]: v for k, v in data.items() if k.startswith(f"{release}.")}


@pytest.mark.parametrize(("size", "pairs"), [("small", (3, 7)), ("full", (2, 3))])
def test_qaconv_logits(size: str, pairs: tuple[int, int]) -> None:
    data = scoring(size)
    p, g = pairs
    maps = data["query_features"][:p], data["gallery_features"][:g]
    shared = oracles.qaconv_logits(*maps, state(data, "v2"), "shared")
    np.testing.assert_allclose(shared, data["v2.logit"][:p, :g], rtol=1e-4)
    logits = oracles.qaconv_logits(*maps, state(data, "v1"), "two-sided")
    scores = 1 / (1 + np.exp(-logits / 10))
    np.testing.assert_allclose(scores, data["v1.score_sigmoid_over_10"][:p, :g], rtol=1e-4)


@pytest.mark.parametrize("size", ["small", "full"])
def test_best_cells(size: str) -> None:
    data = scoring(size)
    for q, g in ((0, 0), (2, 5)):
        found = oracles.best_cells(data["query_features"][q], data["gallery_features"][g])
        names = (
            "query_location.similarity",
            "query_location.best_gallery_index",
            "gallery_location.similarity",
            "gallery_location.best_query_index",
        )
        for values, name in zip(found, names, strict=True):
            np.testing.assert_allclose(values, data[name][q, g], atol=1e-6)


def test_ranking_oracles() -> None:
    data = reference()
    ids = tuple(data[k] for k in ("query_pids", "gallery_pids", "query_cams", "gallery_cams"))
    found = oracles.metrics(data["dist_query_gallery"], *ids)
    assert found["mAP"] == pytest.approx(float(data["mAP"]), abs=1e-6)
    np.testing.assert_allclose(found["cmc"], data["cmc"], atol=1e-6)


def test_tlift_oracle() -> None:
    data = reference()
    rows = slice(0, 40)
    columns = data["gallery_cams"] == 2
    lifted = oracles.tlift(
        data["tlift.input_score"][rows, columns],
        data["query_cams"],
        data["gallery_cams"][columns],
        data["query_time"],
        data["gallery_time"][columns],
    )
    np.testing.assert_allclose(lifted, data["tlift.score"][rows, columns], atol=1e-6)
