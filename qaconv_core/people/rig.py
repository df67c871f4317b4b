"""The skeleton: readers of .mhskel and .mhw, and the skinning they serve.

A pose is a world rotation for some bones; a bone without one turns with its parent. Skin follows
its bones by linear blend skinning (Magnenat-Thalmann et al. 1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qaconv_core.errors import InputError
from qaconv_core.people.arrays import Floats, Ints
from qaconv_core.people.formats import read_lines
from qaconv_core.store.records import DamagedRecord, parse_json

Rotations = dict[str, Floats]
INFLUENCES = 4
"""Bones that move one vertex, at most."""


@dataclass(frozen=True)
class Skeleton:
    """Bones in an order where parents come first.

    ``parents`` (b,) is −1 at the root; ``joints`` are, per bone, the base vertices whose mean is
    the bone's head; ``tails`` likewise; ``weights`` (vertices, b) sum to one per vertex.
    """

    names: tuple[str, ...]
    parents: Ints
    joints: tuple[Ints, ...]
    tails: tuple[Ints, ...]
    weights: Floats

    def index(self, name: str) -> int:
        """Number of a bone; :class:`InputError` when the skeleton lacks it."""
        if name not in self.names:
            raise InputError(f"the skeleton has no bone '{name}'")
        return self.names.index(name)

    def heads(self, body: Floats) -> Floats:
        """Where the bones begin on a ``body`` (n, 3): shape (b, 3)."""
        return np.stack([body[j].mean(0) for j in self.joints]).astype(np.float32)

    def ends(self, body: Floats) -> Floats:
        """Where the bones end on a ``body`` (n, 3): shape (b, 3)."""
        return np.stack([body[j].mean(0) for j in self.tails]).astype(np.float32)


def read_skeleton(rig: Path, weights: Path, vertices: int, keep: tuple[str, ...]) -> Skeleton:
    """Read a rig and its weights; bones not in ``keep`` melt into their nearest kept ancestor."""
    bones, joints = _rig_parts(_json(rig), rig)
    order = [name for name in _parents_first(bones, rig) if name in keep]
    kept = {name: number for number, name in enumerate(order)}
    owner = {name: _kept_ancestor(name, bones, kept, rig) for name in bones}
    parents = [
        -1 if bones[name]["parent"] is None else owner[bones[name]["parent"]] for name in order
    ]
    return Skeleton(
        tuple(order),
        np.array(parents, np.int64),
        tuple(_joint(joints, bones[name].get("head"), vertices, rig) for name in order),
        tuple(_joint(joints, bones[name].get("tail"), vertices, rig) for name in order),
        _weights(_json(weights), owner, vertices, len(order), weights),
    )


def _json(path: Path) -> Any:
    try:
        return parse_json("\n".join(read_lines(path)))
    except DamagedRecord as cause:
        raise InputError(f"{path}: not a JSON file ({cause})") from cause


def _rig_parts(data: Any, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = [data.get(key) if isinstance(data, dict) else None for key in ("bones", "joints")]
    bones, joints = parts
    if not (isinstance(bones, dict) and isinstance(joints, dict)):
        raise InputError(f"{path}: has no 'bones' and 'joints'; not an .mhskel file")
    for name, bone in bones.items():
        parent = bone.get("parent", 0) if isinstance(bone, dict) else 0
        if parent is not None and parent not in bones:
            raise InputError(f"{path}: bone '{name}' has no known parent")
    return bones, joints


def _parents_first(bones: dict[str, Any], path: Path) -> list[str]:
    order: dict[str, None] = {}
    for name in bones:
        chain, bone = [], name
        while bone is not None and bone not in order:
            if bone in chain:
                raise InputError(f"{path}: bone '{bone}' is its own ancestor")
            chain.append(bone)
            bone = bones[bone]["parent"]
        order.update(dict.fromkeys(reversed(chain)))
    return list(order)


def _kept_ancestor(name: str, bones: dict[str, Any], kept: dict[str, int], path: Path) -> int:
    bone: str | None = name
    while bone is not None and bone not in kept:
        bone = bones[bone]["parent"]
    if bone is None:
        raise InputError(f"{path}: no bone above '{name}' is one that poses know")
    return kept[bone]


def _joint(joints: dict[str, Any], name: Any, vertices: int, path: Path) -> Ints:
    try:
        index = np.array(joints[name], np.int64).reshape(-1)
    except (KeyError, TypeError, ValueError, OverflowError) as cause:
        raise InputError(f"{path}: joint '{name}' is not a list of vertices") from cause
    if not len(index) or index.min() < 0 or index.max() >= vertices:
        raise InputError(f"{path}: joint '{name}' names vertices outside 0 … {vertices - 1}")
    return index


def _weights(data: Any, owner: dict[str, int], vertices: int, bones: int, path: Path) -> Floats:
    table = data.get("weights") if isinstance(data, dict) else None
    if not isinstance(table, dict):
        raise InputError(f"{path}: has no 'weights'; not an .mhw file")
    out = np.zeros((vertices, bones), np.float32)
    for name, pairs in table.items():
        try:
            rows = np.array(pairs, np.float64).reshape(-1, 2)
        except (TypeError, ValueError) as cause:
            raise InputError(f"{path}: weights of '{name}' are not [vertex, weight]") from cause
        index = rows[:, 0].astype(np.int64)
        bad = not np.isfinite(rows).all() or (
            len(index) and (index.min() < 0 or index.max() >= vertices)
        )
        if name not in owner or bad:
            raise InputError(f"{path}: weights of '{name}' fit neither the rig nor the body")
        np.add.at(out[:, owner[name]], index, rows[:, 1].astype(np.float32))
    out[out.sum(1) <= 0, 0] = 1.0
    return out / out.sum(1, keepdims=True)


def strongest(weights: Floats) -> tuple[Ints, Floats]:
    """The :data:`INFLUENCES` largest weights (n, k) of each vertex and their bones (n, k)."""
    count = min(INFLUENCES, weights.shape[1])
    bones = np.argpartition(-weights, count - 1, axis=1)[:, :count]
    chosen = np.take_along_axis(weights, bones, 1)
    total = np.maximum(chosen.sum(1, keepdims=True), 1e-6)
    return bones.astype(np.int64), (chosen / total).astype(np.float32)


def bone_transforms(skeleton: Skeleton, heads: Floats, pose: Rotations) -> tuple[Floats, Floats]:
    """World rotation (b, 3, 3) and translation (b, 3) of every bone in a ``pose``."""
    count = len(skeleton.names)
    rotation = np.zeros((count, 3, 3), np.float32)
    shift = np.zeros((count, 3), np.float32)
    for bone, name in enumerate(skeleton.names):
        parent = int(skeleton.parents[bone])
        head = heads[bone]
        if parent < 0:
            rotation[bone] = pose.get(name, np.eye(3, dtype=np.float32))
            shift[bone] = head - rotation[bone] @ head
            continue
        turn = pose.get(name)
        rotation[bone] = rotation[parent] if turn is None else turn
        shift[bone] = rotation[parent] @ head + shift[parent] - rotation[bone] @ head
    return rotation, shift


def skin(points: Floats, bones: Ints, weights: Floats, rotation: Floats, shift: Floats) -> Floats:
    """Posed vertices (n, 3): each is the weighted mean of where its bones (n, k) carry it."""
    matrix = np.concatenate([rotation, shift[:, :, None]], axis=2).reshape(len(rotation), 12)
    blended = matrix[bones[:, 0]] * weights[:, :1]
    for k in range(1, bones.shape[1]):
        blended += matrix[bones[:, k]] * weights[:, k : k + 1]
    blended = blended.reshape(-1, 3, 4)
    return np.einsum("nij,nj->ni", blended[:, :, :3], points) + blended[:, :, 3]


def turn_x(angle: float) -> Floats:
    """Rotation about x (to the person's left); a positive angle tips +y towards +z."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]], np.float32)


def turn_y(angle: float) -> Floats:
    """Rotation about y (up); a positive angle turns +z towards +x."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def turn_z(angle: float) -> Floats:
    """Rotation about z (forward); a positive angle turns +x towards +y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
