"""Which gallery pictures count as true, false or junk for a query.

The rules, as in Market-1501 and everything after it:

- a gallery picture with the query's pid **and** camid is *junk*: it is ignored, since it mostly
  shows the same moment. For data of a single camera the rule can be switched off;
- two cameras that are not known (−1) are not the same camera: such a picture is never junk. Where
  the query picture itself stands in the gallery, the caller leaves that file out;
- a distractor is a person like any other (pid 0 in Market-1501): a false match, kept;
- a picture whose pid is not known (−1) can be neither true nor false and is ignored, as
  Market-1501's own tool does; a query whose pid is not known is never valid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qaconv_core.ranking.arrays import Ids, id_vector
from qaconv_core.types import UNKNOWN, RankingResult

Labels = npt.NDArray[np.int8]


def truth_labels(
    query_pid: int | None,
    query_camid: int | None,
    gallery_pids: Ids,
    gallery_camids: Ids,
    junk_rule: bool = True,
) -> Labels:
    """Label every gallery picture for one query.

    ``gallery_pids`` and ``gallery_camids`` have g entries, −1 or None where not known. Returns
    int8 (g,) with ``RankingResult.TRUE`` (1), ``FALSE`` (0), ``JUNK`` (−1) or ``NOT_KNOWN`` (−2).
    """
    size = len(gallery_pids) if gallery_pids is not None else len(gallery_camids or ())
    pids = id_vector(gallery_pids, size, "gallery_pids")
    camids = id_vector(gallery_camids, size, "gallery_camids")
    pid = np.array([UNKNOWN if query_pid is None else query_pid])
    camid = np.array([UNKNOWN if query_camid is None else query_camid])
    return label_block(pid, camid, pids, camids, junk_rule)[0]


Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Single pairs: query indices and gallery indices, of one length."""


def leave_out(labels: Labels, start: int, stop: int, pairs: Pairs | None) -> None:
    """Label chosen pairs as junk, in the labels of queries ``start`` … ``stop`` − 1.

    Needed where cameras are not known: the same file as query and in the gallery.
    """
    if pairs is not None:
        here = (pairs[0] >= start) & (pairs[0] < stop)
        labels[pairs[0][here] - start, pairs[1][here]] = RankingResult.JUNK


def label_block(
    query_pids: npt.NDArray[np.int64],
    query_camids: npt.NDArray[np.int64],
    gallery_pids: npt.NDArray[np.int64],
    gallery_camids: npt.NDArray[np.int64],
    junk_rule: bool,
) -> Labels:
    """:func:`truth_labels` of several queries: int8 (b, g). Takes checked int64 arrays."""
    same = query_pids[:, None] == gallery_pids
    labels: Labels = same.view(np.int8)
    if junk_rule:
        same_camera = query_camids[:, None] == gallery_camids
        same_camera &= gallery_camids != UNKNOWN
        labels[same & same_camera] = RankingResult.JUNK
    labels[:, gallery_pids == UNKNOWN] = RankingResult.NOT_KNOWN
    labels[query_pids == UNKNOWN] = RankingResult.NOT_KNOWN
    return labels
