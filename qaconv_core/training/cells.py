"""Which part of the person each cell of the feature map shows, from a label map. No torch here."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qaconv_core.data.label_maps import LABELS, PERSON
from qaconv_core.types import Grid

NOTHING = 0
"""Part of a cell that shows none of the person: background, other people, what stands in front."""
MIXED = -1
"""Part of a cell across a border, or of a picture without a label map; never supervised."""
PERSON_FILLS = 0.5
"""Share of a cell above which it belongs to the person's commonest part there."""
NOTHING_BELOW = 0.4
"""Share of a person below which a cell counts as showing none. Run 3 of the bundled model left all
from a tenth on unsupervised: of the strong matches that still began on background, half began in
cells that were 52 to 83 % background, so at the outline of the person."""
NOT_THE_PERSON = tuple(sorted(set(range(len(LABELS))) - PERSON))
"""Labels of background, other people and occluders in the label maps of ``qaconv people``."""


def cell_parts(
    labels: npt.NDArray[np.uint8], grid: Grid, nothing: tuple[int, ...] = NOT_THE_PERSON
) -> npt.NDArray[np.int64]:
    """The part that each cell shows, shape (h·w,), from a label map (H, W).

    A cell belongs to the person's commonest part where the person fills more than
    :data:`PERSON_FILLS` of it, is :data:`NOTHING` below :data:`NOTHING_BELOW`, and :data:`MIXED`
    in between.
    """
    h, w = grid
    rows = np.minimum(np.arange(labels.shape[0]) * h // labels.shape[0], h - 1)
    columns = np.minimum(np.arange(labels.shape[1]) * w // labels.shape[1], w - 1)
    cell = (rows[:, None] * w + columns).ravel()
    values = np.where(np.isin(labels, nothing), 0, labels).ravel().astype(np.int64)
    kinds = int(values.max(initial=0)) + 1
    counts = np.bincount(cell * kinds + values, minlength=h * w * kinds).reshape(h * w, kinds)
    person = 1.0 - counts[:, 0] / np.maximum(counts.sum(axis=1), 1)
    common = counts[:, 1:].argmax(axis=1) + 1 if kinds > 1 else np.zeros(h * w, np.int64)
    return np.where(person > PERSON_FILLS, common, np.where(person < NOTHING_BELOW, NOTHING, MIXED))
