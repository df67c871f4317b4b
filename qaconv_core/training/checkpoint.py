"""Checkpoints in upstream's form, from which a run goes on as if it had never stopped.

``model``, ``criterion``, ``optim`` and ``epoch`` are what upstream writes (with ``base_loss``,
``final_epochs`` and ``lr_stepped`` since v2.1); ``input_size`` and ``padding`` are read by
:func:`qaconv_core.models.load_checkpoint`; ``recipe``, ``calibration`` and ``resume`` are for us.
Tensors, numbers,
strings, lists and dicts only: such a file cannot run code.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from qaconv_core.errors import CheckpointError, InputError
from qaconv_core.models.camera_correction import CameraCorrection
from qaconv_core.models.checkpoints import ADAPTED, CORRECTION, MIRRORED, read_tensors
from qaconv_core.models.qaconv import head_tensors, rescale_logits
from qaconv_core.store.atomic import replacing
from qaconv_core.store.records import is_number
from qaconv_core.training.calibration import Calibration
from qaconv_core.training.recipes import Recipe, recipe_from_dict
from qaconv_core.types import Int64

FILE_NAME = "checkpoint.pth.tar"
_HEAD = "matcher."
_CALIBRATION = "calibration"


@dataclass
class Unfinished:
    """How far an interrupted epoch got: its plan, batches done, and what its means are made of."""

    plan: Int64
    done: int
    loss_sum: float
    accuracy_sum: float
    samples: int


@dataclass
class Saved:
    """A training as a checkpoint keeps it, beside the modules' own states."""

    recipe: Recipe
    epoch: int
    seed: int
    fingerprint: str
    schedule: dict[str, Any]
    history: list[dict[str, float]] = field(default_factory=list)
    scaler: dict[str, Any] = field(default_factory=dict)
    unfinished: Unfinished | None = None
    calibration: Calibration | None = None
    average: dict[str, Any] = field(default_factory=dict)
    decks: list[list[int]] = field(default_factory=list)


def save_training(
    path: Path,
    saved: Saved,
    network: nn.Module,
    criterion: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write the checkpoint whole or not at all; what stood there before stays if that fails."""
    content: dict[str, Any] = {
        "model": network.state_dict(),
        "criterion": _bare(criterion.state_dict(), saved.recipe),
        "optim": optimizer.state_dict(),
        "epoch": saved.epoch,
        **saved.schedule,
        "input_size": list(saved.recipe.input_size),
        "padding": saved.recipe.padding,
        "recipe": saved.recipe.to_dict(),
        **calibration_entry(saved.calibration),
        "resume": {
            "seed": saved.seed,
            "fingerprint": saved.fingerprint,
            "history": saved.history,
            "scaler": saved.scaler,
            "random": torch.get_rng_state(),
            "unfinished": _unfinished_dict(saved.unfinished),
            "average": saved.average,
            "decks": saved.decks,
        },
    }
    _write(path, content)


def load_training(
    path: Path, network: nn.Module, criterion: nn.Module, optimizer: torch.optim.Optimizer
) -> Saved:
    """Fill modules and optimiser from a checkpoint and say where the run stood.

    Raises :class:`CheckpointError` when the file is no checkpoint of ours, or of another
    architecture or other people than these modules were made for.
    """
    content = read_tensors(path)
    saved = read_saved(path, content)
    try:
        network.load_state_dict(content["model"])
        criterion.load_state_dict(_under_matcher(content["criterion"]))
        # The optimiser keeps what it is given; the file's mapped tensors would end with the file.
        optimizer.load_state_dict(copy.deepcopy(content["optim"]))
        torch.set_rng_state(content["resume"]["random"])
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path}: does not fit this training ({reason}); resume with the recipe, data and "
            "options that it was started with"
        ) from None
    return saved


def read_saved(path: Path, content: Mapping[str, Any] | None = None) -> Saved:
    """What a checkpoint says of its training, without loading the network."""
    content = read_tensors(path) if content is None else content
    resume = content.get("resume")
    if not isinstance(resume, dict) or not isinstance(content.get("recipe"), dict):
        raise CheckpointError(
            f"{path}: holds no state to resume from (it was written by another program, or "
            "exported); start a new training, with --weights to begin from its backbone"
        )
    try:
        recipe = recipe_from_dict(content["recipe"])
        return Saved(
            recipe=recipe,
            epoch=int(content["epoch"]),
            seed=int(resume["seed"]),
            fingerprint=str(resume["fingerprint"]),
            schedule={
                name: content.get(name) for name in ("base_loss", "final_epochs", "lr_stepped")
            },
            history=list(resume["history"]),
            scaler=dict(resume["scaler"]),
            unfinished=_unfinished(resume["unfinished"]),
            calibration=read_calibration(content),
            average=dict(resume.get("average", {})),  # older files have none, as of decks
            decks=[[int(place) for place in left] for left in resume.get("decks", [])],
        )
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise CheckpointError(f"{path}: the state to resume from is damaged ({error})") from None


def export_checkpoint(
    source: str | Path,
    target: str | Path,
    *,
    half: bool = True,
    adapted: Mapping[str, Any] | None = None,
    correction: CameraCorrection | None = None,
    mirrored: bool | None = None,
    rescaled: Calibration | None = None,
) -> int:
    """Write what using a model needs, without optimiser and classifiers; returns its bytes.

    ``half`` stores weights as float16 (a quarter of the training checkpoint and less).
    ``adapted`` is the record of an adaptation; without one, that of ``source`` is kept. So it is
    with the ``correction`` for cameras, and with whether maps are averaged with those of
    ``mirrored`` pictures. ``rescaled`` is what becomes of the logits of ``source``.
    """
    content = read_tensors(Path(source))
    if not isinstance(content.get("model"), dict) or not isinstance(content.get("criterion"), dict):
        raise CheckpointError(f"{source}: is no training checkpoint ('model', 'criterion')")
    wanted = ("bn.", "fc.", "logit_bn.")
    head = {
        name: value
        for name, value in content["criterion"].items()
        if name.removeprefix(_HEAD).startswith(wanted)
    }
    kept: dict[str, Any] = {
        "model": {name: _shrunk(value, half) for name, value in content["model"].items()},
        "criterion": head,
    }
    for name in ("epoch", "input_size", "padding", "recipe", ADAPTED, _CALIBRATION):
        if name in content:
            kept[name] = content[name]
    if isinstance(kept.get("recipe"), dict) and kept["recipe"].get("teachers"):
        # an exported file goes to others: their folders are nobody's business
        names = [Path(str(teacher)).name for teacher in kept["recipe"]["teachers"]]
        kept["recipe"] = {**kept["recipe"], "teachers": names}
    if adapted is not None:
        kept[ADAPTED] = dict(adapted)
    parts = content.get(CORRECTION) if correction is None else correction.tensors()
    if parts is not None:
        kept[CORRECTION] = {name: _shrunk(value, half) for name, value in parts.items()}
    if rescaled is not None:
        kept["criterion"] = {name: value.clone() for name, value in head.items()}
        rescale_logits(head_tensors(kept["criterion"]), rescaled.slope, rescaled.shift)
        kept |= calibration_entry((read_calibration(content) or Calibration(1, 0)).then(rescaled))
    if content.get(MIRRORED) if mirrored is None else mirrored:
        kept[MIRRORED] = True
    _write(Path(target), kept)
    return Path(target).stat().st_size


def _write(path: Path, content: dict[str, Any]) -> None:
    with replacing(path) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as error:  # what torch makes of a full disk
            lines = str(error).splitlines() or ["no reason given"]
            raise InputError(
                f"{path}: cannot be written ({lines[0][:200]}); make room on the disk"
            ) from None


def calibration_entry(calibration: Calibration | None) -> dict[str, Any]:
    """What a checkpoint keeps of a calibration that its head has taken up."""
    return {} if calibration is None else {_CALIBRATION: [calibration.slope, calibration.shift]}


def read_calibration(content: Mapping[str, Any]) -> Calibration | None:
    """The calibration that the head of a checkpoint has taken up; None where it has none.

    Raises ValueError or TypeError where the entry is damaged.
    """
    if _CALIBRATION not in content:
        return None
    slope, shift = (float(value) for value in content[_CALIBRATION])
    if not (math.isfinite(slope) and math.isfinite(shift) and slope > 0):
        raise ValueError("its calibration is no pair of numbers")
    return Calibration(slope, shift)


def _shrunk(value: torch.Tensor, half: bool) -> torch.Tensor:
    return value.half() if half and value.is_floating_point() else value


def _bare(state: dict[str, torch.Tensor], recipe: Recipe) -> dict[str, torch.Tensor]:
    """Release 1 names the head's tensors without ``matcher.``."""
    if recipe.loss != "memory":
        return state
    return {name.removeprefix(_HEAD): value for name, value in state.items()}


def _under_matcher(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    heads = ("bn.", "fc.", "logit_bn.")
    return {
        _HEAD + name if name.startswith(heads) else name: value for name, value in state.items()
    }


def _unfinished_dict(unfinished: Unfinished | None) -> dict[str, Any]:
    if unfinished is None:
        return {}
    return {
        "plan": torch.from_numpy(unfinished.plan.astype(np.int32)),
        "done": unfinished.done,
        "loss_sum": unfinished.loss_sum,
        "accuracy_sum": unfinished.accuracy_sum,
        "samples": unfinished.samples,
    }


def _unfinished(plain: Mapping[str, Any]) -> Unfinished | None:
    if not plain:
        return None
    plan = plain["plan"]
    if not isinstance(plan, torch.Tensor) or plan.ndim != 2 or plan.dtype != torch.int32:
        raise ValueError("the plan of the unfinished epoch is none")
    names = ("done", "samples", "loss_sum", "accuracy_sum")
    if not all(is_number(plain[name]) and plain[name] >= 0 for name in names[:2]):
        raise ValueError("the unfinished epoch counts no batches")
    if not all(isinstance(plain[name], int | float) for name in names):
        raise ValueError("the unfinished epoch has sums that are no numbers")
    if int(plain["done"]) > len(plan) or int((plan < 0).sum()):
        raise ValueError("the unfinished epoch has done more than its plan")
    return Unfinished(
        plan=plan.numpy().astype(np.int64),
        done=int(plain["done"]),
        loss_sum=float(plain["loss_sum"]),
        accuracy_sum=float(plain["accuracy_sum"]),
        samples=int(plain["samples"]),
    )
