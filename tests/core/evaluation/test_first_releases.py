"""Re-ranking and TLift of the first releases' checkpoints against numbers of their own code."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from qaconv_core.evaluation.evaluator import GALLERY_STAGE, QUERY_STAGE, Job, _Scoring
from qaconv_core.evaluation.methods import Labels, MethodOptions, measure_methods
from qaconv_core.matching.plan import plan_scoring
from qaconv_core.models import QAConv
from qaconv_core.models.checkpoints import load_checkpoint
from qaconv_core.ranking import temporal_lift
from qaconv_core.types import FIRST_RELEASES, FeatureBank
from tests.checkpoints import published_checkpoint, write_checkpoint

VECTORS = Path(__file__).parents[2] / "data" / "v10_rerank.npz"


@pytest.fixture(scope="module")
def vectors():
    with np.load(VECTORS, allow_pickle=False) as data:
        return {key: data[key] for key in data.files}


def scoring(vectors, release, **job):
    """The scoring of an evaluation of the vectors' maps, by a checkpoint of ``release``."""
    state = {
        name.removeprefix("criterion."): torch.from_numpy(value)
        for name, value in vectors.items()
        if name.startswith("criterion.")
    }
    head = QAConv.from_state_dict(state, grid=(6, 4)).affine()
    banks = [
        FeatureBank(vectors[f"{side}_features"], np.arange(len(vectors[f"{side}_features"])))
        for side in ("query", "gallery")
    ]
    model = SimpleNamespace(
        head=head,
        device=torch.device("cpu"),
        spec=SimpleNamespace(release=release),
        plan=lambda p, g, in_memory: plan_scoring(p, g, (16, 6, 4), available=1 << 40),
    )
    return _Scoring(model, *banks, Job(**job), job.get("on_disk"), MethodOptions())


def measured(found, vectors, **options):
    labels = Labels(
        *(vectors[f"{side}_{kind}"] for kind in ("pids", "cams", "times")
          for side in ("query", "gallery"))
    )  # fmt: skip
    return measure_methods(
        found.logits(),
        found.distances,
        labels,
        MethodOptions(rerank=True, tlift=True, **options),
        within=found.within,
        gallery_distances=found.gallery_distances,
        place=found.place,
    )


def test_logits_are_the_published_ones(vectors):
    found = scoring(vectors, FIRST_RELEASES, keep_inner=True)
    near = {"rtol": 1e-4, "atol": 1e-3}
    np.testing.assert_allclose(found.logits(), vectors["logit_query_gallery"], **near)
    found.within()
    for stage, name in ((QUERY_STAGE, "query_query"), (GALLERY_STAGE, "gallery_gallery")):
        np.testing.assert_allclose(found.made(stage), vectors[f"logit_{name}"].T, **near)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize(
    ("release", "key"),
    [(FIRST_RELEASES, "rerank_dist"), ("v2.0", "rerank_dist_of_v12_and_later")],
)
def test_re_ranking_follows_the_release(vectors, release, key, on_disk, tmp_path):
    found = scoring(vectors, release, on_disk=tmp_path if on_disk else None)
    reranked = 1 - measured(found, vectors).score_rerank
    np.testing.assert_allclose(reranked, vectors[key], atol=2e-3)
    other = {"rerank_dist", "rerank_dist_of_v12_and_later"} - {key}
    assert np.abs(reranked - vectors[other.pop()]).max() > 0.01


def test_tlift_of_the_first_release_is_met(vectors):
    sides = [
        vectors[f"{side}_{kind}"] for kind in ("cams", "times") for side in ("query", "gallery")
    ]
    lifted = temporal_lift(1 - vectors["rerank_dist"], *sides)
    np.testing.assert_allclose(lifted, vectors["tlift_score"], atol=1e-5)
    # Its re-ranking rounds to float16, so that a few of the nearest are others.
    found = measured(scoring(vectors, FIRST_RELEASES), vectors).score_tlift
    assert np.mean(np.abs(found - vectors["tlift_score"]) < 2e-3) > 0.99


def test_re_ranking_the_nearest_takes_the_same_roles(vectors):
    """With the whole gallery as the nearest, who is whose query must not change."""
    found = scoring(vectors, FIRST_RELEASES, keep_inner=True)
    rows = np.arange(40)
    expected = found.within()[1][:40, :40]
    np.testing.assert_allclose(found.gallery_distances(rows, rows), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("form", "release"),
    [("v1.0", "v1.x"), ("v1.2", "v1.2"), ("v2.0", "v2.0"), ("v2.1", "v2.1 or later")],
)
def test_the_release_is_read_from_the_file(form, release, tmp_path):
    path = write_checkpoint(tmp_path / "checkpoint.pth.tar", published_checkpoint(form))
    assert load_checkpoint(path).spec.release == release
