"""Who a person is to a camera: body, garments, hair and things, drawn from a random generator.

A :class:`Look` stays the same in every picture of a person. :func:`look_alike` changes one thing
of it, so that a model cannot rely on the overall colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qaconv_core.people import palette
from qaconv_core.people.arrays import Floats, Rng
from qaconv_core.people.body import Build


@dataclass(frozen=True)
class Paint:
    """A pattern over up to three linear RGB colours (3, 3); ``scale`` in dm, ``seed`` of noise."""

    kind: str
    colours: Floats
    scale: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Top:
    """An upper garment.

    ``source`` is an .mhclo name or ``""`` for one made from the body; ``sleeve`` the share of the
    arm it covers, ``hem`` its length below the waist in dm, ``ease`` its width, ``neck`` how deep
    the front is cut, ``opening`` half the width of the open front at the hem (0: closed) through
    which ``inner`` shows.
    """

    source: str
    sleeve: float
    hem: float
    ease: float
    neck: float
    opening: float
    hood: bool
    collar: bool
    paint: Paint
    inner: Floats


@dataclass(frozen=True)
class Bottom:
    """A lower garment: ``kind`` trousers, skirt or dress (then the top's paint goes on);
    ``length`` the share of the leg it covers, ``ease`` its width, ``flare`` at the hem."""

    kind: str
    source: str
    length: float
    ease: float
    flare: float
    paint: Paint


@dataclass(frozen=True)
class Shoes:
    """``model`` an .mhclo name; colours of upper, sole and sock; ``sock`` its height in dm."""

    model: str
    upper: Floats
    sole: Floats
    sock: Floats
    height: float


@dataclass(frozen=True)
class Thing:
    """Something worn or carried: its ``kind`` ("" for none), size, side (±1) and colours."""

    kind: str
    size: float
    side: int
    paint: Paint


@dataclass(frozen=True)
class Look:
    """Everything about a person that all pictures share. ``pace`` is in m/s."""

    build: Build
    skin: Floats
    hair_style: str
    hair: Floats
    beard: float
    glasses: bool
    top: Top
    bottom: Bottom
    shoes: Shoes
    hat: Thing
    bag: Thing
    scarf: Thing
    hand: Thing
    vehicle: Thing
    pace: float


MALE_HAIR = (("short01", 2), ("short02", 3), ("short03", 2), ("short04", 3), ("cap", 4),
             ("none", 0.7), ("afro01", 0.5))  # fmt: skip
FEMALE_HAIR = (("bob01", 2), ("bob02", 2), ("long01", 3), ("ponytail01", 3), ("braid01", 1),
               ("tail", 3), ("bun", 1.5), ("loose", 3), ("short03", 0.6),
               ("afro01", 0.4))  # fmt: skip
_HATS = (("", 86), ("cap", 6), ("bucket", 1.6), ("beanie", 2), ("sunhat", 2), ("fedora", 0.6),
         ("veil", 1.2))  # fmt: skip
_BAGS = (("", 38), ("backpack", 27), ("cross", 10), ("shoulder", 10), ("hand", 11), ("tote", 4))
_HANDS = (("", 84), ("umbrella", 4), ("phone", 0), ("books", 4), ("cup", 3), ("trolley", 3),
          ("sack", 3))  # fmt: skip
_PATTERNS = (("plain", 62), ("stripes", 8), ("fine stripes", 4), ("check", 7), ("print", 9),
             ("blocks", 5), ("dots", 2), ("camouflage", 1.5), ("sleeves", 3),
             ("side stripe", 2))  # fmt: skip


def _pick(rng: Rng, table: tuple[tuple[str, float], ...]) -> str:
    shares = np.array([share for _, share in table], np.float64)
    return table[rng.choice(len(table), p=shares / shares.sum())][0]


def draw_look(rng: Rng, season: float | None = None) -> Look:
    """A person; ``season`` 0 is high summer, 1 winter (drawn when None)."""
    season = float(rng.beta(1.0, 1.3)) if season is None else season
    male = bool(rng.random() < 0.54)
    build = _draw_build(rng, male)
    bottom = _draw_bottom(rng, male, season)
    top = _draw_top(rng, male, season, bottom)
    if bottom.kind == "dress":
        bottom = replace(bottom, paint=top.paint)
    style = _pick(rng, MALE_HAIR if male else FEMALE_HAIR)
    vehicle = "bicycle" if rng.random() < 0.11 and bottom.kind != "dress" else ""
    return Look(
        build=build,
        skin=palette.skin(rng, build.ancestry),
        hair_style=style,
        hair=palette.hair(rng, build.ancestry, build.age),
        beard=float(rng.uniform(0.2, 1)) if male and rng.random() < 0.18 else 0.0,
        glasses=bool(rng.random() < 0.25),
        top=top,
        bottom=bottom,
        shoes=_draw_shoes(rng, season),
        hat=draw_thing(rng, _HATS),
        bag=draw_thing(rng, _BAGS),
        scarf=_draw_scarf(rng, season),
        hand=draw_thing(rng, _HANDS),
        vehicle=draw_thing(rng, ((vehicle, 1),)),
        pace=float(np.clip(rng.normal(1.25, 0.15), 0.8, 1.7)),
    )


def _draw_build(rng: Rng, male: bool) -> Build:
    age = rng.choice([rng.uniform(0, 0.2), rng.uniform(0.15, 0.5), rng.uniform(0.5, 0.95)],
                     p=[0.62, 0.27, 0.11])  # fmt: skip
    shares = rng.dirichlet([0.25, 0.6, 0.45])
    child = float(rng.uniform(0.25, 1.0)) if rng.random() < 0.03 else 0.0
    return Build(
        gender=float(np.clip((0.95 if male else 0.06) + rng.normal(0, 0.07), 0, 1)),
        age=float(age),
        muscle=float(np.clip(rng.normal(0.52 if male else 0.42, 0.13), 0.1, 0.95)),
        weight=float(np.clip(rng.normal(0.5, 0.17), 0.08, 0.97)),
        height=float(np.clip(rng.normal(0.47, 0.09), 0.22, 0.72)),
        ancestry=(float(shares[0]), float(shares[1]), float(shares[2])),
        childhood=child,
    )


def draw_paint(rng: Rng, use: str, patterned: float = 1.0) -> Paint:
    """A pattern for a ``use`` of :func:`palette.cloth`; mostly plain or of low contrast."""
    first = palette.cloth(rng, use)
    kind = _pick(rng, _PATTERNS) if rng.random() < patterned else "plain"
    quiet = (rng.random() < 0.55 and kind != "print") or kind == "camouflage"
    others = [
        palette.close_to(rng, first) if quiet else palette.cloth(rng, "top") for _ in range(2)
    ]
    return Paint(
        kind,
        np.stack([first, *others]).astype(np.float32),
        float(np.exp(rng.normal(0, 0.35))),
        int(rng.integers(1, 1 << 20)),
    )


def draw_thing(rng: Rng, table: tuple[tuple[str, float], ...]) -> Thing:
    """A thing by a table of kinds and shares."""
    return Thing(
        _pick(rng, table),
        float(rng.uniform(0, 1)),
        int(rng.choice([-1, 1])),
        draw_paint(rng, "thing", 0.2),
    )


def _draw_scarf(rng: Rng, season: float) -> Thing:
    worn = rng.random() < max(0.0, season - 0.55) * 0.7
    return draw_thing(rng, (("scarf" if worn else "", 1),))


_MHCLO_TOPS = {
    True: ("male_casualsuit02", "male_casualsuit03", "male_casualsuit04", "male_casualsuit06"),
    False: ("female_casualsuit01", "female_elegantsuit01", "male_casualsuit02",
            "male_casualsuit03", "female_casualsuit01"),
}  # fmt: skip
_MHCLO_COATS = ("male_casualsuit05", "male_elegantsuit01", "male_casualsuit05")


def _draw_top(rng: Rng, male: bool, season: float, bottom: Bottom) -> Top:
    warm = season < 0.5
    coat = rng.random() < np.clip((season - 0.3) * 1.4, 0.04, 0.75)
    source = ""
    if rng.random() < 0.42:
        source = str(rng.choice(_MHCLO_COATS if coat else _MHCLO_TOPS[male]))
    short = warm and rng.random() < 0.85 - season
    sleeve = float(rng.uniform(0.18, 0.5) if short else rng.uniform(0.86, 0.99))
    if short and not male and rng.random() < 0.12:
        sleeve = 0.06
    hem = float(rng.normal(0.9, 0.45))
    if coat:
        hem = float(rng.choice([rng.uniform(0.3, 1.4), rng.uniform(2.0, 4.5), rng.uniform(4, 6.5)],
                               p=[0.62, 0.24, 0.14]))  # fmt: skip
    elif not male and rng.random() < 0.12:
        hem = float(rng.uniform(1.8, 3.2))
    if bottom.kind == "dress" or (bottom.kind == "skirt" and rng.random() < 0.6):
        hem = -0.5
    ease = rng.uniform(0.16, 0.5) if coat else rng.uniform(0.05, 0.3)
    return Top(
        source=source,
        sleeve=0.95 if coat else sleeve,
        hem=hem,
        ease=float(ease),
        neck=float(rng.choice([0.0, rng.uniform(0.2, 1.3)], p=[0.6, 0.4])),
        opening=float(rng.uniform(0.15, 1.0)) if rng.random() < (0.45 if coat else 0.1) else 0.0,
        hood=bool(rng.random() < (0.35 if coat else 0.14 * (not short))),
        collar=bool(rng.random() < 0.35),
        paint=draw_paint(rng, "top", 0.5 if coat else 1.0),
        inner=palette.cloth(rng, "top"),
    )


def _draw_bottom(rng: Rng, male: bool, season: float) -> Bottom:
    kind, source = "trousers", ""
    skirted = 0.0 if male else 0.34 - 0.2 * season
    if rng.random() < skirted:
        kind = "dress" if rng.random() < 0.45 else "skirt"
        length = float(rng.choice([rng.uniform(0.22, 0.45), rng.uniform(0.45, 0.95)], p=[0.6, 0.4]))
    elif rng.random() < 0.34 - 0.36 * season:
        length = float(rng.uniform(0.3, 0.56) if male else rng.uniform(0.12, 0.5))
    else:
        length = float(
            rng.choice([rng.uniform(0.93, 1.02), rng.uniform(0.7, 0.92)], p=[0.85, 0.15])
        )
    if kind == "trousers" and rng.random() < 0.5:
        source = "male_casualsuit04" if male else "female_casualsuit01"
        if male and rng.random() < 0.25:
            source = "male_elegantsuit01"
    ease = rng.uniform(0.08, 0.42) if male or kind == "skirt" else rng.uniform(0.03, 0.28)
    plain = 0.12 if kind == "trousers" else 0.7
    return Bottom(
        kind, source, length, float(ease), float(rng.uniform(0, 1) ** 2),
        draw_paint(rng, "bottom" if kind == "trousers" else "top", plain),
    )  # fmt: skip


def _draw_shoes(rng: Rng, season: float) -> Shoes:
    white, black = palette.linear([0.85] * 3), palette.linear([0.08] * 3)
    upper = palette.cloth(rng, "thing")
    return Shoes(
        model=f"shoes0{rng.integers(1, 7)}",
        upper=upper,
        sole=white if rng.random() < 0.5 else black if rng.random() < 0.5 else upper,
        sock=white if rng.random() < 0.5 else black,
        height=float(rng.choice([0.0, 0.4, 1.2], p=[0.45, 0.35, 0.2])),
    )


CHANGES = ("top", "bottom", "shoes", "bag", "hat", "body", "hair")
"""What :func:`look_alike` may change."""


def look_alike(look: Look, rng: Rng) -> Look:
    """Somebody who shares all but one thing of the clothing, and is another person beneath it."""
    other = draw_look(rng)
    own = look.build
    build = replace(own, height=float(np.clip(own.height + rng.normal(0, 0.06), 0.22, 0.72)))
    look = replace(look, build=build)
    change = str(rng.choice(CHANGES))
    if change == "top":
        return replace(look, top=replace(look.top, paint=draw_paint(rng, "top")))
    if change == "bottom" and look.bottom.kind != "dress":
        paint = draw_paint(rng, "bottom", 0.1)
        return replace(look, bottom=replace(look.bottom, paint=paint))
    if change == "shoes":
        return replace(look, shoes=replace(look.shoes, upper=palette.cloth(rng, "thing")))
    if change == "bag":
        kinds = tuple((kind, 1.0) for kind, _ in _BAGS if kind != look.bag.kind)
        return replace(look, bag=draw_thing(rng, kinds))
    if change == "hat":
        return replace(look, hat=draw_thing(rng, tuple(k for k in _HATS if k[0] != look.hat.kind)))
    if change == "body":
        return replace(look, build=replace(other.build, gender=own.gender), skin=other.skin)
    male = own.gender > 0.5
    style = _pick(rng, MALE_HAIR if male else FEMALE_HAIR)
    return replace(look, hair_style=style, hair=other.hair)
