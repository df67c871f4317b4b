"""Which pictures share a batch: at random, by person, or by the graph of look-alikes.

A plan of an epoch is an int64 array (batches, batch size) of places in the training set. It depends
on seed and epoch alone (the graph sampler's also on the network and on its decks at that moment),
so that a resumed run makes the plan that the interrupted one would have made.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.training.people import TrainingSet
from qaconv_core.types import Float32, Int64

Distances = Callable[[Int64], Float32]
"""Distances (n, n) among the pictures at n places; a picture to itself may be anything."""

_ROWS = 1024  # sorted at a time: all at once would take three times the memory of the distances


def random_plan(people: TrainingSet, batch_size: int, random: np.random.Generator) -> Int64:
    """Every picture once, in random order; what does not fill a batch waits for the next epoch.

    A set smaller than a batch makes one batch of itself.
    """
    order = random.permutation(len(people))
    size = min(batch_size, len(order))
    batches = len(order) // size
    return order[: batches * size].reshape(batches, size).astype(np.int64)


def identity_plan(
    people: TrainingSet, batch_size: int, num_instance: int, random: np.random.Generator
) -> Int64:
    """Random people with ``num_instance`` pictures each, every picture about once.

    A person's pictures are dealt out in groups of ``num_instance`` (the last one filled up with
    others of the person) and no person stands twice in a batch. People left over at the end join
    people of other batches, so that all batches are full.
    """
    width = _people_per_batch(people, batch_size, num_instance)
    groups: list[tuple[int, Int64]] = []
    for person, pictures in enumerate(people.pictures_of):
        deck = _Deck(pictures)
        count = max(1, round(len(pictures) / num_instance))
        groups += [(person, deck.draw(num_instance, random)) for _ in range(count)]
    return _deal(groups, width, people, num_instance, random)


def _deal(
    groups: list[tuple[int, Int64]],
    width: int,
    people: TrainingSet,
    num_instance: int,
    random: np.random.Generator,
) -> Int64:
    """Batches of ``width`` groups of different people."""
    waiting: dict[int, list[Int64]] = {}
    for i in random.permutation(len(groups)):
        person, group = groups[i]
        waiting.setdefault(person, []).append(group)
    batches = []
    while waiting:
        # Those with most groups left go first, or one person would be left alone at the end.
        order = random.permutation(list(waiting))
        weights = np.array([len(waiting[int(person)]) for person in order])
        chosen = [int(p) for p in order[np.argsort(-weights, kind="stable")][:width]]
        rows = [waiting[person].pop() for person in chosen]
        waiting = {person: left for person, left in waiting.items() if left}
        if len(rows) < width:
            others = np.setdiff1d(np.arange(people.classes), chosen)
            for person in random.permutation(others)[: width - len(rows)]:
                deck = _Deck(people.pictures_of[int(person)])
                rows.append(deck.draw(num_instance, random))
        batches.append(np.concatenate(rows))
    random.shuffle(batches)
    return np.stack(batches).astype(np.int64)


def graph_plan(
    people: TrainingSet,
    batch_size: int,
    num_instance: int,
    random: np.random.Generator,
    distances: Distances,
    decks: Decks,
) -> Int64:
    """One batch for each person: that person and the nearest others (Liao & Shao, CVPR 2022).

    A random picture of everybody is drawn, ``distances`` among these make the graph, and each
    person's batch_size / num_instance − 1 nearest neighbours fill its batch with
    ``num_instance`` pictures each. A person's pictures are used up in turn, over all epochs of
    ``decks``. Equal distances go to the person with the lower number.
    """
    width = _people_per_batch(people, batch_size, num_instance)
    shown = np.array([random.choice(pictures) for pictures in people.pictures_of], dtype=np.int64)
    found = np.array(distances(shown), dtype=np.float32, copy=True)
    if found.shape != (people.classes, people.classes):
        raise InputError(f"{people.classes} people need square distances, not {found.shape}")
    found[np.isnan(found)] = np.inf
    np.fill_diagonal(found, np.inf)
    nearest = neighbours(found, width - 1)
    batches = [
        np.concatenate([decks.draw(other, num_instance, random) for other in (person, *row)])
        for person, row in enumerate(nearest.tolist())
    ]
    random.shuffle(batches)
    return np.stack(batches).astype(np.int64)


def neighbours(distances: Float32, count: int) -> Int64:
    """The ``count`` nearest columns of every row, nearest first, (n, count), never the row itself.

    The diagonal must be infinite.
    """
    n = len(distances)
    found = np.empty((n, count), dtype=np.int64)
    for start in range(0, n, _ROWS):
        rows = distances[start : start + _ROWS]
        order = np.argsort(rows, axis=1, kind="stable")
        itself = order == np.arange(start, start + len(rows))[:, None]
        found[start : start + _ROWS] = order[~itself].reshape(len(rows), n - 1)[:, :count]
    return found


def _people_per_batch(people: TrainingSet, batch_size: int, num_instance: int) -> int:
    """How many people share a batch; all of them where there are fewer than asked for."""
    return min(batch_size // num_instance, people.classes)


class _Deck:
    """A person's pictures, dealt in random order and shuffled anew once used up."""

    def __init__(self, pictures: Int64) -> None:
        self._pictures = pictures
        self.left: list[int] = []

    def draw(self, count: int, random: np.random.Generator) -> Int64:
        """``count`` pictures; none repeated while there are others."""
        drawn: list[int] = []
        while len(drawn) < count:
            if not self.left:
                fresh = random.permutation(self._pictures).tolist()
                # Not yet drawn first: a new round must not repeat a picture of this hand.
                self.left = [p for p in fresh if p in drawn] + [p for p in fresh if p not in drawn]
            drawn.append(self.left.pop())
        return np.array(drawn, dtype=np.int64)


class Decks:
    """Everybody's pictures, dealt out from epoch to epoch (the published sampler does so)."""

    def __init__(self, people: TrainingSet) -> None:
        self._people = people
        self._decks = [_Deck(pictures) for pictures in people.pictures_of]

    def draw(self, person: int, count: int, random: np.random.Generator) -> Int64:
        """``count`` pictures of a person; none repeated while there are others."""
        return self._decks[person].draw(count, random)

    def state(self) -> list[list[int]]:
        """What is left to deal of each person, for a checkpoint."""
        return [list(deck.left) for deck in self._decks]

    def restore(self, state: list[list[int]]) -> None:
        """Take up a state; one without persons begins anew. Raises InputError for another's."""
        fits = len(state) in (0, len(self._decks)) and all(
            len(set(left)) == len(left) and set(left) <= set(pictures.tolist())
            for left, pictures in zip(state, self._people.pictures_of, strict=False)
        )
        if not fits:
            raise InputError("the pictures that the sampler had left are those of other people")
        for deck, left in zip(self._decks, state, strict=False):
            deck.left = list(left)
