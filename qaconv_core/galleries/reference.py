"""Reference statistics of a model: what pairs of strangers add, where no gallery is known.

They come with the bundled model, made by ``tools/make_reference.py`` from rendered sets. A pair is
compared with the mean over all pairs of strangers there, not with strangers of its two pictures:

    N' = (logit − mean logit of strangers) / their standard deviation
    a cell's part = (its contribution − the mean contribution of strangers at its place) / deviation
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from qaconv_core.data.resources import resources_folder
from qaconv_core.errors import QAConvError
from qaconv_core.explaining.values import NormalisedBreakdown
from qaconv_core.types import CorrespondenceMap, Float64

log = logging.getLogger(__name__)

FILE = Path("model", "reference.npz")


@dataclass(frozen=True, eq=False)
class Reference:
    """Means (h, w) of the contributions of ``pairs`` pairs of strangers, and mean and deviation of
    their logits; ``sha256`` is the checkpoint's, ``words`` say what the pairs are of."""

    sha256: str
    query_mean: Float64
    gallery_mean: Float64
    mean: float
    std: float
    pairs: int
    words: str


def reference_of(sha256: str) -> Reference | None:
    """The reference of the model with that checkpoint; None where there is none."""
    try:
        found = read_reference(resources_folder() / FILE)
    except (QAConvError, OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        log.warning("the reference of the bundled model cannot be read: %s", error)
        return None
    return found if found.sha256 == sha256 else None


def read_reference(path: Path) -> Reference:
    """The reference in a file."""
    with np.load(path, allow_pickle=False) as file:
        return Reference(
            str(file["sha256"]), np.asarray(file["query_mean"], dtype=np.float64),
            np.asarray(file["gallery_mean"], dtype=np.float64), float(file["mean"]),
            float(file["std"]), int(file["pairs"]), str(file["words"]),
        )  # fmt: skip


def write_reference(path: Path, found: Reference) -> None:
    """Write :func:`read_reference`'s file."""
    np.savez_compressed(path, **vars(found))


def above_reference(match: CorrespondenceMap, reference: Reference) -> NormalisedBreakdown:
    """The parts of N' of a pair; they add up to it."""
    z = (match.logit - reference.mean) / reference.std
    return NormalisedBreakdown(
        n=z, z=z, t=z, slope=1 / reference.std,
        query=(match.query_contribution - reference.query_mean) / reference.std,
        gallery=(match.gallery_contribution - reference.gallery_mean) / reference.std,
        against=f"{reference.pairs:,} pairs of strangers of {reference.words}",
    )  # fmt: skip
