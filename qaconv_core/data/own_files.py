"""A query picture that stands in the gallery too: matched with itself it says nothing.

The rule is that of :func:`os.path.samefile`: two paths are one picture where they lead to one file
on the disk. A symbolic or hard link is the picture that it leads to, under whatever name and from
either side. A copy is another file, and is ranked like any other picture.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from qaconv_core.ranking.protocol import Pairs
from qaconv_core.types import ImageRef, ImageSet, Int64


class OwnFiles:
    """Finds queries' own files in one gallery; the gallery's files are looked at once."""

    def __init__(self, gallery: ImageSet) -> None:
        self._gallery = gallery

    def of(self, *queries: Path) -> Int64:
        """Gallery indices, ascending, of the pictures that are the file of one of ``queries``."""
        found = {g for query in queries for g in self._places.get(_file(query), ())}
        return np.array(sorted(found), dtype=np.int64)

    def pairs(self, queries: ImageSet) -> Pairs | None:
        """All pairs that are one file; None where there is none.

        A table may list a picture in both splits. It would be a true match at rank 1, and no junk
        rule sees it where cameras are not known.
        """
        found = [(q, int(g)) for q, path in enumerate(queries.paths) for g in self.of(path)]
        if not found:
            return None
        rows, columns = np.array(found, dtype=np.int64).T
        return rows, columns

    @cached_property
    def _places(self) -> dict[tuple[int, int], list[int]]:
        """Gallery indices by file."""
        places: dict[tuple[int, int], list[int]] = {}
        for index, path in enumerate(self._gallery.paths):
            file = _file(path)
            if file != _NO_FILE:
                places.setdefault(file, []).append(index)
        return places


def known_pictures(paths: Sequence[Path], *sides: ImageSet) -> tuple[ImageRef, ...]:
    """The pictures, each with what the first of ``sides`` that holds its file knows of it."""
    known = ImageSet(tuple(ref for side in sides for ref in side))
    files = OwnFiles(known)

    def described(path: Path) -> ImageRef:
        places = files.of(path)
        return replace(known[int(places[0])], path=path) if len(places) else ImageRef(path)

    return tuple(described(path) for path in paths)


_NO_FILE = (0, 0)


def _file(path: Path) -> tuple[int, int]:
    """Device and number of a file; :data:`_NO_FILE` where it is not there or has no number."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return _NO_FILE
    return (status.st_dev, status.st_ino) if status.st_ino else _NO_FILE
