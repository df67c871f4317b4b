"""Small reports, scores and matches for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from qaconv_core.evaluation.protocol import protocol_record
from qaconv_core.evaluation.saved_scores import SavedScores
from qaconv_core.types import (
    CheckpointRecord,
    CorrespondenceMap,
    EvaluationCounts,
    EvaluationReport,
    MethodResult,
    Rejected,
)


def make_result(
    method: str = "qaconv", first: float = 0.5, approximation: str = ""
) -> MethodResult:
    cmc = first + (1 - first) * np.linspace(0, 1, 25) ** 0.5
    ap = np.array([first, 1.0, np.nan])
    return MethodResult(method, cmc, first, first / 2, ap, approximation)


def make_report(dataset: str = "demo", **changes: Any) -> EvaluationReport:
    given: dict[str, Any] = {
        "dataset": dataset,
        "counts": EvaluationCounts(3, 1234, 2),
        "results": (
            make_result(),
            make_result("qaconv+rerank", 0.625, "re-ranked the top 100 of each query only"),
            make_result("qaconv+rerank+tlift", 0.75, "re-ranked the top 100 of each query only"),
        ),
        "protocol": protocol_record(rerank={"k1": 20, "k2": 6, "lambda": 0.3}, preprocessing="RGB"),
        "checkpoint": CheckpointRecord(path="best_model.pth.tar", sha256="0123abcd"),
        "device": "cpu",
        "seconds": {"extraction": 1.5, "scoring": 2.0},
        "separation": {"auc": 0.9, "edges": np.array([0.0, np.nan])},
        "rejected": (Rejected(Path("a/Thumbs.db"), "not a picture"),),
        "notes": ("no times: TLift was left out",),
    }
    return EvaluationReport(**{**given, **changes})


def make_scores(p: int = 3, g: int = 5, kind: str = "logit", **changes: Any) -> SavedScores:
    random = np.random.default_rng(5)
    given: dict[str, Any] = {
        "score": random.normal(size=(p, g)).astype(np.float32),
        "query_ids": np.arange(p, dtype=np.int64),
        "gallery_ids": random.integers(0, p, g),
        "query_cams": np.zeros(p, dtype=np.int64),
        "gallery_cams": np.ones(g, dtype=np.int64),
        "query_times": np.linspace(0, 1, p),
        "gallery_times": np.r_[np.nan, np.linspace(0, 9.5, g - 1)],
        "query_paths": [f"query/é {i} 人.jpg" for i in range(p)],
        "gallery_paths": [f"gallery/{'x' * i}.jpg" for i in range(g)],
        "kind": kind,
    }
    return SavedScores(**{**given, **changes})


def make_match(
    grid: tuple[int, int] = (6, 3), seed: int = 0, ties: bool = False
) -> CorrespondenceMap:
    random = np.random.default_rng(seed)
    cells = grid[0] * grid[1]
    values = {}
    for side in ("query", "gallery"):
        similarity = random.uniform(-1, 1, grid)
        contribution = random.normal(size=grid)
        if ties:
            similarity, contribution = np.round(similarity), np.round(contribution)
        values[f"{side}_similarity"] = similarity.astype(np.float32)
        values[f"{side}_contribution"] = contribution.astype(np.float32)
        values[f"{side}_best"] = random.integers(0, cells, grid)
    logit = sum(float(values[f"{s}_contribution"].sum()) for s in ("query", "gallery")) - 0.5
    return CorrespondenceMap(logit=logit, bias=-0.5, grid=grid, **values)


def make_picture(width: int = 32, height: int = 64, colour: str = "steelblue") -> Image.Image:
    image = Image.new("RGB", (width, height), colour)
    box = (width // 4, height // 4, max(width // 4, width // 2), max(height // 4, height // 2))
    ImageDraw.Draw(image).rectangle(box, fill="gold")
    return image
