"""The empty view of a camera: ground, walls, hedges, trees, parked cars and bicycles, posts.

Drawn once per camera by casting a ray through every pixel onto the ground and onto upright
surfaces, with standing objects rasterised over them; then lit once per session. Colours are muted:
asphalt, concrete, brick, plaster, glass, leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qaconv_core.people import furniture, noise
from qaconv_core.people.arrays import Floats, Mask, Pixels, Rng
from qaconv_core.people.camera import Camera
from qaconv_core.people.furniture import Model
from qaconv_core.people.light import Light
from qaconv_core.people.mesh import normals
from qaconv_core.people.palette import linear
from qaconv_core.people.rasteriser import interpolate, perspective, rasterise
from qaconv_core.people.walls import Wall, draw_walls, grey, leaf, paint_wall
from qaconv_core.progress import CancelToken, raise_if_cancelled

LIT_MAX = 4.0
"""Light above this is clipped in a lit plate (stored as the square root in 8 bits)."""


@dataclass
class Plate:
    """A camera's empty view: ``colour`` (h, w, 3) linear reflectance, ``normal`` (h, w, 3),
    ``depth`` (h, w) m along the axis (inf: sky), ``foot`` (h, w, 2) the ground point x, z below
    each pixel's surface, ``ground`` and ``front`` (h, w) masks of the ground and of objects that
    may stand before people."""

    colour: Floats
    normal: Floats
    depth: Floats
    foot: Floats
    ground: Mask
    front: Mask


@dataclass(frozen=True)
class LitPlate:
    """A plate under a light: ``light`` (h, w, 3) uint8, the square root of light over
    :data:`LIT_MAX`; ``mean`` linear brightness."""

    light: Pixels
    depth: npt.NDArray[np.float16]
    ground: Mask
    front: Mask
    mean: float


def build_plate(camera: Camera, cancel: CancelToken | None = None) -> Plate:
    """Draw a camera's empty view.

    Raises :class:`~qaconv_core.errors.Cancelled` before a wall when asked to stop.
    """
    rng = np.random.default_rng([camera.seed, 78, camera.number])
    high, wide = camera.frame
    x, y = np.meshgrid(np.arange(wide) + 0.5, np.arange(high) + 0.5)
    rays = camera.rays(x.astype(np.float32), y.astype(np.float32))
    plate = _ground(camera, rng, rays)
    for wall in draw_walls(camera, rng):
        raise_if_cancelled(cancel)
        _add_wall(plate, camera, rays, wall)
    for model in furniture.draw_models(camera, rng):
        _add_model(plate, camera, model)
    return plate


def light_plate(plate: Plate, light: Light) -> LitPlate:
    """The plate as lit in one session."""
    foot = plate.foot
    sun = light.sun_share(foot[:, :, 0], foot[:, :, 1])
    facing = np.maximum(plate.normal @ light.sun_way, 0)
    up = 0.5 + 0.5 * plate.normal[:, :, 1]
    shade = (facing * sun)[:, :, None] * light.sun
    shade += up[:, :, None] * light.sky + (1 - up)[:, :, None] * light.bounce
    sky = ~np.isfinite(plate.depth)
    shade[sky] = light.sky * 1.5 + light.sun * 0.25
    value = plate.colour * shade
    coded = np.sqrt(np.clip(value / LIT_MAX, 0, 1)) * 255
    return LitPlate(
        coded.astype(np.uint8), plate.depth.astype(np.float16), plate.ground, plate.front,
        float(np.clip(value, 0, 1.5).mean()),
    )  # fmt: skip


# --- ground -----------------------------------------------------------------------------------


def _ground(camera: Camera, rng: Rng, rays: Floats) -> Plate:
    falls = rays[:, :, 1] < -1e-3
    distance = np.where(falls, camera.height / np.maximum(-rays[:, :, 1], 1e-3), 0)
    x, z = rays[:, :, 0] * distance, rays[:, :, 2] * distance
    turn = rng.uniform(-0.6, 0.6) if camera.place != "corridor" else 0.0
    u, v = x * np.cos(turn) + z * np.sin(turn), z * np.cos(turn) - x * np.sin(turn)
    colour = _paved(rng, camera.place, u, v)
    if camera.place in ("path", "street"):
        _border(rng, camera, colour, u, v)
    if camera.place in ("street", "plaza") and rng.random() < 0.6:
        _marks(rng, camera, colour, u, v)
    cloud = noise.sample(noise.field(5, 8), u * 18, v * 18)
    grain = noise.sample(noise.field(3, 64), u * 60, v * 60)
    colour *= (1 + 0.10 * cloud + 0.05 * grain)[:, :, None]
    shape = rays.shape[:2]
    sky = linear([0.82, 0.85, 0.88])
    colour[~falls] = sky
    normal = np.zeros((*shape, 3), np.float32)
    normal[:, :, 1] = 1
    return Plate(
        np.clip(colour, 0.01, 0.9).astype(np.float32),
        normal,
        np.where(falls, distance, np.inf).astype(np.float32),
        np.stack([x, z], -1).astype(np.float32),
        falls.copy(),
        np.zeros(shape, bool),
    )


def _paved(rng: Rng, place: str, u: Floats, v: Floats) -> Floats:
    kind = str(rng.choice(["asphalt", "slabs", "bricks", "concrete"]))
    if place == "corridor":
        kind = "tiles"
    base = grey(rng, 0.38, 0.66, 0.018)
    if kind == "bricks":
        base = linear(np.array([0.56, 0.46, 0.42]) * rng.uniform(0.8, 1.15))
    if kind == "tiles":
        base = grey(rng, 0.55, 0.78, 0.02)
    colour = np.broadcast_to(base, (*u.shape, 3)).copy()
    if kind in ("asphalt", "concrete"):
        return colour
    long, short = {"slabs": (0.8, 0.8), "tiles": (0.6, 0.6), "bricks": (0.3, 0.15)}[kind]
    scale = rng.uniform(0.7, 1.4)
    long, short = long * scale, short * scale
    row = np.floor(v / short)
    column = np.floor(u / long + (row % 2) * 0.5 * (kind == "bricks"))
    tone = noise.look_up(noise.field(1, 512, 3), column * 7, row * 13)
    colour *= (1 + (0.05 if kind != "tiles" else 0.015) * tone)[:, :, None]
    gap = 0.025 if kind != "bricks" else 0.012
    joint = (np.mod(v, short) < gap) | (
        np.mod(u + (row % 2) * 0.5 * long * (kind == "bricks"), long) < gap
    )
    colour[joint] *= 0.78
    if kind == "slabs" and rng.random() < 0.3:
        colour[(column + row) % 2 > 0.5] *= rng.uniform(0.7, 0.92)
    return colour


def _border(rng: Rng, camera: Camera, colour: Floats, u: Floats, v: Floats) -> None:
    """Grass, soil or a roadway beyond a line, with a kerb."""
    across = camera.reach[0] * (camera.near + camera.far) / 2
    if rng.random() < 0.5:
        line, place = rng.choice([-1, 1]) * across * rng.uniform(0.35, 0.8), u
        beyond = place > line if line > 0 else place < line
    else:
        line, place = camera.far + rng.uniform(0.3, 3.0), v
        beyond = place > line
    wave = 0.05 * noise.sample(noise.field(3, 8), u * 10, v * 10)
    soft = np.abs(place + wave - line)
    if camera.place == "path" or rng.random() < 0.4:
        green = leaf(rng) if rng.random() < 0.7 else linear([0.42, 0.36, 0.27])
        blades = noise.sample(noise.field(5, 16), u * 55, v * 55)
        colour[beyond] = green * (1 + 0.3 * blades[beyond])[:, None]
    else:
        colour[beyond] = grey(rng, 0.3, 0.45, 0.01)
    colour[soft < 0.09] = grey(rng, 0.55, 0.75)


def _marks(rng: Rng, camera: Camera, colour: Floats, u: Floats, v: Floats) -> None:
    """Painted lines, a crossing or a band of guiding tiles."""
    kind = rng.choice(["line", "crossing", "guide", "grating"])
    middle = rng.uniform(camera.near, camera.far)
    worn = noise.sample(noise.field(4, 16), u * 30, v * 30) < 0.9
    white, yellow = linear([0.8, 0.8, 0.78]), linear([0.75, 0.62, 0.3])
    if kind == "line":
        on = np.abs(v - middle) < 0.07
        colour[on & worn] = white if rng.random() < 0.6 else yellow
    elif kind == "crossing":
        on = (np.abs(v - middle) < 1.5) & (np.mod(u, 0.9) < 0.45)
        colour[on & worn] = white * 0.85
    elif kind == "guide":
        on = np.abs(v - middle) < 0.22
        colour[on] = yellow * (0.8 + 0.2 * (np.mod(u, 0.3) < 0.15)[on, None])
    else:
        on = np.abs(v - middle) < 0.15
        colour[on] *= 0.35 + 0.4 * (np.mod(u, 0.06) < 0.03)[on, None]


def _add_wall(plate: Plate, camera: Camera, rays: Floats, wall: Wall) -> None:
    along = np.array([np.cos(wall.turn), np.sin(wall.turn)])
    across = np.array([-along[1], along[0]])
    slope = rays[:, :, 0] * across[0] + rays[:, :, 2] * across[1]
    safe = np.where(np.abs(slope) < 1e-5, 1e-5, slope)
    distance = (wall.start[0] * across[0] + wall.start[1] * across[1]) / safe
    height = camera.height + rays[:, :, 1] * distance
    place = (rays[:, :, 0] * distance - wall.start[0]) * along[0]
    place += (rays[:, :, 2] * distance - wall.start[1]) * along[1]
    on = (distance > 0.5) & (distance < plate.depth) & (height > wall.low) & (height < wall.high)
    on &= (place > 0) & (place < wall.wide)
    rows, columns = np.nonzero(on)
    if not len(rows):
        return
    colour, solid = paint_wall(wall, place[on], height[on])
    rows, columns, colour = rows[solid], columns[solid], colour[solid]
    plate.colour[rows, columns] = np.clip(colour, 0.01, 0.9)
    facing = np.array([-across[0], 0, -across[1]])
    plate.normal[rows, columns] = facing * (1 if facing[2] < 0 or abs(facing[2]) < 0.3 else -1)
    plate.depth[rows, columns] = distance[rows, columns]
    plate.ground[rows, columns] = False
    plate.foot[rows, columns] = rays[rows, columns][:, [0, 2]] * distance[rows, columns, None]


# --- standing objects -------------------------------------------------------------------------


def _add_model(plate: Plate, camera: Camera, model: Model) -> None:
    xy, depth = camera.project(model.points)
    if (depth < 0.6).any():
        return
    inverse = 1 / depth
    size = camera.frame
    found = rasterise(xy, -inverse, model.faces, size)
    weights = perspective(found, model.faces, inverse)
    distance = 1 / (-found.depth)
    row, column = np.divmod(found.pixel, size[1])
    nearer = distance < plate.depth[row, column]
    row, column, distance = row[nearer], column[nearer], distance[nearer]
    if not len(row):
        return
    vertex_normal, _ = normals(model.points, model.faces)
    normal = interpolate(vertex_normal, model.faces, found, weights)[nearer]
    place = interpolate(model.points, model.faces, found, weights)[nearer]
    plate.colour[row, column] = model.colours[found.face[nearer]]
    plate.normal[row, column] = normal
    plate.depth[row, column] = distance
    plate.foot[row, column] = place[:, [0, 2]]
    plate.ground[row, column] = False
    plate.front[row, column] = True
