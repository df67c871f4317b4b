"""Other manners of the same world: what people wear, how cameras hang, which light there is.

A set of the usual manner says little about how a model fares elsewhere: its test and its training
come from the same draws. ``street`` is what real cameras often show: dark plain clothes, far and
coarse pictures, hard light. ``second`` is meant to be looked at by models that never saw it: other
colours, lenses and lamps. A manner changes what was drawn, so that the usual draws stay the same;
two paints that are alike stay alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from qaconv_core.people import palette
from qaconv_core.people.arrays import Floats, Rng
from qaconv_core.people.camera import Camera
from qaconv_core.people.light import Light
from qaconv_core.people.look import Look, Paint

USUAL = "usual"
MANNERS = (USUAL, "street", "second")
_WIDEST = 12.0

Range = tuple[float, float]
Shade = tuple[tuple[float, float, float], float, float]
"""sRGB, share among tops, share among everything else."""


@dataclass(frozen=True)
class Manner:
    """What a manner exchanges, each thing with a chance of its own.

    ``cloth`` the chance that a garment's colours are drawn anew from ``shades``; ``plain`` that a
    pattern goes; ``coats`` that a top becomes a long or open one. ``far`` multiplies the
    distances, ``height`` is the camera's in m, ``frames`` their sizes; ``cast``, ``target`` are
    logarithmic deviations of colour and brightness, ``blur``, ``quality``, ``noise``, ``contrast``
    ranges of the sensor. ``lights`` are chances of kinds of light.
    """

    cloth: float
    plain: float
    coats: float
    shades: tuple[Shade, ...]
    frames: tuple[tuple[int, int], ...]
    far: Range
    height: Range
    cast: float
    target: tuple[float, float]
    blur: Range
    quality: tuple[int, int]
    noise: Range
    contrast: Range
    lights: Mapping[str, float]


_STREET = Manner(
    cloth=0.6, plain=0.5, coats=0.2,
    shades=(
        ((0.08, 0.08, 0.09), 30, 30), ((0.16, 0.17, 0.19), 14, 14), ((0.11, 0.13, 0.22), 12, 14),
        ((0.32, 0.33, 0.34), 9, 8), ((0.20, 0.26, 0.36), 4, 18), ((0.62, 0.62, 0.61), 7, 4),
        ((0.92, 0.92, 0.91), 9, 4), ((0.30, 0.24, 0.19), 5, 4), ((0.27, 0.29, 0.20), 4, 3),
        ((0.45, 0.11, 0.14), 3, 1), ((0.70, 0.15, 0.15), 3, 1), ((0.16, 0.32, 0.60), 3, 1),
    ),
    frames=((480, 640), (576, 720), (720, 1280), (1080, 1920)),
    far=(0.9, 2.2), height=(1.8, 7.0), cast=0.1, target=(0.24, 0.45), blur=(0.3, 1.8),
    quality=(18, 80), noise=(0.008, 0.05), contrast=(0.7, 1.5),
    lights={"": 0.5, "hard": 0.2, "backlit": 0.15, "lamp": 0.15},
)  # fmt: skip
_SECOND = Manner(
    cloth=1.0, plain=0.3, coats=0.35,
    shades=(
        ((0.12, 0.11, 0.12), 18, 24), ((0.21, 0.20, 0.24), 10, 12), ((0.16, 0.20, 0.33), 8, 10),
        ((0.83, 0.80, 0.73), 9, 6), ((0.66, 0.56, 0.38), 6, 8), ((0.36, 0.30, 0.22), 6, 8),
        ((0.72, 0.57, 0.16), 4, 1), ((0.40, 0.10, 0.20), 5, 2), ((0.62, 0.84, 0.74), 3, 1),
        ((0.72, 0.66, 0.84), 3, 1), ((0.65, 0.29, 0.16), 4, 2), ((0.08, 0.34, 0.40), 4, 2),
        ((0.50, 0.58, 0.62), 7, 12), ((0.95, 0.45, 0.42), 3, 1), ((0.24, 0.44, 0.20), 3, 1),
    ),
    frames=((432, 768), (600, 800), (1080, 1920)),
    far=(1.1, 2.0), height=(2.4, 9.0), cast=0.14, target=(0.20, 0.4), blur=(0.4, 1.5),
    quality=(22, 65), noise=(0.012, 0.045), contrast=(0.75, 1.4),
    lights={"": 0.2, "backlit": 0.25, "lamp": 0.3, "neon": 0.25},
)  # fmt: skip
_BY_NAME = {"street": _STREET, "second": _SECOND}


def dress(look: Look, manner: str) -> Look:
    """The look in another manner; the same paint always becomes the same."""
    if manner == USUAL:
        return look
    how = _BY_NAME[manner]
    top = replace(look.top, paint=_repaint(look.top.paint, how, 1))
    rng = _of_paint(look.top.paint, 3)
    if rng.random() < how.coats:
        hem = float(rng.choice([rng.uniform(0.5, 1.6), rng.uniform(2.0, 5.5)]))
        top = replace(
            top,
            hem=max(top.hem, hem) if look.bottom.kind != "dress" else top.hem,
            sleeve=0.95,
            opening=float(rng.choice([0.0, rng.uniform(0.2, 1.0)])),
            inner=_shade(how, 1, rng),
        )
    worn = top.paint if look.bottom.kind == "dress" else _repaint(look.bottom.paint, how, 2)
    return replace(
        look,
        top=top,
        bottom=replace(look.bottom, paint=worn),
        bag=replace(look.bag, paint=_repaint(look.bag.paint, how, 2)),
        hat=replace(look.hat, paint=_repaint(look.hat.paint, how, 2)),
    )


def hang(camera: Camera, manner: str, rng: Rng) -> Camera:
    """The camera in another manner: place and number stay."""
    if manner == USUAL:
        return camera
    how = _BY_NAME[manner]
    frame = how.frames[rng.integers(len(how.frames))]
    height = float(rng.uniform(*how.height))
    near = camera.near * float(rng.uniform(*how.far))
    far = near * float(rng.uniform(1.4, 2.0))
    middle = (near + far) / 2
    opening = float(rng.uniform(0.5, 0.95) * np.clip(_WIDEST / middle, 0.5, 1.1))
    warm, green = rng.normal(0, how.cast), rng.normal(0, how.cast / 2)
    cast = np.exp([warm, green, -warm])
    level, spread = how.target
    sensor = replace(
        camera.sensor,
        gain=(cast / cast.mean()).astype(np.float32),
        target=float(np.exp(rng.normal(np.log(level), spread))),
        blur=float(rng.uniform(*how.blur)),
        quality=int(rng.integers(*how.quality)),
        noise=float(rng.uniform(*how.noise)),
        contrast=float(rng.uniform(*how.contrast)),
    )
    return replace(
        camera,
        height=height,
        pitch=float(np.arctan2(height - 0.9, middle) + rng.normal(0, 0.03)),
        focal=float(frame[0] / 2 / np.tan(opening / 2)),
        frame=frame,
        near=near,
        far=far,
        sensor=sensor,
    )


def relight(light: Light, manner: str, rng: Rng) -> Light:
    """The light in another manner."""
    if manner == USUAL:
        return light
    chances = _BY_NAME[manner].lights
    kind = str(rng.choice(list(chances), p=list(chances.values())))
    if kind == "":
        return light
    up, around = {
        "hard": (rng.uniform(35, 65), rng.uniform(-np.pi, np.pi)),
        # People pass along +z before the camera: a low sun there shines into it.
        "backlit": (rng.uniform(14, 35), rng.normal(0, 0.5)),
        "lamp": (rng.uniform(55, 80), rng.uniform(-np.pi, np.pi)),
        "neon": (rng.uniform(60, 85), rng.uniform(-np.pi, np.pi)),
    }[kind]
    sun, sky, warm, cool = {
        "hard": (rng.uniform(3.0, 5.0), rng.uniform(0.25, 0.5), (1.05, 1, 0.9), (0.92, 1, 1.1)),
        "backlit": (rng.uniform(2.0, 4.0), rng.uniform(0.3, 0.6), (1.15, 1, 0.8), (0.95, 1, 1.06)),
        "lamp": (rng.uniform(0.8, 2.0), rng.uniform(0.1, 0.3), (1.25, 0.98, 0.6), (0.8, 0.95, 1.2)),
        "neon": (rng.uniform(0.3, 0.8), rng.uniform(0.5, 0.9), (0.94, 1.08, 0.96), (0.94, 1.05, 1)),
    }[kind]
    high = np.radians(up)
    way = [np.cos(high) * np.sin(around), np.sin(high), np.cos(high) * np.cos(around)]
    return replace(
        light,
        weather=kind,
        sun_way=np.array(way, np.float32),
        sun=np.array(warm, np.float32) * np.float32(sun),
        sky=np.array(cool, np.float32) * np.float32(sky),
        bounce=np.array(warm, np.float32) * np.float32(0.2 * (sky + 0.6 * sun * np.sin(high))),
    )


def _of_paint(paint: Paint, use: int) -> Rng:
    return np.random.default_rng([paint.seed, 41, use])


def _repaint(paint: Paint, how: Manner, use: int) -> Paint:
    """``use`` 1 for tops, 2 for everything else."""
    rng = _of_paint(paint, use)
    kind = "plain" if rng.random() < how.plain and paint.kind != "print" else paint.kind
    if rng.random() >= how.cloth:
        return replace(paint, kind=kind)
    colours = np.stack([_shade(how, use, rng) for _ in range(3)])
    return replace(paint, kind=kind, colours=colours)


def _shade(how: Manner, use: int, rng: Rng) -> Floats:
    shares = np.array([shade[use] for shade in how.shades], np.float64)
    colour = np.array(how.shades[rng.choice(len(shares), p=shares / shares.sum())][0])
    value = colour * rng.normal(1.0, 0.08) + rng.normal(0, 0.025, 3)
    return palette.linear(np.clip(value, 0.05, 0.95))
