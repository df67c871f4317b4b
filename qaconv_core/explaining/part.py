"""Search by part: the gallery ranked by some cells of the query alone, exactly.

The rule: terms of query cells left out drop out of the logit, and the maxima of the gallery's
cells run over the query cells that remain. A query without any cell left says nothing; the logit is
then the bias for every picture. Among several queries those without a cell take no part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.errors import InputError
from qaconv_core.explaining.maxima import (
    CellSource,
    checked_query,
    each_slice,
    gallery_maxima,
    part_maxima,
)
from qaconv_core.explaining.values import PartMatch, PartScores, QueryMaxima
from qaconv_core.matching.cells import kept_cells
from qaconv_core.matching.correspondences import match_maps, similarity_matrix
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.ranking.fusion import fuse_logits
from qaconv_core.types import Bool, Float32

_GATHER_UP_TO = 0.75
"""Share of cells looked up again from which on a whole pass is quicker: single rows cost a third
more than all of them in order."""


def plain_logits(known: QueryMaxima, head: AffineHead) -> Float32:
    """The ordinary logits (g,) of a query whose maxima are known."""
    return _weighted(known.query, known.gallery, head, slice(None))


def part_scores(
    query_maps: npt.NDArray[np.floating],
    gallery: CellSource,
    head: AffineHead,
    masks: npt.ArrayLike | Sequence[npt.ArrayLike | None] | None,
    *,
    known: QueryMaxima | Sequence[QueryMaxima] | None = None,
    combine: str = "max",
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> PartScores:
    """Score a gallery by the cells of ``masks`` (True: takes part) of one query or several.

    ``query_maps`` is (C, h, w) with a mask (h, w), or (p, C, h, w) with p masks; None is the whole
    picture. ``known`` are the queries' :func:`~qaconv_core.explaining.maxima.query_maxima` against
    this very gallery: with them only those gallery cells are looked up again whose best query cell
    was left out. ``combine`` says how logits of several queries become one: the best (``"max"``) or
    their ``"mean"``.
    """
    maps = np.asarray(query_maps)
    single = maps.ndim == 3
    maps = maps[None] if single else maps
    kept = _masks(masks, len(maps), head, single)
    before = [known] * len(maps) if known is None or isinstance(known, QueryMaxima) else list(known)
    if len(before) != len(maps):
        raise InputError(f"{len(before)} sets of maxima do not belong to {len(maps)} queries")
    tracker = Tracker("search by part", len(maps) * len(gallery), "images", progress, cancel)
    by_query = np.stack(
        [
            _logits(checked_query(query, gallery), gallery, head, keep, maxima, tracker)
            for query, keep, maxima in zip(maps, kept, before, strict=True)
        ]
    )
    taking_part = [i for i, keep in enumerate(kept) if keep.any()] or list(range(len(maps)))
    return PartScores(
        logits=fuse_logits(by_query[taking_part], combine),
        by_query=by_query,
        masks=np.stack(kept).reshape(-1, *head.grid),
        evidence=np.array(
            [part_evidence(q, q, head, k) for q, k in zip(maps, kept, strict=True)],
            dtype=np.float64,
        ),
        combine=combine,
    )


def _masks(
    masks: npt.ArrayLike | Sequence[npt.ArrayLike | None] | None,
    count: int,
    head: AffineHead,
    single: bool,
) -> list[Bool]:
    """One mask (h·w,) for each query."""
    if count == 0:
        raise InputError("search by part needs at least one query")
    given: Sequence[npt.ArrayLike | None]
    if masks is None:
        given = [None] * count
    else:
        given = [masks] if single else list(masks)  # type: ignore[arg-type, list-item]
    if len(given) != count:
        raise InputError(f"{len(given)} masks do not belong to {count} queries")
    return [kept_cells(mask, head.grid) for mask in given]


def _logits(
    query: Float32,
    gallery: CellSource,
    head: AffineHead,
    keep: Bool,
    known: QueryMaxima | None,
    tracker: Tracker,
) -> Float32:
    """Logits (g,) by the cells of one query."""
    g = len(gallery)
    if known is not None and (len(known) != g or not np.array_equal(known.query_map, query)):
        raise InputError("the known maxima belong to another query or another gallery")
    if not keep.any() or (known is not None and keep.all()):
        tracker.advance(g)
        silent = np.full(g, head.bias, dtype=np.float32)
        return silent if known is None or not keep.any() else plain_logits(known, head)
    stale = None if known is None else ~keep[known.gallery_best]
    if known is None or stale is None:
        return _whole_pass(query, gallery, head, keep, tracker)
    if stale.sum() > _GATHER_UP_TO * stale.size:
        best = _all_looked_up(query, gallery, keep, tracker)
    else:
        best = _looked_up_again(query, gallery, keep, known, stale, tracker)
    return _weighted(known.query[:, keep], best, head, keep)


def _columns(query: Float32, keep: Bool) -> torch.Tensor:
    """The cells that take part, (C, k)."""
    return torch.from_numpy(np.ascontiguousarray(query.reshape(len(query), -1)[:, keep]))


def _whole_pass(
    query: Float32, gallery: CellSource, head: AffineHead, keep: Bool, tracker: Tracker
) -> Float32:
    columns = _columns(query, keep)
    out = np.empty(len(gallery), dtype=np.float32)

    def work(start: int, rows: torch.Tensor) -> None:
        a, b = part_maxima(rows, columns)
        out[start : start + len(rows)] = _weighted(a.numpy(), b.numpy(), head, keep)

    each_slice(gallery, work, tracker)
    return out


def _all_looked_up(query: Float32, gallery: CellSource, keep: Bool, tracker: Tracker) -> Float32:
    """The gallery side's maxima (g, h·w) over the cells that take part, every one anew."""
    columns = _columns(query, keep)
    best = np.empty((len(gallery), len(keep)), dtype=np.float32)

    def work(start: int, rows: torch.Tensor) -> None:
        best[start : start + len(rows)] = gallery_maxima(rows, columns).numpy()

    each_slice(gallery, work, tracker)
    return best


def _looked_up_again(
    query: Float32,
    gallery: CellSource,
    keep: Bool,
    known: QueryMaxima,
    stale: Bool,
    tracker: Tracker,
) -> Float32:
    """The gallery side's maxima (g, h·w) over the cells that take part.

    A maximum that was reached at a cell still taking part is still the maximum.
    """
    columns = _columns(query, keep)
    best = known.gallery.copy()

    def work(start: int, rows: torch.Tensor) -> None:
        again = np.flatnonzero(stale[start : start + len(rows)])
        if len(again):
            flat = rows.view(-1, rows.shape[2])[torch.from_numpy(again)]
            found = torch.mm(flat.float(), columns).amax(1)
            best[start : start + len(rows)].reshape(-1)[again] = found.numpy()

    each_slice(gallery, work, tracker)
    return best


def _weighted(a: Float32, b: Float32, head: AffineHead, keep: Bool | slice) -> Float32:
    """Logits (m,) of maxima a (m, k) of the kept query cells and b (m, h·w)."""
    query = head.query_weights[keep].astype(np.float32)
    gallery = head.gallery_weights.astype(np.float32)
    return np.asarray(a @ query + b @ gallery + np.float32(head.bias), dtype=np.float32)


def part_evidence(
    query_map: npt.NDArray[np.floating],
    gallery_map: npt.NDArray[np.floating],
    head: AffineHead,
    mask: npt.ArrayLike | None,
) -> float:
    """How much of the evidence of a pair the cells of ``mask`` hold, in [0, 1].

    The evidence of a set K of query cells is

        E(K) = Σ_{s in K} |wq[s]| · max(a[s], 0) + Σ_r |wg[r]| · max(b_K[r], 0)

    with b_K the gallery cells' maxima over K: the size of what the cells add, whatever its sign.
    Returned is E(K) / E(all): 1 for the whole picture, 0 for none, and never less for more cells.
    With ``gallery_map`` = ``query_map`` it is the part's evidence for a perfect copy, which is what
    :class:`PartScores` holds. It exceeds the share of cells where the part looks like the rest of
    the picture. Where a pair has no evidence at all (no cell like any other) it is the share of
    cells.
    """
    keep = kept_cells(mask, head.grid)
    similarity = np.clip(similarity_matrix(query_map, gallery_map), 0.0, None).astype(np.float64)
    wq, wg = np.abs(head.query_weights), np.abs(head.gallery_weights)

    def evidence(cells: Bool) -> float:
        if not cells.any():
            return 0.0
        a, b = similarity[:, cells].max(axis=0), similarity[:, cells].max(axis=1)
        return float(a @ wq[cells] + b @ wg)

    everything = evidence(np.ones_like(keep))
    if everything <= 0:
        return float(keep.mean())
    return min(1.0, evidence(keep) / everything)


def find_part(
    query_map: npt.NDArray[np.floating],
    gallery_map: npt.NDArray[np.floating],
    head: AffineHead,
    mask: npt.ArrayLike | None,
) -> PartMatch:
    """Where the cells of ``mask`` (h, w) were found in one gallery picture, and what that adds."""
    keep = kept_cells(mask, head.grid)
    return PartMatch(
        match=match_maps(query_map, gallery_map, head, keep_query=keep),
        mask=keep.reshape(head.grid),
        full_logit=match_maps(query_map, gallery_map, head).logit,
        evidence=part_evidence(query_map, gallery_map, head, keep),
    )
