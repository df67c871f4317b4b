"""Guesses what names and folders of somebody's pictures say: persons, cameras, times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from qaconv_core.data.camera_names import is_camera_folder
from qaconv_core.data.described import labels_of
from qaconv_core.data.description import Source
from qaconv_core.data.moments import time_of
from qaconv_core.data.name_fields import PRESETS, USUAL_PATTERNS, FieldPattern
from qaconv_core.data.scan import Picture, peek
from qaconv_core.data.splits import divide_folders
from qaconv_core.errors import DatasetError
from qaconv_core.readable import shown

_SAMPLE = 2000
_FITTING = 0.9
_FEW_FOLDERS = 12
_MANY_PICTURES = 40
_DEEPEST = 4
_FIELD_OF = {"persons": "pid", "cameras": "cam"}
_LEVELS = ("outermost", "second", "third", "fourth")


@dataclass(frozen=True)
class Wishes:
    """What a person said of the pictures; "" and None leave it to the proposal.

    ``patterns`` are names of :data:`~qaconv_core.data.name_fields.PRESETS` or patterns.
    ``folders`` has a role (``persons``, ``cameras``, ``none``) for each level, outermost first.
    ``columns`` maps our names to a table's own; "" where no column is that.
    """

    patterns: tuple[str, ...] = ()
    folders: tuple[str, ...] | None = None
    columns: Mapping[str, str] | None = None
    unit: str = ""
    rate: float | None = None
    name: str = ""


@dataclass(frozen=True)
class FolderWay:
    """How folders are read; see :class:`~qaconv_core.data.description.Source`."""

    patterns: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    unit: str = "seconds"
    rate: float | None = None

    def at(self, path: Path) -> Source:
        """A folder that is read this way."""
        return Source(path, self.patterns, self.folders, unit=self.unit, rate=self.rate)


def guess_folder_way(pictures: Sequence[Picture], wishes: Wishes, reasons: list[str]) -> FolderWay:
    """How pictures in folders are to be read; why is added to ``reasons``.

    Folders of pictures begin with the source's own where there are several sources.
    """
    if not pictures:
        return FolderWay()
    step = -(-len(pictures) // _SAMPLE)
    sample = pictures[::step]
    patterns, rate = _patterns(sample, wishes, reasons)
    fields = {name for text in patterns for name in FieldPattern(text).fields}
    folders = wishes.folders
    if folders is None:
        folders = _preset_folders(wishes) or _folders(pictures, fields, reasons)
    unit = wishes.unit or _unit(sample, patterns, rate)
    if "frame" in fields and not (rate or wishes.rate) and "time" not in fields:
        reasons.append("frames are numbered in the names; with --rate they become times")
    return FolderWay(patterns, folders, unit, wishes.rate or rate)


def _patterns(
    sample: Sequence[Picture], wishes: Wishes, reasons: list[str]
) -> tuple[tuple[str, ...], float | None]:
    """The patterns of the names, and the frame rate of the layout that they belong to."""
    if wishes.patterns:
        return _wished_patterns(wishes.patterns)
    for text in USUAL_PATTERNS:
        pattern = FieldPattern(text)
        read = [pattern.read(p.name, p.folders) for p in sample]
        fitting = [fields for fields in read if fields is not None and _sensible(fields, pattern)]
        if len(fitting) >= _FITTING * len(sample) and _telling(fitting):
            preset = next((p for p in PRESETS.values() if text in p.patterns), None)
            like = f", like {preset.title}" if preset else ""
            used = _without_roles(text, wishes.folders or ())
            if not used:
                break
            reasons.append(
                f"file names read as {used}{like} ({len(fitting):,} of {len(sample):,} looked at); "
                "--pattern says otherwise, --pattern none uses no names"
            )
            return (used,), preset.rate if preset else None
    return (), None


def _without_roles(text: str, folders: Sequence[str]) -> str:
    """A recognised pattern without what folders were said to be, which goes before names; "" where
    nothing is left."""
    said = {_FIELD_OF[role] for role in folders if role in _FIELD_OF}
    if not FieldPattern(text).fields - said:
        return ""
    return re.sub(rf"{{(?:{'|'.join(sorted(said))})(?::d)?}}", "{*}", text) if said else text


def _wished_patterns(given: Sequence[str]) -> tuple[tuple[str, ...], float | None]:
    patterns: list[str] = []
    rate = None
    for text in given:
        preset = PRESETS.get(text.strip().lower())
        if preset is not None:
            patterns += preset.patterns
            rate = preset.rate
        elif text.strip().lower() != "none":
            if "{" not in text:
                raise DatasetError(
                    f"--pattern “{shown(text)}” has no field such as {{pid}}, and is no layout "
                    f"that is known ({', '.join(PRESETS)}, none)"
                )
            FieldPattern(text)
            patterns.append(text)
    return tuple(patterns), rate


def _sensible(fields: Mapping[str, str], pattern: FieldPattern) -> bool:
    return "time" not in pattern.fields or time_of(fields["time"], "iso", None) is not None


def _telling(read: Sequence[Mapping[str, str]]) -> bool:
    """Whether the fields look like what they are called: no camera a picture, some person twice."""
    cameras = {fields["cam"] for fields in read if "cam" in fields}
    return len(cameras) <= max(2, len(read) // 4)


def _unit(sample: Sequence[Picture], patterns: Sequence[str], rate: float | None) -> str:
    if rate or not any("time" in FieldPattern(text).fields for text in patterns):
        return "seconds"
    read = labels_of(Source(Path(), tuple(patterns)), False)
    times = [read(p.name, p.folders)[0].get("time", "") for p in sample]
    known = [time for time in times if time]
    dates = sum(time_of(time, "iso", None) is not None for time in known)
    return "iso" if known and dates > len(known) / 2 else "seconds"


def _preset_folders(wishes: Wishes) -> tuple[str, ...]:
    presets = (PRESETS.get(text.strip().lower()) for text in wishes.patterns)
    return next((preset.folders for preset in presets if preset and preset.folders), ())


def _folders(pictures: Sequence[Picture], fields: set[str], reasons: list[str]) -> tuple[str, ...]:
    """What each level of folders is, as far as that can be told."""
    below = [divide_folders(picture.folders)[1] for picture in pictures]
    depth = min(_DEEPEST, max(map(len, below)))
    roles: list[str] = []
    for level in range(depth):
        counts = Counter(folders[level] for folders in below if len(folders) > level)
        role = _role(level, counts, below, fields, roles)
        roles.append(role)
        if role != "none" or level == 0:
            names = peek(sorted(counts), 4)
            what = role if role != "none" else "neither persons nor cameras"
            if role == "cameras" and _hold_cameras(below, level):
                what = "places, each with cameras of its own"
            reasons.append(
                f"{_LEVELS[level]} folders ({len(counts):,}: {names}) are {what}; --folders "
                "persons, cameras or none says otherwise"
            )
    while roles and roles[-1] == "none":
        roles.pop()
    return tuple(roles)


def _role(
    level: int,
    counts: Counter[str],
    below: Sequence[tuple[str, ...]],
    fields: set[str],
    roles: Sequence[str],
) -> str:
    inner = {folders[level + 1] for folders in below if len(folders) > level + 1}
    cameras_open = "cam" not in fields and "cameras" not in roles
    if "cam" not in fields and level and roles[-1] == "cameras" and _hold_cameras(below, level - 1):
        return "cameras"  # of those places
    persons_open = "pid" not in fields and "persons" not in roles
    if cameras_open and len(counts) > 1 and _hold_cameras(below, level):
        if _are_dates(counts):
            return "none"
        places = "pid" in fields or not persons_open or _are_places(counts, below, level)
        return "cameras" if places else "persons"
    if cameras_open and all(map(is_camera_folder, counts)) and not _hold_cameras(below, level):
        return "cameras"
    if len(counts) < 2:
        return "none"
    if "pid" in fields:
        return "cameras" if cameras_open and len(counts) <= _FEW_FOLDERS and _shared(
            below, level) else "none"  # fmt: skip
    if cameras_open and _shared(below, level) and len(counts) <= len(inner):
        return "cameras"
    few_large = len(counts) <= _FEW_FOLDERS and median(counts.values()) > _MANY_PICTURES
    if cameras_open and few_large and not inner:
        return "cameras"
    return "persons" if persons_open and not _are_dates(counts) else "none"


def _hold_cameras(below: Sequence[tuple[str, ...]], level: int) -> bool:
    """Whether the folders in those of this level are cameras by their names."""
    inner = {folders[level + 1] for folders in below if len(folders) > level + 1}
    return bool(inner) and all(map(is_camera_folder, inner))


def _are_places(names: Counter[str], below: Sequence[tuple[str, ...]], level: int) -> bool:
    """Whether folders that hold cameras are places, each with cameras of its own, and no persons:
    by their names, or as a person seldom has so many pictures in each camera."""
    if all(map(is_camera_folder, names)):
        return True
    pictures = Counter(folders[level : level + 2] for folders in below if len(folders) > level + 1)
    return len(names) <= _FEW_FOLDERS and median(pictures.values()) > _MANY_PICTURES


def _shared(below: Sequence[tuple[str, ...]], level: int) -> bool:
    """Whether folders of one name lie in several folders of this level."""
    outer: dict[str, set[str]] = {}
    for folders in below:
        if len(folders) > level + 1:
            outer.setdefault(folders[level + 1], set()).add(folders[level])
    return any(len(where) > 1 for where in outer.values())


def _are_dates(names: Counter[str]) -> bool:
    date = re.compile(r"[12][0-9]{3}[-_.]?[0-9]{2}[-_.]?[0-9]{2}")
    return all(date.fullmatch(name) for name in names)
