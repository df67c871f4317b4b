"""Who passes which camera when: the plan of a set, made before anything is drawn.

People walk alone or in small groups. A group visits some of the cameras one after the other, at
walking times between them, so that those who were together at one camera are together at the
next: what temporal lifting looks for. In each pass a person is seen a few times from one or two
sides, with whoever else is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.people.arrays import Rng
from qaconv_core.people.camera import Camera
from qaconv_core.people.look import Look, draw_look, look_alike
from qaconv_core.people.manners import MANNERS, USUAL, dress
from qaconv_core.people.walk import EXTRAS, Walk, Walker

FRAME_RATE = 25
SECONDS_A_PERSON = 45
SPLITS = ("train", "test")
_GROUP_SIZES = np.array([0.5, 0.32, 0.13, 0.05])
_LOOK_ALIKES = 0.3


@dataclass(frozen=True)
class Order:
    """What is asked for: how many ``people``, ``cameras``, pictures a pass (``per_camera``),
    (height, width) of the pictures, whether label maps are written, for which splits, and in which
    of :data:`~qaconv_core.people.manners.MANNERS`."""

    people: int
    cameras: int
    seed: int
    per_camera: int = 4
    size: tuple[int, int] = (256, 128)
    labels: bool = False
    splits: tuple[str, ...] = SPLITS
    manner: str = USUAL

    def __post_init__(self) -> None:
        if self.manner not in MANNERS:
            raise InputError(f"unknown manner {self.manner!r}: choose from {', '.join(MANNERS)}")
        limits = (
            ("people", self.people, 2, 100_000), ("cameras", self.cameras, 2, 999),
            ("images per camera", self.per_camera, 1, 99), ("seed", self.seed, 0, 2**31),
            ("height", self.size[0], 32, 1024), ("width", self.size[1], 16, 1024),
        )  # fmt: skip
        for name, value, low, high in limits:
            if not low <= value <= high:
                raise InputError(f"{name} must lie between {low} and {high}, not {value}")

    @property
    def sessions(self) -> int:
        """Recording sessions, each with its own light: one per some two hundred people."""
        return int(np.clip(1 + self.people // 200, 1, 6))


@dataclass(frozen=True)
class Shot:
    """One picture to take: the first of ``walkers`` is its subject (none: an empty box)."""

    split: str
    folder: str
    pid: int
    camera: int
    session: int
    frame: int
    number: int
    walkers: tuple[Walker, ...]
    front: str
    seed: tuple[int, ...]

    @property
    def name(self) -> str:
        """The file's name in Market-1501's manner."""
        return (
            f"{self.pid:04d}_c{self.camera}s{self.session}_{self.frame:06d}_{self.number:02d}.jpg"
        )


class _Pass(NamedTuple):
    camera: int
    frame: int


def person_look(order: Order, split: str, pid: int) -> Look:
    """The look of person ``pid`` (from 1; extras −1, −2, …) of a split; some are look-alikes."""
    rng = _rng(order, split, 11, pid + EXTRAS)
    session = _session_of(order, split, pid)
    climate = _rng(order, split, 12, session).beta(1.0, 1.4)
    season = float(np.clip(rng.normal(climate, 0.2), 0, 1))
    other = pid - 4 - int(rng.integers(0, 12))
    if other > 0 and rng.random() < _LOOK_ALIKES:
        model = _rng(order, split, 11, other + EXTRAS)
        climate = _rng(order, split, 12, _session_of(order, split, other)).beta(1.0, 1.4)
        season = float(np.clip(model.normal(climate, 0.2), 0, 1))
        model.integers(0, 12)
        return dress(look_alike(draw_look(model, season), rng), order.manner)
    return dress(draw_look(rng, season), order.manner)


def people_of(order: Order, split: str) -> int:
    """How many people a split holds: all of them, or half where both are made."""
    if len(order.splits) == 1:
        return order.people
    half = order.people // 2
    return half if split == "train" else order.people - half


def plan_groups(order: Order, cameras: list[Camera]) -> list[list[Shot]]:
    """All pictures of an order, group by group, in order of session; the same for one seed."""
    jobs: list[tuple[int, list[Shot]]] = []
    for split in order.splits:
        groups = _groups(order, split)
        ends = [_duration(order, split, s) for s in range(order.sessions + 1)]
        for number, pids in enumerate(groups):
            session = _session_of(order, split, pids[0])
            shots = _group_shots(order, split, number, pids, cameras, ends[session])
            jobs.append((session, shots))
        if split == "test":
            jobs += _closing_shots(order, cameras, ends)
    jobs.sort(key=lambda job: job[0])
    return [shots for _, shots in jobs if shots]


def _rng(order: Order, split: str, *what: int) -> Rng:
    return np.random.default_rng([order.seed, SPLITS.index(split), *what])


def _session_of(order: Order, split: str, pid: int) -> int:
    """Sessions follow each other as the people's numbers do; extras belong to the first."""
    count = people_of(order, split)
    first = max(0, pid - 1)
    return 1 + min(order.sessions - 1, first * order.sessions // max(count, 1))


def _groups(order: Order, split: str) -> list[list[int]]:
    rng = _rng(order, split, 1)
    count, pid, groups = people_of(order, split), 1, []
    while pid <= count:
        size = 1 + int(rng.choice(4, p=_GROUP_SIZES))
        session = _session_of(order, split, pid)
        members = [
            p for p in range(pid, min(pid + size, count + 1))
            if _session_of(order, split, p) == session
        ]  # fmt: skip
        groups.append(members)
        pid = members[-1] + 1
    return groups


def _duration(order: Order, split: str, session: int) -> int:
    """Frames during which groups of a session set out: one person in 45 s, a quiet campus.

    Denser traffic would have everybody within the σ = 200 s of temporal lifting, so that who was
    about at the time would tell nothing.
    """
    per_session = people_of(order, split) / order.sessions
    return int(FRAME_RATE * (60 + SECONDS_A_PERSON * per_session))


def _route(order: Order, rng: Rng, begin: int) -> list[_Pass]:
    """Cameras in the order a group passes them, and the frames of it."""
    fewest = min(order.cameras, max(2, order.cameras // 2 if order.cameras <= 8 else 3))
    count = int(rng.integers(fewest, min(order.cameras, 8) + 1))
    visited = rng.permutation(order.cameras)[:count] + 1
    passes, frame = [], begin
    for camera in visited:
        passes.append(_Pass(int(camera), int(frame)))
        frame += int(FRAME_RATE * np.exp(rng.normal(np.log(45), 0.4)))
    return passes


def _group_shots(
    order: Order, split: str, number: int, pids: list[int], cameras: list[Camera], end: int
) -> list[Shot]:
    rng = _rng(order, split, 2, number)
    session = _session_of(order, split, pids[0])
    begin = int(rng.integers(50, max(51, end)))
    shots: list[Shot] = []
    for visit, (camera, frame) in enumerate(_route(order, rng, begin)):
        walk = Walk(cameras[camera - 1], rng, len(pids), order.per_camera)
        for place, pid in enumerate(pids):
            query = int(rng.integers(0, order.per_camera))
            for take, moment in enumerate(walk.moments):
                walkers = walk.at(moment, place, pids)
                folder = "bounding_box_train" if split == "train" else "bounding_box_test"
                if split == "test" and take == query and (order.per_camera > 1 or visit == 0):
                    folder = "query"
                shots.append(
                    Shot(split, folder, pid, camera, session, frame + round(moment * FRAME_RATE),
                         take, walkers, walk.front if take == walk.front_take else "",
                         (order.seed, SPLITS.index(split), 5, pid, camera, visit, take))
                )  # fmt: skip
        if split == "test" and walk.extras and rng.random() < 0.5:
            shots.append(_distractor(order, split, session, camera, frame, number, walk))
    return shots


def _distractor(
    order: Order, split: str, session: int, camera: int, frame: int, number: int, walk: Walk
) -> Shot:
    walkers = walk.at(0.0, -1, [])
    return Shot(split, "bounding_box_test", 0, camera, session, frame, number % 100, walkers, "",
                (order.seed, SPLITS.index(split), 6, number, camera))  # fmt: skip


def _closing_shots(
    order: Order, cameras: list[Camera], ends: list[int]
) -> list[tuple[int, list[Shot]]]:
    """An empty box at the same last frame of every camera.

    The clock of Market-1501 (see ``data.times``) begins a session where the camera's last one
    ended, so that without it the cameras' clocks would drift apart from session to session.
    """
    jobs = []
    for session in range(1, order.sessions + 1):
        last = ends[session] + FRAME_RATE * 3600
        shots = [
            Shot("test", "bounding_box_test", 0, camera.number, session, last, 99, (), "",
                 (order.seed, 1, 7, session, camera.number))
            for camera in cameras
        ]  # fmt: skip
        jobs.append((session, shots))
    return jobs
