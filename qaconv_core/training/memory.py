"""How much memory a step of a training takes, reckoned before it starts."""

from __future__ import annotations

import copy

import torch

from qaconv_core.models import FeatureNetwork
from qaconv_core.models.inverted_residual import InvertedResidualNetwork
from qaconv_core.training.building import freeze

_PROBE = 2  # pictures: batch norms want more than one
_PRODUCTS = 4  # of the similarities of all pairs of cells: themselves, their gradient, maxima
# Small networks widen and narrow in each block: blocks of many sizes leave gaps in the heap.
_GAPS = 1.25


def step_bytes(
    network: FeatureNetwork, size: tuple[int, int], batch: int, frozen: str = "nothing"
) -> int:
    """What a training step of ``batch`` pictures takes that are compared with one another.

    ``frozen`` names the last stage that does not learn, as recipes do: nothing is kept of it.
    """
    kept, cells = _kept(network, size, frozen)
    if isinstance(network.base, InvertedResidualNetwork):
        kept = round(_GAPS * kept)
    return batch * kept + _PRODUCTS * 4 * (batch * cells) ** 2


def _kept(network: FeatureNetwork, size: tuple[int, int], frozen: str) -> tuple[int, int]:
    """Bytes that a step keeps of each picture of ``size`` (height, width) for its gradient, and the
    cells of a feature map.

    Found by a pass of two pictures through a copy of ``network``, in float32, and so before
    anything hooks into it. No random number is drawn.
    """
    probe = copy.deepcopy(network).cpu().train()
    freeze(probe, frozen)
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
    return sum(kept.values()) // _PROBE, held.shape[-2] * held.shape[-1]
