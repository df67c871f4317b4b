"""Reads a table (CSV) of pictures: ``path,pid,camid,time,split``, of which only path is needed.

Other usual names of these columns are understood. A table of results that this program wrote is
none of pictures, though it names some.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import StringIO
from pathlib import Path

from qaconv_core.data.headers import (
    COLUMNS,
    delimiter_of,
    header_cells,
    is_result,
    our_names,
)
from qaconv_core.data.labels import (
    camera_names_of,
    describe_numbering,
    names_of,
    number_labels,
)
from qaconv_core.data.moments import moment_of, seconds_from_first, time_of
from qaconv_core.data.own_names import own_name
from qaconv_core.data.scan import file_fault, peek, stat_fault
from qaconv_core.data.splits import choose_queries
from qaconv_core.errors import DatasetError
from qaconv_core.files import check_input
from qaconv_core.readable import cell_text, counted, shown
from qaconv_core.types import Dataset, ImageRef, ImageSet, Rejected

TRACK = "track"
"""Column of tables that qaconv detect writes: pictures of one person in neighbouring frames."""
SPLITS = {"train": "train", "query": "query", "gallery": "gallery", "probe": "query"}
_LARGEST = 512 * 2**20
_UNKNOWN = frozenset(("", "-1", "-1.0", "nan", "none"))
_WHOLE = re.compile(r"[+]?[0-9]{1,18}([.]0*)?")
_NO_ID = re.compile(r"-[0-9.]+|[+-]?[0-9]*[.][0-9]+")


@dataclass(frozen=True)
class TableRow:
    """A row of a table: the line that it stands on, and its cells; \"\" where there is none."""

    line: int
    path: Path
    pid: str
    camid: str
    time: float | datetime | None
    split: str
    track: str = ""


@dataclass(frozen=True)
class Contradiction:
    """Two rows on one picture, of which the later one says otherwise: ``what`` is person, camera
    or time, ``said`` what stands on either."""

    first: TableRow
    other: TableRow
    what: str
    said: tuple[str, str]

    @property
    def in_two_splits(self) -> bool:
        """Whether both rows are kept, each in its split."""
        return self.first.split != self.other.split


@dataclass(frozen=True)
class UnreadTime:
    """A time that cannot be read, the line that it stands on, and why it cannot."""

    line: int
    text: str
    why: str


@dataclass
class Table:
    """One table while it is read: its rows and what had to be left out.

    ``unit`` and ``rate`` say what numbers of the column ``time`` are.
    """

    file: Path
    header: list[str]
    names: list[str]
    unit: str = "seconds"
    rate: float | None = None
    rows: list[TableRow] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    unread_times: list[UnreadTime] = field(default_factory=list)
    _first: dict[str, TableRow] = field(default_factory=dict)
    """The first row on each picture."""
    _kept: dict[tuple[str, str], int] = field(default_factory=dict)
    """By picture and split, the place of its row; −1 where it cannot be used."""
    _times_read: int = 0

    def fail(self, line: int, why: str) -> DatasetError:
        return DatasetError(f"{shown(self.file)}, line {line}: {why}")

    def add(self, line: int, cells: list[str]) -> None:
        """Take one row; faults of the row go to ``rejected``, senseless numbers are errors."""
        if not any(cell.strip() for cell in cells):
            return
        if len(cells) > len(self.header) and any(c.strip() for c in cells[len(self.header) :]):
            self.reject(self.file, line, f"{len(cells)} fields, but the header has "
                                         f"{len(self.header)}")  # fmt: skip
            return
        values = dict(zip(self.names, (cell.strip() for cell in cells), strict=False))
        name = values.get("path", "")
        if not name:
            self.reject(self.file, line, "no path")
            return
        path = _picture_path(self.file.parent, name)
        row = TableRow(
            line,
            path,
            cell_text(values.get("pid", "")),
            cell_text(values.get("camid", "")),
            self._time(line, values.get("time", "")),
            self._split(line, values.get("split", "")),
            values.get(TRACK, ""),
        )
        file = os.path.normpath(path)
        first = self._first.setdefault(file, row)
        self._compare(first, row)
        place = self._kept.get((file, row.split))
        if place is not None:
            self._take_again(place, first, row)
            return
        fault = file_fault(path.name) or stat_fault(path)
        self._kept[file, row.split] = len(self.rows) if fault is None else -1
        if fault is None:
            self.rows.append(row)
        else:
            self.reject(path, line, fault)

    def _compare(self, first: TableRow, row: TableRow) -> None:
        """Note where a later row on a picture contradicts the first one."""
        for what, column in (("person", "pid"), ("camera", "camid"), ("time", "time")):
            said = tuple(_known_text(getattr(either, column)) for either in (first, row))
            if all(said) and said[0] != said[1]:
                self.contradictions.append(Contradiction(first, row, what, (said[0], said[1])))
                return

    def _take_again(self, place: int, first: TableRow, row: TableRow) -> None:
        """Take from another row on the same picture what the one that is kept does not say."""
        kept = first if place < 0 else self.rows[place]
        self.reject(row.path, row.line, f"the same picture as line {kept.line}, which is kept")
        if place < 0:
            return
        self.rows[place] = replace(
            kept,
            pid=kept.pid if _known_text(kept.pid) else row.pid,
            camid=kept.camid if _known_text(kept.camid) else row.camid,
            time=row.time if kept.time is None else kept.time,
            track=kept.track or row.track,
        )

    def contradiction_note(self) -> str:
        """How many pictures have lines that contradict each other, the first with both lines, and
        which one counts; "" where there are none."""
        if not self.contradictions:
            return ""
        one = self.contradictions[0]
        files = {os.path.normpath(one.first.path) for one in self.contradictions}
        has = counted(len(files), "picture has", "pictures have")
        a, b = (f"{shown(text)} on line {row.line}" for text, row in
                zip(one.said, (one.first, one.other), strict=True))  # fmt: skip
        split = [found.in_two_splits for found in self.contradictions]
        counts = "the earlier line counts" if not all(split) else ""
        if any(split):
            each = "both count, each in its split"
            counts = f"{counts}; in two splits {each}" if counts else each
        return (
            f"{shown(self.file.name)}: {has} lines that contradict each other, "
            f"{shown(one.first.path.name)} first ({one.what} {a}, {b}): {counts}"
        )

    def reject(self, path: Path, line: int, reason: str) -> None:
        self.rejected.append(Rejected(path, f"{reason} ({self.file.name} line {line})"))

    def _time(self, line: int, text: str) -> float | datetime | None:
        """The time of a row; one that cannot be read goes to ``unread_times``."""
        if text.lower() in ("", "nan", "none"):
            return None
        found = time_of(text, self.unit, self.rate)
        if found is None and self.unit == "seconds":
            found = moment_of(text)
        if found is None and (self.unit != "frames" or self.rate):
            what = "number of seconds" if self.unit == "seconds" else f"time in {self.unit}"
            known = shown(text[:40])
            why = (
                f"time “{known}” is not a {what} and no date with time (2024-05-01 12:00:00); "
                "correct it or leave it empty"
            )
            self.unread_times.append(UnreadTime(line, known, why))
        self._times_read += found is not None
        return found

    def settle_times(self) -> None:
        """Leave out numbers of seconds among dates, or dates among numbers: what fewer rows have.

        Raises :class:`DatasetError` where no more times can be used than cannot be.
        """
        dates = sum(isinstance(row.time, datetime) for row in self.rows)
        numbers = sum(isinstance(row.time, float) for row in self.rows)
        kept: type = datetime
        said, others = "a number of seconds", "a date"
        if numbers > dates:
            kept, said, others = float, "a date", "a number of seconds"
        for place, row in enumerate(self.rows):
            if row.time is not None and not isinstance(row.time, kept):
                why = f"time is {said}, where other rows have {others}; use one of both throughout"
                self.unread_times.append(UnreadTime(row.line, _known_text(row.time), why))
                self.rows[place] = replace(row, time=None)
                self._times_read -= 1
        self.unread_times.sort(key=lambda unread: unread.line)
        if self.unread_times and len(self.unread_times) >= self._times_read:
            raise self.fail(self.unread_times[0].line, self.unread_times[0].why)

    def notes(self) -> list[str]:
        """What is to be said of contradictions and of times that cannot be read."""
        return [note for note in (self.contradiction_note(), self._unread_note()) if note]

    def _unread_note(self) -> str:
        if not self.unread_times:
            return ""
        first = self.unread_times[0]
        return (
            f"{shown(self.file.name)}: {counted(len(self.unread_times), 'time')} cannot be read, "
            f"the first on line {first.line} (“{first.text}”): such pictures have no time; correct "
            "it or leave it empty"
        )

    def times(self) -> tuple[list[float | None], datetime | None]:
        """Seconds of every row, and the first moment where they count from one."""
        if not any(isinstance(row.time, datetime) for row in self.rows):
            return [row.time for row in self.rows if not isinstance(row.time, datetime)], None
        return seconds_from_first([row.time for row in self.rows])

    def _split(self, line: int, text: str) -> str:
        if text and text.lower() not in SPLITS:
            raise self.fail(line, f"split “{shown(text[:40])}” is none of train, query, gallery; "
                                  "correct it or leave the column out")  # fmt: skip
        return SPLITS[text.lower()] if text else ""

    def numbers(
        self, column: str, first: int
    ) -> tuple[list[int | None], Mapping[int | None, str], str]:
        """Numbers of a column of ids, one a row, their names, and a note when it has names.

        Whole numbers are taken as they are; a camera is then called by the table's number. Where
        one is none, or where two are the same number written differently (7, 07), all are names.
        """
        cells = [(row.line, _plain_id(str(getattr(row, column)))) for row in self.rows]
        known = [(line, text) for line, text in cells if text.lower() not in _UNKNOWN]
        for line, text in known:
            if _NO_ID.fullmatch(text):
                raise self.fail(
                    line,
                    f"{column} “{shown(text[:40])}” is not a whole number from 0 on; use such "
                    "numbers, or names",
                )
        numbers, own = number_labels((text for _, text in known), first)
        note = "" if own else describe_numbering(numbers, f"{column} names")
        if note and all(_WHOLE.fullmatch(text) for _, text in known):
            note += "; numbers that differ only in zeros in front are kept apart"
        names = names_of(numbers, own)
        if own and column == "camid":
            names = camera_names_of(numbers)
        return [numbers.get(text) for _, text in cells], names, note


def read_table(file: Path, *, split: bool = True) -> Dataset:
    """Read the pictures that a table lists.

    ``pid`` and ``camid`` may be numbers, taken as they are (cameras: any numbers, equal means the
    same camera, called by its number in the table), or names, numbered in sorted order (pid from 1,
    camid from 0); empty and −1 mean not known. ``time`` is in seconds, or a date with time: then
    seconds after the first; where fewer than half cannot be read, those are not known. Paths are
    absolute or relative to the table. Comma, semicolon and tab are understood. Rows whose picture
    cannot be used are reported.

    With ``split`` false, or without a split column, see :mod:`qaconv_core.data.splits`. Raises
    :class:`DatasetError` that names the file, and the line where there is one.
    """
    table = parse_table(file)
    if not table.rows:
        first = f"; the first: {table.rejected[0]}" if table.rejected else ""
        raise DatasetError(f"{shown(file)}: no row gives a usable picture{first}; paths are "
                           "relative to the table")  # fmt: skip
    pids, persons, pid_note = table.numbers("pid", 1)
    camids, cameras, cam_note = table.numbers("camid", 0)
    tracks = track_numbers([row.track for row in table.rows])
    times, start = table.times()
    has_splits = any(row.split for row in table.rows)
    by_split: dict[str, list[ImageRef]] = {"train": [], "query": [], "gallery": [], "": []}
    known = zip(table.rows, pids, camids, times, tracks, strict=True)
    for row, pid, camid, time, track in known:
        if has_splits and split and not row.split:
            table.reject(row.path, row.line, "no split, though other rows have one")
        else:
            names = persons.get(pid, ""), cameras.get(camid, "")
            ref = ImageRef(row.path, pid, camid, time, track, *names)
            by_split[row.split if split else ""].append(ref)
    notes = [*table.notes(), *filter(None, (pid_note, cam_note))]
    if start is not None:
        notes.append(f"times are seconds after {start.isoformat(' ')}, the first in the table")
    taken = [f"{a} as {b}" for a, b in zip(table.header, table.names, strict=True) if a != b]
    if taken:
        notes.append(f"columns taken: {peek(taken)}")
    unused = [name for name in table.names if name and name not in (*COLUMNS, TRACK)]
    if unused:
        notes.append(f"columns not used: {peek(unused)}")
    if not split:
        by_split["gallery"] = by_split[""]
    elif not has_splits:
        by_split["query"], by_split["gallery"], note = choose_queries(by_split[""])
        notes.append(note)
    return Dataset(
        name=own_name(file),
        root=file,
        layout=f"table {file.name} ({', '.join(c for c in table.names if c in COLUMNS)})",
        train=ImageSet(tuple(by_split["train"]), "folder/train"),
        query=ImageSet(tuple(by_split["query"]), "folder/query"),
        gallery=ImageSet(tuple(by_split["gallery"]), "folder/gallery"),
        rejected=tuple(table.rejected),
        notes=tuple(notes),
        start=start,
    )


def readable_label(text: str) -> bool:
    """Whether a table that holds this label of a person gives it back, imported or as it is."""
    known = text.strip().lower() not in (*_UNKNOWN, "unknown") and _NO_ID.fullmatch(text) is None
    return known and _plain_id(text) == text


def track_numbers(cells: Sequence[str]) -> list[int | None]:
    """Tracks as a table names them: whole numbers as they are, else numbered from 1."""
    known = [text for text in cells if text.lower() not in _UNKNOWN]
    numbers, _ = number_labels(known, 1)
    return [numbers.get(text) for text in cells]


def parse_table(
    file: Path,
    columns: Mapping[str, str] | None = None,
    unit: str = "seconds",
    rate: float | None = None,
) -> Table:
    """The rows of a table and what is wrong with others.

    ``columns`` maps our names to the table's own, in whatever case. Raises :class:`DatasetError`.
    """
    text = table_text(file)
    first = text.split("\n", 1)[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter_of(first), strict=True)
    try:
        header = header_cells(next(reader, []))
        names = _named(file, header, columns) if columns else our_names(header)
        _check_header(file, header, names)
        table = Table(file, header, names, unit, rate)
        line = reader.line_num + 1
        for cells in reader:
            table.add(line, cells)
            line = reader.line_num + 1
        table.settle_times()
    except csv.Error as error:
        raise DatasetError(f"{shown(file)}, line {reader.line_num}: not a table ({error}); save it "
                           "again as CSV")  from error  # fmt: skip
    return table


def table_text(file: Path) -> str:
    """The text of a table, UTF-8 or UTF-16. Raises :class:`DatasetError`."""
    try:
        if check_input(file, "table", DatasetError).st_size > _LARGEST:
            raise DatasetError(f"{shown(file)}: larger than {_LARGEST // 2**20} MiB; divide it")
        data = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"{shown(file)}: cannot be read ({error.strerror}); check its path and "
                           "permissions") from error  # fmt: skip
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{shown(file)}, line {line}: not UTF-8 text; save the table as CSV in "
                           "UTF-8") from error  # fmt: skip
    if "\0" in text:
        raise DatasetError(f"{shown(file)}: not a text file; save the table as CSV in UTF-8")
    return text


def _named(file: Path, header: list[str], columns: Mapping[str, str]) -> list[str]:
    """The header with the columns that a person assigned called by our names; no other is ours."""
    found = ["" if name in COLUMNS else name for name in header]
    for ours, theirs in columns.items():
        if theirs.strip().lower() not in header:
            seen = ", ".join(shown(name) for name in header[:20] if name)
            raise DatasetError(f"{shown(file)}: no column “{shown(theirs)}”; columns seen: {seen}")
        found[header.index(theirs.strip().lower())] = ours
    return found


def _check_header(file: Path, header: list[str], names: list[str]) -> None:
    if is_result(names):
        raise DatasetError(
            f"{shown(file)}: a result of this program, not a table of pictures; name the table or "
            "folder that it was made from"
        )
    if "path" not in names:
        seen = ", ".join(shown(name) for name in header[:12] if name) or "none"
        raise DatasetError(
            f"{shown(file)}: no column “path”; columns seen: {seen}; wanted: {', '.join(COLUMNS)} "
            "(all but path may be missing); name the columns in the first line"
        )
    twice = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
    if twice:
        raise DatasetError(f"{shown(file)}: column “{twice[0]}” stands there twice; remove one")


def _plain_id(text: str) -> str:
    """An id without what a spreadsheet puts around a whole number: ``+7``, ``7.0``."""
    return text.lstrip("+").split(".")[0] if _WHOLE.fullmatch(text) else text


def _known_text(value: str | float | datetime | None) -> str:
    """What a cell says, to be compared with another one; "" where it says nothing."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, float):
        return f"{value:.10g}"
    text = _plain_id(value or "")
    return "" if text.lower() in _UNKNOWN else text


def _picture_path(folder: Path, name: str) -> Path:
    path = folder / name
    if name != cell_text(name) and not path.exists():
        return folder / cell_text(name)
    if "\\" in name and not path.exists():  # a table written on Windows
        return folder / name.replace("\\", "/")
    return path
