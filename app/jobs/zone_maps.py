"""Reads the zones of pictures that have label maps beside them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qaconv_core.explaining.zones import ZoneMap, labelled_zones
from qaconv_core.types import Grid, ImageRef


def read_zones(refs: Iterable[ImageRef], grid: Grid) -> dict[Path, ZoneMap]:
    """Zones by picture; without an entry where there is no (readable) label map."""
    read = ((ref.path, labelled_zones(ref, grid)) for ref in refs)
    return {path: zones for path, zones in read if zones is not None}
