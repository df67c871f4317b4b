"""Numbers for the labels of persons and cameras, which may be names, numbers or folder names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from qaconv_core.readable import shown

_WHOLE = re.compile(r"[0-9]{1,18}")
_SHOWN = 4


def number_labels(labels: Iterable[str], first: int) -> tuple[Mapping[str, int], bool]:
    """A number for each distinct label, and whether these are the labels' own numbers.

    Whole numbers are kept (``0002`` is 2) as long as no two labels share one; otherwise labels
    are numbered from ``first`` in sorted order.
    """
    distinct = sorted(set(labels))
    if all(_WHOLE.fullmatch(label) for label in distinct):
        own = {label: int(label) for label in distinct}
        if len(set(own.values())) == len(distinct):
            return own, True
    return {label: first + i for i, label in enumerate(distinct)}, False


def names_of(numbers: Mapping[str, int], own: bool) -> dict[int | None, str]:
    """The label of each number; none where the labels are the numbers themselves."""
    return {} if own else {number: label for label, number in numbers.items()}


def camera_names_of(numbers: Mapping[str, int]) -> dict[int | None, str]:
    """The label of each camera that is not called by its number from 1."""
    return {n: label for label, n in numbers.items() if label.lstrip("0") != str(n + 1)}


def describe_numbering(numbers: Mapping[str, int], what: str) -> str:
    """One line that says which label got which number, for a data set's notes."""
    pairs = [f"{shown(label)} = {number}" for label, number in numbers.items()]
    more = f", … ({len(pairs):,} in all)" if len(pairs) > _SHOWN else ""
    return f"{what} were numbered in sorted order: {', '.join(pairs[:_SHOWN])}{more}"
