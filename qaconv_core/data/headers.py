"""The first line of a table (CSV): which columns it has, and whether it lists pictures."""

from __future__ import annotations

import csv
from pathlib import Path

COLUMNS = ("path", "pid", "camid", "time", "split")
ALIASES = {
    "path": (
        *("filename", "file_name", "file", "filepath", "file_path", "image", "image_path"),
        *("img", "img_path", "picture"),
    ),
    "pid": ("person_id", "person", "personid", "identity", "pids"),
    "camid": ("camera", "camera_id", "cam", "cam_id", "cameraid", "camids"),
    "time": ("timestamp", "seconds", "datetime", "date_time"),
    "split": ("subset", "partition"),
}
"""Other names of the columns, the likeliest first; a column under its own name goes before."""
_RESULTS = (
    frozenset(("query", "rank", "logit", "score")),
    frozenset(("query", "gallery", "verdict")),
    frozenset(("dataset", "method")),
    frozenset(("frame", "x", "y", "w", "h", "score", "track")),
)
"""Columns that tables of our own results have: rankings, decisions, measures and curves, boxes."""


def header_of(file: Path) -> list[str]:
    """Columns of a table, lower case, by our names; [] when it cannot be read as one."""
    try:
        with open(file, encoding="utf-8-sig", newline="") as stream:
            line = stream.readline(65536)
        return our_names(header_cells(next(csv.reader([line], delimiter=delimiter_of(line)))))
    except (OSError, UnicodeError, csv.Error, StopIteration):
        return []


def unfit_beside_pictures(file: Path) -> str:
    """Why a table that lies beside pictures is not taken for a list of them; "" where it is."""
    header = header_of(file)
    if is_result(header):
        return "a result of this program, not a table of pictures"
    if "path" not in header:
        return "not used: a table without a column “path”"
    if len(header) > 1 and not set(header) & set(COLUMNS[1:]):
        return "not used: a table without a column of persons (pid), cameras, times or splits"
    return ""


def is_result(header: list[str]) -> bool:
    """Whether a table with these columns holds results of this program."""
    comment = bool(header) and header[0].startswith("# ")
    return comment or any(columns <= set(header) for columns in _RESULTS)


def delimiter_of(line: str) -> str:
    """What divides the cells of a table's first line."""
    return max(",;\t", key=line.count)


def header_cells(cells: list[str]) -> list[str]:
    """The names of columns as they are compared."""
    return [cell.strip().lower() for cell in cells]


def our_names(header: list[str]) -> list[str]:
    """The header with columns under another usual name called by ours."""
    found = list(header)
    for ours, others in ALIASES.items():
        other = next((name for name in others if name in found), None)
        if ours not in found and other is not None:
            found[found.index(other)] = ours
    return found
