"""Errors and explanation checks of a set under a model, kept for the next start of the program.

They lie in the user's data folder, in a file whose name stands for the set's pictures and the
model: of other pictures, or under another model, nothing is found.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.state.insights import CheckFindings, ErrorFindings, Kind, Picture
from qaconv_core.errors import StoreError
from qaconv_core.store.atomic import atomic_write_text
from qaconv_core.store.folders import data_dir
from qaconv_core.store.records import LARGEST, DamagedRecord, put_aside, read_json
from qaconv_core.types import ImageSet

if TYPE_CHECKING:
    from qaconv_core.evaluation.errors_of_ranking import ErrorAnalysis
    from qaconv_core.galleries.search import GallerySearch

log = logging.getLogger(__name__)

VERSION = 2


def findings_path(matching: GallerySearch, kind: Kind, *, write: bool) -> Path:
    """The file of one kind of findings."""
    data = matching.data.dataset
    digest = hashlib.sha256(f"{VERSION} {matching.model.spec.sha256}".encode())
    for side in (data.query, data.gallery):
        digest.update(f"\n{len(side)}".encode())
        for ref in side:
            line = f"\n{ref.path} {ref.pid} {ref.camid}"
            digest.update(line.encode("utf-8", "surrogateescape"))
    return data_dir(write=write) / "findings" / f"{kind}-{digest.hexdigest()[:24]}.json"


def keep_findings(
    matching: GallerySearch, kind: Kind, found: ErrorFindings | CheckFindings
) -> None:
    """Keep them; what cannot be kept is a line in the log. In a worker thread."""
    from qaconv_core.store.plain_values import to_plain

    of = found.analysis if isinstance(found, ErrorFindings) else found.report
    data = matching.data.dataset
    if (of.query.paths, of.gallery.paths) != (data.query.paths, data.gallery.paths):
        return  # pictures went missing meanwhile: it would be taken for another set
    # The root is what the set is forgotten by.
    record: dict[str, Any] = {
        "version": VERSION, "root": str(data.root), "labelled": found.labelled,
    }  # fmt: skip
    if isinstance(found, ErrorFindings):
        record["averages"] = to_plain(found.averages)
    else:
        record["pairs"] = found.pairs
    fields = {name: value for name, value in vars(of).items() if name not in ("query", "gallery")}
    record["found"] = {name: to_plain(value) for name, value in fields.items()}
    text = json.dumps(record) + "\n"
    if len(text) >= LARGEST:
        return
    try:
        path = findings_path(matching, kind, write=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_text(path, text, error=StoreError)
    except (StoreError, OSError) as error:
        log.warning("%s; the findings are not kept", error)


def kept_findings(matching: GallerySearch, kind: Kind) -> ErrorFindings | CheckFindings | None:
    """What was kept; None where there is nothing, or where it had to be put aside."""
    path = findings_path(matching, kind, write=False)
    try:
        record = read_json(path)
        return _findings(record, kind, matching)
    except OSError:
        return None
    except DamagedRecord as error:
        put_aside(path, error)
        return None


def _findings(record: Any, kind: Kind, matching: GallerySearch) -> ErrorFindings | CheckFindings:
    from qaconv_core.evaluation.errors_of_ranking import ErrorAnalysis
    from qaconv_core.evaluation.explanation_checks import ExplanationCheckReport
    from qaconv_core.store.plain_values import from_plain

    if not isinstance(record, dict) or not isinstance(record.get("found"), dict):
        raise DamagedRecord("no findings in it")
    data, labelled = matching.data.dataset, record.get("labelled") is True
    fields = {**record["found"], "query": None, "gallery": None}
    given: dict[type, Any] = {ImageSet: data.query}
    if kind == "failures":
        analysis = replace(from_plain(ErrorAnalysis, fields, given), gallery=data.gallery)
        _check_errors(analysis)
        return ErrorFindings(analysis, _averages(record.get("averages")), labelled)
    report = replace(from_plain(ExplanationCheckReport, fields, given), gallery=data.gallery)
    pairs = [pair for group in report.groups for pair in group.pairs]
    _check_indices([q for q, _g in pairs], len(data.query))
    _check_indices([g for _q, g in pairs], len(data.gallery))
    wanted = record.get("pairs")
    return CheckFindings(report, wanted if type(wanted) is int else len(pairs), labelled)


def _check_errors(analysis: ErrorAnalysis) -> None:
    """Raise :class:`DamagedRecord` where numbers do not fit one another."""
    errors, size = analysis.errors, (len(analysis.query), len(analysis.gallery))
    _check_indices((error.query for error in errors), size[0])
    _check_indices((i for error in errors for i in (error.false, error.true)), size[1])
    groups = [*analysis.cameras, *analysis.clusters]
    groups += [] if analysis.together is None else [analysis.together]
    _check_indices((number for group in groups for number in group.examples), len(errors))
    maps = [*(error.query_cells for error in errors), *(group.mean for group in groups)]
    if any(found.shape != analysis.grid for found in maps):
        raise DamagedRecord("a map on another grid")


def _check_indices(numbers: Iterable[int], count: int) -> None:
    if not all(0 <= number < count for number in numbers):
        raise DamagedRecord("it refers to a picture that the set does not have")


def _averages(plain: Any) -> dict[str, Picture]:
    from qaconv_core.store.plain_values import from_plain

    made: dict[str, Picture] = from_plain(dict[str, Picture], plain)
    if any(picture.ndim != 3 or picture.shape[2] != 3 for picture in made.values()):
        raise DamagedRecord("an average that is no picture")
    return {name: np.ascontiguousarray(picture) for name, picture in made.items()}
