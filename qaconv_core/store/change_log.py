"""A history of changes about one data set's pictures in one JSON file, to go on from and to undo.

The file is locked and read again for each change, so that no program overwrites another one's
changes, and written at once and whole, so that they survive a crash. Undo goes back change by
change, also after a restart. A new change drops those that were undone.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from qaconv_core.errors import InputError, StoreError
from qaconv_core.store.atomic import atomic_write_text, reason
from qaconv_core.store.folders import data_dir
from qaconv_core.store.locks import exclusive
from qaconv_core.store.records import DamagedRecord, put_aside, read_json
from qaconv_core.types import ImageRef

VERSION = 1
CONTRADICTION = "its history contradicts itself"

Step = TypeVar("Step")


def relative_name(root: Path, picture: str | os.PathLike[str]) -> str:
    """A picture's name relative to ``root``, with ``/``; its whole path where it lies elsewhere."""
    whole = Path(os.path.realpath(picture))
    try:
        return whole.relative_to(root).as_posix()
    except ValueError:
        return str(whole)


def named_pictures(
    root: Path, pictures: Iterable[ImageRef], wanted: Collection[str]
) -> dict[int, str]:
    """The names in a log, by index, of the pictures that go by one of ``wanted``.

    Pictures are named as by :func:`relative_name`, links included; each folder is looked at once.
    """
    if not wanted:
        return {}
    root = Path(os.path.realpath(root))
    folders: dict[str, tuple[str, frozenset[str]]] = {}
    found = {}
    for index, ref in enumerate(pictures):
        folder, last = os.path.split(ref.path)
        if folder not in folders:
            folders[folder] = _place_and_links(root, folder)
        place, links = folders[folder]
        name = relative_name(root, ref.path) if last in links else place + last
        if name in wanted:
            found[index] = name
    return found


def _place_and_links(root: Path, folder: str) -> tuple[str, frozenset[str]]:
    """What stands before the names of a folder's files, and those files that are links."""
    place = relative_name(root, folder)
    links: frozenset[str] = frozenset()
    with contextlib.suppress(OSError), os.scandir(folder or os.curdir) as entries:
        links = frozenset(entry.name for entry in entries if entry.is_symlink())
    return "" if place == "." else place.rstrip("/") + "/", links


@dataclass(frozen=True)
class _History(Generic[Step]):
    """All changes, and how many of them count: the others are undone."""

    changes: tuple[Step, ...] = ()
    done: int = 0

    @property
    def in_force(self) -> tuple[Step, ...]:
        return self.changes[: self.done]


class ChangeLog(ABC, Generic[Step]):
    """The changes about one data set; may be used from several threads.

    All methods raise :class:`StoreError` naming a file that cannot be read or written. A damaged
    file is put aside under another name, with a line in the log.
    """

    path_of: Callable[[str, str | os.PathLike[str]], Path]
    """(data set, root) → the file that is used where no path is given; a static method."""

    def __init__(
        self,
        dataset: str,
        root: str | os.PathLike[str],
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        self.dataset, self.root = dataset, Path(os.path.realpath(root))
        self.path = self.path_of(dataset, root) if path is None else Path(path)
        self._elsewhere = path is not None
        self._lock = threading.RLock()

    def name_of(self, picture: str | os.PathLike[str]) -> str:
        """The name of a picture in the file: relative to the root where it lies below it."""
        return relative_name(self.root, picture)

    def undo(self) -> Step | None:
        """Undo the last change and return it; None where there is none."""
        with self._changing():
            history = self._read()
            if not history.done:
                return None
            self._write(_History(history.changes, history.done - 1))
            return history.changes[history.done - 1]

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Nobody else changes the file meanwhile."""
        if not self._elsewhere:
            data_dir()  # says what is wrong where it cannot be written to
        with self._lock, exclusive(self.path):
            yield

    @property
    def stamp(self) -> tuple[int, int] | None:
        """What differs once the file was changed, by whomever; None where there is none."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino

    @abstractmethod
    def _step(self, record: Any) -> Step:
        """A change from its record; errors of values and keys where it is none of ours."""

    @abstractmethod
    def _record(self, step: Step) -> dict[str, Any]:
        """A change as plain values for JSON."""

    def _in_force(self) -> tuple[Step, ...]:
        return self._read().in_force

    def _change(self, make: Callable[[tuple[Step, ...]], Step | None]) -> Step | None:
        """Add what ``make`` makes of the changes in force, and return it; None adds nothing."""
        with self._changing():
            kept = self._read().in_force
            step = make(kept)
            if step is not None:
                self._write(_History((*kept, step), len(kept) + 1))
            return step

    def _take_back(
        self, step: Step, anew: Callable[[tuple[Step, ...]], Step | None]
    ) -> Step | None:
        """Undo ``step`` and return it, also where others followed: then what ``anew`` makes of the
        changes in force, which takes it back, is added. None where that makes None, and where the
        step is undone already."""
        with self._changing():
            history = self._read()
            kept = history.in_force
            if step not in kept:
                return None
            if kept[-1] == step:
                self._write(_History(history.changes, history.done - 1))
                return step
            back = anew(kept)
            if back is None:
                return None
            self._write(_History((*kept, back), len(kept) + 1))
            return step

    def _read(self) -> _History[Step]:
        try:
            return self._parsed(read_json(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return _History()
        except OSError as cause:
            raise StoreError(f"{self.path}: cannot be read ({reason(cause)})") from cause
        except DamagedRecord as cause:
            put_aside(self.path, cause)
            return _History()

    def _parsed(self, record: Any) -> _History[Step]:
        try:
            if int(record["version"]) > VERSION:
                raise StoreError(
                    f"{self.path}: was written by a newer version of this program; update it"
                )
            changes = tuple(map(self._step, record["changes"]))
            done = int(record["done"])
        except (AttributeError, ValueError, KeyError, TypeError, InputError) as cause:
            raise DamagedRecord(str(cause)) from cause
        if not 0 <= done <= len(changes):
            raise DamagedRecord(CONTRADICTION)
        return _History(changes, done)

    def _write(self, history: _History[Step]) -> None:
        record = {
            "version": VERSION,
            "dataset": self.dataset,
            "root": str(self.root),
            "done": history.done,
            "changes": list(map(self._record, history.changes)),
        }
        # ASCII, so that names which are no valid Unicode (lone surrogates) come back as they were.
        atomic_write_text(self.path, json.dumps(record, indent=1) + "\n", error=StoreError)
