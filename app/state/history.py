"""Back and forward, as in a browser."""

from __future__ import annotations

from typing import Generic, TypeVar

Place = TypeVar("Place")
LONGEST = 200


class History(Generic[Place]):
    """The places looked at, with a current one; a new place drops those after the current one."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._at = -1

    def visit(self, place: Place) -> None:
        """Note a place; the same one twice in a row counts once."""
        if self._at >= 0 and self._places[self._at] == place:
            return
        self._places = [*self._places[: self._at + 1], place][-LONGEST:]
        self._at = len(self._places) - 1

    def replace(self, place: Place) -> None:
        """Replace the current place, which was selected automatically, by another."""
        if self._at >= 0:
            self._places[self._at] = place

    @property
    def can_go_back(self) -> bool:
        """Whether there is a place before the current one."""
        return self._at > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether there is a place after the current one."""
        return self._at + 1 < len(self._places)

    def back(self) -> Place | None:
        """The place before, which becomes the current one; None where there is none."""
        if not self.can_go_back:
            return None
        self._at -= 1
        return self._places[self._at]

    def forward(self) -> Place | None:
        """The next place, which becomes the current one; None where there is none."""
        if not self.can_go_forward:
            return None
        self._at += 1
        return self._places[self._at]
