"""The work in progress on disk: after a kill, an equal job goes on where it stood."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from qaconv_core.adaptation.checks import Check
from qaconv_core.adaptation.defaults import SHARE
from qaconv_core.adaptation.grouping import ALONE
from qaconv_core.adaptation.replay import MapQuality
from qaconv_core.adaptation.values import AdaptationJob, Round
from qaconv_core.errors import InputError
from qaconv_core.readable import shown
from qaconv_core.store.atomic import atomic_write_text, reason
from qaconv_core.store.folders import work_folder
from qaconv_core.store.keys import file_keys
from qaconv_core.store.plain_values import from_plain
from qaconv_core.store.records import DamagedRecord, read_json
from qaconv_core.types import Int64

T = TypeVar("T", Round, Check, MapQuality)

FORMAT = 3
STATE_FILE = "state.json"
_LONGEST = 1e9  # seconds: more than a life


@dataclass
class Grouped:
    """The groups of one round over all pictures that can be read, and how they were found.

    ``out`` are places of pictures that a person took out: the round does not learn from them.
    """

    labels: Int64
    reach: float
    out: Int64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def places_of(self, groups: Iterable[int]) -> Int64:
        """Places of the pictures in groups, by numbers from 1."""
        return np.flatnonzero(np.isin(self.labels, [number - 1 for number in groups]))


@dataclass
class State:
    """How far an adaptation has come: the groups and the finished rounds, by number from 1.

    ``planned`` is the number of rounds that were asked for.

    ``held_out`` are places of pictures that are never learned from; ``before`` is the check of
    the old model, ``maps_before`` of its maps. All are there once the first groups are.
    ``spent`` are the seconds of earlier calls. ``may_replace`` says that a file in the place of the
    result may be replaced: it was allowed, or it is what this work has written.
    """

    folder: Path
    key: str
    planned: int
    grouped: list[Grouped] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    held_out: Int64 | None = None
    before: Check | None = None
    maps_before: MapQuality | None = None
    spent: float = 0.0
    may_replace: bool = False
    _began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds of all calls up to now; of a call that was killed, up to what it last saved."""
        return self.spent + time.monotonic() - self._began

    @property
    def learned(self) -> tuple[Round, ...]:
        """The finished rounds that learned from groups."""
        return tuple(one for one in self.rounds if one.learned)

    def learning(self, number: int) -> bool:
        """Whether a round has begun to learn."""
        return len(self.rounds) >= number or self.training(number).is_file()

    def training(self, number: int) -> Path:
        """The trainer's own checkpoint of a round."""
        return self.folder / f"round-{number}.pth.tar"

    def model(self, number: int) -> Path:
        """The model after a round."""
        return self.folder / f"model-{number}.pth.tar"

    def save(self) -> None:
        """Write what is known; whole or not at all."""
        content = {
            "format": FORMAT,
            "key": self.key,
            "planned": self.planned,
            "held_out": None if self.held_out is None else self.held_out.tolist(),
            "before": None if self.before is None else self.before.to_dict(),
            "maps_before": None if self.maps_before is None else self.maps_before.to_dict(),
            "grouped": [
                {"labels": g.labels.tolist(), "reach": g.reach, "out": g.out.tolist()}
                for g in self.grouped
            ],
            "rounds": [one.to_dict() for one in self.rounds],
            "seconds": self.seconds,
            "may_replace": self.may_replace,
        }
        atomic_write_text(self.folder / STATE_FILE, json.dumps(content) + "\n")

    def remove(self) -> None:
        """Remove the folder; what cannot be removed stays."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Unfinished:
    """An adaptation that was stopped in round ``round`` (from 1) of ``planned``."""

    round: int
    planned: int


def unfinished(out: Path) -> Unfinished | None:
    """What was begun of a model to be written to ``out``; None where nothing that can be read."""
    try:
        content = _begun(out)
        done, planned = len(content["rounds"]), int(content["planned"])
        known = content["format"] == FORMAT
    except (KeyError, TypeError, ValueError):
        return None
    return Unfinished(min(done + 1, planned), planned) if known else None


def may_replace(out: Path) -> bool:
    """Whether a work that was begun may replace the file ``out``."""
    return _begun(out).get("may_replace") is True


def _begun(out: Path) -> dict[str, Any]:
    """What is noted of a model to be written to ``out``; empty where nothing can be read."""
    try:
        content = read_json(work_folder(out) / STATE_FILE)
    except (OSError, DamagedRecord):
        return {}
    return content if isinstance(content, dict) else {}


def open_state(job: AdaptationJob, model_sha: str) -> State:
    """The state of an equal job that was interrupted, or a fresh one.

    Raises :class:`InputError` where the folder holds another job's work and ``job.overwrite`` is
    not set, and where the folder cannot be made.
    """
    state = State(job.folder, _key(job, model_sha), job.rounds, may_replace=job.overwrite)
    if job.overwrite:
        state.remove()
    path = job.folder / STATE_FILE
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _fill(state, read_json(path), len(job.pictures))
    except OSError as error:
        raise InputError(f"{shown(job.folder)}: cannot be used ({reason(error)})") from None
    except DamagedRecord as error:
        raise InputError(
            f"{shown(path)}: {error}; --overwrite begins the adaptation anew"
        ) from None
    return state


def _fill(state: State, content: Any, pictures: int) -> None:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DamagedRecord("is no state of an adaptation that this version knows")
    if content.get("key") != state.key:
        raise DamagedRecord(
            "belongs to an adaptation to other pictures, of another model or with other options"
        )
    try:
        state.grouped = [
            Grouped(
                _labels(one["labels"], pictures),
                float(one["reach"]),
                _between(one["out"], 0, len(one["labels"])),
            )
            for one in content["grouped"]
        ]
        state.rounds = [
            _record(Round, {"share": SHARE, **one})  # older works do not name it
            for one in content["rounds"]
        ]
        if [one.number for one in state.rounds] != list(range(1, len(state.rounds) + 1)):
            raise ValueError("its rounds are not in order")
        if state.grouped:
            state.held_out = _between(content["held_out"], 0, len(state.grouped[0].labels))
            if not len(state.held_out):
                raise ValueError("no pictures are held out")
            state.before = _record(Check, content["before"])
            state.maps_before = _record(MapQuality, content["maps_before"])
        state.spent = float(content.get("seconds", 0.0))
        if not 0 <= state.spent < _LONGEST:
            raise ValueError("its seconds are none")
        state.may_replace = content.get("may_replace") is True
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DamagedRecord(f"is damaged ({error})") from None
    done = len(state.rounds)
    learned = len(state.learned)
    if len(state.grouped) not in (learned, learned + 1) or not all(
        state.model(number).is_file() for number in range(1, done + 1)
    ):
        raise DamagedRecord("does not fit the files beside it")


def _labels(values: Sequence[int], pictures: int) -> Int64:
    if len(values) > pictures:
        raise ValueError("its groups are none of these pictures")
    return _between(values, ALONE, len(values))


def _between(values: Sequence[int], least: int, limit: int) -> Int64:
    """Whole numbers from ``least`` on and below ``limit``, as an array."""
    found = np.array(values, dtype=np.int64)
    if found.ndim != 1 or not ((least <= found) & (found < limit)).all():
        raise ValueError("places or groups are none of these pictures")
    return found


def _record(kind: type[T], plain: Any) -> T:
    """What was written as a ``kind``, with nothing missing and nothing beside it."""
    found = from_plain(kind, plain)
    if asdict(found) != plain:
        raise ValueError(f"a record of {kind.__name__} is not as it was written")
    return found


def _key(job: AdaptationJob, model_sha: str) -> str:
    """Changes with the files, the model and every option that the result depends on."""
    digest = hashlib.sha256()
    for part in (
        model_sha,
        job.rounds,
        job.epochs,
        job.rate,
        job.seed,
        job.device,
        job.input_size,
    ):
        digest.update(f"{part}|".encode())
    for ref, key in zip(job.pictures.refs, file_keys(job.pictures.refs), strict=True):
        digest.update(f"{key}|{ref.camid}|{ref.time}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
