"""What people carry and ride: bags, umbrellas, phones, books, trolleys, bicycles."""

from __future__ import annotations

import numpy as np

from qaconv_core.people import mesh
from qaconv_core.people.arrays import Floats
from qaconv_core.people.figure import Figure
from qaconv_core.people.look import Look, Thing
from qaconv_core.people.parts import Material, Part, rigid_part


def carried_parts(figure: Figure, look: Look, reach: list[Part]) -> list[Part]:
    """Bags that rest on the body; ``reach`` are the garments they lie on."""
    kind = look.bag.kind
    if kind == "backpack":
        return _backpack(figure, look.bag, _Surface(reach))
    if kind in ("cross", "shoulder", "tote"):
        return _shoulder_bag(figure, look.bag, _Surface(reach))
    return []


def hanging_bag(look: Look) -> tuple[mesh.Solid, mesh.Solid] | None:
    """A bag that hangs from the hand: body and handle around the grip at the origin, or None."""
    bag = look.bag
    kind = bag.kind if bag.kind == "hand" else "sack" if look.hand.kind == "sack" else ""
    if not kind:
        return None
    size = bag.size if kind == "hand" else look.hand.size
    high, deep, wide = 0.85 + 0.9 * size, 0.28 + 0.3 * size, 1.0 + 0.9 * size
    drop = high + (0.45 if kind == "hand" else 0.15)
    body = mesh.rounded_box((deep, high, wide), 5 if kind == "hand" else 2.6, 14, 7)
    grip = np.array([[0, -drop + high * 0.8, -wide * 0.5], [0, -0.1, -0.3], [0, 0, 0],
                     [0, -0.1, 0.3], [0, -drop + high * 0.8, wide * 0.5]], np.float32)  # fmt: skip
    return mesh.moved(body, (0, -drop, 0)), mesh.tube(grip, 0.09, 4)


def held_parts(look: Look) -> list[tuple[mesh.Solid, Material]]:
    """Upright things held in a hand, around the grip at the origin: solids and materials."""
    kind, size = look.hand.kind, look.hand.size
    if kind == "umbrella":
        stick = mesh.tube(np.array([[0, -0.8, 0], [0, 4, 0], [0, 8.2, 0]], np.float32), 0.07, 4)
        return [(_canopy(4.6 + 1.2 * size), Material.UMBRELLA), (stick, Material.METAL)]
    if kind == "cup":
        return [(mesh.rounded_box((0.38, 0.7, 0.38), 6, 10, 5), Material.THING)]
    if kind == "books":
        return [(mesh.rounded_box((1.1, 1.4, 0.25), 9, 12, 5), Material.THING)]
    if kind == "phone":
        return [(mesh.rounded_box((0.38, 0.72, 0.08), 6, 8, 5), Material.PHONE)]
    return []


def _canopy(radius: float) -> mesh.Solid:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rows = []
    for share in (0.02, 0.35, 0.7, 1.0):
        away = radius * share * (1 - 0.05 * (share == 1.0) * (np.arange(16) % 2))
        ring = [away * np.sin(angle), 8.0 - 2.0 * share**2 + 0 * angle, away * np.cos(angle)]
        rows.append(np.stack(ring, 1))
    return mesh.rings(np.array(rows, np.float32))


def trolley() -> list[tuple[mesh.Solid, Material]]:
    """A suitcase on wheels behind the right hand, standing on the ground at the origin."""
    case = mesh.moved(mesh.rounded_box((1.7, 2.6, 1.0), 7, 14, 7), (0, 3.0, 0))
    bar = mesh.tube(np.array([[-0.5, 5.4, 0], [-0.5, 9, 1.5], [0.5, 9, 1.5], [0.5, 5.4, 0]],
                             np.float32), 0.08, 4)  # fmt: skip
    wheels = [mesh.moved(mesh.rounded_box((0.2, 0.35, 0.35), 2, 8, 5), (x, 0.35, 0))
              for x in (-1.2, 1.2)]  # fmt: skip
    return [(case, Material.BAG), (bar, Material.METAL), (mesh.join(*wheels), Material.RUBBER)]


def bicycle(size: float) -> list[tuple[mesh.Solid, Material]]:
    """A bicycle that stands at the origin and rolls along +z (dm): solids and materials."""
    radius, reach = 3.1 + 0.3 * size, 5.2
    wheels = [mesh.moved(mesh.ring(radius, 0.17, 22, 4), (0, radius, z)) for z in (-reach, reach)]
    spokes = [_spokes(radius, z) for z in (-reach, reach)]
    seat, bars = (0.0, SEAT, -1.7), (0.0, 10.2, 3.6)
    crank, rear, front = (0.0, 2.9, -0.6), (0.0, radius, -reach), (0.0, radius, reach)
    lines = [(crank, seat), (crank, (0, 7.6, 3.6)), ((0, 7.3, -1.3), (0, 8.0, 3.6)),
             (rear, crank), (rear, (0, 7.3, -1.3)), (front, bars)]  # fmt: skip
    frame = [mesh.tube(np.linspace(a, b, 3).astype(np.float32), 0.17, 5) for a, b in lines]
    handle = mesh.tube(np.array([[-2.7, 10.2, 2.7], [-1.5, 10.5, 3.6], [1.5, 10.5, 3.6],
                                 [2.7, 10.2, 2.7]], np.float32), 0.12, 5)  # fmt: skip
    saddle = mesh.moved(mesh.rounded_box((0.75, 0.25, 1.2), 2.5, 10, 5), seat)
    guard = mesh.moved(mesh.rounded_box((0.1, 0.5, 1.6), 4, 10, 5), (0.35, 2.9, -2.4))
    parts = [(mesh.join(*wheels), Material.RUBBER), (mesh.join(*spokes), Material.METAL),
             (mesh.join(*frame, guard), Material.THING), (handle, Material.METAL),
             (saddle, Material.RUBBER)]  # fmt: skip
    if size > 0.4:
        basket = mesh.moved(mesh.rounded_box((1.4, 1.0, 1.1), 6, 12, 5), (0, 9.0, 5.0))
        parts.append((basket, Material.METAL))
    return parts


SEAT = 9.4
"""Height of a bicycle's saddle, dm."""


def _spokes(radius: float, z: float) -> mesh.Solid:
    angles = np.linspace(0, np.pi, 5, endpoint=False)
    bars = []
    for angle in angles:
        tip = np.array([0, np.sin(angle), np.cos(angle)]) * radius
        bars.append(mesh.tube(np.array([-tip, 0 * tip, tip], np.float32), 0.045, 3))
    return mesh.moved(mesh.join(*bars), (0, radius, z))


class _Surface:
    """How far the clothes reach to the front and back at a place of the trunk."""

    def __init__(self, parts: list[Part]) -> None:
        trunk = [p.points for p in parts if len(p.points)]
        self.points = np.concatenate(trunk) if trunk else np.zeros((0, 3), np.float32)

    def depth(self, x: float, y: float, sign: int) -> float:
        """z of the outermost point near (x, y) on the front (``sign`` 1) or back (−1)."""
        p = self.points
        near = p[(np.abs(p[:, 0] - x) < 0.5) & (np.abs(p[:, 1] - y) < 0.5)]
        return float((near[:, 2] * sign).max() * sign) if len(near) else 0.9 * sign

    def width(self, y: float) -> float:
        """Half width of the trunk at height ``y``, arms left out."""
        p = self.points
        near = p[(np.abs(p[:, 1] - y) < 0.5) & (np.abs(p[:, 0]) < 2.6)]
        return float(np.abs(near[:, 0]).max()) if len(near) else 1.5


def _backpack(figure: Figure, bag: Thing, on: _Surface) -> list[Part]:
    spine = figure.skeleton.index("spine02")
    high, wide, deep = 1.6 + 0.9 * bag.size, 1.15 + 0.4 * bag.size, 0.55 + 0.45 * bag.size
    top = float(figure.shoulder[1]) + 0.25
    middle = top - high
    levels = np.linspace(middle - high * 0.6, middle + high * 0.6, 5)
    back = min(on.depth(0, float(y), -1) for y in levels)
    main = mesh.moved(mesh.rounded_box((wide, high, deep), 3.6), (0, middle, back - deep * 0.72))
    pocket = mesh.moved(
        mesh.rounded_box((wide * 0.75, high * 0.42, deep * 0.4), 4),
        (0, middle - high * 0.42, back - deep * 1.65),
    )
    straps = []
    for side in (-1, 1):
        x = side * abs(float(figure.shoulder[0])) * 0.62
        path = [[x * 0.9, middle - high * 0.35, on.depth(x, middle, -1)]]
        for y in np.linspace(middle - high * 0.2, top - 0.25, 6):
            path.append([x, y, on.depth(x, float(y), 1) + 0.07])
        path += [[x, top + 0.28, 0.15], [x, top + 0.05, back * 0.8], [x, top - 0.6, back - 0.1]]
        straps.append(mesh.tube(np.array(path, np.float32), 0.3, 6, 0.35))
    bones = figure.bones
    return [
        rigid_part(*mesh.join(main, pocket), Material.BAG, spine, bones),
        rigid_part(*mesh.join(*straps), Material.STRAP, spine, bones),
    ]


def _shoulder_bag(figure: Figure, bag: Thing, on: _Surface) -> list[Part]:
    side, size, tote = bag.side, bag.size, bag.kind == "tote"
    high, deep, wide = 0.8 + 0.6 * size, 0.3 + 0.3 * size, 1.05 + 0.7 * size
    if tote:
        high, deep = high + 0.5, 0.25
    hip = figure.hip + (1.4 if tote else 0.5)
    x = side * (on.width(hip) + deep * 0.55)
    centre = np.array([x, hip, -0.15], np.float32)
    body = mesh.moved(mesh.rounded_box((deep, high, wide), 5, 14, 7), centre)
    over = (-side * 0.5 if bag.kind == "cross" else side * 0.7) * abs(float(figure.shoulder[0]))
    top = float(figure.shoulder[1]) + 0.5
    straps = []
    for sign in (1, -1):
        path = []
        for t in np.linspace(0, 1, 9):
            px, py = x + t * (over - x), hip + high * 0.8 + t * (top - hip - high * 0.8)
            reach = abs(on.depth(px, min(py, top - 0.5), sign)) + 0.06
            path.append([px, py, sign * max(0.15, reach) * (1 if t < 0.9 else 0.5)])
        path.append([over, top + 0.12, 0.0])
        straps.append(mesh.tube(np.array(path, np.float32), 0.17, 5, 0.4))
    lower, upper = figure.skeleton.index("spine05"), figure.skeleton.index("spine03")
    return [
        rigid_part(*body, Material.BAG, lower, figure.bones),
        _slung(mesh.join(*straps), lower, upper, hip, top, figure.bones),
    ]


def _slung(solid: mesh.Solid, lower: int, upper: int, low: float, high: float, bones: int) -> Part:
    """A strap whose lower end moves with one bone and whose upper end with another."""
    points, faces = solid
    share = np.clip((points[:, 1] - low) / max(high - low, 1e-3), 0, 1)
    weights: Floats = np.zeros((len(points), bones), np.float32)
    weights[:, lower], weights[:, upper] = 1 - share, share
    return Part(points, faces, np.full(len(faces), int(Material.STRAP)), weights, True)
