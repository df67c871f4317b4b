"""Decisions of a person about pairs of pictures, kept per data set, with a history to undo.

One small JSON file for each data set in the user's data folder. Every change is written at once,
atomically, so that decisions survive a restart or a crash. Undo goes back change by change, also
after a restart. A new decision drops the changes that were undone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from qaconv_core.errors import InputError, StoreError
from qaconv_core.readable import csv_text
from qaconv_core.store.atomic import atomic_write_text, reason
from qaconv_core.store.folders import data_dir
from qaconv_core.store.locks import exclusive
from qaconv_core.store.records import DamagedRecord, is_number, put_aside, read_json
from qaconv_core.types import score_of_logit

VERDICTS = ("confirm", "reject", "unsure")
VERSION = 1
_FIELDS = (
    "query", "gallery", "verdict", "note", "decided", "logit", "rank", "ranked_by", "part_logit",
    "part", "model", "dataset",
)  # fmt: skip
_TEXTS = ("query", "gallery", "note", "decided", "ranked_by", "part", "model", "dataset")
_COLUMNS = (*_FIELDS[:6], "score", *_FIELDS[6:])


@dataclass(frozen=True)
class Decision:
    """One pair and what was decided: ``verdict`` is one of :data:`VERDICTS`.

    - ``query`` and ``gallery``: files, relative to the data set's root where they lie in it (with
      ``/``);
    - ``decided``: the time in UTC (ISO form);
    - ``logit`` of the whole pictures when the pair was decided, None where not given;
    - ``rank`` (from 1) at that time, None where not given, and in words what it was ranked by;
    - ``part_logit`` and, in words, ``part``: in a search by part, the logit by these query cells;
    - ``model`` and ``dataset`` under which logit and rank were.
    """

    query: str
    gallery: str
    verdict: str
    note: str = ""
    decided: str = ""
    logit: float | None = None
    rank: int | None = None
    ranked_by: str = ""
    part_logit: float | None = None
    part: str = ""
    model: str = ""
    dataset: str = ""

    @property
    def score(self) -> float | None:
        """sigmoid(logit / 10), None where the logit is not known."""
        return None if self.logit is None else score_of_logit(self.logit)

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise InputError(f"cannot decide {self.verdict!r}; choose {', '.join(VERDICTS)}")


@dataclass(frozen=True)
class Change:
    """One step of the history: a pair's decision before and after it, None where there was none."""

    before: Decision | None
    after: Decision | None


@dataclass(frozen=True)
class _State:
    """All changes, and how many of them count: the others are undone."""

    changes: tuple[Change, ...] = ()
    done: int = 0

    def decisions(self) -> dict[tuple[str, str], Decision]:
        found: dict[tuple[str, str], Decision] = {}
        for change in self.changes[: self.done]:
            of = change.after or change.before
            assert of is not None
            found.pop((of.query, of.gallery), None)
            if change.after is not None:
                found[(of.query, of.gallery)] = change.after
        return found


def decisions_path(dataset: str, root: str | os.PathLike[str]) -> Path:
    """The file of a data set's decisions in the user's data folder."""
    where = os.path.realpath(root)
    digest = hashlib.sha256(where.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    name = re.sub(r"[^0-9A-Za-z]+", "-", dataset).strip("-")[:40] or "pictures"
    return data_dir() / "decisions" / f"{name}-{digest}.json"


class DecisionLog:
    """The decisions about one data set; may be used from several threads.

    The file is locked and read again for each change, so that no program overwrites another one's
    decisions. All methods raise :class:`StoreError` naming a file that cannot be read or written; a
    damaged file is put aside under another name, with a line in the log.
    """

    def __init__(
        self,
        dataset: str,
        root: str | os.PathLike[str],
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        self.dataset, self.root = dataset, Path(os.path.realpath(root))
        self.path = decisions_path(dataset, root) if path is None else Path(path)
        self._lock = threading.RLock()

    def name_of(self, picture: str | os.PathLike[str]) -> str:
        """The name of a picture in the file: relative to the root where it lies below it."""
        whole = Path(os.path.realpath(picture))
        try:
            return whole.relative_to(self.root).as_posix()
        except ValueError:
            return str(whole)

    def all(self) -> list[Decision]:
        """The decisions in force, the latest last."""
        return list(self._read().decisions().values())

    def get(
        self, query: str | os.PathLike[str], gallery: str | os.PathLike[str]
    ) -> Decision | None:
        """The decision about a pair; None where there is none."""
        return self._read().decisions().get((self.name_of(query), self.name_of(gallery)))

    def decide(
        self,
        query: str | os.PathLike[str],
        gallery: str | os.PathLike[str],
        verdict: str,
        note: str = "",
        *,
        logit: float | None = None,
        rank: int | None = None,
        ranked_by: str = "",
        part_logit: float | None = None,
        part: str = "",
        model: str = "",
    ) -> Decision:
        """Store a decision about a pair in place of an earlier one, and return it."""
        made = Decision(
            self.name_of(query),
            self.name_of(gallery),
            verdict,
            note,
            datetime.now(timezone.utc).isoformat(timespec="seconds"),
            None if logit is None else float(logit),
            None if rank is None else int(rank),
            ranked_by,
            None if part_logit is None else float(part_logit),
            part,
            model,
            self.dataset,
        )
        self._change(made.query, made.gallery, made)
        return made

    def clear(self, query: str | os.PathLike[str], gallery: str | os.PathLike[str]) -> None:
        """Remove the decision about a pair; this change can be undone."""
        self._change(self.name_of(query), self.name_of(gallery), None)

    def undo(self) -> Change | None:
        """Undo the last change and return it; None where there is none."""
        with self._lock, exclusive(self.path):
            state = self._read()
            if not state.done:
                return None
            self._write(replace(state, done=state.done - 1))
            return state.changes[state.done - 1]

    def _change(self, query: str, gallery: str, after: Decision | None) -> None:
        with self._lock, exclusive(self.path):
            state = self._read()
            before = state.decisions().get((query, gallery))
            if before is None and after is None:
                return
            kept = state.changes[: state.done]
            self._write(_State((*kept, Change(before, after)), len(kept) + 1))

    def _read(self) -> _State:
        try:
            return self._parsed(read_json(self.path))
        except FileNotFoundError:
            return _State()
        except OSError as cause:
            raise StoreError(f"{self.path}: cannot be read ({reason(cause)})") from cause
        except DamagedRecord as cause:
            put_aside(self.path, cause)
            return _State()

    def _parsed(self, record: Any) -> _State:
        try:
            version = int(record["version"])
            if version > VERSION:
                raise StoreError(
                    f"{self.path}: was written by a newer version of this program; update it"
                )
            changes = tuple(
                Change(_decision(item["before"]), _decision(item["after"]))
                for item in record["changes"]
            )
            done = int(record["done"])
        except (ValueError, KeyError, TypeError, InputError) as cause:
            raise DamagedRecord(str(cause)) from cause
        whole = all(change.before or change.after for change in changes)
        if not whole or not 0 <= done <= len(changes):
            raise DamagedRecord("its history contradicts itself")
        return _State(changes, done)

    def _write(self, state: _State) -> None:
        record = {
            "version": VERSION,
            "dataset": self.dataset,
            "root": str(self.root),
            "done": state.done,
            "changes": [
                {
                    name: None if side is None else asdict(side)
                    for name, side in (("before", change.before), ("after", change.after))
                }
                for change in state.changes
            ],
        }
        # ASCII, so that names which are no valid Unicode (lone surrogates) come back as they were.
        atomic_write_text(self.path, json.dumps(record, indent=1) + "\n", error=StoreError)


def _decision(values: Any) -> Decision | None:
    if values is None:
        return None
    known = {name: values[name] for name in _FIELDS if name in values}
    made = Decision(**known)
    if not all(isinstance(getattr(made, name), str) for name in _TEXTS):
        raise InputError("names and notes have to be text")
    if not all(logit is None or is_number(logit) for logit in (made.logit, made.part_logit)):
        raise InputError("a logit has to be a number")
    if made.rank is not None and not (is_number(made.rank) and made.rank >= 0):
        raise InputError("a rank has to be a number from 0")
    return made


def decisions_csv(decisions: Sequence[Decision]) -> str:
    """Decisions as a CSV table, a row for each pair; what is no valid Unicode as escapes."""
    return csv_text(_COLUMNS, ([getattr(d, name) for name in _COLUMNS] for d in decisions))
