"""From similarities to measured rankings: QAConv, + re-ranking, + TLift.

Works on numbers alone, so that an evaluation and saved scores of any model use the same code. Each
step adds its name to the method: ``qaconv``, ``qaconv+rerank``, ``qaconv+rerank+tlift``
(or ``qaconv+tlift`` without re-ranking).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.evaluation.measures import AP_KINDS, ranking_metrics
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.ranking import (
    k_reciprocal_rerank,
    rerank_approximation,
    rerank_top,
    temporal_lift,
    tlift_available,
)
from qaconv_core.ranking.protocol import Pairs
from qaconv_core.types import UNKNOWN, Float32, Float64, Int64, MethodResult

Matrix = npt.NDArray[Any]
GalleryDistances = Callable[[Int64, Int64], Matrix]
Place = Callable[[str, tuple[int, ...]], Float32 | None]
"""(name, shape) -> a matrix to fill, in a file perhaps; None: the caller makes one in memory."""
TOPK = 50


@dataclass(frozen=True)
class MethodOptions:
    """Which methods are measured, with which parameters and by which protocol.

    ``rerank_top`` re-ranks only that many nearest pictures of each query (an approximation);
    ``tau`` and ``sigma`` are seconds. Defaults are those of the papers.
    """

    rerank: bool = False
    tlift: bool = False
    k1: int = 20
    k2: int = 6
    lambda_: float = 0.3
    rerank_top: int | None = None
    tau: float = 100.0
    sigma: float = 200.0
    k: int = 10
    alpha: float = 0.2
    junk_rule: bool = True
    ap: str = "step"

    def __post_init__(self) -> None:
        if self.ap not in AP_KINDS:
            raise InputError(f"unknown AP {self.ap!r}: choose from {', '.join(AP_KINDS)}")
        if self.rerank_top is not None and self.rerank_top < 1:
            raise InputError(f"--rerank-top takes a number from 1, not {self.rerank_top}")

    def rerank_parameters(self) -> dict[str, Any] | None:
        """What a report says of re-ranking; None where it is off."""
        if not self.rerank:
            return None
        scope = f"the {self.rerank_top} nearest" if self.rerank_top else "the whole gallery"
        return {"k1": self.k1, "k2": self.k2, "lambda": self.lambda_, "over": scope}

    def tlift_parameters(self) -> dict[str, Any] | None:
        """What a report says of TLift; None where it is off."""
        if not self.tlift:
            return None
        return {"tau_s": self.tau, "sigma_s": self.sigma, "K": self.k, "alpha": self.alpha}


@dataclass(frozen=True)
class Labels:
    """What is known of queries and gallery: ids and cameras (−1: unknown), times (NaN: unknown).

    ``left_out`` are pairs (query indices, gallery indices) that are one and the same picture.
    """

    query_ids: Int64
    gallery_ids: Int64
    query_cams: Int64
    gallery_cams: Int64
    query_times: Float64
    gallery_times: Float64
    left_out: Pairs | None = None

    @property
    def cameras_known(self) -> bool:
        """Whether the camera of any query is known."""
        return bool((self.query_cams != UNKNOWN).any())


RERANKING = "re-ranking"
"""The stage of :attr:`Rankings.seconds`."""


@dataclass
class Rankings:
    """Measured methods and the similarities behind them, larger is closer."""

    results: list[MethodResult] = field(default_factory=list)
    score_rerank: Float32 | None = None
    score_tlift: Float32 | None = None
    valid_queries: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def distance_of_logits(logits: Matrix, out: Float32 | None = None) -> Float32:
    """1 − sigmoid(logit / 10), float32, the shape of ``logits``; row by row into ``out``."""
    if out is None:
        out = np.empty(logits.shape, dtype=np.float32)
    for row in range(len(logits)):
        # Through tanh: no overflow for any logit, and exactly 1 − score of the other sign.
        half = np.asarray(logits[row], dtype=np.float32) * np.float32(0.05)
        out[row] = np.float32(0.5) - np.float32(0.5) * np.tanh(half)
    return out


def measure_methods(
    similarity: Matrix,
    distance: Callable[[], Matrix],
    labels: Labels,
    options: MethodOptions,
    *,
    within: Callable[[], tuple[Matrix, Matrix]],
    gallery_distances: GalleryDistances | None = None,
    within_approximation: str = "",
    place: Place | None = None,
    context: WorkContext = NO_CONTEXT,
) -> Rankings:
    """Measure ``similarity`` (p, g), and what re-ranking and TLift make of it.

    ``distance()`` returns distances (p, g) in [0, ∞), ``within()`` those among queries (p, p) and
    among the gallery (g, g). They are called only where re-ranking or TLift needs them. With
    ``options.rerank_top`` only ``gallery_distances(rows, columns)`` is called in place of
    ``within()``. ``within_approximation`` labels results that rest on estimated inner distances.
    ``place`` gives the matrices for results of this size.
    """
    found = Rankings()
    place = place or (lambda name, shape: None)
    method, approximation = "qaconv", ""
    measure(found, method, similarity, labels, options, approximation, larger_is_closer=True)
    if not (options.rerank or options.tlift):
        return found
    plain = distance()
    if options.rerank:
        method += "+rerank"
        began = time.monotonic()
        current, approximation = _rerank(
            plain,
            options,
            within,
            gallery_distances,
            within_approximation,
            place,
            context,
        )
        found.seconds[RERANKING] = time.monotonic() - began
        measure(found, method, current, labels, options, approximation)
        found.score_rerank = _one_minus(current, current)
    if options.tlift:
        reason = tlift_available(labels.query_times, labels.gallery_times)
        if reason:
            found.notes.append(f"TLift left out: {reason}")
            return found
        began = time.monotonic()
        lifted = place("lifted scores", plain.shape)
        score = found.score_rerank
        if score is None:
            score = lifted = _similar(plain, lifted)
        found.score_tlift = lift(score, labels, options, lifted, context)
        found.seconds["temporal lifting"] = time.monotonic() - began
        method += "+tlift"
        lifted = found.score_tlift
        measure(found, method, lifted, labels, options, approximation, larger_is_closer=True)
    return found


def _one_minus(values: Matrix, out: Float32) -> Float32:
    """1 − values in ``out``, which may be ``values``, row by row: files need not fit in memory."""
    for row in range(len(values)):
        np.subtract(np.float32(1), values[row], out=out[row])
    return out


def _similar(distance: Matrix, out: Float32 | None) -> Float32:
    """1 − distance, never below zero (distances of other models may exceed 1), in ``out``."""
    top = max(1.0, float(distance.max(initial=0)))
    if out is None:
        out = np.empty(distance.shape, dtype=np.float32)
    for row in range(len(distance)):
        out[row] = 1 - distance[row] / top
    return out


def measure(
    found: Rankings,
    method: str,
    values: Matrix,
    labels: Labels,
    options: MethodOptions,
    approximation: str = "",
    larger_is_closer: bool = False,
) -> None:
    """Measure ``values`` (p, g), distances unless larger is closer, and add them to ``found``."""
    metrics = ranking_metrics(
        values,
        labels.query_ids,
        labels.gallery_ids,
        labels.query_cams,
        labels.gallery_cams,
        junk_rule=options.junk_rule,
        ap=options.ap,
        topk=TOPK,
        left_out=labels.left_out,
        larger_is_closer=larger_is_closer,
    )
    found.valid_queries = metrics.valid_queries
    found.results.append(
        MethodResult(method, metrics.cmc, metrics.mAP, metrics.mINP, metrics.ap, approximation)
    )


def _rerank(
    distance: Matrix,
    options: MethodOptions,
    within: Callable[[], tuple[Matrix, Matrix]],
    gallery_distances: GalleryDistances | None,
    within_approximation: str,
    place: Place,
    context: WorkContext,
) -> tuple[Float32, str]:
    """Re-ranked distances (p, g), and what is not exact in them ("" where all is)."""
    parameters = (options.k1, options.k2, options.lambda_)
    if options.rerank_top is not None:
        among = gallery_distances if gallery_distances is not None else within()[1]
        ranked = rerank_top(
            distance,
            options.rerank_top,
            among,
            *parameters,
            progress=context.progress,
            cancel=context.cancel,
        )
        labels = [rerank_approximation(options.rerank_top), within_approximation]
        return ranked, "; ".join(filter(None, labels))
    queries, gallery = within()
    ranked = k_reciprocal_rerank(
        distance,
        queries,
        gallery,
        *parameters,
        progress=context.progress,
        cancel=context.cancel,
        out=place("re-ranked", distance.shape),
    )
    return ranked, within_approximation


def lift(
    score: Float32,
    labels: Labels,
    options: MethodOptions,
    out: Float32 | None = None,
    context: WorkContext = NO_CONTEXT,
) -> Float32:
    """Scores (p, g) lifted by when people were seen, in ``out``; see :func:`temporal_lift`."""
    return temporal_lift(
        score,
        labels.query_cams,
        labels.gallery_cams,
        labels.query_times,
        labels.gallery_times,
        options.tau,
        options.sigma,
        options.k,
        options.alpha,
        progress=context.progress,
        cancel=context.cancel,
        out=out,
    )


def profile_distances(
    distance: Matrix, by_query: bool, context: WorkContext = NO_CONTEXT
) -> Float32:
    """Distances within one side estimated from a query × gallery matrix alone, (n, n).

    Saved scores of other models rarely hold query–query and gallery–gallery distances. Two
    pictures that all pictures of the other side see alike are close: the estimate is the Euclidean
    distance of their rows (or columns) over the largest such distance, in [0, 1].
    """
    profiles = np.asarray(distance if by_query else distance.T, dtype=np.float32)
    n = len(profiles)
    tracker = context.tracker("estimating distances", n, "pictures")
    squares = np.einsum("ij,ij->i", profiles, profiles)
    out = np.empty((n, n), dtype=np.float32)
    for start in range(0, n, 512):
        stop = min(start + 512, n)
        products = profiles[start:stop] @ profiles.T
        out[start:stop] = np.sqrt(np.maximum(squares[start:stop, None] + squares - 2 * products, 0))
        tracker.advance(stop - start)
    np.fill_diagonal(out, 0)
    return out / max(float(out.max(initial=0)), np.finfo(np.float32).tiny)


PROFILE_NOTE = (
    "distances within queries and within the gallery estimated from the query–gallery scores "
    "(an approximation; the file holds none)"
)
