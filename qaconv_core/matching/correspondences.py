"""Explains the logit of one pair: which cells matched, and what each contributed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.matching.cells import kept_cells
from qaconv_core.matching.scores import check_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.types import Bool, CorrespondenceMap, Float32, Int64


def similarity_matrix(
    query_map: npt.NDArray[np.floating], gallery_map: npt.NDArray[np.floating]
) -> Float32:
    """S[r, s] = <G[:, r], P[:, s]>: gallery cells by query cells, (h·w, h·w), in [−1, 1].

    Both maps are (C, h, w) with unit norm over C.
    """
    query = np.asarray(query_map, dtype=np.float32).reshape(len(query_map), -1)
    gallery = np.asarray(gallery_map, dtype=np.float32).reshape(len(gallery_map), -1)
    return np.asarray(gallery.T @ query, dtype=np.float32)


def match_maps(
    query_map: npt.NDArray[np.floating],
    gallery_map: npt.NDArray[np.floating],
    head: AffineHead,
    *,
    keep_query: npt.ArrayLike | None = None,
    keep_gallery: npt.ArrayLike | None = None,
) -> CorrespondenceMap:
    """The explanation of one pair; its contributions and bias add up to its logit.

    Both maps are (C, h, w). Of cells that are equally similar the one with the lowest number is the
    best, as in the published implementation.

    ``keep_query`` and ``keep_gallery`` (h, w; True where a cell takes part; None: all) leave cells
    out, as if the pictures did not have them. A cell that is left out has contribution 0, and is
    never the best cell of another; its own best cell is still given. Where a side has no cell left,
    the logit is the bias, and similarities to that side are 0.
    """
    query, gallery = np.asarray(query_map), np.asarray(gallery_map)
    check_pair(query, gallery, head)
    kept = (
        kept_cells(keep_query, head.grid, "query"),
        kept_cells(keep_gallery, head.grid, "gallery"),
    )
    similarity = similarity_matrix(query, gallery)
    query_best, query_similarity = _best(similarity.T, kept[1])
    gallery_best, gallery_similarity = _best(similarity, kept[0])
    alive = kept[0].any() and kept[1].any()
    query_adds = np.where(kept[0] & alive, query_similarity * head.query_weights, 0.0)
    gallery_adds = np.where(kept[1] & alive, gallery_similarity * head.gallery_weights, 0.0)
    grid = head.grid
    return CorrespondenceMap(
        logit=float(query_adds.sum() + gallery_adds.sum() + head.bias),
        bias=head.bias,
        grid=grid,
        query_similarity=query_similarity.reshape(grid),
        query_best=query_best.reshape(grid),
        query_contribution=query_adds.astype(np.float32).reshape(grid),
        gallery_similarity=gallery_similarity.reshape(grid),
        gallery_best=gallery_best.reshape(grid),
        gallery_contribution=gallery_adds.astype(np.float32).reshape(grid),
    )


def check_pair(
    query: npt.NDArray[np.floating], gallery: npt.NDArray[np.floating], head: AffineHead
) -> None:
    """Raise :class:`InputError` unless both maps are (C, h, w) of one C, on the head's grid."""
    check_maps(query[None], head, "query")
    check_maps(gallery[None], head, "gallery")
    if query.shape != gallery.shape:
        raise InputError(
            f"query map {query.shape} and gallery map {gallery.shape} differ; they must come "
            "from one model"
        )


def _best(similarity: Float32, kept: Bool) -> tuple[Int64, Float32]:
    """The most similar of the ``kept`` columns for every row: numbers (m,), similarities (m,)."""
    columns = np.flatnonzero(kept)
    if not len(columns):
        rows = len(similarity)
        return np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.float32)
    among = similarity if kept.all() else similarity[:, columns]
    place = among.argmax(axis=1)
    return columns[place].astype(np.int64), among[np.arange(len(among)), place]
