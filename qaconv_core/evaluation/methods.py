"""From similarities to measured rankings: QAConv, normalised by camera, + re-ranking, + TLift.

Works on numbers alone, so that an evaluation and saved scores of any model use the same code. Each
step adds its name to the method: ``qaconv``, ``qaconv+rerank``, ``qaconv+rerank+tlift``
(or ``qaconv+tlift`` without re-ranking); with normalised scores ``qaconv+norm`` and so on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.evaluation.measures import AP_KINDS, ranking_metrics
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.ranking import k_reciprocal_rerank, temporal_lift, tlift_available
from qaconv_core.ranking.camera_norm import SCALE, SCALE_WORDS, SHIFT
from qaconv_core.ranking.cohorts import CohortRule
from qaconv_core.ranking.protocol import Pairs
from qaconv_core.ranking.rerank_top import rerank_approximation, rerank_top
from qaconv_core.types import UNKNOWN, Float32, Float64, Int64, MethodResult

Matrix = npt.NDArray[Any]
GalleryDistances = Callable[[Int64, Int64], Matrix]
Place = Callable[[str, tuple[int, ...]], Float32 | None]
"""(name, shape) -> a matrix to fill, in a file perhaps; None: the caller makes one in memory."""
TOPK = 50
RERANKED = ("score", "logit")
"""What re-ranking can take for distances: 1 − score, or −logit."""


@dataclass(frozen=True)
class MethodOptions:
    """Which methods are measured, with which parameters and by which protocol.

    ``normalise`` measures scores normalised by camera, too, with cohorts by ``cohorts``.
    ``rerank_on`` is what re-ranking takes for distances: of ``"score"`` 1 − score, of ``"logit"``
    −logit, as QAConv's newest code. ``rerank_top`` re-ranks only that many nearest pictures of each
    query (an approximation); ``tau`` and ``sigma`` are seconds. Defaults are those of the papers.
    """

    rerank: bool = False
    tlift: bool = False
    normalise: bool = False
    cohorts: CohortRule = field(default_factory=CohortRule)
    k1: int = 20
    k2: int = 6
    lambda_: float = 0.3
    rerank_on: str = "score"
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
        if self.rerank_on not in RERANKED:
            raise InputError(f"--rerank-on is one of {', '.join(RERANKED)}, not {self.rerank_on!r}")
        if self.rerank_on == "logit" and (self.normalise or self.rerank_top is not None):
            raise InputError(
                "--rerank-on logit re-ranks the logits of whole galleries: leave out --normalise "
                "and --rerank-top"
            )
        if self.normalise and self.rerank_top is not None:
            raise InputError(
                "normalised scores are re-ranked over the whole gallery: leave out --rerank-top "
                "or --normalise"
            )

    @property
    def on_logits(self) -> bool:
        """Whether −logit is re-ranked."""
        return self.rerank and self.rerank_on == "logit"

    @property
    def estimable(self) -> bool:
        """Whether these methods can be measured from estimated logits."""
        return not (self.normalise or self.on_logits or self.rerank_top)

    def distances(self, logits: Matrix, out: Float32 | None = None) -> Float32:
        """What re-ranking takes of logits, float32, the shape of ``logits``; row by row into
        ``out``."""
        if self.on_logits:
            return np.negative(np.asarray(logits, dtype=np.float32), out=out)
        return distance_of_logits(logits, out)

    def rerank_parameters(self) -> dict[str, Any] | None:
        """What a report says of re-ranking; None where it is off."""
        if not self.rerank:
            return None
        scope = f"the {self.rerank_top} nearest" if self.rerank_top else "the whole gallery"
        found = {"k1": self.k1, "k2": self.k2, "lambda": self.lambda_, "over": scope}
        return {**found, "distance": "−logit"} if self.on_logits else found

    def normalisation(self) -> dict[str, Any] | None:
        """What a report says of normalised scores; None where there are none."""
        if not self.normalise:
            return None
        return {**self.cohorts.record(), "re-ranking_and_tlift": SCALE_WORDS}

    def tlift_parameters(self) -> dict[str, Any] | None:
        """What a report says of TLift; None where it is off."""
        if not self.tlift:
            return None
        return {"tau_s": self.tau, "sigma_s": self.sigma, "K": self.k, "alpha": self.alpha}


@dataclass(frozen=True)
class Labels:
    """What is known of queries and gallery: ids and cameras (−1: unknown), times (NaN: unknown).

    ``left_out`` are pairs (query indices, gallery indices) that are one and the same picture,
    ``camera_names`` the names of cameras that have any.
    """

    query_ids: Int64
    gallery_ids: Int64
    query_cams: Int64
    gallery_cams: Int64
    query_times: Float64
    gallery_times: Float64
    left_out: Pairs | None = None
    camera_names: Mapping[int, str] = field(default_factory=dict)

    @property
    def cameras_known(self) -> bool:
        """Whether the camera of any query is known."""
        return bool((self.query_cams != UNKNOWN).any())


RERANKING = "re-ranking"
"""The stage of :attr:`Rankings.seconds`."""


NORMALISING = "normalising"
"""The stage of :attr:`Rankings.seconds`."""


class Normalised(Protocol):
    """Scores normalised by camera: N, and what re-ranking takes of them.

    ``largest`` is what a line rests on (:func:`~qaconv_core.ranking.line.default_line`).
    """

    largest: Float64 | None

    @property
    def within_approximation(self) -> str:
        """What is not exact about :meth:`within`, in words; "" where all is."""

    def scores(self) -> Float32:
        """N (p, g)."""

    def within(self) -> tuple[Matrix, Matrix]:
        """Distances of normalised scores among queries (p, p) and among the gallery (g, g)."""

    def notes(self) -> list[str]:
        """What a reader of the results must know."""


@dataclass
class Rankings:
    """Measured methods and the similarities behind them, larger is closer.

    ``score_norm`` is N, ``largest`` what its line rests on; ``score_norm_…`` are what re-ranking
    and TLift make of it.
    """

    results: list[MethodResult] = field(default_factory=list)
    score_rerank: Float32 | None = None
    score_tlift: Float32 | None = None
    score_norm: Float32 | None = None
    largest: Float64 | None = None
    score_norm_rerank: Float32 | None = None
    score_norm_tlift: Float32 | None = None
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
    normalised: Normalised | None = None,
    place: Place | None = None,
    context: WorkContext = NO_CONTEXT,
) -> Rankings:
    """Measure ``similarity`` (p, g), and what re-ranking and TLift make of it.

    ``distance()`` returns distances (p, g) in [0, ∞), ``within()`` those among queries (p, p) and
    among the gallery (g, g). They are called only where re-ranking or TLift needs them. With
    ``options.rerank_top`` only ``gallery_distances(rows, columns)`` is called in place of
    ``within()``. ``within_approximation`` labels results that rest on estimated inner distances.
    With ``normalised`` the same is done with its scores. ``place`` gives the matrices for results
    of this size.
    """
    found = Rankings()
    steps = _Steps(found, labels, options, place or (lambda name, shape: None), context)
    steps.measure("qaconv", similarity, larger_is_closer=True)
    among = _Among(within, gallery_distances, within_approximation)
    found.score_rerank, found.score_tlift = steps.lift("qaconv", distance, among)
    if normalised is None:
        return found
    began = time.monotonic()
    n = found.score_norm = normalised.scores()
    found.largest = normalised.largest
    steps.took(NORMALISING, began)
    steps.measure("qaconv+norm", n, larger_is_closer=True)
    among = _Among(normalised.within, None, normalised.within_approximation)
    found.score_norm_rerank, found.score_norm_tlift = steps.lift(
        "qaconv+norm", lambda: distance_of_normalised(n, steps.place("normalised", n.shape)), among
    )
    found.notes += normalised.notes()
    return found


@dataclass(frozen=True)
class _Among:
    """Distances within the two sides, and what is not exact about them."""

    within: Callable[[], tuple[Matrix, Matrix]]
    gallery_distances: GalleryDistances | None
    approximation: str


@dataclass(frozen=True)
class _Steps:
    """Measures methods into ``found``, step by step."""

    found: Rankings
    labels: Labels
    options: MethodOptions
    place: Place
    context: WorkContext

    def took(self, stage: str, began: float) -> None:
        """Count the time since ``began`` to a stage."""
        seconds = self.found.seconds
        seconds[stage] = seconds.get(stage, 0.0) + time.monotonic() - began

    def lift(
        self, method: str, distance: Callable[[], Matrix], among: _Among
    ) -> tuple[Float32 | None, Float32 | None]:
        """Similarities after re-ranking and after TLift, measured; None where not asked for."""
        options, reranked, approximation = self.options, None, ""
        if not (options.rerank or options.tlift):
            return None, None
        plain = distance()
        label = method.removeprefix("qaconv").replace("+", " ")
        if options.rerank:
            method += "+rerank"
            began = time.monotonic()
            current, approximation = _rerank(
                plain,
                options,
                among.within,
                among.gallery_distances,
                among.approximation,
                lambda name, shape: self.place(name + label, shape),
                self.context,
            )
            self.took(RERANKING, began)
            self.measure(method, current, approximation)
            reranked = _one_minus(current, current)
        if not options.tlift:
            return reranked, None
        reason = tlift_available(self.labels.query_times, self.labels.gallery_times)
        if reason:
            note = f"TLift left out: {reason}"
            self.found.notes += [] if note in self.found.notes else [note]
            return reranked, None
        began = time.monotonic()
        lifted = self.place("lifted scores" + label, plain.shape)
        score = reranked
        if score is None:
            score = lifted = _similar(plain, lifted)
        lifted = lift(score, self.labels, options, lifted, self.context)
        self.took("temporal lifting", began)
        self.measure(method + "+tlift", lifted, approximation, larger_is_closer=True)
        return reranked, lifted

    def measure(
        self,
        method: str,
        values: Matrix,
        approximation: str = "",
        larger_is_closer: bool = False,
    ) -> None:
        """Measure a method's values (p, g)."""
        measure(
            self.found, method, values, self.labels, self.options, approximation, larger_is_closer
        )


def distance_of_normalised(values: Matrix, out: Float32 | None = None) -> Float32:
    """1 − sigmoid of the scaled N, float32, the shape of ``values``; row by row into ``out``."""
    if out is None:
        out = np.empty(values.shape, dtype=np.float32)
    for row in range(len(values)):
        distance_of_logits(SCALE * (values[row : row + 1] - SHIFT), out[row : row + 1])
    return out


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
        signed=options.on_logits,
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
