"""Products of many maps with many give the logits that pairs on their own give."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.errors import Cancelled
from qaconv_core.matching.few_cells import PlaneTiles
from qaconv_core.matching.scores import score_maps
from qaconv_core.progress import CancelToken
from tests.core.matching.maps import people_maps, random_head


def cells_first(maps):
    """(n, C, h, w) -> (h·w, n, C)."""
    return np.ascontiguousarray(maps.reshape(*maps.shape[:2], -1).transpose(2, 0, 1))


@pytest.mark.parametrize("grid", [(1, 1), (6, 1), (3, 2)])
@pytest.mark.parametrize("step", [16, 64, 1000])
def test_planes_of_pairs_give_the_logits_of_the_pairs(grid, step):
    maps = people_maps(75, 16, grid, 1, dtype=np.float16)
    head = random_head(grid)
    tiles = PlaneTiles(head, 16, 20)
    tiles.step = min(step, tiles.step)
    for queries in (maps[:20], maps[20:27]):  # a full block and a last one
        found = tiles.score(cells_first(queries), cells_first(maps))
        np.testing.assert_allclose(found, score_maps(queries, maps, head), rtol=1e-4, atol=1e-4)


def test_planes_of_pairs_stop_when_asked_to():
    cells = cells_first(people_maps(5, 8, (3, 1), 1))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        PlaneTiles(random_head((3, 1)), 8, 5, cancel).score(cells, cells)
