"""A dressed person as one mesh that can be posed.

Built once per person (about a tenth of a second) and then posed for every picture (a few
milliseconds): garments, hair and bags follow the skeleton; skirts are laid around the legs; what
hangs from a hand or stands on the ground is placed last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaconv_core.people import mesh
from qaconv_core.people.arrays import Floats, Ints, Mask
from qaconv_core.people.body import ARM, FOOT, HAND, HEAD, LEG, NECK, Assets
from qaconv_core.people.carried import (
    bicycle,
    carried_parts,
    hanging_bag,
    held_parts,
    trolley,
)
from qaconv_core.people.figure import Figure
from qaconv_core.people.garments import Outfit, dress
from qaconv_core.people.headwear import eyes, head_parts
from qaconv_core.people.look import Look
from qaconv_core.people.parts import Material, Part, rigid_part
from qaconv_core.people.pose import Stance, pose, ride_shift
from qaconv_core.people.rig import bone_transforms, skin, strongest
from qaconv_core.people.skirts import hull_faces, lay_hull

DM = np.float32(0.1)
"""Metres in a decimetre: bodies are built in dm, scenes in m."""


@dataclass(frozen=True)
class Prop:
    """Vertices ``start`` … ``stop`` that are placed after skinning: ``where`` is ``L``, ``R`` (in
    that hand, upright) or ``ground``; ``rest`` (n, 3) around the grip or the ground point."""

    where: str
    start: int
    stop: int
    rest: Floats


class Person:
    """One look, ready to be posed; arrays over n vertices and m triangles.

    ``faces`` (m, 3), ``materials`` (m,), ``two_sided`` (m,); ``rest`` (n, 3) dm; ``coords``
    (n, 2) are cloth coordinates in dm (across, along); ``open_sky`` (n,) the share of the sky that
    a vertex sees past the person's own body, ``front`` (n,) is 1 on the person's front.
    """

    def __init__(self, assets: Assets, look: Look) -> None:
        self.look = look
        self.figure = Figure(assets, look.build)
        self._props: list[Prop] = []
        outfit = dress(self.figure, look)
        parts = [*self._skin_parts(outfit), *outfit.parts]
        parts += carried_parts(self.figure, look, list(outfit.parts))
        parts += head_parts(self.figure, look)
        parts = [p for p in parts if len(p.faces)]
        parts = self._with_props(parts)
        self._hulls = outfit.hulls
        self._assemble(parts)
        self.coords = self._cloth_coordinates()
        self.open_sky = self._open_sky()
        self.front = (mesh.normals(self.rest, self.faces)[0][:, 2] > 0).astype(np.float32)

    def posed(self, stance: Stance) -> Floats:
        """Vertices (n, 3) in metres: the person faces +z and stands on y = 0 at the origin."""
        figure = self.figure
        rotation, shift = bone_transforms(figure.skeleton, figure.heads, pose(figure, stance))
        points = np.empty_like(self.rest)
        end = self._skinned
        points[:end] = skin(self.rest[:end], self._bones, self._weights, rotation, shift)
        for number, hull in enumerate(self._hulls):
            first, last = self._hull_range(number)
            points[first:last] = lay_hull(hull, figure, rotation, shift).reshape(-1, 3)
        lowest = points[:end, 1].min()
        if stance.kind == "ride":
            points[: self._first_prop] += ride_shift(figure)
        else:
            points[: self._first_prop, 1] -= lowest
        self._place_props(points, rotation, shift, stance, float(lowest))
        return points * DM

    def boxed(self, with_vehicle: bool) -> int:
        """How many vertices, from the first, a detector takes for the person: all but umbrellas
        and trolleys; a bicycle now and then."""
        if self.look.vehicle.kind and with_vehicle:
            return len(self.rest)
        return self._first_prop

    # --- building -----------------------------------------------------------------------------

    def _skin_parts(self, outfit: Outfit) -> list[Part]:
        figure = self.figure
        faces = figure.assets.skin_faces
        faces = faces[~outfit.hidden[faces].all(1)]
        if len(outfit.parts) and self.look.shoes.model in figure.assets.names:
            faces = faces[~(figure.regions[faces] == FOOT).all(1)]
        used, faces = mesh.compact(faces)
        regions = figure.regions[used[faces[:, 0]]]
        kinds = np.full(len(faces), int(Material.SKIN_LEG))
        kinds[np.isin(regions, (HEAD, NECK))] = Material.SKIN_HEAD
        kinds[np.isin(regions, (ARM, HAND))] = Material.SKIN_ARM
        chest = ~np.isin(regions, (HEAD, NECK, ARM, HAND, LEG, FOOT))
        kinds[chest & (figure.points[used[faces[:, 0]], 1] > figure.waist)] = Material.SKIN_HEAD
        parts = [Part(figure.points[used], faces, kinds, figure.skeleton.weights[used])]
        eye_points, eye_faces = eyes(figure)
        if len(eye_faces):
            head = figure.skeleton.index("head")
            parts.append(rigid_part(eye_points, eye_faces, Material.EYE, head, figure.bones))
        return parts

    def _with_props(self, parts: list[Part]) -> list[Part]:
        """Append what is placed after skinning; its rest points are kept in props."""
        look = self.look
        pieces: list[tuple[str, mesh.Solid, int]] = []
        side = "L" if look.bag.side > 0 else "R"
        other = "R" if side == "L" else "L"
        bag = hanging_bag(look)
        if bag and not look.vehicle.kind:
            pieces += [(side, bag[0], Material.BAG), (side, bag[1], Material.STRAP)]
        if not look.vehicle.kind:
            pieces += [(other, solid, kind) for solid, kind in held_parts(look)]
            if look.hand.kind == "trolley":
                pieces += [("ground", mesh.moved(s, (-2.2 if other == "R" else 2.2, 0, -3.8)), k)
                           for s, k in trolley()]  # fmt: skip
        else:
            pieces += [("ground", solid, kind) for solid, kind in bicycle(look.vehicle.size)]
        self._pending = pieces
        return parts

    def _assemble(self, parts: list[Part]) -> None:
        offsets = np.cumsum([0] + [len(p.points) for p in parts])
        points = [p.points for p in parts]
        faces = [p.faces + o for p, o in zip(parts, offsets, strict=False)]
        kinds = [p.materials for p in parts]
        open_: list[Mask] = [np.full(len(p.faces), p.two_sided) for p in parts]
        self._skinned = count = int(offsets[-1])
        weights = np.concatenate([p.weights for p in parts])
        self._bones, self._weights = strongest(weights)
        identity = bone_transforms(self.figure.skeleton, self.figure.heads, {})
        for hull in self._hulls:
            grid = lay_hull(hull, self.figure, *identity).reshape(-1, 3)
            points.append(grid)
            faces.append(hull_faces() + count)
            kinds.append(np.full(len(faces[-1]), hull.material))
            open_.append(np.ones(len(faces[-1]), bool))
            count += len(grid)
        self._first_prop = count
        for where, solid, kind in self._pending:
            self._props.append(Prop(where, count, count + len(solid[0]), solid[0]))
            points.append(solid[0] + np.array([0, 40, 0], np.float32))
            faces.append(solid[1] + count)
            kinds.append(np.full(len(solid[1]), int(kind)))
            open_.append(np.full(len(solid[1]), kind in (Material.UMBRELLA, Material.STRAP)))
            count += len(solid[0])
        self.rest = np.concatenate(points).astype(np.float32)
        self.faces: Ints = np.concatenate(faces)
        self.materials: Ints = np.concatenate(kinds).astype(np.int64)
        self.two_sided: Mask = np.concatenate(open_)

    def _hull_range(self, number: int) -> tuple[int, int]:
        size = (self._first_prop - self._skinned) // max(len(self._hulls), 1)
        return self._skinned + number * size, self._skinned + (number + 1) * size

    def _place_props(
        self, points: Floats, rotation: Floats, shift: Floats, stance: Stance, lowest: float
    ) -> None:
        for prop in self._props:
            place = np.zeros(3, np.float32)
            if prop.where in ("L", "R"):
                figure = self.figure
                wrist = figure.skeleton.index(f"wrist.{prop.where}")
                palm = figure.head_of(f"finger3-1.{prop.where}")
                place = rotation[wrist] @ palm + shift[wrist]
                place[1] -= lowest
            tilt = 0.12 * np.sin(2 * np.pi * stance.phase)
            swung = prop.rest.copy()
            if prop.where in ("L", "R") and prop.rest[:, 1].max() < 3:
                swung[:, 2] -= tilt * prop.rest[:, 1] * (prop.rest[:, 1] < 0)
            points[prop.start : prop.stop] = swung + place

    def _cloth_coordinates(self) -> Floats:
        """Across and along the cloth, so that stripes run around sleeves as around the trunk."""
        figure, rest = self.figure, self.rest
        coords = np.stack([rest[:, 0], rest[:, 1]], 1)
        count = self._skinned
        weights = np.zeros((count, figure.bones), np.float32)
        np.put_along_axis(weights, self._bones, self._weights, 1)
        regions = figure.regions_with(weights)
        arm = figure.arm_share(rest[:count], regions)
        on = np.nonzero(arm > -0.5)[0]
        length = float(np.linalg.norm(figure.head_of("wrist.L") - figure.shoulder))
        coords[on, 1] = figure.shoulder[1] - arm[on] * length
        coords[on, 0] = rest[on, 2] + np.sign(rest[on, 0]) * figure.shoulder[0]
        for prop in self._props:
            coords[prop.start : prop.stop] = prop.rest[:, :2]
        return coords.astype(np.float32)

    def _open_sky(self) -> Floats:
        """Ambient occlusion of the standing body, by splatting vertices from twelve directions."""
        points = self.posed(Stance("stand", 0.2, 0.6, ("swing", "swing")))
        normal, _ = mesh.normals(points, self.faces)
        seen, total = np.zeros(len(points)), np.full(len(points), 1e-3)
        for number in range(12):
            up = 1 - (number + 0.5) / 12 * 1.1
            around, level = 2.39996 * number, np.sqrt(max(0.0, 1 - up * up))
            way = np.array([level * np.cos(around), up, level * np.sin(around)], np.float32)
            facing = np.maximum(normal @ way, 0)
            total += facing
            seen += facing * ~_behind(points, way, 0.055, 0.08)
        share = mesh.smooth((seen / total)[:, None].astype(np.float32), self.faces, 6, 0.7)[:, 0]
        return np.clip(share * 0.85 + 0.15, 0, 1).astype(np.float32)


def _behind(points: Floats, way: Floats, cell: float, slack: float) -> Mask:
    """Which points have another one ``slack`` m before them along ``way``, in the same cell."""
    helper = np.array([0, 0, 1.0], np.float32) if abs(way[2]) < 0.8 else np.array([1.0, 0, 0])
    first = np.cross(helper, way)
    first /= np.linalg.norm(first)
    second = np.cross(way, first)
    grid = np.floor(np.stack([points @ first, points @ second], 1) / cell).astype(np.int64)
    grid -= grid.min(0)
    key = grid[:, 0] * (grid[:, 1].max() + 1) + grid[:, 1]
    depth = points @ way
    order = np.argsort(depth, kind="stable")
    nearest = np.zeros(key.max() + 1)
    nearest[key[order]] = depth[order]
    result: Mask = nearest[key] > depth + slack
    return result
