"""Ranking the gallery of one query, best match first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.types import RankingResult


def rank_gallery(
    values: npt.ArrayLike,
    truth: npt.ArrayLike | None = None,
    method: str = "qaconv",
) -> RankingResult:
    """Rank the gallery by ``values`` (g,), larger is closer, ties in gallery order.

    ``truth`` (g,) are labels from :func:`~qaconv_core.ranking.truth_labels`, all "not known" by
    default; junk stays in the ranking with its mark. The ranking is one of query 0. Raises
    InputError for NaN and wrong lengths.
    """
    cost = _costs(values)
    size = len(cost)
    labels = np.full(size, RankingResult.NOT_KNOWN) if truth is None else np.asarray(truth)
    if labels.shape != (size,):
        raise InputError(f"truth must have {size} entries, one per gallery picture")
    order = np.argsort(cost, kind="stable")
    return RankingResult(
        queries=(0,),
        order=order,
        values=(-cost[order]).astype(np.float32),
        truth=labels[order].astype(np.int8),
        method=method,
    )


def _costs(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """``values`` as floats of which the smallest is best."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        raise InputError(f"values to rank by must be real numbers of shape (g,), not {array.shape}")
    floats = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
    if np.isnan(floats).any():
        raise InputError("values to rank by contain NaN")
    return -floats
