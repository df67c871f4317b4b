"""Ranking a gallery: the protocol, the ranker, re-ranking and TLift.

NumPy and SciPy only; works on the scores of any model.
"""

from qaconv_core.ranking.camera_norm import camera_normalise
from qaconv_core.ranking.protocol import truth_labels
from qaconv_core.ranking.ranker import rank_gallery
from qaconv_core.ranking.rerank import k_reciprocal_rerank
from qaconv_core.ranking.rerank_top import (
    rerank_approximation,
    rerank_top,
    rerank_work,
)
from qaconv_core.ranking.tlift import temporal_lift, tlift_available

__all__ = [
    "camera_normalise",
    "k_reciprocal_rerank",
    "rank_gallery",
    "rerank_approximation",
    "rerank_top",
    "rerank_work",
    "temporal_lift",
    "tlift_available",
    "truth_labels",
]
