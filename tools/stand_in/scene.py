"""The places: what a camera sees behind people, and how a camera spoils the picture.

A :class:`Camera` keeps its pavement, wall, light, colour cast, blur, noise, resolution and JPEG
quality for all its pictures; only where a person happens to walk changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .people import Colour
from .shapes import Array

WALLS = ("bricks", "plaster", "hedge", "glass", "shutters", "posters")
FLOORS = ("slabs", "asphalt", "cobbles", "tiles", "zebra", "gravel")


@dataclass(frozen=True)
class Camera:
    """One camera: the place it looks at and how it renders it.

    ``horizon`` is where the ground ends (fraction of the frame's height), ``pitch`` the angle it
    looks down and ``yaw`` the side it sees of people who walk one way (radians), ``cast`` the
    gains of R, G, B, ``blur`` and ``noise`` in pixels and grey levels (0–1) of the final
    picture, ``height`` its height in pixels (the width is half of it).
    """

    wall: str
    floor: str
    wall_colour: Colour
    floor_colour: Colour
    horizon: float = 0.4
    pitch: float = 0.15
    yaw: float = 0.0
    cast: Colour = (1.0, 1.0, 1.0)
    gain: float = 1.0
    gamma: float = 1.0
    light: Colour = (0.3, 0.6, 0.6)
    ambient: float = 0.6
    haze: float = 0.0
    blur: float = 0.6
    noise: float = 0.015
    height: int = 128
    quality: int = 85
    seed: int = 0

    def shine(self, normals: Array) -> Array:
        """Brightness (n,) of surfaces with normals (n, 3) in view coordinates."""
        to_light = np.array(self.light) / np.linalg.norm(self.light)
        lit = np.clip(normals @ to_light.astype(np.float32), 0, 1)
        sky = 0.5 + 0.5 * normals[:, 1]
        bright: Array = self.ambient * (0.7 + 0.3 * sky) + (1.25 - self.ambient) * lit
        return bright


DEMO_CAMERAS: tuple[Camera, ...] = (
    Camera("bricks", "slabs", (0.47, 0.38, 0.34), (0.50, 0.49, 0.47), 0.36, 0.18, 0.3,
           (1.04, 1.0, 0.95), 1.05, 0.95, (0.5, 0.7, 0.5), 0.55, 0.0, 0.5, 0.015, 128, 88, 11),
    Camera("glass", "tiles", (0.42, 0.45, 0.47), (0.56, 0.56, 0.56), 0.40, 0.12, 1.5,
           (0.97, 1.0, 1.03), 0.95, 1.0, (-0.4, 0.7, 0.6), 0.75, 0.03, 0.6, 0.02, 160, 84, 12),
    Camera("hedge", "gravel", (0.27, 0.33, 0.23), (0.48, 0.46, 0.42), 0.34, 0.15, 3.5,
           (1.0, 1.02, 0.95), 1.08, 0.95, (0.7, 0.6, 0.3), 0.50, 0.0, 0.4, 0.012, 192, 86, 13),
    Camera("plaster", "asphalt", (0.62, 0.59, 0.54), (0.36, 0.36, 0.37), 0.42, 0.08, 4.5,
           (1.06, 0.99, 0.90), 0.86, 1.05, (-0.6, 0.5, 0.5), 0.65, 0.0, 0.9, 0.025, 128, 80, 14),
    Camera("shutters", "cobbles", (0.42, 0.44, 0.46), (0.46, 0.45, 0.44), 0.30, 0.25, 5.5,
           (0.95, 0.99, 1.06), 0.92, 1.0, (0.1, 0.9, 0.4), 0.80, 0.06, 1.0, 0.02, 160, 78, 15),
    Camera("posters", "zebra", (0.56, 0.56, 0.57), (0.34, 0.34, 0.35), 0.38, 0.10, 2.4,
           (1.0, 0.98, 1.01), 1.10, 0.95, (-0.3, 0.6, 0.8), 0.65, 0.0, 0.7, 0.015, 224, 82, 16),
)  # fmt: skip


def draw_camera(rng: np.random.Generator, height: int | None = None) -> Camera:
    """Some camera, for training: none of the demo's."""
    tone = rng.uniform(0.2, 0.75, 2)
    wall, floor = (tuple(np.clip(t + rng.normal(0, 0.06, 3), 0, 1)) for t in tone)
    return Camera(
        str(rng.choice(WALLS)),
        str(rng.choice(FLOORS)),
        wall,
        floor,
        float(rng.uniform(0.28, 0.44)),
        float(rng.uniform(0.05, 0.28)),
        float(rng.uniform(0, 6.28)),
        tuple(rng.uniform(0.86, 1.14, 3)),
        float(rng.uniform(0.75, 1.2)),
        float(rng.uniform(0.85, 1.15)),
        tuple(rng.uniform((-0.8, 0.4, 0.2), (0.8, 0.9, 0.9))),
        float(rng.uniform(0.4, 0.85)),
        float(rng.choice((0.0, 0.05, 0.1))),
        float(rng.uniform(0.3, 1.2)),
        float(rng.uniform(0.01, 0.03)),
        height or int(rng.choice((128, 160, 192, 224))),
        int(rng.integers(76, 92)),
        int(rng.integers(1 << 16)),
    )


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], cell: float) -> Array:
    """Noise near 0 with spots about ``cell`` pixels wide, roughly in [−1, 1]."""
    small = (max(2, int(size[0] / cell)), max(2, int(size[1] / cell)))
    noise = rng.normal(0, 0.45, small).astype(np.float32)
    return cv2.resize(noise, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)


@dataclass
class Backdrop:
    """Draws what stands behind a person, seen through a frame of ``size`` (H, W).

    ``place`` is where along the street the person walks, in metres. How much wall is seen above
    the ground varies, as some walk close to the camera and others by the wall.
    """

    camera: Camera
    size: tuple[int, int]
    place: float
    rng: np.random.Generator

    def draw(self) -> Array:
        """The picture (H, W, 3) in [0, 1], before the camera's own faults."""
        height = self.size[0]
        horizon = self.camera.horizon + self.rng.uniform(-0.28, 0.06)
        edge = int(height * np.clip(horizon, 0.02, 0.6))
        wall, floor = self._wall(edge), self._floor(height - edge)
        image: Array = np.concatenate([wall, floor]).astype(np.float32)
        image[max(edge - 2, 0) : edge + 2] *= 0.7
        return image

    def _metres(self, rows: int) -> tuple[Array, Array]:
        """Position along the wall and height above the ground of its pixels."""
        height, width = self.size
        x = np.arange(width)[None] / height * 2.2 + self.place
        y = np.arange(rows, 0, -1)[:, None] / height * 2.2
        return np.broadcast_to(x, (rows, width)), np.broadcast_to(y, (rows, width))

    def _wall(self, rows: int) -> Array:
        x, y = self._metres(rows)
        base = np.array(self.camera.wall_colour, np.float32) * self._house()
        shade = 1 + 0.06 * smooth_noise(self.rng, (rows, self.size[1]), self.size[0] / 12)
        pattern = getattr(self, f"_{self.camera.wall}")(x, y)
        return base * (shade * 0.9)[..., None] * pattern

    def _house(self) -> Array:
        """Tint (3,) of the house one walks by: a street is not one long wall."""
        number = np.floor(self.place / 4) + self.camera.seed
        return 1 + 0.28 * np.sin(number * 2.4) + 0.08 * np.sin(number * np.array([5.1, 3.3, 7.7]))

    def _bricks(self, x: Array, y: Array) -> Array:
        row = np.floor(y / 0.14)
        column = np.floor(x / 0.30 + 0.5 * (row % 2))
        tone = 1 + 0.18 * np.sin(row * 12.9 + column * 78.2)
        mortar = (y / 0.14 % 1 < 0.12) | ((x / 0.30 + 0.5 * (row % 2)) % 1 < 0.06)
        return np.where(mortar, 1.25, tone)[..., None]

    def _plaster(self, x: Array, y: Array) -> Array:
        frame = (x % 2.6 < 0.9) & (y > 0.25)
        glass = (x % 2.6 > 0.08) & (x % 2.6 < 0.82) & (y > 0.33)
        tone = np.where(glass, 0.42, np.where(frame, 1.15, 1.0))
        return tone[..., None] * np.where(y < 0.12, 0.75, 1.0)[..., None]

    def _hedge(self, x: Array, y: Array) -> Array:
        size = x.shape
        leaves = smooth_noise(self.rng, size, 3) + smooth_noise(self.rng, size, 9)
        fence = (x % 1.4 < 0.06) | ((y > 0.55) & (y < 0.60))
        green = (0.95 + 0.35 * leaves)[..., None] * np.array([1.0, 1.0, 0.95])
        return np.where(fence[..., None], np.array([2.0, 1.3, 2.2]), green)

    def _glass(self, x: Array, y: Array) -> Array:
        frame = (x % 1.1 < 0.07) | (y < 0.10)
        inside = 0.75 + 0.25 * np.sin(1.7 * x) * np.cos(2.3 * y) + 0.25 * (y > 0.7)
        return np.where(frame, 0.55, inside)[..., None]

    def _shutters(self, x: Array, y: Array) -> Array:
        door = x % 3.4 < 2.3
        slats = 1 + 0.16 * np.sign(np.sin(2 * np.pi * y / 0.16))
        return np.where(door, slats, 0.72)[..., None]

    def _posters(self, x: Array, y: Array) -> Array:
        number = np.floor(x / 1.3)
        inside = (x % 1.3 > 0.15) & (x % 1.3 < 1.15) & (y > 0.2)
        tint = 0.78 + 0.2 * np.sin(number[..., None] * np.array([2.1, 3.7, 5.9]) + 1)
        band = np.where((y % 0.5 < 0.14)[..., None], 1.2, 0.9)
        return np.where(inside[..., None], tint * band, 1.0)

    def _floor(self, rows: int) -> Array:
        height, width = self.size
        near = 1.0 / (0.25 + np.arange(rows)[:, None] / height)
        x = (np.arange(width)[None] / height - 0.25) * near * 1.2 + self.place
        z = near * 1.6
        tone = self._ground(x, np.broadcast_to(z, x.shape))
        grain = smooth_noise(self.rng, (rows, width), 1.5) * 0.05
        stain = smooth_noise(self.rng, (rows, width), height / 10) * 0.06
        fade = np.linspace(0.88, 1.05, rows)[:, None] * self.rng.uniform(0.72, 1.22)
        floor: Array = (fade * (tone + grain + stain))[..., None] * self.camera.floor_colour
        return floor

    def _ground(self, x: Array, z: Array) -> Array:
        kind = self.camera.floor
        if kind == "slabs":
            joint = (x % 0.6 < 0.03) | (z % 0.6 < 0.04)
            return np.where(
                joint, 0.72, 1 + 0.05 * np.sin(np.floor(x / 0.6) * 7 + np.floor(z / 0.6))
            )
        if kind == "tiles":
            return 0.85 + 0.28 * ((np.floor(x / 0.5) + np.floor(z / 0.5)) % 2)
        if kind == "cobbles":
            row = np.floor(z / 0.16)
            return 0.8 + 0.28 * np.abs(np.sin(np.pi * (x / 0.16 + 0.5 * (row % 2)))) * np.abs(
                np.sin(np.pi * z / 0.16)
            )
        if kind == "zebra":
            return np.where((x + 0.3 * z) % 1.0 < 0.45, 2.3, 1.0)
        if kind == "gravel":
            return 1 + 0.16 * smooth_noise(self.rng, x.shape, 2)
        return np.where(np.abs(z - 4.6) < 0.12, 1.9, 1.0)
