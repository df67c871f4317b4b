"""Which gallery pictures are true matches of the queries, which are false, which are junk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from qaconv_core.data.names import is_distractor
from qaconv_core.data.own_files import OwnFiles
from qaconv_core.galleries.values import OpenSet
from qaconv_core.ranking.protocol import label_block
from qaconv_core.types import ImageRef, ImageSet, Int64, RankingResult


class GroundTruth:
    """Answers for one gallery.

    Of several queries together, junk for any is junk. Where they are not all of one known person,
    nothing else is known: what is true for one is false for another.
    """

    def __init__(self, gallery: ImageSet, junk_rule: bool = True) -> None:
        self._pids, self._camids = gallery.pids, gallery.camids
        self._files = OwnFiles(gallery)
        self._junk_rule = junk_rule

    def of(self, queries: Sequence[ImageRef]) -> npt.NDArray[np.int8]:
        """(g,) labels of :class:`~qaconv_core.types.RankingResult`; queries' own files are junk."""
        labels = truth_by_persons(queries, self._pids, self._camids, self._junk_rule)
        labels[self.own_files(queries)] = RankingResult.JUNK
        return labels

    def own_files(self, queries: Sequence[ImageRef]) -> Int64:
        """Gallery indices, ascending, of the pictures that are a query's own file."""
        return self._files.of(*(query.path for query in queries))


def truth_by_persons(
    queries: Sequence[ImageRef], pids: Int64, camids: Int64, junk_rule: bool
) -> npt.NDArray[np.int8]:
    """(g,) labels of gallery pictures by their persons ``pids`` (g,) and cameras ``camids`` (g,)
    for one query or several together: see :class:`GroundTruth`. Who a distractor shows is not
    known."""
    refs = ImageSet(tuple(replace(q, pid=None) if is_distractor(q) else q for q in queries))
    labels = label_block(refs.pids, refs.camids, pids, camids, junk_rule)
    junk = (labels == RankingResult.JUNK).any(axis=0)
    one_person = len({ref.pid for ref in queries}) == 1
    known = labels[0] if one_person else np.int8(RankingResult.NOT_KNOWN)
    return np.where(junk, np.int8(RankingResult.JUNK), known).astype(np.int8)


def truth_by_labels(ranking: RankingResult, data: OpenSet) -> RankingResult:
    """A ranking of ``data`` as it was read, with the truth that labels say of it.

    What is junk without labels stays junk: a query's own file is.
    """
    if data.unlabelled is None:
        return ranking
    queries = [data.query[query] for query in ranking.queries]
    labels = truth_by_persons(queries, data.gallery_pids, data.gallery_camids, data.junk_rule)
    junk = ranking.truth == RankingResult.JUNK
    return replace(ranking, truth=np.where(junk, ranking.truth, labels[ranking.order]))
