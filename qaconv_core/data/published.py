"""How many pictures the published copies of the benchmarks hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PUBLISHED = {
    "market": {"train": 12936, "query": 3368, "gallery": 15913},
    "duke": {"train": 16522, "query": 2228, "gallery": 17661},
    "cuhk03_np_labeled": {"train": 7368, "query": 1400, "gallery": 5328},
    "cuhk03_np_detected": {"train": 7365, "query": 1400, "gallery": 5332},
    "msmt": {"train": 32621, "query": 11659, "gallery": 82161},
    "randperson": {"train": 132145},
}
"""Pictures in each split of the published copies."""


def unlike_published(name: str, sizes: Mapping[str, int]) -> Iterator[str]:
    """A line for each split of a data set (pictures by its name) that is not the published one."""
    for split, (images, wanted) in _other_sizes(name, sizes).items():
        yield (
            f"{split} has {images:,} pictures, the published set {wanted:,}: "
            "results are not comparable"
        )


def counted_name(name: str, sizes: Mapping[str, Any]) -> str:
    """A data set's name; where its splits are not the published ones, with the counts of both.

    "market (query 100 of 3,368, gallery 900 of 15,913)". ``sizes`` may hold anything besides.
    """
    other = _other_sizes(name, sizes)
    words = ", ".join(f"{split} {n:,} of {wanted:,}" for split, (n, wanted) in other.items())
    return f"{name} ({words})" if words else name


def _other_sizes(name: str, sizes: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Splits that are not as large as the published ones: their pictures and the published."""
    return {
        split: (int(sizes[split]), wanted)
        for split, wanted in PUBLISHED.get(name, {}).items()
        if isinstance(sizes.get(split), int) and sizes[split] != wanted
    }
