"""Sets of rendered scenes and a rendered video, with a box and a number for everybody on them.

``truth.csv`` has the columns of ``boxes.csv`` of ``qaconv detect`` (``track`` is the person) and
one more: ``visible``, the share of the person that is seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.people.arrays import Pixels, Rng
from qaconv_core.people.body import open_assets
from qaconv_core.people.camera import Camera
from qaconv_core.people.generate import Studio
from qaconv_core.people.pose import draw_arms, draw_stance
from qaconv_core.people.scenes import Passer, Seen, Stage
from qaconv_core.people.shot import Actor
from qaconv_core.people.traffic import Order
from qaconv_core.progress import NO_CONTEXT, CancelToken, Tracker, WorkContext
from qaconv_core.readable import csv_text
from qaconv_core.store.atomic import atomic_write_bytes, atomic_write_text, replacing

TRUTH = "truth.csv"
COLUMNS = ("file", "frame", "time", "x", "y", "w", "h", "score", "track", "visible")
VIDEO_RATE = 10
"""Frames a second of rendered video."""
_SPLIT = "test"
_QUALITY = 92
_APART = 0.55


@dataclass(frozen=True)
class SceneOrder:
    """What is asked for: pictures of scenes, or ``seconds`` of video before each camera; from
    ``people`` others, the usual ``seed`` and manner."""

    scenes: int = 0
    seconds: float = 0.0
    people: int = 30
    cameras: int = 2
    seed: int = 1
    manner: str = "usual"

    def __post_init__(self) -> None:
        if not (0 <= self.scenes <= 100_000 and 0 <= self.seconds <= 3600):
            raise InputError("scenes must lie between 0 and 100,000, seconds between 0 and 3,600")
        if not self.scenes and not self.seconds:
            raise InputError("nothing to render: give a number of scenes or seconds of video")

    @property
    def set_order(self) -> Order:
        """The people and cameras that are drawn from."""
        cameras = max(2, self.cameras)
        people = max(2, self.people)
        return Order(people, cameras, self.seed, splits=(_SPLIT,), manner=self.manner)


@dataclass
class _Writer:
    """Rows of the table of true boxes."""

    rows: list[tuple[object, ...]] = field(default_factory=list)

    def add(self, file: str, frame: int, time: float | None, seen: list[Seen]) -> None:
        for person in sorted(seen, key=lambda s: s.who):
            box = person.box
            numbers = (round(value, 1) for value in (box.left, box.top, box.wide, box.high))
            self.rows.append(
                (file, frame, time, *numbers, None, person.who, round(person.visible, 3))
            )

    def write(self, path: Path) -> None:
        atomic_write_text(path, csv_text(COLUMNS, self.rows))


def render_scenes(
    out: str | os.PathLike[str],
    assets: str | os.PathLike[str] | None,
    order: SceneOrder,
    *,
    work: WorkContext = NO_CONTEXT,
) -> int:
    """Write scenes (``c1/0001.jpg`` …) or a video a camera (``c1.mp4``), and ``truth.csv``.

    Returns how many boxes there are. Raises :class:`InputError` and :class:`Cancelled`.
    """
    cancel = work.cancel or CancelToken()
    root = Path(out)
    studio = Studio(order.set_order, open_assets(assets, cancel))
    root.mkdir(parents=True, exist_ok=True)
    writer = _Writer()
    frames = round(order.seconds * VIDEO_RATE)
    total = order.scenes + frames * order.cameras
    tracker = work.tracker("scenes", total)
    stages = {}
    for number in range(1, order.cameras + 1):
        cancel.raise_if_cancelled()
        stages[number] = Stage(studio.view(number, 1))
    for number in range(order.scenes):
        rng = np.random.default_rng([order.seed, 90, number])
        stage = stages[1 + number % order.cameras]
        passers = _crowd(studio, stage.view.camera, rng, 0.0, order.people)
        image, seen = stage.draw(_cast(studio, passers, 0.0, cancel), rng, cancel)
        name = f"c{stage.view.camera.number}/{number + 1:04d}.jpg"
        (root / name).parent.mkdir(exist_ok=True)
        atomic_write_bytes(root / name, _jpeg(image))
        writer.add(name, 0, None, seen)
        tracker.advance()
    for number, stage in stages.items():
        if frames:
            name = f"c{number}.mp4"
            _write_video(root / name, name, stage, studio, order, writer, tracker, cancel)
    writer.write(root / TRUTH)
    return len(writer.rows)


def _write_video(
    path: Path, name: str, stage: Stage, studio: Studio, order: SceneOrder, writer: _Writer,
    tracker: Tracker, cancel: CancelToken,
) -> None:  # fmt: skip
    frames = round(order.seconds * VIDEO_RATE)
    number = stage.view.camera.number
    rng = np.random.default_rng([order.seed, 91, number])
    passers = list(_traffic(studio, stage.view.camera, rng, order))
    with replacing(path) as temporary:
        code = cv2.VideoWriter.fourcc(*"mp4v")
        video = cv2.VideoWriter(str(temporary), code, VIDEO_RATE, stage.frame_size)
        if not video.isOpened():
            raise InputError(f"{path}: this build of OpenCV cannot write MPEG-4 video")
        try:
            for frame in range(frames):
                second = frame / VIDEO_RATE
                image, seen = stage.draw(_cast(studio, passers, second, cancel), rng, cancel)
                video.write(np.ascontiguousarray(image[:, :, ::-1]))
                writer.add(name, frame, round(second, 3), seen)
                tracker.advance()
        finally:
            video.release()


def _jpeg(image: Pixels) -> bytes:
    whole, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(image[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    assert whole
    return bytes(data.tobytes())


def _cast(
    studio: Studio, passers: list[Passer], second: float, cancel: CancelToken
) -> list[tuple[int, Actor]]:
    cast = []
    for passer in passers:
        cancel.raise_if_cancelled()
        place, stance = passer.at(second)
        if place[1] > 1.0:
            person = studio.person(_SPLIT, passer.who)
            actor = Actor(person, stance, place, passer.heading, passer.speed)
            cast.append((passer.who, actor))
    return cast


def _crowd(studio: Studio, camera: Camera, rng: Rng, second: float, people: int) -> list[Passer]:
    """A few to many people over the whole depth of the view, some in twos and threes."""
    wanted = min(people, 1 + int(rng.poisson(2 + 7 * camera.crowd)))
    who = rng.permutation(people)[:wanted] + 1
    places: list[np.ndarray] = []
    passers = []
    for number, pid in enumerate(who):
        beside = places[-1] if places and number % 3 and rng.random() < 0.6 else None
        for _ in range(20):
            place = _place(camera, rng) if beside is None else beside + rng.normal(0, 0.8, 2)
            if all(np.hypot(*(place - other)) > _APART for other in places):
                break
        places.append(place)
        passers.append(_passer(studio, int(pid), (float(place[0]), float(place[1])), rng, second))
    return passers


def _traffic(studio: Studio, camera: Camera, rng: Rng, order: SceneOrder) -> Iterator[Passer]:
    """People who cross a view one after another during a video, each once."""
    rate = 0.25 + 0.35 * camera.crowd
    pids = iter(rng.permutation(order.people) + 1)
    second = -6.0
    while second < order.seconds:
        second += float(rng.exponential(1 / rate))
        pid = next(pids, None)
        if pid is None:
            return
        middle = _place(camera, rng)
        yield _passer(studio, int(pid), (float(middle[0]), float(middle[1])), rng, second + 3)


def _place(camera: Camera, rng: Rng) -> np.ndarray:
    """A spot on the ground within the view: near people are rarer than far ones."""
    z = camera.near * 0.75 * (camera.far * 2.2 / (camera.near * 0.75)) ** rng.random()
    return np.array([rng.uniform(-0.95, 0.95) * camera.reach[0] * z, z])


def _passer(studio: Studio, pid: int, start: tuple[float, float], rng: Rng, begin: float) -> Passer:
    look = studio.person(_SPLIT, pid).look
    standing = bool(rng.random() < 0.12)
    speed = 0.0 if standing else float(np.clip(rng.normal(1.25, 0.2), 0.7, 1.8))
    arms = draw_arms(look, rng)
    stance = draw_stance(look, arms, standing, rng)
    # Most walk across the view; some come nearer or go away.
    heading = float(rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.6))
    return Passer(pid, start, heading, speed, begin, stance)
