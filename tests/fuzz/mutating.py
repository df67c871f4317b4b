"""Damages inputs: bytes of a file, or values inside of a record; the same for the same seed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1 << 62, -(1 << 63), 10**400, 1e308, float("nan"), float("inf"), "",
    "x", "²", "\udce9\x1b[31m", "9" * 50, [], {}, [[]], {"": None}, [1, "a", None], "../../etc",
)  # fmt: skip


def damaged_bytes(data: bytes, random: np.random.Generator) -> bytes:
    """``data`` with bytes changed, cut off, doubled, moved or put in between."""
    out = bytearray(data)
    for _ in range(int(random.integers(1, 6))):
        kind, at = int(random.integers(6)), int(random.integers(max(len(out), 1)))
        length = int(random.integers(1, 40))
        if kind == 0 and out:
            out[at] = int(random.integers(256))
        elif kind == 1:
            out = out[:at]
        elif kind == 2:
            out[at:at] = out[at : at + length]
        elif kind == 3:
            del out[at : at + length]
        elif kind == 4:
            out[at:at] = random.integers(0, 256, length, dtype=np.uint8).tobytes()
        elif out:
            out[at : at + 4] = random.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
    return bytes(out)


def damaged_value(value: Any, random: np.random.Generator, depth: int = 0) -> Any:
    """A copy of a record in which some value, at any depth, is an odd one or gone."""
    if depth and random.random() < 0.15:
        return ODD_VALUES[int(random.integers(len(ODD_VALUES)))]
    if isinstance(value, dict):
        kept = [k for k in value if random.random() > 0.05]
        return {key: damaged_value(value[key], random, depth + 1) for key in kept}
    if isinstance(value, list | tuple):
        return [damaged_value(item, random, depth + 1) for item in value]
    return value


def damaged_json(value: Any, random: np.random.Generator) -> bytes:
    """The text of a damaged record; now and then of one that is no JSON, or far too deep."""
    choice = random.random()
    if choice < 0.02:
        return b"[" * 200_000
    text = json.dumps(damaged_value(value, random)).encode()
    return damaged_bytes(text, random) if choice < 0.4 else text
