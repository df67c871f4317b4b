"""A case: one file with all that a person did about one question, and a log of it.

The file is JSON. It holds the log: entries with their time, each with a hash over itself and the
hash before it, so that an entry which is changed, removed or put in between breaks the chain from
there on. What the case is now (:class:`Case`) follows from the entries. How far the log of each
copy of the case came here is also kept in the user's data folder, and is never set back: a log that
was cut short, or written anew as a whole, does not agree with that until it is whole again. Beside
the log stands how the window showed the case last, which proves nothing and has no hash.

Entries are added under a lock, and the file is replaced whole, as
:mod:`~qaconv_core.store.change_log` does.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from qaconv_core.errors import InputError, StoreError
from qaconv_core.files import check_input, file_sha256
from qaconv_core.readable import counted, csv_text, shown
from qaconv_core.store.atomic import atomic_write_text, reason
from qaconv_core.store.decisions import (
    Change,
    Decision,
    DecisionBook,
    change_of,
    change_record,
    decisions_after,
)
from qaconv_core.store.folders import data_dir
from qaconv_core.store.locks import exclusive
from qaconv_core.store.records import DamagedRecord, is_number, read_json

FORMAT, VERSION = "qaconv-case", 1
SUFFIX = ".qcase"
KINDS = (
    "created", "described", "opened", "data", "model", "queries", "note", "looked", "decision",
    "undone", "saved",
)  # fmt: skip
_LONGEST_TEXT = 1 << 20
_FIRST_HASH = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One line of the log: its time in UTC (ISO form), what happened, and its place in the chain.

    ``what`` are plain values, by ``kind`` (one of :data:`KINDS`).
    """

    time: str
    kind: str
    what: dict[str, Any]
    hash: str

    def words(self) -> str:
        """What happened, for people."""
        return _WORDS[self.kind](self.what)


@dataclass(frozen=True)
class CasePicture:
    """A query picture of a case: its file as it was named, and the SHA-256 of its content."""

    path: str
    sha256: str


@dataclass(frozen=True)
class CaseData:
    """The data set of a case: how it is opened, what it is called, its counts and fingerprint.

    ``fingerprint`` is that of :func:`qaconv_core.store.keys.fingerprint`.
    """

    name: str
    root: str
    gallery: str
    title: str
    queries: int
    pictures: int
    fingerprint: str


@dataclass(frozen=True)
class CaseModel:
    """The model of a case: its file (or ``demo``), the file's SHA-256, and what it is.

    ``precision`` is what the feature maps in use were computed in (``float32``, ``bfloat16``, …);
    "" where that is not known.
    """

    path: str
    sha256: str
    description: str
    precision: str = ""


@dataclass(frozen=True)
class Sighting:
    """A pair that was looked at: names as in decisions, with its rank and logit at that time."""

    query: str
    gallery: str
    rank: int | None
    logit: float | None


@dataclass(frozen=True)
class Case:
    """What a case is after all its entries.

    ``fault`` says where the log does not hold ("" where it does), ``remark`` what another copy of
    the case has that this one has not. ``seen`` are the pairs looked
    at, the latest last. ``view`` is how the window showed it last, as plain values.
    """

    id: str
    title: str = ""
    reference: str = ""
    examiner: str = ""
    data: CaseData | None = None
    model: CaseModel | None = None
    queries: tuple[CasePicture, ...] = ()
    notes: str = ""
    seen: tuple[Sighting, ...] = ()
    changes: tuple[Change, ...] = ()
    entries: tuple[Entry, ...] = ()
    view: dict[str, Any] = field(default_factory=dict)
    fault: str = ""
    remark: str = ""

    @property
    def decisions(self) -> list[Decision]:
        """The decisions in force, the latest last."""
        return list(decisions_after(self.changes).values())

    @property
    def precisions(self) -> tuple[str, ...]:
        """All that the feature maps of the case were computed in, the first one first."""
        found = (entry.what.get("precision", "") for entry in self.entries if entry.kind == "model")
        return tuple(dict.fromkeys(filter(None, found)))

    @property
    def created(self) -> str:
        """When the case was begun (ISO form)."""
        return self.entries[0].time if self.entries else ""

    @property
    def seal(self) -> str:
        """The hash that the log ends with."""
        return self.entries[-1].hash if self.entries else _FIRST_HASH


# ── the file ────────────────────────────────────────────────────────────────────────────────────


class CaseFile:
    """A case on the disk. All methods raise :class:`StoreError` naming the file."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(os.path.abspath(path))

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], title: str, reference: str = "", examiner: str = ""
    ) -> CaseFile:
        """A new case; the file must not be there yet."""
        made = cls(path)
        if made.path.exists():
            raise StoreError(f"{shown(made.path)}: is there already; choose another name")
        if not made.path.parent.is_dir():
            raise StoreError(f"{shown(made.path.parent)}: there is no such folder")
        what = {"id": os.urandom(16).hex()} | _described(title, reference, examiner)
        made.add("created", what)
        return made

    def read(self) -> Case:
        """What the case is now."""
        return _judged(self._stored(), self.path)

    def open(self) -> Case:
        """Note that the case is opened, and return what it is.

        A file that is no case is left alone, without a lock beside it.
        """
        self.read()
        return self.add("opened", {})

    def add(self, kind: str, what: dict[str, Any], view: dict[str, Any] | None = None) -> Case:
        """Add an entry (and another view), and return what the case is with it."""
        return self.change(lambda _case: (kind, what), view)

    def describe(self, title: str, reference: str, examiner: str) -> Case:
        """Title, reference and examiner from now on."""
        return self.add("described", _described(title, reference, examiner))

    def note(self, text: str, known: str) -> Case:
        """Other notes, in place of those that were ``known``; what somebody else wrote in between
        stays, above these."""

        def make(case: Case) -> tuple[str, dict[str, Any]] | None:
            there, kept = case.notes, text
            if known and there.endswith(f"\n{known}"):
                kept = there[: -len(known)] + text
            elif there not in ("", known, text):
                kept = f"{there}\n{text}"
            return None if kept == there else ("note", {"text": kept})

        return self.change(make)

    def show_as(self, view: dict[str, Any]) -> Case:
        """Keep how the window shows the case."""
        return self.change(lambda _case: None, view)

    def change(
        self,
        make: Callable[[Case], tuple[str, dict[str, Any]] | None],
        view: dict[str, Any] | None = None,
    ) -> Case:
        """Add the entry (kind, values) that ``make`` makes of the case as it is; None adds none."""
        with exclusive(self.path):
            before = self.read() if self.path.exists() else Case("")
            made = make(before)
            if made is None and view in (None, before.view):
                return before
            case = before
            if made is not None:
                entry = _entry(before.seal, *made)
                changed = _APPLY[entry.kind](before, entry.what)
                case = replace(changed, entries=(*before.entries, entry))
            case = case if view is None else replace(case, view=view)
            self._write(case, len(before.entries))
            return case

    def _stored(self) -> Case:
        """What the file says, its end not yet compared with what is known of it here."""
        check_input(self.path, "case", StoreError)
        try:
            record = read_json(self.path)
            if not isinstance(record, dict) or record.get("format") != FORMAT:
                raise DamagedRecord("it is no case of this program")
            version = record.get("version")
            if not isinstance(version, int) or version > VERSION:
                raise DamagedRecord("it was written by a newer version of this program; update it")
            entries = tuple(map(_entry_of, record["entries"]))
            if not entries or entries[0].kind != "created":
                raise DamagedRecord("it does not say which case it is")
            case = _case_of(entries)
        except OSError as cause:
            raise StoreError(f"{shown(self.path)}: cannot be read ({reason(cause)})") from cause
        except (DamagedRecord, KeyError, TypeError, AttributeError, InputError) as cause:
            why = cause if isinstance(cause, DamagedRecord) else "it is damaged"
            raise StoreError(f"{shown(self.path)}: cannot be opened ({shown(why)})") from cause
        view = record.get("view")
        return replace(case, view=view if isinstance(view, dict) else {})

    def _write(self, case: Case, before: int) -> None:
        """Replace the file, which had ``before`` entries, and keep how far its log is."""
        entries = [vars(entry) for entry in case.entries]
        record = {"format": FORMAT, "version": VERSION, "entries": entries, "view": case.view}
        # ASCII, so that names which are no valid Unicode come back as they were.
        atomic_write_text(self.path, json.dumps(record, indent=1) + "\n", error=StoreError)
        _keep_ends(case, self.path, before)


class CaseDecisions(DecisionBook):
    """The decisions of a case, about pictures below ``root``; undo is an entry like any other."""

    def __init__(self, file: CaseFile, dataset: str, root: str | os.PathLike[str]) -> None:
        self.file, self.dataset = file, dataset
        self.root = Path(os.path.realpath(root))

    def undo(self) -> Change | None:
        """Undo the last change and return it; None where there is none."""
        undone: list[Change] = []

        def make(case: Case) -> tuple[str, dict[str, Any]] | None:
            undone.extend(case.changes[-1:])
            return ("undone", change_record(undone[0])) if undone else None

        self.file.change(make)
        return undone[0] if undone else None

    def _in_force(self) -> tuple[Change, ...]:
        return self.file.read().changes

    def _change(self, make: Callable[[tuple[Change, ...]], Change | None]) -> Change | None:
        made: list[Change | None] = []

        def entry(case: Case) -> tuple[str, dict[str, Any]] | None:
            made.append(make(case.changes))
            return None if made[0] is None else ("decision", change_record(made[0]))

        self.file.change(entry)
        return made[0]


def moment_ns(entry: Entry) -> int:
    """When an entry was written, in nanoseconds; the end of its second."""
    return int((datetime.fromisoformat(entry.time).timestamp() + 1) * 1e9)


def picture_hash(path: Path) -> str:
    """SHA-256 of a file as hexadecimal digits; "" where it cannot be read."""
    try:
        check_input(path, error=StoreError)
        return file_sha256(path)
    except (OSError, StoreError):
        return ""


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


def _entry(before: str, kind: str, what: dict[str, Any]) -> Entry:
    time = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Entry(time, kind, what, _chained(before, time, kind, what))


def _chained(before: str, time: str, kind: str, what: dict[str, Any]) -> str:
    text = json.dumps([before, time, kind, what], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _entry_of(record: Any) -> Entry:
    entry = Entry(record["time"], record["kind"], record["what"], record["hash"])
    if entry.kind not in KINDS:
        raise DamagedRecord(f"an entry of a kind that is not known: {entry.kind!r}")
    for text in (entry.time, entry.hash):
        _text(text)
    if not isinstance(entry.what, dict):
        raise DamagedRecord("an entry that says nothing")
    return entry


def _case_of(entries: Sequence[Entry]) -> Case:
    """The case after all entries; ``fault`` names the first that does not hold."""
    case, fault, before = Case(""), "", _FIRST_HASH
    for number, entry in enumerate(entries, start=1):
        if not fault and entry.hash != _chained(before, entry.time, entry.kind, entry.what):
            fault = (
                f"entry {number} of the log ({entry.time}) was changed, or entries before it were "
                "removed, outside of this program"
            )
        before = entry.hash
        case = _APPLY[entry.kind](case, entry.what)
    return replace(case, entries=tuple(entries), fault=fault)


# ── how far the log came ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _End:
    """How far the log of one copy came: its number of entries and the hash it ended with.

    ``cut``: to how many entries it was found to be cut since; None where it was not.
    """

    entries: int
    hash: str
    cut: int | None = None

    def holds(self, case: Case) -> bool:
        """Whether the log of ``case`` has all this and, it may be, more."""
        known = case.entries[: self.entries]
        return 0 < self.entries == len(known) and known[-1].hash == self.hash

    def missing(self, case: Case) -> str:
        """In words, what a log that does not hold this lacks."""
        there = len(case.entries)
        left = there if self.cut is None else min(self.cut, there)
        if left >= self.entries:
            return "the log was written anew outside of this program"
        where = "at the end" if left == there else f"after entry {left}"
        where += " of the log"
        return counted(
            self.entries - left, f"entry {where} is missing", f"entries {where} are missing"
        )


def _judged(case: Case, path: Path) -> Case:
    """The case with what the ends that are known of it here say against its log."""
    here = os.path.realpath(path)
    for place, end in _read_ends(case.id).items():
        if end.holds(case):
            continue
        if place == here or not os.path.exists(place):
            case = replace(case, fault=case.fault or end.missing(case))
        else:
            how = "has gone further" if end.entries > len(case.entries) else "has other entries"
            case = replace(case, remark=f"another copy of this case {how}: {shown(place)}")
    return case


def _keep_ends(case: Case, path: Path, before: int) -> None:
    """Keep how far the log of this copy is; an end that it does not hold is not set back.

    ``before``: the number of its entries before it was written.
    """
    here, kept = os.path.realpath(path), _ends_path(case.id)
    with exclusive(kept):
        ends: dict[str, _End] = {}
        for place, end in _read_ends(case.id).items():
            other = os.path.exists(place) and place != here
            if other or not end.holds(case):
                cut = min(before, end.entries if end.cut is None else end.cut)
                lost = not other and cut < end.entries
                ends[place] = replace(end, cut=cut) if lost else end
        ends.setdefault(here, _End(len(case.entries), case.seal))
        record = {place: vars(end) for place, end in ends.items()}
        atomic_write_text(kept, json.dumps(record) + "\n", error=StoreError)


def _read_ends(id: str) -> dict[str, _End]:
    """How far the copies of a case came here, by their files; none where nothing is known."""
    try:
        record = read_json(_ends_path(id, write=False))
        return {
            place: _End(
                _count(end["entries"]), _text(end["hash"], 64),
                None if end["cut"] is None else _count(end["cut"]),
            )
            for place, end in record.items()
        }  # fmt: skip
    except (OSError, DamagedRecord, KeyError, TypeError, AttributeError):
        return {}  # the case was never written here


def _ends_path(id: str, *, write: bool = True) -> Path:
    return data_dir(write=write) / "cases" / f"{id}.json"


def _text(value: object, longest: int = 4096) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise DamagedRecord("something else where a text should be")
    return value


def _texts(what: dict[str, Any], *names: str) -> list[str]:
    return [_text(what[name]) for name in names]


def _count(value: object) -> int:
    if not is_number(value) or value < 0:  # type: ignore[operator]  # a number
        raise DamagedRecord("something else where a count should be")
    return int(value)  # type: ignore[call-overload]


def _described(title: str, reference: str, examiner: str) -> dict[str, Any]:
    return {"title": title, "reference": reference, "examiner": examiner}


def _describe(case: Case, what: dict[str, Any]) -> Case:
    title, reference, examiner = _texts(what, "title", "reference", "examiner")
    return replace(case, title=title, reference=reference, examiner=examiner)


def _create(case: Case, what: dict[str, Any]) -> Case:
    id = _text(what["id"], 32)
    if case.id or len(id) != 32 or not all(sign in "0123456789abcdef" for sign in id):
        raise DamagedRecord("it does not say which case it is")
    return _describe(replace(case, id=id), what)


def _use_data(case: Case, what: dict[str, Any]) -> Case:
    name, root, gallery, title, seen = _texts(
        what, "name", "root", "gallery", "title", "fingerprint"
    )
    queries, pictures = (_count(what[count]) for count in ("queries", "pictures"))
    return replace(case, data=CaseData(name, root, gallery, title, queries, pictures, seen))


def _use_model(case: Case, what: dict[str, Any]) -> Case:
    model = CaseModel(*_texts(what, "path", "sha256", "description"))
    # An older program did not note it.
    return replace(case, model=replace(model, precision=_text(what.get("precision", ""))))


def _use_queries(case: Case, what: dict[str, Any]) -> Case:
    found = (CasePicture(*_texts(one, "path", "sha256")) for one in what["pictures"])
    return replace(case, queries=tuple(found))


def _look(case: Case, what: dict[str, Any]) -> Case:
    rank, logit = what["rank"], what["logit"]
    if logit is not None and not is_number(logit):
        raise DamagedRecord("something else where a logit should be")
    query, gallery = _texts(what, "query", "gallery")
    seen = Sighting(query, gallery, None if rank is None else _count(rank), logit)
    return replace(case, seen=(*case.seen, seen))


def _decide(case: Case, what: dict[str, Any]) -> Case:
    return replace(case, changes=(*case.changes, change_of(what)))


def _undo(case: Case, what: dict[str, Any]) -> Case:
    change_of(what)
    return replace(case, changes=case.changes[:-1])


def _note(case: Case, what: dict[str, Any]) -> Case:
    return replace(case, notes=_text(what["text"], _LONGEST_TEXT))


def _save(case: Case, what: dict[str, Any]) -> Case:
    _texts(what, "file", "sha256")
    return case


_APPLY: dict[str, Callable[[Case, dict[str, Any]], Case]] = {
    "created": _create,
    "described": _describe,
    "opened": lambda case, _what: case,
    "data": _use_data,
    "model": _use_model,
    "queries": _use_queries,
    "note": _note,
    "looked": _look,
    "decision": _decide,
    "undone": _undo,
    "saved": _save,
}


# ── for people ──────────────────────────────────────────────────────────────────────────────────


def _decided_words(what: dict[str, Any]) -> str:
    change = change_of(what)
    about = change.after or change.before
    assert about is not None
    pair = f"{about.gallery} under {about.query}"
    if change.after is None:
        return f"withdrawn: {pair}"
    note = f"; note: {change.after.note}" if change.after.note else ""
    rank = f", rank {about.rank}" if about.rank else ""
    return f"{change.after.verdict}: {pair}{rank}{note}"


def _precision_words(what: dict[str, Any]) -> str:
    precision = what.get("precision", "")
    return f"; feature maps in {precision}" if precision else ""


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "created": lambda what: f"case begun: {what['title']}",
    "described": lambda what: "title {title}, reference {reference}, examiner {examiner}".format(
        **what
    ),
    "opened": lambda _what: "case opened",
    "data": lambda what: (
        f"data set {what['title']}: {counted(what['pictures'], 'picture')}, "
        f"fingerprint {what['fingerprint']}"
    ),
    "model": lambda what: (
        f"model {what['description']}, SHA-256 {what['sha256']}{_precision_words(what)}"
    ),
    "queries": lambda what: (
        "queries: "
        + ", ".join(f"{one['path']} (SHA-256 {one['sha256']})" for one in what["pictures"])
    ),
    "note": lambda what: f"notes: {what['text']}",
    "looked": lambda what: f"looked at {what['gallery']} under {what['query']}",
    "decision": _decided_words,
    "undone": lambda what: f"undone: {_decided_words(what)}",
    "saved": lambda what: f"saved {what['file']} (SHA-256 {what['sha256']})",
}


def case_log_csv(case: Case) -> str:
    """The log as CSV: number, time, kind, words, hash of every entry."""
    rows = (
        (number, entry.time, entry.kind, entry.words(), entry.hash)
        for number, entry in enumerate(case.entries, start=1)
    )
    return csv_text(("number", "time", "kind", "what", "hash"), rows)
