"""Distillation: finished models say how alike the pictures of a batch are, a new one learns it.

Teachers see the pictures unchanged, and only once: their feature maps lie in the feature store.
The network in training sees them changed at random, so that it learns what the changes hide.
Logits of different models have different scales; standardised over the pairs of a batch they can
be compared and averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from qaconv_core.errors import InputError
from qaconv_core.matching.scores import score_maps
from qaconv_core.model import load_model
from qaconv_core.models import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback
from qaconv_core.store.features import FeatureStore
from qaconv_core.training.people import TrainingSet
from qaconv_core.types import FeatureBank, Int64


@dataclass(frozen=True)
class Teachers:
    """Finished models with their maps of all pictures of a training set."""

    banks: tuple[FeatureBank, ...]
    heads: tuple[AffineHead, ...]
    device: torch.device

    def logits(self, pictures: Int64, cancel: CancelToken | None = None) -> torch.Tensor:
        """What they say of all pairs among ``pictures`` (n,), places in the training set: the mean
        of their standardised logits, standardised, float32 (n, n)."""
        told = []
        for bank, head in zip(self.banks, self.heads, strict=True):
            maps = bank.maps[bank.rows[pictures]]
            logits = score_maps(maps, maps, head, device=self.device, symmetric=True, cancel=cancel)
            told.append(standardised(torch.from_numpy(logits)))
        return standardised(torch.stack(told).mean(dim=0)).to(self.device)


def open_teachers(
    names: Sequence[str],
    people: TrainingSet,
    device: torch.device,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Teachers | None:
    """The models ``names`` (files, or ``"demo"``) as teachers; None where there are none.

    Their maps come from the user's feature store, or are computed and kept there. Raises
    :class:`CheckpointError` for a file that is no model, and :class:`InputError` where a picture
    has become unreadable.
    """
    store, banks, heads = FeatureStore(), [], []
    for name in names:
        model = load_model(name, str(device), precision="fast")
        shelf = model.open_shelf(store)
        found = model.extract_set(
            people.refs, shelf=shelf, progress=progress, cancel=cancel, stage="teacher: features"
        )
        if found.rejected:
            raise InputError(f"{found.rejected[0].path}: {found.rejected[0].reason}")
        banks.append(found.bank)
        heads.append(model.head)
    return Teachers(tuple(banks), tuple(heads), device) if names else None


def standardised(logits: torch.Tensor) -> torch.Tensor:
    """Logits (n, n) with mean 0 and deviation 1 over the pairs of two different places."""
    pairs = logits[~torch.eye(len(logits), dtype=torch.bool, device=logits.device)]
    return (logits - pairs.mean()) / pairs.std().clamp(min=1e-6)


def teaching_loss(logits: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """How far logits (n, n) are from what teachers say, both standardised, (n,).

    The divergence of the softmax over each row's other pictures (Hinton et al., 2015), which looks
    at the nearest, plus the mean squared difference, which looks at all.
    """
    itself = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    own = standardised(logits)
    wanted = taught.masked_fill(itself, -1e4).log_softmax(dim=1)
    given = own.masked_fill(itself, -1e4).log_softmax(dim=1)
    divergence = functional.kl_div(given, wanted, log_target=True, reduction="none").sum(dim=1)
    squares = (own - taught).square().masked_fill(itself, 0.0).sum(dim=1) / (len(logits) - 1)
    return divergence + squares
