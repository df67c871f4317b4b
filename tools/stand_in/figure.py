"""A person in a walking pose as a cloud of coloured points.

The body is that of somebody 1.75 m tall and is scaled to the person's height by the camera's
pixels per metre; the build widens trunk and limbs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .people import Cloth, Person
from .shapes import Array, Cloud, Surface, capsule, ellipsoid, paint, tube

BODY_HEIGHT = 1.75


@dataclass(frozen=True)
class Pose:
    """One moment of a walk: ``phase`` in radians, ``stride`` and ``swing`` in radians."""

    phase: float = 0.0
    stride: float = 0.42
    swing: float = 0.35
    elbow: float = 0.35
    raised: int = 0
    """Side (−1, +1) of a forearm held up as with a phone; 0: none."""


def draw_pose(rng: np.random.Generator) -> Pose:
    """A moment of a walk, seldom standing still."""
    pace = float(rng.uniform(0.0, 0.3) if rng.random() < 0.15 else rng.uniform(0.7, 1.1))
    raised = int(rng.choice((-1, 1))) if rng.random() < 0.15 else 0
    phase, elbow = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.2, 0.6))
    return Pose(phase, 0.40 * pace, 0.38 * pace, elbow, raised)


def _blend(base: Array, second: Array, share: Array) -> Array:
    return base + (second - base) * share[..., None]


def cloth_colour(cloth: Cloth, surface: Surface, folds: int, girth: float) -> Array:
    """Colours (t, n, 3) of a cloth laid around a tube of radius ``girth``, with its folds."""
    along, across = np.broadcast_arrays(surface.along, surface.around * girth)
    wave = 2 * np.pi / cloth.scale
    if cloth.pattern == "stripes":
        share = (np.sin(wave * along) > 0.1).astype(np.float32)
    elif cloth.pattern == "pinstripes":
        share = (np.sin(wave * across) > 0.5).astype(np.float32)
    elif cloth.pattern == "checks":
        share = 0.5 * (np.sin(wave * along) > 0) + 0.5 * (np.sin(wave * across) > 0)
    else:
        share = np.zeros(along.shape, np.float32)
    colour = _blend(np.array(cloth.colour), np.array(cloth.second), share)
    return (colour * _folds(along, surface.around, folds)[..., None]).astype(np.float32)


def _folds(along: Array, around: Array, seed: int) -> Array:
    """Brightness of wrinkled cloth, near 1."""
    rng = np.random.default_rng(seed)
    relief = np.zeros(np.broadcast_shapes(along.shape, around.shape))
    for _ in range(4):
        slow, turns, shift = rng.uniform(8, 30), rng.integers(0, 4), rng.uniform(0, 6.3)
        relief += np.sin(slow * along + turns * around + shift)
    return 1 + 0.045 * relief


class Figure:
    """Assembles one person in one pose; ``step`` is the sampling distance in metres."""

    def __init__(self, person: Person, pose: Pose, step: float) -> None:
        self.person, self.pose, self.step = person, pose, step
        self.parts: list[Cloud] = []
        self.wide = person.build
        self.cloth_folds = 0

    def cloud(self) -> Cloud:
        """All parts of the person."""
        self._trunk()
        for side in (-1, 1):
            self._arm(side)
            self._leg(side)
        self._skirt()
        self._head()
        self._bag()
        return Cloud.join(self.parts)

    def _add(self, surface: Surface, colour: object, keep: object = None) -> None:
        self.parts.append(paint(surface, colour, keep))  # type: ignore[arg-type]

    def _cloth(self, cloth: Cloth, surface: Surface, girth: float) -> Array:
        self.cloth_folds += 1
        return cloth_colour(cloth, surface, self.person.folds + self.cloth_folds, girth)

    # Trunk ------------------------------------------------------------------------------

    def _trunk(self) -> None:
        person, wide = self.person, self.wide
        shoulders = 0.148 if person.female else 0.168
        waist, hips = (0.122, 0.165) if person.female else (0.150, 0.158)
        loose = {"coat": 0.025, "jacket": 0.018, "hoodie": 0.022, "shirt": 0.006}
        more = loose.get(person.top, 0.0)
        if more > 0.01:
            waist = hips = max(waist, hips) * 0.98
        chest = 0.155 if person.female else 0.170
        y = np.array([0.86, 0.93, 1.08, 1.28, 1.39, 1.435, 1.465, 1.50])
        width = np.array([0.155, hips, waist, chest, shoulders, 0.75 * shoulders, 0.085, 0.05])
        depth = np.array([0.10, 0.115, 0.100, 0.120, 0.098, 0.080, 0.066, 0.045])
        centres = np.stack([0 * y, y, np.array([0, 0, 0, 0.01, 0, 0, -0.005, -0.01])], axis=1)
        trunk = tube(centres, (width + more) * wide, (depth + more) * wide, self.step, 0.9)
        self._add(trunk, self._trunk_colour(trunk))

    def _trunk_colour(self, trunk: Surface) -> Array:
        person = self.person
        colour = self._cloth(person.top_cloth, trunk, 0.16)
        x, y, front = trunk.points[..., 0], trunk.points[..., 1], trunk.normals[..., 2] > 0.1
        if person.top_cloth.pattern == "blocks":
            colour[y < 1.20] = np.array(person.top_cloth.second)
        if person.top_cloth.pattern == "print":
            blob = front & ((x / 0.085) ** 2 + ((y - 1.27) / 0.075) ** 2 < 1)
            colour[blob] = np.array(person.top_cloth.second)
        if person.top in ("jacket", "coat"):
            opening = front & (np.abs(x) < 0.025 + 0.10 * (y - 0.95)) & (y < 1.47)
            colour[opening] = np.array(person.inner)
        if person.top in ("t-shirt", "shirt"):
            neckline = 1.415 if person.folds % 3 else 1.36
            open_neck = front & (y > neckline + 0.9 * np.abs(x)) & (np.abs(x) < 0.07)
            colour[open_neck] = np.array(person.skin)
        if person.bottom != "dress" and person.top not in ("jacket", "hoodie", "coat"):
            colour[y < 0.93] = np.array(person.bottom_cloth.colour)
        self._straps(colour, x, y, front)
        return colour

    def _straps(self, colour: Array, x: Array, y: Array, front: Array) -> None:
        person = self.person
        if person.bag == "backpack":
            strap = front & (np.abs(np.abs(x) - 0.105) < 0.022) & (y > 1.12)
        elif person.bag == "shoulder":
            line = 1.22 - person.bag_side * 1.35 * x
            strap = (np.abs(y - line) < 0.03) & (y > 0.95)
        else:
            return
        colour[strap] = np.array(person.bag_colour) * 0.8

    # Limbs ------------------------------------------------------------------------------

    def _arm(self, side: int) -> None:
        person, pose, wide = self.person, self.pose, self.wide
        reach = (0.155 if person.female else 0.178) * wide
        shoulder = np.array([side * reach, 1.385, 0.0])
        angle = -side * pose.swing * np.sin(pose.phase)
        bend = angle + pose.elbow
        if pose.raised == side:
            angle, bend = 0.3, 2.2
        out = side * 0.14
        elbow = shoulder + 0.29 * np.array([out, -np.cos(angle), np.sin(angle)])
        wrist = elbow + 0.25 * np.array([out * 0.2, -np.cos(bend), np.sin(bend)])
        sleeve = person.top != "t-shirt"
        more = {"coat": 0.014, "jacket": 0.012, "hoodie": 0.014}.get(person.top, 0.004)
        upper = capsule(shoulder, elbow, (0.052 + more) * wide, (0.042 + more) * wide, self.step)
        colour = self._cloth(person.top_cloth, upper, 0.06)
        if not sleeve:
            colour[(upper.along > 0.20)[:, 0]] = np.array(person.skin)
        self._add(upper, colour)
        fore = capsule(elbow, wrist, (0.040 + more * sleeve) * wide, 0.034 * wide, self.step)
        shade = self._cloth(person.top_cloth, fore, 0.05) if sleeve else np.array(person.skin)
        self._add(fore, shade)
        hand = wrist + 0.05 * (wrist - elbow) / 0.25
        self._add(capsule(wrist, hand, 0.034, 0.030, self.step), person.skin)
        if side == person.bag_side:
            self.hand = hand

    def _leg(self, side: int) -> None:
        person, pose, wide = self.person, self.pose, self.wide
        hip = np.array([side * 0.085 * wide, 0.90, 0.0])
        angle = side * pose.stride * np.sin(pose.phase)
        lifted = max(0.0, side * np.cos(pose.phase)) * pose.stride * 1.6
        shin = angle - 0.06 - lifted
        knee = hip + 0.42 * np.array([0.0, -np.cos(angle), np.sin(angle)])
        ankle = knee + 0.41 * np.array([0.0, -np.cos(shin), np.sin(shin)])
        thick = 0.012 if person.bottom == "trousers" and not person.female else 0.004
        thigh = capsule(hip, knee, (0.086 + thick) * wide, (0.058 + thick) * wide, self.step)
        calf = capsule(knee, ankle, (0.055 + thick) * wide, (0.038 + thick) * wide, self.step)
        covered = {"trousers": 2.0, "shorts": 0.40}.get(person.bottom, 0.0)
        for part, first in ((thigh, 0.0), (calf, 0.50)):
            colour = self._cloth(person.bottom_cloth, part, 0.08)
            colour[(part.along + first > covered)[:, 0]] = np.array(person.skin)
            self._add(part, colour)
        self._shoe(ankle, shin)

    def _shoe(self, ankle: Array, shin: float) -> None:
        lift = max(0.0, -shin - 0.1) * 0.6
        ahead = np.array([0.0, -np.sin(lift), np.cos(lift)])
        heel = ankle + np.array([0.0, -0.035, 0.0]) - 0.03 * ahead
        shoe = capsule(heel, heel + 0.17 * ahead, 0.048, 0.040, self.step)
        colour = np.broadcast_to(np.array(self.person.shoes), shoe.points.shape).copy()
        sole = shoe.points[..., 1] < shoe.points[..., 1].min() + 0.022
        colour[sole] = 0.5 * colour[sole] + (0.35 if self.person.folds % 2 else 0.0)
        self._add(shoe, colour)

    def _skirt(self) -> None:
        person, wide = self.person, self.wide
        if person.bottom in ("skirt", "dress"):
            cloth = person.top_cloth if person.bottom == "dress" else person.bottom_cloth
            self._flare(cloth, 1.02, 0.46, 0.15 * wide, 0.235)
        if person.top == "coat":
            self._flare(person.top_cloth, 1.0, 0.58, 0.185 * wide, 0.215)

    def _flare(self, cloth: Cloth, top: float, hem: float, r0: float, r1: float) -> None:
        y = np.array([top, 0.9, hem, hem - 0.005])
        width = np.array([r0, 0.6 * r0 + 0.4 * r1, r1, 0.5 * r1])
        swing = 0.02 * np.sin(self.pose.phase)
        centres = np.stack([0 * y, y, np.array([0, 0, swing, swing])], axis=1)
        part = tube(centres, width, width * 0.82, self.step)
        self._add(part, self._cloth(cloth, part, 0.2))

    # Head and bag -----------------------------------------------------------------------

    def _head(self) -> None:
        person = self.person
        skin = np.array(person.skin)
        neck = capsule([0, 1.44, -0.01], [0, 1.54, 0.005], 0.052, 0.050, self.step)
        self._add(neck, skin * 0.92)
        centre = np.array([0, 1.635, 0.015])
        head = ellipsoid(centre, (0.074, 0.115, 0.092), self.step)
        colour = np.broadcast_to(skin, head.points.shape).copy()
        x, y = head.points[..., 0], head.points[..., 1]
        front = head.normals[..., 2] > 0.35
        colour[front & (np.abs(np.abs(x) - 0.031) < 0.014) & (np.abs(y - 1.648) < 0.010)] *= 0.45
        colour[front & (np.abs(x) < 0.026) & (np.abs(y - 1.582) < 0.010)] *= [0.75, 0.5, 0.5]
        self._add(head, colour)
        if person.top == "hoodie":
            self._add(
                ellipsoid([0, 1.47, -0.07], (0.10, 0.06, 0.06), self.step),
                np.array(person.top_cloth.colour) * 0.9,
            )
        self._hair()
        self._hat()

    def _hair(self) -> None:
        person = self.person
        if person.hair == "bald":
            return
        colour = np.array(person.hair_colour)
        shell = ellipsoid([0, 1.65, 0.0], (0.083, 0.115, 0.100), self.step)
        y, z = shell.points[..., 1], shell.points[..., 2]
        line = 1.60 if person.hair in ("short", "bun", "ponytail") else 1.56
        keep = (y > 1.70) | ((z < 0.035) & (y > line) & (z < 0.02 + (y - line)))
        self._add(shell, colour, keep)
        if person.hair == "long":
            y = np.array([1.70, 1.60, 1.45, 1.33, 1.325])
            back = np.stack([0 * y, y, np.array([-0.03, -0.035, -0.06, -0.085, -0.085])], axis=1)
            width, depth = [0.07, 0.088, 0.095, 0.085, 0.02], [0.06, 0.07, 0.055, 0.04, 0.01]
            self._add(tube(back, np.array(width), np.array(depth), self.step), colour)
        if person.hair == "ponytail":
            tail = capsule([0, 1.68, -0.11], [0, 1.46, -0.13], 0.032, 0.020, self.step)
            self._add(tail, colour)
        if person.hair == "bun":
            self._add(ellipsoid([0, 1.73, -0.08], (0.045, 0.045, 0.045), self.step), colour)

    def _hat(self) -> None:
        person = self.person
        if not person.hat:
            return
        colour = np.array(person.hat_colour)
        shell = ellipsoid([0, 1.655, 0.005], (0.092, 0.120, 0.110), self.step)
        self._add(shell, colour, shell.points[..., 1] > (1.69 if person.hat == "cap" else 1.665))
        if person.hat == "cap":
            self._add(ellipsoid([0, 1.695, 0.11], (0.065, 0.010, 0.075), self.step), colour * 0.85)

    def _bag(self) -> None:
        person, side = self.person, self.person.bag_side
        colour = np.array(person.bag_colour)
        if person.bag == "backpack":
            bag = ellipsoid([0, 1.23, -0.20 * self.wide], (0.15, 0.215, 0.095), self.step, 0.6)
            shade = np.broadcast_to(colour, bag.points.shape).copy()
            shade[(bag.points[..., 1] < 1.17) & (np.abs(bag.points[..., 0]) < 0.11)] *= 0.75
            self._add(bag, shade)
        elif person.bag == "shoulder":
            place = [side * 0.23 * self.wide, 0.93, 0.0]
            self._add(ellipsoid(place, (0.055, 0.115, 0.155), self.step, 0.5), colour)
        elif person.bag == "tote":
            place = self.hand + np.array([0, -0.27, 0])
            self._add(ellipsoid(place, (0.05, 0.16, 0.15), self.step, 0.5), colour)
            strap = capsule(self.hand, place + np.array([0, 0.15, 0]), 0.012, 0.02, self.step)
            self._add(strap, colour * 0.8)
