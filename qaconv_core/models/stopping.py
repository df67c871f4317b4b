"""A network that stops between its layers, so that nobody waits for a whole batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from qaconv_core.progress import CancelToken
from qaconv_core.threads import BUDGET


@contextlib.contextmanager
def stopping_within(network: nn.Module, cancel: CancelToken | None) -> Iterator[None]:
    """Within this context passes through ``network``, forward and backward, raise
    :class:`~qaconv_core.errors.Cancelled` after a layer when ``cancel`` is set; in the background
    they stand still there while a job runs that somebody waits for.

    Numbers stay as they are. A pass that was given up may have changed running statistics.
    """
    if cancel is None:
        yield
        return

    def look(gradient: torch.Tensor) -> None:
        BUDGET.step_aside()
        cancel.raise_if_cancelled()

    def done(layer: nn.Module, inputs: object, output: object) -> None:
        BUDGET.step_aside()
        cancel.raise_if_cancelled()
        if isinstance(output, torch.Tensor) and output.requires_grad:
            output.register_hook(look)

    layers = [module for module in network.modules() if not list(module.children())]
    with contextlib.ExitStack() as hooks:
        for layer in layers:
            hooks.callback(layer.register_forward_hook(done).remove)
        yield
