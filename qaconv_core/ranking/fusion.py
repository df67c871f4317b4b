"""Several queries ranked as one: what becomes of their values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.types import Float32, Float64

FUSIONS = ("max", "mean")


Rows = Float32 | Float64 | Sequence[Float32] | Sequence[Float64] | Sequence[float]


def fuse_logits(rows: Rows, fuse: str = "max") -> Float32:
    """Values of p queries, (p, g) or (p,), as one: the best (``"max"``) or their ``"mean"``.

    float32 (g,) or a single number. Raises InputError for another ``fuse``, or without any row.
    """
    if fuse not in FUSIONS:
        raise InputError(f"cannot combine queries by {fuse!r}; choose {' or '.join(FUSIONS)}")
    if not len(rows):
        raise InputError("choose a query first")
    stacked = np.asarray(rows)
    fused = stacked.max(axis=0) if fuse == "max" else stacked.mean(axis=0)
    return np.asarray(fused, dtype=np.float32)
