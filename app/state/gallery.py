"""The gallery as it is looked at before there is a query: order, near-duplicates, what is chosen.

Pictures are gallery indices of the open set.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from app.state.events import Event
from app.state.listing import matches_text
from app.state.values import ModelInfo
from app.state.workspace import Workspace
from qaconv_core.data.labelled import PersonCount
from qaconv_core.galleries.values import LikenessOrder, OpenSet
from qaconv_core.types import Bool, ImageSet, Int64

GALLERY_SORTS = {
    "camera": "by camera",
    "time": "by time",
    "name": "by name",
    "likeness": "by likeness",
}
NOBODY = ""
"""In place of a person: pictures that have none."""
NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class GalleryLook:
    """How the gallery is shown.

    ``sort`` is one of :data:`GALLERY_SORTS`; ``fold``: near-duplicates are one tile; ``text`` is
    looked for in file names and pids; ``person`` lists one person's pictures (None: all,
    :data:`NOBODY`: those that have no person).
    """

    sort: str = "camera"
    fold: bool = False
    text: str = ""
    person: str | None = None


@dataclass(frozen=True)
class GalleryRows:
    """What is listed: ``pictures`` (r,), and ``counts`` (r,), the pictures of the group that a row
    begins (1 where it begins none). ``open`` (r,): the group is unfolded."""

    pictures: Int64 = field(default_factory=lambda: NONE)
    counts: Int64 = field(default_factory=lambda: NONE)
    open: Bool = field(default_factory=lambda: np.empty(0, dtype=bool))

    def __len__(self) -> int:
        return len(self.pictures)


def gallery_rows(
    data: OpenSet,
    look: GalleryLook,
    likeness: LikenessOrder | None = None,
    unfolded: Collection[int] = (),
    persons: Mapping[int, str] | None = None,
) -> GalleryRows:
    """The rows of a gallery; ``unfolded`` are numbers of groups, ``persons`` the names of pictures.

    Without ``likeness`` nothing is folded, and pictures are in gallery order by likeness. A folded
    group stands where its first picture would.
    """
    keep = matches_text(data.gallery, look.text)
    if look.person is not None:
        named = persons or {}
        keep &= np.array(
            [named.get(i, NOBODY) == look.person for i in range(len(keep))], dtype=bool
        )
    order = _order(data, look.sort, likeness)
    listed = order[keep[order]]
    plain = np.ones(len(listed), dtype=np.int64), np.zeros(len(listed), dtype=bool)
    if likeness is None or not look.fold or not len(listed):
        return GalleryRows(listed, *plain)
    groups = likeness.group_of[listed]
    _, first, inverse, sizes = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    places, here = first[inverse], np.arange(len(listed))
    begins = places == here
    is_open = np.isin(groups, list(unfolded))
    shown = np.lexsort((here, places))
    shown = shown[(begins | is_open)[shown]]
    counts = np.where(begins, sizes[inverse], 1)
    return GalleryRows(listed[shown], counts[shown], (is_open & begins & (counts > 1))[shown])


def _order(data: OpenSet, sort: str, likeness: LikenessOrder | None) -> Int64:
    """All pictures in order; what is not known comes last."""
    here = np.arange(len(data.gallery))
    cameras, times = data.gallery_camids, data.gallery_times
    if sort == "camera":
        return np.lexsort((here, times, np.isnan(times), cameras, cameras < 0))
    if sort == "time":
        return np.lexsort((here, cameras, times, np.isnan(times)))
    if sort == "likeness":
        return here if likeness is None else likeness.order
    names = [path.name for path in data.gallery.paths]
    return np.array(sorted(range(len(names)), key=lambda i: (names[i], i)), dtype=np.int64)


class Gallery:
    """The gallery of the open set as it is looked at; ``persons`` are the names of its pictures,
    ``people`` all persons with their counts; pictures of the queries count, too.

    ``changed``: other rows. ``chosen_changed``: other pictures are chosen. ``people_changed``:
    other persons. ``forgotten``: set or model are others now, what is being computed is of no use.
    """

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self.look = GalleryLook()
        self.likeness: LikenessOrder | None = None
        self.unfolded: frozenset[int] = frozenset()
        self.persons: dict[int, str] = {}
        self.people: tuple[PersonCount, ...] = ()
        self.chosen: tuple[int, ...] = ()
        self.rows = GalleryRows()
        self.changed, self.chosen_changed = Event(), Event()
        self.people_changed, self.forgotten = Event(), Event()
        self._known = self._open()
        space.data_changed.connect(self._follow)
        space.model_changed.connect(self._follow)
        self._list()

    def _open(self) -> tuple[ImageSet | None, ModelInfo | None]:
        # Added pictures make another set of the same gallery.
        data = self.space.data
        return None if data is None else data.as_read.gallery, self.space.model

    def _follow(self) -> None:
        """Another set or model: likeness does not belong to it."""
        (gallery, model), (known, known_model) = self._open(), self._known
        if gallery is known and model is known_model:
            return
        self._known = gallery, model
        self.likeness, self.unfolded = None, frozenset()
        if gallery is not known:
            self.persons, self.people = {}, ()
            self.look = replace(self.look, text="", person=None)
            self.choose(())
        if self.look.sort == "likeness":
            self.look = replace(self.look, sort="camera")
        self.look = replace(self.look, fold=False)
        self.forgotten.emit()
        self._list()
        self.people_changed.emit()

    def _list(self) -> None:
        data = self.space.data
        self.rows = GalleryRows()
        if data is not None:
            self.rows = gallery_rows(data, self.look, self.likeness, self.unfolded, self.persons)
        # What cannot be seen is not chosen: the next command would change it.
        listed = set(self.rows.pictures.tolist()) if self.chosen else ()
        kept = tuple(picture for picture in self.chosen if picture in listed)
        self.changed.emit()
        self.choose(kept)

    def change_look(self, **changes: Any) -> None:
        """Change fields of ``look``; what needs likeness waits until that is known."""
        look = replace(self.look, **changes)
        if look != self.look:
            self.look = look
            self._list()

    def set_likeness(self, found: LikenessOrder | None) -> None:
        """What is alike is known now."""
        self.likeness, self.unfolded = found, frozenset()
        self._list()

    def set_persons(self, persons: Mapping[int, str], people: tuple[PersonCount, ...] = ()) -> None:
        """Pictures have other names now."""
        if (persons, people) == (self.persons, self.people):
            return
        self.persons, self.people = dict(persons), people
        if self.look.person and self.look.person not in {person.name for person in people}:
            self.look = replace(self.look, person=None)
        self._list()
        self.people_changed.emit()

    def switch_fold(self, picture: int) -> None:
        """Unfold the group of near-duplicates of a picture, or fold it again."""
        if self.likeness is not None:
            self.unfolded ^= {int(self.likeness.group_of[picture])}
            self._list()

    def choose(self, pictures: tuple[int, ...]) -> None:
        """Choose pictures, the last one chosen first."""
        if pictures != self.chosen:
            self.chosen = pictures
            self.chosen_changed.emit()

    def with_duplicates(self, pictures: Collection[int]) -> list[int]:
        """Pictures and what is folded into their tiles."""
        if self.likeness is None or not self.look.fold:
            return list(pictures)
        groups = self.likeness.groups()
        found: dict[int, None] = {}
        for picture in pictures:
            number = int(self.likeness.group_of[picture])
            alone = number in self.unfolded
            found.update(dict.fromkeys([picture] if alone else groups[number].tolist()))
        return list(found)
