"""Hair, hats, hoods, scarves and glasses."""

from __future__ import annotations

import numpy as np

from qaconv_core.people import mesh
from qaconv_core.people.arrays import Floats, Ints
from qaconv_core.people.body import HEAD, NECK
from qaconv_core.people.figure import Figure
from qaconv_core.people.look import Look
from qaconv_core.people.parts import Material, Part, rigid_part

_OWN = ("cap", "tail", "bun", "loose")


def head_parts(figure: Figure, look: Look) -> list[Part]:
    """All parts that sit on the head and around the neck."""
    parts = _hair(figure, look)
    parts += _hat(figure, look)
    if look.scarf.kind:
        parts.append(_scarf(figure, 0.25 + 0.2 * look.scarf.size))
    return parts


def _on_head(figure: Figure, solid: mesh.Solid, material: int, open_: bool = False) -> Part:
    head = figure.skeleton.index("head")
    return rigid_part(*solid, material, head, figure.bones, open_)


def _hair(figure: Figure, look: Look) -> list[Part]:
    style = look.hair_style
    if style == "none" or look.hat.kind == "veil":
        return []
    if style not in _OWN and figure.assets.has(style):
        return [_fitted_hair(figure, style)]
    thick = 0.16 if style == "cap" else 0.22
    parts = [_scalp(figure, thick, 1.1 if style == "cap" else 1.0)]
    centre, half = figure.skull
    if style == "tail":
        path = centre + half * np.array(
            [[0, 0.35, -1.0], [0, 0.25, -1.5], [0, -0.5, -1.7], [0, -1.5, -1.45]], np.float32
        )
        solid = mesh.tube(path, np.array([0.22, 0.34, 0.3, 0.08], np.float32), 7)
        parts.append(_on_head(figure, solid, Material.HAIR))
    elif style == "bun":
        ball = mesh.rounded_box((0.42, 0.4, 0.38), 2, 10, 7)
        shift = centre + half * np.array([0, 0.55, -1.2], np.float32)
        parts.append(_on_head(figure, mesh.moved(ball, shift), Material.HAIR))
    elif style == "loose":
        fall = mesh.rounded_box((half[0] * 1.18, half[1] * 1.25, half[2] * 0.62), 2.8, 14, 9)
        shift = centre + half * np.array([0, -0.55, -0.62], np.float32)
        parts.append(_on_head(figure, mesh.moved(fall, shift), Material.HAIR))
    return parts


def _fitted_hair(figure: Figure, style: str) -> Part:
    clothes = figure.assets.clothes(style)
    kept, faces, _ = figure.assets.coarse(style, 0.27)
    points = clothes.fit(figure.points)[kept]
    weights = figure.weights_at(clothes.index[kept], clothes.weight[kept])
    return Part(points, faces, np.full(len(faces), int(Material.HAIR)), weights, two_sided=True)


def _scalp(figure: Figure, thick: float, line: float) -> Part:
    """Short hair: the skin of the skull above the hair line, let out by ``thick`` dm."""
    faces = figure.assets.skin_faces
    faces = faces[np.isin(figure.regions[faces], (HEAD, NECK)).all(1)]
    used, faces = mesh.compact(faces)
    points = figure.points[used]
    eyes, unit = figure.face
    place = (points - eyes) / max(unit, 1e-3)
    field = (0.8 * place[:, 1] - 0.55 * place[:, 2] - line).astype(np.float32)
    normal, _ = mesh.normals(points, faces)
    grown = points + normal * np.clip(thick * (0.35 + 0.5 * field), 0, thick)[:, None]
    pairs, share, faces = mesh.cut(field, faces)
    weights = figure.skeleton.weights[used]
    return Part(
        mesh.carry(grown.astype(np.float32), pairs, share), faces,
        np.full(len(faces), int(Material.HAIR)), mesh.carry(weights, pairs, share), True,
    )  # fmt: skip


def _dome(figure: Figure, wide: float, cut_at: float, high: float = 1.0) -> mesh.Solid:
    """The upper part of an ellipsoid over the skull, from ``cut_at`` half heights upwards."""
    centre, half = figure.skull
    points, faces = mesh.rounded_box((half[0] * wide, half[1] * high, half[2] * wide), 2.3, 16, 11)
    pairs, share, faces = mesh.cut(points[:, 1] - half[1] * cut_at, faces)
    dome = mesh.carry(points, pairs, share)
    return (dome + centre + half * [0, 0.12, 0]).astype(np.float32), faces


def _brim(
    figure: Figure, height: float, outer: float, front_only: bool, droop: float
) -> mesh.Solid:
    centre, half = figure.skull
    around = np.linspace(-0.42, 0.42, 9) if front_only else np.linspace(0, 1, 17)
    angle = around * 2 * np.pi
    rows = []
    for radius, fall in ((1.08, 0.0), (outer, droop)):
        rows.append(
            np.stack([half[0] * radius * np.sin(angle),
                      half[1] * (height - fall) + 0 * angle,
                      half[2] * radius * np.cos(angle)], 1) + centre
        )  # fmt: skip
    return mesh.sheet(np.array(rows, np.float32))


def _hat(figure: Figure, look: Look) -> list[Part]:
    kind, hat = look.hat.kind, Material.HAT
    if look.vehicle.kind and look.vehicle.size < 0.12:
        return [_on_head(figure, _dome(figure, 1.28, 0.2, 1.25), hat)]
    if kind == "fedora" and figure.assets.has(kind):
        part = _fitted_hair(figure, kind)
        return [Part(part.points, part.faces, np.full(len(part.faces), int(hat)), part.weights,
                     True)]  # fmt: skip
    if kind == "cap":
        brim = _brim(figure, 0.3, 1.9, True, 0.22)
        return [_on_head(figure, s, hat, True) for s in (_dome(figure, 1.17, 0.12, 1.12), brim)]
    if kind in ("bucket", "sunhat", "fedora"):
        wide = 1.75 if kind == "bucket" else 2.3
        brim = _brim(figure, 0.3, wide, False, 0.4 if kind == "bucket" else 0.15)
        return [_on_head(figure, s, hat, True) for s in (_dome(figure, 1.2, 0.1, 1.14), brim)]
    if kind == "beanie":
        return [_on_head(figure, _dome(figure, 1.2, -0.05, 1.22), hat, True)]
    if kind == "veil":
        return _veil(figure)
    return []


def _veil(figure: Figure) -> list[Part]:
    """A head scarf: open around the face, down to the shoulders."""
    centre, half = figure.skull
    points, faces = mesh.rounded_box((half[0] * 1.2, half[1] * 1.25, half[2] * 1.2), 2.2, 18, 12)
    place = points / half
    open_face = place[:, 2] - 0.5 - 0.45 * np.abs(place[:, 0]) - 0.6 * np.clip(place[:, 1], 0, 2)
    open_face -= 0.9 * np.clip(-place[:, 1] - 0.75, 0, 1)
    pairs, share, faces = mesh.cut(-open_face.astype(np.float32), faces)
    hood = (mesh.carry(points, pairs, share) + centre - [0, 0.1, 0]).astype(np.float32)
    return [_on_head(figure, (hood, faces), Material.HAT, True), _scarf(figure, 0.5, Material.HAT)]


def _scarf(figure: Figure, thick: float, material: int = Material.SCARF) -> Part:
    angle = np.linspace(0, 2 * np.pi, 15)
    path = np.stack([0.85 * np.sin(angle), 0.05 - 0.3 * np.cos(angle), 0.8 * np.cos(angle)], 1)
    points, faces = mesh.tube((path + figure.neck + [0, 0.0, 0.15]).astype(np.float32), thick, 6)
    bone = figure.skeleton.index("neck01")
    return rigid_part(points, faces, material, bone, figure.bones)


def eyes(figure: Figure) -> tuple[Floats, Ints]:
    """The eye balls, made coarse: points and faces (none without that geometry)."""
    base = figure.assets.base
    faces = np.concatenate([base.faces_of("helper-l-eye"), base.faces_of("helper-r-eye")])
    if not len(faces):
        return figure.points[:0], faces
    kept, coarse = mesh.simplify(base.points, faces, 0.12)
    return figure.points[kept], coarse
