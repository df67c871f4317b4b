"""Makes what a recipe names: the loss with its head, the optimiser."""

from __future__ import annotations

from typing import Any

import torch

from qaconv_core.models import FeatureNetwork
from qaconv_core.models.backbone import feature_grid, stage_channels
from qaconv_core.training.losses import (
    ClassMemoryLoss,
    Criterion,
    HardTripletLoss,
    PairwiseMatchingLoss,
    new_matcher,
)
from qaconv_core.training.recipes import FROZEN, Recipe
from qaconv_core.training.scratch import LOGIT_SCALE, ScratchLoss


def new_criterion(recipe: Recipe, classes: int) -> Criterion:
    """The recipe's loss with a fresh head."""
    grid = feature_grid(recipe.input_size, recipe.layer)
    trunk = stage_channels(recipe.arch, recipe.layer)
    channels = recipe.neck or trunk
    if recipe.loss == "scratch":
        matcher = new_matcher(grid, recipe.head, LOGIT_SCALE)
        return ScratchLoss(matcher, recipe, classes, (trunk, channels))
    matcher = new_matcher(grid, recipe.head, even=recipe.even_head)
    if recipe.loss == "memory":
        return ClassMemoryLoss(
            matcher, classes, channels, recipe.mem_batch_size, recipe.seen_classes
        )
    if recipe.loss == "pairwise":
        return PairwiseMatchingLoss(matcher)
    return HardTripletLoss(matcher, recipe.margin)


def freeze(network: FeatureNetwork, last: str) -> None:
    """Let the weights of the stem and of all stages up to ``last`` stay as they are."""
    stages = FROZEN[: FROZEN.index(last) + 1]
    for name, stage in network.base.named_children():
        if (name if name.startswith("layer") else "stem") in stages:
            stage.requires_grad_(False)


def new_optimizer(
    recipe: Recipe, network: FeatureNetwork, criterion: Criterion, pretrained: bool
) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum, or AdamW; a pre-trained backbone learns more slowly.

    AdamW decays no norms and no biases.
    """
    factor = recipe.base_lr_factor if pretrained else 1.0
    base = [parameter for parameter in network.base.parameters() if parameter.requires_grad]
    known = {id(parameter) for parameter in network.base.parameters()}
    new = [parameter for parameter in network.parameters() if id(parameter) not in known]
    groups = [
        {"params": base, "lr": recipe.lr * factor},
        {"params": [*new], "lr": recipe.lr},
        {"params": list(criterion.parameters()), "lr": recipe.lr},
    ]
    if recipe.optimizer == "adamw":
        groups = [part for group in groups for part in _by_decay(group, recipe.weight_decay)]
    groups = [group for group in groups if group["params"]]
    for group in groups:
        group["initial_lr"] = group["lr"]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr)
    return torch.optim.SGD(
        groups,
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
    )


def _by_decay(group: dict[str, Any], decay: float) -> list[dict[str, Any]]:
    """One group as two: matrices and convolutions decay, vectors do not."""
    return [
        {
            "params": [p for p in group["params"] if (p.ndim > 1) == decays],
            "lr": group["lr"],
            "weight_decay": decay if decays else 0.0,
        }
        for decays in (True, False)
    ]
