"""Labels that somebody gave while looking, written for other programs: CSV, COCO or a folder."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from qaconv_core.data.description import FILE_NAME, Description, Source, description_toml
from qaconv_core.data.headers import COLUMNS
from qaconv_core.data.images import picture_size
from qaconv_core.data.table import readable_label
from qaconv_core.errors import InputError
from qaconv_core.naming import camera_called
from qaconv_core.readable import csv_text, shown
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.types import Dataset, ImageRef

FORMATS = (".csv", ".json")
_COLUMNS = (*COLUMNS, "person")
_TABLE = "labels.csv"
_BEGINNING = 100
"""Bytes of a file by which an export is known."""


def labels_csv(dataset: Dataset) -> str:
    """The table of :func:`export_labels` as text, paths relative to the present folder."""
    _check_names([*dataset.query, *dataset.gallery])
    return _csv(dataset, Path.cwd())


def export_labels(dataset: Dataset, target: Path) -> int:
    """Write a data set that :func:`~qaconv_core.data.labelled.labelled` made; the number of
    pictures.

    ``.csv``: a table ``path,pid,camid,time,split,person``; ``.json``: COCO, each picture one box of
    its person; a new folder: pictures copied in Market-1501's layout, with such a table and a
    ``qaconv.toml`` beside them. Persons and cameras stand there as they are called, so that all
    that read them give the names back. A file that is there is replaced only where it is an export
    of labels, and never the data set's own table. Raises :class:`InputError`.
    """
    refs = [*dataset.query, *dataset.gallery]
    _refuse_foreign(dataset, target)
    _check_names(refs)
    if target.suffix.lower() == ".csv":
        atomic_write_text(target, _csv(dataset, target.absolute().parent))
    elif target.suffix.lower() == ".json":
        atomic_write_text(target, _coco(refs))
    elif target.suffix:
        raise InputError(f"{shown(target)}: labels are exported as .csv, .json (COCO) or a folder")
    else:
        _write_market(dataset, target)
    return len(refs)


def _refuse_foreign(dataset: Dataset, target: Path) -> None:
    if target.suffix.lower() not in FORMATS or not target.is_file():
        return
    with target.open("rb") as file:
        beginning = file.read(_BEGINNING).decode("utf-8", "replace").lstrip("\ufeff")
    ours = beginning.startswith((",".join(_COLUMNS), '{\n "images": ['))
    if not ours or (dataset.root.is_file() and target.samefile(dataset.root)):
        raise InputError(
            f"{shown(target)}: is there already and is no earlier export; name another file"
        )


def _check_names(refs: list[ImageRef]) -> None:
    """Raise :class:`InputError` for a name that means something else in a table."""
    wrong = next((ref.person for ref in refs if not readable_label(ref.person)), None)
    if wrong is not None:
        raise InputError(
            f"“{shown(wrong)}” cannot be told from nobody or a number in a table; give the person "
            "another name by qaconv labels --rename"
        )


def _csv(dataset: Dataset, folder: Path) -> str:
    rows = (_row(_beside(ref.path, folder), ref, split) for split, ref in _refs(dataset))
    return csv_text(_COLUMNS, rows)


def _refs(dataset: Dataset) -> list[tuple[str, ImageRef]]:
    """All pictures with their split."""
    return [(s, ref) for s in ("query", "gallery") for ref in getattr(dataset, s)]


def _row(path: str, ref: ImageRef, split: str) -> tuple[object, ...]:
    camera = camera_called(ref.camid, ref.camera)
    return path, ref.person, camera, ref.time, split, ref.person


def _beside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if folder in path.parents else str(path)


def _coco(refs: list[ImageRef]) -> str:
    images, boxes = [], []
    for number, ref in enumerate(refs, start=1):
        width, height = picture_size(ref.path)
        images.append({"id": number, "file_name": str(ref.path), "width": width, "height": height})
        boxes.append(
            {
                "id": number, "image_id": number, "category_id": 1, "iscrowd": 0,
                "bbox": [0, 0, width, height], "area": width * height, "person_id": ref.pid,
                "person": ref.person, "camera_id": ref.camid,
                "camera": camera_called(ref.camid, ref.camera),
            }
        )  # fmt: skip
    record = {
        "images": images,
        "annotations": boxes,
        "categories": [{"id": 1, "name": "person"}],
    }
    return json.dumps(record, indent=1) + "\n"


def _write_market(dataset: Dataset, target: Path) -> None:
    """Copy pictures; the whole folder appears at once, or not at all."""
    if target.exists():
        raise InputError(f"{shown(target)}: is there already; name a new folder")
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "bounding_box_train").mkdir(parents=True)
    folders = {"query": "query", "gallery": "bounding_box_test"}
    rows = []
    for folder in folders.values():
        (part / folder).mkdir()
    refs = _refs(dataset)
    cameras = _camera_numbers([ref for _split, ref in refs])
    for number, (split, ref) in enumerate(refs, start=1):
        # A camera of its own where none is known: then no picture is junk for another.
        camera = number if ref.camid is None else cameras[ref.camid]
        frame = round(25 * ref.time) if ref.time is not None else number
        name = f"{ref.pid:04}_c{camera}s1_{frame:06}_{number:02}{ref.path.suffix.lower()}"
        name = f"{folders[split]}/{name}"
        shutil.copyfile(ref.path, part / name)
        rows.append(_row(name, ref, split))
    atomic_write_text(part / _TABLE, csv_text(_COLUMNS, rows))
    source = Source(part / _TABLE, columns={column: column for column in COLUMNS})
    atomic_write_text(part / FILE_NAME, description_toml(Description((source,)), part))
    os.replace(part, target)


def _camera_numbers(refs: list[ImageRef]) -> dict[int, int]:
    """The number of each camera in names of files: what all are called, where that is a number of
    its own from 1 on, else one more than camid."""
    called = {ref.camid: camera_called(ref.camid, ref.camera) for ref in refs}
    known = {camid: name for camid, name in called.items() if camid is not None}
    numbers = {camid: int(name) for camid, name in known.items() if name.isdecimal()}
    own = len(numbers) == len(known) == len(set(numbers.values())) and 0 not in numbers.values()
    return numbers if own else {camid: camid + 1 for camid in known}
