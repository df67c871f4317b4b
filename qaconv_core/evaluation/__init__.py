"""Measuring results: CMC, mAP, mINP, and how well the scores of pairs separate.

What needs only NumPy is imported here.
"""

from __future__ import annotations

from qaconv_core.evaluation.measures import RankingMetrics, ranking_metrics

# Bound here and now, since importing the module of the same name later would hide the function.
from qaconv_core.evaluation.separation import RocPoint, Separation, separation

__all__ = ["RankingMetrics", "RocPoint", "Separation", "ranking_metrics", "separation"]
