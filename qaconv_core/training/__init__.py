"""Training: recipes, losses, samplers, the trainer, checkpoints that resume exactly.

    from qaconv_core.training import TrainingJob, make_recipe, train

Names are imported when first used: the recipes alone do not wait for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qaconv_core.lazy import names_at_first_use
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
    "TrainingJob": "session",
    "TrainingResult": "session",
    "export_checkpoint": "checkpoint",
    "train": "session",
}

__getattr__ = names_at_first_use(__name__, _HOMES)
