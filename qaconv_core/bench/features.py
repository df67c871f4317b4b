"""From picture files to feature maps: pictures a second, and what resizing and precision change."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from qaconv_core.bench.plain import plain_features, plain_pixels
from qaconv_core.bench.timing import Figure, Work, stop_if_asked, take_turns
from qaconv_core.data import open_dataset
from qaconv_core.data.images import read_image
from qaconv_core.data.transforms import to_pixels
from qaconv_core.device import cpu_knows_bfloat16
from qaconv_core.evaluation.measures import ranking_metrics
from qaconv_core.matching.scores import score_maps
from qaconv_core.model import Model, load_model
from qaconv_core.types import FeatureBank, Float32, ImageSet

PUBLISHED_BATCH = 64
"""Pictures that the published evaluation gives the network at once."""
PLAIN_BATCHES = (1, PUBLISHED_BATCH)
_WARM = 2  # pictures of a warm-up


@dataclass(frozen=True)
class Pictures:
    """Query and gallery pictures to compute maps of, and to measure the maps on."""

    query: ImageSet
    gallery: ImageSet

    def __len__(self) -> int:
        return len(self.query) + len(self.gallery)

    @property
    def paths(self) -> list[Path]:
        """All files, the queries' first."""
        return [ref.path for side in (self.query, self.gallery) for ref in side]

    def some(self, count: int) -> Pictures:
        """``count`` of them: a quarter queries, and what they look for in the gallery first."""
        if count >= len(self):
            return self
        query = self.query[: max(1, count // 4)]
        theirs = np.isin(self.gallery.pids, query.pids)
        apart = ~np.isin(self.gallery.camids, query.camids)
        order = np.lexsort((~apart, ~theirs))[: max(1, count - len(query))]
        return Pictures(query, self.gallery.select(np.sort(order)))


def demo_pictures(count: int) -> Pictures:
    """``count`` pictures of the demo, or all that it has."""
    data = open_dataset("demo")
    return Pictures(data.query, data.gallery).some(count)


def precisions(device: torch.device) -> tuple[str, ...]:
    """The arithmetics worth measuring on ``device``."""
    if device.type == "cuda":
        return ("float32", "float16")
    return ("float32", "bfloat16") if cpu_knows_bfloat16() else ("float32",)


def features_figures(count: int, device: torch.device, repeats: int) -> list[Figure]:
    """Maps of ``count`` pictures of the demo by the bundled model, in each precision."""
    pictures = demo_pictures(count)
    models = {name: load_model("demo", str(device), precision=name) for name in precisions(device)}
    return compared(models, pictures, repeats)


def compared(models: dict[str, Model], pictures: Pictures, repeats: int) -> list[Figure]:
    """A figure for each of ``models`` (one model by precision, float32 among them)."""
    works = {_ours(name): _extracting(model, pictures) for name, model in models.items()}
    exact = models["float32"]
    works |= {_plain(n): _looping(exact, pictures.paths, n) for n in PLAIN_BATCHES}
    _warm_up(models, pictures)
    timings = take_turns(works, repeats, warm_up=False)
    scores = {name: _scores(model, _banks(model, pictures)) for name, model in models.items()}
    sizes = {
        "pictures": len(pictures),
        "input": "×".join(map(str, exact.spec.input_size)),
        "model": exact.spec.describe(),
    }
    flop = len(pictures) * _flop(exact.network, exact.spec.input_size, exact.device)
    plain = {name: timing for name, timing in timings.items() if name.startswith("plain")}
    figures = []
    for name in models:
        timing, baselines = timings[_ours(name)], dict(plain)
        facts: dict[str, Any] = {"images_a_second": len(pictures) / timing.median}
        if name == "float32":
            facts["grey_levels_beside_PIL"] = grey_levels(pictures.paths, exact.spec.input_size)
            facts["mAP"] = _mean_ap(pictures, scores[name])
        else:
            baselines[_ours("float32")] = timings[_ours("float32")]
            facts |= _changes(pictures, scores[name], scores["float32"])
        figures.append(Figure(_ours(name), sizes, timing, baselines, flop, name, facts=facts))
    return figures


def grey_levels(paths: Sequence[Path], size: tuple[int, int]) -> int:
    """The largest difference, in grey levels, of what the network is given to what plain PIL
    gives (RGB, bicubic with antialiasing)."""
    most = 0
    for path in paths:
        ours = to_pixels(read_image(path), size).astype(np.int16)
        most = max(most, int(np.abs(ours - plain_pixels(path, size)).max()))
    return most


Banks = tuple[FeatureBank, FeatureBank]


def _ours(precision: str) -> str:
    return f"features, {precision}"


def _plain(batch: int) -> str:
    return f"plain, {batch} at a time"


def _extracting(model: Model, pictures: Pictures) -> Work:
    return lambda: _banks(model, pictures)


def _looping(model: Model, paths: Sequence[Path], batch: int) -> Work:
    size, device = model.spec.input_size, model.device
    network = copy.deepcopy(model.network)  # a GPU's runner arranges the model's own in place
    return lambda: plain_features(network, paths, size, batch, device)


def _banks(model: Model, pictures: Pictures) -> Banks:
    """Maps of both sides; all files in one go, as a data set is opened."""
    bank = model.extract_set([*pictures.query, *pictures.gallery]).bank
    numbers, first = np.arange(len(bank)), len(pictures.query)
    return bank.select(numbers[:first]), bank.select(numbers[first:])


def _warm_up(models: dict[str, Model], pictures: Pictures) -> None:
    few = pictures.some(_WARM)
    for model in models.values():
        stop_if_asked()
        _banks(model, few)
    for batch in PLAIN_BATCHES:
        _looping(models["float32"], few.paths, batch)()


def _scores(model: Model, banks: Banks) -> Float32:
    return score_maps(*banks, model.head, device=model.device)


def _mean_ap(pictures: Pictures, scores: Float32) -> float:
    q, g = pictures.query, pictures.gallery
    return ranking_metrics(-scores, q.pids, g.pids, q.camids, g.camids).mAP


def _changes(pictures: Pictures, scores: Float32, exact: Float32) -> dict[str, Any]:
    """What a precision changes of logits (p, g) and of their measures."""
    found, expected = _mean_ap(pictures, scores), _mean_ap(pictures, exact)
    return {
        "mAP": found,
        "change_of_mAP": abs(found - expected),
        "largest_change_of_a_logit": float(np.abs(scores - exact).max()),
    }


def _flop(network: nn.Module, size: tuple[int, int], device: torch.device) -> float:
    """Arithmetic of one picture's map."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(torch.zeros(1, 3, *size, device=device))
    return float(counter.get_total_flops())
