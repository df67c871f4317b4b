"""The graph sampler's distances, by the engine's own network runner and scoring."""

from __future__ import annotations

import numpy as np
import torch

from qaconv_core.evaluation.methods import distance_of_logits
from qaconv_core.extraction.network_runner import NetworkRunner
from qaconv_core.matching.scores import score_maps
from qaconv_core.models import AffineHead, FeatureNetwork
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.ranking import k_reciprocal_rerank
from qaconv_core.training.pictures import PictureCache
from qaconv_core.types import Float32, Int64

_MAPS_AT_ONCE = 64


def batch_distances(
    network: FeatureNetwork,
    head: AffineHead,
    book: PictureCache,
    places: Int64,
    *,
    device: torch.device,
    precision: str = "float32",
    rerank: bool = False,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Float32:
    """−logit of all pairs among the unchanged pictures at ``places`` (n,), (n, n); with ``rerank``
    re-ranked distances, the pictures being both queries and gallery.

    Rows are queries. The network is left in evaluation or training mode as it was, but in the
    memory format of the runner.
    """
    runner = NetworkRunner(network, device, precision, input_size=book.size, cancel=cancel)
    tracker = Tracker("graph: features", len(places), "images", progress, cancel)
    parts = []
    for start in range(0, len(places), _MAPS_AT_ONCE):
        some = places[start : start + _MAPS_AT_ONCE]
        pixels = np.stack([book.picture(int(i)) for i in some]).transpose(0, 3, 1, 2)
        parts.append(runner.maps(np.ascontiguousarray(pixels)).astype(np.float16))
        tracker.advance(len(some))
    maps = np.concatenate(parts)
    logits = score_maps(
        maps,
        maps,
        head,
        device=device,
        symmetric=True,
        progress=progress,
        cancel=cancel,
        stage="graph: distances",
    )
    if rerank:
        plain = distance_of_logits(logits, logits)
        return k_reciprocal_rerank(plain, plain, plain, progress=progress, cancel=cancel)
    return np.negative(logits, out=logits)
