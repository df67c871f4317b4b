"""Adapting a model to the pictures of own cameras, without labels.

    from qaconv_core.adaptation import AdaptationJob, adapt, pictures_of

Rounds of grouping (:mod:`~qaconv_core.adaptation.grouping`) and training on the groups
(:mod:`~qaconv_core.adaptation.learning`), each checked on held-out pictures
(:mod:`~qaconv_core.adaptation.checks`). Names are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qaconv_core.lazy import names_at_first_use

if TYPE_CHECKING:
    from qaconv_core.adaptation.pictures import pictures_of as pictures_of
    from qaconv_core.adaptation.rounds import adapt as adapt
    from qaconv_core.adaptation.values import AdaptationJob as AdaptationJob
    from qaconv_core.adaptation.values import AdaptationResult as AdaptationResult
    from qaconv_core.adaptation.values import FoundGroups as FoundGroups
    from qaconv_core.adaptation.values import Wrong as Wrong

__all__ = ["AdaptationJob", "AdaptationResult", "FoundGroups", "Wrong", "adapt", "pictures_of"]

_HOMES = {
    "AdaptationJob": "values",
    "AdaptationResult": "values",
    "FoundGroups": "values",
    "Wrong": "values",
    "adapt": "rounds",
    "pictures_of": "pictures",
}

__getattr__ = names_at_first_use(__name__, _HOMES)
