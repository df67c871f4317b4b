"""The best of a gallery for one query, as exact as a full scoring and many times faster.

First every picture's logit is estimated from 8-bit integers, with a proved bound on the error
(:mod:`qaconv_core.searching.quantised`). Then the pictures that can be among the best are scored in
float32. The logit of every other picture is below that of the last one shown. Order and logits of
the head are those of :func:`~qaconv_core.matching.scores.score_maps`, to the last bit.

Processors without fast 8-bit products estimate from coarse maps
(:mod:`qaconv_core.searching.coarse_estimates`). The logits of the head are exact there, too. That
no other picture belongs to the head is measured (:mod:`qaconv_core.searching.measured_margin`), not
proved, and the result says so. :mod:`qaconv_core.searching.choice` says when each is used.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.errors import InputError
from qaconv_core.matching.cpu import alone
from qaconv_core.matching.plan import cpu_workers
from qaconv_core.matching.scores import Maps, check_sides, pick_maps, score_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.ranking.order import nearest
from qaconv_core.searching.choice import (
    BYTES,
    COARSE,
    SearchChoice,
    Wish,
    choose_search,
    estimates_by,
)
from qaconv_core.searching.coarse_estimates import CoarseGallery, coarse_logits, prepare_coarse
from qaconv_core.searching.integer_estimates import ByteTiles, fast_bytes
from qaconv_core.searching.measured_margin import measured_head
from qaconv_core.searching.prepared import PreparedGallery, prepare_gallery
from qaconv_core.searching.quantised import QuantisedMaps, logit_bound, quantise
from qaconv_core.threads import for_each_thread, in_threads
from qaconv_core.types import Certainty, FeatureBank, Float32, Float64, Int64, RankingResult

Prepared = PreparedGallery | CoarseGallery

_BLOCK = 256  # pictures estimated by a thread between two looks at the cancel token
_PORTION = 64  # pictures scored exactly before the limit is looked at again, at least
_SAMPLED_BLOCKS = 4  # estimated first, evenly spread over the gallery
_MOST_UNDECIDED = 0.5  # share of the sample from which scoring everything exactly is quicker
_FEWEST_IN_HEAD = 8  # pictures of a sample that say where its head ends, at least


def plan_search(
    gallery: Maps,
    wish: Wish,
    *,
    device: torch.device | str = "cpu",
    shortlist: int | None = None,
    queries: int = 1,
) -> SearchChoice:
    """How ``gallery`` (n, C, h, w) is searched on this machine; see :func:`.choose_search`."""
    count, channels, h, w = gallery.shape
    maps = gallery.maps if isinstance(gallery, FeatureBank) else gallery
    return choose_search(
        count,
        (h, w),
        str(device),
        wish=wish,
        fast_bytes=torch.device(device).type == "cpu" and fast_bytes(channels),
        shortlist=shortlist,
        queries=queries,
        on_disk=isinstance(maps, np.memmap),
    )


def prepare_search(
    gallery: Maps,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Prepared | None:
    """``gallery`` (n, C, h, w) prepared for :func:`rank_top` on this processor.

    The result holds 8-bit integers where the processor multiplies them fast, else coarse maps. It
    is None where the maps are as coarse already.
    """
    _, channels, h, w = gallery.shape
    path = estimates_by((h, w), fast_bytes(channels))
    if path == BYTES:
        return prepare_gallery(gallery, progress=progress, cancel=cancel)
    if path == COARSE:
        return prepare_coarse(gallery, progress=progress, cancel=cancel)
    return None


def rank_top(
    query_map: npt.NDArray[np.floating],
    gallery: Maps,
    head: AffineHead,
    top: int,
    *,
    prepared: Prepared | None = None,
    exact: bool = False,
    device: torch.device | str = "cpu",
    workers: int | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> RankingResult:
    """All pictures of ``gallery`` (g, C, h, w) in order for one query map (C, h, w).

    The ``top`` first places are exact; values further down are estimates within ``bounds`` (by
    coarse maps the exact logit is at most so far above the estimate, as far as was measured). The
    truth is left open. ``prepared`` is :func:`prepare_search` of the same pictures. Everything is
    scored in float32 without it, with ``exact``, where
    :func:`~qaconv_core.searching.choice.choose_search` says so, and where a sample shows that the
    bounds leave most pictures undecided. Raises InputError for wrong shapes, ``top`` below 1, or
    maps that are not finite.
    """
    query = np.asarray(query_map)
    query = query[None] if query.ndim == 3 else query
    check_sides(query, gallery, head)
    count = gallery.shape[0]
    if len(query) != 1 or top < 1:
        raise InputError(f"one query map and a top from 1 are needed, not {query.shape} and {top}")
    if prepared is not None and len(prepared) != count:
        raise InputError(f"{len(prepared)} prepared pictures for a gallery of {count}")
    threads = workers or cpu_workers()
    path = choose_search(
        count,
        head.grid,
        str(device),
        wish="exact" if exact or prepared is None else "prepared",
        fast_bytes=isinstance(prepared, PreparedGallery) and fast_bytes(query.shape[1]),
    ).path
    if path == BYTES and isinstance(prepared, PreparedGallery):
        found = _estimates(query, prepared, head, top, threads, progress, cancel)
        if found is not None:
            return _certified(query, gallery, head, min(top, count), *found, cancel)
    if path == COARSE and isinstance(prepared, CoarseGallery):
        coarse = coarse_logits(query, prepared, head, threads, progress, cancel)
        return _measured(query, gallery, head, min(top, count), coarse, cancel)
    logits = score_maps(query, gallery, head, device=device, progress=progress, cancel=cancel)
    return _ranked(logits[0])


def _ranked(
    logits: Float32,
    bounds: Float32 | None = None,
    certainty: Certainty = "exact",
    top: int | None = None,
) -> RankingResult:
    """All pictures in order of their ``logits`` (g,), ties in gallery order."""
    if np.isnan(logits).any():
        raise InputError("some logits are not numbers: the feature maps are damaged")
    if bounds is None or not bounds.any():  # every picture was scored
        bounds, certainty, top = None, "exact", None
    order = nearest(-logits[None], len(logits))[0]
    return RankingResult(
        queries=(0,),
        order=order,
        values=logits[order],
        truth=np.full(len(order), RankingResult.NOT_KNOWN, dtype=np.int8),
        certainty=certainty,
        exact_to=top,
        bounds=None if bounds is None else bounds[order],
    )


def _estimates(
    query: npt.NDArray[np.floating],
    prepared: PreparedGallery,
    head: AffineHead,
    top: int,
    workers: int,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> tuple[Float32, Float64] | None:
    """Estimated logits (g,), and how far each can be from the exact one (g,).

    None where a sample shows that estimates do not pay.
    """
    small: QuantisedMaps = quantise(query)
    count = len(prepared)
    estimates, bounds = np.empty(count, dtype=np.float32), np.empty(count)
    tiles = for_each_thread(lambda: ByteTiles(head))
    tracker = Tracker("searching", count, "pairs", progress, cancel)

    def work(start: int) -> int:
        part = prepared.part(start, start + _BLOCK)
        with torch.inference_mode():
            estimates[start : start + _BLOCK] = tiles().estimate(small, part)[0]
        bounds[start : start + _BLOCK] = logit_bound(small, part, head)
        return len(part)

    starts = range(0, count, _BLOCK)
    sample = starts[:: -(-len(starts) // _SAMPLED_BLOCKS)]
    for done in in_threads(work, sample, workers, alone):
        tracker.advance(done)
    left = sorted(set(starts) - set(sample))
    if not left:
        return estimates, bounds
    seen = np.concatenate([np.arange(a, min(a + _BLOCK, count)) for a in sample])
    if _undecided(estimates[seen], bounds[seen], top / count) > _MOST_UNDECIDED:
        return None
    for done in in_threads(work, left, workers, alone):
        tracker.advance(done)
    return estimates, bounds


def _undecided(estimates: Float32, bounds: Float64, share: float) -> float:
    """What part of a sample (n,) can reach the ``share`` of the gallery that is wanted exactly.

    The query itself and a few pictures of its person stand far above all others, and say nothing
    of where the last of the head lies. So the limit is the larger of two: the least of the
    sample's own head, of at least :data:`_FEWEST_IN_HEAD` pictures, and what the middle of the
    sample makes likely (median and quartiles, as of a normal distribution).
    """
    wanted = min(len(estimates), max(_FEWEST_IN_HEAD, round(share * len(estimates))))
    own = float(np.partition(estimates, -wanted)[-wanted])
    low, middle, high = np.quantile(estimates.astype(np.float64), (0.25, 0.5, 0.75))
    normal = NormalDist()
    width = (high - low) / (2 * normal.inv_cdf(0.75))
    usual = middle + normal.inv_cdf(1 - min(share, 0.5)) * width
    return float(np.mean(estimates + bounds >= max(own, usual)))


def _certified(
    query: npt.NDArray[np.floating],
    gallery: Maps,
    head: AffineHead,
    top: int,
    estimates: Float32,
    bounds: Float64,
    cancel: CancelToken | None,
) -> RankingResult:
    """Score exactly, the largest upper bounds first, until no other picture can reach the head."""
    upper = estimates + bounds
    promising = np.argsort(-upper, kind="stable")
    logits = estimates.copy()
    done = 0
    limit = -np.inf
    while done < len(promising) and upper[promising[done]] >= limit:
        reach = int(np.searchsorted(-upper[promising], -limit, side="right"))
        step = max(top, _PORTION, done // 2)  # few steps, and not far beyond what is needed
        part = promising[done : min(reach, done + step)]
        logits[part] = score_maps(query, pick_maps(gallery, part), head, cancel=cancel)[0]
        done += len(part)
        if done >= top:
            limit = float(np.partition(logits[promising[:done]], done - top)[done - top])
    left = np.minimum(bounds, np.finfo(np.float32).max).astype(np.float32)
    left[promising[:done]] = 0
    return _ranked(logits, left, "proved", top)


def _measured(
    query: npt.NDArray[np.floating],
    gallery: Maps,
    head: AffineHead,
    top: int,
    coarse: Float32,
    cancel: CancelToken | None,
) -> RankingResult:
    """Score exactly what can be in the head by a margin that is measured."""

    def exact(part: Int64) -> Float32:
        return score_maps(query, pick_maps(gallery, part), head, cancel=cancel)[0]

    found = measured_head(coarse, top, exact)
    # Rounded, an estimate must not tie with the last of the head.
    last = np.partition(found.logits, -top)[-top]
    most = np.nextafter(last, np.float32(-np.inf))
    estimates = np.minimum(found.margin.values.astype(np.float32), most)
    estimates[found.scored] = found.logits
    off = max(found.margin.most, float(np.finfo(np.float32).tiny))
    bounds = np.full(len(coarse), off, dtype=np.float32)
    bounds[found.scored] = 0
    return _ranked(estimates, bounds, "measured", top)
