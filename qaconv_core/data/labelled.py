"""Data sets with the labels that somebody gave while looking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qaconv_core.data.splits import CHOSEN, NO_PIDS, choose_queries
from qaconv_core.errors import InputError
from qaconv_core.readable import counted, shown
from qaconv_core.store.change_log import named_pictures
from qaconv_core.store.labels import LabelLog
from qaconv_core.types import Dataset, ImageRef, ImageSet


def labelled(dataset: Dataset, log: LabelLog) -> Dataset:
    """The labelled pictures of a data set, persons numbered from 1 in the order of their labels.

    Queries are chosen anew. Pictures without a label are left out: whose they are is not known.
    Raises :class:`InputError` where no picture has a label.
    """
    numbers = {name: number for number, name in enumerate(log.persons(), start=1)}
    pictures = tuple(dict.fromkeys((*dataset.query, *dataset.gallery, *dataset.train)))
    persons = labelled_pictures(pictures, log)
    refs = [replace(pictures[i], pid=numbers[name], person=name) for i, name in persons.items()]
    if not refs:
        raise InputError(
            f"{shown(dataset.root)}: no picture has a label yet; give some by qaconv labels"
        )
    query, gallery, note = choose_queries(refs)
    left = len(dataset.query) + len(dataset.gallery) + len(dataset.train) - len(refs)
    notes = (
        note,
        f"persons by labels: {len(numbers)}; "
        f"{counted(left, 'picture without one is', 'pictures without one are')} left out",
    )
    return replace(
        dataset,
        train=ImageSet((), "labels/train"),
        query=ImageSet(tuple(query), "labels/query"),
        gallery=ImageSet(tuple(gallery), "labels/gallery"),
        notes=(*(n for n in dataset.notes if n not in (CHOSEN, NO_PIDS)), *notes),
    )


def called_by_labels(dataset: Dataset, log: LabelLog) -> Dataset:
    """The data set, its pictures as :func:`called_pictures` calls them."""
    sets = dataset.train, dataset.query, dataset.gallery
    train, query, gallery = called_pictures(sets, log)
    return replace(dataset, train=train, query=query, gallery=gallery)


def called_pictures(sets: Sequence[ImageSet], log: LabelLog) -> tuple[ImageSet, ...]:
    """The pictures of one data set, those with a label called by their persons.

    Where the data set knows no persons itself, those of the labels are its persons, numbered from
    1. A set without labelled pictures is returned as it is.
    """
    numbers = {name: number for number, name in enumerate(log.persons(), start=1)}
    known = any(ref.pid is not None for refs in sets for ref in refs)

    def called(refs: ImageSet) -> ImageSet:
        named = labelled_pictures(refs, log) if numbers else {}
        anew = list(refs)
        for index, name in named.items():
            pid = anew[index].pid if known else numbers[name]
            anew[index] = replace(anew[index], pid=pid, person=name)
        return ImageSet(tuple(anew), refs.name) if named else refs

    return tuple(map(called, sets))


def labelled_pictures(pictures: Sequence[ImageRef], log: LabelLog) -> dict[int, str]:
    """The person of each picture that has one, by its index."""
    labels = log.all()
    found = named_pictures(log.root, pictures, labels)
    return {index: labels[name] for index, name in found.items()}


@dataclass(frozen=True)
class PersonCount:
    """A person of the labels: name, number of pictures, and how many in each camera.

    ``listed`` of them are in the gallery, ``queries`` among the queries only; the others are in
    neither.
    """

    name: str
    pictures: int
    cameras: tuple[tuple[int | None, int], ...]
    listed: int
    queries: int


def persons_by_camera(dataset: Dataset, log: LabelLog) -> list[PersonCount]:
    """All persons in the order in which they came; cameras in order, the unknown one first."""
    persons = log.persons()
    named = {picture for pictures in persons.values() for picture in pictures}
    cameras: dict[str, int | None] = {}
    parts: list[set[str]] = []
    for part in (dataset.train, dataset.gallery, dataset.query) if named else ():
        found = named_pictures(log.root, part, named)
        parts.append(set(found.values()))
        cameras.update((name, part[index].camid) for index, name in found.items())
    counts = []
    for person, pictures in persons.items():
        _, gallery, query = (part.intersection(pictures) for part in parts)
        seen = Counter(cameras.get(picture) for picture in pictures)
        order = sorted(seen, key=lambda camera: -1 if camera is None else camera)
        where = tuple((camera, seen[camera]) for camera in order)
        counts.append(PersonCount(person, len(pictures), where, len(gallery), len(query - gallery)))
    return counts
