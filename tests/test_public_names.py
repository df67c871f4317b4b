"""Names that scripts and notebooks rely on (DESIGN, "Public names") and what they accept."""

from __future__ import annotations

import inspect

import numpy as np
import pytest


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_names_exist_with_their_parameters():
    from qaconv_core import load_model, open_dataset
    from qaconv_core.evaluation import ranking_metrics
    from qaconv_core.models import QAConv
    from qaconv_core.ranking import camera_normalise, k_reciprocal_rerank, temporal_lift

    assert parameters(load_model)[:2] == ["path_or_demo", "device"]
    assert inspect.signature(load_model).parameters["device"].default == "auto"
    assert parameters(open_dataset)[:2] == ["name", "root"]
    assert parameters(QAConv.from_state_dict) == ["state", "grid"]
    assert parameters(k_reciprocal_rerank)[:6] == [
        "dist_qg",
        "dist_qq",
        "dist_gg",
        "k1",
        "k2",
        "lambda_",
    ]
    assert parameters(camera_normalise)[:4] == [
        "logit_qg",
        "logit_gg",
        "query_cams",
        "gallery_cams",
    ]
    assert parameters(temporal_lift)[:9] == [
        "score",
        "query_cams",
        "gallery_cams",
        "query_times",
        "gallery_times",
        "tau",
        "sigma",
        "k",
        "alpha",
    ]
    assert parameters(ranking_metrics)[:5] == [
        "dist",
        "query_ids",
        "gallery_ids",
        "query_cams",
        "gallery_cams",
    ]


def test_published_defaults():
    from qaconv_core.ranking import k_reciprocal_rerank, temporal_lift

    defaults = {
        name: parameter.default
        for function in (k_reciprocal_rerank, temporal_lift)
        for name, parameter in inspect.signature(function).parameters.items()
    }
    assert (defaults["k1"], defaults["k2"], defaults["lambda_"]) == (20, 6, 0.3)
    assert (defaults["tau"], defaults["sigma"]) == (100, 200)
    assert (defaults["k"], defaults["alpha"]) == (10, 0.2)


def test_an_unknown_name_is_refused():
    import qaconv_core

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = qaconv_core.nothing
    assert "load_model" in dir(qaconv_core)


def test_demo_model_extracts_scores_and_explains(tmp_path):
    from PIL import Image

    from qaconv_core import load_model, open_dataset

    model = load_model("demo", device="cpu")
    data = open_dataset("demo")
    query, gallery = data.query[0], data.gallery[0]
    assert query.pid is not None
    assert query.camid is not None
    assert query.time is not None
    array = np.asarray(Image.open(gallery.path).convert("RGB"))
    maps = model.extract([query.path, Image.open(gallery.path), array])
    assert maps.dtype == np.float32
    assert maps.shape == (3, *model.map_shape)
    np.testing.assert_allclose(np.linalg.norm(maps, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(maps[1], maps[2], atol=1e-6)
    logits = model.score(maps[:1], maps[1:])
    assert logits.dtype == np.float32
    assert logits.shape == (1, 2)
    match = model.match(maps[0], maps[1])
    total = match.query_contribution.sum() + match.gallery_contribution.sum() + match.bias
    assert match.logit == pytest.approx(logits[0, 0], rel=1e-4, abs=1e-4)
    assert total == pytest.approx(match.logit, abs=1e-4)
    for side in ("query", "gallery"):
        for part in ("similarity", "best", "contribution"):
            assert getattr(match, f"{side}_{part}").shape == match.grid == model.spec.grid
