"""Which pictures of an opened set are true matches of a query, which are false, which are junk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.state.values import OpenSet
from qaconv_core.ranking.protocol import label_block
from qaconv_core.types import ImageRef, ImageSet, RankingResult


class Truths:
    """Answers for one gallery; the files' names are read once."""

    def __init__(self, gallery: ImageSet) -> None:
        self._gallery = gallery
        self._by_name: dict[str, list[int]] | None = None

    def of(self, data: OpenSet, queries: tuple[int, ...]) -> npt.NDArray[np.int8]:
        """(g,) truth; junk for any of several queries is junk. A query's own file is junk too."""
        labels = label_block(
            data.query_pids[list(queries)],
            data.query_camids[list(queries)],
            data.gallery_pids,
            data.gallery_camids,
            data.junk_rule,
        )
        for row, query in zip(labels, queries, strict=True):
            row[self.own_file(data.query[query])] = RankingResult.JUNK
        out = labels[0]
        for row in labels[1:]:
            out = np.where(row == RankingResult.JUNK, RankingResult.JUNK, out)
        return np.asarray(out, dtype=np.int8)

    def own_file(self, query: ImageRef) -> list[int]:
        """Gallery pictures that are the query's own file: matching itself says nothing."""
        named = self._named().get(query.path.name, [])
        return [g for g in named if _same_file(self._gallery[g], query)]

    def _named(self) -> dict[str, list[int]]:
        """Gallery indices by file name."""
        if self._by_name is None:
            places: dict[str, list[int]] = {}
            for index, ref in enumerate(self._gallery):
                places.setdefault(ref.path.name, []).append(index)
            self._by_name = places
        return self._by_name


def _same_file(first: ImageRef, second: ImageRef) -> bool:
    try:
        return first.path.samefile(second.path)
    except OSError:
        return False
