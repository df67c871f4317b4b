"""Takes the pictures: a person before a backdrop, through a camera, in an imperfect box."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from .figure import BODY_HEIGHT, Figure, draw_pose
from .people import Person, draw_person
from .scene import Backdrop, Camera, smooth_noise
from .shapes import Array, splat, turn

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Box:
    """How a detector framed the person, in fractions of the frame's height.

    ``person`` is the standing height, ``right`` and ``down`` the shift from the middle.
    """

    person: float = 0.93
    right: float = 0.0
    down: float = 0.0


def draw_box(rng: np.random.Generator, bad: bool = False) -> Box:
    """A box as detectors draw them: a little off; ``bad`` ones miss much of the person."""
    if bad:
        person = float(rng.choice((0.5, 1.5)) * rng.uniform(0.9, 1.1))
        return Box(person, float(rng.uniform(-0.22, 0.22)), float(rng.uniform(-0.35, 0.35)))
    person, right = float(rng.normal(0.93, 0.03)), float(rng.normal(0, 0.015))
    down = float(rng.normal(0, 0.015))
    if rng.random() < 0.08:
        person, down = person * 1.25, down + float(rng.choice((-0.08, 0.10)))
    return Box(person, right, down)


class Shot:
    """One picture being taken; ``canvas`` is the height in pixels it is drawn at.

    Detectors' boxes are slimmer than 1:2, and data sets stretch them to it: so do we.
    """

    def __init__(self, camera: Camera, rng: np.random.Generator, canvas: int) -> None:
        self.camera, self.rng = camera, rng
        self.size = (canvas, int(0.385 * canvas))
        self.image = Backdrop(camera, self.size, float(rng.uniform(0, 60)), rng).draw()
        self.sharp = float(rng.uniform(0.8, 1.25))

    def add(self, person: Person, yaw: float, box: Box) -> None:
        """Draw a person and the shadow at the feet over what is there."""
        height, width = self.size
        tall = 1 + 0.3 * (person.height / BODY_HEIGHT - 1)
        scale = box.person * height / BODY_HEIGHT * tall
        feet = (width / 2 + box.right * height, (0.96 + box.down) * height)
        if box.person > 1.05 or box.person < 0.7:
            feet = (feet[0], (0.5 + box.down + 0.5 * box.person) * height)
        self._shadow(feet, scale)
        cloud = Figure(person, draw_pose(self.rng), 0.62 / scale).cloud()
        view = turn(yaw, self.camera.pitch)
        picture, mask = splat(cloud, view, self.size, feet, scale, self.camera.shine)
        soft = cv2.GaussianBlur(mask, (0, 0), 0.6)[..., None] * mask[..., None]
        self.image = self.image * (1 - soft) + picture * soft

    def _shadow(self, feet: tuple[float, float], scale: float) -> None:
        dark: Array = np.zeros(self.size, np.float32)
        centre = (int(feet[0] - 0.15 * scale * self.camera.light[0]), int(feet[1] - 0.02 * scale))
        axes = (max(1, int(0.34 * scale)), max(1, int(0.07 * scale)))
        cv2.ellipse(dark, centre, axes, 0, 0, 360, 0.5, -1)
        dark = cv2.GaussianBlur(dark, (0, 0), max(0.5, 0.05 * scale))
        self.image = self.image * (1 - dark[..., None])

    def occlude(self) -> None:
        """Put a post, a bin or a sign between the camera and the person."""
        height, width = self.size
        kind, x = int(self.rng.integers(3)), int(self.rng.uniform(0.1, 0.9) * width)
        colour = np.clip(self.rng.uniform(0.12, 0.6) + self.rng.normal(0, 0.03, 3), 0, 1)
        blocks = (
            ((0.025, 0.0, 1.0),),
            ((0.12, 0.68, 1.0), (0.135, 0.66, 0.69)),
            ((0.012, 0.3, 1.0), (0.10, 0.25, 0.44)),
        )[kind]
        for half, top, low in blocks:
            left, right = max(0, x - int(half * height)), x + int(half * height)
            rows = slice(int(top * height), int(low * height))
            block = self.image[rows, left:right]
            side = np.linspace(1.15, 0.7, block.shape[1])[None, :, None]
            self.image[rows, left:right] = colour * side * np.ones_like(block)

    def develop(self) -> Picture:
        """The picture as the camera stores it, uint8 (h, w, 3)."""
        camera, rng = self.camera, self.rng
        image = self.image * camera.cast * camera.gain * rng.uniform(0.88, 1.12)
        image = np.clip(image, 0, 1) ** (camera.gamma * rng.uniform(0.95, 1.05))
        image = image * (1 - camera.haze) + 0.75 * camera.haze
        if rng.random() < 0.15:
            image = image * _dapple(rng, self.size)[..., None]
        shape = (camera.height // 2, camera.height)
        shrink = cv2.INTER_AREA if camera.height <= self.size[0] else cv2.INTER_LINEAR
        small = cv2.resize(np.asarray(image, np.float32), shape, interpolation=shrink)
        small = cv2.GaussianBlur(small, (0, 0), camera.blur * self.sharp * camera.height / 160)
        small = small + rng.normal(0, camera.noise, small.shape)
        return np.asarray(np.clip(small * 255 + 0.5, 0, 255), np.uint8)


def _dapple(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Sun and shade falling across the picture."""
    spots = smooth_noise(rng, size, size[0] / 4)
    return 1 + 0.22 * np.clip(spots * 2, -1, 1)


def take(
    camera: Camera,
    person: Person | None,
    rng: np.random.Generator,
    away: bool = False,
    bad_box: bool = False,
    canvas: int = 448,
) -> Picture:
    """A picture of ``person`` (None: of an empty place with street furniture).

    ``away`` turns people who walk the other way. ``bad_box`` frames badly.
    """
    shot = Shot(camera, rng, canvas)
    yaw = camera.yaw + (np.pi if away else 0.0) + float(rng.normal(0, 0.30))
    if rng.random() < 0.22:
        beside = Box(float(rng.uniform(0.6, 0.85)), float(rng.choice((-0.24, 0.24))), -0.04)
        shot.add(draw_person(rng), float(rng.uniform(0, 6.28)), beside)
    if person is not None:
        shot.add(person, yaw, draw_box(rng, bad_box))
    if person is None or rng.random() < 0.07:
        shot.occlude()
    if person is None:
        shot.occlude()
    if rng.random() < 0.04:
        shot.add(draw_person(rng), yaw, Box(1.0, float(rng.choice((-0.25, 0.25))), 0.06))
    return shot.develop()


def encode(picture: Picture, quality: int) -> bytes:
    """The picture as JPEG."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return out.getvalue()
