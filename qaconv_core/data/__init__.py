"""Data sets on disk, pictures in memory. Nothing here imports torch."""

from qaconv_core.data.catalog import (
    DATASETS,
    find_dataset,
    open_dataset,
    open_gallery,
    recognise,
)
from qaconv_core.data.check import check_dataset
from qaconv_core.data.check_report import CheckReport
from qaconv_core.data.folder import open_folder
from qaconv_core.data.images import as_rgb, read_image
from qaconv_core.data.resources import resource_path
from qaconv_core.data.transforms import to_pixels

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
