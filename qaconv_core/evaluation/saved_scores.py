"""Reading and writing scores in files (.npz, .mat), of QAConv or of any other model.

A score file comes from somebody else. Nothing in it is executed (no pickle). Array headers are
compared with each other before the numbers are read. An error is one line that names the file and
the key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qaconv_core.errors import InputError
from qaconv_core.evaluation.score_files import MATRICES, expect_shape, read_arrays
from qaconv_core.readable import shown
from qaconv_core.store.atomic import replacing
from qaconv_core.types import UNKNOWN, Float32, Float64, Int64

KINDS = ("logit", "score", "distance")
_MAT_LIMIT = 2**31 - 2**16  # bytes of one matrix; the rest is for its header


@dataclass(frozen=True, eq=False)
class SavedScores:
    """Similarities of p queries to g gallery pictures with what is needed to measure them.

    - ``score`` (p, g) float32, larger is closer. ``kind``: ``"logit"`` (of QAConv), ``"score"``
      (of any scale) or ``"distance"`` (the file held distances; ``score`` is minus these).
    - ``score_rerank``, ``score_tlift`` (p, g) or None: the same after re-ranking and TLift;
      ``score_norm`` N, the scores normalised by camera, and ``score_norm_…`` what follows it.
    - ``query_ids`` (p,), ``gallery_ids`` (g,) pids; ``…_cams`` camids, :data:`UNKNOWN` where not
      known; ``…_times`` seconds, NaN where not known; ``…_paths`` empty texts where not known.
    - ``score_qq`` (p, p), ``score_gg`` (g, g) like ``score``, ``dist_qq``, ``dist_gg`` distances
      (smaller is closer): what re-ranking needs besides, None where absent.
    - ``inner_rows``: the role of the row in these, ``"query"`` or ``"gallery"`` (releases 1.0 and
      1.1 of QAConv re-rank so).
    """

    score: Float32
    query_ids: Int64
    gallery_ids: Int64
    query_cams: Int64
    gallery_cams: Int64
    query_times: Float64
    gallery_times: Float64
    query_paths: list[str]
    gallery_paths: list[str]
    kind: str = "logit"
    score_rerank: Float32 | None = None
    score_tlift: Float32 | None = None
    score_norm: Float32 | None = None
    score_norm_rerank: Float32 | None = None
    score_norm_tlift: Float32 | None = None
    score_qq: Float32 | None = None
    score_gg: Float32 | None = None
    dist_qq: Float32 | None = None
    dist_gg: Float32 | None = None
    inner_rows: str = "query"
    source: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"scores cannot be of kind {self.kind!r}; known: {', '.join(KINDS)}")
        sizes = {"p": len(self.query_ids), "g": len(self.gallery_ids)}
        for side, size in (("query", sizes["p"]), ("gallery", sizes["g"])):
            for name in ("ids", "cams", "times", "paths"):
                found = len(getattr(self, f"{side}_{name}"))
                expect_shape(self.source, f"{side}_{name}", (size,), (found,))
        for name, axes in MATRICES.items():
            matrix = getattr(self, name)
            if matrix is not None:
                expect_shape(self.source, name, (sizes[axes[0]], sizes[axes[1]]), matrix.shape)

    @property
    def shape(self) -> tuple[int, int]:
        """(p, g)."""
        return (len(self.query_ids), len(self.gallery_ids))

    def inner_similarities(self) -> tuple[Float32, Float32] | None:
        """Scores within queries and within the gallery, larger is closer; None without both."""
        queries = _similarity(self.score_qq, self.dist_qq)
        gallery = _similarity(self.score_gg, self.dist_gg)
        return None if queries is None or gallery is None else (queries, gallery)


def _similarity(score: Float32 | None, dist: Float32 | None) -> Float32 | None:
    return score if score is not None or dist is None else -dist


# What the published evaluation calls these in its .mat files (it says prob for query).
_UPSTREAM = {
    **{f"query_{name}": f"prob_{name}" for name in ("ids", "cams")},
    **{f"gallery_{name}": f"gal_{name}" for name in ("ids", "cams")},
    "query_times": "prob_time",
    "gallery_times": "gal_time",
    "query_paths": "prob_list",
    "gallery_paths": "gal_list",
}


# ── writing ─────────────────────────────────────────────────────────────────────────────────────


def check_score_path(path: str | os.PathLike[str], p: int, g: int) -> None:
    """Raise :class:`InputError` when scores (p, g) cannot be saved under this name.

    To be called before the scores are computed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".npz", ".mat"):
        raise InputError(f"{path}: scores are saved as .npz or .mat; choose one of these suffixes")
    if suffix == ".mat" and 4 * p * g > _MAT_LIMIT:
        raise InputError(
            f"{path}: {p} × {g} scores are over the 2 GB that a .mat file holds; save as .npz"
        )


def save_scores(path: str | os.PathLike[str], scores: SavedScores) -> None:
    """Write ``scores`` to ``path``, atomically: .npz (our names) or .mat (upstream's names).

    Both hold ``score`` (p, g), ``score_rerank``, ``score_tlift``, ``score_norm`` and so on
    where they exist, and ``kind``; ``inner_rows`` where that is ``gallery``. The .npz has
    ``query_paths``, ``query_ids``, ``query_cams``, ``query_times`` and the same for the gallery;
    the .mat ``prob_list``, ``prob_ids``, ``prob_cams``, ``prob_time``, ``gal_…``.
    Distances are written as they were read, under ``dist``. A .mat file cannot hold matrices over
    2 GB: those among queries or gallery pictures are then left out.
    """
    check_score_path(path, *scores.shape)
    suffix = Path(path).suffix.lower()
    arrays: dict[str, Any] = {"kind": scores.kind}
    if scores.inner_rows != "query":
        arrays["inner_rows"] = scores.inner_rows
    for name in MATRICES:
        matrix = getattr(scores, name)
        if matrix is None or (suffix == ".mat" and matrix.nbytes > _MAT_LIMIT):
            continue
        if name == "score" and scores.kind == "distance":
            arrays["dist"] = -matrix
        else:
            arrays[name] = matrix
    for name in _UPSTREAM:
        arrays[name] = getattr(scores, name)
    with replacing(path) as temporary:
        (_write_npz if suffix == ".npz" else _write_mat)(temporary, arrays)


def _write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    texts = {name: np.array(arrays[name], dtype=np.str_) for name in arrays if "paths" in name}
    with path.open("wb") as stream:  # given a name, numpy may add a second suffix to it
        np.savez(stream, **{**arrays, **texts})


def _write_mat(path: Path, arrays: Mapping[str, Any]) -> None:
    from scipy.io import savemat

    named = {_UPSTREAM.get(name, name): value for name, value in arrays.items()}
    for name in ("prob_list", "gal_list"):
        # MATLAB files hold UTF-8: a file name that is no valid Unicode is written with escapes.
        cells = np.empty(len(named[name]), dtype=object)
        cells[:] = [t.encode("utf-8", "backslashreplace").decode("utf-8") for t in named[name]]
        named[name] = cells
    with path.open("wb") as stream:
        savemat(stream, named, oned_as="column", do_compression=True)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


def load_scores(path: str | os.PathLike[str], kind: str | None = None) -> SavedScores:
    """Read scores of any model from a .npz or .mat file.

    Required: ``score`` (p, g) – or ``dist``/``distance``/``distmat``, smaller is closer – and the
    ids of queries and gallery, under our names (``query_ids``) or upstream's (``prob_ids``); the
    rest may be missing. ``kind`` says what the scores are; None: as the file says, else
    ``"score"``. Raises :class:`InputError`, one line naming the file, the key, what was expected
    and what was found.
    """
    path = Path(path)
    names, arrays = read_arrays(path)
    return _Reading(path, names, arrays).result(kind)


@dataclass(frozen=True)
class _Reading:
    """Converts the arrays of one file to :class:`SavedScores`."""

    path: Path
    names: Mapping[str, str]
    arrays: Mapping[str, npt.NDArray[Any]]

    def result(self, kind: str | None) -> SavedScores:
        """Everything converted and checked."""
        is_distance = "dist" in self.names
        if kind is None:
            kind = "distance" if is_distance else self._kind()
        matrices: dict[str, Any] = {n: self._matrix(n) for n in MATRICES if n in self.names}
        if is_distance:
            matrices["score"] = -self._matrix("dist")
        elif kind == "distance":
            matrices["score"] = -matrices["score"]
        sides: dict[str, Any] = {}
        for side in ("query", "gallery"):
            ids = self._integers(f"{side}_ids")
            sides[f"{side}_ids"] = ids
            sides[f"{side}_cams"] = self._cams(f"{side}_cams", len(ids))
            sides[f"{side}_times"] = self._times(f"{side}_times", len(ids))
            sides[f"{side}_paths"] = self._paths(f"{side}_paths", len(ids))
        rows = "gallery" if self._words("inner_rows") == "gallery" else "query"
        return SavedScores(**matrices, **sides, kind=kind, inner_rows=rows, source=str(self.path))

    def _kind(self) -> str:
        words = self._words("kind")
        return words if words in ("logit", "score") else "score"

    def _words(self, name: str) -> str:
        """A single text; "" where there is none."""
        texts = self._texts(name) if name in self.names else []
        return texts[0] if len(texts) == 1 else ""

    def _fail(self, name: str, expected: str, found: object) -> InputError:
        key = self.names.get(name, name)
        return InputError(f"{self.path}: '{key}' should hold {expected}, found {shown(found)}")

    def _numbers(self, name: str) -> npt.NDArray[Any]:
        array = self.arrays[self.names[name]]
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "buif":
            raise self._fail(name, "numbers", getattr(array, "dtype", type(array).__name__))
        return array

    def _matrix(self, name: str) -> Float32:
        with np.errstate(over="ignore"):
            matrix = np.ascontiguousarray(self._numbers(name), dtype=np.float32)
        finite = np.isfinite(matrix)
        if not finite.all():
            count = finite.size - int(finite.sum())
            row, column = divmod(int(np.argmin(finite)), finite.shape[1])
            places = f"the first in row {row}, column {column} (counted from 0)"
            raise self._fail(name, "finite numbers", f"{count} that are NaN or infinite, {places}")
        return matrix

    def _vector(self, name: str) -> npt.NDArray[Any]:
        return self._numbers(name).ravel()

    def _integers(self, name: str) -> Int64:
        """Integers; MATLAB keeps them as doubles."""
        vector = self._vector(name)
        if vector.dtype.kind == "f":
            odd = ~(np.abs(vector) < 2.0**53) | (vector != np.round(vector))
            if odd.any():
                raise self._fail(name, "whole numbers", vector[odd][0])
        elif vector.dtype.kind == "u" and (vector > np.iinfo(np.int64).max).any():
            raise self._fail(name, "whole numbers below 2^63", vector.max())
        return vector.astype(np.int64)

    def _cams(self, name: str, size: int) -> Int64:
        if name not in self.names or self.arrays[self.names[name]].size == 0:
            return np.full(size, UNKNOWN, dtype=np.int64)
        return self._sized(name, self._integers(name), size)

    def _times(self, name: str, size: int) -> Float64:
        if name not in self.names or self.arrays[self.names[name]].size == 0:
            return np.full(size, np.nan)
        times = self._sized(name, self._vector(name).astype(np.float64), size)
        return np.where(np.isfinite(times), times, np.nan)

    def _sized(self, name: str, vector: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
        expect_shape(str(self.path), self.names[name], (size,), vector.shape)
        return vector

    def _paths(self, name: str, size: int) -> list[str]:
        if name not in self.names:
            return [""] * size
        texts = self._texts(name)
        if not texts:
            return [""] * size
        expect_shape(str(self.path), self.names[name], (size,), (len(texts),))
        return texts

    def _texts(self, name: str) -> list[str]:
        """Texts from a text array, a cell array of texts or a char matrix (padded with blanks)."""
        array = np.atleast_1d(self.arrays[self.names[name]])
        if array.dtype.kind == "U":
            blank_padded = self.path.suffix.lower() == ".mat"
            return [text.rstrip(" ") if blank_padded else text for text in array.ravel().tolist()]
        if array.dtype.kind == "S":
            return [t.decode("utf-8", "backslashreplace") for t in array.ravel().tolist()]
        if array.dtype.kind != "O":
            raise self._fail(name, "texts", array.dtype)
        return [self._cell_text(name, cell) for cell in array.ravel()]

    def _cell_text(self, name: str, cell: object) -> str:
        content = np.asarray(cell)
        if content.size == 0:
            return ""
        if content.dtype.kind != "U" or content.size != 1:
            raise self._fail(name, "texts", f"a cell of {content.dtype} {content.shape}")
        return str(content.ravel()[0])
