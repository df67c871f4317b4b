"""Clothes: those of the assets, fitted and cut, and our own made from the body's outline.

Our own shirts, coats and trousers are the base mesh's body stocking (``helper-tights``) cut along
sleeves, hem, neck or leg, smoothed and let out along its normals. Skirts and coat hems are hulls
around both legs (:class:`Hull`), laid anew around every pose, so that they never split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaconv_core.people import mesh
from qaconv_core.people.arrays import Floats, Ints, Mask
from qaconv_core.people.body import ARM, FOOT, HAND, HEAD, LEG, NECK, TORSO
from qaconv_core.people.figure import Figure
from qaconv_core.people.formats import mask_of
from qaconv_core.people.look import Bottom, Look, Shoes, Top
from qaconv_core.people.parts import Material, Part, rigid_part
from qaconv_core.people.skirts import Hull, fit_hull

FAR = 9.0
_OVERLAP = 0.35
"""How far trousers reach up under a shirt, dm."""
_WITH_INNER = ("male_casualsuit05",)
"""Suits of the assets whose small pieces are the shirt below a jacket."""


@dataclass(frozen=True)
class Outfit:
    """Parts of the clothes, hulls to be laid around the legs, base vertices they cover."""

    parts: tuple[Part, ...]
    hulls: tuple[Hull, ...]
    hidden: Mask


def dress(figure: Figure, look: Look) -> Outfit:
    """Put a look's garments and shoes on a figure."""
    hidden = np.zeros(len(figure.points), bool)
    parts: list[Part] = []
    hulls: list[Hull] = []
    top = _top(figure, look.top, look.bottom.kind == "dress")
    rise = min(_hem_of(top.parts) + _OVERLAP, figure.waist + 0.8)
    bottom = _bottom(figure, look.bottom, rise)
    for piece in (bottom, top, _shoes(figure, look.shoes, look.bottom)):
        parts += piece.parts
        hulls += piece.hulls
        hidden |= piece.hidden
    high = figure.points[:, 1]
    hidden |= (figure.arm_shares < -0.5) & (high > rise - 0.5) & (high < figure.waist + 2.0)
    return Outfit(tuple(parts), tuple(hulls), hidden)


def _hem_of(parts: tuple[Part, ...]) -> float:
    """The height below which an upper garment leaves its wearer uncovered at some place."""
    points = [p.points[np.abs(p.points[:, 0]) < 1.3] for p in parts]
    if not points:
        return FAR
    return _lowest(np.concatenate(points))


def _lowest(trunk: Floats) -> float:
    """The lower edge of a garment where it is highest, of front and back; :data:`FAR` if none."""
    turn = np.arctan2(trunk[:, 0], trunk[:, 2])
    lows = [trunk[np.abs(turn - a) < 0.5][:, 1] for a in (-2.6, 0.0, 2.6)]
    return max((float(low.min()) for low in lows if len(low)), default=FAR)


# --- upper garments ---------------------------------------------------------------------------


def _top_field(figure: Figure, top: Top, points: Floats, regions: Ints, arm: Floats) -> Floats:
    """> 0 where an upper garment covers the body: below the neckline, above hem and cuffs."""
    on_arm = arm > -0.5
    hem = np.where(on_arm, FAR, points[:, 1] - (figure.waist - min(top.hem, 1.5)))
    sleeve = np.where(on_arm, (top.sleeve - arm) * 5.0, FAR)
    front = points[:, 2] > figure.neck[2]
    dip = np.where(front, (0.25 + top.neck) * np.exp(-((points[:, 0] / 0.8) ** 2)), -0.15)
    collar = np.where(on_arm, FAR, figure.neck[1] - 0.1 - dip - points[:, 1])
    field = np.minimum(np.minimum(hem, sleeve), collar)
    return np.where(np.isin(regions, (HEAD, HAND)), np.minimum(field, -0.1), field)


def _top(figure: Figure, top: Top, is_dress: bool) -> Outfit:
    source = top.source if figure.assets.has(top.source) else ""
    if source:
        parts, hidden = _fitted_top(figure, top, source)
    else:
        parts, hidden = _own_top(figure, top)
    if top.hood or top.collar:
        parts.append(_hood(figure, top.ease) if top.hood else _collar(figure, top.ease))
    hulls = []
    if top.hem > 1.5 and not is_dress:
        hulls = [fit_hull(figure, figure.waist + 0.5, figure.waist - top.hem, top.ease * 0.8 + 0.12,
                       0.35, Material.TOP)]  # fmt: skip
    return Outfit(tuple(parts), tuple(hulls), hidden)


def _own_top(figure: Figure, top: Top) -> tuple[list[Part], Mask]:
    faces = _stocking(figure, (TORSO, ARM, NECK, LEG))
    points, weights = figure.points, figure.skeleton.weights
    used, faces = mesh.compact(faces)
    points, weights = points[used], weights[used]
    regions, arm = figure.regions[used], figure.arm_shares[used]
    shape = mesh.smooth(points, faces, 2 + int(top.ease * 14), 0.5)
    normal, _ = mesh.normals(shape, faces)
    low = np.clip((figure.shoulder[1] - points[:, 1]) / 4.5, 0, 1)
    let_out = 0.07 + top.ease * np.where(arm > -0.5, 0.35 + 0.35 * arm, 0.35 + 0.65 * low)
    shape = shape + normal * let_out[:, None].astype(np.float32)
    # Cut last: letting out moves the cloth up and down too, and would leave a ragged hem.
    field = _top_field(figure, top, shape, regions, arm)
    pairs, share, faces = mesh.cut(field, faces)
    part = Part(
        _flared(mesh.carry(shape, pairs, share), faces),
        faces,
        np.full(len(faces), int(Material.TOP)),
        mesh.carry(weights, pairs, share),
        two_sided=True,
    )
    covered = _top_field(figure, top, figure.points, figure.regions, figure.arm_shares) > 0.3
    return [part], covered


def _fitted_top(figure: Figure, top: Top, name: str) -> tuple[list[Part], Mask]:
    clothes = figure.assets.clothes(name)
    points, faces, weights, component = _fitted(figure, name)
    sleeve = min(top.sleeve, 1.2)
    arm = figure.arm_share(points, figure.regions_with(weights))
    chosen: list[Part] = []
    for number in np.unique(component):
        own = component == number
        if points[own][:, 1].max() < figure.waist + 2.2:
            continue
        some = faces[own[faces[:, 0]]]
        if own.sum() < 40:
            continue
        inner = name in _WITH_INNER and own.sum() < 0.2 * len(points)
        field = np.where(arm > -0.5, (sleeve - arm) * 5.0, FAR).astype(np.float32)
        if not inner:
            hem = points[own & (arm < -0.5)][:, 1].min(initial=FAR) + 0.2
            field = np.minimum(field, np.where(arm > -0.5, FAR, points[:, 1] - hem))
        pairs, share, some = mesh.cut(field.astype(np.float32), some)
        shape, carried = mesh.carry(points, pairs, share), mesh.carry(weights, pairs, share)
        kinds = np.full(len(some), int(Material.TOP))
        if inner:  # beside the open front these pieces are lapels and lining
            middle = shape[some].mean(1)
            kinds[(np.abs(middle[:, 0]) < 0.85) & (middle[:, 2] > 0)] = Material.INNER
        else:
            shape = _flared(shape, some)
        chosen.append(Part(shape, some, kinds, carried, two_sided=True))
    hidden = mask_of(clothes.hidden, len(figure.points)) & (figure.points[:, 1] > figure.waist)
    bare = (figure.arm_shares > sleeve - 0.08) & (figure.arm_shares > -0.5)
    return chosen, hidden & ~bare


def _flared(points: Floats, faces: Ints) -> Floats:
    """Let the lowest decimetre of a garment stand off, so that trousers do not pierce it."""
    near = np.clip(1 - (points[:, 1] - points[:, 1].min()) / 1.8, 0, 1)
    normal, _ = mesh.normals(points, faces)
    normal[:, 1] = 0
    return (points + normal * (0.22 * near)[:, None]).astype(np.float32)


def _hood(figure: Figure, ease: float) -> Part:
    """A hood that hangs behind the neck."""
    width = 0.95 + ease
    points, faces = mesh.rounded_box((width, 0.62, 0.5 + ease * 0.4), 2.6, 12, 7)
    points[:, 2] -= 0.25 * np.abs(points[:, 0] / width) ** 2 * -2.0
    points = points + figure.neck + np.array([0, -0.15, -0.85], np.float32)
    spine = figure.skeleton.index("spine01")
    return rigid_part(points, faces, Material.TOP, spine, figure.bones)


def _collar(figure: Figure, ease: float) -> Part:
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    rows = []
    for height, radius in ((-0.25, 0.95), (0.1, 0.8), (0.42, 0.74)):
        radius += ease * 0.35
        ring = np.stack([radius * np.sin(angle), 0 * angle, radius * np.cos(angle)], 1)
        ring[:, 1] = height - 0.28 * np.cos(angle)
        rows.append(ring + figure.neck + [0, 0, 0.12])
    points, faces = mesh.rings(np.array(rows, np.float32))
    neck = figure.skeleton.index("spine01")
    return rigid_part(points, faces, Material.TOP, neck, figure.bones, two_sided=True)


# --- lower garments ---------------------------------------------------------------------------


def _bottom(figure: Figure, bottom: Bottom, rise: float) -> Outfit:
    if bottom.kind != "trousers":
        return _skirt(figure, bottom)
    source = bottom.source if figure.assets.has(bottom.source) else ""
    parts = _fitted_legs(figure, bottom, source, rise) if source else []
    if max((p.points[:, 1].max() for p in parts), default=-FAR) < rise - _OVERLAP + 0.05:
        parts = _own_legs(figure, bottom, rise)  # those of the assets would leave a gap
    leg = _leg_share(figure, figure.points)
    low = (figure.arm_shares < -0.5) & (figure.points[:, 1] < min(rise, figure.waist + 0.3) - 0.3)
    return Outfit(tuple(parts), (), low & (leg < bottom.length - 0.05))


def _leg_share(figure: Figure, points: Floats) -> Floats:
    """0 at the hip, 1 at the ankle, by height; (n,)."""
    return (figure.hip - points[:, 1]) / max(figure.hip - figure.ankle, 1e-3)


def _own_legs(figure: Figure, bottom: Bottom, rise: float) -> list[Part]:
    used, faces = mesh.compact(_stocking(figure, (TORSO, LEG, FOOT)))
    points, weights = figure.points[used], figure.skeleton.weights[used]
    leg = _leg_share(figure, points)
    shape = mesh.smooth(points, faces, 1 + int(bottom.ease * 10), 0.5)
    normal, _ = mesh.normals(shape, faces)
    down = np.clip(leg / max(bottom.length, 0.1), 0, 1)
    let_out = 0.05 + bottom.ease * (0.25 + 0.75 * down) + 0.35 * bottom.flare * down**3
    shape = shape + normal * let_out[:, None].astype(np.float32)
    low = (bottom.length - _leg_share(figure, shape)) * 5.0
    field = np.minimum(low, rise - shape[:, 1])
    field = np.where(figure.arm_shares[used] > -0.5, -1.0, field).astype(np.float32)
    pairs, share, faces = mesh.cut(field, faces)
    return [
        Part(_tucked(mesh.carry(shape, pairs, share), rise), faces,
             np.full(len(faces), int(Material.BOTTOM)),
             mesh.carry(weights, pairs, share), two_sided=bottom.length < 0.9)
    ]  # fmt: skip


def _fitted_legs(figure: Figure, bottom: Bottom, name: str, rise: float) -> list[Part]:
    points, faces, weights, component = _fitted(figure, name)
    parts = []
    for number in np.unique(component):
        own = component == number
        if points[own][:, 1].max() >= figure.waist + 2.2 or own.sum() < 60:
            continue
        field = np.minimum((bottom.length - _leg_share(figure, points)) * 5.0, rise - points[:, 1])
        pairs, share, some = mesh.cut(field.astype(np.float32), faces[own[faces[:, 0]]])
        parts.append(
            Part(_tucked(mesh.carry(points, pairs, share), rise), some,
                 np.full(len(some), int(Material.BOTTOM)), mesh.carry(weights, pairs, share),
                 two_sided=bottom.length < 0.9)
        )  # fmt: skip
    return parts


def _tucked(points: Floats, rise: float) -> Floats:
    """Draw in the topmost part of trousers, which the shirt hangs over."""
    share = np.clip((points[:, 1] - (rise - 1.1)) / 0.8, 0, 1) * 0.09
    out = points.copy()
    out[:, 0] *= 1 - share
    out[:, 2] -= (points[:, 2] - 0.2) * share
    return out.astype(np.float32)


def _skirt(figure: Figure, bottom: Bottom) -> Outfit:
    material = Material.TOP if bottom.kind == "dress" else Material.BOTTOM
    low = figure.hip - bottom.length * (figure.hip - figure.ankle)
    hull = fit_hull(figure, figure.waist + 0.9, low, 0.06 + 0.3 * bottom.ease,
                 0.2 + 1.6 * bottom.flare, material)  # fmt: skip
    points = figure.points
    covered = (figure.arm_shares < -0.5) & (points[:, 1] < figure.waist)
    return Outfit((), (hull,), covered & (points[:, 1] > max(low + 0.4, figure.hip - 1.0)))


# --- shoes ------------------------------------------------------------------------------------


def _shoes(figure: Figure, shoes: Shoes, bottom: Bottom) -> Outfit:
    nothing = np.zeros(len(figure.points), bool)
    if not figure.assets.has(shoes.model):
        return Outfit((), (), nothing)
    clothes = figure.assets.clothes(shoes.model)
    points, faces, weights, component = _fitted(figure, shoes.model, 0.2)
    ground = points[:, 1].min()
    parts = []
    for number in np.unique(component):
        own = component == number
        some = faces[own[faces[:, 0]]]
        if len(some) < 20:
            continue
        if points[own][:, 1].max() - ground > 1.9:
            if bottom.kind == "trousers" and bottom.length > 0.9:
                continue
            field = (ground + 1.0 + shoes.height - points[:, 1]).astype(np.float32)
            pairs, share, some = mesh.cut(field, some)
            parts.append(Part(mesh.carry(points, pairs, share), some,
                              np.full(len(some), int(Material.SOCK)),
                              mesh.carry(weights, pairs, share)))  # fmt: skip
            continue
        low = points[some][:, :, 1].mean(1) < ground + 0.3
        kinds = np.where(low, int(Material.SOLE), int(Material.SHOE))
        used, some = mesh.compact(some)
        parts.append(Part(points[used], some, kinds, weights[used]))
    low_skin = figure.points[:, 1] < ground + 0.9
    return Outfit(tuple(parts), (), mask_of(clothes.hidden, len(nothing)) & low_skin)


# --- shared -----------------------------------------------------------------------------------


def _stocking(figure: Figure, regions: tuple[int, ...]) -> Ints:
    faces = figure.assets.base.faces_of("helper-tights")
    return faces[np.isin(figure.regions[faces], regions).all(1)]


def _fitted(figure: Figure, name: str, cell: float = 0.26) -> tuple[Floats, Ints, Floats, Ints]:
    """A garment of the assets, made coarser: points, faces, weights, connected component."""
    clothes = figure.assets.clothes(name)
    kept, faces, pieces = figure.assets.coarse(name, cell)
    weights = figure.weights_at(clothes.index[kept], clothes.weight[kept])
    return clothes.fit(figure.points)[kept], faces, weights, pieces
