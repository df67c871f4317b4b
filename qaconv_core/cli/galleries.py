"""Galleries that commands take: a data set by name, a folder, or a table; and their features."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qaconv_core.cli.evaluate import say_rejected
from qaconv_core.cli.options import work_on
from qaconv_core.cli.terminal import ProgressShower
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken
from qaconv_core.types import Dataset, ImageSet

if TYPE_CHECKING:
    from qaconv_core.explaining.average import AverageContributions
    from qaconv_core.model import Model
    from qaconv_core.types import FeatureBank, Float32


def open_gallery(name: str, arguments: argparse.Namespace) -> tuple[Dataset, ImageSet]:
    """The gallery of a data set, or all pictures of a folder or table."""
    from qaconv_core.data import open_gallery as open_searched

    dataset = open_searched(name, arguments.data_dir)
    return dataset, dataset.gallery


def gallery_features(
    model: Model,
    dataset: Dataset,
    gallery: ImageSet,
    arguments: argparse.Namespace,
    cancel: CancelToken,
) -> tuple[ImageSet, FeatureBank]:
    """The pictures that can be read, and their features; what is left out is said."""
    from qaconv_core.data.market_like import without_junk_boxes

    with work_on(model, arguments, cancel) as job:
        found = job.extract(model, gallery, "gallery features")
    say_rejected((*without_junk_boxes(dataset.rejected), *found.rejected))
    if not len(found.kept):
        raise InputError(f"{dataset.root}: none of its pictures can be read")
    return gallery.select(found.kept), found.bank


def as_stored(maps: Float32) -> Float32:
    """Feature maps rounded as those of a gallery are (to float16), to be compared with its own."""
    return maps.astype(np.float16).astype(np.float32)


def averages_for(
    model: Model,
    query: str,
    query_map: Float32,
    name: str,
    arguments: argparse.Namespace,
    cancel: CancelToken,
) -> AverageContributions:
    """What the cells of a query picture contribute over the gallery ``name``, itself left out."""
    from qaconv_core.data.own_files import OwnFiles
    from qaconv_core.explaining.average import average_contributions

    dataset, gallery = open_gallery(name, arguments)
    gallery, bank = gallery_features(model, dataset, gallery, arguments, cancel)
    with ProgressShower(arguments.quiet) as progress:
        return average_contributions(
            query_map,
            bank,
            model.head,
            leave_out=OwnFiles(gallery).of(Path(query)),
            progress=progress,
            cancel=cancel,
        )
