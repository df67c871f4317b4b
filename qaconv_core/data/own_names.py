"""What pictures of one's own are called where nobody gave them a name."""

from __future__ import annotations

import os
from pathlib import Path

from qaconv_core.data.headers import unfit_beside_pictures
from qaconv_core.readable import shown

PUBLISHED_NAMES = (
    *("market", "duke", "cuhk03_np_labeled", "cuhk03_np_detected", "msmt", "randperson"),
    *("clonedperson", "folder", "demo"),
)
"""Names that mean a set of a known layout, and none of one's own."""


def dataset_key(name: str) -> str:
    """The form in which data sets are named: ``CUHK03-NP-labeled`` in lower case with
    underscores."""
    return name.strip().lower().replace("-", "_")


def own_name(place: Path) -> str:
    """The name of a folder or table: the folder's own; of one of several tables in a folder also
    the table's. Never one of :data:`PUBLISHED_NAMES`."""
    folder = place.parent if place.is_file() else place
    name = folder.name or folder.drive.rstrip(":") or "pictures"
    if folder != place and len(fit_tables(folder)) > 1:
        name = f"{name} {place.stem}"
    if dataset_key(name) in PUBLISHED_NAMES:
        name = f"{name} (own pictures)"
    return shown(name)


def fit_tables(folder: Path) -> list[Path]:
    """The tables in a folder that list pictures."""
    return [table for table in tables_in(folder) if not unfit_beside_pictures(table)]


def tables_in(folder: Path) -> list[Path]:
    """The tables in a folder, sorted by name, without hidden ones; none where it cannot be read."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    csv = (folder / n for n in names if n.lower().endswith(".csv") and not n.startswith("."))
    return [table for table in csv if table.is_file()]
