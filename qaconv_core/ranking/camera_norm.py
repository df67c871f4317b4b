"""Camera normalisation: how far a logit stands above those of strangers between two cameras.

Symmetric score normalisation (Auckenthaler, Carey and Lloyd-Thomas 2000; with cohorts, Matějka et
al. 2017), with the gallery pictures of one camera as a cohort:

    Z[a,b] = (S[a,b] − mean S[a,x]) / std S[a,x]      x: gallery pictures of camera(b)
    T[a,b] = (S[a,b] − mean S[x,b]) / std S[x,b]      x: gallery pictures of camera(a)
    N[a,b] = (Z + T) / 2

a and x in T take the query's role, b and x in Z the gallery's. a, b and their near-duplicates in
time are in neither cohort (:mod:`qaconv_core.ranking.cohorts`). Standard deviations are those of
the population (÷ n). No labels are used. N of two strangers is close to a standard normal number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.ranking.arrays import (
    Ids,
    Matrix,
    Times,
    id_vector,
    real_matrix,
    row_blocks,
    time_vector,
)
from qaconv_core.ranking.cohorts import CohortRule, Cohorts, Placed, dense
from qaconv_core.types import Float64, Int64

SCALE, SHIFT = 15.0, 2.5
"""Re-ranking and TLift take :data:`SCALE` · (N − :data:`SHIFT`) in the place of a logit."""
SCALE_WORDS = "distance = 1 − sigmoid(15·(N − 2.5) / 10)"
_NO_SPREAD = 1e-12
"""Variances below this share of the mean square are rounding errors of zero."""
ROW_BYTES = 12 * 8
"""Bytes that a pair takes while a block is normalised."""

Rows = Callable[[Int64], Matrix]
"""Positions in a cohort's pictures -> their logits to all targets (n, b), in the query's role."""


def camera_normalise(
    logit_qg: npt.ArrayLike,
    logit_gg: npt.ArrayLike,
    query_cams: Ids,
    gallery_cams: Ids,
    *,
    query_times: Times = None,
    gallery_times: Times = None,
    left_out: tuple[Int64, Int64] | None = None,
    rule: CohortRule | None = None,
) -> Float64:
    """N (p, g), float64, in standard deviations; larger is closer.

    Args:
        logit_qg: logits (p, g) of the queries to the gallery.
        logit_gg: logits (g, g); the row takes the query's role. The diagonal is not used.
        query_cams: camera ids (p,); −1 or None where not known.
        gallery_cams: camera ids (g,).
        query_times: seconds (p,); NaN or None where not known.
        gallery_times: seconds (g,), on the same clock.
        left_out: (query indices, gallery indices) of pairs that are one and the same picture. Such
            a gallery picture is in no cohort of that query.
        rule: how cohorts are drawn; without one, of all pictures.

    The half of N whose cohort has no spread is zero. Raises InputError for other shapes and for
    values that are not finite.
    """
    scores = real_matrix(logit_qg, "logit_qg", (None, None))
    p, g = scores.shape
    inner = real_matrix(logit_gg, "logit_gg", (g, g))
    rule = rule or CohortRule(size=None)
    gallery = id_vector(gallery_cams, g, "gallery_cams"), time_vector(gallery_times, g, "times")
    query = id_vector(query_cams, p, "query_cams"), time_vector(query_times, p, "query_times")
    whole = Cohorts.of(*gallery, g, CohortRule(None, rule.seed, rule.nearby))
    sample = Cohorts.of(*gallery, g, rule)
    targets = sample.place_own(*gallery)
    towards = Towards(
        sample, targets, column_sums(chosen_rows(inner, sample.rows), sample, targets),
        lambda some: inner[sample.rows[some]],
    )  # fmt: skip
    sides = Sides(whole, whole.place(*query, left_out), whole.place_own(*gallery))
    rows = sample.place(*query, left_out)
    out = np.empty((p, g))
    for start, stop in row_blocks(p, ROW_BYTES * g):
        block = scores[start:stop]
        out[start:stop] = normalised_block(block, block, start, sides, rows, towards)
    return out


@dataclass(frozen=True)
class Sides:
    """For Z: cohorts, and the pictures of the rows and of the targets against them."""

    cohorts: Cohorts
    rows: Placed
    targets: Placed


@dataclass(frozen=True)
class Towards:
    """For T: cohorts, the b targets against them, and logits of the cohorts' k pictures to them.

    ``sums`` (3, c, b) are those of :func:`column_sums`.
    """

    cohorts: Cohorts
    targets: Placed
    sums: Float64
    rows: Rows


def chosen_rows(matrix: Matrix, rows: Int64) -> Iterator[tuple[int, Matrix]]:
    """(position of the first, rows (n, b)) of the chosen rows of a matrix, in blocks."""
    for start, stop in row_blocks(len(rows), 4 * 8 * max(1, matrix.shape[1])):
        yield start, matrix[rows[start:stop]]


def column_sums(blocks: Iterable[tuple[int, Matrix]], cohorts: Cohorts, targets: Placed) -> Float64:
    """(3, c, b): how many pictures of each cohort are compared with each target, and the sums of
    their logits and of the squares; a target's own pictures are not among them.

    ``blocks`` are (position of the first, logits (n, b)) of the cohorts' pictures.
    """
    found = np.zeros((3, len(cohorts.members), len(targets.cohort)))
    by_row = targets.near.T.tocsr()
    for start, block in blocks:
        stop = start + len(block)
        terms = _terms(block, by_row[start:stop], "logit_gg")
        found += cohorts.members[:, start:stop] @ terms
    return found


def normalised_block(
    values: Matrix, own: Matrix, start: int, sides: Sides, rows: Placed, towards: Towards
) -> Float64:
    """N (n, b) of the pictures ``start`` … ``start`` + n − 1.

    ``values`` (n, b) are their logits to the targets, ``own`` (n, k) those to the pictures of
    ``sides.cohorts``. ``rows`` places all pictures against the cohorts of ``towards``.
    """
    stop = start + len(values)
    block = _finite(values, "logit_qg")
    z = z_sums(own, sides.rows.take(start, stop), sides)
    half = standard(block, z)
    del z
    half += standard(block, t_sums(rows.take(start, stop), towards))
    half /= 2
    return half


def z_sums(own: Matrix, rows: Placed, sides: Sides) -> Float64:
    """(3, n, b): n, Σ and Σ² of the cohort of every pair in Z."""
    terms = _terms(own, rows.near, "logit_qg")
    found = (terms @ sides.cohorts.members.T)[:, :, sides.targets.cohort]
    flat = terms.reshape(-1, terms.shape[2])
    near = sides.targets.inside
    if np.array_equal(near.indices, np.arange(near.shape[1])):  # themselves alone
        return np.asarray(found - terms)
    return np.asarray(found - (near @ flat.T).T.reshape(found.shape))


def t_sums(rows: Placed, towards: Towards) -> Float64:
    """(3, n, b): n, Σ and Σ² of the cohort of every pair in T."""
    found = towards.sums[:, rows.cohort]
    used = np.unique(rows.inside.indices)
    if not len(used):
        return np.asarray(found)
    near = towards.targets.near[:, used].T.tocsr()
    terms = _terms(towards.rows(used), near, "logit_gg")
    marks = rows.inside[:, used]
    for part, some in zip(found, terms, strict=True):
        part -= marks @ some
    return np.asarray(found)


def _terms(values: Matrix, near: object, name: str) -> Float64:
    """(3, n, k): 1, value and its square, zero where a picture may not be counted."""
    block = np.array(values, dtype=np.float64)
    away = dense(near)
    block[away] = 0
    if not np.isfinite(block).all():
        raise InputError(f"{name} holds values that are not finite")
    return np.stack([1.0 - away, block, block**2])


def _finite(values: Matrix, name: str) -> Float64:
    found = np.asarray(values, dtype=np.float64)
    if not np.isfinite(found).all():
        raise InputError(f"{name} holds values that are not finite")
    return found


def moments(sums: Float64) -> tuple[Float64, Float64]:
    """(mean, standard deviation) of ``sums`` (3, …): n, Σ and Σ²; without spread, the deviation is
    infinite, so that what is divided by it vanishes, and the mean 0."""
    n, total, square = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, square = total / n, square / n
        variance = square - mean**2
        spread = (n > 1) & (variance > _NO_SPREAD * square)
        deviation = np.where(spread, np.sqrt(np.where(spread, variance, 1.0)), np.inf)
        return np.where(spread, mean, 0.0), deviation


def standard(values: Float64, sums: Float64) -> Float64:
    """``values`` less the mean over the standard deviation."""
    mean, deviation = moments(sums)
    return np.asarray((values - mean) / deviation)
