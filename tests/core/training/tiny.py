"""A training set of a few coloured people, small enough to be learned within seconds."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from qaconv_core.data import open_dataset
from qaconv_core.models import FeatureNetwork
from qaconv_core.training import Recipe, make_recipe
from qaconv_core.training.people import join_training_sets
from qaconv_core.training.pictures import PictureCache, open_book
from qaconv_core.training.trainer import Surroundings, Trainer
from qaconv_core.types import Dataset

SIZE = (64, 32)


def draw_person(pid: int, view: int) -> np.ndarray:
    """Head, torso and legs in the person's colours before the view's background, (64, 32, 3)."""
    colours = np.random.default_rng(pid).integers(20, 236, size=(3, 3))
    random = np.random.default_rng((pid, view))
    pixels = np.empty((64, 32, 3))
    pixels[:] = random.integers(60, 190, size=3)
    x, y = random.integers(-3, 4, size=2)
    pixels[4 + y : 14 + y, 12 + x : 20 + x] = (200, 160, 130)
    for k, (top, bottom) in enumerate(((14, 34), (34, 54), (54, 60))):
        pixels[top + y : bottom + y, 8 + x : 24 + x] = colours[k]
    pixels *= random.uniform(0.8, 1.2)
    return np.clip(pixels + random.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)


def draw_labels(pid: int, view: int) -> np.ndarray:
    """The label map of :func:`draw_person`, (64, 32)."""
    random = np.random.default_rng((pid, view))
    random.integers(60, 190, size=3)
    x, y = random.integers(-3, 4, size=2)
    labels = np.zeros((64, 32), np.uint8)
    labels[4 + y : 14 + y, 12 + x : 20 + x] = 1
    for label, top, bottom in ((4, 14, 34), (5, 34, 54), (6, 54, 60)):
        labels[top + y : bottom + y, 8 + x : 24 + x] = label
    return labels


def write_people(
    folder: Path, people: int = 6, views: int = 4, *, labels: bool = False, test: bool = True
) -> Path:
    """A Market-1501 folder of tiny people; two views of each are query and gallery too."""
    for split in ("bounding_box_train", "query", "bounding_box_test"):
        (folder / split).mkdir(parents=True, exist_ok=True)
    for pid in range(1, people + 1):
        for view in range(views):
            name = f"{pid:04}_c{view % 2 + 1}s1_{1000 * pid + view:06}_00.png"
            Image.fromarray(draw_person(pid, view)).save(folder / "bounding_box_train" / name)
            if labels:
                place = folder / "labels" / "bounding_box_train"
                place.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw_labels(pid, view)).save(place / name)
        for view, split in ((50, "query"), (51, "bounding_box_test")):
            if test:
                name = f"{500 + pid:04}_c{view % 2 + 1}s1_{1000 * pid + view:06}_00.png"
                Image.fromarray(draw_person(500 + pid, view)).save(folder / split / name)
    return folder


def tiny_dataset(folder: Path, people: int = 6, views: int = 4, *, labels: bool = False) -> Dataset:
    """The folder as a data set."""
    return open_dataset("market", write_people(folder, people, views, labels=labels))


def tiny_book(
    folder: Path, people: int = 6, views: int = 4, *, labels: bool = False
) -> PictureCache:
    """The training pictures in memory."""
    dataset = tiny_dataset(folder, people, views, labels=labels)
    return open_book(join_training_sets([dataset]), SIZE, workers=0)


def tiny_recipe(name: str, **changes: object) -> Recipe:
    """A recipe with a small network that starts from nothing, in plain float32."""
    values: dict[str, object] = {
        "arch": "resnet18",
        "layer": "layer2",
        "neck": 16,
        "input_size": SIZE,
        "init": "none",
        "batch_size": 8,
        "num_instance": 2,
        "amp": "off",
    }
    if name == "v1":
        del values["num_instance"]
    return make_recipe(name, **{**values, **changes})


@cache
def _first_network(
    seed: int, dtype: torch.dtype, *form: str | int | bool | None
) -> tuple[FeatureNetwork, torch.Tensor]:
    """A network of a form in numbers of a type, and torch's random state once it is made."""
    assert dtype == torch.get_default_dtype()
    torch.manual_seed(seed)
    return FeatureNetwork(*form), torch.get_rng_state()  # type: ignore[arg-type]


def tiny_network(recipe: Recipe, seed: int = 0) -> FeatureNetwork:
    """What :func:`new_network` makes of random numbers of a seed: a copy of one that is made once
    for all, as its numbers take longer to draw than a batch takes to learn."""
    assert recipe.init == "none"
    form = recipe.arch, recipe.ibn, recipe.layer, recipe.neck, recipe.neck_bn, recipe.padding
    network, state = _first_network(seed, torch.get_default_dtype(), *form)
    torch.set_rng_state(state)
    return copy.deepcopy(network)


def tiny_trainer(recipe: Recipe, book: PictureCache, seed: int = 0, **around: object) -> Trainer:
    """A trainer with a network of its own."""
    network = tiny_network(recipe, seed)
    return Trainer(recipe, network, book, seed=seed, around=Surroundings(**around))  # type: ignore[arg-type]
