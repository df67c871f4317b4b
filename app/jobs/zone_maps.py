"""Reads the zones of pictures that have label maps beside them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from app.state.zones import ZoneMap, zones_of_labels
from qaconv_core.data.label_maps import label_path, read_label_map
from qaconv_core.errors import ImageError
from qaconv_core.types import Grid, ImageRef


def read_zones(refs: Iterable[ImageRef], grid: Grid) -> dict[Path, ZoneMap]:
    """Zones by picture; without an entry where there is no (readable) label map."""
    found = {}
    for ref in refs:
        if not label_path(ref.path).is_file():
            continue
        try:
            found[ref.path] = zones_of_labels(read_label_map(ref), grid)
        except ImageError:
            continue  # by height then, as for pictures without one
    return found
