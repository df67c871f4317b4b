"""Making a set of synthetic people: planning, rendering in processes, files on disk.

What is on disk decides what is still to do: whole pictures are skipped, so an interrupted run goes
on where it stopped. Every picture has its own random numbers and comes out the same whatever the
number of processes.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from qaconv_core.caching import LruCache
from qaconv_core.data.label_maps import LABELS
from qaconv_core.errors import InputError
from qaconv_core.people import furniture
from qaconv_core.people.arrays import Pixels, Rng
from qaconv_core.people.body import Assets, open_assets
from qaconv_core.people.boxes import Box
from qaconv_core.people.camera import Camera, draw_camera
from qaconv_core.people.furniture import Model
from qaconv_core.people.light import draw_light
from qaconv_core.people.manners import USUAL, hang, relight
from qaconv_core.people.person import Person
from qaconv_core.people.plates import build_plate, light_plate
from qaconv_core.people.pose import draw_arms, draw_stance
from qaconv_core.people.shot import Actor, View, take, take_empty
from qaconv_core.people.traffic import Order, Shot, person_look, plan_groups
from qaconv_core.people.walk import Walker
from qaconv_core.processes import GLANCE, end_pool, fresh_pool, submit
from qaconv_core.progress import (
    NO_CONTEXT,
    CancelToken,
    Tracker,
    WorkContext,
    raise_if_cancelled,
)
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.store.records import DamagedRecord, read_json

FOLDERS = ("bounding_box_train", "bounding_box_test", "query")
RECORD = "people.json"
"""Says in the set's folder what it was made from, and what the labels mean."""
GENERATOR = 2
"""Goes up when the same seed would give other pictures."""
KEPT_PEOPLE = 72


@dataclass(frozen=True)
class Made:
    """What a run did: pictures of the set, and how many of them were already there."""

    total: int
    found: int


class Studio:
    """Renders shots of one order; keeps people, plates and cameras that will be needed again.

    Raises :class:`~qaconv_core.errors.Cancelled` between the pieces of a shot when the assets'
    ``cancel`` is set.
    """

    def __init__(self, order: Order, assets: Assets) -> None:
        self.order, self.assets = order, assets
        self.cameras = cameras_of(order)
        self._people: LruCache[tuple[str, int], Person] = LruCache(KEPT_PEOPLE)
        self._views: LruCache[tuple[int, int], View] = LruCache(order.cameras + 2)

    def render(self, shot: Shot) -> tuple[Pixels, Pixels]:
        """The picture (h, w, 3) uint8 RGB and label map (h, w) uint8 of a shot."""
        rng = np.random.default_rng(shot.seed)
        view = self.view(shot.camera, shot.session)
        if not shot.walkers:
            return take_empty(view, _any_box(view.camera, rng), self.order.size, rng)
        actors = [self._actor(shot.split, walker, rng) for walker in shot.walkers]
        front = _object_before(shot.front, view.camera, actors[0], rng) if shot.front else None
        return take(view, actors, front, self.order.size, rng)

    def view(self, camera: int, session: int) -> View:
        """A camera's plate as lit in a session."""
        key = (camera, session)
        return self._views.get_or_make(key, lambda: self._view(*key))

    def person(self, split: str, pid: int) -> Person:
        """Somebody, built when first needed."""

        def build() -> Person:
            raise_if_cancelled(self.assets.cancel)
            return Person(self.assets, person_look(self.order, split, pid))

        return self._people.get_or_make((split, pid), build)

    def _view(self, number: int, session: int) -> View:
        camera = self.cameras[number - 1]
        rng = np.random.default_rng([self.order.seed, 80, number, session])
        light = relight(draw_light(rng, camera.place == "corridor"), self.order.manner, rng)
        plate = build_plate(camera, self.assets.cancel)
        raise_if_cancelled(self.assets.cancel)
        return View(camera, light_plate(plate, light), light)

    def _actor(self, split: str, walker: Walker, rng: Rng) -> Actor:
        person = self.person(split, walker.who)
        look = person.look
        arms = draw_arms(look, np.random.default_rng(walker.arms_seed))
        stance = draw_stance(look, arms, walker.standing, rng)
        heading = walker.heading + rng.normal(0, 0.1)
        if walker.standing:
            heading += rng.normal(0, 0.5)
        return Actor(person, stance, walker.place, heading, walker.speed)


def cameras_of(order: Order) -> list[Camera]:
    """The cameras of a set, in the order's manner."""
    numbers = range(1, order.cameras + 1)
    return [
        hang(
            draw_camera(order.seed, number),
            order.manner,
            np.random.default_rng([order.seed, 78, number]),
        )
        for number in numbers
    ]


def _any_box(camera: Camera, rng: Rng) -> Box:
    high = camera.frame[0] * rng.uniform(0.18, 0.4)
    left = rng.uniform(0, camera.frame[1] - high * 0.5)
    return Box(float(left), float(rng.uniform(0.2, 0.6) * camera.frame[0]), high * 0.5, high)


def _object_before(kind: str, camera: Camera, actor: Actor, rng: Rng) -> Model:
    """A piece of furniture between the camera and a person, hiding a part of them."""
    x, z = actor.place
    closer = rng.uniform(0.5, 1.3)
    shift = np.array([x * (1 - closer / z) + rng.normal(0, 0.3), 0, z - closer], np.float32)
    return furniture.place(furniture.furnish(kind, rng), shift, float(rng.uniform(-3, 3)))


# --- files ------------------------------------------------------------------------------------


def generate_people(
    out: str | os.PathLike[str],
    assets: str | os.PathLike[str] | None,
    order: Order,
    *,
    workers: int = 1,
    work: WorkContext = NO_CONTEXT,
) -> Made:
    """Write a set in Market-1501's layout below ``out`` (and ``labels/`` beside it on request).

    Raises :class:`InputError` when the assets are missing or ``out`` holds another set, and
    :class:`Cancelled` between two pictures when asked to stop; what is there stays valid.
    """
    root, opened = Path(out), open_assets(assets, work.cancel)
    _claim(root, order)
    groups = plan_groups(order, cameras_of(order))
    total = sum(len(group) for group in groups)
    missing = [[s for s in group if not _complete(root, order, s)] for group in groups]
    missing = [group for group in missing if group]
    found = total - sum(len(group) for group in missing)
    tracker = Tracker("people", total, "images", work.progress, work.cancel, start=found)
    if workers <= 1:
        studio = Studio(order, opened)
        for group in missing:
            for shot in group:
                _write(root, order, shot, studio)
                tracker.advance()
    else:
        _in_processes(root, opened.root, order, missing, workers, tracker, work.cancel)
    return Made(total, found)


def _claim(root: Path, order: Order) -> None:
    """Make the folders; refuse one that holds a set of another order."""
    asked = {"generator": GENERATOR, "labels_are": list(LABELS)}
    asked |= {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(order).items()}
    if order.manner == USUAL:
        del asked["manner"]  # sets of the usual manner were made before there were others
    path = root / RECORD
    try:
        for tree in (root, root / "labels") if order.labels else (root,):
            for folder in FOLDERS:
                (tree / folder).mkdir(parents=True, exist_ok=True)
        known = read_json(path) if path.exists() else None
    except (OSError, DamagedRecord) as cause:
        raise InputError(f"{path}: cannot be used ({cause}); choose another folder") from cause
    if known is not None and known != asked:
        raise InputError(f"{root}: holds people made with other options; choose another folder")
    if known is None:
        atomic_write_text(path, json.dumps(asked, indent=1) + "\n")


def _paths(root: Path, order: Order, shot: Shot) -> list[Path]:
    paths = [root / shot.folder / shot.name]
    if order.labels:
        paths.append((root / "labels" / shot.folder / shot.name).with_suffix(".png"))
    return paths


def _complete(root: Path, order: Order, shot: Shot) -> bool:
    return all(path.is_file() and path.stat().st_size > 0 for path in _paths(root, order, shot))


def _write(root: Path, order: Order, shot: Shot, studio: Studio) -> None:
    image, labels = studio.render(shot)
    paths = _paths(root, order, shot)
    quality = int(np.random.default_rng([*shot.seed, 9]).integers(84, 96))
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    whole, data = cv2.imencode(".jpg", np.ascontiguousarray(image[:, :, ::-1]), options)
    if not whole:
        raise InputError(f"{paths[0]}: cannot be coded as JPEG")
    if order.labels:
        stream = io.BytesIO()
        Image.fromarray(labels).save(stream, "PNG", optimize=True)
        _put(paths[1], stream.getvalue())
    _put(paths[0], data.tobytes())


def _put(path: Path, data: bytes) -> None:
    """Write beside the target, then move; unlike the store's writer this does not wait for the
    disk after each of tens of thousands of files that can all be made again."""
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as cause:
        temporary.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({cause.strerror})") from cause


# --- processes --------------------------------------------------------------------------------

_studio: Studio | None = None
_stop: Event | None = None


def _start_worker(order: Order, assets: Path, stop: Event) -> None:
    global _studio, _stop
    cv2.setNumThreads(1)
    _studio, _stop = Studio(order, open_assets(assets)), stop


def _work(root: Path, group: list[Shot]) -> int:
    """Take the pictures of one group; stops between two when asked to."""
    assert _studio is not None
    assert _stop is not None
    for number, shot in enumerate(group):
        if _stop.is_set():
            return number
        _write(root, _studio.order, shot, _studio)
    return len(group)


def _in_processes(
    root: Path, assets: Path, order: Order, groups: list[list[Shot]], workers: int,
    tracker: Tracker, cancel: CancelToken | None,
) -> None:  # fmt: skip
    stop = multiprocessing.get_context("spawn").Event()
    pool = fresh_pool(workers, _start_worker, (order, assets, stop))
    try:
        for done in _results(pool, root, groups, workers, cancel):
            tracker.advance(done)
    finally:
        stop.set()
        end_pool(pool, cancel)


def _results(
    pool: ProcessPoolExecutor, root: Path, groups: list[list[Shot]], workers: int,
    cancel: CancelToken | None,
) -> Iterator[int]:  # fmt: skip
    """Pictures done by each finished group; asks now and then whether to stop."""
    waiting = iter(groups)
    running: set[Future[int]] = set()
    while True:
        for group in waiting:
            running.add(submit(pool, _work, root, group))
            if len(running) >= 2 * workers:
                break
        if not running:
            return
        finished, running = wait(running, timeout=GLANCE, return_when=FIRST_COMPLETED)
        for future in finished:
            yield future.result()
        raise_if_cancelled(cancel)
