"""Boxes that somebody else found: CSV, MOT text, COCO JSON, CVAT XML.

- **CSV** with a header: ``file``, ``x``, ``y``, ``w``, ``h`` in pixels, and perhaps ``frame``
  (from 0), ``score``, ``track``, as ``boxes.csv`` has them; other usual names are understood, and
  corners (``x1 y1 x2 y2``) instead of a size.
- **MOT** text: ``frame,id,left,top,width,height,confidence,…`` without a header; frames count from
  1. It belongs to one video, or to pictures whose names are frame numbers.
- **COCO** JSON: ``images`` and ``annotations`` with ``bbox``; of several categories those called
  person or pedestrian. Annotations may call their ``person`` and ``camera``, or number them
  (``person_id``, ``camera_id``).
- **CVAT** XML: images with boxes, or tracks of a video (:mod:`~qaconv_core.detection.cvat`).
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

from qaconv_core.detection.box_values import PERSONS, checked_box, finite_number, is_number
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.cvat import cvat_rows
from qaconv_core.detection.sources import Source
from qaconv_core.errors import InputError
from qaconv_core.files import check_input
from qaconv_core.paths import typed_path
from qaconv_core.readable import shown
from qaconv_core.store.records import DamagedRecord, parse_json

LARGEST = 512 * 2**20
MOST = 5_000_000
_NAMES = {
    "file": ("file", "filename", "file_name", "image", "image_path", "path", "scene", "video"),
    "frame": ("frame", "frame_id", "frame_number", "frameid"),
    "x": ("x", "left", "bb_left", "bbox_left", "x1", "xmin", "x_min", "bbox_x"),
    "y": ("y", "top", "bb_top", "bbox_top", "y1", "ymin", "y_min", "bbox_y"),
    "w": ("w", "width", "bb_width", "bbox_width", "bbox_w"),
    "h": ("h", "height", "bb_height", "bbox_height", "bbox_h"),
    "right": ("x2", "right", "xmax", "x_max"),
    "bottom": ("y2", "bottom", "ymax", "y_max"),
    "score": ("score", "confidence", "conf"),
    "track": ("track", "track_id", "id", "trackid", "pid", "person"),
}
_MOT_CLASSES = frozenset((1, 7))
"""Pedestrian and static person, where an eighth column tells the class."""
_NUMBER = re.compile(r"([0-9]+)(?=[^0-9]*$)")
_ALL = ""
_LONGEST_NAME = 200


class GivenBoxes:
    """Boxes by file and frame; numbers of frames count from 0."""

    def __init__(
        self, rows: Iterable[tuple[str, int, PersonBox]], origin: str, digest: str = ""
    ) -> None:
        """``origin`` names the file for messages, ``digest`` tells its content from others'; a
        row's name "" stands for whichever picture or video there is."""
        self.origin, self.digest = origin, digest
        self._rows: dict[str, dict[int, list[PersonBox]]] = {}
        for file, frame, box in rows:
            self._rows.setdefault(file, {}).setdefault(frame, []).append(box)
        self._by_source: dict[str, dict[int, list[PersonBox]]] = {}

    def __len__(self) -> int:
        return sum(len(b) for frames in self._rows.values() for b in frames.values())

    @property
    def persons(self) -> set[str]:
        """The names of the persons whose boxes have one."""
        boxes = (b for frames in self._rows.values() for of in frames.values() for b in of)
        return {box.person for box in boxes if box.person}

    def match(self, sources: Sequence[Source]) -> list[str]:
        """Find each source's boxes: by its whole name, else by the file's name alone.

        Returns names in the file (of frames, where it has no others) that no source has. Raises
        :class:`InputError` where none is found at all, or where it is not clear to which video
        the boxes belong.
        """
        names = {source.name for source in sources}
        if set(self._rows) == {_ALL}:
            self._by_source = self._of_one(sources)
            if sources[0].video:
                return []
            there = {id(boxes) for found in self._by_source.values() for boxes in found.values()}
            frames = sorted(self._rows[_ALL].items())
            return [f"frame {number + 1}" for number, boxes in frames if id(boxes) not in there]
        left = dict(self._rows)
        found: dict[str, dict[int, list[PersonBox]]] = {}
        for name in names & set(left):
            found[name] = left.pop(name)
        short: dict[str, list[str]] = {}
        for name in names - set(found):
            short.setdefault(_base(name), []).append(name)
        for file in list(left):
            fitting = short.get(_base(file), [])
            if len(fitting) > 1:
                fitting = [name for name in fitting if _ends_alike(file, name)]
            if len(fitting) == 1:
                found[fitting[0]] = left.pop(file)
        if not found:
            example = shown(next(iter(self._rows), "none"))
            raise InputError(
                f"{self.origin}: none of its files ({example}, …) is among the pictures and videos "
                "given"
            )
        self._by_source = found
        return sorted(left)

    @property
    def matched(self) -> Mapping[str, Mapping[int, Sequence[PersonBox]]]:
        """The boxes of each source by frame, once :meth:`match` has found them."""
        return self._by_source

    def frames_of(self, name: str) -> set[int]:
        """Numbers of the frames of a video that have boxes."""
        return set(self._by_source.get(name, {}))

    def listed(self, name: str, frame: int) -> Sequence[PersonBox]:
        """The boxes of a picture or frame as the file has them."""
        return self._by_source.get(name, {}).get(frame, [])

    def on(self, name: str, frame: int, width: int, height: int) -> list[PersonBox]:
        """The boxes on a picture or frame, cut at its borders; those outside are left out."""
        kept = []
        for box in self.listed(name, frame):
            left, top = max(box.x, 0.0), max(box.y, 0.0)
            right, bottom = min(box.x + box.w, width), min(box.y + box.h, height)
            if right - left >= 1 and bottom - top >= 1:
                kept.append(replace(box, x=left, y=top, w=right - left, h=bottom - top))
        return kept

    def _of_one(self, sources: Sequence[Source]) -> dict[str, dict[int, list[PersonBox]]]:
        """Boxes without a file's name: of the one video, or of pictures numbered as frames."""
        frames = self._rows[_ALL]
        if len(sources) == 1 and sources[0].video:
            return {sources[0].name: frames}
        if any(source.video for source in sources):
            raise InputError(f"{self.origin}: names no files; give the one video it belongs to")
        numbers = {source.name: _NUMBER.search(Path(source.name).stem) for source in sources}
        found = {}
        for name, match in numbers.items():
            boxes = frames.get(int(match.group(1)) - 1) if match else None
            if boxes:
                found[name] = {0: boxes}
        if not found:
            raise InputError(
                f"{self.origin}: names no files, and no picture's name ends in the number of one "
                "of its frames"
            )
        return found


def read_boxes(path: str | Path) -> GivenBoxes:
    """Read a file of boxes; the format is seen from its content.

    Raises :class:`InputError`, one line that names the file and the line.
    """
    file = typed_path(path)
    origin = shown(path)
    if check_input(file, "file of boxes").st_size > LARGEST:
        raise InputError(f"{origin}: larger than {LARGEST // 2**20} MiB; divide it")
    try:
        data = file.read_bytes()
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(
            f"{origin}: not UTF-8 text; save it as CSV, JSON or XML in UTF-8"
        ) from None
    if text.lstrip()[:1] in ("{", "["):
        rows = list(_coco(text, origin))
    elif text.lstrip()[:1] == "<":
        rows = cvat_rows(text, origin)
    else:
        rows = _table(text, origin)
    if not rows:
        raise InputError(f"{origin}: holds no boxes")
    if len(rows) > MOST:
        raise InputError(f"{origin}: more than {MOST:,} boxes; divide it")
    return GivenBoxes(rows, origin, hashlib.sha256(data).hexdigest()[:16])


def _table(text: str, origin: str) -> list[tuple[str, int, PersonBox]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t ", key=first.count) if first else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[tuple[str, int, PersonBox]] = []
    columns: dict[str, int] | None = None
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells) or cells[0].startswith("#"):
                continue
            if columns is None:
                columns = _columns(cells, origin)
                if columns:
                    continue
            where = f"{origin}, line {reader.line_num}"
            rows += _from_columns(cells, columns, where) if columns else _from_mot(cells, where)
    except csv.Error as error:
        raise InputError(f"{origin}, line {reader.line_num}: not a table ({error})") from error
    return rows


def lacking_columns(cells: Sequence[str]) -> list[str]:
    """Those of ``x``, ``y``, ``w``, ``h`` that the header of a table does not tell."""
    found = _places([cell.strip().lower() for cell in cells])
    lacking = [name for name in ("x", "y") if name not in found]
    for size, corner in (("w", "right"), ("h", "bottom")):
        if size not in found and corner not in found:
            lacking.append(size)
    return lacking


def _columns(cells: list[str], origin: str) -> dict[str, int]:
    """Places of our columns in a header; {} where the first line is one of numbers (MOT)."""
    if len(cells) >= 6 and all(is_number(cell) for cell in cells[:6]):
        return {}
    names = [cell.lower() for cell in cells]
    lacking = lacking_columns(cells)
    if lacking:
        seen = ", ".join(shown(name) for name in names[:12])
        raise InputError(
            f"{origin}: no column {', '.join(lacking)}; columns seen: {seen}; wanted: file, frame, "
            "x, y, w, h, score, track (or MOT lines without a header)"
        )
    return _places(names)


def _places(names: Sequence[str]) -> dict[str, int]:
    """Places of our columns among the names, in lower case, of a header."""
    found = {}
    for ours, others in _NAMES.items():
        place = next((names.index(name) for name in others if name in names), None)
        if place is not None:
            found[ours] = place
    return found


def _from_columns(
    cells: list[str], columns: Mapping[str, int], where: str
) -> list[tuple[str, int, PersonBox]]:
    def cell(name: str) -> str:
        place = columns.get(name)
        return cells[place] if place is not None and place < len(cells) else ""

    x, y = (finite_number(cell(name), name, where) for name in ("x", "y"))
    w, h = (
        finite_number(cell(size), size, where)
        if size in columns
        else finite_number(cell(corner), corner, where) - start
        for size, corner, start in (("w", "right", x), ("h", "bottom", y))
    )
    score = finite_number(cell("score"), "score", where) if cell("score") else None
    text = cell("track")
    track = int(float(text)) if is_number(text) and float(text) >= 0 else None
    frame = int(finite_number(cell("frame"), "frame", where)) if cell("frame") else 0
    return [(cell("file").removeprefix("'"), frame, checked_box(x, y, w, h, score, track, where))]


def _from_mot(cells: list[str], where: str) -> list[tuple[str, int, PersonBox]]:
    if len(cells) < 6:
        raise InputError(f"{where}: {len(cells)} numbers, where MOT lines have 6 or more")
    frame, number, x, y, w, h = (
        finite_number(cell, "frame, id, left, top, width, height", where) for cell in cells[:6]
    )
    score = finite_number(cells[6], "confidence", where) if len(cells) > 6 and cells[6] else None
    kind = cells[7] if len(cells) > 7 else ""
    truth = len(cells) == 9  # ground truth: the seventh number says whether the box counts
    if truth and (score == 0 or (is_number(kind) and float(kind) not in (-1, *_MOT_CLASSES))):
        return []
    track = int(number) if number >= 0 else None
    if score is not None and not 0 <= score <= 1:
        score = None
    return [(_ALL, int(frame) - 1, checked_box(x, y, w, h, score, track, where))]


def _coco(text: str, origin: str) -> Iterable[tuple[str, int, PersonBox]]:
    try:
        value = parse_json(text)
        images = {image["id"]: str(image["file_name"]) for image in value["images"]}
        kinds = {c["id"]: str(c["name"]).lower() for c in value.get("categories", ())}
        wanted = {number for number, name in kinds.items() if name in PERSONS}
        for number, note in enumerate(value["annotations"], 1):
            if kinds and note.get("category_id") not in (wanted or kinds):
                continue
            where = f"{origin}, annotation {number}"
            if note["image_id"] not in images:
                raise InputError(f"{where}: image_id {shown(note['image_id'])} is not in images")
            if len(note["bbox"]) != 4:
                raise InputError(f"{where}: bbox has {len(note['bbox'])} numbers, not x, y, w, h")
            x, y, w, h = (float(side) for side in note["bbox"])
            box = checked_box(x, y, w, h, _optional(note, "score"), _whole(note, "track_id"), where)
            person, camera = _named(note, "person"), _named(note, "camera")
            yield images[note["image_id"]], 0, replace(box, person=person, camera=camera)
    except DamagedRecord as error:
        raise InputError(f"{origin}: {error}") from error
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"{origin}: not COCO JSON: an entry lacks {shown(error)}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{origin}: not COCO JSON, an object with images and annotations, each with its bbox"
        ) from error


def _optional(note: Mapping[str, Any], name: str) -> float | None:
    value = note.get(name)
    return float(value) if isinstance(value, (int, float)) else None


def _whole(note: Mapping[str, Any], name: str) -> int | None:
    value = note.get(name)
    return value if isinstance(value, int) and value >= 0 else None


def _named(note: Mapping[str, Any], what: str) -> str:
    """What an annotation calls its person or camera: by name, else by number."""
    value = note.get(what) or note.get(f"{what}_id")
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value)[:_LONGEST_NAME] if whole or isinstance(value, str) else ""


def _base(name: str) -> str:
    return os.path.basename(name.replace("\\", "/"))


def _ends_alike(one: str, other: str) -> bool:
    """Whether one path ends with the other, folder by folder."""
    a, b = (name.replace("\\", "/").split("/")[::-1] for name in (one, other))
    return all(x == y for x, y in zip(a, b, strict=False))
