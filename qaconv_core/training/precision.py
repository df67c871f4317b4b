"""Mixed precision in training: where it is used, and in which arithmetic."""

from __future__ import annotations

import torch

from qaconv_core.device import cpu_knows_bfloat16


def training_precision(amp: str, device: torch.device) -> str:
    """The arithmetic of the network's layers: ``float32``, ``float16`` or ``bfloat16``.

    ``auto`` is float16 on CUDA and bfloat16 on CPUs that compute in it (twice as fast there).
    """
    if amp == "off":
        return "float32"
    if amp != "auto":
        return amp
    if device.type == "cuda":
        return "float16"
    return "bfloat16" if device.type == "cpu" and cpu_knows_bfloat16() else "float32"


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """A context in which layers compute in ``precision``."""
    kind = {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(precision)
    return torch.autocast(device.type, dtype=kind or torch.bfloat16, enabled=kind is not None)
