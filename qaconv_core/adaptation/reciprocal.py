"""k-reciprocal distances among pictures that are queries and gallery at once, kept sparse.

Zhong et al., CVPR 2017, as in :mod:`qaconv_core.ranking.rerank`, from lists of nearest pictures.
Two pictures without a common neighbour have a distance of 1 − λ or more and are not stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qaconv_core.adaptation.neighbours import Neighbours
from qaconv_core.ranking import sparse
from qaconv_core.ranking.rerank import Encoding, adjacency, reciprocal_sets

K1, K2, LAMBDA = 20, 6, 0.3


def reciprocal_distances(
    near: Neighbours, k1: int = K1, k2: int = K2, lambda_: float = LAMBDA
) -> Any:
    """Distances (n, n) as CSR, symmetric, without the diagonal; what is not stored is far.

    ``lambda_`` in [0, 1) is the share of the original distance. That of a pair outside both lists
    of nearest pictures is taken to be the largest of the lists.
    """
    n = len(near)
    original = _original(near)
    pattern = reciprocal_sets(near.places, min(k1, near.places.shape[1] - 1))
    row = np.repeat(np.arange(n, dtype=np.int64), np.diff(pattern.indptr))
    weight = np.exp(-_looked_up(original, row, pattern.indices, near))
    total = np.bincount(row, weight, minlength=n)
    data = (weight / total[row]).astype(np.float32)
    v = sparse.csr_array((data, pattern.indices, pattern.indptr), shape=(n, n))
    if k2 > 1:
        v = sparse.csr_array((adjacency(near.places[:, :k2]) @ v) / np.float32(min(k2, n)))
    encoding = Encoding(v, sparse.csc_array(v))
    blocks = []
    for start, stop in encoding.blocks():
        jaccard = encoding.jaccard(start, stop)
        rows, columns = np.nonzero(jaccard < 1 - 1e-6)
        values = jaccard[rows, columns] * (1 - lambda_)
        values += lambda_ * _looked_up(original, rows + start, columns, near)
        values[rows + start == columns] = 0
        blocks.append(
            sparse.csr_array(
                (np.maximum(values, 1e-6).astype(np.float32), (rows, columns)),
                shape=(stop - start, n),
            )
        )
    found = sparse.csr_array(sparse.vstack(blocks, format="csr"))
    found = sparse.csr_array(found.maximum(found.T))
    found.setdiag(0)
    found.eliminate_zeros()
    return found


def _original(near: Neighbours) -> Any:
    """1 + the distances of the lists as CSR (n, n): a stored 0 is told from nothing."""
    n, width = near.places.shape
    rows = np.repeat(np.arange(n), width)
    return sparse.csr_array((1 + near.distances.ravel(), (rows, near.places.ravel())), shape=(n, n))


def _looked_up(original: Any, rows: Any, columns: Any, near: Neighbours) -> Any:
    values = np.asarray(original[rows, columns]).ravel()
    back = np.asarray(original[columns, rows]).ravel()
    values = np.where(values > 0, values, back)
    return np.where(values > 0, values - 1, near.distances[:, -1].max()).astype(np.float32)
