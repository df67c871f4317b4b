"""Data sets on disk, pictures in memory. Nothing here imports torch.

Names are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qaconv_core.lazy import names_at_first_use

if TYPE_CHECKING:
    from qaconv_core.data.catalog import DATASETS as DATASETS
    from qaconv_core.data.catalog import find_dataset as find_dataset
    from qaconv_core.data.catalog import open_dataset as open_dataset
    from qaconv_core.data.catalog import open_gallery as open_gallery
    from qaconv_core.data.catalog import recognise as recognise
    from qaconv_core.data.check import check_dataset as check_dataset
    from qaconv_core.data.check_report import CheckReport as CheckReport
    from qaconv_core.data.folder import open_folder as open_folder
    from qaconv_core.data.images import as_rgb as as_rgb
    from qaconv_core.data.images import read_image as read_image
    from qaconv_core.data.resources import resource_path as resource_path
    from qaconv_core.data.transforms import to_pixels as to_pixels

__all__ = [
    "DATASETS",
    "CheckReport",
    "as_rgb",
    "check_dataset",
    "find_dataset",
    "open_dataset",
    "open_folder",
    "open_gallery",
    "read_image",
    "recognise",
    "resource_path",
    "to_pixels",
]

_HOMES = {
    "DATASETS": "catalog",
    "CheckReport": "check_report",
    "as_rgb": "images",
    "check_dataset": "check",
    "find_dataset": "catalog",
    "open_dataset": "catalog",
    "open_folder": "folder",
    "open_gallery": "catalog",
    "read_image": "images",
    "recognise": "catalog",
    "resource_path": "resources",
    "to_pixels": "transforms",
}

__getattr__ = names_at_first_use(__name__, _HOMES)
