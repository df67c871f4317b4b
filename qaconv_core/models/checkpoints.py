"""Reading published checkpoints without being told what they are.

A checkpoint is a dict with ``model`` (``base.*``, ``neck_conv.*``, perhaps ``neck_bn.*``) and
``criterion`` (the QAConv head, bare in releases 1.x, under ``matcher.`` later). Everything about
the network is read from names and shapes; whatever contradicts it is met with one line that names
the tensor. The file is somebody else's: it is only ever read with ``weights_only=True``.
"""

from __future__ import annotations

import contextlib
import os
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qaconv_core.errors import CheckpointError, TrainingSizeError
from qaconv_core.files import check_input, file_sha256
from qaconv_core.models.backbone import (
    LAYERS,
    PADDINGS,
    SMALL_PLANS,
    FeatureNetwork,
    feature_grid,
    stage_channels,
)
from qaconv_core.models.camera_correction import CameraCorrection, read_correction
from qaconv_core.models.inverted_residual import block_signature
from qaconv_core.models.qaconv import QAConv, head_kind, head_tensors, strip_prefixes
from qaconv_core.readable import shown
from qaconv_core.types import FIRST_RELEASES, ModelSpec

ADAPTED = "adapted"
"""The entry of a checkpoint that says how the model was adapted to somebody's cameras."""
CORRECTION = "camera_correction"
"""The entry of an adapted checkpoint that undoes what each of its cameras does to all maps."""
MIRRORED = "mirrored"
"""The entry, true, of a checkpoint whose maps are averaged with those of mirrored pictures."""
PUBLISHED_SIZE = (384, 128)
"""Training size (height, width) of every published checkpoint, in pixels."""

_BLOCK_COUNTS = {
    (False, (2, 2, 2)): "resnet18",
    (False, (3, 4, 6)): "resnet34",
    (True, (3, 4, 6)): "resnet50",
    (True, (3, 4, 23)): "resnet101",
    (True, (3, 8, 36)): "resnet152",
}
_SMALLEST_SIDE, _LARGEST_SIDE = 16, 4096
_LARGEST_EPOCH = 1_000_000
_CAN_REPLACE_MAPPED = os.name != "nt"
"""Whether a file can be written anew while somebody has it mapped."""
_OWN = ("base.", "neck_conv.", "neck_bn.")
_STAGES = ("layer1", "layer2", "layer3", "layer4")

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read and understood; ``notes`` says what had to be assumed."""

    spec: ModelSpec
    network: FeatureNetwork
    matcher: QAConv
    notes: tuple[str, ...] = ()


def load_checkpoint(path: str | Path, *, input_size: tuple[int, int] | None = None) -> Checkpoint:
    """Read a checkpoint of any published release, on the CPU, in evaluation mode, float32.

    ``input_size`` (height, width) overrules what is read from the file; it is needed only for
    networks trained at another size than the published ones.
    Raises :class:`CheckpointError`, one line with the file, the tensor and what was expected.
    """
    path = Path(path)
    content = read_tensors(path)
    try:
        model, criterion = _parts(content)
        spec, notes = read_spec(model, criterion, input_size or _stored_size(content))
        network = _network(spec, model, _stored_padding(content))
        if CORRECTION in content:
            network.correction = _stored_correction(content, spec)
        network.mirrored = _stored_mirrored(content)
        matcher = QAConv.from_state_dict(criterion, spec.grid)
        for name, tensor in matcher.state_dict().items():
            check_values(name, tensor)
        if not matcher.affine().finite:
            raise CheckpointError("the head's weights are too large to give a logit")
    except TrainingSizeError as error:
        raise TrainingSizeError(f"{path}: {error.mismatch}") from None
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    spec = replace(
        spec,
        release=_release(spec.head, content["criterion"]),
        epoch=_stored_epoch(content),
        path=str(path),
        sha256=file_sha256(path),
        adapted=_stored_adaptation(content),
    )
    parts = [spec.adapted, *_changes_of_maps(network)]
    spec = replace(spec, adapted=", ".join(part for part in parts if part))
    if spec.adapted:
        notes.append(f"the model was {spec.adapted}")
    return Checkpoint(spec, network, matcher, tuple(notes))


def read_tensors(path: Path) -> dict[str, Any]:
    """The dict in a checkpoint file; refuses whatever is not plain tensors and numbers.

    Tensors of a file in torch's archive form are mapped, not read: a number is fetched from the
    disk when it is looked at. Copy what has to outlive the file.
    """
    check_input(path, "checkpoint file", CheckpointError)
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from None
    if not head:
        raise CheckpointError(f"{path}: is empty (0 bytes); download or copy it again")
    archive = head.startswith(b"PK")
    if archive:
        _check_archive(path)
    try:
        with _numpy_scalars_allowed(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what is wrong is said below, in one line
            content = torch.load(
                path, map_location="cpu", weights_only=True, mmap=archive and _CAN_REPLACE_MAPPED
            )
    except Exception as error:
        # torch raises half a dozen unrelated types for bytes that are not what they should be.
        raise CheckpointError(f"{path}: {_why_unreadable(head, error)}") from None
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise CheckpointError(f"{path}: holds a {kind}, not the dict of a QAConv checkpoint")
    return content


def _check_archive(path: Path) -> None:
    """Refuse an archive with compressed members: torch writes none, and they unpack to anything."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception:  # a damaged directory: torch says more
        return
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CheckpointError(
            f"{path}: is a compressed archive, which torch.save does not write; save it anew with "
            "torch.save"
        )


@contextlib.contextmanager
def _numpy_scalars_allowed() -> Iterator[None]:
    """Let the loader accept NumPy numbers (epochs, accuracies), which carry no code."""
    scalar = getattr(np, "_core", getattr(np, "core", None)).multiarray.scalar  # type: ignore[union-attr]
    # Files written under NumPy 1 and 2 name the same function by different modules.
    allowed: list[Any] = [
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        *{type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "?")},
    ]
    with torch.serialization.safe_globals(allowed):
        yield


def _why_unreadable(head: bytes, error: Exception) -> str:
    text = str(error)
    if head.startswith(b"PK"):
        if "weights_only" in text or "WeightsUnpickler" in text:
            return _foreign_objects(text)
        return "is truncated or damaged; download or copy it again"
    if head[:1] == b"\x80":
        if _foreign_global(text):
            return _foreign_objects(text)
        return (
            "is an old or foreign pickle that cannot be read safely; save it anew with torch.save"
        )
    return "is not a checkpoint (torch.save file)"


def _foreign_global(text: str) -> str:
    """The class or function that torch refused to load, as ``module.name``; "" for none."""
    found = re.search(r"GLOBAL ([\w.]+)", text) or re.search(
        r"[Uu]nsupported (?:global|class):?\W+([\w.]+)", text
    )
    return "" if found is None else found.group(1)


def _foreign_objects(text: str) -> str:
    name = _foreign_global(text)
    what = f" ({name})" if name else ""
    if name.startswith("numpy"):
        what = f" (a NumPy array: {name})"
    alone = "torch.save({'model': c['model'], 'criterion': c['criterion']}, 'weights.pth.tar')"
    return (
        f"holds objects other than tensors{what} and is not loaded, since such a file can run "
        f"code; save the weights alone: {alone}"
    )


def _stored_epoch(content: Mapping[str, Any]) -> int | None:
    epoch = content.get("epoch")
    if isinstance(epoch, (int, np.integer)) and 0 <= epoch < _LARGEST_EPOCH:
        return int(epoch)
    return None


def _stored_adaptation(content: Mapping[str, Any]) -> str:
    """How the model was adapted, in words; "" where it was not, or does not tell."""
    record = content.get(ADAPTED)
    if not isinstance(record, Mapping):
        return ""

    def text(name: str) -> str:
        return shown(str(record.get(name, "?")))[:80]

    words = f"adapted without labels to {text('pictures')} pictures of {text('on')}"
    cameras = record.get("cameras")
    if isinstance(cameras, int) and cameras > 0:
        words += f" ({cameras} camera{'s' if cameras > 1 else ''})"
    return f"{words} on {text('when')}, from {text('from')}"


def _stored_correction(content: Mapping[str, Any], spec: ModelSpec) -> CameraCorrection:
    entry = content[CORRECTION]
    for name, part in entry.items() if isinstance(entry, Mapping) else ():
        if isinstance(part, torch.Tensor):
            _check_kind(f"{name} of {CORRECTION!r}", part)
    try:
        return read_correction(entry, spec.channels, spec.grid)
    except ValueError as error:
        raise CheckpointError(f"entry {CORRECTION!r} {error}; the file is damaged") from None


def _stored_mirrored(content: Mapping[str, Any]) -> bool:
    found = content.get(MIRRORED, False)
    if not isinstance(found, bool):
        kind = type(found).__name__
        raise CheckpointError(f"entry {MIRRORED!r} is of type {kind}, expected true or false")
    return found


def _changes_of_maps(network: FeatureNetwork) -> list[str]:
    """What is done to the maps after the network's own stages, in words."""
    words = []
    if network.correction is not None:
        cameras = network.correction.cameras
        words.append(f"maps corrected for {cameras} cameras, recognised by the picture")
    if network.mirrored:
        words.append("maps averaged with those of the mirrored picture")
    return words


def _stored_size(content: Mapping[str, Any]) -> tuple[int, int] | None:
    """Input size that our own trainer writes beside the tensors; upstream's files have none."""
    size = content.get("input_size")
    if isinstance(size, (list, tuple)) and len(size) == 2 and all(isinstance(s, int) for s in size):
        if not all(_SMALLEST_SIDE <= s <= _LARGEST_SIDE for s in size):
            raise CheckpointError(
                f"entry 'input_size' is out of range, expected {_SMALLEST_SIDE} to {_LARGEST_SIDE} "
                "pixels a side"
            )
        return int(size[0]), int(size[1])
    return None


def _stored_padding(content: Mapping[str, Any]) -> str:
    """How our own trainer padded the network's convolutions; upstream's files all use zeros."""
    padding = content.get("padding", "zeros")
    if not isinstance(padding, str) or padding not in PADDINGS:
        raise CheckpointError(
            f"entry 'padding' is {str(padding)[:40]!r}, expected one of {', '.join(PADDINGS)}"
        )
    return padding


def _parts(content: Mapping[str, Any]) -> tuple[Tensors, Tensors]:
    """The tensors of ``model`` and ``criterion`` by bare names; checks that they are tensors."""
    parts: list[Tensors] = []
    for name in ("model", "criterion"):
        part = content.get(name)
        if not isinstance(part, Mapping):
            seen = ", ".join(sorted(str(key) for key in content)[:6]) or "nothing"
            raise CheckpointError(
                f"has no '{name}' part; a QAConv checkpoint holds 'model' and 'criterion', "
                f"this file holds: {seen}"
            )
        parts.append(_clean(name, part))
    return parts[0], parts[1]


def _clean(part_name: str, part: Mapping[Any, Any]) -> Tensors:
    tensors: Tensors = {}
    for raw_name, value in part.items():
        if not isinstance(value, torch.Tensor):
            raise CheckpointError(f"entry {raw_name!r} of '{part_name}' is not a tensor")
        _check_kind(str(raw_name), value)
        tensors[strip_prefixes(str(raw_name))] = value
    return tensors


def _check_kind(name: str, tensor: torch.Tensor) -> None:
    """Refuse what is no plain array of numbers; no number is looked at."""
    kind = ""
    if tensor.layout != torch.strided:
        kind = "is sparse"
    elif tensor.is_quantized:
        kind = "is quantised"
    elif tensor.device.type != "cpu":
        kind = f"has no numbers (device {tensor.device.type})"
    elif tensor.is_nested or tensor.is_complex():
        kind = f"holds {'tensors' if tensor.is_nested else 'complex numbers'}"
    elif tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        kind = f"promises {tensor.numel():,} numbers and holds fewer (an expanded tensor)"
    if kind:
        raise CheckpointError(f"tensor {name} {kind}; save plain tensors of numbers")


def check_values(name: str, tensor: torch.Tensor) -> None:
    """Refuse numbers that no network has: NaN, infinite, a negative variance.

    ``tensor`` has the shape and the type that the network needs.
    """
    if not tensor.is_floating_point():
        return
    if not bool(torch.isfinite(tensor).all()):
        raise CheckpointError(f"tensor {name} holds numbers that are not finite in float32")
    if name.endswith("running_var") and bool((tensor < 0).any()):
        raise CheckpointError(f"tensor {name} holds negative variances; the file is damaged")


def read_spec(
    model: Tensors,
    criterion: Tensors,
    input_size: tuple[int, int] | None = None,
) -> tuple[ModelSpec, list[str]]:
    """What the tensors say the network is, and notes on what had to be assumed.

    The stage that feeds the head follows from the neck's input channels, or without a neck from
    the length of ``fc.weight``: published files often carry all of ResNet. ResNet-50 and -101 cut
    after layer2 are one and the same network and are called ResNet-50.
    """
    arch = _architecture(model)
    neck, neck_bn = _neck(model)
    head = head_tensors(criterion)
    fc_inputs = int(head["fc.weight"].shape[-1])
    size = input_size or PUBLISHED_SIZE
    layer = _final_layer(model, arch, fc_inputs, size)
    notes: list[str] = []
    kind = _norm_kind(model, notes)
    grid = feature_grid(size, layer)
    cells = grid[0] * grid[1]
    if fc_inputs not in (cells, 2 * cells):
        raise TrainingSizeError(
            f"tensor fc.weight of the head has {fc_inputs} inputs; {layer} of a "
            f"{size[0]}×{size[1]} picture has a {grid[0]}×{grid[1]} grid, so {cells} (shared head) "
            f"or {2 * cells} (two-sided head) were expected"
        )
    head_type = head_kind(head["fc.weight"], grid)
    spec = ModelSpec(
        arch=arch,
        ibn=kind,
        layer=layer,
        neck=neck,
        neck_bn=neck_bn,
        head=head_type,
        grid=grid,
        channels=neck or stage_channels(arch, layer),
        input_size=size,
    )
    return spec, notes


def _architecture(model: Tensors) -> str:
    if "base.layer1.0.depthwise.weight" in model:
        return _small_architecture(model)
    counts = {stage: _block_count(model, stage) for stage in _STAGES}
    if "base.conv1.weight" not in model or counts["layer1"] == 0 or counts["layer2"] == 0:
        seen = ", ".join(list(model)[:3]) or "none"
        raise CheckpointError(
            f"tensor base.conv1.weight or base.layer1/2 is missing; this is no QAConv model with a "
            f"known backbone (first tensors: {seen})"
        )
    bottleneck = "base.layer1.0.conv3.weight" in model
    found = (counts["layer1"], counts["layer2"], counts["layer3"])
    for (deep, published), arch in _BLOCK_COUNTS.items():
        # A file cut after layer2 says nothing of layer3.
        if deep == bottleneck and all(
            f in (0, p) if i == 2 else f == p
            for i, (f, p) in enumerate(zip(found, published, strict=True))
        ):
            return arch
    raise CheckpointError(
        f"tensors base.layer1–3 have {found[0]}, {found[1]}, {found[2]} blocks "
        f"({'with' if bottleneck else 'without'} bottlenecks), which no supported ResNet has "
        "(18, 34, 50, 101, 152)"
    )


def _small_architecture(model: Tensors) -> str:
    """Told by kernels and channels of the blocks; a file cut after a stage has no later ones."""
    found = {stage: _small_blocks(model, stage) for stage in _STAGES}
    for arch, plan in SMALL_PLANS.items():
        if found["layer2"] and all(
            blocks in ((), block_signature(plan, stage)) for stage, blocks in found.items()
        ):
            return arch
    raise CheckpointError(
        "tensors base.layer1–4 have "
        + ", ".join(str(len(blocks)) for blocks in found.values())
        + " depthwise blocks with kernels and channels that no supported network has ("
        + ", ".join(SMALL_PLANS)
        + ")"
    )


def _small_blocks(model: Tensors, stage: str) -> tuple[tuple[int, int], ...]:
    blocks = []
    for number in range(_block_count(model, stage)):
        name = f"base.{stage}.{number}"
        depthwise = model.get(f"{name}.depthwise.weight")
        project = model.get(f"{name}.project.weight")
        if depthwise is None or project is None or depthwise.ndim != 4:
            missing = "project" if project is None else "depthwise"
            raise CheckpointError(f"tensor {name}.{missing}.weight is missing or of another shape")
        blocks.append((int(depthwise.shape[-1]), int(project.shape[0])))
    return tuple(blocks)


def _block_count(model: Tensors, stage: str) -> int:
    numbers = {
        int(found.group(1))
        for name in model
        if (found := re.match(rf"base\.{stage}\.([0-9]{{1,4}})\.", name))
    }
    return max(numbers) + 1 if numbers else 0


def _neck(model: Tensors) -> tuple[int, bool]:
    """(channels, whether a batch norm follows); (0, False) without a neck."""
    weight = model.get("neck_conv.weight")
    if weight is None:
        stray = next((name for name in model if name.startswith("neck_")), None)
        if stray is not None:
            raise CheckpointError(f"tensor neck_conv.weight is missing, though {stray} is there")
        return 0, False
    if weight.ndim != 4 or tuple(weight.shape[2:]) != (3, 3):
        raise CheckpointError(
            f"tensor neck_conv.weight has shape {tuple(weight.shape)}, expected (neck, C, 3, 3)"
        )
    return int(weight.shape[0]), any(name.startswith("neck_bn.") for name in model)


def _final_layer(model: Tensors, arch: str, fc_inputs: int, size: tuple[int, int]) -> str:
    weight = model.get("neck_conv.weight")
    if weight is not None:
        channels = int(weight.shape[1])
        by_channels = {stage_channels(arch, layer): layer for layer in LAYERS}
        if channels not in by_channels:
            raise CheckpointError(
                f"tensor neck_conv.weight takes {channels} channels; the stages of {arch} give "
                + ", ".join(f"{count} ({layer})" for count, layer in by_channels.items())
            )
        return by_channels[channels]
    for layer in LAYERS:
        h, w = feature_grid(size, layer)
        if fc_inputs in (h * w, 2 * h * w):
            return layer
    raise TrainingSizeError(
        f"tensor fc.weight of the head has {fc_inputs} inputs, which fits no layer of a "
        f"{size[0]}×{size[1]} picture"
    )


def _norm_kind(model: Tensors, notes: list[str]) -> str | None:
    """Which IBN variant the names show; None for plain batch norms."""
    if "base.layer1.0.bn1.IN.weight" in model:
        return "a"
    if any(re.fullmatch(r"base\.layer1\.\d+\.IN\.weight", name) for name in model):
        return "b"
    if any(name.startswith("base.bn1.") for name in model):
        return None
    notes.append(
        "the first norm (base.bn1) has no tensors: taken as the first release's IBN-b with "
        "parameterless instance norms after the stem, layer1 and layer2; which stages had one "
        "is not in the file"
    )
    return "b-v1"


def _release(head: str, criterion: Mapping[str, Any]) -> str:
    """The release that wrote a checkpoint: the first ones kept the head's tensors by bare names,
    later ones under ``matcher.``; 1.2 also kept which classes it had seen."""
    if head == "shared":
        return "v2.1 or later"
    later = any("matcher" in str(name).split(".")[:-1] for name in criterion)
    if later:
        return "v2.0"
    seen = any(str(name).split(".")[-1] == "valid_class" for name in criterion)
    return "v1.2" if seen else FIRST_RELEASES


def _network(spec: ModelSpec, model: Tensors, padding: str = "zeros") -> FeatureNetwork:
    # Without memory at first: initial weights of a deep ResNet take longer than all the rest.
    with torch.device("meta"):
        network = FeatureNetwork(spec.arch, spec.ibn, spec.layer, spec.neck, spec.neck_bn, padding)
    expected = network.state_dict()
    kept = {name: value for name, value in model.items() if _belongs(name, spec.layer)}
    for name, tensor in expected.items():
        if name not in kept:
            if name.endswith("num_batches_tracked"):
                kept[name] = torch.tensor(0)
                continue
            raise CheckpointError(
                f"tensor {name} is missing, expected shape {tuple(tensor.shape)} "
                f"({spec.describe()})"
            )
        if kept[name].shape != tensor.shape:
            raise CheckpointError(
                f"tensor {name} has shape {tuple(kept[name].shape)}, expected "
                f"{tuple(tensor.shape)} ({spec.describe()})"
            )
    stray = next((name for name in kept if name not in expected and name.startswith(_OWN)), None)
    if stray is not None:
        raise CheckpointError(f"tensor {stray} does not belong to {spec.describe()}")
    # Copies of the file's tensors take the places: filling empty ones would load torch's compiler.
    tensors = {
        name: kept[name].to(tensor.dtype, copy=True).contiguous()
        for name, tensor in expected.items()
    }
    for name, tensor in tensors.items():
        check_values(name, tensor)
    network.load_state_dict(tensors, assign=True)
    return network.eval()


def _belongs(name: str, layer: str) -> bool:
    """Whether a tensor is part of the cut network (files often carry the whole ResNet)."""
    later = tuple(f"base.{stage}." for stage in LAYERS if stage > layer)
    return not name.startswith((*later, "base.fc.", "base.avgpool."))
