"""Colour of the covered pixels: what cloth, skin and hair reflect, and the light on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaconv_core.people import noise
from qaconv_core.people.arrays import Floats, Ints, Mask
from qaconv_core.people.light import Light
from qaconv_core.people.look import Look, Paint
from qaconv_core.people.parts import Material
from qaconv_core.people.person import Person

_METAL = np.array([0.3, 0.31, 0.33], np.float32)
_RUBBER = np.array([0.02, 0.02, 0.022], np.float32)


@dataclass(frozen=True)
class Surface:
    """What is known of k covered pixels of one person: ``rest`` (k, 3) dm, ``coords`` (k, 2) dm,
    ``front`` (k,) whether the cloth is on the person's front."""

    materials: Ints
    rest: Floats
    coords: Floats
    front: Mask


def pattern(paint: Paint, coords: Floats, rest: Floats, front: Mask, person: Person) -> Floats:
    """Colour (k, 3) of a pattern at cloth coordinates (k, 2) and rest places (k, 3), both dm."""
    first, second, third = paint.colours
    across, along = coords[:, 0], coords[:, 1]
    scale = paint.scale
    out = np.broadcast_to(first, (len(coords), 3)).copy()
    kind = paint.kind
    if kind in ("stripes", "fine stripes"):
        step = (0.9 if kind == "stripes" else 0.35) * scale
        out[np.mod(along, step) < 0.45 * step] = second
    elif kind == "side stripe":
        out[np.abs(rest[:, 2] - 0.2) < 0.22 * scale] = second
    elif kind == "check":
        step = 0.8 * scale
        bars = (np.mod(across, step) < 0.4 * step).astype(np.float32)
        bars += np.mod(along, step) < 0.4 * step
        out += (second - first) * (bars / 2)[:, None]
        thin = (np.mod(across + 0.3 * step, step) < 0.1 * step) | (
            np.mod(along + 0.3 * step, step) < 0.1 * step
        )
        out[thin] = 0.5 * out[thin] + 0.5 * third
    elif kind == "dots":
        step = 0.45 * scale
        u, v = np.mod(across, step) / step - 0.5, np.mod(along, step) / step - 0.5
        out[u * u + v * v < 0.06] = second
    elif kind == "camouflage":
        cloud = noise.look_up(noise.field(3, 16), across * 22 / scale + paint.seed, along * 22)
        out[cloud > 0.5], out[cloud < -0.7] = second, third
    elif kind == "blocks":
        level = float(person.figure.waist) + 2.6 + 0.9 * np.sin(paint.seed)
        out[along > level] = second
    elif kind == "sleeves":
        out[np.abs(rest[:, 0]) > float(person.figure.shoulder[0]) * 0.98] = second
    elif kind == "print":
        _print(out, paint, rest, front, person)
    return out


def _print(out: Floats, paint: Paint, rest: Floats, front: Mask, person: Person) -> None:
    """A logo, picture or line of letters on chest or back."""
    rng = np.random.default_rng(paint.seed)
    half = np.array([0.9, 0.75]) * rng.uniform(0.35, 1.15, 2)
    middle = np.array([rng.choice([0.0, 0.0, 0.55]), person.figure.shoulder[1] - 1.3])
    place = (rest[:, :2] - middle) / half
    on = (np.abs(place) < 1).all(1) & (front == (rng.random() < 0.72))
    if not on.any():
        return
    cells = np.floor(place[on] * rng.integers(2, 6) + 20).astype(np.int64)
    mask = rng.random((48, 48)) < rng.choice([0.45, 0.7, 1.0])
    colours = paint.colours[1 + (rng.random((48, 48)) < 0.3)]
    row, column = cells[:, 1] % 48, cells[:, 0] % 48
    chosen = np.nonzero(on)[0][mask[row, column]]
    out[chosen] = colours[row, column][mask[row, column]]


def reflectance(person: Person, surface: Surface) -> Floats:
    """Share of red, green and blue light that the surface throws back, (k, 3), linear."""
    out = np.full((len(surface.materials), 3), 0.2, np.float32)
    for material in np.unique(surface.materials):
        at = np.nonzero(surface.materials == material)[0]
        out[at] = _of_material(int(material), person, surface, at)
    return np.clip(out, 0.004, 0.92)


def _of_material(material: int, person: Person, surface: Surface, at: Ints) -> Floats:
    look = person.look
    rest = surface.rest[at]
    if material in (Material.TOP, Material.BOTTOM):
        return _cloth(material, person, surface, at)
    if material == Material.SKIN_HEAD:
        return _face(person, rest)
    if material in (Material.SKIN_ARM, Material.SKIN_LEG):
        return np.broadcast_to(look.skin, rest.shape) * 0.97
    if material == Material.HAIR:
        strand = noise.look_up(
            noise.field(3, 32), rest[:, 0] * 55 + rest[:, 2] * 55, rest[:, 1] * 9
        )
        return look.hair * (1 + 0.22 * strand)[:, None]
    if material in _PAINTS:
        paint = _PAINTS[Material(material)](look)
        cloud = noise.look_up(noise.field(3, 16), rest[:, 0] * 20, rest[:, 1] * 20)
        colour = pattern(paint, surface.coords[at], rest, surface.front[at], person)
        return colour * (1 + 0.07 * cloud)[:, None]
    return np.broadcast_to(_plain(material, look), rest.shape)


_PAINTS = {
    Material.BAG: lambda look: look.bag.paint if look.bag.kind else look.hand.paint,
    Material.HAT: lambda look: look.hat.paint,
    Material.SCARF: lambda look: look.scarf.paint,
    Material.UMBRELLA: lambda look: look.hand.paint,
    Material.THING: lambda look: (look.vehicle if look.vehicle.kind else look.hand).paint,
}


def _plain(material: int, look: Look) -> Floats:
    if material == Material.STRAP:
        paint = look.bag.paint if look.bag.kind else look.hand.paint
        return paint.colours[0] * 0.8
    table = {
        Material.INNER: look.top.inner,
        Material.SHOE: look.shoes.upper,
        Material.SOLE: look.shoes.sole,
        Material.SOCK: look.shoes.sock,
        Material.METAL: _METAL,
        Material.RUBBER: _RUBBER,
        Material.EYE: np.array([0.12, 0.1, 0.09], np.float32),
        Material.PHONE: np.array([0.03, 0.03, 0.035], np.float32),
    }
    return np.asarray(table.get(Material(material), _METAL), np.float32)


def _cloth(material: int, person: Person, surface: Surface, at: Ints) -> Floats:
    look, rest, coords = person.look, surface.rest[at], surface.coords[at]
    top = material == Material.TOP
    paint = look.top.paint if top else look.bottom.paint
    out = pattern(paint, coords, rest, surface.front[at], person)
    if top and look.top.opening > 0 and not look.top.source:
        _open_front(out, person, rest, surface.front[at])
    elif top and look.top.hem > 0.3 and look.top.ease > 0.3:
        out[surface.front[at] & (np.abs(rest[:, 0]) < 0.07)] *= 0.45  # a zip
    if not top and look.bottom.kind == "trousers" and paint.seed % 3 == 0:
        worn = np.exp(-(((np.abs(rest[:, 0]) - 1.1) / 0.5) ** 2) - ((rest[:, 1] + 1.5) / 2.2) ** 2)
        out *= (1 + 0.45 * worn * surface.front[at])[:, None]
    weave = noise.look_up(noise.field(4, 16), coords[:, 0] * 26 + 91, coords[:, 1] * 26)
    return out * (1 + 0.045 * weave)[:, None]


def _open_front(out: Floats, person: Person, rest: Floats, front: Mask) -> None:
    """An open jacket: the garment beneath shows in a wedge that widens downwards."""
    top = person.look.top
    low = np.clip((person.figure.shoulder[1] - rest[:, 1]) / 5.0, 0, 1)
    shown = front & (np.abs(rest[:, 0]) < 0.12 + top.opening * (0.35 + 0.65 * low))
    out[shown] = top.inner
    edge = front & ~shown & (np.abs(rest[:, 0]) < 0.24 + top.opening * (0.35 + 0.65 * low))
    out[edge] *= 0.75


def _face(person: Person, rest: Floats) -> Floats:
    """Skin with brows, lips, beard and the shade of short hair at the temples."""
    look, (centre, unit) = person.look, person.figure.face
    place = (rest - centre) / max(unit, 1e-3)
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]
    out = np.broadcast_to(look.skin, rest.shape).copy()
    front = z > -0.7
    out[front & (x < 0.42) & (np.abs(y + 1.03) < 0.11)] *= np.array([0.85, 0.58, 0.58], np.float32)
    out *= (1 - 0.35 * front * np.exp(-(((x - 0.5) / 0.34) ** 2) - (y / 0.26) ** 2))[:, None]
    if look.hair_style != "none":
        out[0.8 * y - 0.55 * z > 1.15] = look.hair
    brow = front & (np.abs(x - 0.5) < 0.36) & (np.abs(y - 0.4) < 0.12)
    out[brow] = 0.4 * out[brow] + 0.6 * look.hair
    if look.beard:
        jaw = front & (y < -0.75 + 0.35 * x) & (y > -2.2) & ~((x < 0.36) & (np.abs(y + 1.03) < 0.1))
        out[jaw] += look.beard * 0.75 * (look.hair - out[jaw])
    if look.glasses:
        rim = front & (np.abs(x - 0.52) < 0.44) & (np.abs(y) < 0.36)
        rim &= ~((np.abs(x - 0.52) < 0.3) & (np.abs(y) < 0.22))
        out[rim] *= 0.25
    return out


_FOLDED = np.zeros(len(Material), np.float32)
_FOLDED[[Material.TOP, Material.BOTTOM, Material.INNER, Material.SCARF]] = (0.32, 0.24, 0.28, 0.3)


def folds(normal: Floats, materials: Ints, coords: Floats) -> Floats:
    """Normals (k, 3) with the folds of cloth, from noise over cloth coordinates (k, 2), dm."""
    texture = noise.field(3, 16, 11)
    u, v = coords[:, 0] * 24, coords[:, 1] * 15
    bend = np.stack([noise.look_up(texture, u + 77 * k, v + 141 * k) for k in range(3)], 1)
    out = normal + _FOLDED[materials][:, None] * bend
    return out / np.maximum(np.sqrt((out * out).sum(1, keepdims=True)), 1e-6)


_GLOSS = np.full(len(Material), 0.01, np.float32)
_GLOSS[[Material.SHOE, Material.BAG, Material.METAL, Material.HAIR, Material.THING]] = 0.06
_GLOSS[[Material.SKIN_HEAD, Material.SKIN_ARM, Material.SKIN_LEG]] = 0.025


def lit(
    colour: Floats, materials: Ints, normal: Floats, view: Floats, sky: Floats,
    sun: Floats, light: Light,
) -> Floats:  # fmt: skip
    """Light (k, 3) that a surface sends to the eye.

    ``normal`` and ``view`` (k, 3) are unit, ``sky`` (k,) the share of the sky it sees, ``sun``
    (k,) the share of the sun.
    """
    facing = np.maximum(normal @ light.sun_way, 0.0)
    up = 0.5 + 0.5 * normal[:, 1]
    ambient = sky * (0.35 + 0.65 * up)
    out = ambient[:, None] * light.sky + ((1 - up) * sky * 0.75)[:, None] * light.bounce
    out += (facing * sun)[:, None] * light.sun
    out *= colour
    half = view + light.sun_way
    half /= np.maximum(np.sqrt((half * half).sum(1, keepdims=True)), 1e-6)
    shine = np.maximum((normal * half).sum(1), 0.0) ** 24 * sun
    rim = (1 - np.abs((normal * view).sum(1))) ** 4 * sky
    gloss = _GLOSS[materials]
    out += (gloss * shine)[:, None] * light.sun * 2.0 + (gloss * rim * 1.5)[:, None] * light.sky
    return out
