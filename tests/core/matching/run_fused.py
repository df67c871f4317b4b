"""Runs the fused kernel under Triton's interpreter and compares it with plain sums.

A program of its own, because the interpreter has to be chosen before triton is imported. Prints
the largest difference of each case, in units of what float32 sums may differ by.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch

from qaconv_core.matching.fused import Cut, fused_logits
from tests.core.matching.maps import random_head, unit_maps

CASES = [
    # p, g, grid, channels, dtype, cut
    (2, 3, (2, 2), 16, torch.float16, Cut(16, 16, 16)),
    (1, 2, (5, 3), 24, torch.float16, Cut(16, 16, 16)),
    (2, 1, (24, 8), 128, torch.float16, Cut(64, 64, 128)),
    (1, 1, (24, 8), 128, torch.bfloat16, Cut(128, 64, 64)),
    (1, 2, (12, 6), 64, torch.float16, Cut(64, 128, 64)),
    (1, 1, (48, 16), 16, torch.float16, Cut(64, 256, 64)),
    (1, 1, (7, 5), 2048, torch.bfloat16, Cut(32, 32, 64)),
    (3, 2, (1, 1), 16, torch.float16, Cut(16, 16, 16)),
]


def difference(p, g, grid, channels, dtype, cut):
    head = random_head(grid, seed=1)
    # Similarities below zero everywhere in some maps: padding must not win a maximum.
    query, gallery = (unit_maps(n, channels, grid, seed) for n, seed in ((p, 1), (g, 2)))
    query[0] = np.abs(query[0])
    gallery[0] = -np.abs(gallery[0])
    cells = [torch.from_numpy(m).flatten(2).transpose(1, 2).to(dtype) for m in (query, gallery)]
    weights = [
        torch.from_numpy(w.astype(np.float32)) for w in (head.query_weights, head.gallery_weights)
    ]
    found = fused_logits(*cells, *weights, head.bias, cut).double()
    products = torch.einsum("grc,psc->pgrs", cells[1].double(), cells[0].double())
    a, b = products.amax(2), products.amax(3)
    expected = a @ weights[0].double() + b @ weights[1].double() + head.bias
    return float((found - expected).abs().max())


if __name__ == "__main__":
    json.dump([difference(*case) for case in CASES], sys.stdout)
