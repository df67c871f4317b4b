"""The index of a shelf: an SQLite file that says which picture's map is in which row.

It also owns the name of the data file. A new index always names a new data file, so an index is
never used with the data of another one.
"""

from __future__ import annotations

import math
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from qaconv_core.store.keys import FileKey

INDEX_NAME = "index.sqlite"
VERSION = 1
MapShape = tuple[int, int, int]
_PATIENCE = 60.0  # seconds to wait for another process that is writing

_CHECKSUMS = (
    "CREATE TABLE IF NOT EXISTS checksums (row INTEGER PRIMARY KEY, checksum INTEGER NOT NULL)"
)
_SCHEMA = (
    "CREATE TABLE shelf (data TEXT NOT NULL, channels INTEGER NOT NULL, height INTEGER NOT NULL,"
    " width INTEGER NOT NULL, next_row INTEGER NOT NULL)",
    "CREATE TABLE maps (path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
    " row INTEGER NOT NULL) WITHOUT ROWID",
    f"PRAGMA user_version = {VERSION}",
)


class DamagedIndex(Exception):
    """The file is no index of ours, or belongs to maps of another shape."""


class MapIndex:
    """One open index. Rows are assigned in order and never twice, so that maps in use are not
    overwritten.

    Methods raise :class:`sqlite3.Error`; :func:`is_damage` tells damage from other errors.
    """

    def __init__(self, folder: Path, shape: MapShape) -> None:
        self.path = folder / INDEX_NAME
        # The shelf's lock keeps threads apart; a job may run in another thread than its opener.
        self._db = sqlite3.connect(
            self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            self.data_name = self._prepare(shape)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, shape: MapShape) -> str:
        """Check the index, or lay it out when it is new; the name of its data file."""
        if self._version() == 0:
            with self.writing():
                if self._version() == 0:  # else another process was faster
                    self._create(shape)
        if self._version() != VERSION:
            raise DamagedIndex(f"format {self._version()} instead of {VERSION}")
        found = self._db.execute("SELECT data, channels, height, width FROM shelf").fetchall()
        if len(found) != 1 or tuple(found[0][1:]) != tuple(shape):
            raise DamagedIndex(f"maps of another shape than {shape}")
        return _plain_name(found[0][0])

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _create(self, shape: MapShape) -> None:
        for statement in _SCHEMA:
            self._db.execute(statement)
        name = f"maps-{secrets.token_hex(4)}.f16"
        self._db.execute("INSERT INTO shelf VALUES (?, ?, ?, ?, 0)", (name, *shape))

    @property
    def next_row(self) -> int:
        """The next free row: rows are counted even when their map was replaced."""
        return int(self._db.execute("SELECT next_row FROM shelf").fetchone()[0])

    def check(self) -> None:
        """Read through the index; :class:`DamagedIndex` when SQLite finds fault with it."""
        verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise DamagedIndex(str(verdict))

    def count(self) -> int:
        """Pictures that have a map."""
        return int(self._db.execute("SELECT count(*) FROM maps").fetchone()[0])

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of the index for several reads (and one lock instead of thousands)."""
        try:
            self._db.execute("BEGIN")
            yield
        finally:
            self._leave()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Exclude every other writer, of this or another process; undo all when the block fails."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def row(self, key: FileKey) -> int:
        """The row of this file's map, −1 when there is none."""
        found = self._db.execute(
            "SELECT row FROM maps WHERE path = ? AND size = ? AND mtime_ns = ?",
            (os.fsencode(key.path), key.size, key.mtime_ns),
        ).fetchone()
        return -1 if found is None else int(found[0])

    def add(self, keys: Sequence[FileKey], first: int, checksums: Sequence[int]) -> None:
        """Give ``keys`` the rows from ``first`` on; a file's earlier map is forgotten.

        ``checksums`` are those of the maps.
        """
        values = [
            (os.fsencode(key.path), key.size, key.mtime_ns, first + i) for i, key in enumerate(keys)
        ]
        self._db.executemany("INSERT OR REPLACE INTO maps VALUES (?, ?, ?, ?)", values)
        # A table of its own: caches of earlier versions have none, and stay readable for them.
        self._db.execute(_CHECKSUMS)
        self._db.executemany("INSERT OR REPLACE INTO checksums VALUES (?, ?)",
                             enumerate(checksums, first))  # fmt: skip
        self._db.execute("UPDATE shelf SET next_row = ?", (first + len(keys),))

    def checksums(self, rows: Sequence[int]) -> dict[int, int]:
        """The checksums of the maps in ``rows``, as far as they are known."""
        found = {}
        try:
            with self.reading():
                for row in rows:
                    kept = self._db.execute(
                        "SELECT checksum FROM checksums WHERE row = ?", (int(row),)
                    ).fetchone()
                    if kept is not None:
                        found[int(row)] = int(kept[0])
        except sqlite3.OperationalError as cause:
            if not str(cause).startswith("no such table"):
                raise
        return found

    def forget_from(self, row: int) -> int:
        """Drop the entries of ``row`` and all after it; their number."""
        gone = self._db.execute("DELETE FROM maps WHERE row >= ?", (row,)).rowcount
        self._db.execute("UPDATE shelf SET next_row = ?", (row,))
        return gone

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _plain_name(name: object) -> str:
    """The data file's name, refused when it could point out of the shelf's folder."""
    if not isinstance(name, str) or not name.startswith("maps-") or os.path.basename(name) != name:
        raise DamagedIndex("it names no data file of ours")
    return name


def is_damage(cause: BaseException) -> bool:
    """Whether the index itself is broken, and not only busy, read-only or on a full disk.

    SQLite's "malformed" and "not a database" come as plain ``DatabaseError``, the rest as one of
    its subclasses; tables that are missing or not ours are an ``OperationalError``, known only by
    its words.
    """
    if isinstance(cause, DamagedIndex) or type(cause) is sqlite3.DatabaseError:
        return True
    words = str(cause)
    foreign = words.startswith("no such ") or words.endswith(" already exists")
    return isinstance(cause, sqlite3.OperationalError) and foreign


def forget_paths(
    file: Path, gone: Callable[[str], bool], *, dry_run: bool = False
) -> tuple[str, list[tuple[int, int]]]:
    """Drop the entries of an index whose paths ``gone`` says so of, and overwrite them on the disk.

    Returns the data file's name, and (offset, bytes) of each map there. With ``dry_run`` nothing
    changes. A damaged index has no entries. Raises :class:`sqlite3.Error`.
    """
    with closing(sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)) as index:
        try:
            index.execute("PRAGMA secure_delete = ON")
            index.execute("BEGIN IMMEDIATE")
            name, *shape = index.execute(
                "SELECT data, channels, height, width FROM shelf"
            ).fetchone()
            found = [
                (path, int(row))
                for path, row in index.execute("SELECT path, row FROM maps")
                if gone(os.fsdecode(path))
            ]
        except (sqlite3.DatabaseError, TypeError) as cause:
            if index.in_transaction:
                index.execute("ROLLBACK")
            if isinstance(cause, sqlite3.Error) and not is_damage(cause):
                raise
            return "", []
        if not dry_run:
            index.executemany("DELETE FROM maps WHERE path = ?", [(path,) for path, _ in found])
        index.execute("COMMIT")
        if found and not dry_run:
            index.execute("VACUUM")
    size = 2 * math.prod(map(int, shape))
    return _plain_name(name), [(row * size, size) for _, row in found]
