"""Results written as JSON come back as they were, and what is damaged is refused."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from qaconv_core.store.plain_values import from_plain, to_plain
from qaconv_core.store.records import DamagedRecord
from qaconv_core.types import Bool, Float64, Int64


@dataclass(frozen=True)
class Part:
    name: str
    pairs: tuple[tuple[int, int], ...]
    area: dict[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Whole:
    values: Float64
    numbers: Int64
    mean: float
    part: Part | None
    parts: tuple[Part, ...]
    other: Bool
    on: bool = True


MADE = Whole(
    np.array([[0.1, math.nan], [-2.5e-300, 3.0]]), np.array([3, -4]), 0.25, None,
    (Part("ä", ((1, 2), (3, 4)), {("a", "b"): 0.5}), Part("", ())), np.ones((1, 3), dtype=bool),
)  # fmt: skip


def test_values_come_back_as_they_were():
    found = from_plain(Whole, json.loads(json.dumps(to_plain(MADE))))
    np.testing.assert_array_equal(found.values, MADE.values)
    np.testing.assert_array_equal(found.numbers, MADE.numbers)
    assert (found.numbers.dtype, found.other.shape, found.other.dtype) == ("int64", (1, 3), "bool")
    assert (found.mean, found.part, found.parts, found.on) == (0.25, None, MADE.parts, True)


def places(plain):
    """Every place in nested values, as the container and its key."""
    items = plain.items() if isinstance(plain, dict) else enumerate(plain)
    for key, value in list(items):
        yield plain, key
        if isinstance(value, dict | list):
            yield from places(value)


@pytest.mark.parametrize("wrong", [None, "x", -1, 2**70, True, [], {}, [[1]], {"shape": [2]}])
def test_damage_is_refused_or_read_never_anything_else(wrong):
    for number in range(len(list(places(to_plain(MADE))))):
        plain = copy.deepcopy(to_plain(MADE))
        container, key = list(places(plain))[number]
        container[key] = wrong
        try:
            found = from_plain(Whole, plain)
        except DamagedRecord:
            continue
        assert isinstance(found.values, np.ndarray)
        assert all(isinstance(part.name, str) for part in found.parts)


@pytest.mark.parametrize("name", ["values", "part", "on"])
def test_what_is_missing_is_named(name):
    plain = to_plain(MADE)
    del plain[name]
    with pytest.raises(DamagedRecord, match=f"no {name} in a record of Whole"):
        from_plain(Whole, plain)
