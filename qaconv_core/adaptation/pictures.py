"""Which pictures of a data set a model is adapted to, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qaconv_core.data.own_names import PUBLISHED_NAMES
from qaconv_core.errors import DatasetError, InputError
from qaconv_core.training.people import TrainingSet
from qaconv_core.types import UNKNOWN, Dataset, ImageRef

FOLDERS = ("auto", "cameras", "persons", "none")
"""What the folders of a plain folder of pictures may stand for."""
FEWEST_PICTURES = 40
"""With fewer there is nothing to group."""
_CAMERA_LIKE = 40  # pictures in a folder on average from which it is taken for a camera's
_MOST_CAMERAS = 64
_BY_PERSON, _BY_CAMERA = "one folder per person", "cameras from folder names"


@dataclass(frozen=True)
class Pictures:
    """The pictures, what they are called in words, and what a user should know."""

    refs: tuple[ImageRef, ...]
    name: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.refs)

    @property
    def cameras(self) -> int:
        """Number of known cameras."""
        return len({ref.camid for ref in self.refs} - {None})


def pictures_of(dataset: Dataset, folders: str = "auto") -> Pictures:
    """The training pictures of ``dataset``, or all of them where it has no training part.

    ``folders`` says what the folders of a plain folder of pictures stand for. ``auto`` takes few
    folders of many pictures for cameras. Raises :class:`DatasetError` where there are fewer than
    :data:`FEWEST_PICTURES`.
    """
    if folders not in FOLDERS:
        raise InputError(f"unknown folders {folders!r}: choose from {', '.join(FOLDERS)}")
    splits = (dataset.train,) if len(dataset.train) else (dataset.query, dataset.gallery)
    refs = tuple(dict.fromkeys(ref for split in splits for ref in split))
    # How the reader split a folder into query and gallery plays no part here.
    notes = [note for note in dataset.notes if not _about_queries(note)]
    if dataset.name not in PUBLISHED_NAMES:
        refs, note = _by_folders(refs, dataset, folders)
        if note:
            notes = [note]
    if len(refs) < FEWEST_PICTURES:
        raise DatasetError(
            f"{dataset.root}: {len(refs):,} pictures are too few to adapt to; give some hundreds "
            f"at least (never fewer than {FEWEST_PICTURES})"
        )
    return Pictures(refs, dataset.name, tuple(notes))


def cameras_in_turn(group: Sequence[ImageRef]) -> list[ImageRef]:
    """A group's pictures, one of each camera before the second of any."""
    turns: dict[int | None, int] = {}
    keyed = []
    for ref in group:
        turn = turns.get(ref.camid, 0)
        turns[ref.camid] = turn + 1
        keyed.append((turn, -1 if ref.camid is None else ref.camid, ref))
    return [ref for _, _, ref in sorted(keyed, key=lambda item: item[:2])]


def largest_first(groups: Sequence[Sequence[ImageRef]]) -> list[int]:
    """Numbers of groups, from 1: those that most likely show several persons come first."""
    numbers = range(1, len(groups) + 1)
    return sorted(numbers, key=lambda number: (-len(groups[number - 1]), number))


def unlabelled(pictures: Pictures) -> TrainingSet:
    """The pictures as a training set of nobody known."""
    cameras = [UNKNOWN if ref.camid is None else ref.camid for ref in pictures.refs]
    return TrainingSet(
        pictures.name,
        pictures.refs,
        np.zeros(len(pictures), dtype=np.int64),
        np.array(cameras, dtype=np.int64),
        (None,) * len(pictures),
    )


def _about_queries(note: str) -> bool:
    return "quer" in note and "gallery" in note


def _by_folders(
    refs: tuple[ImageRef, ...], dataset: Dataset, folders: str
) -> tuple[tuple[ImageRef, ...], str]:
    """``refs`` with the cameras that their folders stand for, and a note."""
    as_read = folders == "persons" and _BY_CAMERA not in dataset.layout
    if as_read or (folders == "auto" and not _camera_like(refs, dataset)):
        return refs, ""
    if folders == "none":
        bare = tuple(replace(ref, pid=None, camid=None, person="", camera="") for ref in refs)
        return bare, "folders were taken for neither cameras nor persons (--folders)"
    names = [_folder(ref.path, dataset.root) for ref in refs]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    if folders == "persons":
        persons = tuple(
            replace(ref, pid=numbers[name] + 1, camid=None, person=name, camera="")
            for ref, name in zip(refs, names, strict=True)
        )
        return persons, f"each of {len(numbers):,} folders was taken for one person (--folders)"
    found = tuple(
        replace(ref, pid=None, camid=numbers[name], person="", camera=name)
        for ref, name in zip(refs, names, strict=True)
    )
    return found, f"each of {len(numbers):,} folders was taken for one camera (--folders)"


def _camera_like(refs: Sequence[ImageRef], dataset: Dataset) -> bool:
    """Whether folders that the reader took for persons are more likely cameras."""
    if _BY_PERSON not in dataset.layout or any(ref.camid is not None for ref in refs):
        return False
    count = len({ref.pid for ref in refs})
    return count <= _MOST_CAMERAS and len(refs) >= _CAMERA_LIKE * count


def _folder(path: Path, root: Path) -> str:
    try:
        return path.parent.relative_to(root).as_posix()
    except ValueError:
        return path.parent.as_posix()
