"""The synthetic training sets: RandPerson and ClonedPerson, named by person, scene and frame."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from qaconv_core.data.locate import Place, Probe
from qaconv_core.data.names import SYNTHETIC, Fields
from qaconv_core.data.scan import (
    Picture,
    Scan,
    child_folder,
    child_names,
    is_picture_name,
    peek,
    scan_pictures,
)
from qaconv_core.data.times import (
    CLONEDPERSON_FIRST_CAMERA,
    RANDPERSON_FIRST_CAMERA,
    RANDPERSON_START,
    SYNTHETIC_FPS,
)
from qaconv_core.errors import DatasetError
from qaconv_core.readable import shown
from qaconv_core.types import Dataset, ImageRef, ImageSet, Rejected

_SUBSET = "randperson_subset"
_CLONED_SPLITS = {"train": "train", "query": "test/query", "gallery": "test/gallery"}
_FIRST_CLONED_PID = 700000


@dataclass(frozen=True)
class _Scenes:
    """First camid and first frame of every scene of a set."""

    title: str
    first_camera: tuple[int, ...]
    start: tuple[int, ...]

    def fault(self, fields: Fields | None) -> str | None:
        if fields is None:
            return f"its name does not fit {self.title} (like {SYNTHETIC.example})"
        if fields.pid < 0:
            return "no person (pid −1)"
        if fields.scene >= len(self.first_camera):
            last = len(self.first_camera) - 1
            return f"scene {fields.scene} is none of {self.title}'s (0 to {last})"
        return None

    def ref(self, path: Path, fields: Fields) -> ImageRef:
        time = (fields.frame + self.start[fields.scene]) / SYNTHETIC_FPS
        return ImageRef(path, fields.pid, self.first_camera[fields.scene] + fields.camera, time)


@dataclass
class _Reader:
    """Reads folders of one set and collects what has to be left out."""

    scenes: _Scenes
    rejected: list[Rejected] = field(default_factory=list)

    def refs(self, scan: Scan) -> tuple[ImageRef, ...]:
        self.rejected.extend(scan.rejected)
        return tuple(ref for ref in map(self._ref, scan.pictures) if ref is not None)

    def _ref(self, picture: Picture) -> ImageRef | None:
        fields = SYNTHETIC.read(picture.name)
        fault = self.scenes.fault(fields)
        if fields is None or fault is not None:
            self.rejected.append(Rejected(picture.path, fault or ""))
            return None
        return self.scenes.ref(picture.path, fields)


_RAND_SCENES = _Scenes("RandPerson", RANDPERSON_FIRST_CAMERA, RANDPERSON_START)
_CLONED_SCENES = _Scenes(
    "ClonedPerson", CLONEDPERSON_FIRST_CAMERA, (0,) * len(CLONEDPERSON_FIRST_CAMERA)
)


def read_randperson(folder: Path) -> Dataset:
    """RandPerson's subset: training pictures only."""
    reader = _Reader(_RAND_SCENES)
    train = reader.refs(scan_pictures(_innermost_subset(folder), recursive=True))
    if not train:
        raise DatasetError(f"{shown(folder)}: no picture named as in RandPerson "
                           f"(like {SYNTHETIC.example}); unpack the archive again")  # fmt: skip
    return Dataset(
        name="randperson",
        root=folder,
        layout="RandPerson (one folder of training pictures)",
        train=ImageSet(train, "randperson/train"),
        query=ImageSet((), "randperson/query"),
        gallery=ImageSet((), "randperson/gallery"),
        rejected=tuple(reader.rejected),
        notes=("RandPerson is for training only: it has no query and no gallery",),
        frame_rate=SYNTHETIC_FPS,
    )


def read_clonedperson(folder: Path) -> Dataset:
    """ClonedPerson: train, test/query and test/gallery."""
    reader = _Reader(_CLONED_SCENES)
    sets = {}
    for split in _CLONED_SPLITS:
        path = _cloned_split(folder, split)
        refs = () if path is None else reader.refs(scan_pictures(path, recursive=True))
        if not refs and split != "train":
            raise DatasetError(
                f"{shown(folder / _CLONED_SPLITS[split])}: no picture named as in ClonedPerson "
                f"(like 700000_s02_c00_f023389.jpg); unpack the archive again"
            )
        sets[split] = ImageSet(refs, f"clonedperson/{split}")
    notes = ["cameras are counted per scene; the upstream reader merges all scenes into one, "
             "so its results are not comparable"]  # fmt: skip
    if not sets["train"]:
        notes.append("no training pictures (train is missing or empty)")
    return Dataset(
        name="clonedperson",
        root=folder,
        layout="ClonedPerson (train, test/query, test/gallery)",
        rejected=tuple(reader.rejected),
        notes=tuple(notes),
        frame_rate=SYNTHETIC_FPS,
        train=sets["train"],
        query=sets["query"],
        gallery=sets["gallery"],
    )


def _probe_randperson(folder: Path) -> Probe:
    """RandPerson is a folder ``randperson_subset``, or one with such pictures directly in it."""
    inner = _innermost_subset(folder)
    persons = [f.pid for f in map(SYNTHETIC.read, child_names(inner)) if f is not None]
    if persons and min(persons) < _FIRST_CLONED_PID:
        return Probe(True)
    if inner == folder:
        return Probe(False)
    seen = [name for name in child_names(inner) if is_picture_name(name)]
    return Probe(
        False,
        f"{shown(inner)} holds no picture named like {SYNTHETIC.example} (seen: {peek(seen)}); "
        "unpack the archive again",
    )


def _innermost_subset(folder: Path) -> Path:
    """Below nested ``randperson_subset`` folders, as the archive makes them, the last one."""
    inner = child_folder(folder, _SUBSET)
    return folder if inner is None else _innermost_subset(inner)


def _probe_clonedperson(folder: Path) -> Probe:
    splits = {split: _cloned_split(folder, split) for split in _CLONED_SPLITS}
    if splits["query"] is None and splits["gallery"] is None:
        return Probe(False)
    for split in ("query", "gallery"):
        if splits[split] is None:
            return Probe(False, f"{shown(folder)} has no folder {_CLONED_SPLITS[split]}; "
                                "unpack the whole archive")  # fmt: skip
    named = [n for path in splits.values() if path for n in child_names(path)]
    if any(SYNTHETIC.read(name) for name in named):
        return Probe(True)
    seen = peek([name for name in named if is_picture_name(name)])
    return Probe(
        False,
        f"{shown(folder)} has the right folders, but no picture named like "
        f"700000_s02_c00_f023389.jpg (seen: {seen}): this is not ClonedPerson; check --dataset",
    )


def _cloned_split(folder: Path, split: str) -> Path | None:
    path: Path | None = folder
    for part in _CLONED_SPLITS[split].split("/"):
        path = None if path is None else child_folder(path, part)
    return path


RANDPERSON = Place(
    "randperson", "RandPerson", re.compile(r"randperson(subset|dataset|images)?"),
    f"the folder {_SUBSET} with pictures named like {SYNTHETIC.example}", _probe_randperson,
)  # fmt: skip
CLONEDPERSON = Place(
    "clonedperson", "ClonedPerson", re.compile(r"clonedperson(dataset)?"),
    "the folders train, test/query and test/gallery", _probe_clonedperson,
)  # fmt: skip
