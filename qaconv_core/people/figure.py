"""A body at rest with its landmarks: what garments, hair and bags are fitted to."""

from __future__ import annotations

import itertools
from functools import cached_property

import numpy as np

from qaconv_core.people.arrays import Floats, Ints, Mask
from qaconv_core.people.body import ARM, HAND, HEAD, SIDES, Assets, Build, regions_of
from qaconv_core.people.formats import mask_of


class Figure:
    """One body of the assets; lengths in dm, at rest (arms hanging away from the trunk)."""

    def __init__(self, assets: Assets, build: Build) -> None:
        self.assets = assets
        self.skeleton = assets.skeleton
        self.points = assets.body(build)
        self.heads = self.skeleton.heads(self.points)
        self.ends = self.skeleton.ends(self.points)

    def head_of(self, bone: str) -> Floats:
        """Where a bone begins, (3,)."""
        return self.heads[self.skeleton.index(bone)]

    @property
    def bones(self) -> int:
        """Number of bones."""
        return len(self.skeleton.names)

    @cached_property
    def waist(self) -> float:
        """Height of the waist."""
        return float(self.head_of("spine04")[1])

    @cached_property
    def hip(self) -> float:
        """Height of the hip joints."""
        return float(self.head_of("upperleg01.L")[1])

    @cached_property
    def ankle(self) -> float:
        """Height of the ankle joints."""
        return float(self.head_of("foot.L")[1])

    @cached_property
    def shoulder(self) -> Floats:
        """The left shoulder joint, (3,)."""
        return self.head_of("upperarm01.L")

    @cached_property
    def neck(self) -> Floats:
        """The root of the neck, (3,)."""
        return self.head_of("neck01")

    @cached_property
    def skull(self) -> tuple[Floats, Floats]:
        """Centre and half size (3,) of the head above the chin joint."""
        low = self.head_of("head")[1]
        points = self.points[self.assets.base.faces_of("body").ravel()]
        points = points[(points[:, 1] > low) & (np.abs(points[:, 0]) < 1.5)]
        if not len(points):
            centre = self.head_of("head")
            return centre, np.full(3, 0.8, np.float32)
        low_corner, high_corner = points.min(0), points.max(0)
        return (low_corner + high_corner) / 2, (high_corner - low_corner) / 2

    @cached_property
    def face(self) -> tuple[Floats, float]:
        """Point between the eyes (3,) and the distance of the eyes, the face's unit of length."""
        eyes = [self.assets.base.faces_of(f"helper-{side}-eye") for side in "lr"]
        if not all(len(eye) for eye in eyes):
            centre, half = self.skull
            return (centre + half * [0, 0.1, 0.7]).astype(np.float32), float(half[0] * 0.8)
        left, right = (self.points[np.unique(eye)].mean(0) for eye in eyes)
        return (left + right) / 2, float(np.linalg.norm(left - right))

    @cached_property
    def regions(self) -> Ints:
        """Part of the body of every base vertex."""
        return self.assets.regions

    @cached_property
    def arm_shares(self) -> Floats:
        """How far along the arm every base vertex lies (see :meth:`arm_share`)."""
        return self.arm_share(self.points, self.regions)

    def arm_share(self, points: Floats, regions: Ints) -> Floats:
        """0 at the shoulder, 1 at the wrist, more on the hand; −1 off the arms; (n,)."""
        out = np.full(len(points), -1.0, np.float32)
        arm = (regions == ARM) | (regions == HAND)
        for side, sign in zip(SIDES, (1, -1), strict=True):
            own = np.nonzero(arm & (points[:, 0] * sign > 0))[0]
            joints = [
                self.head_of(f"{bone}.{side}") for bone in ("upperarm01", "lowerarm01", "wrist")
            ]
            out[own] = _along(points[own], joints)
        return out

    def weights_at(self, index: Ints, weight: Floats) -> Floats:
        """Skinning weights of vertices bound to base vertices ``index`` (n, 3)."""
        out = (self.skeleton.weights[index] * weight[:, :, None]).sum(1)
        out = np.clip(out, 0, None)
        return out / np.maximum(out.sum(1, keepdims=True), 1e-6)

    def regions_with(self, weights: Floats) -> Ints:
        """Parts of the body of vertices with skinning ``weights``."""
        return regions_of(self.skeleton, weights)

    def on_trunk(self, bound: float = 6.0) -> Mask:
        """Base vertices of the skin that belong to trunk or legs."""
        regions = self.regions
        skin = mask_of(np.unique(self.assets.base.faces_of("body")), len(self.points))
        off = (regions == ARM) | (regions == HAND) | (regions == HEAD)
        return skin & ~off & (np.abs(self.points[:, 0]) < bound)

    def girth(self, height: float) -> tuple[float, float, float]:
        """Half width, front and back reach (z) of the trunk at a ``height``."""
        points = self.points[self.on_trunk()]
        near = points[np.abs(points[:, 1] - height) < 0.35]
        if len(near) < 3:
            return 1.4, 1.0, -0.8
        return (
            float(np.abs(near[:, 0]).max()),
            float(near[:, 2].max()),
            float(near[:, 2].min()),
        )


def _along(points: Floats, joints: list[Floats]) -> Floats:
    """Share of the way along a chain of joints, below 0 and above 1 beyond its ends."""
    lengths = [float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(joints)]
    total = max(sum(lengths), 1e-6)
    best = np.full(len(points), np.inf, np.float32)
    out = np.zeros(len(points), np.float32)
    start = 0.0
    for number, (first, length) in enumerate(zip(joints, lengths, strict=False)):
        axis = (joints[number + 1] - first) / max(length, 1e-6)
        along = (points - first) @ axis
        low = -np.inf if number == 0 else 0.0
        high = np.inf if number == len(lengths) - 1 else length
        held = np.clip(along, low, high)
        away = ((points - first - held[:, None] * axis) ** 2).sum(1)
        nearer = away < best
        out[nearer] = (start + held[nearer]) / total
        best = np.minimum(best, away)
        start += length
    return out
