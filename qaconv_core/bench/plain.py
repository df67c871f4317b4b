"""The plain formulations that the engine is compared with, written as the papers have them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from qaconv_core.models.qaconv import QAConv
from qaconv_core.types import Float32, Float64


def plain_pixels(path: Path, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A picture as the network reads it, (3, H, W): decoded, RGB, bicubic with antialiasing."""
    with Image.open(path) as image:
        small = image.convert("RGB").resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(small).transpose(2, 0, 1)


def plain_features(
    network: nn.Module,
    paths: Sequence[Path],
    size: tuple[int, int],
    batch: int,
    device: torch.device | str = "cpu",
) -> Float32:
    """Maps (n, C, h, w) of picture files, one step after the other: ``batch`` pictures are
    decoded and resized, then the network has them in float32."""
    parts = []
    for start in range(0, len(paths), batch):
        pixels = [
            torch.from_numpy(plain_pixels(path, size).copy()).float().div(255)
            for path in paths[start : start + batch]
        ]
        with torch.inference_mode():
            parts.append(network(torch.stack(pixels).to(device)).float().cpu().numpy())
    return np.concatenate(parts)


def plain_logits(
    matcher: QAConv, query: torch.Tensor, gallery: torch.Tensor, portion: int
) -> torch.Tensor:
    """Logits (p, g): einsum over all cells, two maxima, batch norms, fc; ``portion`` at a time."""
    with torch.inference_mode():
        parts = [matcher(query, part) for part in gallery.split(portion)]
    return torch.cat(parts, dim=1)


def plain_metrics(
    dist: Float32, query_ids: Any, gallery_ids: Any, query_cams: Any, gallery_cams: Any
) -> tuple[Float64, float]:
    """(CMC, mAP), query by query: sort, drop the junk, count."""
    cmc, aps = np.zeros(dist.shape[1]), []
    for q, row in enumerate(dist):
        order = np.argsort(row)
        junk = (gallery_ids[order] == query_ids[q]) & (gallery_cams[order] == query_cams[q])
        true = (gallery_ids[order] == query_ids[q])[~junk]
        if true.any():
            ranks = np.flatnonzero(true) + 1
            aps.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
            cmc[ranks[0] - 1 :] += 1
    return cmc / max(1, len(aps)), float(np.mean(aps))


def dense_rerank(
    qg: Float32, qq: Float32, gg: Float32, k1: int = 20, k2: int = 6, lambda_: float = 0.3
) -> Float32:
    """k-reciprocal re-ranking over dense float32 matrices with a loop over rows."""
    p, n = len(qq), len(qq) + len(gg)
    original = np.block([[qq, qg], [qg.T, gg]]).astype(np.float32)
    original = (original / original.max(axis=0)).T.copy()
    ranks = np.argsort(original, axis=1).astype(np.int32)
    v = np.zeros((n, n), dtype=np.float32)
    for i in range(n):
        near = _reciprocal(ranks, i, k1)
        expanded = near
        for j in near:
            half = _reciprocal(ranks, j, round(k1 / 2))
            if len(np.intersect1d(half, near)) > 2 / 3 * len(half):
                expanded = np.append(expanded, half)
        expanded = np.unique(expanded)
        weight = np.exp(-original[i, expanded])
        v[i, expanded] = weight / weight.sum()
    if k2 > 1:
        v = np.stack([v[ranks[i, :k2]].mean(axis=0) for i in range(n)])
    inverse = [np.flatnonzero(v[:, j]) for j in range(n)]
    out = np.empty((p, n - p), dtype=np.float32)
    for i in range(p):
        common = np.zeros(n, dtype=np.float32)
        for j in np.flatnonzero(v[i]):
            common[inverse[j]] += np.minimum(v[i, j], v[inverse[j], j])
        jaccard = 1 - common / (2 - common)
        out[i] = ((1 - lambda_) * jaccard + lambda_ * original[i])[p:]
    return out


def _reciprocal(ranks: npt.NDArray[np.int32], i: int, k: int) -> npt.NDArray[np.int32]:
    forward = ranks[i, : k + 1]
    return forward[(ranks[forward, : k + 1] == i).any(axis=1)]


def plain_tlift(
    score: Float32,
    query_cams: Any,
    gallery_cams: Any,
    query_times: Any,
    gallery_times: Any,
    tau: float = 100.0,
    sigma: float = 200.0,
    k: int = 10,
    alpha: float = 0.2,
) -> Float32:
    """Temporal lifting, query by query and camera by camera."""
    out = score.copy()
    for q in range(len(score)):
        near = (query_cams == query_cams[q]) & (np.abs(query_times - query_times[q]) < tau)
        for camera in np.unique(gallery_cams):
            columns = np.flatnonzero(gallery_cams == camera)
            pool = score[np.ix_(near, columns)]
            limit = np.sort(pool, axis=None)[-min(k, pool.size)]
            pivots = gallery_times[columns][np.nonzero(pool >= limit)[1]]
            apart = (pivots[None] - gallery_times[columns][:, None]) / sigma
            weight = np.exp(-(apart**2)).mean(axis=1)
            out[q, columns] = (weight + alpha) * score[q, columns]
    return out


def pair_flop(cells: int, channels: int) -> float:
    """Arithmetic of one pair's products."""
    return 2.0 * cells * cells * channels


def fits(portion: int, cells: int, free: int) -> bool:
    """Whether the plain formulation of ``portion`` pairs at once fits into ``free`` bytes."""
    return math.prod((portion, cells, cells, 4)) * 1.5 < free
