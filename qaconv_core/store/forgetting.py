"""Removes what this program keeps of some pictures: maps, decisions, runs, sessions, cases.

Pictures are known by the places that they lie in. Whatever names a place, or a file in it, goes. Of
files that also hold something else only that part goes, and what is deleted inside a file is
overwritten. At the end all files are searched for the places once more.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qaconv_core.errors import StoreError
from qaconv_core.progress import NO_CONTEXT, Tracker, WorkContext
from qaconv_core.readable import counted
from qaconv_core.store.atomic import atomic_write_text, reason
from qaconv_core.store.folders import (
    ADAPTATION,
    SCENES,
    SOURCES,
    cache_dir,
    data_dir,
    work_folder,
)
from qaconv_core.store.index import INDEX_NAME, forget_paths
from qaconv_core.store.kept_arrays import PATTERNS
from qaconv_core.store.raw import BINARY, sync
from qaconv_core.store.records import DamagedRecord, read_json
from qaconv_core.types import Dataset

_RUNS = "runs.sqlite"
_MAPS = ".f16"
_ZEROS = 1 << 20
_LARGEST_TEXT = 64 << 20
_MOST_SEARCHED = 300
_DERIVED = ("*.i8", "*.lost", "*.pooled", "*.there", *PATTERNS, "index-damaged.sqlite*")
_CASES, _CASE = "cases", ".qcase"
"""In the user's data folder: for each case how far it came, by its files; and how these end."""
_TEXTS = (".txt", ".log", ".csv", ".jsonl")


@dataclass(frozen=True)
class Forgotten:
    """What was removed, or would be: ``found`` names each thing with its number.

    ``left`` are files that still name a place, which should be none; they are left as they are.
    """

    found: tuple[tuple[str, int], ...]
    left: tuple[Path, ...] = ()

    @property
    def words(self) -> list[str]:
        """Each thing with its number in words: ``1 file of labels``, ``242 feature maps``."""
        return [counted(number, _one(what), what) for what, number in self.found]


def _one(many: str) -> str:
    """One of the things that :class:`Forgotten` names: ``files of labels`` → ``file of labels``."""
    for plural, single in _FIRST_WORDS.items():
        if many.startswith(f"{plural} "):
            return single + many.removeprefix(plural)
    return "score matrix" if many == "score matrices" else many.removesuffix("s")


_FIRST_WORDS = {"files": "file", "notes": "note", "crops": "crop", "entries": "entry"}


class Mentions:
    """Finds places in texts, as a whole: ``/data/shop`` is not in ``/data/shop2``.

    ``places`` are folders or files; each is known by its path as given and with links resolved. Of
    very many files, texts are searched for the folders around them.
    """

    def __init__(self, places: Sequence[str | os.PathLike[str]]) -> None:
        paths = {os.path.abspath(place) for place in places}
        paths |= {os.path.realpath(path) for path in paths}
        self._paths = {path.rstrip("/\\") for path in paths if len(Path(path).parts) > 1}
        if not self._paths:
            raise StoreError("nothing to forget: name a folder, a table or an import")
        searched = sorted(self._paths)
        if len(searched) > _MOST_SEARCHED:
            searched = sorted({os.path.dirname(path) for path in searched} | self._folders())
        alternatives = "|".join(re.escape(path) for path in searched)
        self._pattern = re.compile(rf"(?:{alternatives})(?![\w.-])")
        escaped = {form for path in searched for form in _forms(path)}
        self._bytes = re.compile(
            b"(?:" + b"|".join(re.escape(form) for form in sorted(escaped)) + rb")(?![\w.-])"
        )

    def in_text(self, text: str) -> bool:
        """Whether a text names a place or something in it."""
        return self._pattern.search(text) is not None

    def in_bytes(self, data: bytes) -> bool:
        """Whether a file's content does, in UTF-8 or as JSON has it."""
        return self._bytes.search(data) is not None

    def holds(self, path: str) -> bool:
        """Whether a file is one of the places or lies in one."""
        return not self._paths.isdisjoint((path, *map(str, Path(path).parents)))

    def _folders(self) -> set[str]:
        return {path for path in self._paths if os.path.isdir(path)}


def places_of(dataset: Dataset, named: Sequence[Path] = ()) -> list[Path]:
    """The folders and files of a data set: ``named`` ones, its root, and pictures elsewhere."""
    places = dict.fromkeys((*named, dataset.root))
    around = {place.absolute() for place in places}
    splits = (dataset.train, dataset.query, dataset.gallery)
    elsewhere = {
        ref.path for split in splits for ref in split if around.isdisjoint(ref.path.parents)
    }
    return [*places, *sorted(elsewhere)]


def forget(
    places: Sequence[str | os.PathLike[str]],
    *,
    dry_run: bool = False,
    context: WorkContext = NO_CONTEXT,
) -> Forgotten:
    """Remove everything that is kept of the pictures in ``places``.

    With ``dry_run`` nothing is removed, and what would be is counted. The pictures themselves and
    files beside them stay. Raises :class:`StoreError` where a file cannot be changed.
    """
    named = Mentions(places)
    cut_out = _crops_of_scenes(data_dir() / SCENES, named)
    cases = _cases_of(data_dir() / _CASES, named)
    begun = _adaptation_of(data_dir() / ADAPTATION, named)
    mentions = Mentions([*places, *cut_out, *cases])
    counts: dict[str, int] = {}
    pasted: set[Path] = set()

    def count(what: str, number: int) -> None:
        counts[what] = counts.get(what, 0) + number

    cache, data = cache_dir(), data_dir()
    tracker = context.tracker("forgetting", None, "files")
    try:
        for folder in sorted(path.parent for path in cache.glob(f"features/*/{INDEX_NAME}")):
            count("feature maps", _forget_maps(folder, mentions, dry_run))
            tracker.advance()
        count("runs", _forget_runs(data / _RUNS, mentions, dry_run))
        for folder in cut_out:
            count("crops of scenes", len(list(folder.rglob("*.jpg"))))
            if not dry_run:
                shutil.rmtree(folder)
        for case in cases:
            count("cases", 1)
            if not dry_run:
                _overwrite(case, [(0, case.stat().st_size)])
                case.unlink()
        if begun is not None:
            count("unfinished adaptations", 1)
            if not dry_run:
                shutil.rmtree(begun)
        for path in _files(data):
            if any(folder in path.parents for folder in cut_out):
                continue  # counted already
            pasted |= _forget_in_file(path, mentions, dry_run, count)
            tracker.advance()
        count("pasted pictures", len(pasted))
        for path in () if dry_run else pasted:
            path.unlink(missing_ok=True)
        for path in _files(cache / "scores"):
            count("score matrices", 1)
            if not dry_run:
                path.unlink(missing_ok=True)
    except OSError as cause:
        raise StoreError(f"{cause.filename or data}: cannot be changed ({reason(cause)}); close "
                         "the window and other commands, and try again") from cause  # fmt: skip
    except sqlite3.Error as cause:
        raise StoreError(f"{data}: a data base cannot be changed ({cause}); close the window and "
                         "other commands, and try again") from cause  # fmt: skip
    left = () if dry_run else tuple(_left(mentions, (data, cache), tracker))
    found = tuple((what, number) for what, number in sorted(counts.items()) if number)
    return Forgotten(found, left)


def _crops_of_scenes(folder: Path, mentions: Mentions) -> list[Path]:
    """Folders of crops that the program keeps of scenes in the places."""
    tables = sorted(folder.glob(f"*/{SOURCES}"))
    return [table.parent for table in tables if mentions.in_bytes(table.read_bytes())]


def _cases_of(folder: Path, mentions: Mentions) -> list[Path]:
    """The files of cases, wherever they lie, that were written here and hold the places."""
    files = {Path(file) for path in sorted(folder.glob("*.json")) for file in _record(path) or ()}
    there = (file for file in sorted(files) if file.suffix == _CASE and file.is_file())
    return [file for file in there if mentions.in_bytes(file.read_bytes())]


def _adaptation_of(path: Path, mentions: Mentions) -> Path | None:
    """The folder of the adaptation that the window began of the places and that is not finished."""
    record = _record(path)
    if not isinstance(record, dict) or not _is_of(record, mentions):
        return None
    folder = work_folder(Path(str(record.get("out", ""))))
    return folder if folder.is_dir() else None


def _forget_maps(folder: Path, mentions: Mentions, dry_run: bool) -> int:
    """Remove the maps of one model from index and data file, and what was derived of the file."""
    data_name, rows = forget_paths(folder / INDEX_NAME, mentions.holds, dry_run=dry_run)
    if not rows or dry_run:
        return len(rows)
    _overwrite(folder / data_name, rows)
    for pattern in _DERIVED:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    return len(rows)


def _overwrite(path: Path, rows: Sequence[tuple[int, int]]) -> None:
    """Write zeros over stretches (offset, bytes) of a file."""
    handle = os.open(path, os.O_RDWR | BINARY)
    try:
        size = os.fstat(handle).st_size
        for offset, length in rows:
            end = min(offset + length, size)
            while offset < end:
                os.lseek(handle, offset, os.SEEK_SET)
                offset += os.write(handle, bytes(min(_ZEROS, end - offset)))
        sync(handle)
    finally:
        os.close(handle)


def _forget_runs(path: Path, mentions: Mentions, dry_run: bool) -> int:
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path, timeout=30.0, isolation_level=None)) as history:
        try:
            history.execute("PRAGMA secure_delete = ON")
            rows = history.execute("SELECT id, command, report FROM runs").fetchall()
        except sqlite3.DatabaseError:  # not ours, or damaged: the search at the end names it
            return 0
        gone = [
            row[0]
            for row in rows
            if any(mentions.in_bytes(str(t).encode("utf-8", "replace")) for t in row[1:])
        ]
        if gone and not dry_run:
            history.executemany("DELETE FROM runs WHERE id = ?", [(number,) for number in gone])
            history.execute("VACUUM")
        return len(gone)


def _forget_in_file(
    path: Path, mentions: Mentions, dry_run: bool, count: Callable[[str, int], None]
) -> set[Path]:
    """Remove a file of the user's data folder, or the part of it that names a place; returns the
    pasted pictures that a removed file names."""
    if (
        not path.is_file()
        or path.suffix in (".sqlite", _MAPS)
        or path.stat().st_size > _LARGEST_TEXT
    ):
        return set()
    kind = path.parent.name if path.parent != data_dir() else path.stem
    if not mentions.in_bytes(path.read_bytes()):
        return set()
    record = _record(path)
    whole = record is None or _is_of(record, mentions) or path.suffix == ".toml"
    if whole or (kind == _CASES and not _pruned(record, mentions, [0])):
        if record is None and path.suffix in _TEXTS and not dry_run:
            _overwrite(path, [(0, path.stat().st_size)])
        if kind != _CASES:  # the cases themselves are counted
            count(_KINDS.get(kind, f"files ({kind})"), 1)
        if not dry_run:
            path.unlink(missing_ok=True)
            path.with_name(f".{path.name}.lock").unlink(missing_ok=True)
        return set(_pasted(record))
    removed = [0]
    pruned = _pruned(record, mentions, removed)
    count(f"entries of other files ({kind})", removed[0])
    if not dry_run:
        atomic_write_text(path, json.dumps(pruned, indent=1) + "\n", error=StoreError)
    return set()


_KINDS = {
    "decisions": "files of decisions",
    "labels": "files of labels",
    "imports": "imports",
    "findings": "files of findings",
    "adaptation": "notes of adaptations",
    "session": "sessions",
}


def _record(path: Path) -> Any:
    """What a JSON file holds; None where it is none."""
    if path.suffix != ".json":
        return None
    try:
        return read_json(path)
    except (DamagedRecord, OSError):
        return None


def _is_of(record: Any, mentions: Mentions) -> bool:
    """Whether a record is about one of the places as a whole (decisions, labels, a session)."""
    if not isinstance(record, dict):
        return False
    data = record.get("data")
    roots = [record.get("root"), data.get("root") if isinstance(data, dict) else None]
    return any(isinstance(root, str) and mentions.holds(root) for root in roots)


def _pasted(record: Any) -> Iterator[Path]:
    """Pictures of the clipboard that a record names; they lie in the user's data folder."""
    folder = data_dir() / "pasted"
    for text in _texts(record):
        path = Path(text)
        if folder in path.parents and path.is_file():
            yield path


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _pruned(value: Any, mentions: Mentions, removed: list[int]) -> Any:
    """A record without what names a place: elements of lists go, other texts become empty.

    An element that is a record goes as a whole.
    """
    if isinstance(value, str):
        if mentions.in_text(value):
            removed[0] += 1
            return ""
        return value
    if isinstance(value, list):
        kept = [item for item in value if not any(map(mentions.in_text, _texts(item)))]
        removed[0] += len(value) - len(kept)
        return kept
    if isinstance(value, dict):
        cleaned = {
            key: _pruned(inner, mentions, removed)
            for key, inner in value.items()
            if not mentions.in_text(str(key))
        }
        removed[0] += len(value) - len(cleaned)
        return _with_its_count(value, cleaned)
    return value


def _with_its_count(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """A history of changes counts those that are done; what was removed is counted no more."""
    changes, done = before.get("changes"), before.get("done")
    if isinstance(changes, list) and isinstance(done, int):
        kept = after["changes"]
        counted = [change for change in changes[:done] if change in kept]
        return {**after, "done": len(counted)}
    return after


def _files(folder: Path) -> list[Path]:
    """All ordinary files below a folder; links are not followed."""
    found = []
    for here, _, names in os.walk(folder):
        paths = (Path(here, name) for name in names)
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return sorted(found)


def _left(mentions: Mentions, folders: Sequence[Path], tracker: Tracker) -> Iterator[Path]:
    """Files below ``folders`` that still name a place."""
    for folder in folders:
        for path in _files(folder):
            tracker.advance()
            if path.suffix == _MAPS or path.suffix == ".pth":
                continue
            try:
                with path.open("rb") as stream:
                    tail = b""
                    while block := stream.read(_ZEROS):
                        if mentions.in_bytes(tail + block):
                            yield path
                            break
                        tail = block[-4096:]
            except OSError:
                continue


def _forms(path: str) -> Iterator[bytes]:
    """A path as the program's files hold it: as it is, in JSON, in JSON of ASCII, in TOML."""
    yield os.fsencode(path)
    yield path.encode("utf-8", "backslashreplace")
    for ascii_only in (True, False):
        yield json.dumps(path, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "backslashreplace")
