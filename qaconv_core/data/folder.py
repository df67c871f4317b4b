"""Reads any folder of pictures: flat, one folder per person, split into query and gallery, or
described by a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qaconv_core.data.camera_names import CAMERA_NAME, CAMERA_NUMBER
from qaconv_core.data.described import open_described, title_of_description
from qaconv_core.data.description import find_description, read_description
from qaconv_core.data.headers import unfit_beside_pictures
from qaconv_core.data.labels import (
    camera_names_of,
    describe_numbering,
    names_of,
    number_labels,
)
from qaconv_core.data.locate import check_folder
from qaconv_core.data.market_like import JUNK_BOX
from qaconv_core.data.names import MARKET_LIKE, Fields
from qaconv_core.data.own_names import own_name, tables_in
from qaconv_core.data.scan import (
    Picture,
    child_names,
    empty_note,
    is_picture_name,
    peek,
    scan_pictures,
    subfolders,
)
from qaconv_core.data.splits import SPLIT_FOLDER_NAMES, choose_queries, divide_folders
from qaconv_core.data.table import read_table
from qaconv_core.errors import DatasetError
from qaconv_core.paths import typed_path
from qaconv_core.readable import shown
from qaconv_core.types import Dataset, ImageRef, ImageSet, Rejected

_SAME = "folder"
_OUTSIDE = "outside the folders query, gallery and train"


@dataclass(frozen=True)
class _Labels:
    """What is known of each picture, and how it was read, in words."""

    pids: Sequence[int | None]
    camids: Sequence[int | None]
    how: str
    notes: tuple[str, ...] = ()
    persons: Mapping[int | None, str] = field(default_factory=dict)
    cameras: Mapping[int | None, str] = field(default_factory=dict)


def open_folder(root: str | Path, *, split: bool = True) -> Dataset:
    """Open any folder of pictures, or a table of them, as a data set.

    - ``qaconv.toml`` beside the pictures, or the user's own for them, says how they are read: see
      :func:`qaconv_core.data.described.open_described`;
    - ``root`` a ``.csv`` file, or a folder holding one with a column ``path``: see
      :func:`qaconv_core.data.table.read_table`;
    - subfolders ``query`` (or ``probe``), ``gallery`` (or ``test``) and ``train`` are those
      splits; where one of query and gallery is missing, what lies beside them takes its place;
    - if every name reads like ``0002_c1s1_000451_03.jpg`` or ``0002_c1_7.png``, pid and camera
      come from the names;
    - else, if all pictures lie in two or more subfolders, each is a person (numeric names are
      the pids, other names are numbered from 1); subfolders ``cam1``, ``cam2`` … are cameras;
    - else pids and cameras are not known.

    Without a split, queries are chosen as :mod:`qaconv_core.data.splits` says; ``split=False``
    puts every picture into the gallery instead (for a search). Raises :class:`DatasetError`.
    """
    root = typed_path(root).absolute()
    described = find_description(root)
    if described is not None:
        return open_described(described, split=split)
    if root.is_file() and root.suffix.lower() == ".csv":
        return read_table(root, split=split)
    check_folder(root, "the pictures")
    folder = _unwrapped(root)
    table, unused = _table_in(folder)
    if table is not None:
        return read_table(table, split=split)
    return _read_pictures(folder, split, unused)


def own_table(root: Path) -> Path | None:
    """The table by which a folder is opened, as in :func:`open_folder`; None where there is none.

    Raises :class:`DatasetError` when several could be meant.
    """
    return _table_in(_unwrapped(root))[0]


def title_at(root: Path) -> str:
    """What the pictures in a folder or table are called, without reading them."""
    described = find_description(root)
    if described is not None:
        return title_of_description(read_description(described))
    table = None if root.is_file() else own_table(root)
    return own_name(table or (root if root.is_file() else _unwrapped(root)))


def _read_pictures(folder: Path, split: bool, tables: Mapping[Path, str]) -> Dataset:
    """Every picture below ``folder``; ``tables`` are those left out there, and why."""
    scan = scan_pictures(folder, recursive=True)
    rejected = [Rejected(r.path, tables.get(r.path, r.reason)) for r in scan.rejected]
    if not scan.pictures and len(tables) == 1:
        return read_table(next(iter(tables)), split=split)  # its error says what it lacks
    if not scan.pictures:
        raise DatasetError(
            f"{shown(folder)}: no picture in it or below (seen: {peek(child_names(folder))}); name "
            "a folder with JPEG, PNG, BMP, WebP, TIFF, GIF or PPM pictures"
        )
    splits = _split_of_each(scan.pictures)
    labels = _labels(scan.pictures)
    notes = [*filter(None, [empty_note({folder: scan})]), *labels.notes]
    by_split: dict[str, list[ImageRef]] = {"train": [], "query": [], "gallery": []}
    for picture, name, pid, camid in zip(
        scan.pictures, splits, labels.pids, labels.camids, strict=True
    ):
        if pid == -1 or (split and not name):
            rejected.append(Rejected(picture.path, JUNK_BOX if pid == -1 else _OUTSIDE))
        else:
            named = labels.persons.get(pid, ""), labels.cameras.get(camid, "")
            ref = ImageRef(picture.path, pid, camid, None, None, *named)
            by_split[name if split else "gallery"].append(ref)
    if split and not by_split["query"] and by_split["gallery"]:
        by_split["query"], by_split["gallery"], note = choose_queries(by_split["gallery"])
        notes.append(note)
    if split and not by_split["gallery"] and not by_split["train"]:
        notes.append("there are queries only: no gallery to search")
    return Dataset(
        name=own_name(folder),
        root=folder,
        layout=f"folder of pictures ({labels.how})",
        train=ImageSet(tuple(by_split["train"]), "folder/train"),
        query=ImageSet(tuple(by_split["query"]), "folder/query"),
        gallery=ImageSet(tuple(by_split["gallery"]), "folder/gallery"),
        rejected=tuple(rejected),
        notes=tuple(notes),
    )


def _unwrapped(root: Path) -> Path:
    """Descend into ``<root>/folder``, or an archive's own folder, if ``root`` holds no files."""
    inside = list(subfolders(root))
    names = child_names(root)
    if any(is_picture_name(name) or name.lower().endswith(".csv") for name in names):
        return root
    for child in inside:
        if child.name.lower() == _SAME:
            return child
    if len(inside) != 1 or inside[0].name.lower() in SPLIT_FOLDER_NAMES:
        return root
    deeper = any(child.name.lower() in SPLIT_FOLDER_NAMES for child in subfolders(inside[0]))
    return inside[0] if deeper or _table_in(inside[0])[0] is not None else root


def _table_in(folder: Path) -> tuple[Path | None, dict[Path, str]]:
    """The one table of a folder, and the others with the reason why they are not used.

    Raises :class:`DatasetError` when several could be meant.
    """
    tables = tables_in(folder)
    unused = {table: why for table in tables if (why := unfit_beside_pictures(table))}
    fit = [table for table in tables if table not in unused]
    if len(fit) > 1:
        found = ", ".join(shown(table.name) for table in fit)
        raise DatasetError(
            f"{shown(folder)}: several tables could be meant ({found}); name the file itself"
        )
    return (fit[0] if fit else None), unused


def _split_of_each(pictures: Sequence[Picture]) -> list[str]:
    """The split of each picture by its topmost folder; "" for those that belong to none."""
    names = [divide_folders(picture.folders)[0] for picture in pictures]
    if "query" in names and "gallery" in names:
        return names
    # With a gallery but no query, pictures beside the gallery can only be the queries.
    elsewhere = "query" if "gallery" in names else "gallery"
    return [name or elsewhere for name in names]


def _labels(pictures: Sequence[Picture]) -> _Labels:
    fields = [MARKET_LIKE.read(picture.name) for picture in pictures]
    named = [f for f in fields if f is not None]
    if len(named) == len(pictures):
        return _from_names(named)
    below = [divide_folders(picture.folders)[1] for picture in pictures]
    camids, camera_names, cam_note, cameras = _cameras(below)
    persons = [_person(folders, cameras) for folders in below]
    notes = [cam_note] if cam_note else []
    if None in persons or len(set(persons)) < 2:
        how = "cameras from folder names, no person ids" if cam_note else "no person ids"
        return _Labels([None] * len(pictures), camids, how, tuple(notes), cameras=camera_names)
    names = [person for person in persons if person is not None]
    # -1 is how Market-1501 marks boxes that hold no person.
    numbers, own = number_labels((n for n in names if n != "-1"), first=1)
    notes.insert(0, f"each of {len(set(names)):,} folders was taken for one person; if they are "
                    "not, give a table (CSV)")  # fmt: skip
    if not own:
        notes.insert(1, describe_numbering(numbers, "person folders"))
    pids = [numbers.get(name, -1) for name in names]
    return _Labels(
        pids, camids, "one folder per person", tuple(notes), names_of(numbers, own), camera_names
    )


def _from_names(fields: Sequence[Fields]) -> _Labels:
    # Names with a camera 0 count cameras from 0 already.
    first = min(1, min(f.camera for f in fields))
    return _Labels(
        [f.pid for f in fields],
        [f.camera - first for f in fields],
        "person and camera from file names",
        (f"cameras in the file names count from {first}",),
        cameras=camera_names_of({str(f.camera): f.camera - first for f in fields}),
    )


def _cameras(
    below: Sequence[tuple[str, ...]],
) -> tuple[list[int | None], Mapping[int | None, str], str, re.Pattern[str]]:
    """Cameras from folders called cam1, cam_a, north …, when every picture lies in one.

    Also their names, a note ("" where there are none), and which names of folders are a camera's.
    """
    found = [next(filter(None, map(CAMERA_NUMBER.fullmatch, folders)), None) for folders in below]
    numbers = [int(match.group(1)) for match in found if match is not None]
    note = "cameras were taken from folder names"
    if numbers and len(numbers) == len(below):
        first = min(1, min(numbers))
        called = camera_names_of({str(number): number - first for number in numbers})
        return [number - first for number in numbers], called, note, CAMERA_NUMBER
    names = [next(filter(CAMERA_NAME.fullmatch, folders), None) for folders in below]
    known = [name for name in names if name is not None]
    if len(known) < len(below) or len(set(known)) < 2:
        return [None] * len(below), {}, "", CAMERA_NUMBER
    order = {name: number for number, name in enumerate(sorted(set(known)))}
    return (
        [order[name] for name in known],
        names_of(order, own=False),
        f"{note}; {describe_numbering(order, 'they')}",
        CAMERA_NAME,
    )


def _person(folders: tuple[str, ...], cameras: re.Pattern[str]) -> str | None:
    """The outermost folder that is not a camera's."""
    return next((name for name in folders if cameras.fullmatch(name) is None), None)
