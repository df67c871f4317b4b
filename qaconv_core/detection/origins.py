"""Where crops come from: the scene or video of a crop, and everybody's boxes on it.

The tables of an output folder of ``qaconv detect`` tell. People whom somebody chose on scenes are
written in the same form, so that a crop remembers its scene in the same way.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qaconv_core.data.images import read_image
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.detection.crops import BOXES, PICTURES, crop_name, cut, output_of
from qaconv_core.detection.foreign import GivenBoxes
from qaconv_core.detection.frames import Video
from qaconv_core.detection.job import Work, detect_people
from qaconv_core.detection.sources import find_sources
from qaconv_core.errors import InputError
from qaconv_core.files import check_input
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.readable import shown
from qaconv_core.store.folders import SOURCES

_KEPT = 4
"""Output folders whose tables are kept in memory."""
_SOUGHT_FROM = 200
_AS_COMPRESSED = 4.0
"""Mean difference of levels that compression makes; neighbouring frames of people differ more."""


@dataclass(frozen=True)
class ScenePeople:
    """A scene and the people on it: a picture, or frame number ``frame`` of a video."""

    path: Path
    boxes: tuple[PersonBox, ...] = ()
    frame: int | None = None


@dataclass(frozen=True)
class Origin:
    """The scene that a crop was cut out of; its own box is ``scene.boxes[own]``."""

    scene: ScenePeople
    own: int


@dataclass(frozen=True)
class _Tables:
    """Of one output folder: crop → row of boxes, rows by file and frame, files' places."""

    rows: dict[str, int]
    boxes: tuple[tuple[str, int, PersonBox], ...]
    of_frame: dict[tuple[str, int], tuple[int, ...]]
    places: dict[str, str]


def origin_of(crop: Path) -> Origin | None:
    """The scene of a crop; None where no table tells.

    Raises :class:`InputError` where the tables are damaged, or the scene is not there any more.
    """
    root = output_of(crop)
    if root is None:
        return None
    tables = _read(root, *(_stamp(root / name) for name in (BOXES, PICTURES, SOURCES)))
    row = tables.rows.get(crop.relative_to(root).as_posix())
    if row is None:
        return None
    file, frame, _ = tables.boxes[row]
    path = _place(root, file, tables.places)
    rows = tables.of_frame[file, frame]
    boxes = tuple(tables.boxes[number][2] for number in rows)
    video = crop_name(file, frame, rows.index(row) + 1, True) == crop.relative_to(root).as_posix()
    return Origin(ScenePeople(path, boxes, frame if video else None), rows.index(row))


def picture_of(
    scene: ScenePeople, crop: Path | None = None, own: int = 0, context: WorkContext = NO_CONTEXT
) -> npt.NDArray[np.uint8]:
    """The picture of a scene, (h, w, 3) uint8 RGB, upright. Raises ImageError or InputError.

    A late frame of a video is sought, and taken where ``crop``, the picture of box ``own``, was cut
    out of it: seeking is not exact in every file. Else the video is gone through.
    """
    if scene.frame is None:
        return np.asarray(read_image(scene.path))
    if crop is not None and scene.frame > _SOUGHT_FROM:
        with Video(scene.path) as video:
            picture = video.sought(scene.frame)
        if picture is not None and _shows(picture, scene.boxes[own], crop):
            return picture
    with Video(scene.path) as video:
        tracker = context.tracker(shown(scene.path.name), scene.frame + 1, "frames")
        for frame in video.pictures_at({scene.frame}, on_read=tracker.advance):
            return frame.picture
    raise InputError(f"{shown(scene.path)}: has no frame {scene.frame}")


def _shows(picture: npt.NDArray[np.uint8], box: PersonBox, crop: Path) -> bool:
    """Whether a crop was cut out of a picture at a box."""
    there, kept = cut(picture, box), np.asarray(read_image(crop))
    return there.shape == kept.shape and bool(
        np.abs(there.astype(np.int16) - kept).mean() < _AS_COMPRESSED
    )


def keep_people(
    scenes: Sequence[ScenePeople], folder: Path, context: WorkContext = NO_CONTEXT
) -> tuple[Path, list[Path]]:
    """Write the crops of people on scenes into an output folder below ``folder``.

    Returns that folder, and the crops in the order of scenes and boxes. The folder is named by
    scenes and boxes: the same people are written once. Boxes lie inside their picture. Raises
    :class:`InputError`.
    """
    if not any(scene.boxes for scene in scenes):
        raise InputError("nobody is marked on the pictures; draw a box around a person first")
    paths = list(dict.fromkeys(scene.path.absolute() for scene in scenes if scene.boxes))
    sources = {source.path: source for source in find_sources(paths)[0]}
    told = [(sources[s.path.absolute()], s) for s in scenes if s.boxes]
    rows = [(source.name, s.frame or 0, box) for source, s in told for box in s.boxes]
    digest = _digest(paths, rows)
    given = GivenBoxes(rows, "the boxes drawn", digest)
    given.match(list(sources.values()))
    out = folder / digest[:16]
    done = detect_people(paths, out, given, Work(settings={"boxes": digest}), context)
    if done.rejected:
        raise InputError(str(done.rejected[0]))
    crops = [
        out / crop_name(source.name, s.frame or 0, number, source.video)
        for source, s in told
        for number in range(1, len(s.boxes) + 1)
    ]
    return out, crops


def _digest(paths: Sequence[Path], rows: Sequence[tuple[str, int, PersonBox]]) -> str:
    text = repr([(os.path.realpath(path), _stamp(path)) for path in paths]) + repr(rows)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    """What tells whether a file is still the same; zeros where it is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=_KEPT)
def _read(root: Path, *_stamps: tuple[int, int]) -> _Tables:
    boxes = []
    of_frame: dict[tuple[str, int], tuple[int, ...]] = {}
    try:
        for number, row in enumerate(_rows(root / BOXES)):
            x, y, w, h = (float(row[side]) for side in "xywh")
            score = float(row["score"]) if row["score"] else None
            track = int(row["track"]) if row["track"] else None
            key = (row["file"], int(row["frame"]))
            boxes.append((*key, PersonBox(x, y, w, h, score, track)))
            of_frame[key] = (*of_frame.get(key, ()), number)
        rows = {row["path"]: int(row["row"]) - 1 for row in _rows(root / PICTURES)}
        known = (root / SOURCES).is_file()
        places = {row["file"]: row["path"] for row in _rows(root / SOURCES)} if known else {}
        if any(not 0 <= row < len(boxes) for row in rows.values()):
            raise ValueError("other rows")
    except (KeyError, ValueError, TypeError, csv.Error, UnicodeError, OSError) as cause:
        raise InputError(
            f"{shown(root)}: its tables do not fit together; run qaconv detect again"
        ) from cause
    return _Tables(rows, tuple(boxes), of_frame, places)


def _rows(path: Path) -> list[dict[str, str]]:
    check_input(path, "table")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _place(root: Path, file: str, places: dict[str, str]) -> Path:
    """Where a scene lies: as noted, else beside its output folder or in it."""
    noted = Path(places[file]) if file in places else root / file
    for path in (noted, root.parent / file, root / file):
        if path.is_file():
            return path
    raise InputError(f"{shown(noted)}: the scene of this picture is not there any more")
