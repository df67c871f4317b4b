"""Reads a table (CSV) of pictures: ``path,pid,camid,time,split``, of which only path is needed."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from qaconv_core.data.labels import describe_numbering, number_labels
from qaconv_core.data.scan import file_fault, peek, stat_fault
from qaconv_core.data.splits import choose_queries
from qaconv_core.errors import DatasetError
from qaconv_core.readable import shown
from qaconv_core.types import Dataset, ImageRef, ImageSet, Rejected

COLUMNS = ("path", "pid", "camid", "time", "split")
SPLITS = {"train": "train", "query": "query", "gallery": "gallery", "probe": "query"}
_LARGEST = 512 * 2**20
_UNKNOWN = frozenset(("", "-1", "-1.0", "nan", "none"))
_WHOLE = re.compile(r"[+]?[0-9]{1,18}([.]0*)?")
_NUMBER = re.compile(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True)
class _Row:
    line: int
    path: Path
    pid: str
    camid: str
    time: float | None
    split: str


@dataclass
class _Table:
    """One table while it is read: its rows and what had to be left out."""

    file: Path
    header: list[str]
    rows: list[_Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    first_line: dict[tuple[str, str], int] = field(default_factory=dict)

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
        values = dict(zip(self.header, (cell.strip() for cell in cells), strict=False))
        name = values.get("path", "")
        if not name:
            self.reject(self.file, line, "no path")
            return
        path = _picture_path(self.file.parent, name)
        row = _Row(
            line,
            path,
            values.get("pid", ""),
            values.get("camid", ""),
            self._time(line, values.get("time", "")),
            self._split(line, values.get("split", "")),
        )
        key = (str(path), row.split)
        if key in self.first_line:
            self.reject(path, line, f"the same picture as line {self.first_line[key]}, "
                                    "which is kept")  # fmt: skip
            return
        self.first_line[key] = line
        fault = file_fault(path.name) or stat_fault(path)
        if fault is None:
            self.rows.append(row)
        else:
            self.reject(path, line, fault)

    def reject(self, path: Path, line: int, reason: str) -> None:
        self.rejected.append(Rejected(path, f"{reason} ({self.file.name} line {line})"))

    def _time(self, line: int, text: str) -> float | None:
        if text.lower() in ("", "nan", "none"):
            return None
        try:
            value = float(text) if _NUMBER.fullmatch(text) else math.nan
        except ValueError:  # such as 1.2.3
            value = math.nan
        if not math.isfinite(value):
            raise self.fail(line, f"time “{shown(text[:40])}” is not a number of seconds; correct "
                                  "it or leave it empty")  # fmt: skip
        return value

    def _split(self, line: int, text: str) -> str:
        if text and text.lower() not in SPLITS:
            raise self.fail(line, f"split “{shown(text[:40])}” is none of train, query, gallery; "
                                  "correct it or leave the column out")  # fmt: skip
        return SPLITS[text.lower()] if text else ""

    def numbers(self, column: str, first: int) -> tuple[list[int | None], str]:
        """Numbers of a column of ids, one a row, and a note when names had to be numbered."""
        cells = [(row.line, str(getattr(row, column))) for row in self.rows]
        known = [(line, text) for line, text in cells if text.lower() not in _UNKNOWN]
        own = [_WHOLE.fullmatch(text) is not None for _, text in known]
        if all(own):
            return [
                None if text.lower() in _UNKNOWN else int(text.split(".")[0]) for _, text in cells
            ], ""
        for (line, text), whole in zip(known, own, strict=True):
            if not whole and (any(own) or _NUMBER.fullmatch(text)):
                raise self.fail(
                    line,
                    f"{column} “{shown(text[:40])}” is not a whole number from 0 on, as others in "
                    "this column are; use such numbers throughout, or names throughout",
                )
        numbers, _ = number_labels((text for _, text in known), first)
        note = describe_numbering(numbers, f"{column} names")
        return [numbers.get(text) for _, text in cells], note


def read_table(file: Path, *, split: bool = True) -> Dataset:
    """Read the pictures that a table lists.

    ``pid`` and ``camid`` may be numbers, taken as they are (cameras: any numbers, equal means the
    same camera), or names, numbered in sorted order (pid from 1, camid from 0); empty and −1 mean
    not known. ``time`` is in seconds. Paths are absolute or relative to the table. Comma,
    semicolon and tab are understood. Rows whose picture cannot be used are reported.

    With ``split`` false, or without a split column, see :mod:`qaconv_core.data.splits`. Raises
    :class:`DatasetError` that names the file, and the line where there is one.
    """
    table = _parse(file)
    if not table.rows:
        first = f"; the first: {table.rejected[0]}" if table.rejected else ""
        raise DatasetError(f"{shown(file)}: no row gives a usable picture{first}; paths are "
                           "relative to the table")  # fmt: skip
    pids, pid_note = table.numbers("pid", 1)
    camids, cam_note = table.numbers("camid", 0)
    has_splits = any(row.split for row in table.rows)
    by_split: dict[str, list[ImageRef]] = {"train": [], "query": [], "gallery": [], "": []}
    for row, pid, camid in zip(table.rows, pids, camids, strict=True):
        if has_splits and split and not row.split:
            table.reject(row.path, row.line, "no split, though other rows have one")
        else:
            ref = ImageRef(row.path, pid, camid, row.time)
            by_split[row.split if split else ""].append(ref)
    notes = [note for note in (pid_note, cam_note) if note]
    unused = [name for name in table.header if name and name not in COLUMNS]
    if unused:
        notes.append(f"columns not used: {peek(unused)}")
    if not split:
        by_split["gallery"] = by_split[""]
    elif not has_splits:
        by_split["query"], by_split["gallery"], note = choose_queries(by_split[""])
        notes.append(note)
    return Dataset(
        name="folder",
        root=file,
        layout=f"table {file.name} ({', '.join(c for c in table.header if c in COLUMNS)})",
        train=ImageSet(tuple(by_split["train"]), "folder/train"),
        query=ImageSet(tuple(by_split["query"]), "folder/query"),
        gallery=ImageSet(tuple(by_split["gallery"]), "folder/gallery"),
        rejected=tuple(table.rejected),
        notes=tuple(notes),
    )


def header_of(file: Path) -> list[str]:
    """Column names of a table, lower case; [] when it cannot be read as one."""
    try:
        with open(file, encoding="utf-8-sig", newline="") as stream:
            line = stream.readline(65536)
        return _header(next(csv.reader([line], delimiter=_delimiter(line))))
    except (OSError, UnicodeError, csv.Error, StopIteration):
        return []


def _parse(file: Path) -> _Table:
    text = _text(file)
    first = text.split("\n", 1)[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(first), strict=True)
    try:
        header = _header(next(reader, []))
        _check_header(file, header)
        table = _Table(file, header)
        line = reader.line_num + 1
        for cells in reader:
            table.add(line, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DatasetError(f"{shown(file)}, line {reader.line_num}: not a table ({error}); save it "
                           "again as CSV")  from error  # fmt: skip
    return table


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST:
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


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _header(cells: list[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _check_header(file: Path, header: list[str]) -> None:
    if "path" not in header:
        seen = ", ".join(shown(name) for name in header[:12] if name) or "none"
        raise DatasetError(
            f"{shown(file)}: no column “path”; columns seen: {seen}; wanted: {', '.join(COLUMNS)} "
            "(all but path may be missing); name the columns in the first line"
        )
    twice = sorted({name for name in header if name in COLUMNS and header.count(name) > 1})
    if twice:
        raise DatasetError(f"{shown(file)}: column “{twice[0]}” stands there twice; remove one")


def _picture_path(folder: Path, name: str) -> Path:
    path = folder / name
    if "\\" in name and not path.exists():  # a table written on Windows
        return folder / name.replace("\\", "/")
    return path
