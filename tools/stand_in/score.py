"""Measures on the demo: a colour histogram, the matching rule of QAConv, and Rank-k and mAP.

Independent of ``qaconv_core`` on purpose: the numbers in ``resources/README.md`` then say
something about the pictures and the model, not about the engine that is tested with them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from .shapes import Array

NAME = re.compile(r"^(-?\d+)_c(\d)s1_(\d{6})_\d\d\.jpg$")
STRIPS = 6


@dataclass(frozen=True)
class Split:
    """Pictures of one split: paths, pids and 0-based camids (n,), times (n,) in seconds."""

    paths: list[Path]
    pids: npt.NDArray[np.int64]
    camids: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """Rank-1, Rank-5 and mAP over the valid queries, in [0, 1]."""

    rank1: float
    rank5: float
    mean_ap: float
    valid: int

    def __str__(self) -> str:
        return (
            f"Rank-1 {self.rank1:.3f}  Rank-5 {self.rank5:.3f}  mAP {self.mean_ap:.3f}  "
            f"({self.valid} valid queries)"
        )


def read_split(folder: Path) -> Split:
    """The pictures of a folder in the order of their names; pid −1 is dropped."""
    found = [(p, NAME.match(p.name)) for p in sorted(folder.glob("*.jpg"))]
    rows = [(p, int(m[1]), int(m[2]) - 1, int(m[3]) / 25) for p, m in found if m]
    rows = [row for row in rows if row[1] >= 0]
    return Split(
        [row[0] for row in rows],
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int64),
        np.array([row[3] for row in rows], dtype=np.float64),
    )


def histogram(path: Path, middle: bool = True) -> Array:
    """Six strips × HSV histogram (8 × 4 × 4 bins), each strip summing to 1; shape (768,).

    ``middle`` counts only the middle half of the columns, where the person is.
    """
    with Image.open(path) as picture:
        rgb = np.asarray(picture.convert("RGB").resize((64, 128), Image.Resampling.BICUBIC))
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    hsv = hsv[:, 16:48] if middle else hsv
    limits = [0, 180, 0, 256, 0, 256]
    parts = [
        cv2.calcHist([np.ascontiguousarray(strip)], [0, 1, 2], None, [8, 4, 4], limits).ravel()
        for strip in np.array_split(hsv, STRIPS)
    ]
    return np.concatenate([part / part.sum() for part in parts]).astype(np.float32)


def histogram_similarity(
    query: Sequence[Path], gallery: Sequence[Path], middle: bool = True
) -> Array:
    """Histogram intersection of all pairs, (p, g), in [0, 1]."""
    ours = np.stack([histogram(p, middle) for p in query])
    theirs = np.stack([histogram(p, middle) for p in gallery])
    rows = [np.minimum(one, theirs).sum(axis=1) for one in ours]
    return np.stack(rows) / STRIPS


def measure(similarity: Array, query: Split, gallery: Split) -> Measures:
    """Rank-1, Rank-5 and step-wise mAP; same-pid-same-camera pictures are left out.

    ``similarity`` (p, g): larger is closer. Ties rank in gallery order.
    """
    first, average = [], []
    for row, pid, camid in zip(similarity, query.pids, query.camids, strict=True):
        order = np.argsort(-row, kind="stable")
        kept = order[(gallery.pids[order] != pid) | (gallery.camids[order] != camid)]
        hits = np.flatnonzero(gallery.pids[kept] == pid)
        if len(hits):
            first.append(int(hits[0]))
            average.append(float(np.mean(np.arange(1, len(hits) + 1) / (hits + 1))))
    place = np.array(first)
    return Measures(
        float(np.mean(place < 1)), float(np.mean(place < 5)), float(np.mean(average)), len(first)
    )
