"""Random changes of training pictures and, with them, of their label maps. No torch here.

All randomness comes from the generator handed in, so that a picture's change depends on seed, epoch
and place in the epoch alone: not on the number of workers, nor on where a run was interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

from qaconv_core.data.label_maps import BACKGROUND, OTHER, PERSON
from qaconv_core.training.recipes import COARSEST, Augmentation
from qaconv_core.types import Float32, Grid

Pixels = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]
"""Affine map (3, 3) of points (x, y, 1) in pixels, pixel centres at halves."""

_WHITE = (255, 255, 255)
_ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
_HUE = len(_ENHANCERS)
_PERSON = tuple(PERSON)


@dataclass(frozen=True)
class View:
    """A changed picture: ``pixels`` (H, W, 3), its ``labels`` (H, W) if it has a label map, and
    ``to_source`` from its points to those of the unchanged picture."""

    pixels: Pixels
    labels: Pixels | None
    to_source: Matrix


def augment(
    pixels: Pixels,
    labels: Pixels | None,
    change: Augmentation,
    random: np.random.Generator,
    backdrop: tuple[Pixels, Pixels] | None = None,
) -> View:
    """One random view of a resized picture (H, W, 3) and its label map (H, W), both uint8.

    ``backdrop`` is another picture with its label map, whose surroundings may take the place of
    this one's.
    """
    if labels is not None and backdrop is not None and random.random() < change.mix:
        pixels, labels = _before(pixels, labels, backdrop, random)
    height, width = pixels.shape[:2]
    matrix = _random_matrix(change, (height, width), random)
    changed_labels = None if labels is None else labels.copy()
    if not np.array_equal(matrix, np.eye(3)):
        pixels = _warp(pixels, matrix, edges=change.box > 0)
        if labels is not None:
            changed_labels = _warp(labels, matrix, edges=change.box > 0)
    changed = np.array(_recolour(pixels, change, random))
    _occlude(changed, changed_labels, change, random)
    return View(changed, changed_labels, matrix)


def cell_places(matrix: Matrix, size: tuple[int, int], grid: Grid) -> Float32:
    """Where the centre of each cell lies in the unchanged picture, (h·w, 2) as (row, column).

    In cells: the unchanged picture's own cells lie at 0.5, 1.5, …
    """
    height, width = size
    h, w = grid
    rows, columns = np.meshgrid(np.arange(h) + 0.5, np.arange(w) + 0.5, indexing="ij")
    points = np.stack((columns.ravel() * width / w, rows.ravel() * height / h, np.ones(h * w)))
    x, y, _ = matrix @ points
    return np.stack((y * h / height, x * w / width), axis=1).astype(np.float32)


def _random_matrix(
    change: Augmentation, size: tuple[int, int], random: np.random.Generator
) -> Matrix:
    """From points of the view to those of the picture: crop or box, then flip, then rotation."""
    height, width = size
    matrix = np.eye(3)
    if change.pad > 0:
        dx, dy = random.integers(-change.pad, change.pad + 1, size=2)
        matrix = matrix @ _shift(float(dx), float(dy))
    if change.box > 0:
        matrix = matrix @ _box(change.box, size, random)
    if random.random() < change.flip:
        matrix = matrix @ np.array([[-1.0, 0.0, width], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    if change.rotate > 0:
        angle = np.deg2rad(random.uniform(-change.rotate, change.rotate))
        turn = np.array(
            [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
        )
        centre = _shift(width / 2, height / 2)
        matrix = matrix @ centre @ turn @ _shift(-width / 2, -height / 2)
    return matrix


def _shift(x: float, y: float) -> Matrix:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _box(spread: float, size: tuple[int, int], random: np.random.Generator) -> Matrix:
    """A detection box whose edges are off by ``spread`` of the picture's side, at most thrice."""
    height, width = size
    off = np.clip(random.normal(0.0, spread, size=4), -3 * spread, 3 * spread)
    left, right = off[0] * width, (1 + off[1]) * width
    top, bottom = off[2] * height, (1 + off[3]) * height
    return np.array(
        [
            [max(0.3, (right - left) / width), 0.0, left],
            [0.0, max(0.3, (bottom - top) / height), top],
            [0.0, 0.0, 1.0],
        ]
    )


def _warp(
    pixels: Pixels, matrix: Matrix, edges: bool, border: int = cv2.BORDER_REPLICATE
) -> Pixels:
    """Draw the view of a picture (H, W, 3) or a label map (H, W).

    Outside is black, or with ``edges`` what the picture shows at its edge (repeated, or as another
    ``border`` of OpenCV's says). Without ``edges`` every
    point takes its nearest pixel: whole shifts, flips and a rotation drawn one after the other, as
    the published pipeline does, give the same.
    """
    if not edges:
        image = Image.fromarray(pixels)
        warped = image.transform(
            image.size, Image.Transform.AFFINE, tuple(matrix[:2].ravel()), Image.Resampling.NEAREST
        )
        return np.array(warped)
    # OpenCV has pixel centres at whole numbers.
    centred = _shift(-0.5, -0.5) @ matrix @ _shift(0.5, 0.5)
    kind = cv2.INTER_LINEAR if pixels.ndim == 3 else cv2.INTER_NEAREST
    drawn = cv2.warpAffine(
        pixels,
        centred[:2],
        (pixels.shape[1], pixels.shape[0]),
        flags=kind | cv2.WARP_INVERSE_MAP,
        borderMode=border,
    )
    return _uint8(drawn)


def _before(
    pixels: Pixels, labels: Pixels, backdrop: tuple[Pixels, Pixels], random: np.random.Generator
) -> tuple[Pixels, Pixels]:
    """The person of one picture before a part of another, whoever stands there cut by the box."""
    height, width = labels.shape
    # The other person moves aside by half a picture or more, and is mostly hidden or out of sight.
    scale = random.uniform(0.5, 0.9)
    side = random.choice([-1, 1]) * random.uniform(0.4, 0.8) * width
    down = random.uniform(0, 1 - scale) * height
    matrix = _shift(float(side), down) @ np.diag([scale * random.choice([-1, 1]), scale, 1.0])
    if matrix[0, 0] < 0:
        matrix = matrix @ _shift(-width / scale, 0.0)
    behind, other = (_warp(each, matrix, True, cv2.BORDER_REFLECT) for each in backdrop)
    others = np.where(np.isin(other, _PERSON), OTHER, BACKGROUND).astype(np.uint8)
    # What stands before the person, and other people, go with the picture that they belong to.
    person = labels != BACKGROUND
    soft = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 0.7)[..., None]
    mixed = pixels * soft + behind * (1 - soft)
    return np.rint(mixed).astype(np.uint8), np.where(person, labels, others)


def _recolour(pixels: Pixels, change: Augmentation, random: np.random.Generator) -> Pixels:
    """Brightness, contrast, saturation and hue in random order, then tint, grey and blur."""
    steps = list(random.permutation(4)) if change.jitter is not None or change.hue > 0 else []
    for step in steps:
        if step == _HUE:
            pixels = _turn_hue(pixels, random.uniform(-change.hue, change.hue))
        elif change.jitter is not None:
            enhancer = _ENHANCERS[step](Image.fromarray(pixels))
            pixels = np.asarray(enhancer.enhance(random.uniform(*change.jitter)))
    if change.tint > 0:
        gains = 1.0 + random.uniform(-change.tint, change.tint, size=3)
        levels = np.clip(np.rint(np.outer(np.arange(256), gains)), 0, 255).astype(np.uint8)
        pixels = _uint8(cv2.LUT(pixels, levels[None]))
    if random.random() < change.grey:
        pixels = np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))
    if random.random() < change.blur:
        pixels = _lose_detail(pixels, random)
    return _film_badly(pixels, change, random)


def _film_badly(pixels: Pixels, change: Augmentation, random: np.random.Generator) -> Pixels:
    """Light, sensor and coder of a bad camera, in the order in which they change a picture."""

    def happens(chance: float) -> bool:
        return chance > 0 and bool(random.random() < chance)

    if happens(change.shadow):
        pixels = _throw_shadow(pixels, random)
    if change.exposure > 0:
        gain, gamma = 2 ** random.normal(0, change.exposure), 2 ** random.normal(0, 0.2)
        levels = 255 * np.clip((np.arange(256) / 255) ** gamma * gain, 0, 1)
        pixels = _uint8(cv2.LUT(pixels, np.rint(levels).astype(np.uint8)))
    if happens(change.motion):
        length = 2 * int(random.integers(1, 5)) + 1
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1.0 / length
        turn = cv2.getRotationMatrix2D((length // 2, length // 2), random.uniform(-30, 30), 1)
        kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
        pixels = _uint8(cv2.filter2D(pixels, -1, kernel / max(float(kernel.sum()), 1e-6)))
    quality = int(random.integers(12, 70)) if happens(change.jpeg) else 0
    if happens(change.coarse):
        height, width = pixels.shape[:2]
        rows = int(random.integers(min(COARSEST, height), max(COARSEST, height * 2 // 3) + 1))
        small = (max(8, round(width * rows / height)), rows)
        pixels = _uint8(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA))
        if quality:
            pixels = _compress(pixels, quality)
        return _uint8(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR))
    return _compress(pixels, quality) if quality else pixels


def _throw_shadow(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """Darken one side of a line through the picture."""
    height, width = pixels.shape[:2]
    turn = random.uniform(0, 2 * np.pi)
    x, y = random.uniform(0.2, 0.8) * width, random.uniform(0.2, 0.8) * height
    across = (np.arange(width) - x) * np.cos(turn) + (np.arange(height)[:, None] - y) * np.sin(turn)
    edge = np.clip(across / random.uniform(0.5, 4.0) + 0.5, 0, 1)
    dark = 1 - random.uniform(0.35, 0.7) * edge[..., None]
    return np.rint(pixels * dark).astype(np.uint8)


def _compress(pixels: Pixels, quality: int) -> Pixels:
    """After one JPEG compression and back."""
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert back is not None
    return _uint8(back)


def _turn_hue(pixels: Pixels, turn: float) -> Pixels:
    """Turn the hue by ``turn`` of a full circle."""
    offset = round(turn * 256)
    if offset == 0:
        return pixels
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL)
    hsv[..., 0] += np.uint8(offset % 256)  # uint8 goes round as hues do
    return _uint8(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL))


def _lose_detail(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """A far camera (fewer pixels) or one out of focus."""
    height, width = pixels.shape[:2]
    if random.random() < 0.5:
        spread = random.uniform(0.4, 1.6) * height / 256
        return _uint8(cv2.GaussianBlur(pixels, (0, 0), spread))
    factor = random.uniform(1.2, 3.0)
    small = (max(8, round(width / factor)), max(8, round(height / factor)))
    reduced = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    return _uint8(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR))


def _uint8(array: object) -> Pixels:
    """OpenCV's stubs do not know that 8 bits in give 8 bits out."""
    return np.asarray(array, dtype=np.uint8)


def _occlude(
    pixels: Pixels, labels: Pixels | None, change: Augmentation, random: np.random.Generator
) -> None:
    """Paint a square at a random place, in place; its pixels show nothing of the person."""
    low, high = change.occlusion
    if high <= 0 or random.random() >= change.erase:
        return
    height, width = pixels.shape[:2]
    short = min(height, width)
    least = max(1, int(short * low))
    side = int(random.integers(least, max(least + 1, int(short * high))))
    x, y = int(random.integers(0, width - side + 1)), int(random.integers(0, height - side + 1))
    if change.occlusion_noise:
        colour = random.integers(0, 256, size=3)
        noise = random.normal(0, random.uniform(0, 40), size=(side, side, 1))
        pixels[y : y + side, x : x + side] = np.clip(colour + noise, 0, 255).astype(np.uint8)
    else:
        pixels[y : y + side, x : x + side] = _WHITE
    if labels is not None:
        labels[y : y + side, x : x + side] = 0
