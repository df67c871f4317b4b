"""The people to learn: training pictures of one or several data sets under common class numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from qaconv_core.data.label_maps import label_path
from qaconv_core.errors import DatasetError, InputError
from qaconv_core.readable import counted
from qaconv_core.types import Dataset, ImageRef, Int64, Rejected

_NAMED = 3


@dataclass(frozen=True)
class TrainingSet:
    """Pictures to learn from.

    ``refs`` keep the pids and camids of their own files; ``labels`` (n,) are classes 0 …
    classes − 1 and ``cameras`` (n,) numbers that no two data sets share (−1 where unknown);
    ``label_maps`` name each picture's label map, None where it has none. ``notes`` says what a
    user should know, ``rejected`` what was left out and why.
    """

    name: str
    refs: tuple[ImageRef, ...]
    labels: Int64
    cameras: Int64
    label_maps: tuple[Path | None, ...]
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.refs)

    @property
    def classes(self) -> int:
        """Number of people."""
        return int(self.labels.max(initial=-1)) + 1

    @property
    def has_label_maps(self) -> bool:
        """Whether any picture has a label map."""
        return any(path is not None for path in self.label_maps)

    @cached_property
    def pictures_of(self) -> list[Int64]:
        """The pictures of each person, by class."""
        order = np.argsort(self.labels, kind="stable")
        counts = np.bincount(self.labels, minlength=self.classes)
        return np.split(order, np.cumsum(counts)[:-1])

    @cached_property
    def fingerprint(self) -> str:
        """Changes when pictures are added, removed or given to other people."""
        digest = hashlib.sha256()
        for ref, label in zip(self.refs, self.labels, strict=True):
            digest.update(f"{ref.path.name}|{label}\n".encode())
        return digest.hexdigest()[:16]

    def without(self, bad: dict[int, str]) -> TrainingSet:
        """The set without the pictures at the places in ``bad`` (place → reason), renumbered."""
        if not bad:
            return self
        kept = [i for i in range(len(self)) if i not in bad]
        rejected = tuple(Rejected(self.refs[i].path, reason) for i, reason in sorted(bad.items()))
        _, labels = np.unique(self.labels[kept], return_inverse=True)
        return TrainingSet(
            self.name,
            tuple(self.refs[i] for i in kept),
            labels.astype(np.int64).reshape(-1),
            self.cameras[kept],
            tuple(self.label_maps[i] for i in kept),
            (*self.rejected, *rejected),
            self.notes,
        )

    def describe(self) -> str:
        """One line for people."""
        cameras = len(set(self.cameras.tolist()) - {-1})
        maps = sum(path is not None for path in self.label_maps)
        text = f"{self.name}: {counted(len(self), 'picture')} of "
        text += counted(self.classes, "person", "people")
        text += f" from {counted(cameras, 'camera')}" if cameras else ""
        return text + (f", {maps:,} with a label map" if maps else "")


def join_training_sets(
    datasets: Sequence[Dataset], label_folder: str | Path | None = None
) -> TrainingSet:
    """The training parts of ``datasets`` as one set, identities and cameras kept apart.

    Pictures of nobody known are left out. Label maps are where
    :func:`~qaconv_core.data.label_maps.label_path` says, below ``label_folder`` if it is given.
    Raises :class:`DatasetError` where there is nothing to learn from.
    """
    refs: list[ImageRef] = []
    people: list[tuple[int, int]] = []
    cameras: list[tuple[int, int] | None] = []
    maps: list[Path | None] = []
    notes: list[str] = []
    folder = None if label_folder is None else Path(label_folder)
    if folder is not None and not folder.is_dir():
        raise InputError(f"{label_folder}: no such folder of label maps; check --labels")
    for number, dataset in enumerate(datasets):
        # combine_all of a folder without a split names pictures twice.
        train = list(dict.fromkeys(dataset.train))
        known = [ref for ref in train if ref.pid is not None and ref.pid >= 0]
        if not known:
            raise DatasetError(_nothing_in(dataset))
        if len(known) < len(train):
            notes.append(
                f"{dataset.name}: {len(train) - len(known):,} training pictures of nobody "
                "known are left out"
            )
        for ref in known:
            assert ref.pid is not None
            refs.append(ref)
            people.append((number, ref.pid))
            cameras.append(None if ref.camid is None else (number, ref.camid))
            maps.append(_label_map(ref.path, folder))
    if not refs:
        raise DatasetError("no data set to train on: name one (--dataset)")
    if folder is not None and not any(maps):
        raise InputError(
            f"{folder}: holds no label map of any training picture (expected e.g. "
            f"{label_path(refs[0].path, folder)})"
        )
    return TrainingSet(
        joined_name([dataset.name for dataset in datasets]),
        tuple(refs),
        _numbered(people),
        _numbered(cameras),
        tuple(maps),
        notes=tuple(notes),
    )


def joined_name(names: Sequence[str]) -> str:
    """``market+msmt``; of many sets the first and how many more."""
    if len(names) <= _NAMED:
        return "+".join(names)
    return f"{names[0]}+{len(names) - 1}more"


def check_learnable(people: TrainingSet, num_instance: int) -> list[str]:
    """Raise :class:`DatasetError` where nothing can be learned; else notes on what is thin."""
    lost = _lost(people)
    if len(people) == 0:
        raise DatasetError(f"{people.name}: not one training picture can be read{lost}")
    if people.classes < 2:
        raise DatasetError(
            f"{people.name}: all {len(people):,} training pictures show one person{lost}; at least "
            "two people with two pictures each are needed to learn who is who"
        )
    counts = [len(pictures) for pictures in people.pictures_of]
    if max(counts) < 2:
        raise DatasetError(
            f"{people.name}: each of the {people.classes:,} people has one training picture only"
            f"{lost}; people need at least two pictures to learn what stays the same"
        )
    notes = []
    single = sum(count == 1 for count in counts)
    if single:
        notes.append(
            f"{single:,} of {people.classes:,} people have one picture: it stands for itself in "
            "several random changes"
        )
    few = sum(1 < count < num_instance for count in counts)
    if few:
        notes.append(
            f"{counted(few, 'person has', 'people have')} fewer than {num_instance} pictures: "
            "some are used repeatedly"
        )
    return notes


def _lost(people: TrainingSet) -> str:
    """In brackets, what was left out; "" when that is nothing."""
    if not people.rejected:
        return ""
    return f" ({len(people.rejected):,} were left out, e.g. {people.rejected[0]})"


def _nothing_in(dataset: Dataset) -> str:
    if len(dataset.train):
        return (
            f"{dataset.root}: the training pictures of data set {dataset.name!r} have no person "
            "ids; training needs to know who is who"
        )
    hint = dataset.notes[0] if dataset.notes else "qaconv check says what was found"
    return f"{dataset.root}: data set {dataset.name!r} has no training pictures ({hint})"


def _numbered(keys: Sequence[tuple[int, int] | None]) -> Int64:
    """Numbers from 0 in sorted order of the distinct keys; −1 for None."""
    number = {key: i for i, key in enumerate(sorted({key for key in keys if key is not None}))}
    return np.array([-1 if key is None else number[key] for key in keys], dtype=np.int64)


def _label_map(picture: Path, folder: Path | None) -> Path | None:
    path = label_path(picture, folder)
    return path if path.is_file() else None
