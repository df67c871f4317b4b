"""Adapting a model to the pictures of own cameras, without labels.

    from qaconv_core.adaptation import AdaptationJob, adapt, pictures_of

Rounds of grouping (:mod:`~qaconv_core.adaptation.grouping`) and training on the groups
(:mod:`~qaconv_core.adaptation.learning`), each checked on held-out pictures
(:mod:`~qaconv_core.adaptation.checks`). Names are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qaconv_core.adaptation.pictures import pictures_of as pictures_of
    from qaconv_core.adaptation.rounds import adapt as adapt
    from qaconv_core.adaptation.values import AdaptationJob as AdaptationJob
    from qaconv_core.adaptation.values import AdaptationResult as AdaptationResult
    from qaconv_core.adaptation.values import FoundGroups as FoundGroups
    from qaconv_core.adaptation.values import Wrong as Wrong

__all__ = ["AdaptationJob", "AdaptationResult", "FoundGroups", "Wrong", "adapt", "pictures_of"]

_HOMES = {
    "AdaptationJob": "qaconv_core.adaptation.values",
    "AdaptationResult": "qaconv_core.adaptation.values",
    "FoundGroups": "qaconv_core.adaptation.values",
    "Wrong": "qaconv_core.adaptation.values",
    "adapt": "qaconv_core.adaptation.rounds",
    "pictures_of": "qaconv_core.adaptation.pictures",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
