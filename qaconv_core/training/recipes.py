"""How to train, as values: the published recipes, one for starting from nothing, any change.

No torch here: the command line shows recipes without loading it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from qaconv_core.errors import InputError

LOSSES = ("memory", "pairwise", "triplet", "scratch")
SAMPLERS = ("random", "identity", "graph")
SCHEDULES = ("step", "adaptive", "cosine")
OPTIMIZERS = ("sgd", "adamw")
PRECISIONS = ("auto", "off", "float16", "bfloat16")
INITS = ("imagenet", "none")
COARSEST = 48
"""Rows of the coarsest picture that a training picture is made of."""
FROZEN = ("nothing", "stem", "layer1", "layer2", "layer3")


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training picture; the defaults change nothing.

    ``pad`` pixels of black on every side before a crop back to size; ``flip`` chance of mirroring;
    ``rotate`` degrees to either side; ``jitter`` (low, high) factor of brightness, contrast and
    saturation; ``hue`` turn of the hue, ±; ``occlusion`` (min, max) side of a square over the
    shorter edge, always drawn when max > 0, white unless ``occlusion_noise``. The rest belongs to
    the scratch recipe: ``box`` standard deviation of each edge of an imperfect detection box, over
    the picture's side (what lies outside repeats the edge pixels); ``tint`` gain of each colour
    channel, ±; ``grey``, ``blur`` chances of losing colour and detail; ``erase`` chance that the
    occlusion is drawn. For models that start from ImageNet and are to work on real cameras:
    ``coarse`` chance of few pixels (down to :data:`COARSEST` rows) and back, ``motion`` of a moving
    camera, ``jpeg`` of strong compression, ``exposure`` standard deviation of the exposure in
    stops, ``shadow`` chance of a shadow with a hard edge, ``mix`` chance of another picture's
    surroundings behind the person (where both have label maps).
    """

    pad: int = 0
    flip: float = 0.0
    rotate: float = 0.0
    jitter: tuple[float, float] | None = None
    hue: float = 0.0
    occlusion: tuple[float, float] = (0.0, 0.0)
    occlusion_noise: bool = False
    erase: float = 1.0
    box: float = 0.0
    tint: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    coarse: float = 0.0
    motion: float = 0.0
    jpeg: float = 0.0
    exposure: float = 0.0
    shadow: float = 0.0
    mix: float = 0.0


PUBLISHED_V2 = Augmentation(
    pad=10, flip=0.5, rotate=5.0, jitter=(0.5, 2.0), hue=0.1, occlusion=(0.0, 0.8)
)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network is trained, but for data and machine.

    Architecture as :class:`~qaconv_core.models.FeatureNetwork` takes it; ``head`` ``"shared"`` or
    ``"two-sided"``; ``input_size`` (height, width). ``loss`` is one of :data:`LOSSES`; with
    ``seen_classes`` the memory loss leaves out classes without a picture yet; ``sampler``
    one of :data:`SAMPLERS`, ``num_instance`` pictures of a person stand in a batch of
    ``batch_size`` (both without meaning for ``random``); ``gs_pre_epochs`` epochs of random people
    precede the graph sampler, whose distances are re-ranked with ``gs_rerank``. With ``even_head``
    every cell counts alike at first, else by torch's random weights. ``lr`` is the rate of new
    parameters; pre-trained backbones learn at ``base_lr_factor`` of it. ``schedule``: ``step``
    (×0.1 every ``step_size`` epochs),
    ``adaptive`` (×0.1 once the epoch loss falls below ``step_factor`` of the second epoch's, the
    end after half as many epochs again; a ``step_factor`` ≥ 1 is the epoch of a fixed drop),
    ``cosine`` (to zero, after ``warmup`` epochs). Gradients of network and head are clipped to
    ``clip_value`` each (0: not). ``frozen_norms`` keeps the backbone's batch norms as they are;
    ``frozen`` names the last stage whose weights stay as well, one of :data:`FROZEN`.
    ``amp`` is mixed precision: ``auto`` where the machine gains by it.

    The scratch loss weighs ``identity_weight`` cross-entropy on pooled features, as much on
    ``stripes`` stripes of the map, ``contrast_weight`` softmax contrast over logits / ``contrast
    temperature``, ``part_weight`` and ``background_weight`` supervision by label maps, and
    ``view_weight`` agreement of views of one picture, which then stands ``views`` times among a
    person's ``num_instance`` pictures, in different random changes. ``calibrate`` fits scale and
    zero of the logits to training pairs after the last epoch (:mod:`~qaconv_core.training.
    calibration`). ``teachers`` are finished models, files or ``"demo"``, whose logits the scratch
    loss learns with weight ``teacher_weight`` (:mod:`~qaconv_core.training.teaching`). ``average``
    is the share of the run, at its end, whose weights are averaged into the final ones.
    """

    name: str
    arch: str = "resnet50"
    ibn: str | None = None
    layer: str = "layer3"
    neck: int = 128
    neck_bn: bool = False
    head: str = "shared"
    padding: str = "zeros"
    input_size: tuple[int, int] = (384, 128)
    init: str = "imagenet"
    loss: str = "triplet"
    margin: float = 16.0
    mem_batch_size: int = 16
    seen_classes: bool = True
    sampler: str = "graph"
    batch_size: int = 64
    num_instance: int = 2
    gs_pre_epochs: int = 0
    gs_rerank: bool = False
    even_head: bool = True
    optimizer: str = "sgd"
    lr: float = 0.005
    base_lr_factor: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "step"
    epochs: int = 60
    step_size: int = 40
    step_factor: float = 0.7
    warmup: float = 0.0
    clip_value: float = 0.0
    frozen_norms: bool = False
    frozen: str = "nothing"
    amp: str = "off"
    augmentation: Augmentation = Augmentation()
    identity_weight: float = 0.5
    stripes: int = 4
    smoothing: float = 0.1
    contrast_weight: float = 1.0
    contrast_temperature: float = 2.0
    part_weight: float = 0.0
    background_weight: float = 0.0
    view_weight: float = 0.0
    views: int = 1
    calibrate: bool = False
    teachers: tuple[str, ...] = ()
    teacher_weight: float = 3.0
    average: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    @property
    def people_per_batch(self) -> int:
        """How many persons share a batch (identity and graph sampler)."""
        return self.batch_size // self.num_instance

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts, for checkpoints and logs."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def _check(recipe: Recipe) -> None:
    for name, allowed in (
        ("loss", LOSSES),
        ("sampler", SAMPLERS),
        ("schedule", SCHEDULES),
        ("optimizer", OPTIMIZERS),
        ("amp", PRECISIONS),
        ("init", INITS),
        ("frozen", FROZEN),
        ("head", ("shared", "two-sided")),
    ):
        value = getattr(recipe, name)
        if value not in allowed:
            raise InputError(f"unknown {name} {value!r}: choose from {', '.join(allowed)}")
    _check_numbers(recipe)
    if recipe.sampler != "random":
        _check_batch(recipe)
    elif recipe.loss != "memory":
        raise InputError(
            f"the {recipe.loss} loss needs several pictures of a person in a batch: "
            "use the identity or graph sampler"
        )
    if recipe.teachers and recipe.loss != "scratch":
        raise InputError("only the scratch and lite recipes learn from teachers")
    low, high = recipe.augmentation.occlusion
    if not 0 <= low <= high <= 1:
        raise InputError(f"--min_size {low} and --max_size {high} must lie in order within 0 … 1")


def _check_numbers(recipe: Recipe) -> None:
    for name in (
        "batch_size",
        "num_instance",
        "epochs",
        "step_size",
        "mem_batch_size",
        "stripes",
        "views",
    ):
        if getattr(recipe, name) < 1:
            raise InputError(f"{name} must be at least 1, not {getattr(recipe, name)}")
    for field in fields(recipe):
        value = getattr(recipe, field.name)
        if isinstance(value, float) and not (math.isfinite(value) and value >= 0):
            raise InputError(f"{field.name} must be a finite number from 0, not {value}")
    if recipe.average > 1:
        raise InputError(f"average must be a share of the run, at most 1, not {recipe.average}")
    if recipe.lr <= 0:
        raise InputError("lr must be above 0")
    if min(recipe.input_size) < 32:
        raise InputError(f"the input must be at least 32×32 pixels, not {recipe.input_size}")


def _check_batch(recipe: Recipe) -> None:
    if recipe.num_instance < 2:
        raise InputError("num_instance must be at least 2: true pairs are learned from")
    if recipe.num_instance % recipe.views or recipe.num_instance // recipe.views < 2:
        raise InputError(
            f"{recipe.num_instance} pictures of a person cannot be {recipe.views} views each of "
            "at least two pictures: make num_instance a larger multiple of views"
        )
    if recipe.view_weight > 0 and recipe.views < 2:
        raise InputError("view_weight compares views of one picture: set views to 2 or more")
    if recipe.batch_size % recipe.num_instance or recipe.people_per_batch < 2:
        raise InputError(
            f"a batch of {recipe.batch_size} cannot hold at least two people with "
            f"{recipe.num_instance} pictures each: make it a larger multiple of num_instance"
        )


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="v1",
            neck_bn=True,
            head="two-sided",
            even_head=False,
            loss="memory",
            sampler="random",
            batch_size=32,
            lr=0.01,
            epochs=60,
            step_size=40,
            augmentation=Augmentation(flip=0.5, occlusion=(0.0, 0.8)),
        ),
        Recipe(
            name="v2.0",
            ibn="b",
            neck=64,
            neck_bn=True,
            head="two-sided",
            even_head=False,
            gs_rerank=True,
            loss="pairwise",
            num_instance=4,
            gs_pre_epochs=1,
            lr=0.001,
            epochs=15,
            step_size=10,
            clip_value=512.0,
            augmentation=PUBLISHED_V2,
        ),
        Recipe(
            name="v2.1",
            ibn="b",
            schedule="adaptive",
            clip_value=8.0,
            frozen_norms=True,
            amp="auto",
            augmentation=PUBLISHED_V2,
        ),
        Recipe(
            name="scratch",
            arch="resnet18",
            ibn="b",
            neck=128,
            padding="replicate",
            input_size=(192, 96),
            init="none",
            loss="scratch",
            sampler="identity",
            num_instance=4,
            optimizer="adamw",
            lr=1e-3,
            base_lr_factor=1.0,
            weight_decay=0.02,
            schedule="cosine",
            epochs=60,
            warmup=1.0,
            clip_value=10.0,
            amp="auto",
            part_weight=0.5,
            background_weight=1.0,
            calibrate=True,
            augmentation=Augmentation(
                flip=0.5,
                rotate=4.0,
                jitter=(0.6, 1.6),
                hue=0.05,
                occlusion=(0.15, 0.6),
                occlusion_noise=True,
                erase=0.5,
                box=0.06,
                tint=0.15,
                grey=0.05,
                blur=0.3,
            ),
        ),
    )
}
RECIPES["v1.0"] = replace(RECIPES["v1"], name="v1.0", seen_classes=False)
RECIPES["lite"] = replace(
    RECIPES["scratch"],
    name="lite",
    arch="efficientnet_lite0",
    ibn=None,
    padding="zeros",
    init="imagenet",
    base_lr_factor=0.3,
    epochs=12,
    warmup=0.3,
    frozen_norms=True,
    frozen="layer2",
    amp="off",
    part_weight=0.8,
    background_weight=2.0,
    augmentation=replace(
        RECIPES["scratch"].augmentation,
        jitter=(0.75, 1.33),
        hue=0.03,
        box=0.07,
        blur=0.15,
        coarse=0.3,
        motion=0.1,
        jpeg=0.3,
        exposure=0.3,
        shadow=0.15,
        mix=0.4,
    ),
)
"""Published recipes by name, and ours for starting from nothing or from a small network."""

_AUGMENTATION_FIELDS = tuple(field.name for field in fields(Augmentation))
_FIELDS = tuple(field.name for field in fields(Recipe) if field.name != "augmentation")


def make_recipe(name: str = "v2.1", **changes: Any) -> Recipe:
    """The recipe ``name`` with :func:`change_recipe`'s changes."""
    if name not in RECIPES:
        raise InputError(f"unknown recipe {name!r}: choose from {', '.join(RECIPES)}")
    return change_recipe(RECIPES[name], **changes)


def change_recipe(recipe: Recipe, **changes: Any) -> Recipe:
    """``recipe`` with changed fields, its own or those of its augmentation.

    A change to None leaves the recipe's value; ``ibn`` and ``jitter`` are taken away by
    ``"none"``. Raises :class:`InputError` for unknown names and impossible values.
    """
    wanted = {key: value for key, value in changes.items() if value is not None}
    unknown = next((key for key in wanted if key not in _FIELDS + _AUGMENTATION_FIELDS), None)
    if unknown is not None:
        raise InputError(f"a recipe has no {unknown!r}: it has {', '.join(_FIELDS)}")
    for key in ("ibn", "jitter"):
        if wanted.get(key) == "none":
            wanted[key] = None
    own = {key: value for key, value in wanted.items() if key in _FIELDS}
    pictures = {key: value for key, value in wanted.items() if key in _AUGMENTATION_FIELDS}
    return replace(recipe, **own, augmentation=replace(recipe.augmentation, **pictures))


def recipe_from_dict(plain: dict[str, Any]) -> Recipe:
    """The recipe that :meth:`Recipe.to_dict` wrote, e.g. into a checkpoint."""
    try:
        values = dict(plain)
        pictures = {key: _tuple(value) for key, value in values.pop("augmentation").items()}
        own = {key: _tuple(value) for key, value in values.items()}
        return Recipe(**own, augmentation=Augmentation(**pictures))
    except InputError:
        raise
    except (TypeError, KeyError, AttributeError, ValueError, ArithmeticError) as error:
        raise InputError(f"the recipe in the checkpoint cannot be read ({error})") from None


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
