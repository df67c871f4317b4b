"""The feature store: one shelf of maps per model, below one folder.

Layout: ``<root>/<model key>/`` with ``meta.json`` (what the model is, for people and for ``qaconv
cache``), ``index.sqlite``, one data file ``maps-….f16`` and what is derived from its rows for
searching (``.i8``, ``.lost``, ``.pooled``, ``.there``).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from qaconv_core.errors import InputError, StoreError
from qaconv_core.store.atomic import atomic_write_text, reason
from qaconv_core.store.folders import cache_dir
from qaconv_core.store.index import INDEX_NAME, MapShape
from qaconv_core.store.kept_arrays import PATTERNS
from qaconv_core.store.keys import FileKey, file_keys
from qaconv_core.store.records import DamagedRecord, read_json
from qaconv_core.store.shelf import FeatureShelf

__all__ = [
    "FeatureShelf",
    "FeatureStore",
    "FileKey",
    "ShelfInfo",
    "file_keys",
]

log = logging.getLogger(__name__)

META_NAME = "meta.json"
_OURS = (
    "index*.sqlite",
    f"{INDEX_NAME}-*",
    "maps-*.f16",
    "maps-*.i8",
    "maps-*.lost",
    "maps-*.pooled",
    "maps-*.there",
    *PATTERNS,
    META_NAME,
    ".meta-*.json",
)
_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")


@dataclass(frozen=True, slots=True)
class ShelfInfo:
    """One model's part of the store: ``bytes`` on disk, ``last_used`` in seconds since 1970."""

    key: str
    description: str
    images: int
    bytes: int
    last_used: float


class FeatureStore:
    """All shelves below ``root``; without a root, the folder ``features`` of the user's cache."""

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        self.root = cache_dir() / "features" if root is None else Path(root)

    def open(self, key: str, shape: MapShape, description: str = "") -> FeatureShelf:
        """The shelf of the model ``key``, made when it is not there.

        ``shape`` is (C, h, w) of one map, ``description`` says in words which model it is. Raises
        :class:`StoreError` when the folder can be neither read nor made.
        """
        folder = self._folder(key)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise StoreError(
                f"{folder}: cannot be created ({reason(cause)}); "
                "set QACONV_CACHE_DIR to a folder of your own"
            ) from cause
        shelf = FeatureShelf(folder, shape)
        _note_use(folder, key, shape, description)
        return shelf

    def has(self, key: str) -> bool:
        """Whether there is a shelf of the model ``key``."""
        return _is_shelf(self._folder(key))

    def _folder(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise InputError(f"'{key}' is not the key of a model in the feature store")
        return self.root / key

    def _shelves(self) -> list[Path]:
        """Folders that hold a shelf; anything else below the root is not ours."""
        try:
            found = sorted(self.root.iterdir())
        except FileNotFoundError:
            return []
        except OSError as cause:
            raise StoreError(f"{self.root}: cannot be read ({reason(cause)})") from cause
        return [path for path in found if _KEY.fullmatch(path.name) and _is_shelf(path)]

    def sizes(self) -> list[ShelfInfo]:
        """What every shelf holds, the one used last first."""
        return sorted(map(_info, self._shelves()), key=lambda info: -info.last_used)

    def clear(self, key: str | None = None) -> int:
        """Delete the shelf ``key``, or all of them; the bytes that were freed.

        Raises :class:`InputError` for a key that is not there. Files that are not the store's own
        stay, and so does their folder. Banks in use elsewhere stay readable (except on Windows,
        where their files are in the way and a :class:`StoreError` says so).
        """
        if key is None:
            return sum(map(_delete, self._shelves()))
        folder = self._folder(key)
        if not _is_shelf(folder):
            raise InputError(f"{folder}: the feature store has nothing under this key")
        return _delete(folder)


def _is_shelf(folder: Path) -> bool:
    return (folder / INDEX_NAME).is_file() or (folder / META_NAME).is_file()


def _files(folder: Path) -> list[Path]:
    return sorted({path for pattern in _OURS for path in folder.glob(pattern)})


def _bytes(folder: Path) -> int:
    total = 0
    for path in _files(folder):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def _info(folder: Path) -> ShelfInfo:
    meta = folder / META_NAME
    try:
        used = (meta if meta.exists() else folder).stat().st_mtime
    except OSError:
        used = 0.0
    text = str(_read_meta(meta).get("description", ""))
    return ShelfInfo(folder.name, text, _count(folder), _bytes(folder), used)


def _count(folder: Path) -> int:
    """Pictures in the index; 0 when it cannot be read (the next use of the shelf says why)."""
    try:
        with contextlib.closing(sqlite3.connect(folder / INDEX_NAME, timeout=5.0)) as index:
            return int(index.execute("SELECT count(*) FROM maps").fetchone()[0])
    except sqlite3.Error:
        return 0


def _read_meta(path: Path) -> dict[str, object]:
    try:
        found = read_json(path)
    except (OSError, DamagedRecord):
        return {}
    return found if isinstance(found, dict) else {}


def _note_use(folder: Path, key: str, shape: MapShape, description: str) -> None:
    """Write ``meta.json`` when it is not there or says something else; its mtime is the last use.

    Nothing depends on it, so a folder that cannot be written to is not an error.
    """
    path, now = folder / META_NAME, time.time()
    channels, height, width = shape
    wanted = {"key": key, "description": description, "channels": channels, "grid": [height, width]}
    before = _read_meta(path)
    try:
        if any(before.get(name) != value for name, value in wanted.items()):
            created = before.get("created") or datetime.now(timezone.utc).isoformat("T", "seconds")
            meta = {**wanted, "dtype": "float16", "created": created}
            text = json.dumps(meta, indent=2, ensure_ascii=False)
            atomic_write_text(path, text + "\n", error=StoreError)
        os.utime(path, (now, now))
    except (OSError, StoreError) as cause:
        log.debug("%s: not updated (%s)", path, cause)


def _delete(folder: Path) -> int:
    """Remove the store's files in ``folder``, the index first: nothing is valid without it."""
    freed = 0
    for path in _files(folder):
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            continue  # another process deletes it as well
        except OSError as cause:
            raise StoreError(f"{path}: cannot be deleted ({reason(cause)})") from cause
        freed += size
    with contextlib.suppress(OSError):  # somebody else's files are in it
        folder.rmdir()
    return freed
