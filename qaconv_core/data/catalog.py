"""Opens a data set by name; all readers are called from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from qaconv_core.data import market_like, msmt, names, synthetic
from qaconv_core.data.description import find_description, find_named, fit_name
from qaconv_core.data.folder import open_folder
from qaconv_core.data.locate import Place, locate, others_like
from qaconv_core.data.own_names import PUBLISHED_NAMES, dataset_key
from qaconv_core.data.resources import resource_path
from qaconv_core.data.scan import peek
from qaconv_core.errors import DatasetError
from qaconv_core.paths import typed_path
from qaconv_core.readable import shown
from qaconv_core.types import Dataset, ImageSet


@dataclass(frozen=True)
class _Entry:
    place: Place
    read: Callable[[Path], Dataset]


def _market_like(kind: market_like.Kind) -> _Entry:
    return _Entry(kind.place, partial(market_like.read, kind))


_ENTRIES = {
    entry.place.name: entry
    for entry in (
        _market_like(market_like.MARKET),
        _market_like(market_like.DUKE),
        _market_like(market_like.CUHK03_LABELED),
        _market_like(market_like.CUHK03_DETECTED),
        _Entry(msmt.PLACE, msmt.read),
        _Entry(synthetic.RANDPERSON, synthetic.read_randperson),
        _Entry(synthetic.CLONEDPERSON, synthetic.read_clonedperson),
    )
}

DATASETS: tuple[str, ...] = PUBLISHED_NAMES
"""Names that :func:`open_dataset` knows."""

_SAME_NUMBERS = frozenset(("msmt",))
"""Sets whose train and test persons are both numbered from 0."""


def open_dataset(
    name: str, root: str | Path | None = None, *, combine_all: bool = False
) -> Dataset:
    """Open a data set: find it, read its names, decode nothing.

    ``name`` is one of :data:`DATASETS`, or the name of an import. ``root`` is the data
    directory (the set in ``<root>/<name>/``, or in the archive's own folder), the set's folder
    itself or, for ``folder``, any folder of pictures or a CSV table; ``demo`` needs none.
    Pids are those of the files, camids 0-based, times in seconds.

    With ``combine_all`` train also holds gallery and query, the latter under pids that no
    training person has; without pid 0 in Market-1501, and unchanged for sets without a test part.

    Raises :class:`DatasetError`, at once, saying what was expected, what was seen and what to do.
    """
    key = dataset_key(name)
    imported = find_named(name) if key not in DATASETS else None
    if key not in DATASETS and imported is None:
        raise unknown_set(name)
    dataset = _open(key, root) if imported is None else open_folder(imported)
    return _with_everything(dataset) if combine_all else dataset


def open_gallery(name: str, root: str | Path | None = None) -> Dataset:
    """The data set whose gallery is searched: ``name`` is one of :data:`DATASETS` (below ``root``)
    or of an import, or a folder or table.

    A folder that :func:`recognise` takes for a named set with a test part has that set's gallery;
    of any other folder or table all pictures are searched.
    """
    key = dataset_key(name)
    if key in DATASETS and key != "folder":
        return open_dataset(key, root)
    if not typed_path(name).exists():
        imported = find_named(name)
        if imported is None:
            raise unknown_set(name)
        return open_folder(imported, split=False)
    kind = recognise(name)
    dataset = open_folder(name, split=False) if kind == "folder" else open_dataset(kind, name)
    return dataset if len(dataset.gallery) else open_folder(name, split=False)


def unknown_set(name: str) -> DatasetError:
    """That a name is neither that of a data set nor of a folder or table."""
    return DatasetError(
        f"unknown data set “{shown(name)}”, and no folder or table of that name; known are "
        f"{', '.join(DATASETS)}, and what “qaconv import --dataset NAME” gave a name"
    )


def name_fault(name: str) -> str:
    """Why an import cannot be given this name; "" where it can, or where there is none."""
    if name and not fit_name(name):
        return "use letters, digits, spaces, - _ ."
    return "a published set has it" if dataset_key(name) in DATASETS else ""


def recognise(root: str | Path) -> str:
    """The name of the data set that a folder is, by its content; ``folder`` for any other, and
    where a ``qaconv.toml`` says how it is read.

    Looks at the folder itself and, where it has a data set's usual name, at the folders in it.
    """
    path = typed_path(root).absolute()
    if not path.is_dir() or find_description(path) is not None:
        return "folder"
    named = [name for name, entry in _ENTRIES.items() if entry.place.is_named(path)]
    for name in (*named, *_ENTRIES):
        place = _ENTRIES[name].place
        try:
            if place.probe(path).fits or (name in named and locate(place, path)):
                return name
        except DatasetError:
            continue
    return "folder"


def needs_import(place: str | Path) -> bool:
    """Whether a folder or table holds somebody's own pictures, of which nobody has said yet how
    they are read."""
    path = typed_path(place).absolute()
    return recognise(path) == "folder" and find_description(path) is None


def _open(name: str, root: str | Path | None) -> Dataset:
    if name == "demo":
        folder = locate(market_like.DEMO.place, resource_path("demo"))
        return market_like.read(market_like.DEMO, folder)
    if root is None:
        raise DatasetError(f"data set {name}: no folder given; name one (--data-dir)")
    # Absolute, because feature stores and worker processes outlive the current folder.
    path = typed_path(root).absolute()
    if name == "folder":
        return open_folder(path)
    entry = _ENTRIES[name]
    folder = locate(entry.place, path)
    dataset = entry.read(folder)
    others = others_like(entry.place, path, folder)
    if not others:
        return dataset
    note = f"{shown(folder)} is used; {peek([str(other) for other in others])} would fit as well"
    return replace(dataset, notes=(*dataset.notes, note))


def find_dataset(name: str, root: str | Path) -> Path:
    """The folder of one of the named sets in or below ``root``; nothing is read but names.

    Raises :class:`DatasetError` saying what was expected and seen, also for ``folder`` and
    ``demo``, which are not looked for.
    """
    if name not in _ENTRIES:
        raise DatasetError(f"“{name}” is not looked for; known are {', '.join(_ENTRIES)}")
    return locate(_ENTRIES[name].place, typed_path(root).absolute())


def _with_everything(dataset: Dataset) -> Dataset:
    """Train on everything: train, then gallery, then query, as upstream orders them."""
    extra = (*dataset.gallery, *dataset.query)
    if not extra:
        return replace(dataset, notes=(*dataset.notes, "combine_all: there is nothing to add"))
    first = 0
    if dataset.name in _SAME_NUMBERS:
        first = 1 + max((ref.pid for ref in dataset.train if ref.pid is not None), default=-1)
    added = tuple(
        replace(ref, pid=ref.pid + first)
        for ref in extra
        if ref.pid is not None and not names.is_distractor(ref)
    )
    train = ImageSet((*dataset.train, *added), dataset.train.name)
    note = f"combine_all: train also holds {len(added):,} pictures of gallery and query"
    if first:
        note += f" (their pids raised by {first:,})"
    return replace(dataset, train=train, notes=(*dataset.notes, note))
