"""The learning rate over time, as a factor of each group's own rate."""

from __future__ import annotations

import math
from typing import Any

from qaconv_core.training.recipes import Recipe


class Schedule:
    """Follows the epochs of a run; its state is three numbers, named as upstream saves them."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.base_loss: float | None = None
        self.final_epochs = recipe.epochs
        self.lr_stepped = False

    def factor(self, epoch: int, part: float) -> float:
        """The factor in epoch ``epoch`` (from 0), of which ``part`` in [0, 1) is done."""
        recipe = self.recipe
        time = epoch + part
        rise = min(1.0, (time + 1e-3) / recipe.warmup) if recipe.warmup > 0 else 1.0
        if recipe.schedule == "step":
            return rise * float(0.1 ** (epoch // recipe.step_size))
        if recipe.schedule == "adaptive":
            return rise * (0.1 if self.lr_stepped else 1.0)
        span = max(recipe.epochs - recipe.warmup, 1e-9)
        turn = min(1.0, max(0.0, time - recipe.warmup) / span)
        return rise * 0.5 * (1.0 + math.cos(math.pi * turn))

    def after_epoch(self, epoch: int, loss: float) -> str:
        """Take note of the mean loss of epoch ``epoch`` (from 0); says what changes, or "".

        The adaptive schedule compares with the second epoch, because the first one's loss is that
        of a fresh head.
        """
        recipe = self.recipe
        if recipe.schedule != "adaptive":
            return ""
        done = epoch + 1
        if epoch == 1:
            self.base_loss = loss
        if self.lr_stepped:
            return ""
        if recipe.step_factor >= 1:
            self.lr_stepped = done == int(recipe.step_factor)
        elif self.base_loss is not None and loss < self.base_loss * recipe.step_factor:
            self.lr_stepped = True
            self.final_epochs = min(recipe.epochs, done + done // 2)
        if not self.lr_stepped:
            return ""
        return f"rate ×0.1 from now on; the last epoch is {self.final_epochs}"

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "base_loss": self.base_loss,
            "final_epochs": self.final_epochs,
            "lr_stepped": self.lr_stepped,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up :meth:`state`; a recipe prolonged since goes on to its own end."""
        base = state.get("base_loss")
        self.base_loss = None if base is None else float(base)
        self.lr_stepped = bool(state.get("lr_stepped", False))
        if self.lr_stepped and self.recipe.step_factor < 1:
            self.final_epochs = min(self.recipe.epochs, int(state["final_epochs"]))
