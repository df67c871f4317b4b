"""The demo data set: who passes which camera when, written in Market-1501's layout and naming.

People walk a street with six cameras in small groups, some up and some down the street. Members
of a group pass a camera within seconds of each other, and the next one a minute or so later, so
that there is something for temporal lifting to lift. All times are of session 1, 25 frames a
second: ``time = frame / 25`` seconds.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .camera import Picture, encode, take
from .people import Person, draw_crowd, draw_person
from .scene import DEMO_CAMERAS

FRAME_RATE = 25
PLACES = (0.0, 70.0, 160.0, 260.0, 330.0, 430.0)
"""Where the cameras stand along the street, in metres."""

SEED = 2020
PEOPLE, ALIKE = 38, 8
STRANGERS, BADLY_BOXED, EMPTY, JUNK = 24, 10, 6, 2


@dataclass(frozen=True)
class Sighting:
    """One picture to be taken: ``pid`` 0 is a distractor, −1 junk; ``camid`` is 0-based."""

    split: str
    pid: int
    camid: int
    frame: int
    index: int
    person: Person | None
    away: bool
    bad_box: bool = False

    @property
    def name(self) -> str:
        """File name as in Market-1501, e.g. ``0001_c1s1_000451_00.jpg``."""
        pid = "-1" if self.pid < 0 else f"{self.pid:04d}"
        return f"{pid}_c{self.camid + 1}s1_{self.frame:06d}_{self.index:02d}.jpg"


@dataclass(frozen=True)
class Group:
    """People who walk together: pids, seconds when they start, speed in m/s (< 0: down)."""

    pids: tuple[int, ...]
    start: float
    speed: float
    cameras: tuple[int, ...]
    query_cameras: tuple[int, ...]

    def passes(self, camid: int) -> float:
        """Seconds at which the group is before a camera."""
        way = PLACES[camid] if self.speed > 0 else PLACES[-1] - PLACES[camid]
        return self.start + way / abs(self.speed)


def draw_groups(people: int, rng: np.random.Generator) -> list[Group]:
    """Everybody in groups of two to four, minutes apart."""
    groups, first, start = [], 1, 60.0
    while first <= people:
        size = min(int(rng.integers(2, 5)), people + 1 - first)
        speed = float(rng.uniform(1.1, 1.5) * rng.choice((-1, 1)))
        count = 5 if rng.random() < 0.7 else 6
        cameras = tuple(sorted(int(c) for c in rng.choice(len(PLACES), count, replace=False)))
        asked = tuple(int(c) for c in rng.choice(cameras, 2, replace=False))
        groups.append(Group(tuple(range(first, first + size)), start, speed, cameras, asked))
        first, start = first + size, start + float(rng.uniform(200, 480))
    return groups


def _walk(group: Group, pid: int, person: Person, rng: np.random.Generator) -> Iterator[Sighting]:
    """One person's pictures along the street: two a camera, and a query at two cameras."""
    for camid in group.cameras:
        seconds = group.passes(camid) + float(rng.normal(0, 2.5))
        if camid not in group.query_cameras and rng.random() < 0.08:
            continue
        frame = int(seconds * FRAME_RATE)
        for index in range(2):
            at = frame + 20 * index + int(rng.integers(0, 12))
            yield Sighting("bounding_box_test", pid, camid, at, index + 1, person, group.speed < 0)
        if camid in group.query_cameras:
            at = frame + 45 + int(rng.integers(0, 12))
            yield Sighting("query", pid, camid, at, 0, person, group.speed < 0)


def _strangers(until: float, crowd: list[Person], rng: np.random.Generator) -> Iterator[Sighting]:
    """Distractors (pid 0) and junk (pid −1): strangers, bad boxes, empty places."""
    kinds = [(0, False, False)] * STRANGERS + [(0, True, False)] * BADLY_BOXED
    kinds += [(0, False, True)] * EMPTY + [(-1, True, False)] * JUNK
    for number, (pid, bad_box, empty) in enumerate(kinds):
        person = crowd[int(rng.integers(len(crowd)))] if pid < 0 else draw_person(rng)
        camid, frame = int(rng.integers(6)), int(rng.uniform(60, until) * FRAME_RATE)
        yield Sighting(
            "bounding_box_test",
            pid,
            camid,
            frame,
            number % 100,
            None if empty else person,
            bool(rng.integers(2)),
            bad_box,
        )


def plan(seed: int = SEED, people: int = PEOPLE) -> list[Sighting]:
    """All pictures of the demo, in the order of their file names."""
    rng = np.random.default_rng(seed)
    crowd = draw_crowd(people, people * ALIKE // PEOPLE, rng)
    crowd = [crowd[i] for i in rng.permutation(people)]
    groups = draw_groups(people, rng)
    seen: list[Sighting] = []
    for group in groups:
        for pid in group.pids:
            seen += _walk(group, pid, crowd[pid - 1], rng)
    seen += _strangers(groups[-1].start + 300, crowd, rng)
    return sorted(seen, key=lambda s: (s.split, s.name))


def photograph(sighting: Sighting, seed: int = SEED) -> Picture:
    """The picture of one sighting; its chance depends on the file name and ``seed`` only."""
    words = np.frombuffer(sighting.name.encode().ljust(24, b" "), dtype=np.uint8)
    rng = np.random.default_rng([seed, *(int(w) for w in words)])
    camera = DEMO_CAMERAS[sighting.camid]
    return take(camera, sighting.person, rng, sighting.away, sighting.bad_box)


def write_file(path: Path, data: bytes) -> None:
    """Write a file so that it is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_demo(root: Path, seed: int = SEED, people: int = PEOPLE) -> int:
    """Draw and write the demo under ``root``; pictures of an earlier run are removed.

    Returns the number of bytes written.
    """
    total, names = 0, set()
    for sighting in plan(seed, people):
        quality = DEMO_CAMERAS[sighting.camid].quality
        data = encode(photograph(sighting, seed), quality)
        path = root / sighting.split / sighting.name
        write_file(path, data)
        names.add(path)
        total += len(data)
    for split in ("query", "bounding_box_test"):
        for old in set((root / split).glob("*.jpg")) - names:
            old.unlink()
    return total
