"""Camera normalisation: how far a logit stands above those of strangers between two cameras.

Symmetric score normalisation (Auckenthaler, Carey and Lloyd-Thomas 2000; with cohorts, Matějka et
al. 2017), with the gallery pictures of one camera as a cohort:

    Z[q,g] = (S[q,g] − mean S[q,x]) / std S[q,x]      x: gallery pictures of camera(g), without g
    T[q,g] = (S[q,g] − mean S[x,g]) / std S[x,g]      x: gallery pictures of camera(q), without g
    N[q,g] = (Z + T) / 2

In T, x takes the query's role. Standard deviations are those of the population (÷ n). No labels are
used. N of two strangers is close to a standard normal number.

The whole gallery is the cohort where the camera is not known or has fewer than :data:`FEWEST` other
pictures in the gallery.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.ranking.arrays import Ids, Matrix, id_vector, real_matrix, row_blocks
from qaconv_core.types import UNKNOWN, Float64, Int64

FEWEST = 20
"""The fewest other pictures of a camera that make a cohort. On a part of Market-1501, cohorts of 20
measured as well as the whole gallery as one cohort, larger ones better and smaller ones worse."""

_NO_SPREAD = 1e-12
"""Variances below this share of the mean square are rounding errors of zero."""


def camera_normalise(
    logit_qg: npt.ArrayLike,
    logit_gg: npt.ArrayLike,
    query_cams: Ids,
    gallery_cams: Ids,
    *,
    left_out: tuple[Int64, Int64] | None = None,
) -> Float64:
    """N (p, g), float64, in standard deviations; larger is closer.

    Args:
        logit_qg: logits (p, g) of the queries to the gallery.
        logit_gg: logits (g, g); the row takes the query's role. The diagonal is not used.
        query_cams: camera ids (p,); −1 or None where not known.
        gallery_cams: camera ids (g,).
        left_out: (query indices, gallery indices) of pairs that are one and the same picture. Such
            a gallery picture is in no cohort of that query.

    The half of N whose cohort has no spread is zero. Raises InputError for other shapes and for
    values that are not finite.
    """
    scores = real_matrix(logit_qg, "logit_qg", (None, None))
    p, g = scores.shape
    inner = real_matrix(logit_gg, "logit_gg", (g, g))
    own_cohort = _cohorts(id_vector(gallery_cams, g, "gallery_cams"))
    cohorts = own_cohort.of(id_vector(query_cams, p, "query_cams"))
    same = _by_query(left_out)
    columns = _column_sums(inner, own_cohort)
    out = np.empty((p, g))
    for start, stop in row_blocks(p, 8 * 8 * g):
        block = _finite(scores[start:stop], "logit_qg")
        counted = np.ones(block.shape, dtype=np.bool_)
        towards = columns[:, cohorts[start:stop]]
        for query in range(start, stop):
            for other in same.get(query, ()):
                counted[query - start, other] = False
                if own_cohort.members[cohorts[query], other]:
                    row = _finite(inner[other], "logit_gg")
                    row_sums = np.stack([np.ones(g), row, row**2])
                    row_sums[:, other] = 0  # its own row is not in its sums
                    towards[:, query - start] -= row_sums
        terms = np.stack([counted, block * counted, block**2 * counted])
        rows = terms @ own_cohort.members.T  # (3, block, cohorts)
        z = _standard(block, rows[:, :, own_cohort.of_gallery] - terms)
        out[start:stop] = (z + _standard(block, towards)) / 2
    return out


@dataclass(frozen=True)
class _Cohorts:
    """``members`` (c, g) 1 or 0: the cohorts, the whole gallery last; ``kinds`` (c − 1,) their
    cameras; ``of_gallery`` (g,) the cohort of each gallery picture's camera."""

    members: Float64
    kinds: Int64
    of_gallery: Int64

    def of(self, cameras: Int64) -> Int64:
        """The cohort of each camera: the whole gallery for a camera without one."""
        place = np.searchsorted(self.kinds, cameras)
        known = place < len(self.kinds)
        known[known] = self.kinds[place[known]] == cameras[known]
        return np.where(known, place, len(self.kinds))


def _cohorts(cameras: Int64) -> _Cohorts:
    kinds, counts = np.unique(cameras[cameras != UNKNOWN], return_counts=True)
    kinds = kinds[counts > FEWEST]
    members = np.ones((len(kinds) + 1, len(cameras)))
    members[:-1] = cameras == kinds[:, None]
    found = _Cohorts(members, kinds, np.empty(0, dtype=np.int64))
    return replace(found, of_gallery=found.of(cameras))


def _by_query(left_out: tuple[Int64, Int64] | None) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for query, other in zip(*left_out, strict=True) if left_out is not None else ():
        found.setdefault(int(query), []).append(int(other))
    return found


def _column_sums(inner: Matrix, cohorts: _Cohorts) -> Float64:
    """(3, c, g): how many pictures x ≠ g each cohort has, and sums of S[x,g] and of its square."""
    count, g = cohorts.members.shape
    found = np.zeros((3, count, g))
    for start, stop in row_blocks(g, 8 * 8 * g):
        block = _finite(inner[start:stop], "logit_gg", diagonal=start)
        counted = np.ones(block.shape)
        counted[np.arange(len(block)), np.arange(start, stop)] = 0
        found += cohorts.members[:, start:stop] @ np.stack([counted, block, block**2])
    return found


def _finite(values: Matrix, name: str, diagonal: int | None = None) -> Float64:
    """``values`` in float64; with ``diagonal``, the first row's index, the diagonal is zero."""
    found = np.array(values, dtype=np.float64)
    if diagonal is not None:
        found[np.arange(len(found)), diagonal + np.arange(len(found))] = 0
    if not np.isfinite(found).all():
        raise InputError(f"{name} holds values that are not finite")
    return found


def _standard(values: Float64, sums: Float64) -> Float64:
    """``values`` less the mean over the standard deviation, of ``sums`` (3, …): n, Σ and Σ²."""
    n, total, square = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, square = total / n, square / n
        variance = square - mean**2
        spread = (n > 1) & (variance > _NO_SPREAD * square)
        return np.where(spread, (values - mean) / np.sqrt(variance), 0.0)
