"""The feature network as a CPU computes it fastest: the same function, in another arrangement.

Batch norms of evaluation become part of the convolutions before them, and instance norms no longer
fetch their pictures out of the memory order (channels last) that convolutions are fastest in.
"""

from __future__ import annotations

import copy
import itertools
from collections import OrderedDict
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from qaconv_core.models.backbone import FeatureNetwork, finished, with_mirrored


class InferenceNetwork(nn.Module):
    """What ``network`` computes in evaluation mode, its convolutions in ``dtype``.

    A copy: later changes of ``network`` do not reach it. Statistics of norms and the final
    normalisation are float32 in any case. For pictures on the CPU.
    """

    def __init__(self, network: FeatureNetwork, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.dtype = dtype
        self._source = (network,)  # in a tuple, so that it is no part of this module
        network = _without_hooks(network).requires_grad_(False).eval()
        # Beside each other here, so that the neck's norm is seen behind its convolution.
        necks = [m for name, m in network.named_children() if name.startswith("neck")]
        self.correction, self.mirrored = network.correction, network.mirrored
        self.stages = nn.Sequential(*network.base.children(), *necks)
        _fold_batch_norms(self.stages)
        _exchange_instance_norms(self.stages)
        for module in self.stages.modules():
            if isinstance(module, nn.Conv2d):
                module.to(dtype)
        self.to(memory_format=torch.channels_last).eval()

    def exact(self) -> InferenceNetwork:
        """The same in float32, made anew from the network as it is now."""
        return InferenceNetwork(self._source[0])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, H, W) in [0, 1] -> (n, C, h, w), float32, unit norm over C."""
        return with_mirrored(self._seen, images) if self.mirrored else self._seen(images)

    def _seen(self, images: torch.Tensor) -> torch.Tensor:
        x = images.to(self.dtype).contiguous(memory_format=torch.channels_last)
        return finished(self.stages(x).float(), self.correction)


class PictureNorm(nn.Module):
    """An instance norm: torch's batch norm, which knows channels last, of one picture at a time."""

    def __init__(self, norm: nn.InstanceNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w) -> (n, C, h, w)."""
        pictures = [
            functional.batch_norm(
                picture, None, None, self.weight, self.bias, training=True, eps=self.eps
            )
            for picture in x.split(1)
        ]
        return torch.cat(pictures)


def inference_network(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """``network`` arranged for the CPU where it is a feature network, else as it is.

    One that was arranged before is not arranged again.
    """
    if isinstance(network, FeatureNetwork):
        return InferenceNetwork(network, dtype)
    if isinstance(network, InferenceNetwork) and network.dtype != dtype:
        raise ValueError(f"a network arranged for {network.dtype} cannot compute in {dtype}")
    return network


def _without_hooks(network: FeatureNetwork) -> FeatureNetwork:
    """A copy. Hooks are those of somebody who watches the network, such as a trainer; a copy of
    them would be a copy of that trainer with all it holds."""
    memo: dict[int, Any] = {id(m._forward_hooks): OrderedDict() for m in network.modules()}
    return copy.deepcopy(network, memo)


def _fold_batch_norms(module: nn.Module) -> None:
    """Take up each batch norm that follows a convolution into its weights and bias."""
    children = list(module.named_children())
    for (name, conv), (behind, norm) in itertools.pairwise(children):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(conv, norm))
            setattr(module, behind, nn.Identity())
    for _, child in children:
        _fold_batch_norms(child)


def _exchange_instance_norms(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, nn.InstanceNorm2d):
            setattr(module, name, PictureNorm(child))
        else:
            _exchange_instance_norms(child)
