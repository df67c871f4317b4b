"""Data sets in Market-1501's folders: Market-1501, DukeMTMC-reID, CUHK03-NP and the demo."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from qaconv_core.data import names
from qaconv_core.data.locate import Place, Probe, plain
from qaconv_core.data.names import Fields, NamePattern
from qaconv_core.data.scan import child_folder, child_names, is_picture_name, peek, scan_pictures
from qaconv_core.data.times import DUKE_FPS, DUKE_START, MARKET_FPS, market_shift
from qaconv_core.errors import DatasetError
from qaconv_core.readable import shown
from qaconv_core.types import Dataset, ImageRef, ImageSet, Rejected

SPLIT_FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
JUNK_BOX = "a junk box (pid −1), left out as the protocol asks"

_EXPECTED = "the folders bounding_box_train, query and bounding_box_test"
_LOOKED_AT = 200


def without_junk_boxes(rejected: Iterable[Rejected]) -> tuple[Rejected, ...]:
    """Files left out because something is wrong with them, not because the protocol says so.

    Market-1501 alone has 3,819 junk boxes; the notes count them.
    """
    return tuple(item for item in rejected if item.reason != JUNK_BOX)


@dataclass(frozen=True)
class Kind:
    """One data set of this layout: where it is, how its names read, how its clock runs.

    ``clock`` turns the fields of all pictures of all splits into seconds, in order.
    """

    place: Place
    pattern: NamePattern
    cameras: int | None = None
    frame_rate: float | None = None
    clock: Callable[[list[Fields]], list[float]] | None = None


@dataclass(frozen=True)
class _Found:
    path: Path
    fields: Fields


def read(kind: Kind, folder: Path) -> Dataset:
    """Read the set in ``folder``; both test splits may be empty where there is something to train
    on. Raises :class:`DatasetError` when one of them is, or nothing is there at all."""
    rejected: list[Rejected] = []
    found = {split: _split(kind, folder, split, rejected) for split in SPLIT_FOLDERS}
    trains_only = found["train"] and not (found["query"] or found["gallery"])
    for split in () if trains_only else ("query", "gallery"):
        if not found[split]:
            raise DatasetError(
                f"{shown(folder / SPLIT_FOLDERS[split])}: no picture named as in "
                f"{kind.place.title} (like {kind.pattern.example}); unpack the archive again"
            )
    everything = [item for items in found.values() for item in items]
    times: list[float] | list[None] = [None] * len(everything)
    if kind.clock is not None:
        times = kind.clock([item.fields for item in everything])
    refs = iter(
        [
            ImageRef(item.path, item.fields.pid, item.fields.camera - 1, time)
            for item, time in zip(everything, times, strict=True)
        ]
    )
    sets = {
        split: ImageSet(tuple(next(refs) for _ in items), f"{kind.place.name}/{split}")
        for split, items in found.items()
    }
    return Dataset(
        name=kind.place.name,
        root=folder,
        layout=f"{kind.place.title} (Market-1501 folders)",
        rejected=tuple(rejected),
        notes=tuple(_notes(kind, sets, rejected)),
        frame_rate=kind.frame_rate,
        train=sets["train"],
        query=sets["query"],
        gallery=sets["gallery"],
    )


def probe_folders(title: str, pattern: NamePattern) -> Callable[[Path], Probe]:
    """A probe for a folder that holds Market-1501's folders with names of ``pattern``."""

    def probe(folder: Path) -> Probe:
        splits = {s: child_folder(folder, name) for s, name in SPLIT_FOLDERS.items()}
        if splits["train"] is None and splits["gallery"] is None:
            return Probe(False)
        for split in ("query", "gallery"):
            if splits[split] is None:
                return Probe(False, _missing(folder, SPLIT_FOLDERS[split]))
        samples: list[str] = []
        for path in splits.values():
            if path is not None and _has_name(path, pattern, samples):
                return Probe(True)
        return Probe(False, _foreign(folder, title, pattern, samples))

    return probe


def _split(kind: Kind, folder: Path, split: str, rejected: list[Rejected]) -> list[_Found]:
    path = child_folder(folder, SPLIT_FOLDERS[split])
    if path is None:
        return []
    scan = scan_pictures(path)
    rejected.extend(scan.rejected)
    found = []
    for picture in scan.pictures:
        fields = kind.pattern.read(picture.name)
        fault = _fault(kind, fields)
        if fields is None or fault is not None:
            rejected.append(Rejected(picture.path, fault or ""))
        else:
            found.append(_Found(picture.path, fields))
    return found


def _fault(kind: Kind, fields: Fields | None) -> str | None:
    if fields is None:
        return f"its name does not fit {kind.place.title} (like {kind.pattern.example})"
    if fields.camera < 1 or (kind.cameras is not None and fields.camera > kind.cameras):
        return f"camera {fields.camera} is none of {kind.place.title}'s"
    return JUNK_BOX if fields.pid == -1 else None


def _notes(kind: Kind, sets: dict[str, ImageSet], rejected: list[Rejected]) -> list[str]:
    notes = []
    junk = sum(item.reason == JUNK_BOX for item in rejected)
    if junk:
        boxes = "box" if junk == 1 else "boxes"
        notes.append(f"{junk:,} junk {boxes} (pid −1) left out, as the protocol asks")
    if not sets["train"]:
        notes.append("no training pictures (bounding_box_train is missing or empty)")
    if kind.clock is None:
        notes.append("this set has no times: temporal lifting is not possible")
    return notes


def _has_name(folder: Path, pattern: NamePattern, samples: list[str]) -> bool:
    """Whether any picture in ``folder`` fits; names of some that do not go into ``samples``."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if pattern.read(entry.name) is not None and is_picture_name(entry.name):
                    return True
                if len(samples) < _LOOKED_AT and is_picture_name(entry.name):
                    samples.append(entry.name)
    except OSError as error:
        raise DatasetError(
            f"{shown(folder)}: the folder cannot be read ({error.strerror}); check its permissions"
        ) from error
    return False


def _missing(folder: Path, name: str) -> str:
    return (
        f"{shown(folder)} has no folder {name}; expected {_EXPECTED}, seen there: "
        f"{peek(child_names(folder))}; unpack the whole archive"
    )


def _foreign(folder: Path, title: str, pattern: NamePattern, samples: list[str]) -> str:
    if not samples:
        return f"{shown(folder)} has the right folders, but no picture in them; unpack it again"
    sample = min(samples, key=lambda name: (not name[0].isdigit(), name))
    others = (
        (names.MARKET, "market"),
        (names.DUKE, "duke"),
        (names.CUHK03, "cuhk03_np_labeled or cuhk03_np_detected"),
    )
    guess = next((name for other, name in others if other.read(sample)), None)
    way_out = f"use --dataset {guess}" if guess else "check --dataset, or use --dataset folder"
    return (
        f"{shown(folder)} has the right folders, but its pictures are named like {shown(sample)}, "
        f"not like {pattern.example}: this is not {title}; {way_out}"
    )


def _market_clock(fields: list[Fields]) -> list[float]:
    shift = market_shift((f.camera, f.scene, f.frame) for f in fields)
    return [(f.frame + shift.get((f.camera, f.scene), 0)) / MARKET_FPS for f in fields]


def _duke_clock(fields: list[Fields]) -> list[float]:
    return [(f.frame + DUKE_START[f.camera - 1]) / DUKE_FPS for f in fields]


def cuhk03_boxes(folder: Path) -> str | None:
    """``labeled`` or ``detected``, from the innermost folder name that says so; else None."""
    for name in (folder.name, *(parent.name for parent in list(folder.parents)[:2])):
        word = re.search(r"(label+ed|labelde)|(detected)", plain(name))
        if word is not None:
            return "labeled" if word.group(1) else "detected"
    return None


def _cuhk03(boxes: str) -> Kind:
    title = f"CUHK03-NP {boxes}"
    by_names = probe_folders(title, names.CUHK03)

    def probe(folder: Path) -> Probe:
        found = by_names(folder)
        said = cuhk03_boxes(folder)
        if found.fits and said not in (None, boxes):
            return Probe(False, f"{shown(folder)} holds the {said} boxes, not the {boxes} ones; "
                                f"use --dataset cuhk03_np_{said}")  # fmt: skip
        return found

    spelling = "label+ed|labelde" if boxes == "labeled" else "detected"
    aliases = re.compile(rf"cuhk0?3(np)?(new)?({spelling})?")
    expected = f"{_EXPECTED} of the {boxes} boxes"
    return Kind(Place(f"cuhk03_np_{boxes}", title, aliases, expected, probe), names.CUHK03)


MARKET = Kind(
    Place("market", "Market-1501", re.compile(r"market(1501)?(v\d+)?"), _EXPECTED,
          probe_folders("Market-1501", names.MARKET)),
    names.MARKET, frame_rate=MARKET_FPS, clock=_market_clock,
)  # fmt: skip
DUKE = Kind(
    Place("duke", "DukeMTMC-reID", re.compile(r"duke(mtmc)?(reid)?"), _EXPECTED,
          probe_folders("DukeMTMC-reID", names.DUKE)),
    names.DUKE, cameras=len(DUKE_START), frame_rate=DUKE_FPS, clock=_duke_clock,
)  # fmt: skip
CUHK03_LABELED = _cuhk03("labeled")
CUHK03_DETECTED = _cuhk03("detected")
DEMO = Kind(
    Place("demo", "the demo", re.compile("demo"), _EXPECTED,
          probe_folders("the demo", names.MARKET)),
    names.MARKET, frame_rate=MARKET_FPS, clock=_market_clock,
)  # fmt: skip
