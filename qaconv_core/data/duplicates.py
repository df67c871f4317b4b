"""Finds pictures that are there more than once: links to one file, and copies of it."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qaconv_core.progress import NO_CONTEXT, WorkContext

BUDGET = 4 << 30
"""Bytes read to compare files; only files of one size are read."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Duplicates:
    """``groups`` of files with one content, each in the order given, two files or more.

    ``compared_all`` is False where the files of one size hold more than the budget.
    """

    groups: tuple[tuple[Path, ...], ...]
    compared_all: bool = True

    @property
    def extra(self) -> int:
        """Files that are there beside the first of their group."""
        return sum(len(group) - 1 for group in self.groups)


def find_duplicates(
    paths: Sequence[Path], context: WorkContext = NO_CONTEXT, budget: int = BUDGET
) -> Duplicates:
    """The files among ``paths`` that hold the same bytes, without those that cannot be read."""
    by_size: dict[int, dict[tuple[int, int], list[Path]]] = defaultdict(lambda: defaultdict(list))
    for number, path in enumerate(paths):
        try:
            status = os.stat(path)
        except OSError:
            continue
        file = (status.st_dev, status.st_ino) if status.st_ino else (-1, number)
        by_size[status.st_size][file].append(path)
    alike = {size: files for size, files in by_size.items() if len(files) > 1 and size}
    tracker = context.tracker("comparing files of one size", sum(map(len, alike.values())), "files")
    groups = [
        group for size, files in by_size.items() if size not in alike for group in files.values()
    ]
    compared_all = True
    for size, files in sorted(alike.items()):
        if size * len(files) > budget:
            compared_all = False
            groups += files.values()
            continue
        budget -= size * len(files)
        contents: dict[bytes, list[Path]] = defaultdict(list)
        for same_file in files.values():
            contents[_content(same_file[0])] += same_file
            tracker.advance()
        groups += contents.values()
    order = {path: number for number, path in enumerate(paths)}
    return Duplicates(_sorted(groups, order), compared_all)


def _sorted(
    groups: Iterable[Sequence[Path]], order: dict[Path, int]
) -> tuple[tuple[Path, ...], ...]:
    several = (sorted(group, key=order.__getitem__) for group in groups if len(group) > 1)
    return tuple(tuple(group) for group in sorted(several, key=lambda group: order[group[0]]))


def _content(path: Path) -> bytes:
    """A hash of the file's bytes; of its name where it cannot be read, which is like no other."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    except OSError:
        return os.fsencode(path)
    return digest.digest()
