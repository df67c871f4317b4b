"""An evaluation by several processes under ``torchrun``, with the result of one to the last bit.

Every process computes the feature maps of its share of the pictures into the store, and scores its
share of the blocks of pairs. The first process deals out the blocks (:meth:`TeamScorer.deal`),
collects the logits, ranks and reports; the others score what they are sent
(:meth:`TeamScorer.serve`). The maps are exchanged through the feature store, so its folder must be
on a disk that all processes see. What a process does not find there, it computes itself.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch

from qaconv_core.errors import InputError
from qaconv_core.evaluation.evaluator import Evaluation, Job, evaluate
from qaconv_core.evaluation.methods import MethodOptions
from qaconv_core.matching.plan import ScoringPlan
from qaconv_core.matching.scores import (
    Block,
    Maps,
    Scored,
    block_pairs,
    score_blocks,
    scored_blocks,
)
from qaconv_core.model import Model
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.types import Dataset, FeatureBank, Float32, Int64

_PIECE = 16 << 20  # numbers sent at once


class Ranks(Protocol):
    """This process among all: its number, how many there are, where it computes."""

    @property
    def rank(self) -> int: ...
    @property
    def ranks(self) -> int: ...
    @property
    def device(self) -> torch.device: ...


def evaluate_in_team(
    model: Model, dataset: Dataset, options: MethodOptions, job: Job, team: Ranks
) -> Evaluation | None:
    """:func:`~qaconv_core.evaluation.evaluator.evaluate` by all processes; None in all but the
    first. ``job.shelf`` must be there."""
    for name, pictures in (("query", dataset.query), ("gallery", dataset.gallery)):
        share = pictures.select(np.arange(team.rank, len(pictures), team.ranks))
        job.extract(model, share, f"{name} features")
    torch.distributed.barrier()
    if team.rank:
        banks = [
            job.extract(model, side, "features").bank for side in (dataset.query, dataset.gallery)
        ]
        TeamScorer(team, banks[0], banks[1]).serve()
        return None
    try:
        job = replace(job, helpers=functools.partial(TeamScorer, team))
        return evaluate(model, dataset, options, job)
    finally:
        _broadcast(team, None)


@dataclass(frozen=True)
class _Command:
    """What to score: positions in the query's or the gallery's bank (None: all of it), by which
    head."""

    rows: tuple[str, Int64 | None]
    columns: tuple[str, Int64 | None]
    plan: ScoringPlan
    mirror: bool
    head: AffineHead


class TeamScorer:
    """The other processes as :class:`~qaconv_core.matching.scores.Helpers` of the first one.

    ``query`` and ``gallery`` are the banks of all pictures, the same in every process.
    """

    def __init__(self, team: Ranks, query: FeatureBank, gallery: FeatureBank) -> None:
        self.team = team
        self.banks = {"query": query, "gallery": gallery}

    def deal(
        self,
        query: Maps,
        gallery: Maps,
        head: AffineHead,
        plan: ScoringPlan,
        mirror: bool,
        blocks: Sequence[Block],
    ) -> tuple[Sequence[Block], Iterator[Scored]]:
        """Send the others what is to be scored; the first share is this process's own."""
        sides = self._side(query, "query"), self._side(gallery, "gallery")
        _broadcast(self.team, _Command(*sides, plan, mirror, head))
        own, *shares = _shares(blocks, self.team.ranks)
        ranks = enumerate(shares, start=1)
        return own, (scored for rank, share in ranks for scored in self._received(rank, share))

    def serve(self) -> None:
        """In every other process: score what the first one sends, until it sends None."""
        while (command := self._next_command()) is not None:
            query, gallery = (self._bank(side) for side in (command.rows, command.columns))
            blocks = score_blocks(len(query), len(gallery), command.plan, command.mirror)
            own = _shares(blocks, self.team.ranks)[self.team.rank]
            done = dict(
                scored_blocks(query, gallery, command.head, command.plan, self.team.device, own)
            )
            parts = [done.pop(block).ravel() for block in own]
            self._send(np.concatenate(parts) if parts else np.empty(0, dtype=np.float32))

    def _side(self, bank: Maps, likely: str) -> tuple[str, Int64 | None]:
        """The name of the whole bank, and the positions of ``bank`` in it (None: all of them)."""
        assert isinstance(bank, FeatureBank)
        for name in (likely, *self.banks):
            whole = self.banks[name]
            if np.array_equal(bank.rows, whole.rows):
                return name, None
        whole = self.banks["gallery"]
        order = np.argsort(whole.rows, kind="stable")
        place = np.searchsorted(whole.rows[order], bank.rows)
        found = order[np.minimum(place, len(order) - 1)]
        if not np.array_equal(whole.rows[found], bank.rows):
            raise InputError("several processes can only score the pictures of query and gallery")
        return "gallery", found

    def _bank(self, side: tuple[str, Int64 | None]) -> FeatureBank:
        name, positions = side
        whole = self.banks[name]
        return whole if positions is None else whole.select(positions)

    def _next_command(self) -> _Command | None:
        box: list[Any] = [None]
        torch.distributed.broadcast_object_list(box, src=0, device=self.team.device)
        command: _Command | None = box[0]
        return command

    def _send(self, numbers: Float32) -> None:
        for start in range(0, len(numbers), _PIECE):
            part = torch.from_numpy(numbers[start : start + _PIECE]).to(self.team.device)
            torch.distributed.send(part, dst=0)

    def _received(self, rank: int, blocks: Sequence[Block]) -> Iterator[Scored]:
        sizes = [block_pairs(block, False) for block in blocks]
        numbers = np.empty(sum(sizes), dtype=np.float32)
        for start in range(0, len(numbers), _PIECE):
            part = torch.empty(min(_PIECE, len(numbers) - start), device=self.team.device)
            torch.distributed.recv(part, src=rank)
            numbers[start : start + len(part)] = part.cpu().numpy()
        starts = np.cumsum([0, *sizes])
        for block, start, size in zip(blocks, starts, sizes, strict=False):
            (a, b), (c, d) = block
            yield block, numbers[start : start + size].reshape(b - a, d - c)


def _broadcast(team: Ranks, command: _Command | None) -> None:
    torch.distributed.broadcast_object_list([command], src=0, device=team.device)


def _shares(blocks: Sequence[Block], ranks: int) -> list[list[Block]]:
    """Blocks by process, dealt out in turn: neighbours in a row go to different processes."""
    return [list(blocks[rank::ranks]) for rank in range(ranks)]
