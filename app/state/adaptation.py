"""An adaptation of the open model to the open pictures: what is asked for, found and decided.

No Qt; the work is done in :mod:`app.jobs.adaptation_jobs`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.state.events import Event
from app.state.requests import ModelRequest

if TYPE_CHECKING:  # they load torch
    from qaconv_core.adaptation import AdaptationResult, FoundGroups

SUFFIX = ".pth.tar"


@dataclass(frozen=True)
class AdaptationRequest:
    """The new model goes to ``out``. With ``review`` each round waits for a person to look at its
    groups. ``anew`` forgets what was begun for ``out`` before."""

    out: Path
    rounds: int = 2
    review: bool = True
    anew: bool = False


@dataclass
class Adaptation:
    """The one adaptation of the window.

    ``found`` are the groups of the round under way. ``groups_out`` and ``pictures_out`` are what a
    person takes out of them. ``waiting`` says that the round waits for that. ``old`` is the model
    that was adapted, while the new one may be used. ``forecast`` is in words, "" while it is not
    known.

    ``changed``: it stands elsewhere now. ``groups_changed``: other groups, or others taken out.
    """

    request: AdaptationRequest | None = None
    running: bool = False
    waiting: bool = False
    forecast: str = ""
    found: FoundGroups | None = None
    result: AdaptationResult | None = None
    old: ModelRequest | None = None
    groups_out: set[int] = field(default_factory=set)
    pictures_out: set[Path] = field(default_factory=set)
    changed: Event = field(default_factory=Event)
    groups_changed: Event = field(default_factory=Event)

    def begin(self, request: AdaptationRequest, old: ModelRequest) -> None:
        """It is under way, at its beginning or where it was stopped."""
        self.request, self.old = request, old
        self.running, self.waiting = True, False
        self.result = None
        self.changed.emit()

    def forget(self) -> None:
        """Nothing is known of an adaptation."""
        self.request = self.found = self.result = self.old = None
        self.running = self.waiting = False
        self.groups_out, self.pictures_out = set(), set()
        self.forecast = ""
        self.groups_changed.emit()
        self.changed.emit()

    def set_forecast(self, words: str) -> None:
        """It is known how long it takes."""
        self.forecast = words
        self.changed.emit()

    def show_groups(self, found: FoundGroups) -> None:
        """The groups of a round are there."""
        self.found = found
        self.groups_out = set(found.left_out)
        whole = {ref.path for number in found.left_out for ref in found.groups[number - 1]}
        self.pictures_out = set(found.taken_out) - whole
        self.groups_changed.emit()

    def wait(self) -> None:
        """A person is to look at the groups before anything is learned."""
        self.running, self.waiting = False, True
        self.changed.emit()

    def stop(self) -> None:
        """It is not under way any more."""
        self.running = False
        self.changed.emit()

    def finish(self, result: AdaptationResult) -> None:
        """It has come to its end."""
        self.running, self.result = False, result
        self.changed.emit()

    # ── what is wrong ───────────────────────────────────────────────────────────────────────────

    def toggle_group(self, number: int) -> None:
        """Take a group (from 1) out, or back in with all its pictures."""
        if not self.waiting or self.found is None or number in self.found.held_out:
            return
        if number in self.groups_out:
            self.groups_out.remove(number)
        else:
            self.groups_out.add(number)
        self.pictures_out -= {ref.path for ref in self.found.groups[number - 1]}
        self.groups_changed.emit()

    def toggle_picture(self, number: int, path: Path) -> None:
        """Take one picture of a group out, or back in."""
        if not self.waiting or self.found is None or number in self.found.held_out:
            return
        if number in self.groups_out:  # all but this one stay out
            self.groups_out.remove(number)
            others = {ref.path for ref in self.found.groups[number - 1]} - {path}
            self.pictures_out |= others
        else:
            self.pictures_out ^= {path}
        self.groups_changed.emit()


def default_out(folder: Path, data: str, model: str) -> Path:
    """A file in ``folder`` for the model ``model`` adapted to the set ``data``, not there yet."""
    stem = "-".join(
        re.sub(r"[^\w-]+", "_", part.removesuffix(SUFFIX)).strip("_") or "own"
        for part in (data, "from", model)
    )
    number, out = 1, folder / f"{stem}{SUFFIX}"
    while out.exists():
        number += 1
        out = folder / f"{stem}-{number}{SUFFIX}"
    return out
