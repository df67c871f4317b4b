"""One round's training: the trainer that is there, on groups in place of people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from qaconv_core.adaptation.defaults import EPOCHS, RATE, SHARE
from qaconv_core.adaptation.grouping import ALONE
from qaconv_core.errors import CheckpointError
from qaconv_core.models.backbone import SMALL_PLANS
from qaconv_core.models.checkpoints import Checkpoint, load_checkpoint, read_tensors
from qaconv_core.training.calibration import calibrate
from qaconv_core.training.checkpoint import read_calibration
from qaconv_core.training.people import TrainingSet
from qaconv_core.training.pictures import PictureCache
from qaconv_core.training.recipes import RECIPES, Recipe, change_recipe
from qaconv_core.training.trainer import Surroundings, Trainer
from qaconv_core.types import Int64, ModelSpec

PASSES = 16_000
"""Pictures that a round shows to the network about at most, counted again in every epoch."""
MOST_LEARNED = 4000
"""Pictures that a round learns from at most."""
_BATCH = 64


def thinned(labels: Int64, cameras: Int64, most: int = MOST_LEARNED) -> Int64:
    """Places, ascending, of the grouped pictures to learn from, at most about ``most``.

    Where there are more, the largest groups give up pictures, those of cameras that they have most
    pictures of.
    """
    kept = np.flatnonzero(labels != ALONE)
    if len(kept) <= most:
        return kept
    # The how-manieth picture of its group, cameras taken in turn, a picture is.
    turn = _counted(labels[kept] * (cameras.max() + 2) + cameras[kept] + 1)
    order = np.lexsort((kept, turn, labels[kept]))
    place = np.empty(len(kept), dtype=np.int64)
    place[order] = _counted(labels[kept][order])
    return kept[np.sort(np.lexsort((kept, place))[:most])]


def _counted(keys: Int64) -> Int64:
    """How many equal keys stand before each."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.searchsorted(ordered, ordered)
    out = np.empty(len(keys), dtype=np.int64)
    out[order] = np.arange(len(keys)) - first
    return out


def epochs_of(learned: float, epochs: int) -> int:
    """Epochs of a round: ``epochs``, or fewer where so many pictures would take too long."""
    return max(1, min(epochs, round(PASSES / max(learned, 1))))


def passes(learned: float, epochs: int) -> float:
    """Pictures that a round shows to the network, counted again in every epoch."""
    return learned * epochs_of(learned, epochs)


def adapting_recipe(
    spec: ModelSpec, padding: str, epochs: int = EPOCHS, lr: float = RATE
) -> Recipe:
    """The scratch recipe's losses for a finished network of any published form.

    Label maps are learned from where pictures have them. Networks that came from ImageNet keep
    their norms; the deeper ResNets learn their backbone slowly, small networks from layer2 on.
    """
    small = spec.arch in SMALL_PLANS
    base = RECIPES["lite" if small else "scratch"]
    own = not small and spec.arch == "resnet18"
    return change_recipe(
        base,
        arch=spec.arch,
        ibn=spec.ibn or "none",
        layer=spec.layer,
        neck=spec.neck,
        neck_bn=spec.neck_bn,
        head=spec.head,
        padding=padding,
        input_size=spec.input_size,
        init="none",
        lr=lr,
        base_lr_factor=1.0 if small or own else 0.1,
        frozen="layer1" if small else base.frozen,
        frozen_norms=not own,
        epochs=epochs,
        batch_size=_BATCH,
        calibrate=False,  # after the averaging
        mix=0.0,
    )


def grouped_book(book: PictureCache, chosen: Int64, labels: Int64) -> PictureCache:
    """The pictures ``chosen`` of ``book`` with ``labels`` (n,) of the whole as people."""
    people = book.people
    assert not (labels[chosen] == ALONE).any()
    _, numbers = np.unique(labels[chosen], return_inverse=True)
    subset = TrainingSet(
        people.name,
        tuple(people.refs[i] for i in chosen),
        numbers.reshape(-1).astype(np.int64),
        people.cameras[chosen],
        (None,) * len(chosen),
    )
    return PictureCache(subset, book.size, None if book.pixels is None else book.pixels[chosen])


def new_trainer(
    recipe: Recipe,
    start: Path,
    book: PictureCache,
    *,
    seed: int,
    around: Surroundings,
    resume: Path | None = None,
) -> Trainer:
    """A trainer of the model in ``start``, or one that goes on at ``resume``."""
    torch.manual_seed(seed)
    model = _learnable(start, recipe)
    trainer = Trainer(recipe, model.network, book, seed=seed, pretrained=True, around=around)
    if resume is not None:
        trainer.restore(resume)
    else:
        trainer.criterion.matcher.load_state_dict(model.matcher.state_dict())
    return trainer


def average_with_start(
    trainer: Trainer, start: Path, book: PictureCache, share: float = SHARE
) -> None:
    """Move the trained weights back towards the model in ``start``: ``share`` of what they know
    beyond it stays; called once more, that share of the rest. Then give the logits scale and zero
    by pairs of the pictures of ``book``.

    Between old and new weights lie models that know the new cameras and have forgotten less
    (Wortsman et al., CVPR 2022).
    """
    model = _learnable(start, trainer.recipe)
    matcher = trainer.criterion.matcher
    if trainer.calibration is not None:
        back = trainer.calibration.inverse
        matcher.rescale_logits(back.slope, back.shift)
    for new, old in ((trainer.network, model.network), (matcher, model.matcher)):
        before = old.state_dict()
        with torch.no_grad():
            for name, value in new.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(before[name].to(value.device), 1 - share)
    around = trainer.around
    found = calibrate(
        trainer.network,
        matcher.affine(),
        book,
        trainer.recipe.augmentation,
        device=trainer.device,
        seed=trainer.seed,
        precision=trainer.precision,
        progress=around.progress,
        cancel=around.cancel,
    )
    if found is not None:
        matcher.rescale_logits(found.slope, found.shift)
    trainer.calibration = found


def _learnable(start: Path, recipe: Recipe) -> Checkpoint:
    """The model in ``start`` with the logits that a loss knew, before any calibration, and with
    maps as its stages give them."""
    model = load_checkpoint(start, input_size=recipe.input_size)
    model.network.correction, model.network.mirrored = None, False
    try:
        calibration = read_calibration(read_tensors(start))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{start}: is damaged ({error})") from None
    if calibration is not None:
        back = calibration.inverse
        model.matcher.rescale_logits(back.slope, back.shift)
    return model
