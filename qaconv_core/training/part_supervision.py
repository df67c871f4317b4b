"""Supervision by label maps: people's parts should match the same part, background nothing.

A label map says for every pixel which body part or garment it shows (0 is background). It goes
through the same crops, flips and shifts as its picture and is then read off per cell of the
feature map (:func:`~qaconv_core.training.cells.cell_parts`).
"""

from __future__ import annotations

import torch
from torch.nn import functional

from qaconv_core.training.cells import NOTHING

TEMPERATURE = 0.1
MOST_FOR_NOTHING = 0.25
"""Similarity below which a match of the background is as good as none: about the best that random
cells find among a hundred in a hundred channels."""
LEAST_FOR_SAME = 0.75
"""Similarity that a part of a person should reach with the same part of the same person."""


def similarities(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Maps (n, C, h, w) and (n, C, h, w) -> S (n, cells of the second, cells of the first)."""
    return torch.bmm(second.flatten(2).transpose(1, 2), first.flatten(2))


def part_loss(
    similarity: torch.Tensor, parts: torch.Tensor, other_parts: torch.Tensor
) -> torch.Tensor:
    """How far a person's cells are from matching the same part in another picture, (n,).

    ``similarity`` (n, r, s), ``parts`` (n, s) of the cells that look for a match, ``other_parts``
    (n, r) of those that may be matched. The mean over the person's cells of −log of the softmax
    mass (:data:`TEMPERATURE`) on cells of the same part; cells whose part the other picture does
    not show are left out.
    """
    same = (other_parts.unsqueeze(2) == parts.unsqueeze(1)) & (parts > 0).unsqueeze(1)
    counted = same.any(dim=1)
    scaled = similarity / TEMPERATURE
    hits = torch.logsumexp(scaled.masked_fill(~same, -1e4), dim=1)
    loss = torch.logsumexp(scaled, dim=1) - hits
    return _mean_over(loss, counted)


def likeness_loss(
    similarity: torch.Tensor, parts: torch.Tensor, other_parts: torch.Tensor
) -> torch.Tensor:
    """How far a person's cells are from finding themselves in a true partner, (n,).

    Shapes as :func:`part_loss`. The mean over the person's cells, whose part the partner shows, of
    the square of what the best such cell lacks to :data:`LEAST_FOR_SAME`, times ten. The contrast
    alone ranks matches; this makes those of the person the strongest of all.
    """
    same = (other_parts.unsqueeze(2) == parts.unsqueeze(1)) & (parts > 0).unsqueeze(1)
    best = similarity.masked_fill(~same, -1.0).amax(dim=1)
    lack = functional.relu(LEAST_FOR_SAME - best)
    return _mean_over(10.0 * lack.square(), same.any(dim=1))


def background_loss(similarity: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
    """How strongly cells that show no person find a match all the same, (n,).

    ``similarity`` (n, r, s), ``parts`` (n, s). The mean over background cells of the square of
    what their best similarity exceeds :data:`MOST_FOR_NOTHING` by, times ten.
    """
    best = similarity.amax(dim=1)
    excess = functional.relu(best - MOST_FOR_NOTHING)
    return _mean_over(10.0 * excess.square(), parts == NOTHING)


def view_loss(
    similarity: torch.Tensor, places: torch.Tensor, other_places: torch.Tensor, reach: float
) -> torch.Tensor:
    """How far matches between two views of one picture are from following its content, (n,).

    ``places`` (n, s, 2) and ``other_places`` (n, r, 2) say where each cell lies in the unchanged
    picture, in cells; a cell's true matches are those within ``reach`` of it. Needs no labels.
    """
    distance = torch.cdist(other_places.float(), places.float())
    near = distance < reach
    scaled = similarity / TEMPERATURE
    hits = torch.logsumexp(scaled.masked_fill(~near, -1e4), dim=1)
    return _mean_over(torch.logsumexp(scaled, dim=1) - hits, near.any(dim=1))


def _mean_over(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Row means of (n, m) over the chosen entries; 0 where a row has none."""
    total = (values * chosen).sum(dim=1)
    return total / chosen.sum(dim=1).clamp(min=1)
