"""Daylight and lamps: one light per camera and session, with the shade that lies on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaconv_core.people import noise
from qaconv_core.people.arrays import Floats, Rng

WEATHERS = ("sun", "haze", "overcast", "shade", "evening", "indoor")


@dataclass(frozen=True)
class Light:
    """``sun_way`` (3,) unit, towards the sun; ``sun``, ``sky``, ``bounce`` (3,) linear strengths.

    Shade on the ground: beyond a straight edge (``edge``: a, b, c of a·x + b·z > c) and under
    leaves (``leaves``: strength 0 … 1, size in m).
    """

    weather: str
    sun_way: Floats
    sun: Floats
    sky: Floats
    bounce: Floats
    edge: tuple[float, float, float]
    leaves: tuple[float, float]
    seed: int

    def sun_share(self, x: Floats, z: Floats) -> Floats:
        """How much of the sun reaches ground points (any shape, m), in [0, 1]."""
        a, b, c = self.edge
        out = np.clip((c - a * x - b * z) / 0.25, 0, 1).astype(np.float32)
        strength, size = self.leaves
        if strength > 0:
            texture = noise.field(4, 16)
            u, v = x * 32 / size + self.seed % 511, z * 32 / size + self.seed % 253
            cloud = noise.look_up(texture, u, v) if out.ndim < 2 else noise.sample(texture, u, v)
            out *= 1 - strength * np.clip(0.5 + 1.6 * cloud, 0, 1)
        return out


def draw_light(rng: Rng, indoor: bool) -> Light:
    """The light of one camera during one session."""
    weather = "indoor" if indoor else str(rng.choice(WEATHERS[:-1], p=[0.4, 0.17, 0.2, 0.15, 0.08]))
    up = np.radians(rng.uniform(22, 70) if weather != "evening" else rng.uniform(10, 22))
    around = rng.uniform(-np.pi, np.pi)
    way = [np.cos(up) * np.sin(around), np.sin(up), np.cos(up) * np.cos(around)]
    sun, sky = {
        "sun": (rng.uniform(1.4, 3.8), rng.uniform(0.38, 0.75)),
        "haze": (rng.uniform(0.4, 0.9), rng.uniform(0.7, 1.0)),
        "overcast": (rng.uniform(0.02, 0.15), rng.uniform(0.8, 1.1)),
        "shade": (rng.uniform(0.05, 0.2), rng.uniform(0.6, 0.9)),
        "evening": (rng.uniform(0.4, 1.1), rng.uniform(0.4, 0.7)),
        "indoor": (rng.uniform(0.1, 0.5), rng.uniform(0.6, 1.0)),
    }[weather]
    warm = {"evening": (1.25, 0.95, 0.62), "indoor": (1.08, 1.0, 0.86)}.get(weather, (1.06, 1, 0.9))
    cool = {"indoor": (1.04, 1.0, 0.92), "shade": (0.92, 0.99, 1.12)}.get(weather, (0.96, 1, 1.06))
    edge = (0.0, 0.0, 1.0)
    if weather == "sun" and rng.random() < 0.45:
        turn = rng.uniform(0, 2 * np.pi)
        edge = (float(np.cos(turn)), float(np.sin(turn)),
                float(9 * np.sin(turn) + rng.normal(0, 2.5)))  # fmt: skip
    leaves = (0.0, 1.0)
    if weather in ("sun", "haze", "evening") and rng.random() < 0.4:
        leaves = (float(rng.uniform(0.5, 1.0)), float(rng.uniform(1.0, 4.0)))
    ground = rng.uniform(0.12, 0.35)
    return Light(
        weather, np.array(way, np.float32), np.array(warm, np.float32) * np.float32(sun),
        np.array(cool, np.float32) * np.float32(sky),
        np.array(warm, np.float32) * np.float32(ground * (sky + 0.6 * sun * np.sin(up))),
        edge, leaves, int(rng.integers(1, 1 << 20)),
    )  # fmt: skip
