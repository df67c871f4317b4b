"""Finds the people on a picture: tiles through the network, their boxes joined into one list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from qaconv_core.data.resources import resource_path
from qaconv_core.data.weights import BUNDLED_DETECTOR
from qaconv_core.detection.boxes import Boxes, PersonBox, Scores, clipped, suppress
from qaconv_core.detection.tiles import (
    SCALES,
    VIDEO_SCALES,
    WHOLE,
    Tile,
    cut_off,
    fills,
    plan_tiles,
    read_scales,
    without_nested,
    without_parts,
)
from qaconv_core.device import resolve_device
from qaconv_core.errors import InputError
from qaconv_core.models.detector import SIDE, load_detector
from qaconv_core.models.published_detectors import load_published, persons_on
from qaconv_core.models.stopping import stopping_within
from qaconv_core.progress import NO_CONTEXT, WorkContext

if TYPE_CHECKING:
    from qaconv_core.detection.job import Finder

DEFAULT_SCORE = 0.4
"""Score from which a box is kept; docs/detecting.md has what others give."""
JOINED = 0.5
"""Intersection over union from which boxes of several tiles mean one person."""
BATCH = 8
"""Tiles that go through the network at once."""
_SMALLEST = 4.0
"""Pixels that a box is wide and high at least."""
_NESTED = 0.85
_LOWEST = 0.01


@dataclass(frozen=True)
class FindOptions:
    """What counts as a person: least score in [0, 1], least height in pixels; and the scales of
    tiles (see :mod:`qaconv_core.detection.tiles`)."""

    score: float = DEFAULT_SCORE
    min_height: float = 0.0
    scales: tuple[int, ...] = SCALES

    @classmethod
    def of(
        cls,
        score: float | None,
        min_height: float,
        tiles: str | None,
        *,
        video: bool,
        detector: str = BUNDLED_DETECTOR,
    ) -> FindOptions:
        """Options as they are typed; None stands for what is usual for a picture or a video.

        Published detectors see large pictures: they look at the whole alone, unless told otherwise.
        """
        usual: tuple[int, ...] = VIDEO_SCALES if video else SCALES
        if detector != BUNDLED_DETECTOR:
            usual = (WHOLE,)
        scales = usual if tiles is None else read_scales(tiles)
        return cls(DEFAULT_SCORE if score is None else score, min_height, scales)

    @staticmethod
    def settings(
        pictures: FindOptions, videos: FindOptions, detector: str = BUNDLED_DETECTOR
    ) -> dict[str, object]:
        """What a run of the detector that goes on is held against."""
        return {
            **({} if detector == BUNDLED_DETECTOR else {"detector": detector}),
            "score": pictures.score,
            "min height": pictures.min_height,
            "tiles": [list(pictures.scales), list(videos.scales)],
        }

    def __post_init__(self) -> None:
        if not 0 < self.score < 1:
            raise InputError(f"the least score must lie between 0 and 1, not {self.score:g}")
        if not 0 <= self.min_height < 1e6:
            raise InputError(f"the least height must be a number of pixels, not {self.min_height}")


class PersonFinder:
    """The detector on one device; may be used by one thread at a time."""

    def __init__(
        self, device: str = "auto", weights: Path | None = None, detector: str = BUNDLED_DETECTOR
    ) -> None:
        """Load the bundled weights, or those in ``weights``, or a published ``detector``.

        Raises InputError.
        """
        self.device = resolve_device(device)
        self._published: nn.Module | None = None
        if detector == BUNDLED_DETECTOR:
            path = resource_path("detector", "weights.npz") if weights is None else weights
            self._network = load_detector(path).to(self.device)
        else:
            self._published = load_published(detector).to(self.device)

    def bound(self, pictures: FindOptions, videos: FindOptions) -> Finder:
        """:meth:`find` for pictures, and for frames of videos."""
        return lambda picture, video, context: self.find(
            picture, videos if video else pictures, context
        )

    def find(
        self,
        picture: npt.NDArray[np.uint8],
        options: FindOptions | None = None,
        context: WorkContext = NO_CONTEXT,
    ) -> list[PersonBox]:
        """The people on an RGB picture (h, w, 3), the surest first; boxes lie inside it.

        ``context`` hears of every batch of tiles, and can stop it within one.
        """
        options = options or FindOptions()
        height, width = picture.shape[:2]
        tiles = plan_tiles(width, height, options.scales)
        floor = max(_LOWEST, 0.5 * options.score)
        with stopping_within(self._published or self._network, context.cancel):
            boxes, scores, cut = self._candidates(picture, tiles, floor, context)
        kept = without_parts(boxes, scores, cut)
        boxes, scores = boxes[kept], scores[kept]
        kept = suppress(boxes, scores, JOINED)
        boxes, scores = boxes[kept], scores[kept]
        kept = without_nested(boxes, scores, _NESTED)
        return [
            PersonBox(*_sized(box), score=float(score))
            for box, score in zip(boxes[kept], scores[kept], strict=True)
            if score >= options.score and box[3] - box[1] >= max(options.min_height, _SMALLEST)
        ]

    def _candidates(
        self,
        picture: npt.NDArray[np.uint8],
        tiles: list[Tile],
        floor: float,
        context: WorkContext,
    ) -> tuple[Boxes, Scores, np.ndarray]:
        """Boxes on the picture of all tiles, their scores, and which a tile's border cuts off."""
        height, width = picture.shape[:2]
        all_boxes, all_scores, all_cut = [], [], []
        tracker = context.tracker("people", len(tiles), "tiles")
        for first in range(0, len(tiles), BATCH):
            batch = tiles[first : first + BATCH]
            looked = self._look([_part(picture, tile) for tile in batch])
            for tile, (share, score) in zip(batch, looked, strict=True):
                sure = score >= floor
                boxes = share[sure] * np.array([tile.width, tile.height] * 2)
                boxes += np.array([tile.left, tile.top] * 2)
                own = suppress(boxes, score[sure])
                boxes, sure_scores = clipped(boxes[own], width, height), score[sure][own]
                if len(tiles) > 1:
                    fit = ~fills(boxes, tile)
                    boxes, sure_scores = boxes[fit], sure_scores[fit]
                all_boxes.append(boxes)
                all_scores.append(sure_scores)
                all_cut.append(cut_off(boxes, tile, width, height))
            tracker.advance(len(batch))
        boxes = np.concatenate(all_boxes)
        large = (boxes[:, 2:] - boxes[:, :2] >= _SMALLEST).all(1)
        return boxes[large], np.concatenate(all_scores)[large], np.concatenate(all_cut)[large]

    def _look(self, parts: list[npt.NDArray[np.uint8]]) -> list[tuple[Boxes, Scores]]:
        """Boxes (a, 4) as shares, and their scores (a,), of each part of a picture (h, w, 3)."""
        if self._published is not None:
            return [persons_on(self._published, part, self.device) for part in parts]
        boxes, scores = self._run([_input(part) for part in parts])
        return list(zip(boxes, scores, strict=True))

    def _run(self, inputs: list[npt.NDArray[np.uint8]]) -> tuple[Boxes, Scores]:
        """Shares (n, a, 4) and scores (n, a) of pictures (300, 300, 3)."""
        images = torch.from_numpy(np.stack(inputs)).to(self.device).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            boxes, scores = self._network(images)
        return boxes.double().cpu().numpy(), scores.double().cpu().numpy()


def _part(picture: npt.NDArray[np.uint8], tile: Tile) -> npt.NDArray[np.uint8]:
    return picture[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]


def _input(part: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A tile at the network's size; what is shrunk is averaged, so that nothing is skipped."""
    shrunk = min(part.shape[:2]) > SIDE
    how = cv2.INTER_AREA if shrunk else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(part, (SIDE, SIDE), interpolation=how))


def _sized(box: Boxes) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in box)
    return left, top, right - left, bottom - top
