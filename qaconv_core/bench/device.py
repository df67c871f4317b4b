"""Scoring on a GPU: the fused kernel beside the plain formulation in float16."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from qaconv_core.bench import rivals
from qaconv_core.bench.machine import wait
from qaconv_core.bench.plain import pair_flop
from qaconv_core.bench.samples import people_maps, sample_matcher
from qaconv_core.bench.scoring import Sizes
from qaconv_core.bench.timing import Figure, Timing, Work, take_turns
from qaconv_core.matching.fused import fused_available, fused_logits
from qaconv_core.matching.scores import score_maps
from qaconv_core.models.qaconv import two_way_maxima

FUSED = "fused kernel"
PLAIN = "plain, float16"


def fused_figure(sizes: Sizes, device: torch.device, repeats: int) -> Figure | None:
    """All pairs of maps that are on the GPU already; None where the kernel cannot run."""
    if not fused_available(device):
        return None
    head = sample_matcher(sizes.grid).affine()
    maps = people_maps(max(sizes.queries, sizes.galleries), sizes.channels, sizes.grid)
    on_gpu = torch.from_numpy(maps).to(device)
    query, gallery = on_gpu[: sizes.queries], on_gpu[: sizes.galleries]
    cells = [side.flatten(2).transpose(1, 2).contiguous() for side in (query, gallery)]
    weights = [
        torch.tensor(w, dtype=torch.float32, device=device)
        for w in (head.query_weights, head.gallery_weights)
    ]

    fused = _waiting(
        lambda: fused_logits(cells[0], cells[1], weights[0], weights[1], head.bias), device
    )
    plain = _waiting(lambda: _plain(query, gallery, weights, head.bias), device)

    works: dict[str, Work] = {FUSED: fused, PLAIN: plain}
    facts: dict[str, Any] = {"largest_difference": float((fused() - plain().float()).abs().max())}
    for name, maxsim in rivals.installed().items():
        job = rivals.two_way(maxsim, cells[0], cells[1], (weights[0], weights[1]), head.bias)
        try:
            apart = float((job() - fused()).abs().max())
        except Exception as cause:  # somebody else's kernel, at a size it may not know
            facts[name] = f"failed ({type(cause).__name__})"
            continue
        facts[f"largest_difference_to_{name}"] = apart
        works[name] = _waiting(job, device)
    timings = take_turns(works, repeats)
    baselines = {name: timing for name, timing in timings.items() if name != FUSED}
    return Figure(
        FUSED, sizes.record(), timings[FUSED], baselines, sizes.flop, "float16", facts=facts
    )


def _waiting(job: Work, device: torch.device) -> Work:
    """``job``, and then waiting until the device has finished it."""

    def work() -> Any:
        found = job()
        wait(device)
        return found

    return work


def _plain(
    query: torch.Tensor, gallery: torch.Tensor, weights: list[torch.Tensor], bias: float
) -> torch.Tensor:
    """In float16, as many pairs at once as make a table of about 1 GiB."""
    cells = query.shape[2] * query.shape[3]
    step = max(1, (1 << 30) // (2 * cells * cells * len(query)))
    parts = []
    for some in gallery.split(step):
        a, b = two_way_maxima(query, some)
        parts.append(a.float() @ weights[0] + b.float() @ weights[1] + bias)
    return torch.cat(parts, dim=1)


def evaluation_figure(queries: int, galleries: int, device: torch.device) -> Figure:
    """Scoring of a whole evaluation from host memory, transfers included."""
    sizes = Sizes(galleries, 128, (24, 8), queries)
    head = sample_matcher(sizes.grid).affine()
    maps = people_maps(galleries, sizes.channels, sizes.grid)
    query = np.ascontiguousarray(maps[:queries])
    score_maps(query[:8], maps[:64], head, device=device)  # chooses the kernel's form
    timing: Timing = take_turns(
        {"evaluation": lambda: score_maps(query, maps, head, device=device)}, 2
    )["evaluation"]
    flop = queries * galleries * pair_flop(192, 128)
    return Figure("scoring of an evaluation", sizes.record(), timing, {}, flop, "float16")
