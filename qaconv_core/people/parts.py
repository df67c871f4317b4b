"""What pictures are made of: materials, the label each one has in a label map, mesh parts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from qaconv_core.data.label_maps import (
    ARM,
    BAG,
    FACE,
    HAIR,
    HAT,
    LEG,
    LOWER,
    SHOES,
    THING,
    UPPER,
)
from qaconv_core.people.arrays import Floats, Ints


class Material(IntEnum):
    """What a triangle is made of; decides its colour and its label."""

    SKIN_HEAD = 0
    SKIN_ARM = 1
    SKIN_LEG = 2
    EYE = 3
    HAIR = 4
    TOP = 5
    INNER = 6
    BOTTOM = 7
    SHOE = 8
    SOLE = 9
    SOCK = 10
    BAG = 11
    STRAP = 12
    HAT = 13
    SCARF = 14
    PHONE = 15
    UMBRELLA = 16
    METAL = 17
    RUBBER = 18
    THING = 19


LABEL_OF = np.array(
    [FACE, ARM, LEG, FACE, HAIR, UPPER, UPPER, LOWER, SHOES, SHOES, SHOES, BAG, BAG, HAT, UPPER,
     THING, THING, THING, THING, THING],
    np.uint8,
)  # fmt: skip
"""Label of every :class:`Material`."""


@dataclass(frozen=True)
class Part:
    """A mesh that moves with the skeleton.

    ``points`` (n, 3) at rest in dm, ``faces`` (m, 3), ``materials`` (m,), ``weights`` (n, b) on
    the skeleton's bones; ``two_sided`` where its back can be seen (hems, straps, hats).
    """

    points: Floats
    faces: Ints
    materials: Ints
    weights: Floats
    two_sided: bool = False


def rigid_part(
    points: Floats, faces: Ints, material: int, bone: int, bones: int, two_sided: bool = False
) -> Part:
    """A part that follows one bone."""
    weights = np.zeros((len(points), bones), np.float32)
    weights[:, bone] = 1.0
    return Part(points, faces, np.full(len(faces), int(material)), weights, two_sided)
