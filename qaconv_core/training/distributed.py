"""Data-parallel training under ``torchrun``: pieces of a batch in, the whole batch's loss out.

Every process computes the feature maps of its piece; the maps are gathered, so that losses over
pairs see the whole batch, as upstream's DataParallel does. Each process then holds the whole
gradient of its own maps: gradients of the network are added up, those of the head are equal
everywhere.

So N processes train as one does, up to rounding, but for one thing: batch norms of a backbone that
learns its statistics (``frozen_norms`` off: all recipes but v2.1) see the pictures of their own
process, as in upstream's DataParallel, and the first process's running statistics are kept. The
loss's own norms, the graph sampler, the rate and clipping see the whole batch.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from qaconv_core.device import resolve_device
from qaconv_core.errors import InputError
from qaconv_core.types import Int64

Found = TypeVar("Found")


@dataclass(frozen=True)
class Team:
    """The processes of a training: this one's number, how many there are, where it computes."""

    rank: int = 0
    ranks: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.rank == 0

    @property
    def share(self) -> tuple[int, int]:
        """(rank, ranks)."""
        return self.rank, self.ranks

    def gather(self, values: torch.Tensor | None, learns: bool = False) -> torch.Tensor | None:
        """Pieces (n, …) of all processes as one tensor (ranks·n, …), in the order of ranks.

        With ``learns`` the gradient of the own piece flows back.
        """
        if self.ranks == 1 or values is None:
            return values
        pieces = [torch.empty_like(values) for _ in range(self.ranks)]
        torch.distributed.all_gather(pieces, values.detach().contiguous())
        if learns:
            pieces[self.rank] = values
        return torch.cat(pieces)

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the sum of all processes' gradients."""
        if self.ranks == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        torch.distributed.all_reduce(flat)
        for gradient, piece in zip(
            gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True
        ):
            gradient.copy_(piece.view_as(gradient))

    def same(self, module: nn.Module) -> None:
        """Give every process the first one's parameters and statistics."""
        if self.ranks == 1:
            return
        for tensor in module.state_dict().values():
            torch.distributed.broadcast(tensor, src=0)

    def share_plan(self, plan: Int64 | None) -> Int64:
        """The first process's plan of an epoch, everywhere; the others may hand in None."""
        if self.ranks == 1:
            assert plan is not None
            return plan
        box: list[Any] = [None if plan is None else plan.tolist()]
        torch.distributed.broadcast_object_list(box, src=0, device=self.device)
        return np.asarray(box[0], dtype=np.int64)

    def leader_first(self, work: Callable[[], Found]) -> Found:
        """What ``work`` gives in every process; the others begin once the first one has done it,
        or has failed, and find what it downloaded."""
        if not self.leads:
            self.any(False)
        try:
            return work()
        finally:
            if self.leads:
                self.any(False)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all must ask."""
        if self.ranks == 1:
            return flag
        number = torch.tensor([float(flag)], device=self.device)
        torch.distributed.all_reduce(number, op=torch.distributed.ReduceOp.MAX)
        return bool(number.item() > 0)


def launched() -> bool:
    """Whether ``torchrun`` started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextlib.contextmanager
def team(device: str = "auto") -> Iterator[Team]:
    """This process's :class:`Team`: alone, or as ``torchrun`` says (NCCL on GPUs, else gloo)."""
    if not launched():
        yield Team(device=resolve_device(device))
        return
    rank, ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    own = resolve_device(device)
    if own.type == "cuda":
        local = int(os.environ.get("LOCAL_RANK", rank))
        if local >= torch.cuda.device_count():
            raise InputError(
                f"torchrun started process {local + 1} on this machine, which has "
                f"{torch.cuda.device_count()} GPUs; lower --nproc-per-node or use --device cpu"
            )
        own = torch.device(f"cuda:{local}")
        torch.cuda.set_device(own)
    # torch's compiler keeps a group that is there when it is first imported (as optimizers do):
    # gloo's threads would outlive the group and now and then abort the process at its exit.
    importlib.import_module("torch._dynamo")

    # The first process may take long over the graph sampler's distances, the others wait.
    torch.distributed.init_process_group(
        "nccl" if own.type == "cuda" else "gloo", timeout=timedelta(hours=6)
    )
    try:
        yield Team(rank, ranks, own)
    except RuntimeError as error:
        if not _is_loss_of_others(error):
            raise
        raise InputError(
            f"process {rank + 1} of {ranks}: another process of this training has ended; its own "
            "message says why"
        ) from None
    finally:
        torch.distributed.destroy_process_group()


def _is_loss_of_others(error: RuntimeError) -> bool:
    """Whether a collective call failed because a process at its other end is gone."""
    return isinstance(error, torch.distributed.DistError) or "gloo" in str(error).lower()
