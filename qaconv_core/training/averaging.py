"""The mean of the weights after each of a run's last steps, which often does better than the last.

Averages of weights along a run: Izmailov et al., 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from qaconv_core.errors import CheckpointError


class WeightAverage:
    """The mean of all floating-point tensors of ``modules`` (by name) over the :attr:`steps` that
    :meth:`add` has counted; 0 steps at first."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self._modules = dict(modules)
        self._mean: dict[str, torch.Tensor] = {}
        self.steps = 0

    def _own(self) -> dict[str, torch.Tensor]:
        """The tensors as they lie now: a module that changes its memory format gets new ones."""
        return {
            f"{part}.{name}": value
            for part, module in self._modules.items()
            for name, value in module.state_dict().items()
            if value.is_floating_point()
        }

    @torch.no_grad()
    def add(self) -> None:
        """Count the weights as they are now."""
        self.steps += 1
        for name, value in self._own().items():
            if self.steps == 1:
                self._mean[name] = value.clone()
            else:
                self._mean[name].lerp_(value, 1 / self.steps)

    @torch.no_grad()
    def take(self) -> None:
        """Make the mean the modules' weights, where a step was counted, and begin anew."""
        own = self._own()
        for name, value in self._mean.items():
            own[name].copy_(value)
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._mean, self.steps = {}, 0

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps; empty before the first step."""
        return {"steps": self.steps, "mean": self._mean} if self.steps else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up :meth:`state`. Raises :class:`CheckpointError` where it is of other modules."""
        self.forget()
        if not state:
            return
        mean, own = state["mean"], self._own()
        if mean.keys() != own.keys() or any(mean[k].shape != own[k].shape for k in own):
            raise CheckpointError("the averaged weights are those of another network")
        self.steps = int(state["steps"])
        self._mean = {name: value.to(own[name], copy=True) for name, value in mean.items()}
