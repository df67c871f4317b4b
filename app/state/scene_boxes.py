"""The boxes of people on one scene while they are corrected: chosen, moved, drawn, deleted, undone.

Plain geometry in pixels of the scene; where on the screen it is shown is for the view.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from qaconv_core.detection.boxes import SAME_PERSON, PersonBox, corners_of, overlaps

LEAST = 8.0
"""Pixels that a box is wide and high at least."""
LEAST_DRAWN = (16.0, 32.0)
"""Width and height in pixels of the scene that a new box has at least: on fewer nobody can be told
from others."""
MOST_UNDONE = 200
Handle = Literal["", "inside", "n", "s", "w", "e", "nw", "ne", "sw", "se"]
INSIDE: Handle = "inside"
Found = Literal["waiting", "looking", "found", "failed"]


@dataclass(frozen=True)
class _State:
    boxes: tuple[PersonBox, ...] = ()
    chosen: frozenset[int] = frozenset()
    current: int | None = None


class SceneBoxes:
    """The people on one scene, a picture or frame ``frame`` of a video.

    ``size`` is (width, height) in pixels, None until the picture was read. ``found`` says how far
    looking for people has come; boxes that a person drew meanwhile stay. ``crop`` is the picture
    that was cut out of it, where the scene was opened for one.
    """

    def __init__(self, path: Path, frame: int | None = None, crop: Path | None = None) -> None:
        self.path, self.frame, self.crop = path, frame, crop
        self.size: tuple[int, int] | None = None
        self.found: Found = "waiting"
        self.fault = ""
        self._now = _State()
        self._before: list[_State] = []
        self._undone: list[_State] = []

    @property
    def title(self) -> str:
        """What the scene is called."""
        return self.path.name if self.frame is None else f"{self.path.name}, frame {self.frame:,}"

    @property
    def boxes(self) -> tuple[PersonBox, ...]:
        """All boxes, in the order in which they came."""
        return self._now.boxes

    @property
    def chosen(self) -> frozenset[int]:
        """Numbers of the boxes that are chosen."""
        return self._now.chosen

    @property
    def current(self) -> int | None:
        """The box that keys move; always a chosen one."""
        return self._now.current

    def picked(self) -> tuple[PersonBox, ...]:
        """The chosen boxes, in order."""
        return tuple(self.boxes[number] for number in sorted(self.chosen))

    # ── what is there ───────────────────────────────────────────────────────────────────────────

    def set_found(self, boxes: tuple[PersonBox, ...], own: int | None = None) -> None:
        """People were found, or are known; ``own`` is chosen.

        What was drawn before stays, and stands for whoever was found there too.
        """
        if self.boxes and boxes:
            both = overlaps(corners_of(list(boxes)), corners_of(list(self.boxes)))
            boxes = tuple(
                box for box, shared in zip(boxes, both, strict=True) if shared.max() < SAME_PERSON
            )
        kept = len(boxes)
        chosen = frozenset(kept + number for number in self.chosen)
        current = None if self.current is None else kept + self.current
        if own is not None:
            chosen, current = frozenset((own,)), own
        self._now = _State((*boxes, *self.boxes), chosen, current)
        self._before, self._undone = [], []
        self.found = "found"

    def look_again(self) -> None:
        """Forget whoever was found and left as found; what a person drew or corrected stays."""
        self._now = _State(tuple(box for box in self.boxes if box.score is None))
        self._before, self._undone = [], []
        self.found, self.fault = "waiting", ""

    def add(self, box: PersonBox) -> None:
        """One more box, chosen alone."""
        number = len(self.boxes)
        self._change(_State((*self.boxes, box), frozenset((number,)), number))

    def delete(self) -> None:
        """Delete what is chosen; the box after it is chosen."""
        if not self.chosen:
            return
        left = tuple(box for number, box in enumerate(self.boxes) if number not in self.chosen)
        after = min(min(self.chosen), len(left) - 1)
        chosen = frozenset((after,)) if left else frozenset()
        self._change(_State(left, chosen, after if left else None))

    def put(self, box: PersonBox, *, anew: bool = True) -> None:
        """The current box is another one. Not ``anew``: the same drag goes on, undone in one."""
        if self.current is None:
            return
        boxes = list(self.boxes)
        boxes[self.current] = box
        state = replace(self._now, boxes=tuple(boxes))
        if anew:
            self._change(state)
        else:
            self._now = state

    def _change(self, state: _State) -> None:
        self._before = [*self._before[1 - MOST_UNDONE :], self._now]
        self._undone = []
        self._now = state

    def undo(self) -> None:
        """Take the last change of boxes back."""
        self._travel(self._before, self._undone)

    def redo(self) -> None:
        """Make the change that was taken back again."""
        self._travel(self._undone, self._before)

    def _travel(self, way: list[_State], back: list[_State]) -> None:
        if way:
            back.append(self._now)
            self._now = way.pop()

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._before)

    # ── what is chosen ──────────────────────────────────────────────────────────────────────────

    def choose(self, number: int | None, more: bool = False) -> None:
        """Choose a box alone, or with ``more`` besides the others, or not any more."""
        if number is None:
            self._now = replace(self._now, chosen=frozenset(), current=None)
        elif not more:
            self._now = replace(self._now, chosen=frozenset((number,)), current=number)
        elif number in self.chosen:
            chosen = self.chosen - {number}
            current = max(chosen) if chosen and self.current == number else self.current
            self._now = replace(self._now, chosen=chosen, current=current if chosen else None)
        else:
            self._now = replace(self._now, chosen=self.chosen | {number}, current=number)

    def choose_all(self) -> None:
        """Choose every box."""
        if self.boxes:
            everyone = frozenset(range(len(self.boxes)))
            self._now = replace(self._now, chosen=everyone, current=self.current or 0)

    def step(self, by: int) -> None:
        """Choose the next box from left to right (1), or the one before (−1), round and round."""
        order = sorted(range(len(self.boxes)), key=lambda n: (self.boxes[n].x, self.boxes[n].y))
        if order:
            place = order.index(self.current) + by if self.current is not None else min(by, 0)
            self.choose(order[place % len(order)])

    def at(self, x: float, y: float) -> int | None:
        """The smallest box around a point."""
        around = [n for n, b in enumerate(self.boxes) if b.x <= x < b.x + b.w and
                  b.y <= y < b.y + b.h]  # fmt: skip
        return min(around, key=lambda n: self.boxes[n].w * self.boxes[n].h, default=None)

    # ── by keys ─────────────────────────────────────────────────────────────────────────────────

    def nudge(self, handle: Handle, dx: float, dy: float) -> None:
        """Move the current box, or an edge of it, by pixels of the scene."""
        if self.current is not None and self.size is not None:
            self.put(dragged(self.boxes[self.current], handle, dx, dy, self.size))


def handle_at(box: PersonBox, x: float, y: float, reach: float) -> Handle:
    """Which part of a box is at a point: a corner, an edge, the inside, or nothing.

    ``reach`` is how far from an edge a point may be, in pixels of the scene. A third of a small box
    stays its inside.
    """
    if not (-reach <= x - box.x <= box.w + reach and -reach <= y - box.y <= box.h + reach):
        return ""
    across, down = min(reach, box.w / 3), min(reach, box.h / 3)
    vertical = "n" if y - box.y < down else "s" if box.y + box.h - y < down else ""
    horizontal = "w" if x - box.x < across else "e" if box.x + box.w - x < across else ""
    return (vertical + horizontal) or INSIDE  # type: ignore[return-value]  # one of them


def dragged(
    box: PersonBox, handle: Handle, dx: float, dy: float, size: tuple[int, int]
) -> PersonBox:
    """A box of which an edge or corner, or the whole, was moved by (dx, dy); inside the scene.

    It has no score any more: a person says that it is right.
    """
    width, height = size
    left, top, right, bottom = box.corners
    if handle == INSIDE:
        dx = min(max(dx, -left), width - right)
        dy = min(max(dy, -top), height - bottom)
        return replace(box, x=left + dx, y=top + dy, score=None)
    if "w" in handle:
        left = min(max(left + dx, 0.0), right - LEAST)
    if "e" in handle:
        right = max(min(right + dx, float(width)), left + LEAST)
    if "n" in handle:
        top = min(max(top + dy, 0.0), bottom - LEAST)
    if "s" in handle:
        bottom = max(min(bottom + dy, float(height)), top + LEAST)
    return PersonBox(left, top, right - left, bottom - top, None, box.track)


def drawn(x: float, y: float, to_x: float, to_y: float, size: tuple[int, int]) -> PersonBox | None:
    """The box between two points, cut at the scene's borders; None where it is smaller than
    :data:`LEAST_DRAWN`."""
    width, height = size
    left, right = sorted((min(max(x, 0.0), width), min(max(to_x, 0.0), width)))
    top, bottom = sorted((min(max(y, 0.0), height), min(max(to_y, 0.0), height)))
    if right - left < LEAST_DRAWN[0] or bottom - top < LEAST_DRAWN[1]:
        return None
    return PersonBox(left, top, right - left, bottom - top)
