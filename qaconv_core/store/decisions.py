"""Decisions of a person about pairs of pictures, kept per data set, with a history to undo.

One small JSON file for each data set in the user's data folder: see
:mod:`~qaconv_core.store.change_log`.
"""

from __future__ import annotations

import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from qaconv_core.errors import InputError
from qaconv_core.readable import csv_text
from qaconv_core.store.change_log import CONTRADICTION, ChangeLog, relative_name
from qaconv_core.store.folders import data_dir
from qaconv_core.store.records import DamagedRecord, is_number
from qaconv_core.types import score_of_logit

VERDICTS = ("confirm", "reject", "unsure")
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
    """One step of the history: a pair's decision before and after it, None where there was none.

    ``command`` is the same in all changes that one command made; "" in a change of its own.
    """

    before: Decision | None
    after: Decision | None
    command: str = ""


def decisions_after(changes: Sequence[Change]) -> dict[tuple[str, str], Decision]:
    """The decisions after these changes, the latest last."""
    found: dict[tuple[str, str], Decision] = {}
    for change in changes:
        of = change.after or change.before
        assert of is not None
        found.pop((of.query, of.gallery), None)
        if change.after is not None:
            found[(of.query, of.gallery)] = change.after
    return found


def decisions_path(dataset: str, root: str | os.PathLike[str]) -> Path:
    """The file of a data set's decisions in the user's data folder."""
    return kept_file("decisions", dataset, root)


def kept_file(kind: str, dataset: str, root: str | os.PathLike[str]) -> Path:
    """The file of this kind of a data set in the user's data folder; the one of another name, where
    pictures in the same place got their name, or another one, since."""
    where = os.path.realpath(root)
    digest = hashlib.sha256(where.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    name = re.sub(r"[^0-9A-Za-z]+", "-", dataset).strip("-")[:40] or "pictures"
    path = data_dir(write=False) / kind / f"{name}-{digest}.json"
    earlier = [] if path.exists() else sorted(path.parent.glob(f"*-{digest}.json"))
    return earlier[0] if earlier else path


class DecisionBook(ABC):
    """Decisions about pairs of one data set's pictures, made of changes that are kept somewhere.

    ``dataset`` names the set, ``root`` is its folder. All methods raise :class:`StoreError` where
    the changes cannot be read or written.
    """

    dataset: str
    root: Path

    def name_of(self, picture: str | os.PathLike[str]) -> str:
        """The name of a picture, relative to the data set's root where it lies below it."""
        return relative_name(self.root, picture)

    @abstractmethod
    def undo(self) -> Change | None:
        """Undo the last change and return it; None where there is none."""

    @abstractmethod
    def _in_force(self) -> tuple[Change, ...]:
        """The changes, without those undone."""

    def undo_command(self) -> tuple[Change, ...]:
        """Undo the last change and those before it of the same command; they, the latest first."""
        undone: list[Change] = []
        while (change := self.undo()) is not None:
            undone.append(change)
            left = self._in_force() if change.command else ()
            if not left or left[-1].command != change.command:
                break
        return tuple(undone)

    @abstractmethod
    def _change(self, make: Callable[[tuple[Change, ...]], Change | None]) -> Change | None:
        """Add what ``make`` makes of the changes in force, and return it; None adds nothing."""

    def all(self) -> list[Decision]:
        """The decisions in force, the latest last."""
        return list(decisions_after(self._in_force()).values())

    def get(
        self, query: str | os.PathLike[str], gallery: str | os.PathLike[str]
    ) -> Decision | None:
        """The decision about a pair; None where there is none."""
        return decisions_after(self._in_force()).get((self.name_of(query), self.name_of(gallery)))

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
        command: str = "",
    ) -> Decision:
        """Store a decision about a pair in place of an earlier one, and return it.

        ``command``: see :class:`Change`.
        """
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
        self._set(made.query, made.gallery, made, command)
        return made

    def clear(self, query: str | os.PathLike[str], gallery: str | os.PathLike[str]) -> None:
        """Remove the decision about a pair; this change can be undone."""
        self._set(self.name_of(query), self.name_of(gallery), None)

    def _set(self, query: str, gallery: str, after: Decision | None, command: str = "") -> None:
        def make(changes: tuple[Change, ...]) -> Change | None:
            before = decisions_after(changes).get((query, gallery))
            return None if before is None and after is None else Change(before, after, command)

        self._change(make)


class DecisionLog(ChangeLog[Change], DecisionBook):
    """The decisions about one data set, as :class:`ChangeLog` keeps changes."""

    path_of = staticmethod(decisions_path)

    def _step(self, record: Any) -> Change:
        return change_of(record)

    def _record(self, step: Change) -> dict[str, Any]:
        return change_record(step)


def change_of(record: Any) -> Change:
    """A change from its record; errors of values and keys where it is none of ours."""
    command = record.get("command", "")
    change = Change(_decision(record["before"]), _decision(record["after"]), command)
    if not isinstance(command, str) or (change.before is None and change.after is None):
        raise DamagedRecord(CONTRADICTION)
    return change


def change_record(step: Change) -> dict[str, Any]:
    """A change as plain values for JSON."""
    sides = (("before", step.before), ("after", step.after))
    record: dict[str, Any] = {name: None if side is None else asdict(side) for name, side in sides}
    return {**record, "command": step.command} if step.command else record


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
