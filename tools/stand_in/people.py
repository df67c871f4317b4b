"""Who the drawn people are: build, skin, hair, clothes and what they carry.

A :class:`Person` is a value; two persons are equal when nothing tells them apart. Colours are
RGB in [0, 1]. Clothes are mostly black, grey, white, navy and brown, as in a real street, so that
colour alone does not settle who is who.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

Colour = tuple[float, float, float]
T = TypeVar("T")

SKIN: tuple[Colour, ...] = (
    (0.90, 0.74, 0.64),
    (0.84, 0.66, 0.54),
    (0.76, 0.57, 0.44),
    (0.62, 0.44, 0.33),
    (0.46, 0.32, 0.24),
    (0.33, 0.23, 0.18),
)
HAIR: tuple[Colour, ...] = (
    (0.07, 0.06, 0.06),
    (0.14, 0.10, 0.08),
    (0.28, 0.18, 0.12),
    (0.42, 0.28, 0.16),
    (0.66, 0.53, 0.34),
    (0.58, 0.57, 0.56),
)
TOPS: tuple[Colour, ...] = (
    (0.09, 0.09, 0.10),
    (0.20, 0.20, 0.22),
    (0.45, 0.46, 0.48),
    (0.84, 0.84, 0.82),
    (0.76, 0.71, 0.62),
    (0.13, 0.17, 0.30),
    (0.24, 0.36, 0.52),
    (0.52, 0.63, 0.74),
    (0.45, 0.13, 0.16),
    (0.68, 0.22, 0.20),
    (0.27, 0.32, 0.20),
    (0.22, 0.42, 0.33),
    (0.66, 0.50, 0.22),
    (0.42, 0.32, 0.46),
    (0.76, 0.54, 0.56),
    (0.38, 0.27, 0.19),
)
TOP_WEIGHTS = (5, 3, 3, 5, 2, 3, 2, 2, 1.5, 1.5, 1.5, 1.2, 1, 1, 1, 1.5)
BOTTOMS: tuple[Colour, ...] = (
    (0.08, 0.08, 0.09),
    (0.18, 0.18, 0.20),
    (0.15, 0.19, 0.30),
    (0.27, 0.34, 0.47),
    (0.42, 0.50, 0.62),
    (0.58, 0.51, 0.40),
    (0.34, 0.27, 0.20),
    (0.40, 0.41, 0.43),
    (0.78, 0.77, 0.74),
    (0.30, 0.32, 0.22),
)
BOTTOM_WEIGHTS = (5, 2, 4, 4, 2, 2, 1.2, 2, 1, 1)
SHOES: tuple[Colour, ...] = (
    (0.07, 0.07, 0.08),
    (0.85, 0.85, 0.84),
    (0.32, 0.22, 0.15),
    (0.45, 0.45, 0.47),
    (0.55, 0.16, 0.17),
    (0.18, 0.24, 0.42),
)
BAGS: tuple[Colour, ...] = (
    (0.08, 0.08, 0.09),
    (0.33, 0.23, 0.16),
    (0.14, 0.18, 0.32),
    (0.55, 0.17, 0.18),
    (0.44, 0.45, 0.46),
    (0.24, 0.34, 0.24),
    (0.74, 0.60, 0.32),
    (0.30, 0.52, 0.60),
)


@dataclass(frozen=True)
class Cloth:
    """A fabric: ``pattern`` is plain, stripes, pinstripes, checks, blocks or print.

    ``scale`` is the period of the pattern in metres.
    """

    colour: Colour
    pattern: str = "plain"
    second: Colour = (0.8, 0.8, 0.8)
    scale: float = 0.1


@dataclass(frozen=True)
class Person:
    """Everything that stays the same while a person walks from camera to camera."""

    female: bool
    height: float
    build: float
    skin: Colour
    hair: str
    hair_colour: Colour
    hat: str
    hat_colour: Colour
    top: str
    top_cloth: Cloth
    inner: Colour
    bottom: str
    bottom_cloth: Cloth
    shoes: Colour
    bag: str
    bag_colour: Colour
    bag_side: int
    folds: int


def _pick(
    rng: np.random.Generator, items: Sequence[T], weights: Sequence[float] | None = None
) -> T:
    share = None if weights is None else np.array(weights) / np.sum(weights)
    return items[int(rng.choice(len(items), p=share))]


def _shade(rng: np.random.Generator, colour: Colour, spread: float = 0.04) -> Colour:
    """A colour near ``colour``: brighter or darker as a whole, and a little off in hue."""
    value = np.array(colour) * rng.uniform(0.85, 1.15) + rng.normal(0, spread / 2, 3)
    red, green, blue = np.clip(value, 0.03, 0.92)
    return float(red), float(green), float(blue)


def _draw_top_cloth(rng: np.random.Generator) -> Cloth:
    names = ("plain", "stripes", "pinstripes", "checks", "blocks", "print")
    pattern = _pick(rng, names, (6, 1.6, 0.6, 1.2, 1, 2))
    return Cloth(
        _shade(rng, _pick(rng, TOPS, TOP_WEIGHTS)),
        pattern,
        _shade(rng, _pick(rng, TOPS)),
        float(rng.uniform(0.07, 0.15)),
    )


def _draw_bottom(rng: np.random.Generator, female: bool) -> tuple[str, Cloth]:
    weights = (5, 1, 1.6, 1) if female else (7, 2, 0, 0)
    kind = _pick(rng, ("trousers", "shorts", "skirt", "dress"), weights)
    return kind, Cloth(_shade(rng, _pick(rng, BOTTOMS, BOTTOM_WEIGHTS)))


def draw_person(rng: np.random.Generator) -> Person:
    """A new person drawn from the street's mixture of clothes and builds."""
    female = bool(rng.random() < 0.5)
    bottom, bottom_cloth = _draw_bottom(rng, female)
    hair_weights = (2, 0, 4, 2.5, 1.2) if female else (7, 1, 0.4, 0.3, 0.1)
    top_weights = (4, 4, 3, 1.6, 1)
    return Person(
        female=female,
        height=float(rng.normal(1.66 if female else 1.77, 0.06)),
        build=float(np.clip(rng.normal(0.97 if female else 1.03, 0.09), 0.82, 1.25)),
        skin=_shade(rng, _pick(rng, SKIN, (4, 4, 3, 1.5, 1, 0.8)), 0.02),
        hair=_pick(rng, ("short", "bald", "long", "ponytail", "bun"), hair_weights),
        hair_colour=_shade(rng, _pick(rng, HAIR, (5, 5, 4, 2, 1.5, 1)), 0.02),
        hat=_pick(rng, ("", "cap", "beanie"), (8, 1.2, 0.8)),
        hat_colour=_shade(rng, _pick(rng, TOPS)),
        top=_pick(rng, ("t-shirt", "shirt", "jacket", "hoodie", "coat"), top_weights),
        top_cloth=_draw_top_cloth(rng),
        inner=_shade(rng, _pick(rng, TOPS)),
        bottom=bottom,
        bottom_cloth=bottom_cloth,
        shoes=_shade(rng, _pick(rng, SHOES, (4, 4, 2, 2, 1, 1))),
        bag=_pick(rng, ("", "backpack", "shoulder", "tote"), (4, 3, 2, 1.5)),
        bag_colour=_shade(rng, _pick(rng, BAGS, (5, 2, 2, 1, 2, 1, 1, 1))),
        bag_side=int(rng.choice((-1, 1))),
        folds=int(rng.integers(1 << 16)),
    )


def look_alike(person: Person, rng: np.random.Generator) -> Person:
    """Somebody who differs from ``person`` in one thing only (and in how the cloth folds)."""
    other = draw_person(rng)
    changes = {
        "top": ("top_cloth", "inner"),
        "bottom": ("bottom_cloth",),
        "bag": ("bag", "bag_colour"),
        "shoes and hair": ("shoes", "hair", "hair_colour"),
    }
    kind = str(rng.choice(sorted(changes)))
    if kind == "bag":
        other = replace(other, bag="backpack" if person.bag != "backpack" else "")
    if kind == "top":
        other = replace(other, top_cloth=replace(other.top_cloth, pattern="print"))
    fields = {name: getattr(other, name) for name in changes[kind]}
    return replace(person, folds=other.folds, **fields)


def draw_crowd(count: int, alike: int, rng: np.random.Generator) -> list[Person]:
    """``count`` persons; each of the last ``alike`` looks like one of the first."""
    crowd = [draw_person(rng) for _ in range(count - alike)]
    return crowd + [look_alike(crowd[i], rng) for i in range(alike)]
