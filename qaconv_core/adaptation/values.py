"""What an adaptation is asked for, what it did in each round, what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qaconv_core.adaptation.checks import Check
from qaconv_core.adaptation.defaults import EPOCHS, RATE, ROUNDS, SHARE
from qaconv_core.adaptation.pictures import Pictures
from qaconv_core.adaptation.replay import MapQuality
from qaconv_core.store.folders import work_folder
from qaconv_core.types import ImageRef


@dataclass(frozen=True)
class AdaptationJob:
    """The model file ``start`` is adapted to ``pictures``; the result goes to ``out``.

    ``name`` is what reports call the old model. The work in progress lies in :attr:`folder` and is
    taken up again by an equal job. ``overwrite`` begins anew and replaces ``out``. ``memory`` are
    the bytes that decoded pictures may fill (None: half of what is free). ``without`` are groups of
    the first round, numbered from 1, that are wrong: nothing is learned from them.
    """

    pictures: Pictures
    start: Path
    out: Path
    name: str = ""
    rounds: int = ROUNDS
    epochs: int = EPOCHS
    rate: float = RATE
    seed: int = 0
    device: str = "auto"
    workers: int | None = None
    overwrite: bool = False
    input_size: tuple[int, int] | None = None
    memory: int | None = None
    without: tuple[int, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the work in progress is kept until the result is written."""
        return work_folder(self.out)


@dataclass(frozen=True)
class FoundGroups:
    """The groups of a round, for a person to look at: pictures that seem to show one person.

    Group k of ``groups`` is number k + 1. ``held_out`` and ``left_out`` are numbers of groups that
    nothing is learned from: those kept for the check, and those that a person took out.
    ``taken_out`` are single pictures that a person took out, those of whole groups among them.
    ``learning`` says that the round has begun to learn, so that nothing more can be taken out.
    """

    round: int
    groups: tuple[tuple[ImageRef, ...], ...]
    alone: int
    held_out: frozenset[int]
    left_out: frozenset[int]
    taken_out: frozenset[Path] = frozenset()
    learning: bool = False


@dataclass(frozen=True)
class Wrong:
    """What a person takes out of the groups of a round: numbers of groups from 1, and pictures."""

    groups: frozenset[int] = frozenset()
    pictures: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Round:
    """One round: the groups it learned from and what the model was worth afterwards.

    ``agreement`` is the normalised mutual information of the groups with the labels, where the
    pictures have some; it is only reported. ``maps`` is what the strongest correspondences of
    rendered pairs connect, ``share`` the part of what was learned that its weights keep. A round
    with nothing ``learned`` corrects the old model's maps for the cameras alone.
    """

    number: int
    reach: float
    groups: int
    grouped: int
    learned: int
    loss: float
    seconds: float
    check: Check
    agreement: float | None = None
    maps: MapQuality | None = None
    share: float = SHARE

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Mirrored:
    """The model of the round that is kept, with maps averaged with those of mirrored pictures; they
    are averaged in the model that is written where this ``helped``. Averaged maps are more
    alike, so its logits become ``slope`` · logit + ``shift``: mean and spread stay as without."""

    check: Check
    maps: MapQuality
    helped: bool
    slope: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True)
class AdaptationResult:
    """What came of it. ``kept`` is the round whose model was written, 0 where no round helped and
    ``out`` holds the old model. ``mirrored`` is None where that was not tried."""

    out: Path
    kept: int
    mirrored: Mirrored | None
    before: Check
    maps_before: MapQuality | None
    rounds: tuple[Round, ...]
    pictures: int
    cameras: int
    held_out: int
    seconds: float

    @property
    def helped(self) -> bool:
        """Whether an adapted model was written."""
        return self.kept > 0

    @property
    def learned(self) -> tuple[Round, ...]:
        """The rounds that learned from groups."""
        return tuple(one for one in self.rounds if one.learned)

    @property
    def cameras_alone(self) -> bool:
        """Whether the model that was written is the old one with maps corrected for the cameras."""
        return self.helped and not self.rounds[self.kept - 1].learned

    @property
    def averages_mirrored(self) -> bool:
        """Whether the model that was written averages its maps with those of mirrored pictures."""
        return self.mirrored is not None and self.mirrored.helped

    @property
    def checks(self) -> tuple[Check, ...]:
        """Of the old model, after each round, and with mirrored pictures where that was tried."""
        tried = () if self.mirrored is None else (self.mirrored.check,)
        return (self.before, *(one.check for one in self.rounds), *tried)

    @property
    def maps(self) -> tuple[MapQuality | None, ...]:
        """What the maps are worth, in the order of :attr:`checks`."""
        tried = () if self.mirrored is None else (self.mirrored.maps,)
        return (self.maps_before, *(one.maps for one in self.rounds), *tried)

    @property
    def written_stage(self) -> int:
        """Which of :attr:`checks` is that of the model that was written."""
        return len(self.rounds) + 1 if self.averages_mirrored else self.kept

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            **asdict(self),
            "out": str(self.out),
            "helped": self.helped,
        }
