"""Reads a person's own pictures as a ``qaconv.toml`` describes them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from qaconv_core.data.description import (
    FILE_NAME,
    Description,
    Source,
    find_listed,
    read_description,
)
from qaconv_core.data.labels import camera_names_of, describe_numbering, names_of
from qaconv_core.data.market_like import JUNK_BOX
from qaconv_core.data.moments import seconds_from_first, time_of
from qaconv_core.data.name_fields import FieldPattern
from qaconv_core.data.own_names import PUBLISHED_NAMES, own_name
from qaconv_core.data.scan import Scan, check_there, empty_note, peek, scan_pictures
from qaconv_core.data.splits import choose_queries, divide_folders
from qaconv_core.data.table import SPLITS, parse_table, track_numbers
from qaconv_core.data.times import market_shift
from qaconv_core.errors import DatasetError
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.readable import counted, shown
from qaconv_core.types import Dataset, ImageRef, ImageSet, Rejected

_UNKNOWN = frozenset(("", "-1", "nan", "none", "unknown"))
_WHOLE = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(r"([0-9]{1,18})")
_JUNK_PERSON = "-1"
Time = float | datetime | None


class OwnPicture(NamedTuple):
    """One picture and what is said of it: labels as they stand there, "" where there is none."""

    path: Path
    pid: str = ""
    camera: str = ""
    time: Time = None
    split: str = ""
    track: str = ""


@dataclass
class OwnPictures:
    """All pictures of a description, what was left out, and what a person should know of both."""

    pictures: list[OwnPicture] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_described(file: Path, *, split: bool = True) -> Dataset:
    """The data set that a ``qaconv.toml`` describes; ``split`` as in
    :func:`~qaconv_core.data.folder.open_folder`. Raises :class:`DatasetError`."""
    description = read_description(file)
    return as_dataset(description, collect(description), split=split)


def collect(
    description: Description,
    context: WorkContext = NO_CONTEXT,
    scans: Mapping[Path, Scan] | None = None,
) -> OwnPictures:
    """All pictures that a description names; nothing is decoded.

    ``scans`` are folders that were read already.
    Raises :class:`DatasetError` where a source cannot be read, or went away while it was read.
    """
    found = OwnPictures()
    several = sum(not source.is_table for source in description.sources) > 1
    read: dict[Path, Scan] = {}
    # What a table says of a picture was written down by somebody: it goes before folders and names.
    for source in sorted(description.sources, key=lambda source: not source.is_table):
        if source.is_table:
            _add_table(source, found)
        else:
            read[source.path] = (scans or {}).get(source.path) or scan_source(source.path, context)
            _add_folder(source, several, found, read[source.path])
    found.notes += filter(None, [empty_note(read)])
    _once_each(found)
    if not found.pictures:
        few = f"; the first left out: {found.rejected[0]}" if found.rejected else ""
        names = peek([str(source.path) for source in description.sources])
        raise DatasetError(f"{names}: no picture that can be used{few}")
    return found


def as_dataset(description: Description, found: OwnPictures, *, split: bool = True) -> Dataset:
    """Collected pictures as a data set: labels numbered, times on one clock, queries chosen.

    Whole numbers are kept as pids. As cameras they count from 0, or from 1 where none is 0; they
    are called by the numbers that stand there. Other labels are numbered in sorted order (2 before
    10), pids from 1 and camids from 0.
    """
    junk = [picture for picture in found.pictures if picture.pid == _JUNK_PERSON]
    pictures = [picture for picture in found.pictures if picture.pid != _JUNK_PERSON]
    pids, person_names, person_note = _numbered((p.pid for p in pictures), "persons", 1)
    camids, camera_names, camera_note = _numbered((p.camera for p in pictures), "cameras", 0)
    times, start, time_note = _on_one_clock([p.time for p in pictures])
    tracks = track_numbers([p.track for p in pictures])
    refs = [
        ImageRef(
            p.path,
            pid := pids.get(p.pid),
            camid := camids.get(p.camera),
            time,
            track,
            person_names.get(pid, ""),
            camera_names.get(camid, ""),
        )
        for p, time, track in zip(pictures, times, tracks, strict=True)
    ]
    notes = [*found.notes, *filter(None, (time_note, person_note, camera_note))]
    sets, split_notes = _in_splits(refs, [p.split for p in pictures], split)
    return Dataset(
        name=title_of_description(description),
        root=root_of(description),
        layout=f"own pictures ({what_is_known(refs)})",
        train=ImageSet(tuple(sets["train"]), "folder/train"),
        query=ImageSet(tuple(sets["query"]), "folder/query"),
        gallery=ImageSet(tuple(sets["gallery"]), "folder/gallery"),
        rejected=(*found.rejected, *(Rejected(p.path, JUNK_BOX) for p in junk)),
        notes=(*notes, *split_notes),
        start=start,
    )


def title_of_description(description: Description) -> str:
    """The name of a description, or that of the folder or table."""
    return description.name or own_name(root_of(description))


def root_of(description: Description) -> Path:
    """The one folder or table of a description, or the folder around all of them."""
    paths = [source.path for source in description.sources]
    if len(paths) == 1:
        return paths[0]
    try:
        return Path(os.path.commonpath(paths))
    except ValueError:  # on two drives
        return paths[0]


def opened_as(name: str, root: Path | None) -> tuple[str, Path | None]:
    """The kind and the path by which a set is opened again that is called ``name``: pictures of
    one's own have their name from a folder or an import."""
    if root is None or name in PUBLISHED_NAMES:
        return name, root
    return "folder", opened_by_name(name, root)


def opened_by_name(name: str, root: Path) -> Path:
    """The path by which pictures at ``root`` are opened again: the file of the import that has this
    name there, which may join several places; else ``root``."""
    listed = find_listed(name)
    if listed is None or not listed[0].is_file():
        return root
    description = read_description(listed[0])
    return description.file or root if root_of(description) == root else root


def what_is_known(refs: Sequence[ImageRef]) -> str:
    """In words, of which of person, camera and time something is known."""
    known = {
        "persons": any(ref.pid is not None for ref in refs),
        "cameras": any(ref.camid is not None for ref in refs),
        "times": any(ref.time is not None for ref in refs),
    }
    there = [what for what, is_there in known.items() if is_there]
    return ", ".join(there) if there else "no persons, cameras or times"


def labels_of(
    source: Source, several: bool
) -> Callable[[str, tuple[str, ...]], tuple[dict[str, str], bool]]:
    """A function that takes a picture's name and folders below the source, and says what they
    tell by field (``pid``, ``cam``, …), and whether the name fits a pattern.

    ``several``: the source's own name counts as the outermost folder.
    """
    patterns = [FieldPattern(text) for text in source.patterns]
    own = (source.path.name,) if several else ()

    def read(name: str, folders: tuple[str, ...]) -> tuple[dict[str, str], bool]:
        split, below = divide_folders((*own, *folders))
        labels = {"split": split} if split else {}
        for role, folder in zip(source.folders, below, strict=False):
            if role == "cameras" and "cam" in labels:  # one of a place that has several
                labels["cam"] += f"/{folder}"
            elif role != "none":
                labels["pid" if role == "persons" else "cam"] = folder
        readings = (pattern.read(name, (*own, *folders)) for pattern in patterns)
        fields = next((reading for reading in readings if reading is not None), None)
        if fields and "scene" in fields:
            fields["cam"] = f"{fields.pop('scene')}-{fields.get('cam', '')}"
        return {**labels, **(fields or {})}, fields is not None

    return read


def _add_table(source: Source, found: OwnPictures) -> None:
    table = parse_table(source.path, source.columns, source.unit, source.rate)
    found.rejected += table.rejected
    found.notes += table.notes()
    persons, cameras = (
        [_label(getattr(row, column)) for row in table.rows] for column in ("pid", "camid")
    )
    found.pictures += [
        OwnPicture(row.path, pid, camera, row.time, row.split, _track(source, row.track))
        for row, pid, camera in zip(table.rows, persons, cameras, strict=True)
    ]


def _track(source: Source, text: str) -> str:
    """A track's name: tables count theirs from 1, each for itself."""
    return f"{source.path}: {text}" if _label(text) else ""


def scan_source(folder: Path, context: WorkContext = NO_CONTEXT) -> Scan:
    """The pictures in and below a folder.

    Raises :class:`DatasetError` where it cannot be read, or went away while it was read.
    """
    scan = scan_pictures(folder, recursive=True, context=context)
    check_there(folder)
    return scan._replace(rejected=[r for r in scan.rejected if r.path.name != FILE_NAME])


def _add_folder(source: Source, several: bool, found: OwnPictures, scan: Scan) -> None:
    found.rejected += scan.rejected
    read = labels_of(source, several)
    readings = [read(picture.name, picture.folders) for picture in scan.pictures]
    times = _times(source, [labels for labels, _ in readings])
    for picture, (labels, _), time in zip(scan.pictures, readings, times, strict=True):
        split = SPLITS.get(labels.get("split", "").lower(), "")
        pid, camera = labels.get("pid", ""), _label(labels.get("cam", ""))
        pid = pid if pid == _JUNK_PERSON else _label(pid)
        found.pictures.append(OwnPicture(picture.path, pid, camera, time, split))
    unfit = [p.name for p, (_, fits) in zip(scan.pictures, readings, strict=True) if not fits]
    if source.patterns and unfit:
        found.notes.append(
            f"{len(unfit):,} names do not fit {' or '.join(map(shown, source.patterns))} "
            f"({peek(unfit, 3)}): their pictures are kept without what it says"
        )


def _times(source: Source, labels: Sequence[Mapping[str, str]]) -> list[Time]:
    """The time of each picture, from its field ``time``, or ``frame`` at the source's rate."""
    if any("time" in fields for fields in labels):
        return [time_of(f.get("time", ""), source.unit, source.rate) for f in labels]
    if not source.rate:
        return [None] * len(labels)
    # Frames begin anew with each recording of a camera.
    cameras = {name: i for i, name in enumerate({f.get("cam", "") for f in labels})}
    places = [
        (cameras[f.get("cam", "")], int(f.get("session", 1)), int(f["frame"]))
        if "frame" in f
        else None
        for f in labels
    ]
    several = any("session" in fields for fields in labels)
    shift = market_shift(p for p in places if p is not None) if several else {}
    return [
        None if place is None else (place[2] + shift.get(place[:2], 0)) / source.rate
        for place in places
    ]


def _once_each(found: OwnPictures) -> None:
    """Keep each picture once where sources lie in each other, with what any of them says of it; the
    first goes before others."""
    kept: dict[tuple[Path, str], OwnPicture] = {}
    other: dict[str, list[str]] = {}
    for picture in found.pictures:
        # A table may name them by a way around ("../yard/1.jpg").
        key = (Path(os.path.normpath(picture.path)), picture.split)
        if key not in kept:
            kept[key] = picture
            continue
        found.rejected.append(Rejected(picture.path, "named twice; it is kept once"))
        first = kept[key]
        for what, ours, theirs in (
            ("person", first.pid, picture.pid), ("camera", first.camera, picture.camera)
        ):  # fmt: skip
            if ours and theirs and ours != theirs:
                said = f"{shown(first.path.name)}: {shown(ours)}, not {shown(theirs)}"
                other.setdefault(what, []).append(said)
        kept[key] = first._replace(
            pid=first.pid or picture.pid,
            camera=first.camera or picture.camera,
            time=picture.time if first.time is None else first.time,
            track=first.track or picture.track,
        )
    found.pictures = list(kept.values())
    for what, pictures in other.items():
        found.notes.append(
            f"{counted(len(pictures), 'picture is', 'pictures are')} given two {what}s; a table's "
            f"goes before that of folders and file names ({peek(pictures, 2)})"
        )


def _label(text: str) -> str:
    return "" if text.strip().lower() in _UNKNOWN else text.strip()


def _numbered(
    labels: Iterable[str], what: str, first: int
) -> tuple[Mapping[str, int], dict[int | None, str], str]:
    """A number for each label, the names of numbers that are called otherwise, and a note where
    labels are names."""
    distinct = sorted(set(labels) - {""}, key=_natural)
    whole = all(_WHOLE.fullmatch(label) for label in distinct)
    own = {label: int(label) for label in distinct} if whole else {}
    if distinct and len(set(own.values())) == len(distinct):
        start = min(1, *own.values()) if what == "cameras" else 0
        numbers = {label: number - start for label, number in own.items()}
        return numbers, camera_names_of(numbers) if what == "cameras" else {}, ""
    numbers = {label: first + i for i, label in enumerate(distinct)}
    note = describe_numbering(numbers, what) if numbers else ""
    return numbers, names_of(numbers, own=False), note


def _natural(label: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts cam2 before cam10, whatever else stands there."""
    chunks = (
        (0, int(chunk), "") if _WHOLE.fullmatch(chunk) else (1, 0, chunk.casefold())
        for chunk in _CHUNK.split(label)
        if chunk
    )
    return (*chunks, (2, 0, label))


def _on_one_clock(times: Sequence[Time]) -> tuple[list[float | None], datetime | None, str]:
    """Times in seconds; dates count from the first, which comes with them, and a note."""
    numbers = [time if isinstance(time, float) else None for time in times]
    if not any(isinstance(time, datetime) for time in times):
        return numbers, None, ""
    if any(number is not None for number in numbers):
        mixed = "times are not used: some are dates and some are numbers of seconds"
        return [None] * len(times), None, mixed
    seconds, first = seconds_from_first(times)
    return seconds, first, f"times are seconds after {first.isoformat(' ')}, the first picture"


def _in_splits(
    refs: Sequence[ImageRef], splits: Sequence[str], split: bool
) -> tuple[dict[str, list[ImageRef]], list[str]]:
    sets: dict[str, list[ImageRef]] = {"train": [], "query": [], "gallery": []}
    if not split:
        return {**sets, "gallery": list(refs)}, []
    # What lies beside a folder of queries is what they are searched in, and the other way round.
    elsewhere = "query" if "gallery" in splits and "query" not in splits else "gallery"
    for ref, name in zip(refs, splits, strict=True):
        sets[name or elsewhere].append(ref)
    if sets["query"] or not sets["gallery"]:
        return sets, []
    sets["query"], sets["gallery"], note = choose_queries(sets["gallery"])
    return sets, [note]
