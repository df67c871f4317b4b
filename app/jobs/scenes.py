"""Finds people on scenes, and cuts out those who were chosen, in the background."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtGui import QImage

from app.jobs.images import image_of
from app.jobs.inspections import Failed
from app.jobs.job import Job, JobContext
from app.jobs.job_slots import JobSlots
from app.state.scene_boxes import SceneBoxes
from qaconv_core.detection.boxes import PersonBox
from qaconv_core.store.folders import SCENES, data_dir

if TYPE_CHECKING:
    from qaconv_core.detection.finder import PersonFinder
    from qaconv_core.detection.origins import Origin, ScenePeople

LOOK, FIND, KEEP, ORIGIN = "look at scene", "find people", "keep people", "scene of a picture"


@dataclass(frozen=True)
class Kept:
    """People who were cut out: their ``folder``, which opens as a data set, and their crops."""

    folder: Path
    crops: tuple[Path, ...]


@functools.cache
def _finder(detector: str) -> PersonFinder:
    """A detector; loads torch. One lane uses it, one job at a time."""
    from qaconv_core.detection.finder import PersonFinder

    return PersonFinder(detector=detector)


def _scene(boxes: SceneBoxes, people: Sequence[PersonBox] = ()) -> ScenePeople:
    from qaconv_core.detection.origins import ScenePeople

    return ScenePeople(boxes.path, tuple(people), boxes.frame)


def load_scene(
    slots: JobSlots, scene: SceneBoxes, done: Callable[[QImage], None], failed: Failed
) -> Job:
    """Read the picture of a scene; of a video, its frame."""
    boxes, own = scene.boxes, scene.current or 0
    crop = scene.crop if boxes else None

    def read(context: JobContext) -> QImage:
        from qaconv_core.detection.origins import picture_of

        return image_of(picture_of(_scene(scene, boxes), crop, own, context))

    return slots.replace(
        LOOK, f"Reading {scene.title}", read, done, failed=failed, lane="files",
        quiet=scene.frame is None,
    )  # fmt: skip


def find_people(
    slots: JobSlots,
    scene: SceneBoxes,
    detector: str,
    done: Callable[[tuple[tuple[PersonBox, ...], tuple[int, int]]], None],
    failed: Failed,
) -> Job:
    """Find the people on one scene: their boxes, and (width, height) of the picture."""

    def find(context: JobContext) -> tuple[tuple[PersonBox, ...], tuple[int, int]]:
        from qaconv_core.detection.finder import FindOptions
        from qaconv_core.detection.origins import picture_of

        picture = picture_of(_scene(scene), context=context)
        options = FindOptions.of(None, 0.0, None, video=False, detector=detector)
        found = _finder(detector).find(picture, options, context=context)
        return tuple(found), (picture.shape[1], picture.shape[0])

    return slots.replace(FIND, f"Finding people on {scene.title}", find, done, failed=failed)


def keep_people(
    slots: JobSlots,
    chosen: Sequence[tuple[SceneBoxes, tuple[PersonBox, ...]]],
    done: Callable[[Kept], None],
    failed: Failed,
) -> Job:
    """Cut these people out of their scenes, into a folder that remembers the scenes."""
    told = list(chosen)

    def keep(context: JobContext) -> Kept:
        from qaconv_core.detection.origins import keep_people as write

        scenes = [_scene(scene, people) for scene, people in told]
        folder, crops = write(scenes, data_dir() / SCENES, context)
        return Kept(folder, tuple(crops))

    return slots.replace(KEEP, "Cutting people out", keep, done, failed=failed, lane="files")


def find_origin(slots: JobSlots, picture: Path, done: Callable[[Origin | None], None]) -> Job:
    """Where a picture was cut out of."""

    def look(_context: JobContext) -> Origin | None:
        from qaconv_core.detection.origins import origin_of

        return origin_of(picture)

    return slots.replace(
        ORIGIN, f"Looking for the scene of {picture.name}", look, done, lane="files", quiet=True
    )
