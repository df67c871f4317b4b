"""Scoring by the fused kernel, on a CUDA GPU with Triton.

The kernel takes maps in float16 or bfloat16, as they are stored, and sums in float32. It differs
from float32 products of the same stored maps only in the order of summation. Triton is imported
when the first job needs it.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.matching.cpu import as_tensor
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.types import Float32

log = logging.getLogger(__name__)

HALF = (torch.float16, torch.bfloat16)
_SAMPLE = 128  # maps on each side when cuts are compared


@dataclass(frozen=True)
class Cut:
    """How a pair is cut into tiles: ``rows`` are gallery cells, ``columns`` query cells.

    ``warps`` and ``stages`` are Triton's settings of a program.
    """

    rows: int
    columns: int
    channels: int
    warps: int = 4
    stages: int = 3


CUTS = (
    Cut(64, 64, 128),
    Cut(64, 64, 64),
    Cut(128, 64, 64),
    Cut(64, 128, 64),
    Cut(128, 64, 128, 8),
    Cut(128, 128, 64, 8),
    Cut(64, 256, 64, 8),
    Cut(32, 32, 64, 2),
)


def fused_available(device: torch.device) -> bool:
    """Whether the kernel can run on ``device``: CUDA with tensor cores, and Triton installed."""
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return False
    return torch.cuda.get_device_capability(device) >= (7, 0)


def fused_logits(
    query: torch.Tensor,
    gallery: torch.Tensor,
    query_weights: torch.Tensor,
    gallery_weights: torch.Tensor,
    bias: float,
    cut: Cut | None = None,
) -> torch.Tensor:
    """Logits (p, g), float32, of maps (p, h·w, C) and (g, h·w, C) in float16 or bfloat16.

    Weights are float32 (h·w,). Without ``cut`` the fastest one is found by a trial. All tensors are
    on one device.
    """
    if not query.dtype == gallery.dtype or query.dtype not in HALF:
        raise ValueError(f"maps must be float16 or bfloat16, not {query.dtype}, {gallery.dtype}")
    out = torch.empty(len(query), len(gallery), device=query.device)
    if out.numel() == 0:
        return out
    sides = (query.contiguous(), gallery.contiguous(), query_weights, gallery_weights)
    _launch(out, *sides, bias, cut or _best_cut(query.shape[1:], query.dtype, query.device))
    return out


def _launch(
    out: torch.Tensor,
    query: torch.Tensor,
    gallery: torch.Tensor,
    query_weights: torch.Tensor,
    gallery_weights: torch.Tensor,
    bias: float,
    cut: Cut,
) -> None:
    from qaconv_core.matching.triton_kernel import two_way_logits

    _, cells, channels = query.shape
    across = _power_of_two(-(-cells // cut.columns))
    two_way_logits[(out.numel(),)](
        query,
        gallery,
        query_weights,
        gallery_weights,
        out,
        len(gallery),
        bias,
        CELLS=cells,
        CHANNELS=channels,
        BM=cut.rows,
        BN=cut.columns,
        BK=min(cut.channels, _power_of_two(max(16, channels))),
        ACROSS=across,
        WIDE=query.device.type == "cpu" and query.dtype == torch.bfloat16,
        num_warps=cut.warps,
        num_stages=cut.stages,
    )


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()


@functools.lru_cache(maxsize=64)
def _best_cut(shape: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Cut:
    """The fastest of :data:`CUTS` for maps of ``shape`` (h·w, C), each tried a few times."""
    cells = shape[0]
    maps = torch.zeros(_SAMPLE, *shape, dtype=dtype, device=device)
    weights, out = torch.zeros(cells, device=device), torch.empty(_SAMPLE, _SAMPLE, device=device)
    times: dict[Cut, float] = {}
    for cut in CUTS:
        try:
            times[cut] = _seconds(
                functools.partial(_launch, out, maps, maps, weights, weights, 0.0, cut)
            )
        except Exception as cause:  # a cut too large for this GPU's shared memory
            log.debug("%s: %s", cut, cause)
    if not times:
        raise RuntimeError(f"the fused kernel runs in none of its forms on {device}")
    best = min(times, key=times.__getitem__)
    log.debug("fused kernel for %s: %s", shape, best)
    return best


def _seconds(work: Any) -> float:
    work()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(3):
        work()
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end)) / 3e3


class FusedScorer:
    """Scores blocks of float16 maps with the fused kernel."""

    def __init__(self, head: AffineHead, device: torch.device) -> None:
        self.device = device
        self.query_weights = torch.tensor(head.query_weights, dtype=torch.float32, device=device)
        self.gallery_weights = torch.tensor(
            head.gallery_weights, dtype=torch.float32, device=device
        )
        self.bias = float(head.bias)

    def score(self, query: npt.NDArray[np.floating], gallery: npt.NDArray[np.floating]) -> Float32:
        """Logits (p, g) of float16 maps (p, C, h, w) and (g, C, h, w)."""
        weights = (self.query_weights, self.gallery_weights)
        out = fused_logits(self._cells(query), self._cells(gallery), *weights, self.bias)
        return np.asarray(out.cpu().numpy())

    def _cells(self, maps: npt.NDArray[np.floating]) -> torch.Tensor:
        """(n, C, h, w) -> (n, h·w, C) on the device."""
        return as_tensor(maps).to(self.device).flatten(2).transpose(1, 2).contiguous()
