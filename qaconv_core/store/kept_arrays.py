"""Arrays that were measured on feature maps, kept beside these maps under a name of their own."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import StoreError
from qaconv_core.store.atomic import replacing
from qaconv_core.types import FeatureBank, Float64

log = logging.getLogger(__name__)

COHORTS, EVIDENCE = "cohorts", "evidence"
PATTERNS = tuple(f"{kind}-*.npz" for kind in (COHORTS, EVIDENCE))
"""The names of all such files, for :meth:`pathlib.Path.glob`."""


def kept_path(
    bank: FeatureBank, kind: str, arrays: Sequence[npt.NDArray[np.generic]], rule: object
) -> Path | None:
    """Where what was measured on ``bank`` is kept: ``kind-….npz`` (:data:`COHORTS`,
    :data:`EVIDENCE`), named by all that it depends on. None where the maps are not on disk."""
    name = getattr(bank.maps, "filename", None)
    if name is None:
        return None
    key = hashlib.sha256(Path(name).name.encode())
    for part in (bank.rows, *arrays):
        key.update(np.ascontiguousarray(part).tobytes())
    key.update(repr(rule).encode("utf-8", "surrogateescape"))
    return Path(name).with_name(f"{kind}-{key.hexdigest()[:32]}.npz")


def load_arrays(path: Path | None, *names: str) -> tuple[Float64, ...] | None:
    """The arrays of those names, finite; None where they are not there, with a warning in the log
    where the file is damaged."""
    if path is None or not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            found = tuple(np.asarray(file[name], dtype=np.float64) for name in names)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        log.warning("%s: cannot be read (%s); measured again", path, error)
        return None
    return found if all(np.isfinite(array).all() for array in found) else None


def keep_arrays(path: Path | None, what: str, **arrays: npt.NDArray[np.floating]) -> None:
    """Write the arrays; where that fails, a warning says that ``what`` is not kept."""
    if path is None:
        return
    try:
        with replacing(path, error=StoreError) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]  # stub: newer NumPy's option
    except StoreError as error:
        log.warning("%s; %s not kept", error, what)
