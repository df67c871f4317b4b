"""A group's way through one camera's view, with whoever else is about."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qaconv_core.people import furniture
from qaconv_core.people.arrays import Floats, Rng
from qaconv_core.people.camera import Camera

EXTRAS = 48
"""People who pass by without an identity; they are the distractors, pid 0."""


class Walker(NamedTuple):
    """Somebody in a picture: person (pid, or −1, −2, … for an extra), where and how."""

    who: int
    place: tuple[float, float]
    heading: float
    speed: float
    standing: bool
    arms_seed: int


class Walk:
    """A group's way through one camera's view."""

    def __init__(self, camera: Camera, rng: Rng, members: int, shots: int) -> None:
        self.camera = camera
        self.main = np.random.default_rng([camera.seed, 79, camera.number]).uniform(0, np.pi)
        self.heading: float = self.main + np.pi * rng.integers(0, 2) + rng.normal(0, 0.25)
        if rng.random() < 0.25:
            self.heading = rng.uniform(0, 2 * np.pi)
        self.standing = bool(rng.random() < 0.07)
        self.pace = 0.0 if self.standing else float(np.clip(rng.normal(1.25, 0.15), 0.8, 1.7))
        z = rng.uniform(camera.near, camera.far)
        self.middle = np.array([rng.uniform(-0.55, 0.55) * camera.reach[0] * z, z])
        self.offsets = _formation(rng, members)
        self.moments = self._moments(rng, shots)
        self.seeds = rng.integers(0, 1 << 30, members)
        self.extras = self._draw_extras(rng)
        self.front = ""
        self.front_take = int(rng.integers(0, shots))
        if rng.random() < 0.16:
            self.front = str(rng.choice(furniture.IN_FRONT))

    def _moments(self, rng: Rng, shots: int) -> list[float]:
        """Seconds from the middle of the way, at which the middle is well inside the view."""
        step = self._step()
        limit = 0.4
        for seconds in np.arange(0.4, 4.1, 0.4):
            if all(self._inside(self.middle + step * t) for t in (seconds, -seconds)):
                limit = float(seconds)
        if self.standing:
            limit = 4.0
        gaps = np.sort(rng.uniform(-limit, limit, shots))
        return [float(g) for g in gaps]

    def _step(self) -> Floats:
        return np.array([np.sin(self.heading), np.cos(self.heading)]) * self.pace

    def _inside(self, place: Floats) -> bool:
        x, z = float(place[0]), float(place[1])
        near, far = self.camera.near * 0.9, self.camera.far * 1.15
        return near < z < far and abs(x) < 0.85 * self.camera.reach[0] * z

    def _draw_extras(self, rng: Rng) -> list[tuple[int, Floats, float, float, int]]:
        """Others who are about: number, place at the middle moment, heading, speed, seed."""
        found = []
        for _ in range(rng.poisson(2.2 * self.camera.crowd)):
            away = rng.normal(0, [0.9, 1.6])
            heading = self.main + np.pi * rng.integers(0, 2) + rng.normal(0, 0.3)
            who = -1 - int(rng.integers(0, EXTRAS))
            found.append((who, self.middle + away, float(heading), float(rng.uniform(0.0, 1.5)),
                          int(rng.integers(0, 1 << 30))))  # fmt: skip
        return found

    def at(self, moment: float, subject: int, pids: list[int]) -> tuple[Walker, ...]:
        """Everybody in view at a moment, the member ``subject`` (−1: the first extra) first."""
        c, s = np.cos(self.heading), np.sin(self.heading)
        walkers = []
        for pid, offset, seed in zip(pids, self.offsets, self.seeds, strict=False):
            spot = self.middle + self._step() * moment + [
                offset[0] * c + offset[1] * s, offset[1] * c - offset[0] * s
            ]  # fmt: skip
            walkers.append(
                Walker(pid, (float(spot[0]), float(spot[1])), float(self.heading + offset[2]),
                       self.pace, self.standing, int(seed))
            )  # fmt: skip
        first = walkers[subject : subject + 1] if subject >= 0 else []
        others = [w for n, w in enumerate(walkers) if n != subject]
        for who, place, heading, speed, seed in self.extras:
            spot = place + np.array([np.sin(heading), np.cos(heading)]) * speed * moment
            extra = Walker(who, (float(spot[0]), float(spot[1])), float(heading), speed,
                           speed < 0.3, seed)  # fmt: skip
            if first and np.hypot(*(spot - first[0].place)) < 0.45:
                continue
            others.append(extra)
        return (*first, *others)


def _formation(rng: Rng, members: int) -> Floats:
    """Offsets (members, 3) to the right, ahead (m) and in heading of a group's members."""
    side: Floats = (np.arange(members) - (members - 1) / 2) * rng.uniform(0.55, 0.85)
    ahead: Floats = rng.normal(0, 0.3, members)
    if members > 1 and rng.random() < 0.3:  # one behind the other
        side, ahead = rng.normal(0, 0.2, members), (np.arange(members) - 0.5) * 0.9
    return np.stack([side, ahead, rng.normal(0, 0.12, members)], 1)
