"""Measuring results: CMC, mAP, mINP, and how well the scores of pairs separate.

What needs only NumPy is imported here; names in ``_LAZY`` come with their module (and whatever
that loads) when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

from qaconv_core.evaluation.measures import RankingMetrics, ranking_metrics

# Bound here and now, since importing the module of the same name later would hide the function.
from qaconv_core.evaluation.separation import RocPoint, Separation, separation

__all__ = ["RankingMetrics", "RocPoint", "Separation", "ranking_metrics", "separation"]

_LAZY: dict[str, str] = {}
"""Public name → module of this package that holds it."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
