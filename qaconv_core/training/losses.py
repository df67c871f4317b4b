"""The published losses over QAConv logits, sample by sample.

Each is a module called with a :class:`Batch` and gives the loss (n,) and the accuracy (n,) of every
sample; the trainer takes their mean over the finite ones. ``matcher`` is the QAConv head under
training, named as in the published checkpoints.

- class memory: Liao & Shao, ECCV 2020 (QAConv 1.x);
- pairwise matching and hard triplet: Liao & Shao, CVPR 2022 (QAConv 2.0 and 2.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from qaconv_core.errors import InputError
from qaconv_core.models import QAConv
from qaconv_core.training.maxima import TrainingQAConv, lean_maxima
from qaconv_core.types import Grid

FAR = 1e15
"""Stands for a pair that must not be chosen; finite, so that its gradient is zero and not NaN."""


@dataclass(frozen=True)
class Batch:
    """What a loss sees: feature maps of a batch and what is known of its pictures.

    ``maps`` (n, C, h, w) unit norm over C, ``labels`` (n,) person classes from 0. For the scratch
    recipe also ``trunk`` (n, D) pooled features of the backbone, ``parts`` (n, h·w) the body part
    of every cell (see :mod:`~qaconv_core.training.part_supervision`; None without label maps),
    ``places`` (n, h·w, 2) where each cell lies in its unchanged picture, ``pictures`` (n,) which
    one that is, and ``taught`` (n, n) the standardised logits of teachers.
    """

    maps: torch.Tensor
    labels: torch.Tensor
    trunk: torch.Tensor | None = None
    parts: torch.Tensor | None = None
    places: torch.Tensor | None = None
    pictures: torch.Tensor | None = None
    taught: torch.Tensor | None = None


class Criterion(nn.Module):
    """A loss with the head that it trains; ``extra`` holds the parts of the last loss, for logs."""

    matcher: TrainingQAConv

    def __init__(self, matcher: TrainingQAConv) -> None:
        super().__init__()
        self.matcher = matcher
        self.extra: dict[str, float] = {}

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss (n,) and accuracy (n,), 1.0 where a sample was told from all others."""
        raise NotImplementedError

    def remember(self, batch: Batch) -> None:
        """Keep what later batches are compared with; after this one's backward pass."""


def new_matcher(grid: Grid, head: str, scale: float = 1.0, even: bool = True) -> TrainingQAConv:
    """A fresh head; logits spread by about ``scale``. ``even``: every cell counts alike, else by
    torch's random weights."""
    matcher = TrainingQAConv(grid, head)
    with torch.no_grad():
        if even:
            matcher.fc.weight.fill_(1.0 / (grid[0] * grid[1]))
            matcher.fc.bias.zero_()
        matcher.logit_bn.weight.fill_(scale)
    return matcher


def same_person(labels: torch.Tensor) -> torch.Tensor:
    """(n,) -> bool (n, n)."""
    return labels.unsqueeze(1) == labels.unsqueeze(0)


def hardest(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The lowest logit of a true pair and the highest of a false one, for every row.

    ``logits`` (n, n); a picture is no true pair of itself. Rows without a true (false) pair get
    +:data:`FAR` (−:data:`FAR`).
    """
    same = same_person(labels)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    true = logits.masked_fill(~same | itself, FAR).amin(dim=1)
    false = logits.masked_fill(same, -FAR).amax(dim=1)
    return true, false


def _in_batch_logits(matcher: QAConv, batch: Batch) -> torch.Tensor:
    if batch.maps.ndim != 4 or len(batch.maps) != len(batch.labels):
        raise InputError(
            f"feature maps of shape {tuple(batch.maps.shape)} do not fit "
            f"{len(batch.labels)} labels; expected (n, C, h, w) and (n,)"
        )
    logits: torch.Tensor = matcher(batch.maps, batch.maps)
    return logits


class PairwiseMatchingLoss(Criterion):
    """Binary cross-entropy of all pairs of a batch, summed over each row (v2.0)."""

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss (n,); accurate is a row whose true pairs all lie above its false ones."""
        logits = _in_batch_logits(self.matcher, batch)
        target = same_person(batch.labels).to(logits.dtype)
        loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        true, false = hardest(logits.detach(), batch.labels)
        return loss.sum(dim=1), (true > false).float()


class HardTripletLoss(Criterion):
    """max(0, margin − lowest true logit + highest false logit) of each row (v2.1)."""

    def __init__(self, matcher: TrainingQAConv, margin: float = 16.0) -> None:
        super().__init__(matcher)
        self.margin = float(margin)

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss (n,); accurate is a row whose true pairs lie no lower than its false ones."""
        logits = _in_batch_logits(self.matcher, batch)
        true, false = hardest(logits, batch.labels)
        loss = functional.relu(self.margin - true + false)
        return loss, (true >= false).float().detach()


class ClassMemoryLoss(Criterion):
    """Every picture against one remembered feature map of each class (v1).

    Focal-weighted binary cross-entropy over all classes: (1 − p)² for the true class, p² for the
    others, p = sigmoid(logit). The memory (classes, C, h, w) holds the last map seen of each
    class. With ``seen_only`` classes not seen yet count for nothing, as in v1.2; without, their
    empty maps count as those of others, as in v1.0. ``mem_batch_size`` classes are compared at
    once; the head's batch norms run over all classes, as in the releases.
    """

    class_memory: torch.Tensor
    valid_class: torch.Tensor

    def __init__(
        self,
        matcher: TrainingQAConv,
        classes: int,
        channels: int,
        mem_batch_size: int = 16,
        seen_only: bool = True,
    ) -> None:
        super().__init__(matcher)
        self.mem_batch_size, self.seen_only = mem_batch_size, seen_only
        self.register_buffer("class_memory", torch.zeros(classes, channels, *matcher.grid))
        # A checkpoint with it is one of v1.2.
        self.register_buffer("valid_class", torch.zeros(classes), persistent=seen_only)

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss (n,); accurate is a row whose own class has the highest logit."""
        parts = self.class_memory.split(self.mem_batch_size)
        best = [lean_maxima(batch.maps, part, self.matcher.cancel) for part in parts]
        sides = (torch.cat([pair[side] for pair in best], dim=1) for side in (0, 1))
        logits = self.matcher.head_logits(*sides)
        target = functional.one_hot(batch.labels, logits.shape[1]).to(logits.dtype)
        loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        p = torch.sigmoid(logits)
        weight = torch.where(target > 0, 1.0 - p, p).square()
        counted = self.valid_class if self.seen_only else 1.0
        loss = (loss * weight * counted).sum(dim=1)
        accuracy = (logits.detach().argmax(dim=1) == batch.labels).float()
        return loss, accuracy

    @torch.no_grad()
    def remember(self, batch: Batch) -> None:
        """Keep the last finite map of each class in the batch."""
        maps = batch.maps.detach().to(self.class_memory.dtype)
        for row, label in enumerate(batch.labels.tolist()):
            if bool(torch.isfinite(maps[row]).all()):
                self.class_memory[label] = maps[row]
                self.valid_class[label] = 1.0


def finite_mean(
    loss: torch.Tensor, accuracy: torch.Tensor
) -> tuple[torch.Tensor | None, float, int]:
    """Mean loss over the samples whose loss is finite, their mean accuracy, and their number.

    (n,), (n,) -> a scalar tensor (None when no sample is finite), in [0, 1], in 0 … n.
    """
    finite = torch.isfinite(loss)
    count = int(finite.sum())
    if count == 0:
        return None, 0.0, 0
    return loss[finite].mean(), float(accuracy[finite].mean()), count
