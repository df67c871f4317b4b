"""Evaluations in the run history, with the data of curves and single queries.

A stored run is what ``evaluate --json --per-query`` writes and, besides, each method's whole CMC
curve and the queries' files, so that a later session can draw and compare it and open its queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qaconv_core.evaluation.formats import plain
from qaconv_core.evaluation.reports import MEASURES, RANKS, report_json
from qaconv_core.store.folders import data_dir
from qaconv_core.store.records import is_number
from qaconv_core.store.runs import RunHistory
from qaconv_core.types import (
    CheckpointRecord,
    EvaluationCounts,
    EvaluationProtocol,
    EvaluationReport,
    Float64,
    MethodResult,
    Rejected,
)

_LONG = ("query_paths",)
_LONG_OF_RESULT = ("cmc", "ap")


def open_history(*, write: bool = True) -> RunHistory:
    """The user's run history; without ``write`` its folder may be one that is only read."""
    return RunHistory(data_dir(write=write) / "runs.sqlite")


def run_document(
    report: EvaluationReport, query_paths: Sequence[str] = (), root: str = ""
) -> dict[str, Any]:
    """What :meth:`~qaconv_core.store.runs.RunHistory.add` stores.

    ``query_paths`` are in the order of AP; ``root`` is where the data set was opened ("" where the
    report is not of a data set on disk).
    """
    document = report_json(report, per_query=True)
    for entry, result in zip(document["results"], report.results, strict=True):
        entry["cmc"] = plain(result.cmc)
    document["root"] = root
    document["query_paths"] = [str(path) for path in query_paths]
    return document


def short_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """A stored run without its long lists, to be read by people."""
    out = {key: value for key, value in document.items() if key not in _LONG}
    if isinstance(out.get("results"), list):
        out["results"] = [
            {k: v for k, v in entry.items() if k not in _LONG_OF_RESULT}
            if isinstance(entry, dict)
            else entry
            for entry in out["results"]
        ]
    if isinstance(out.get("separation"), dict):
        out["separation"] = {k: v for k, v in out["separation"].items() if k != "operating"}
    return out


def report_of_run(document: Mapping[str, Any]) -> EvaluationReport:
    """The report of a stored run; whatever an older or foreign document lacks is NaN or empty."""
    results = [r for r in _list(document, "results") if isinstance(r, dict)]
    return EvaluationReport(
        dataset=str(document.get("dataset", "")),
        counts=EvaluationCounts.from_dict(_dict(document, "counts")),
        results=tuple(_result(entry) for entry in results),
        protocol=EvaluationProtocol.from_dict(_dict(document, "protocol")),
        checkpoint=CheckpointRecord.from_dict(_dict(document, "checkpoint")),
        device=str(document.get("device", "")),
        seconds=_seconds(document),
        separation=_dict(document, "separation"),
        cameras=_dict(document, "cameras"),
        open_set=_dict(document, "open_set"),
        rejected=tuple(
            Rejected(Path(str(item.get("path", ""))), str(item.get("reason", "")))
            for item in _list(document, "rejected")
            if isinstance(item, dict)
        ),
        notes=tuple(str(note) for note in _list(document, "notes")),
    )


def query_paths_of_run(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The files of the queries, in the order of AP; none where the run did not keep them."""
    return tuple(str(path) for path in _list(document, "query_paths"))


def root_of_run(document: Mapping[str, Any]) -> str:
    """Where the data set was opened, "" where the run did not keep it."""
    root = document.get("root")
    return root if isinstance(root, str) else ""


def _result(entry: Mapping[str, Any]) -> MethodResult:
    cmc = _numbers(_list(entry, "cmc"))
    if not len(cmc):  # an older run kept four ranks only
        cmc = np.full(max(RANKS), np.nan)
        for k, name in zip(RANKS, MEASURES, strict=False):
            cmc[k - 1] = _number(entry.get(name))
    return MethodResult(
        str(entry.get("method", "")),
        cmc,
        _number(entry.get("mAP")),
        _number(entry.get("mINP")),
        _numbers(_list(entry, "ap")),
        str(entry.get("approximation") or ""),
    )


def _seconds(document: Mapping[str, Any]) -> dict[str, float]:
    stages = _dict(document, "seconds_by_stage").items()
    seconds = {str(name): float(value) for name, value in stages if is_number(value)}
    total = document.get("seconds")
    return {**seconds, "total": float(total)} if is_number(total) else seconds  # type: ignore[arg-type]


def _number(value: Any) -> float:
    return float(value) if is_number(value) else float("nan")


def _numbers(values: Sequence[Any]) -> Float64:
    return np.array([_number(value) for value in values], dtype=np.float64)


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    return value if isinstance(value, list) else []


def _dict(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return dict(value) if isinstance(value, dict) else {}
