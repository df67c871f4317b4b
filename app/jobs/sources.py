"""What rankings and explanations are computed from: the maps of the open set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.state.events import Event, EventQueue

if TYPE_CHECKING:
    from qaconv_core.galleries.partial import PartialGallery
    from qaconv_core.galleries.search import GallerySearch


class Sources:
    """``growing`` holds the maps computed so far, ``matching`` all maps; at most one is there.

    ``changed`` is emitted when the first maps are there, and when all are.
    """

    def __init__(self, queue: EventQueue) -> None:
        self.matching: GallerySearch | None = None
        self.growing: PartialGallery | None = None
        self.changed = Event(queue)

    @property
    def best(self) -> GallerySearch | PartialGallery | None:
        """All maps, else those computed so far, else None."""
        return self.matching or self.growing

    def begin(self, growing: PartialGallery) -> None:
        """The first maps are there."""
        self.growing = growing
        self.changed.emit()

    def use(self, matching: GallerySearch) -> None:
        """All maps are there."""
        self.matching, self.growing = matching, None
        self.changed.emit()

    def close(self) -> None:
        """Forget the maps and give the feature store back."""
        if self.matching is not None:
            self.matching.close()
        self.matching = self.growing = None
