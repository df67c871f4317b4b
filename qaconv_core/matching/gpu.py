"""Scoring on a device with its own memory: plain PyTorch, in chunks that fit this memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.matching.cpu import as_tensor
from qaconv_core.matching.plan import ScoringPlan
from qaconv_core.models.qaconv import AffineHead, two_way_maxima
from qaconv_core.types import Float32


class ChunkScorer:
    """Scores in float32, in chunks of as many pairs as the device's memory allows."""

    def __init__(self, head: AffineHead, plan: ScoringPlan, device: torch.device) -> None:
        self.device = device
        self.query_weights = torch.tensor(head.query_weights, dtype=torch.float32, device=device)
        self.gallery_weights = torch.tensor(
            head.gallery_weights, dtype=torch.float32, device=device
        )
        self.bias = float(head.bias)
        self.chunk = plan.pair_chunk

    def score(self, query: npt.NDArray, gallery: npt.NDArray) -> Float32:
        """Logits (p, g) of maps (p, C, h, w) and (g, C, h, w)."""
        queries, pictures = self._maps(query), self._maps(gallery)
        out = torch.empty(len(queries), len(pictures), device=self.device)
        g_step = max(1, min(len(pictures), self.chunk))
        p_step = max(1, self.chunk // g_step)
        for i in range(0, len(queries), p_step):
            for k in range(0, len(pictures), g_step):
                a, b = two_way_maxima(queries[i : i + p_step], pictures[k : k + g_step])
                out[i : i + p_step, k : k + g_step] = (
                    a @ self.query_weights + b @ self.gallery_weights + self.bias
                )
        return np.asarray(out.cpu().numpy())

    def _maps(self, maps: npt.NDArray[np.floating]) -> torch.Tensor:
        return as_tensor(maps).to(self.device).float().flatten(2)
