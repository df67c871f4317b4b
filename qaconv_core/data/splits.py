"""Chooses query and gallery where a person's own pictures come without a split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from qaconv_core.data.names import is_distractor
from qaconv_core.types import ImageRef

NO_PIDS = (
    "no person ids: every picture is in the gallery and there is no query; "
    "it can be searched with query pictures of your own, but nothing can be measured"
)
CHOSEN = (
    "no split given: the first picture of a person in each camera where there are several is a "
    "query, all others are the gallery (a person with one picture per camera gives one query)"
)

SPLIT_FOLDER_NAMES = {
    "query": "query",
    "queries": "query",
    "probe": "query",
    "gallery": "gallery",
    "bounding_box_test": "gallery",
    "test": "gallery",
    "train": "train",
    "val": "train",
    "bounding_box_train": "train",
}
"""Usual names of the folders of a split, in lower case."""


def why_missing(notes: Sequence[str]) -> str:
    """Why a data set with these notes has no pictures of a split, as far as they say."""
    first = notes[0] if notes else "qaconv check says what was found"
    return next((note for note in (NO_PIDS, CHOSEN) if note in notes), first)


def divide_folders(folders: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """A picture's split ("" when its topmost folder is none) and its folders below that."""
    if (
        len(folders) > 1
        and folders[0].lower() == "test"
        and folders[1].lower() in SPLIT_FOLDER_NAMES
    ):
        folders = folders[1:]
    split = SPLIT_FOLDER_NAMES.get(folders[0].lower(), "") if folders else ""
    return split, folders[1:] if split else folders


def choose_queries(refs: Sequence[ImageRef]) -> tuple[list[ImageRef], list[ImageRef], str]:
    """Split pictures into query and gallery; also returns the sentence that explains it.

    A query leaves the gallery, so that no picture is ever matched with itself. In each (pid,
    camid) group of two or more the first picture becomes a query; a person with single pictures
    only gives the first of them. So every query keeps whatever true matches the person has. A
    distractor is never a query.
    """
    if all(ref.pid is None for ref in refs):
        return [], list(refs), NO_PIDS
    groups: dict[int, dict[int | None, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, ref in enumerate(refs):
        if ref.pid is not None and not is_distractor(ref):
            groups[ref.pid][ref.camid].append(index)
    chosen: set[int] = set()
    for cameras in groups.values():
        several = [members[0] for members in cameras.values() if len(members) > 1]
        if not several and len(cameras) > 1:
            several = [next(iter(cameras.values()))[0]]
        chosen.update(several)
    query = [ref for i, ref in enumerate(refs) if i in chosen]
    gallery = [ref for i, ref in enumerate(refs) if i not in chosen]
    return query, gallery, CHOSEN
