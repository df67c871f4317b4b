"""Frozen results as plain values for JSON and back, checked against the types of their fields.

What is read was perhaps written by somebody else: whatever does not have the type that the
dataclass names is a :class:`~qaconv_core.store.records.DamagedRecord`.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from qaconv_core.store.records import DamagedRecord, is_number

T = TypeVar("T")

_LARGEST_ARRAY = 1 << 26
_SIMPLE = {int: "a whole number", str: "a text", bool: "true or false"}


def to_plain(value: Any) -> Any:
    """Dataclasses, tuples, dicts, arrays, numbers and texts as JSON has them; NaN as null.

    Arrays are ``{"shape", "values"}``, dicts lists of pairs.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: to_plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "values": to_plain(value.ravel().tolist())}
    if isinstance(value, Mapping):
        return [[to_plain(key), to_plain(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_plain(kind: type[T], plain: Any, given: Mapping[type, Any] | None = None) -> T:
    """A value of a dataclass from what :func:`to_plain` made of it.

    ``given`` are values for fields of some types, which are not read but taken as they are. Raises
    :class:`DamagedRecord`.
    """
    try:
        return typing.cast(T, _read(kind, plain, given or {}))
    except (TypeError, ValueError, OverflowError, RecursionError) as cause:
        raise DamagedRecord(str(cause) or "a value of another kind") from cause


def _read(kind: Any, plain: Any, given: Mapping[type, Any]) -> Any:
    if isinstance(kind, type) and kind in given:
        return given[kind]
    if dataclasses.is_dataclass(kind):
        return _read_fields(kind, plain, given)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if plain is None and type(None) in inner:
            return None
        return _read(next(one for one in inner if one is not type(None)), plain, given)
    if origin is np.ndarray:
        return _array(plain, np.dtype(typing.get_args(inner[1])[0]))
    if origin is tuple:
        items = _list(plain)
        kinds = inner[:1] * len(items) if inner[1:] == (Ellipsis,) else inner
        return tuple(_read(k, item, given) for k, item in zip(kinds, items, strict=True))
    if origin in (dict, Mapping):
        pairs = [_list(pair) for pair in _list(plain)]
        return {_read(inner[0], k, given): _read(inner[1], v, given) for k, v in pairs}
    return _simple(kind, plain)


def _read_fields(kind: Any, plain: Any, given: Mapping[type, Any]) -> Any:
    if not isinstance(plain, dict):
        raise DamagedRecord(f"no record of {kind.__name__}")
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    missing = [name for name in names if name not in plain]
    if missing:
        raise DamagedRecord(f"no {missing[0]} in a record of {kind.__name__}")
    return kind(**{name: _read(hints[name], plain[name], given) for name in names})


def _simple(kind: Any, plain: Any) -> Any:
    if kind is float:
        if plain is None:
            return math.nan
        if not is_number(plain):
            raise DamagedRecord("no number where one should be")
        return float(plain)
    if kind not in _SIMPLE or type(plain) is not kind:
        raise DamagedRecord(f"not {_SIMPLE.get(kind, 'what')} where it should be")
    return plain


def _list(plain: Any) -> list[Any]:
    if not isinstance(plain, list):
        raise DamagedRecord("no list where one should be")
    return plain


def _in_array(value: Any) -> bool:
    return value is None or isinstance(value, bool) or is_number(value)


def _array(plain: Any, dtype: np.dtype[Any]) -> Any:
    if not isinstance(plain, dict):
        raise DamagedRecord("no array where one should be")
    shape, values = _list(plain.get("shape")), _list(plain.get("values"))
    if not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) != len(values):
        raise DamagedRecord(f"an array of shape {shape} with {len(values)} values")
    if len(values) > _LARGEST_ARRAY or not all(map(_in_array, values)):
        raise DamagedRecord("an array that holds no numbers")
    if dtype.kind != "f" and None in values:
        raise DamagedRecord("an array with a value missing")
    numbers = [math.nan if value is None else value for value in values]
    made = np.array(numbers, dtype=np.float64 if dtype.kind == "f" else None)
    if dtype.kind != "f" and len(values) and not np.can_cast(np.min_scalar_type(made.max()), dtype):
        raise DamagedRecord(f"an array beyond the bounds of {dtype}")
    return made.astype(dtype).reshape(shape)
