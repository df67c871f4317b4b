"""The loss of the ``scratch`` recipe: for networks that start from nothing.

Matching losses alone collapse there: all cells become alike before any is useful. Classification
of the people carries the network at first (on pooled features of the trunk, and on horizontal
stripes of the map, which keeps the cells of different heights apart); a softmax contrast over
QAConv logits teaches the head; label maps, where there are any, keep the correspondences honest.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from qaconv_core.training import part_supervision as parts
from qaconv_core.training.losses import Batch, Criterion, _in_batch_logits, hardest, same_person
from qaconv_core.training.maxima import TrainingQAConv
from qaconv_core.training.recipes import Recipe
from qaconv_core.training.teaching import teaching_loss

LOGIT_SCALE = 8.0
"""Spread of a fresh head's logits: scores are sigmoid(logit / 10)."""
VIEW_REACH = 0.75
"""Cells of two views count as the same place of a picture within this distance, in cells."""


class ScratchLoss(Criterion):
    """Identity, stripes, contrast, label maps and teachers, weighted as the recipe says."""

    def __init__(
        self, matcher: TrainingQAConv, recipe: Recipe, classes: int, widths: tuple[int, int]
    ):
        """``widths``: channels of the trunk and of the maps."""
        super().__init__(matcher)
        self.recipe = recipe
        trunk, channels = widths
        self.stripes = min(recipe.stripes, matcher.grid[0])
        self.trunk_norm = nn.BatchNorm1d(trunk)
        self.identity = nn.Linear(trunk, classes, bias=False)
        self.stripe_norm = nn.BatchNorm1d(channels * self.stripes)
        self.stripe_identity = nn.Conv1d(
            channels * self.stripes, classes * self.stripes, 1, groups=self.stripes, bias=False
        )
        for layer in (self.identity, self.stripe_identity):
            nn.init.normal_(layer.weight, std=0.01)

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss (n,); accurate is a row whose true pairs all lie above its false ones."""
        logits = _in_batch_logits(self.matcher, batch)
        recipe = self.recipe
        terms = {"contrast": recipe.contrast_weight * self._contrast(logits, batch.labels)}
        if recipe.identity_weight > 0 and batch.trunk is not None:
            terms["identity"] = recipe.identity_weight * self._identity(batch)
            terms["stripes"] = recipe.identity_weight * self._stripes(batch)
        if batch.parts is not None and (recipe.part_weight > 0 or recipe.background_weight > 0):
            terms |= self._parts(batch, logits.detach())
        if batch.places is not None and recipe.view_weight > 0:
            terms["views"] = recipe.view_weight * self._views(batch)
        if batch.taught is not None:
            terms["teachers"] = recipe.teacher_weight * teaching_loss(logits, batch.taught)
        self.extra = {name: float(term.detach().mean()) for name, term in terms.items()}
        true, false = hardest(logits.detach(), batch.labels)
        return torch.stack(list(terms.values())).sum(dim=0), (true > false).float()

    def _contrast(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean over a row's true pairs of −log softmax(logit / temperature) over the others, (n,).

        InfoNCE (van den Oord et al., 2018) with several positives (Khosla et al., 2020).
        """
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        scaled = (logits / self.recipe.contrast_temperature).masked_fill(itself, -1e4)
        log_p = scaled - torch.logsumexp(scaled, dim=1, keepdim=True)
        true = same_person(labels) & ~itself
        loss: torch.Tensor = -(log_p * true).sum(dim=1) / true.sum(dim=1).clamp(min=1)
        return loss

    def _identity(self, batch: Batch) -> torch.Tensor:
        assert batch.trunk is not None
        return self._cross_entropy(self.identity(self.trunk_norm(batch.trunk)), batch.labels)

    def _stripes(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy of each horizontal stripe by itself, averaged, (n,) (Sun et al., 2018)."""
        pooled = functional.adaptive_avg_pool2d(batch.maps, (self.stripes, 1)).squeeze(3)
        # (n, C, stripes) -> (n, stripes·C, 1): every stripe is a group of its own.
        flat = self.stripe_norm(pooled.transpose(1, 2).flatten(1)).unsqueeze(2)
        scores = self.stripe_identity(flat).view(len(flat) * self.stripes, -1)
        labels = batch.labels.repeat_interleave(self.stripes)
        return self._cross_entropy(scores, labels).view(len(flat), self.stripes).mean(dim=1)

    def _cross_entropy(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(
            scores, labels, reduction="none", label_smoothing=self.recipe.smoothing
        )

    def _parts(self, batch: Batch, logits: torch.Tensor) -> dict[str, torch.Tensor]:
        """Each picture with its nearest-by-turn true partner, and with its hardest false one."""
        assert batch.parts is not None
        true = _next_of_person(batch.labels)
        false = logits.masked_fill(same_person(batch.labels), -torch.inf).argmax(dim=1)
        part = batch.maps.new_zeros(len(batch.labels))
        nothing = torch.zeros_like(part)
        for partner in (true, false):
            similarity = parts.similarities(batch.maps, batch.maps[partner])
            if partner is true:
                part = part + parts.likeness_loss(similarity, batch.parts, batch.parts[partner])
            part = part + parts.part_loss(similarity, batch.parts, batch.parts[partner]) / 2
            nothing = nothing + parts.background_loss(similarity, batch.parts) / 2
        recipe = self.recipe
        return {
            "parts": recipe.part_weight * part,
            "background": recipe.background_weight * nothing,
        }

    def _views(self, batch: Batch) -> torch.Tensor:
        """Pictures that stand in the batch more than once, in other crops, against themselves."""
        assert batch.places is not None
        assert batch.pictures is not None
        partner = _next_of_person(batch.pictures)
        found = partner != torch.arange(len(partner), device=partner.device)
        similarity = parts.similarities(batch.maps, batch.maps[partner])
        loss = parts.view_loss(similarity, batch.places, batch.places[partner], VIEW_REACH)
        return loss * found


def _next_of_person(labels: torch.Tensor) -> torch.Tensor:
    """For each row the next row (cyclically) with its label; itself where there is none, (n,)."""
    n = len(labels)
    places = torch.arange(n, device=labels.device)
    steps = (places.unsqueeze(0) - places.unsqueeze(1)) % n
    steps = steps.masked_fill(steps == 0, n)
    steps = steps.masked_fill(~same_person(labels), n)
    return (places + steps.amin(dim=1)) % n
