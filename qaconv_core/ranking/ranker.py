"""Ranking the gallery of one query, best match first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.ranking.order import nearest
from qaconv_core.types import RankingResult


def rank_gallery(
    values: npt.ArrayLike,
    truth: npt.ArrayLike | None = None,
    top: int | None = None,
    larger_is_better: bool = True,
    query: int = 0,
    method: str = "qaconv",
    approximation: str = "",
) -> RankingResult:
    """Rank the gallery by ``values`` (g,), ties in gallery order.

    With ``top`` only the best ``top`` are returned; they are exactly the head of the full
    ranking. ``truth`` (g,) are labels from :func:`~qaconv_core.ranking.truth_labels`, all "not
    known" by default; junk stays in the ranking with its mark. With ``larger_is_better=False``
    (distances) the values are negated, since in the result a larger value is always
    better. Raises InputError for NaN, wrong lengths or ``top`` below 1.
    """
    cost = _costs(values, larger_is_better)
    size = len(cost)
    if top is not None and top < 1:
        raise InputError(f"top must be at least 1, not {top}")
    labels = np.full(size, RankingResult.NOT_KNOWN) if truth is None else np.asarray(truth)
    if labels.shape != (size,):
        raise InputError(f"truth must have {size} entries, one per gallery picture")
    order = nearest(cost[None], size if top is None else top)[0]
    return RankingResult(
        queries=(query,),
        order=order.astype(np.int64),
        values=(-cost[order]).astype(np.float32),
        truth=labels[order].astype(np.int8),
        method=method,
        approximation=approximation,
        gallery=None if len(order) == size else size,
    )


def _costs(values: npt.ArrayLike, larger_is_better: bool) -> npt.NDArray[Any]:
    """``values`` as floats of which the smallest is best."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        raise InputError(f"values to rank by must be real numbers of shape (g,), not {array.shape}")
    floats = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
    if np.isnan(floats).any():
        raise InputError("values to rank by contain NaN")
    return -floats if larger_is_better else floats
