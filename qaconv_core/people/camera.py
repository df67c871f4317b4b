"""Cameras: where they hang, what they see of the ground, and what their sensors do to light.

World coordinates of a camera: metres, y up, the ground is y = 0, the camera hangs over the origin
and looks towards +z.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from qaconv_core.people.arrays import Floats, Pixels, Rng

PLACES = ("path", "plaza", "street", "shop", "corridor")


@dataclass(frozen=True)
class Sensor:
    """What happens to light on its way to the file.

    ``gain`` (3,) colour cast; ``target`` mean brightness aimed at, linear; ``gamma`` and
    ``contrast`` of the tone curve, ``saturation``; ``blur`` of the lens and ``shutter`` (s of
    motion); ``noise`` deviation at mid-grey, ``sharpen`` the halo of in-camera sharpening,
    ``quality`` of the video's compression, ``veil`` stray light.
    """

    gain: Floats
    target: float
    gamma: float
    contrast: float
    saturation: float
    blur: float
    shutter: float
    noise: float
    sharpen: float
    quality: int
    veil: float


@dataclass(frozen=True)
class Camera:
    """``height`` m, ``pitch`` (down) and ``roll`` in radians, ``focal`` in pixels, ``frame``
    (height, width) in pixels, ``bulge`` radial distortion, ``place`` one of :data:`PLACES`,
    ``near`` and ``far`` the distances (m along z) people pass at, ``crowd`` how often others
    are about, in [0, 1]."""

    number: int
    seed: int
    place: str
    height: float
    pitch: float
    roll: float
    focal: float
    frame: tuple[int, int]
    bulge: float
    near: float
    far: float
    crowd: float
    sensor: Sensor

    @cached_property
    def axes(self) -> Floats:
        """Rows: the camera's right, down and forward in world coordinates, (3, 3)."""
        cp, sp = np.cos(self.pitch), np.sin(self.pitch)
        forward = np.array([0, -sp, cp])
        right, down = np.array([-1.0, 0, 0]), np.array([0, -cp, -sp])
        cr, sr = np.cos(self.roll), np.sin(self.roll)
        rows = [cr * right + sr * down, cr * down - sr * right, forward]
        return np.array(rows, np.float32)

    @property
    def eye(self) -> Floats:
        """Where the camera hangs, (3,)."""
        return np.array([0, self.height, 0], np.float32)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """World points (n, 3) on the frame: pixels (n, 2) and distance along the axis (n,)."""
        local = (points - self.eye) @ self.axes.T
        depth = np.maximum(local[:, 2], 0.05)
        plane = local[:, :2] / depth[:, None]
        plane = plane * (1 + self.bulge * (plane * plane).sum(1, keepdims=True))
        middle = np.array([self.frame[1] / 2, self.frame[0] / 2], np.float32)
        return (plane * self.focal + middle).astype(np.float32), depth

    def rays(self, x: Floats, y: Floats) -> Floats:
        """Directions (…, 3) with unit length along the axis, of frame pixels x, y (…)."""
        u, v = (x - self.frame[1] / 2) / self.focal, (y - self.frame[0] / 2) / self.focal
        a, b = u, v
        for _ in range(4):  # undo the distortion by fixed-point iteration
            factor = 1 + self.bulge * (a * a + b * b)
            a, b = u / factor, v / factor
        axes = self.axes
        return (a[..., None] * axes[0] + b[..., None] * axes[1] + axes[2]).astype(np.float32)

    @cached_property
    def reach(self) -> tuple[float, float]:
        """Tangents of half the view to the left and right at the frame's middle row."""
        return (self.frame[1] / 2 / self.focal, self.frame[0] / 2 / self.focal)


def draw_camera(seed: int, number: int) -> Camera:
    """Camera ``number`` (from 1) of the set with this ``seed``."""
    rng = np.random.default_rng([seed, 77, number])
    frame = ((960, 1280), (720, 1280), (576, 720))[rng.choice(3, p=[0.25, 0.5, 0.25])]
    height = float(rng.choice([rng.uniform(1.9, 3.2), rng.uniform(3.2, 6.5)], p=[0.6, 0.4]))
    near = float(rng.uniform(4.5, 7.5)) * (0.8 + 0.12 * height)
    far = near * float(rng.uniform(1.5, 2.2))
    middle = (near + far) / 2
    pitch = float(np.arctan2(height - 0.9, middle) + rng.normal(0, 0.03))
    opening = rng.uniform(0.55, 0.95) * np.clip(9 / middle, 0.5, 1.1)
    focal = float(frame[0] / 2 / np.tan(opening / 2))
    return Camera(
        number=number,
        seed=seed,
        place=str(rng.choice(PLACES, p=[0.3, 0.22, 0.2, 0.18, 0.1])),
        height=height,
        pitch=pitch,
        roll=float(rng.normal(0, 0.02)),
        focal=focal,
        frame=frame,
        bulge=float(rng.choice([0.0, -rng.uniform(0.02, 0.16)])),
        near=near,
        far=far,
        crowd=float(rng.beta(1.6, 2.2)),
        sensor=_draw_sensor(rng),
    )


def _draw_sensor(rng: Rng) -> Sensor:
    warm, green = rng.normal(0, 0.085), rng.normal(0, 0.03)
    cast = np.exp([warm, green, -warm])
    return Sensor(
        gain=(cast / cast.mean()).astype(np.float32),
        target=float(np.exp(rng.normal(np.log(0.24), 0.32))),
        gamma=float(rng.normal(2.2, 0.12)),
        contrast=float(np.clip(rng.normal(1.06, 0.17), 0.7, 1.5)),
        saturation=float(np.clip(rng.normal(0.86, 0.17), 0.4, 1.25)),
        blur=float(rng.choice([rng.uniform(0.3, 0.7), rng.uniform(0.7, 1.4)], p=[0.65, 0.35])),
        shutter=float(rng.choice([1 / 200, 1 / 60, 1 / 25], p=[0.4, 0.4, 0.2])),
        noise=float(np.exp(rng.normal(np.log(0.014), 0.5))),
        sharpen=float(max(0.0, rng.normal(0.35, 0.4))),
        quality=int(rng.integers(30, 88)),
        veil=float(max(0.0, rng.normal(0.008, 0.012))),
    )


def develop(
    light: Floats, camera: Camera, exposure: float, motion: tuple[float, float], rng: Rng
) -> Pixels:
    """The sensor's picture (h, w, 3) uint8 of linear ``light`` (h, w, 3) at native resolution.

    ``exposure`` multiplies the light; ``motion`` (pixels right, down) is how far the scene moves
    while the shutter is open.
    """
    sensor = camera.sensor
    image: Floats = light * (exposure * sensor.gain) + sensor.veil
    image = _motion_blur(image, motion)
    if sensor.blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), sensor.blur)
    deviation = sensor.noise * np.sqrt(np.clip(image, 0.02, 1.0)) * 0.8
    grain = rng.standard_normal((*image.shape[:2], 1), np.float32) * 0.75
    colour = rng.standard_normal(image.shape, np.float32) * 0.6
    image = image + deviation * (grain + colour)
    image = np.clip(image, 0, None)
    image = np.where(image > 0.7, 0.7 + 0.3 * np.tanh((image - 0.7) / 0.45), image)
    image = np.power(image, 1 / sensor.gamma)
    image = (image - 0.45) * sensor.contrast + 0.45
    grey = image @ np.array([0.299, 0.587, 0.114], np.float32)
    image = grey[:, :, None] + (image - grey[:, :, None]) * sensor.saturation
    if sensor.sharpen > 0.05:
        image = image + sensor.sharpen * (image - cv2.GaussianBlur(image, (0, 0), 1.3))
    out = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    return compress(out, sensor.quality)


def compress(image: Pixels, quality: int) -> Pixels:
    """The RGB picture after one JPEG compression and back, as a stand-in for the video's."""
    _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    back: Pixels | None = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert back is not None
    return back[:, :, ::-1]


def _motion_blur(image: Floats, motion: tuple[float, float]) -> Floats:
    length = float(np.hypot(*motion))
    if length < 1.0:
        return image
    size = 2 * int(np.ceil(min(length, 15) / 2)) + 1
    kernel = np.zeros((size, size), np.float32)
    middle = size // 2
    way = np.array(motion) / length * min(length, 15) / 2
    start = tuple(round(middle - w) for w in way)
    stop = tuple(round(middle + w) for w in way)
    cv2.line(kernel, start, stop, 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())
