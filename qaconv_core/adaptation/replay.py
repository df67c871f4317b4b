"""Rendered people with label maps: what keeps the maps honest while a model learns without any.

Half of the demo's people are learned from beside the groups, so that parts of the body go on
matching the same part and the background nothing. Most of them stand before what surrounds people
in the own pictures: there is the background that has to match nothing. The other half are never
learned from: on pairs of them is measured what the strongest correspondences connect.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from qaconv_core.data import open_dataset
from qaconv_core.data.images import read_image
from qaconv_core.data.label_maps import BACKGROUND, PERSON, label_path, read_label_map
from qaconv_core.evaluation.explanations import PartNames, explanation_qualities
from qaconv_core.evaluation.pairs import choose_pairs
from qaconv_core.model import load_model
from qaconv_core.progress import CancelToken, ProgressCallback, WorkContext
from qaconv_core.training.people import TrainingSet
from qaconv_core.training.pictures import PictureCache, open_book
from qaconv_core.training.transforms import Pixels
from qaconv_core.types import UNKNOWN, Dataset, ImageRef, ImageSet

REPLAYED = 0.2
"""Rendered pictures beside each picture of the groups."""
LIMITS = (64, 800)
"""The least and the most rendered pictures in a round; the more the own pictures are, the more of
these it takes. Where there are fewer, they stand there several times, before other surroundings."""
ELSEWHERE = 0.8
"""Share of the rendered people that stand before own surroundings."""
BESIDE = 0.2
"""Share of a picture's width, left and right, that shows what is beside the person."""
PAIRS = 60
"""Pairs that the maps are measured on."""
FEWER_PARTS, MORE_GROUND = 0.03, 0.05
"""How far part agreement may fall, and touching the background may rise, before a round stops."""


@dataclass(frozen=True)
class MapQuality:
    """Shares, in [0, 1], of the strongest correspondences of rendered true pairs.

    ``parts`` connect the same part of the body, ``background`` touch the background.
    """

    parts: float
    background: float

    def honest(self, before: MapQuality) -> bool:
        """Whether the maps are about as good as they were ``before``."""
        kept = self.parts >= before.parts - FEWER_PARTS
        return kept and self.background <= before.background + MORE_GROUND

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


def map_quality(
    path: Path,
    device: str,
    input_size: tuple[int, int] | None,
    work: WorkContext,
    stage: str = "checking: maps",
) -> MapQuality:
    """The maps of the model in ``path``, on rendered people that no round learns from."""
    demo = _demo(learned=False)
    found = choose_pairs(demo, PAIRS, True)
    quality = explanation_qualities(
        load_model(path, device, input_size=input_size),
        [(demo.query[q], demo.gallery[g]) for q, g in found],
        (None,),
        read=lambda ref: read_image(ref.path),
        labels=read_label_map,
        parts=PartNames(PERSON),
        shifts=(),
        context=work,
        stage=stage,
    )[0]
    assert quality.part_agreement is not None
    assert quality.background is not None
    return MapQuality(quality.part_agreement, quality.background)


def replayed_count(learned: float) -> int:
    """How many rendered pictures go with ``learned`` pictures of groups, where there are enough."""
    least, most = LIMITS
    return min(max(round(REPLAYED * learned), least), most)


def replayed_people(
    learned: int,
    size: tuple[int, int],
    seed: int,
    *,
    without: Container[Path] = (),
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> PictureCache:
    """Rendered pictures with label maps, in memory, to go with ``learned`` pictures of groups.

    None of the files in ``without`` is among them: who adapts to the demo has them already. Where
    more are wanted than there are, all come before any comes again.
    """
    demo = _demo(learned=True)
    refs = [ref for ref in (*demo.query, *demo.gallery) if ref.path not in without]
    count = replayed_count(learned) if refs else 0
    random = np.random.default_rng((seed, 29))
    chosen: tuple[ImageRef, ...] = ()
    while len(chosen) < count:
        some = random.permutation(len(refs))[: count - len(chosen)]
        chosen += tuple(refs[i] for i in np.sort(some))
    _, labels = np.unique([ref.pid for ref in chosen], return_inverse=True)
    people = TrainingSet(
        "rendered people",
        chosen,
        labels.reshape(-1).astype(np.int64),
        np.array([UNKNOWN if ref.camid is None else ref.camid for ref in chosen], dtype=np.int64),
        tuple(label_path(ref.path) for ref in chosen),
    )
    return open_book(people, size, workers=0, progress=progress, cancel=cancel)


def before_surroundings(rendered: PictureCache, book: PictureCache, seed: int) -> PictureCache:
    """``rendered`` people, most of them before what surrounds people in the pictures of ``book``.

    Their label maps stay as they are. Nothing changes where they are not in memory.
    """
    if rendered.pixels is None or rendered.labels is None or not len(book.people):
        return rendered
    random = np.random.default_rng((seed, 31))
    pixels = rendered.pixels.copy()
    for place in np.flatnonzero(random.random(len(pixels)) < ELSEWHERE):
        behind = surroundings(book.picture(int(random.integers(len(book.people)))))
        if random.random() < 0.5:
            behind = behind[:, ::-1]
        shown = (rendered.labels[place] != BACKGROUND).astype(np.float32)
        share = cv2.GaussianBlur(shown, (3, 3), 0)[..., None]  # no edge that only pasting gives
        pixels[place] = np.rint(share * pixels[place] + (1 - share) * behind)
    return replace(rendered, pixels=pixels)


def surroundings(picture: Pixels) -> Pixels:
    """A picture (H, W, 3) of what is beside the person in ``picture``: both its sides, each
    stretched to half of the width."""
    height, width = picture.shape[:2]
    beside, half = max(1, round(BESIDE * width)), width // 2
    sides = ((picture[:, :beside], half), (picture[:, -beside:], width - half))
    wide = [cv2.resize(np.ascontiguousarray(side), (to, height)) for side, to in sides]
    return np.concatenate(wide, axis=1)


def with_replay(book: PictureCache, rendered: PictureCache) -> PictureCache:
    """The pictures of both as one training set, whose people and cameras are kept apart."""
    own, other = book.people, rendered.people
    if not len(other):
        return book
    cameras = np.where(other.cameras < 0, UNKNOWN, other.cameras + own.cameras.max() + 1)
    people = TrainingSet(
        own.name,
        own.refs + other.refs,
        np.concatenate([own.labels, other.labels + own.classes]),
        np.concatenate([own.cameras, cameras]),
        own.label_maps + other.label_maps,
    )
    if book.pixels is None or rendered.pixels is None or rendered.labels is None:
        return PictureCache(people, book.size)
    labels = np.zeros((len(people), *book.size), dtype=np.uint8)
    labels[len(own) :] = rendered.labels
    return PictureCache(people, book.size, np.concatenate([book.pixels, rendered.pixels]), labels)


@cache
def _demo(*, learned: bool) -> Dataset:
    """One half of the bundled demo, whose names are read once for all rounds and checks."""
    return _half(open_dataset("demo"), learned)


def _half(demo: Dataset, learned: bool) -> Dataset:
    """The demo's known people that are learned from, or the others."""

    def kept(refs: ImageSet) -> tuple[ImageRef, ...]:
        return tuple(ref for ref in refs if ref.pid and ref.pid > 0 and ref.pid % 2 == learned)

    return replace(
        demo,
        query=ImageSet(kept(demo.query), "query"),
        gallery=ImageSet(kept(demo.gallery), "gallery"),
    )
