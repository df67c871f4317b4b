"""Ranking a gallery: the protocol, the ranker, re-ranking and TLift.

NumPy and SciPy only; works on the scores of any model. Names are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qaconv_core.lazy import names_at_first_use

if TYPE_CHECKING:
    from qaconv_core.ranking.camera_norm import camera_normalise as camera_normalise
    from qaconv_core.ranking.protocol import truth_labels as truth_labels
    from qaconv_core.ranking.ranker import rank_gallery as rank_gallery
    from qaconv_core.ranking.rerank import k_reciprocal_rerank as k_reciprocal_rerank
    from qaconv_core.ranking.tlift import temporal_lift as temporal_lift
    from qaconv_core.ranking.tlift import tlift_available as tlift_available

__all__ = [
    "camera_normalise",
    "k_reciprocal_rerank",
    "rank_gallery",
    "temporal_lift",
    "tlift_available",
    "truth_labels",
]

_HOMES = {
    "camera_normalise": "camera_norm",
    "k_reciprocal_rerank": "rerank",
    "rank_gallery": "ranker",
    "temporal_lift": "tlift",
    "tlift_available": "tlift",
    "truth_labels": "protocol",
}

__getattr__ = names_at_first_use(__name__, _HOMES)
