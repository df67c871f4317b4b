"""Finds a data set below the folder that a person names.

Upstream keeps sets in ``<data-dir>/<name>/``; archives bring a folder of their own, and people
name the data directory, the set's folder or the archive's. All are searched, near ones first,
and a folder counts only when its file names fit the set: several sets share one folder layout.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from qaconv_core.data.scan import child_names, peek, subfolders
from qaconv_core.errors import DatasetError
from qaconv_core.readable import shown

_MAX_DEPTH = 3
_MAX_FOLDERS = 400
_PICTURE_FOLDERS = frozenset(
    (
        *("bounding_box_train", "bounding_box_test", "query", "gallery", "gt_bbox", "gt_query"),
        *("train", "test", "mask_train_v2", "mask_test_v2"),
    )
)


@dataclass(frozen=True)
class Probe:
    """What one folder is for a data set.

    ``fits``: it is the set. Otherwise ``fault`` says what is wrong with a folder that comes close
    ("" where there is no resemblance at all).
    """

    fits: bool
    fault: str = ""


@dataclass(frozen=True)
class Place:
    """How to recognise a data set on disk.

    ``aliases`` matches a folder name stripped of everything but letters and digits, ``expected``
    completes "expected …", and ``probe`` looks at one folder.
    """

    name: str
    title: str
    aliases: re.Pattern[str]
    expected: str
    probe: Callable[[Path], Probe]

    def is_named(self, folder: Path) -> bool:
        """Whether the folder bears one of the set's usual names."""
        return self.aliases.fullmatch(plain(folder.name)) is not None


def plain(name: str) -> str:
    """A folder name reduced to lower-case letters and digits: ``Market-1501`` → ``market1501``."""
    return "".join(c for c in name.lower() if c.isalnum())


def locate(place: Place, root: Path) -> Path:
    """The folder of the data set in, or below, ``root``.

    Raises :class:`DatasetError` with what was expected, what was seen and the way out.
    """
    check_folder(root, place.title)
    faults: list[str] = []
    for folder in _candidates(place, root):
        probe = place.probe(folder)
        if probe.fits:
            return folder
        # Another set beside this one is no fault; only what should have been this one counts.
        if probe.fault and (folder == root or _below_name(place, root, folder)):
            faults.append(probe.fault)
    raise DatasetError(_not_found(place, root, faults))


def others_like(place: Place, root: Path, found: Path) -> list[Path]:
    """Other folders in or below ``root`` that are the data set as well as ``found`` is."""
    apart = (
        folder
        for folder in _candidates(place, root)
        if found not in (folder, *folder.parents) and folder not in found.parents
    )
    others: list[Path] = []
    for folder in apart:
        if not any(other in folder.parents for other in others) and place.probe(folder).fits:
            others.append(folder)
    return others


def _below_name(place: Place, root: Path, folder: Path) -> bool:
    """Whether ``folder``, or one around it below ``root``, bears the set's name."""
    around = (folder, *folder.parents)
    return any(place.is_named(f) for f in around[: around.index(root)])


def check_folder(root: Path, title: str) -> None:
    """Raise :class:`DatasetError` unless ``root`` is a folder that can be read."""
    if not root.exists():
        raise DatasetError(
            f"{shown(root)}: no such folder; name the folder that holds {title} (--data-dir)"
        )
    if not root.is_dir():
        raise DatasetError(
            f"{shown(root)}: a file, where the folder of {title} was expected; unpack an archive "
            "first and name the folder it makes (--data-dir)"
        )
    try:
        os.listdir(root)
    except OSError as error:
        raise DatasetError(
            f"{shown(root)}: the folder cannot be read ({error.strerror}); check its permissions"
        ) from error


def _candidates(place: Place, root: Path) -> Iterator[Path]:
    """``root``, then all below each child with the set's name, then all below the others."""
    yield root
    children = list(subfolders(root))[:_MAX_FOLDERS]
    named = [child for child in children if place.is_named(child)]
    named.sort(key=lambda child: child.name.lower() != place.name)
    for child in named:
        yield from _level_by_level([child])
    yield from _level_by_level([child for child in children if child not in named])


def _level_by_level(level: list[Path]) -> Iterator[Path]:
    """The folders of ``level`` and those below, near ones first, bounded in depth and number."""
    budget = _MAX_FOLDERS
    for _ in range(_MAX_DEPTH):
        level = [f for f in level if f.name.lower() not in _PICTURE_FOLDERS][:budget]
        budget -= len(level)
        yield from level
        level = [child for folder in level for child in islice(subfolders(folder), budget)]


def _not_found(place: Place, root: Path, faults: list[str]) -> str:
    if faults:
        return f"{place.title}: {faults[0]}"
    seen = peek(child_names(root))
    return (
        f"{shown(root)}: {place.title} not found; expected {place.expected}, in this folder or one "
        f"inside it; seen there: {seen}; name the folder that holds it (--data-dir)"
    )
