"""A model whose answers are known, and a data set of pictures made for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from qaconv_core.extraction.features import Extraction
from qaconv_core.matching.correspondences import match_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.types import Dataset, FeatureBank, ImageRef, ImageSet

GRID = (6, 4)
CELL = 8


class KnownModel:
    """A cell's feature is its colour, or its place in the frame: nothing is learned."""

    def __init__(self, feature: str) -> None:
        self.feature = feature
        self.spec = SimpleNamespace(grid=GRID, in_full=lambda: "colours")

    def extract(self, pictures):
        return np.stack([self.features(np.asarray(p)) for p in pictures])

    def features(self, pixels):
        cells = pixels.reshape(GRID[0], CELL, GRID[1], CELL, 3).mean(axis=(1, 3))
        codes = cells[..., 0].round().astype(int)
        if self.feature == "place":
            codes = np.arange(GRID[0] * GRID[1]).reshape(GRID)
        return np.eye(256, dtype=np.float32)[codes].transpose(2, 0, 1)

    def match(self, query_map, gallery_map):
        weights = np.ones(GRID[0] * GRID[1])
        return match_maps(query_map, gallery_map, AffineHead(weights, weights, 0.0, GRID))


def picture(codes):
    pixels = np.repeat(np.repeat(np.asarray(codes, np.uint8), CELL, 0), CELL, 1)
    return Image.fromarray(np.stack([pixels] * 3, axis=2))


DISTINCT = np.arange(24).reshape(GRID) * 10
"""Every cell has a colour of its own."""


class KnownBench(KnownModel):
    """The model on a data set whose pictures are given as codes, by file name."""

    def __init__(self, codes, weights=None) -> None:
        super().__init__("colour")
        self.codes = codes
        ones = np.ones(GRID[0] * GRID[1])
        self.head = AffineHead(ones if weights is None else weights, ones, -3.0, GRID)
        self.spec = SimpleNamespace(grid=GRID, in_full=lambda: "colours")
        self.device = "cpu"

    def match(self, query_map, gallery_map):
        return match_maps(query_map, gallery_map, self.head)

    def read(self, ref):
        return picture(self.codes[ref.path.name])

    def extract_set(self, refs, **_):
        maps = self.extract([self.read(ref) for ref in refs]).astype(np.float16)
        kept = np.arange(len(refs))
        return Extraction(FeatureBank(maps, kept), kept, (), 0, len(refs))


def known_dataset(query, gallery) -> Dataset:
    """Pictures as (name, pid, camid)."""
    sides = [
        ImageSet(tuple(ImageRef(Path(name), pid, camid) for name, pid, camid in side))
        for side in (query, gallery)
    ]
    return Dataset("known", Path("known"), "made up", ImageSet(()), *sides)


def sharing(cells, other: int):
    """Codes (6, 4) that have those of DISTINCT at ``cells`` and ``other`` elsewhere."""
    codes = np.full(GRID, other)
    for cell in cells:
        codes.flat[cell] = DISTINCT.flat[cell]
    return codes
