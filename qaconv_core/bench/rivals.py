"""Fused kernels of others, where they are installed: each reduces one side, so it is called twice.

``late-interaction-kernels`` and ``flash-maxsim`` (both on PyPI) give Σ_s max_r ⟨q_s, g_r⟩ of every
pair. Weights that are not negative can be taken into the cells first, w·max⟨q, g⟩ = max⟨w·q, g⟩, so
two calls with the sides exchanged and a bias are a logit of this rule.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import torch

MaxSim = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(p, s, C), (g, r, C) -> (p, g)."""

_KNOWN = {
    "late-interaction-kernels, twice": ("late_interaction_kernels", "maxsim"),
    "flash-maxsim, twice": ("flash_maxsim", "flash_maxsim_batched"),
}


def installed() -> dict[str, MaxSim]:
    """The kernels that can be imported here, by name."""
    found: dict[str, MaxSim] = {}
    for name, (module, function) in _KNOWN.items():
        try:
            found[name] = getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError, RuntimeError):  # not there, or not for this system
            continue
    return found


def two_way(
    maxsim: MaxSim,
    query: torch.Tensor,
    gallery: torch.Tensor,
    weights: tuple[torch.Tensor, torch.Tensor],
    bias: float,
) -> Callable[[], torch.Tensor]:
    """A job that gives logits (p, g) of maps (p, s, C) and (g, r, C) by ``maxsim``.

    ``weights`` (s,) and (r,) must not be negative. Taking them into the cells is done beforehand
    and does not count.
    """
    if min(float(side.min()) for side in weights) < 0:
        raise ValueError("negative weights cannot be taken into the cells of a maximum")
    queries = (query * weights[0][:, None]).to(query.dtype).contiguous()
    pictures = (gallery * weights[1][:, None]).to(gallery.dtype).contiguous()
    return lambda: maxsim(queries, gallery).float() + maxsim(pictures, query).float().T + bias
