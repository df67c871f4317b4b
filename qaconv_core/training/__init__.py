"""Training: recipes, losses, samplers, the trainer, checkpoints that resume exactly.

    from qaconv_core.training import TrainingJob, make_recipe, train

Names are imported when first used: the recipes alone do not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qaconv_core.training.recipes import RECIPES, Augmentation, Recipe, make_recipe

if TYPE_CHECKING:
    from qaconv_core.training.checkpoint import export_checkpoint as export_checkpoint
    from qaconv_core.training.session import TrainingJob as TrainingJob
    from qaconv_core.training.session import TrainingResult as TrainingResult
    from qaconv_core.training.session import train as train

__all__ = [
    "RECIPES",
    "Augmentation",
    "Recipe",
    "TrainingJob",
    "TrainingResult",
    "export_checkpoint",
    "make_recipe",
    "train",
]

_HOMES = {
    "TrainingJob": "qaconv_core.training.session",
    "TrainingResult": "qaconv_core.training.session",
    "export_checkpoint": "qaconv_core.training.checkpoint",
    "train": "qaconv_core.training.session",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
