"""What rankings and explanations are computed from: the maps of the open set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.state.events import Event, EventQueue

if TYPE_CHECKING:
    from app.jobs.growing_set import GrowingSet
    from app.jobs.matching_set import MatchingSet


class Sources:
    """``growing`` holds the maps computed so far, ``matching`` all maps; at most one is there.

    ``changed`` is emitted when the first maps are there, and when all are.
    """

    def __init__(self, queue: EventQueue) -> None:
        self.matching: MatchingSet | None = None
        self.growing: GrowingSet | None = None
        self.changed = Event(queue)

    @property
    def best(self) -> MatchingSet | GrowingSet | None:
        """All maps, else those computed so far, else None."""
        return self.matching or self.growing

    def begin(self, growing: GrowingSet) -> None:
        """The first maps are there."""
        self.growing = growing
        self.changed.emit()

    def use(self, matching: MatchingSet) -> None:
        """All maps are there."""
        self.matching, self.growing = matching, None
        self.changed.emit()

    def close(self) -> None:
        """Forget the maps and give the feature store back."""
        if self.matching is not None:
            self.matching.close()
        self.matching = self.growing = None
