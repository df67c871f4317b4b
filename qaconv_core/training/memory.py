"""How much memory a step of a training takes, reckoned before it starts."""

from __future__ import annotations

import copy

import torch
from torch import nn

_PROBE = 2  # pictures: batch norms want more than one


def kept_bytes(network: nn.Module, size: tuple[int, int]) -> int:
    """What a training step keeps of each picture of ``size`` (height, width) for its gradient.

    Found by a pass of two pictures through a copy of ``network``, in float32, and so before
    anything hooks into it. No random number is drawn.
    """
    probe = copy.deepcopy(network).cpu().train()
    own = {tensor.untyped_storage().data_ptr() for tensor in probe.state_dict().values()}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda found: found):
        # The result holds what is kept, so that no place in memory is used twice meanwhile.
        held = probe(torch.zeros(_PROBE, 3, *size))
    del held
    return sum(kept.values()) // _PROBE
