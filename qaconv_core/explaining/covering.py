"""Logits of a pair with a region of a picture hidden: exact, for every window at once.

Hidden cells are taken out of the matching rule: their terms drop out, and the maxima of the other
picture's cells run over what remains (:func:`~qaconv_core.matching.correspondences.match_maps`).
The features of the other cells do not change, because the network does not see the picture again.
The result is therefore what the *match* loses, not the logit of a photograph with something in
front of the person.

A window of k × l cells around cell (i, j) covers rows i − k//2 … i − k//2 + k − 1 and columns
j − l//2 … j − l//2 + l − 1, as far as they lie in the picture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.explaining.values import NormalisedBreakdown, OcclusionMap, OrderMap
from qaconv_core.matching.cells import kept_cells
from qaconv_core.matching.correspondences import check_pair, match_maps, similarity_matrix
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.types import Bool, CorrespondenceMap, Float32, Float64, Grid, Int64

SIDES = ("query", "gallery")
WINDOW = (3, 3)


def covered_match(
    query_map: npt.NDArray[np.floating],
    gallery_map: npt.NDArray[np.floating],
    head: AffineHead,
    *,
    hide_query: npt.ArrayLike | None = None,
    hide_gallery: npt.ArrayLike | None = None,
) -> CorrespondenceMap:
    """The explanation of a pair with the cells of ``hide_…`` (h, w) hidden."""
    keep = [
        None if mask is None else ~kept_cells(mask, head.grid, side)
        for mask, side in ((hide_query, "query"), (hide_gallery, "gallery"))
    ]
    return match_maps(query_map, gallery_map, head, keep_query=keep[0], keep_gallery=keep[1])


def covered_logit(
    query_map: npt.NDArray[np.floating],
    gallery_map: npt.NDArray[np.floating],
    head: AffineHead,
    *,
    hide_query: npt.ArrayLike | None = None,
    hide_gallery: npt.ArrayLike | None = None,
) -> float:
    """The logit of a pair with the cells of ``hide_…`` (h, w) hidden."""
    return covered_match(
        query_map, gallery_map, head, hide_query=hide_query, hide_gallery=hide_gallery
    ).logit


def occlusion_map(
    query_map: npt.NDArray[np.floating],
    gallery_map: npt.NDArray[np.floating],
    head: AffineHead,
    window: tuple[int, int] = WINDOW,
    side: str = "query",
) -> OcclusionMap:
    """How the logit of a pair changes when a window of one picture is hidden, for every window.

    ``window`` are rows and columns of cells, ``side`` whose picture is covered.
    """
    similarity, own, other = _sides(query_map, gallery_map, head, side)
    window = _checked_window(window)
    grid = head.grid
    best = similarity.max(axis=0)
    terms = best * own
    logit = float(terms.sum() + similarity.max(axis=1) @ other + head.bias)
    outside = _without_infinity(maxima_outside(similarity.reshape(-1, *grid), window))
    kept = terms.sum() - _window_sums(terms.reshape(grid), window)
    gallery_side = np.tensordot(other, outside, axes=1)
    whole = _window_sizes(grid, window) == terms.size
    hidden = np.where(whole, head.bias, kept + gallery_side + head.bias)
    return OcclusionMap(hidden - logit, logit, window, side)


def order_map(
    query_map: npt.NDArray[np.floating],
    map_a: npt.NDArray[np.floating],
    map_b: npt.NDArray[np.floating],
    head: AffineHead,
    window: tuple[int, int] = WINDOW,
    parts: tuple[NormalisedBreakdown, NormalisedBreakdown] | None = None,
) -> OrderMap:
    """By how much candidate A leads B (logit_A − logit_B) with each window of the query hidden.

    With ``parts``, those of their normalised scores, the lead is that of these scores, while
    strangers stay as they are.
    """
    a = occlusion_map(query_map, map_a, head, window)
    b = occlusion_map(query_map, map_b, head, window)
    if parts is None:
        base = a.logit - b.logit
        return OrderMap(base + a.change - b.change, base)
    base = parts[0].n - parts[1].n
    return OrderMap(base + parts[0].slope * a.change - parts[1].slope * b.change, base)


def window_mask(cell: int, window: tuple[int, int], grid: Grid) -> Bool:
    """The cells (h, w) that the window around ``cell`` (row-major number) covers."""
    (top, bottom), (left, right) = (
        _edges(count, size) for count, size in zip(grid, _checked_window(window), strict=True)
    )
    row, column = divmod(cell, grid[1])
    out = np.zeros(grid, dtype=np.bool_)
    out[top[row] : bottom[row], left[column] : right[column]] = True
    return out


def maxima_outside(values: Float32, window: tuple[int, int]) -> Float32:
    """For every window the maximum over all cells outside it.

    ``values`` is (m, h, w); so is the result, −inf where a window leaves no cell. What lies outside
    a window is four boxes: the rows above and below it, and left and right of it in its own rows.
    """
    _, h, w = values.shape
    (top, bottom), (left, right) = _edges(h, window[0]), _edges(w, window[1])
    rows = values.max(axis=2)
    above, below = _before(rows, 1)[:, top], _from(rows, 1)[:, bottom]
    beside = np.maximum(_before(values, 2)[:, :, left], _from(values, 2)[:, :, right])
    out = np.maximum(above, below)[:, :, None].repeat(w, axis=2)
    for offset in range(int((bottom - top).max())):
        np.maximum(out, beside[:, np.minimum(top + offset, bottom - 1)], out=out)
    return out


def _before(values: Float32, axis: int) -> Float32:
    """Maximum over positions < t along ``axis``, for t = 0 … n; −inf for t = 0."""
    padded = _padded(values, axis, (1, 0))
    return np.asarray(np.maximum.accumulate(padded, axis=axis))


def _from(values: Float32, axis: int) -> Float32:
    """Maximum over positions ≥ t along ``axis``, for t = 0 … n; −inf for t = n."""
    padded = np.flip(_padded(values, axis, (0, 1)), axis)
    return np.asarray(np.flip(np.maximum.accumulate(padded, axis=axis), axis))


def _padded(values: Float32, axis: int, ends: tuple[int, int]) -> Float32:
    widths = [ends if i == axis else (0, 0) for i in range(values.ndim)]
    return np.pad(values, widths, constant_values=-np.inf)


def _edges(count: int, size: int) -> tuple[Int64, Int64]:
    """First and one past the last position of the window around each of ``count``."""
    first = np.arange(count) - size // 2
    return np.maximum(first, 0), np.minimum(first + size, count)


def _window_sums(values: Float64, window: tuple[int, int]) -> Float64:
    """Sum over each window, (h, w)."""
    out = values
    for axis, size in enumerate(window):
        first, last = _edges(values.shape[axis], size)
        total = np.insert(np.cumsum(out, axis=axis), 0, 0.0, axis=axis)
        out = total.take(last, axis=axis) - total.take(first, axis=axis)
    return out


def _window_sizes(grid: Grid, window: tuple[int, int]) -> Int64:
    """Number of cells in each window, (h, w)."""
    sizes = [last - first for first, last in map(_edges, grid, window)]
    return np.outer(*sizes)


def _without_infinity(best: Float32) -> Float32:
    """Maxima with 0 where nothing was left to be similar to: the term drops out."""
    return np.where(np.isneginf(best), np.float32(0), best)


def _sides(
    query_map: npt.NDArray[np.floating],
    gallery_map: npt.NDArray[np.floating],
    head: AffineHead,
    side: str,
) -> tuple[Float32, Float64, Float64]:
    """Similarities (other's cells, covered side's cells) and both sides' weights, covered first."""
    if side not in SIDES:
        raise InputError(f"cannot cover {side!r}; choose {' or '.join(SIDES)}")
    query, gallery = np.asarray(query_map), np.asarray(gallery_map)
    check_pair(query, gallery, head)
    similarity = similarity_matrix(query, gallery)
    if side == "query":
        return similarity, head.query_weights, head.gallery_weights
    return np.ascontiguousarray(similarity.T), head.gallery_weights, head.query_weights


def _checked_window(window: tuple[int, int]) -> tuple[int, int]:
    rows, columns = (int(size) for size in window)
    if rows < 1 or columns < 1:
        raise InputError(f"a window of {rows} × {columns} cells covers nothing; give 1 or more")
    return rows, columns
