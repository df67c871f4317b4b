"""One picture: people and objects in a camera's lit view, cut out by a detector's box.

Everything that moves is rasterised together at 1.5 times the finer of the box's own resolution
and the wanted one, shaded, shadowed, laid over the plate, and then put through the sensor.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from qaconv_core.data.label_maps import BACKGROUND, OCCLUDER, OTHER
from qaconv_core.people.arrays import Floats, Ints, Pixels, Rng
from qaconv_core.people.boxes import Box, detect, tight_box
from qaconv_core.people.camera import Camera, develop
from qaconv_core.people.furniture import Model
from qaconv_core.people.light import Light
from qaconv_core.people.mesh import normals
from qaconv_core.people.parts import LABEL_OF
from qaconv_core.people.person import Person
from qaconv_core.people.plates import LIT_MAX, LitPlate
from qaconv_core.people.pose import Stance
from qaconv_core.people.rasteriser import Fragments, interpolate, perspective, rasterise
from qaconv_core.people.rig import turn_y
from qaconv_core.people.shading import Surface, folds, lit, reflectance
from qaconv_core.people.shadow import Shadow

OVERSAMPLING = 1.5


@dataclass(frozen=True)
class Actor:
    """A person in a stance at ``place`` (x, z) m, facing ``heading`` radians (0: along +z), who
    moves at ``speed`` m/s."""

    person: Person
    stance: Stance
    place: tuple[float, float]
    heading: float
    speed: float = 0.0


@dataclass(frozen=True)
class View:
    """Where pictures are taken: a camera, its plate and light in one session."""

    camera: Camera
    plate: LitPlate
    light: Light


@dataclass
class Soup:
    """All triangles of a shot. ``owner`` (f,) is the number of the actor, or that of actors for
    the object in front; ``attributes`` (n, 13): normal, world, rest, coords, sky, front."""

    points: Floats
    faces: Ints
    owner: Ints
    materials: Ints
    two_sided: Pixels
    attributes: Floats


def take(
    view: View, actors: list[Actor], front: Model | None, size: tuple[int, int], rng: Rng
) -> tuple[Pixels, Pixels]:
    """The picture (h, w, 3) uint8 RGB of the first actor, and its label map (h, w) uint8."""
    camera = view.camera
    worlds = [world_of(actor) for actor in actors]
    xy, _ = camera.project(worlds[0][: actors[0].person.boxed(rng.random() < 0.4)])
    box = detect(tight_box(xy), size[1] / size[0], rng)
    raster = _resolution(box, size)
    kept = [0] + [n for n in range(1, len(actors)) if _near(camera, worlds[n], box)]
    soup = soup_of([actors[n] for n in kept], [worlds[n] for n in kept], front)
    light, labels = _light_and_labels(view, soup, [actors[n] for n in kept], front, box, raster)
    native = _native(box, raster)
    small = cv2.resize(light, native[::-1], interpolation=cv2.INTER_AREA)
    drift = _drift(camera, actors[0], rng)
    shrink = native[0] / box.high
    metered = float(np.exp(rng.normal(0, 0.14)))
    exposure = camera.sensor.target / max(view.plate.mean, 0.02) * metered
    image = develop(small, camera, exposure, (drift[0] * shrink, drift[1] * shrink), rng)
    down = cv2.INTER_AREA if native[0] > size[0] else cv2.INTER_LINEAR
    image = cv2.resize(image, size[::-1], interpolation=down)
    labels = cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST)
    return image, labels


def take_empty(view: View, box: Box, size: tuple[int, int], rng: Rng) -> tuple[Pixels, Pixels]:
    """A detector's mistake: a box without anybody in it."""
    raster = _resolution(box, size)
    light, _, _, _ = backdrop(view, box, raster)
    native = _native(box, raster)
    small = cv2.resize(light, native[::-1], interpolation=cv2.INTER_AREA)
    exposure = view.camera.sensor.target / max(view.plate.mean, 0.02)
    image = develop(small, view.camera, exposure, (0.0, 0.0), rng)
    image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    return image, np.full(size, BACKGROUND, np.uint8)


def _resolution(box: Box, size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the raster: finer than the coarser of box and wanted picture."""
    high = int(np.clip(round(OVERSAMPLING * min(box.high, size[0])), 24, 900))
    wide = int(np.clip(round(high * size[1] / size[0]), 12, 900))
    return high, wide


def _native(box: Box, raster: tuple[int, int]) -> tuple[int, int]:
    """Resolution (height, width) at which the sensor works."""
    high = max(16, round(raster[0] / OVERSAMPLING))
    return high, max(8, round(raster[1] / OVERSAMPLING))


def world_of(actor: Actor) -> Floats:
    """Vertices of an actor in the camera's world, m, (n, 3)."""
    points = actor.person.posed(actor.stance) @ turn_y(actor.heading).T
    points[:, 0] += actor.place[0]
    points[:, 2] += actor.place[1]
    return points


def _near(camera: Camera, points: Floats, box: Box) -> bool:
    xy, depth = camera.project(points)
    return bool(depth.min() > 0.7) and tight_box(xy).overlap(box) > 0


def _drift(camera: Camera, actor: Actor, rng: Rng) -> tuple[float, float]:
    """Frame pixels that an actor moves while the shutter is open."""
    place = np.array([[actor.place[0], 1.0, actor.place[1]]], np.float32)
    step = np.array([[np.sin(actor.heading), 0, np.cos(actor.heading)]], np.float32)
    step = step * actor.speed * camera.sensor.shutter * rng.uniform(0.5, 1.0)
    before, _ = camera.project(place)
    after, _ = camera.project((place + step).astype(np.float32))
    return float(after[0, 0] - before[0, 0]), float(after[0, 1] - before[0, 1])


def soup_of(actors: list[Actor], worlds: list[Floats], front: Model | None) -> Soup:
    """All triangles of the actors, in this order, and of an object in front of them."""
    points, faces, owner, materials, sided, attributes = [], [], [], [], [], []
    start = 0
    for number, (actor, world) in enumerate(zip(actors, worlds, strict=True)):
        person = actor.person
        normal, _ = normals(world, person.faces)
        columns = [normal, world, person.rest, person.coords, person.open_sky[:, None],
                   person.front[:, None]]  # fmt: skip
        attributes.append(np.concatenate(columns, 1))
        points.append(world)
        faces.append(person.faces + start)
        owner.append(np.full(len(person.faces), number))
        materials.append(person.materials)
        sided.append(person.two_sided)
        start += len(world)
    if front is not None:
        normal, _ = normals(front.points, front.faces)
        filler = np.zeros((len(normal), 7), np.float32)
        filler[:, 5] = 0.8
        attributes.append(np.concatenate([normal, front.points, filler], 1))
        points.append(front.points)
        faces.append(front.faces + start)
        owner.append(np.full(len(front.faces), len(actors)))
        materials.append(np.zeros(len(front.faces), np.int64))
        sided.append(np.zeros(len(front.faces), bool))
    return Soup(
        np.concatenate(points), np.concatenate(faces), np.concatenate(owner),
        np.concatenate(materials), np.concatenate(sided),
        np.concatenate(attributes).astype(np.float32),
    )  # fmt: skip


def _light_and_labels(
    view: View, soup: Soup, actors: list[Actor], front: Model | None, box: Box,
    raster: tuple[int, int],
) -> tuple[Floats, Pixels]:  # fmt: skip
    """Linear light (h, w, 3) and labels (h, w) of the box at raster resolution."""
    camera, light = view.camera, view.light
    xy, depth = camera.project(soup.points)
    factor = np.array([raster[1] / box.wide, raster[0] / box.high], np.float32)
    xy = (xy - np.array([box.left, box.top], np.float32)) * factor
    inverse = (1 / depth).astype(np.float32)
    found = rasterise(xy, -inverse, soup.faces, raster, soup.two_sided)
    image, ground, plate_depth, solid = backdrop(view, box, raster)
    shadow = Shadow(soup.points, soup.faces, light, actors[0].place)
    shade_ground(image, ground, view, box, raster, shadow, actors)
    image = image.reshape(-1, 3)
    labels = np.full(raster[0] * raster[1], BACKGROUND, np.uint8)
    distance = 1 / (-found.depth)
    behind = distance > plate_depth.reshape(-1)[found.pixel]
    hidden = behind & (soup.owner[found.face] == 0) & solid.reshape(-1)[found.pixel]
    labels[found.pixel[hidden]] = OCCLUDER
    seen = np.nonzero(~behind)[0]
    found = Fragments(found.pixel[seen], found.face[seen], found.weights[seen], found.depth[seen])
    weights = perspective(found, soup.faces, inverse)
    values = interpolate(soup.attributes, soup.faces, found, weights)
    image[found.pixel] = colours_of(view, soup, found, values, actors, front, shadow)
    labels[found.pixel] = _labels(soup, found, len(actors))
    return image.reshape(*raster, 3), labels.reshape(raster)


def _labels(soup: Soup, found: Fragments, actors: int) -> Pixels:
    owner = soup.owner[found.face]
    out = LABEL_OF[soup.materials[found.face]]
    out[(owner > 0) & (owner < actors)] = OTHER
    out[owner == actors] = OCCLUDER
    return out


def colours_of(
    view: View, soup: Soup, found: Fragments, values: Floats, actors: list[Actor],
    front: Model | None, shadow: Shadow,
) -> Floats:  # fmt: skip
    """Linear light (k, 3) of the fragments; ``values`` (k, 13) are their attributes."""
    normal, world = values[:, :3], values[:, 3:6]
    normal = normal / np.maximum(np.sqrt((normal * normal).sum(1, keepdims=True)), 1e-6)
    eye = view.camera.eye - world
    eye /= np.maximum(np.sqrt((eye * eye).sum(1, keepdims=True)), 1e-6)
    away = (normal * eye).sum(1) < 0
    normal = np.where(away[:, None], -normal, normal)
    owner, materials = soup.owner[found.face], soup.materials[found.face]
    normal = folds(normal, materials, values[:, 9:11])
    colour = np.empty((len(owner), 3), np.float32)
    sun = np.empty(len(owner), np.float32)
    for number in np.unique(owner):
        own = np.nonzero(owner == number)[0]
        if number == len(actors):
            assert front is not None
            first = int(np.argmax(soup.owner == number))
            colour[own] = front.colours[found.face[own] - first]
            place = front.points.mean(0)[[0, 2]]
        else:
            surface = Surface(
                materials[own], values[own, 6:9], values[own, 9:11], values[own, 12] > 0.5
            )
            colour[own] = reflectance(actors[number].person, surface)
            place = np.array(actors[number].place)
        spot = view.light.sun_share(np.array([place[0]]), np.array([place[1]]))
        sun[own] = float(spot[0])
    sun *= shadow.open_at(world + normal * 0.02, 0.05)
    near_ground = np.clip(0.55 + 0.9 * world[:, 1], 0, 1)
    sky = values[:, 11] * near_ground
    return lit(colour, materials, normal, eye, sky, sun, view.light)


def backdrop(
    view: View, box: Box, raster: tuple[int, int]
) -> tuple[Floats, Pixels, Floats, Pixels]:
    """The plate behind the box at raster resolution: light, ground mask, depth, front objects."""
    x = (np.arange(raster[1], dtype=np.float32) + 0.5) * (box.wide / raster[1]) + box.left - 0.5
    y = (np.arange(raster[0], dtype=np.float32) + 0.5) * (box.high / raster[0]) + box.top - 0.5
    plate = view.plate
    high, wide = plate.ground.shape
    left, top = int(np.clip(x[0] - 2, 0, wide - 2)), int(np.clip(y[0] - 2, 0, high - 2))
    right, low = int(np.clip(x[-1] + 3, left + 2, wide)), int(np.clip(y[-1] + 3, top + 2, high))
    grid = (
        np.broadcast_to(x - left, raster).copy(),
        np.broadcast_to((y - top)[:, None], raster).copy(),
    )
    crop = np.s_[top:low, left:right]
    coded = cv2.remap(plate.light[crop], *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = coded.astype(np.float32)
    light *= light
    light *= LIT_MAX / 255**2

    def nearest(values: Pixels) -> Pixels:
        return cv2.remap(values, *grid, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)

    ground = nearest(plate.ground[crop].astype(np.uint8)) > 0
    solid = nearest(plate.front[crop].astype(np.uint8)) > 0
    depth = np.where(solid, nearest(plate.depth[crop].astype(np.float32)), np.inf)
    return light, ground, depth.astype(np.float32), solid


def shade_ground(
    image: Floats, ground: Pixels, view: View, box: Box, raster: tuple[int, int],
    shadow: Shadow, actors: list[Actor],
) -> None:  # fmt: skip
    """Darken the ground in the people's shadows and close to their feet, in place."""
    rows = max(8, raster[0] // 3), max(8, raster[1] // 3)
    x = (np.arange(rows[1], dtype=np.float32) + 0.5) * (box.wide / rows[1]) + box.left
    y = (np.arange(rows[0], dtype=np.float32) + 0.5) * (box.high / rows[0]) + box.top
    rays = view.camera.rays(*np.meshgrid(x, y)).reshape(-1, 3)
    falls = rays[:, 1] < -0.02
    distance = view.camera.height / np.maximum(-rays[:, 1], 0.02)
    points = rays * distance[:, None]
    points[:, 1] = 0.0
    light = view.light
    share = light.sun_share(points[:, 0], points[:, 2])
    full = light.sky + (light.sun * light.sun_way[1])[None] * share[:, None]
    open_ = shadow.open_at(points, 0.03)
    sky = np.ones(len(points), np.float32)
    for actor in actors:
        wide = 0.85 if actor.stance.kind == "ride" else 0.32
        away = ((points[:, [0, 2]] - np.array(actor.place)) ** 2).sum(1)
        sky *= 1 - 0.45 * np.exp(-away / wide**2)
    left = light.sky * sky[:, None] + light.sun * light.sun_way[1] * (share * open_)[:, None]
    factor: Floats = np.where(falls[:, None], left / full, 1.0).astype(np.float32).reshape(*rows, 3)
    factor = cv2.resize(factor, raster[::-1], interpolation=cv2.INTER_LINEAR)
    image[ground] *= factor[ground]
