"""Which cell of one picture matched which cell of the other, and what that added to the logit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.matching.scores import check_maps
from qaconv_core.models.qaconv import AffineHead
from qaconv_core.types import CorrespondenceMap, Float32


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
) -> CorrespondenceMap:
    """The explanation of one pair; its contributions and bias add up to its logit.

    Both maps are (C, h, w). Where several cells are equally similar the lowest number is named,
    as the published implementation does.
    """
    query, gallery = np.asarray(query_map), np.asarray(gallery_map)
    check_maps(query[None], head, "query")
    check_maps(gallery[None], head, "gallery")
    if query.shape != gallery.shape:
        raise InputError(
            f"query map {query.shape} and gallery map {gallery.shape} differ; they must come "
            "from one model"
        )
    similarity = similarity_matrix(query, gallery)
    best_of_query, best_of_gallery = similarity.max(axis=0), similarity.max(axis=1)
    query_adds = best_of_query * head.query_weights
    gallery_adds = best_of_gallery * head.gallery_weights
    grid = head.grid
    return CorrespondenceMap(
        logit=float(query_adds.sum() + gallery_adds.sum() + head.bias),
        bias=head.bias,
        grid=grid,
        query_similarity=best_of_query.reshape(grid),
        query_best=similarity.argmax(axis=0).astype(np.int64).reshape(grid),
        query_contribution=query_adds.astype(np.float32).reshape(grid),
        gallery_similarity=best_of_gallery.reshape(grid),
        gallery_best=similarity.argmax(axis=1).astype(np.int64).reshape(grid),
        gallery_contribution=gallery_adds.astype(np.float32).reshape(grid),
    )
