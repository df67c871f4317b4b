"""Whole scenes: everybody before a camera on one picture, and where each person stands on it.

For measuring detectors and trackers: the boxes are those of what the renderer drew, so that nothing
is estimated. People are drawn from far to near, at a finer resolution than the sensor's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from qaconv_core.people.arrays import Floats, Ints, Pixels, Rng
from qaconv_core.people.boxes import Box, tight_box
from qaconv_core.people.camera import develop
from qaconv_core.people.pose import Stance
from qaconv_core.people.rasteriser import Fragments, interpolate, perspective, rasterise
from qaconv_core.people.shadow import Shadow
from qaconv_core.people.shot import (
    Actor,
    View,
    backdrop,
    colours_of,
    shade_ground,
    soup_of,
    world_of,
)
from qaconv_core.progress import CancelToken

FINER = 1.5
"""Pixels of the drawing on one of the sensor, along a side."""
_SMALLEST = 4.0
_NEAREST = 0.7


@dataclass(frozen=True)
class Seen:
    """A person on a scene: ``who`` as numbered, ``box`` on the frame (cut at its borders), and
    the share of the body's pixels, in [0, 1], that nothing hides and no border cuts off."""

    who: int
    box: Box
    visible: float


class Stage:
    """A camera's view that scenes are drawn on; what does not change is drawn once."""

    def __init__(self, view: View) -> None:
        self.view = view
        high, wide = view.camera.frame
        self.frame = Box(0.0, 0.0, float(wide), float(high))
        self.raster = round(high * FINER), round(wide * FINER)
        self._plate, _, self.depth, _ = backdrop(view, self.frame, self.raster)

    def draw(
        self, cast: list[tuple[int, Actor]], rng: Rng, cancel: CancelToken | None = None
    ) -> tuple[Pixels, list[Seen]]:
        """The sensor's picture (h, w, 3) uint8 RGB of the cast (number, actor), and who is seen.

        People outside the frame, or closer than the lens can show, are left out. Raises
        :class:`~qaconv_core.errors.Cancelled` between two people when asked to stop.
        """
        cancel = cancel or CancelToken()
        light = self._plate.copy()
        owners = np.full(self.raster, -1, np.int64)
        bodies = []
        for who, actor in cast:
            cancel.raise_if_cancelled()
            world = world_of(actor)
            xy, depth = self.view.camera.project(world)
            box = tight_box(xy)
            large = depth.min() > _NEAREST and box.high >= _SMALLEST
            if large and box.overlap(self.frame) > 0 and not self._behind_wall(actor):
                bodies.append((float(np.median(depth)), who, actor, world))
        bodies.sort(key=lambda body: -body[0])
        pieces = [_Piece(self, actor, world) for _, _, actor, world in bodies]
        for piece in pieces:
            cancel.raise_if_cancelled()
            piece.shade(light)
        for number, piece in enumerate(pieces):
            cancel.raise_if_cancelled()
            piece.paint(light, owners, number)
        small = cv2.resize(light, self.frame_size, interpolation=cv2.INTER_AREA)
        exposure = self.view.camera.sensor.target / max(self.view.plate.mean, 0.02)
        image = develop(small, self.view.camera, exposure, (0.0, 0.0), rng)
        seen = [
            Seen(who, shown, piece.visible(owners, number))
            for number, (piece, (_, who, _, _)) in enumerate(zip(pieces, bodies, strict=True))
            if (shown := piece.seen_box()) is not None
        ]
        return image, seen

    def _behind_wall(self, actor: Actor) -> bool:
        """Whether a wall, not a thing that may stand before people, hides where somebody stands."""
        ground = np.array([[actor.place[0], 0.0, actor.place[1]]], np.float32)
        xy, depth = self.view.camera.project(ground)
        column, row = (int(value) for value in xy[0])
        plate = self.view.plate
        if not (0 <= row < plate.depth.shape[0] and 0 <= column < plate.depth.shape[1]):
            return False
        hidden = depth[0] > 1.02 * float(plate.depth[row, column])
        return bool(hidden and not plate.front[row, column])

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) of the sensor's picture."""
        high, wide = self.view.camera.frame
        return wide, high


class _Piece:
    """One person's share of a scene."""

    def __init__(self, stage: Stage, actor: Actor, world: Floats) -> None:
        self.stage, self.actor = stage, actor
        camera = stage.view.camera
        self.soup = soup_of([actor], [world], None)
        self.shadow = Shadow(self.soup.points, self.soup.faces, stage.view.light, actor.place)
        xy, self.depth = camera.project(world)
        self.body = tight_box(xy[: actor.person.boxed(False)])
        self.window = _window(tight_box(xy), stage.raster, 2.0)
        self.xy = xy * np.float32(FINER)
        self.drawn = 0

    def shade(self, light: Floats) -> None:
        """Darken the ground around the feet and in the shadow, in place."""
        high = self.body.high
        around = Box(self.body.left - high, self.body.top + 0.5 * high, 3 * high, high)
        top, bottom, left, right = _window(around, self.stage.raster, 0.0)
        if bottom - top < 8 or right - left < 8:
            return
        box = Box(left / FINER, top / FINER, (right - left) / FINER, (bottom - top) / FINER)
        raster = bottom - top, right - left
        part = light[top:bottom, left:right]
        _, ground, _, _ = backdrop(self.stage.view, box, raster)
        shade_ground(part, ground, self.stage.view, box, raster, self.shadow, [self.actor])

    def paint(self, light: Floats, owners: Ints, number: int) -> None:
        """Draw the person over what is farther away, in place; mark the pixels as the number's."""
        top, bottom, left, right = self.window
        size = bottom - top, right - left
        if min(size) < 2:
            return
        inverse = (1 / self.depth).astype(np.float32)
        xy = self.xy - np.array([left, top], np.float32)
        found = rasterise(xy, -inverse, self.soup.faces, size, self.soup.two_sided)
        row, column = np.divmod(found.pixel, size[1])
        self.drawn = len(row)
        behind = 1 / (-found.depth) > self.stage.depth[row + top, column + left]
        seen = np.flatnonzero(~behind)
        found = Fragments(
            found.pixel[seen], found.face[seen], found.weights[seen], found.depth[seen]
        )
        weights = perspective(found, self.soup.faces, inverse)
        values = interpolate(self.soup.attributes, self.soup.faces, found, weights)
        row, column = row[seen] + top, column[seen] + left
        light[row, column] = colours_of(
            self.stage.view, self.soup, found, values, [self.actor], None, self.shadow
        )
        owners[row, column] = number

    def seen_box(self) -> Box | None:
        """The body's box within the frame; None where nothing of it was drawn."""
        wide, high = self.stage.frame_size
        left, top = max(self.body.left, 0.0), max(self.body.top, 0.0)
        right = min(self.body.left + self.body.wide, wide)
        bottom = min(self.body.top + self.body.high, high)
        if not self.drawn or right - left < 1 or bottom - top < 1:
            return None
        return Box(left, top, right - left, bottom - top)

    def visible(self, owners: Ints, number: int) -> float:
        """Share of the body's pixels that are seen; those beyond the frame are not."""
        box = self.seen_box()
        if box is None or not self.drawn:
            return 0.0
        inside = box.wide * box.high / max(self.body.wide * self.body.high, 1e-6)
        return float((owners == number).sum() / self.drawn * min(1.0, inside))


def _window(box: Box, raster: tuple[int, int], margin: float) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of a box on the drawing, in its whole pixels."""
    top = int(np.clip(np.floor((box.top - margin) * FINER), 0, raster[0]))
    bottom = int(np.clip(np.ceil((box.top + box.high + margin) * FINER), 0, raster[0]))
    left = int(np.clip(np.floor((box.left - margin) * FINER), 0, raster[1]))
    right = int(np.clip(np.ceil((box.left + box.wide + margin) * FINER), 0, raster[1]))
    return top, bottom, left, right


@dataclass(frozen=True)
class Passer:
    """Somebody on a straight way through a view: ``start`` (x, z) m at second ``begin``."""

    who: int
    start: tuple[float, float]
    heading: float
    speed: float
    begin: float
    stance: Stance

    def at(self, second: float) -> tuple[tuple[float, float], Stance]:
        """Place and stance at a moment: the stride goes with the way, 1.4 m for both steps."""
        way = self.speed * (second - self.begin)
        x = self.start[0] + np.sin(self.heading) * way
        z = self.start[1] + np.cos(self.heading) * way
        phase = float((self.stance.phase + way / (1.4 * max(self.stance.stride, 0.5))) % 1.0)
        stance = Stance(**{**self.stance.__dict__, "phase": phase})
        return (float(x), float(z)), stance
