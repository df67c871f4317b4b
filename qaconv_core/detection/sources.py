"""What people are looked for in: pictures and videos, named one by one or found in folders."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from PIL import Image

from qaconv_core.data.camera_names import is_camera_folder
from qaconv_core.data.moments import MOMENT, moment_of
from qaconv_core.data.scan import scan_pictures, stat_fault
from qaconv_core.data.videos import is_video_name
from qaconv_core.detection.crops import FOLDER, output_of
from qaconv_core.errors import InputError
from qaconv_core.files import check_input
from qaconv_core.paths import typed_path
from qaconv_core.readable import counted, shown
from qaconv_core.types import Rejected

_IN_NAME = re.compile(rf"(?<![0-9])(?:{MOMENT})(?![0-9])")
_TAKEN, _EXIF = 0x9003, 0x8769


@dataclass(frozen=True)
class Source:
    """A picture or video: its ``path``, and its ``name`` relative to what was handed in.

    ``camera`` names what it was taken by, "" where that is not known.
    """

    path: Path
    name: str
    video: bool
    camera: str = ""


def find_sources(
    inputs: Sequence[str | Path], leave_out: Path | None = None
) -> tuple[list[Source], list[Rejected]]:
    """Pictures and videos of files and folders, in this order, each once; and what is neither.

    What lies below the folder ``leave_out`` is passed over. A folder below which the pictures lie
    in folders called ``cam1``, ``gate 3`` … names the cameras; a video is a camera of its own
    otherwise. Raises :class:`InputError` where something named is not there or no ordinary file.
    """
    sources: list[Source] = []
    rejected: list[Rejected] = []
    for text in inputs:
        path = typed_path(text).absolute()
        if path.is_dir():
            found, faults = _in_folder(path, leave_out)
            rejected += faults
        else:
            check_input(path, "picture, a video or a folder of them")
            found = [_source(path, path.name, ())]
        sources += found
    sources = _each_once(sources)
    if not sources:
        raise InputError(
            f"{', '.join(shown(text) for text in inputs)}: no picture and no video there; name "
            "pictures, videos (MP4, AVI, MOV, MKV, …) or folders of them"
        )
    return _told_apart(sources), rejected


def moment_in_name(name: str) -> datetime | None:
    """The date with time that a file's name tells; None where it tells none."""
    found = (moment_of(match.group()) for match in _IN_NAME.finditer(name))
    return next((moment for moment in found if moment is not None), None)


def moment_of_picture(path: Path) -> datetime | None:
    """When a picture was taken, by its EXIF block or its name; None where neither tells."""
    try:
        with Image.open(path) as image:
            text = str(image.getexif().get_ifd(_EXIF).get(_TAKEN, ""))
        return datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except Exception:  # a damaged block tells no time
        return moment_in_name(path.name)


def read_moment(text: str) -> datetime:
    """A date with time as typed: ``2024-05-01 12:00``. Raises :class:`InputError`."""
    moment = moment_of(text.strip())
    if moment is None:
        raise InputError(
            f"start '{shown(text)}' is no date with time; give one like 2024-05-01 12:00:00"
        )
    return moment


def _in_folder(folder: Path, leave_out: Path | None) -> tuple[list[Source], list[Rejected]]:
    scan = scan_pictures(folder, recursive=True)
    own = None if leave_out is None else Path(os.path.abspath(leave_out))
    found = [picture.path for picture in scan.pictures]
    rejected = []
    for fault in scan.rejected:
        if not is_video_name(fault.path.name):
            rejected.append(fault)
        elif (why := stat_fault(fault.path)) is None:
            found.append(fault.path)
        else:
            rejected.append(Rejected(fault.path, why))

    def outside(path: Path) -> bool:
        return own is None or own == folder or own not in path.parents

    folders = {path.parent for path in found}
    earlier = {output for folder in folders if (output := output_of(folder / "a crop")) is not None}
    for output in sorted(earlier - {own}):
        cut_out = [path for path in found if output / FOLDER in path.parents]
        found = [path for path in found if output / FOLDER not in path.parents]
        why = f"{counted(len(cut_out), 'picture')} cut out of scenes by an earlier run, left out"
        rejected.append(Rejected(output / FOLDER, why))
    sources = []
    for path in sorted(filter(outside, found), key=lambda p: p.relative_to(folder).parts):
        below = path.relative_to(folder)
        if own == folder and below.parts[0] == FOLDER:
            continue
        sources.append(_source(path, below.as_posix(), below.parts[:-1]))
    return sources, [fault for fault in rejected if outside(fault.path)]


def _source(path: Path, name: str, folders: Iterable[str]) -> Source:
    video = is_video_name(path.name)
    camera = next(filter(is_camera_folder, folders), "")
    if not camera and video:
        camera = name
    return Source(path, name, video, camera)


def _each_once(sources: list[Source]) -> list[Source]:
    found: dict[str, Source] = {}
    for source in sources:
        found.setdefault(os.path.realpath(source.path), source)
    return list(found.values())


def _told_apart(sources: list[Source]) -> list[Source]:
    """Sources of one name get that of their folder in front, and then a number."""
    for rename in (_with_folder, _with_number):
        counts = Counter(source.name for source in sources)
        twice: Counter[str] = Counter()
        told = []
        for source in sources:
            if counts[source.name] > 1:
                twice[source.name] += 1
                name = rename(source, twice[source.name])
                camera = name if source.camera == source.name else source.camera
                source = replace(source, name=name, camera=camera)
            told.append(source)
        sources = told
    return sources


def _with_folder(source: Source, number: int) -> str:
    above = source.path.parents[len(Path(source.name).parts) - 1].name
    return f"{above}/{source.name}" if above else source.name


def _with_number(source: Source, number: int) -> str:
    return source.name if number == 1 else f"{number}/{source.name}"
