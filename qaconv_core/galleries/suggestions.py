"""Which pairs of pictures to ask a person about: those whose answer teaches most.

These are pairs near the threshold, where logits do not decide, between pictures that are not yet
known to be of one person or of two. Pooled maps find the neighbours of each picture, their logits
are exact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from qaconv_core.evaluation.labelled_line import LabelledPairs
from qaconv_core.evaluation.operating import operating_curve
from qaconv_core.matching.scores import score_maps
from qaconv_core.model import Model
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.searching.pooling import pooled_head
from qaconv_core.searching.shortlist import pool_gallery
from qaconv_core.types import FeatureBank, Int64

MOST_ROWS = 1500
"""Pictures whose neighbours are looked at; of larger galleries a random part."""
NEIGHBOURS = 12
MOST_LABELLED = 400
"""Labelled pictures that the threshold is taken from; of more a random part."""
PER_PICTURE = 2
"""Suggestions that one picture is in, at most."""
FROM_GALLERY = "half of the pictures looked at have a neighbour above it"

Pair = tuple[int, int]


@dataclass(frozen=True)
class Suggestion:
    """Two gallery pictures that may show one person, and the logit of their match."""

    one: int
    other: int
    logit: float


@dataclass(frozen=True)
class Suggestions:
    """Pairs, the one that teaches most first. ``rule`` says in words where the ``threshold``, a
    logit, comes from."""

    pairs: tuple[Suggestion, ...]
    threshold: float
    rule: str


def suggest_pairs(
    model: Model,
    gallery: FeatureBank,
    persons: Mapping[int, str],
    apart: Collection[Pair] = (),
    *,
    count: int = 50,
    seed: int = 0,
    context: WorkContext = NO_CONTEXT,
) -> Suggestions:
    """At most ``count`` pairs between the pictures of ``gallery`` under ``model``.

    ``persons`` names pictures; those of one name are not asked about. ``apart`` are pairs that were
    answered already: the persons (or single pictures) they join are not asked about again.
    """
    random = np.random.default_rng(seed)
    pooled = pool_gallery(gallery, progress=context.progress, cancel=context.cancel)
    rows = np.sort(random.permutation(len(gallery))[:MOST_ROWS])
    groups = _Groups(persons, apart)
    found: dict[Pair, float] = {}
    best: list[float] = []
    tracker = context.tracker("looking for pairs", len(rows), "pictures")
    for row in map(int, rows):
        near = _neighbours(model, pooled, row, groups)
        if len(near):
            query = np.asarray(gallery[row], dtype=np.float32)[None]
            logits = model.score(query, gallery.select(near), cancel=context.cancel)[0]
            best.append(float(logits.max()))
            for other, logit in zip(near.tolist(), logits.tolist(), strict=True):
                found.setdefault((min(row, other), max(row, other)), logit)
        tracker.advance()
    threshold, rule = _threshold(model, gallery, persons, best)
    order = sorted(found, key=lambda pair: (abs(found[pair] - threshold), pair))
    chosen = islice(_spread(order, groups), count)
    return Suggestions(tuple(Suggestion(*p, found[p]) for p in chosen), threshold, rule)


def labelled_pairs(
    model: Model, gallery: FeatureBank, persons: Mapping[int, str], seed: int = 0
) -> LabelledPairs:
    """Logits of the pairs among labelled pictures of ``gallery``.

    A pair counts once; heads that are not symmetric are averaged over both roles.
    """
    pictures = np.array(sorted(persons), dtype=np.int64)
    if len(pictures) > MOST_LABELLED:
        random = np.random.default_rng(seed)
        pictures = np.sort(random.permutation(pictures)[:MOST_LABELLED])
    maps = gallery.select(pictures)
    logits = score_maps(maps, maps, model.head, symmetric=True)
    logits = (logits + logits.T) / 2
    _, names = np.unique([persons[int(p)] for p in pictures] or [""], return_inverse=True)
    above = np.triu(np.ones(logits.shape, dtype=bool), 1)
    same = names[:, None] == names[None, :] if len(pictures) else above
    return LabelledPairs(np.sort(logits[above & same]), np.sort(logits[above & ~same]))


class _Groups:
    """Which pictures are known to be of one person, and which groups were answered about."""

    def __init__(self, persons: Mapping[int, str], apart: Collection[Pair]) -> None:
        self._persons = persons
        self._apart = {self.pair(*pair) for pair in apart}

    def of(self, picture: int) -> str | int:
        """A name, or the picture itself where it has none."""
        return self._persons.get(picture, picture)

    def pair(self, one: int, other: int) -> frozenset[str | int]:
        """The groups of two pictures; a single one where they are of one person."""
        return frozenset((self.of(one), self.of(other)))

    def open(self, one: int, other: int) -> bool:
        """Whether it is not known if two pictures show one person."""
        pair = self.pair(one, other)
        return len(pair) == 2 and pair not in self._apart


def _neighbours(model: Model, pooled: FeatureBank, row: int, groups: _Groups) -> Int64:
    """The most alike pictures of one by pooled maps that may be asked about."""
    coarse = score_maps(pooled.select([row]), pooled, pooled_head(model.head))[0]
    coarse[row] = -np.inf
    most = min(len(coarse), 4 * NEIGHBOURS)
    near = np.argpartition(-coarse, most - 1)[:most]
    near = near[np.argsort(-coarse[near], kind="stable")]
    kept = [int(other) for other in near if int(other) != row and groups.open(row, int(other))]
    return np.array(kept[:NEIGHBOURS], dtype=np.int64)


def _threshold(
    model: Model,
    gallery: FeatureBank,
    persons: Mapping[int, str],
    best: list[float],
) -> tuple[float, str]:
    """The logit from which pairs are rather of one person, and where it comes from."""
    pairs = labelled_pairs(model, gallery, persons)
    if pairs.enough:
        curve = operating_curve(pairs.same, pairs.different)
        missed = 1 - curve.true_above / curve.positives
        wrong = curve.false_above / curve.negatives
        place = int(np.argmin(np.abs(missed - wrong)))
        # The same pairs lie above every value up to the next one: the middle is fair to both.
        ends = curve.thresholds[place : place + 2]
        rule = (
            f"{len(pairs.same):,} labelled pairs of one person and {len(pairs.different):,} of two "
            "are told apart equally well on both sides of it"
        )
        return float(ends.mean()), rule
    return (float(np.median(best)) if best else 0.0), FROM_GALLERY


def _spread(order: list[Pair], groups: _Groups) -> Iterator[Pair]:
    """Pairs in order, one for two groups, and few with the same picture."""
    asked: set[frozenset[str | int]] = set()
    used: dict[int, int] = {}
    for pair in order:
        between = groups.pair(*pair)
        if between in asked or any(used.get(picture, 0) >= PER_PICTURE for picture in pair):
            continue
        asked.add(between)
        for picture in pair:
            used[picture] = used.get(picture, 0) + 1
        yield pair
