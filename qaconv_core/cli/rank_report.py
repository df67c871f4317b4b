"""``qaconv rank --report``: chosen results as an HTML or PDF file to hand over."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qaconv_core.cli.search import approximation_lines
from qaconv_core.cli.terminal import say
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken
from qaconv_core.types import Dataset, ImageRef

if TYPE_CHECKING:
    from qaconv_core.documents.matches import Candidate
    from qaconv_core.model import Model
    from qaconv_core.types import FeatureBank, Float32


def check_report(file: str | None) -> None:
    """Refuse a report that could not be written, before the work."""
    if file is None:
        return
    path = Path(file)
    if path.suffix.lower() not in (".html", ".htm", ".pdf"):
        raise InputError(f"{file}: --report writes .html or .pdf; choose one of these suffixes")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(f"{file}: --report takes a file in a folder that exists")


def write_match_reports(
    arguments: argparse.Namespace,
    model: Model,
    dataset: Dataset,
    query_maps: Float32,
    bank: FeatureBank,
    rankings: list[dict[str, Any]],
    cancel: CancelToken,
) -> None:
    """One report for each ranking; of several, the file names are numbered."""
    from qaconv_core.documents.match_report import day_and_time
    from qaconv_core.documents.matches import MatchReport, write_match_report

    for number, ranking in enumerate(rankings):
        candidates = _candidates(
            ranking, number, arguments.joint, model, dataset, query_maps, bank, cancel
        )
        report = MatchReport(
            query=ImageRef(Path(ranking["query_paths"][0]), ranking["pid"], ranking["camid"]),
            candidates=candidates,
            gallery=f"{dataset.name}, {dataset.layout}",
            pictures=ranking["gallery"],
            model=f"{model.spec.describe()}; checkpoint {model.spec.sha256[:12]}",
            created=day_and_time(datetime.now().astimezone().isoformat()),
            part=_part(ranking),
            notes=_notes(ranking),
        )
        path = Path(arguments.report)
        if len(rankings) > 1:
            path = path.with_name(f"{path.stem}-{number + 1}{path.suffix}")
        write_match_report(report, path, cancel=cancel)
        say(f"report: {path}")


def _candidates(
    ranking: dict[str, Any],
    number: int,
    joint: str | None,
    model: Model,
    dataset: Dataset,
    query_maps: Float32,
    bank: FeatureBank,
    cancel: CancelToken,
) -> tuple[Candidate, ...]:
    """Each result with its explanation, against the crowd, and what was decided about it."""
    from qaconv_core.documents.matches import Candidate
    from qaconv_core.explaining.average import average_contributions, relative
    from qaconv_core.matching.correspondences import match_maps
    from qaconv_core.store.decisions import DecisionLog

    book = DecisionLog(dataset.name, dataset.root)
    part = ranking.get("part")
    mask = None if part is None else np.array(part["mask"], dtype=np.bool_)
    query = 0 if joint else number
    crowd = None
    if part is None:  # a part has averages of its own, which would need another pass
        crowd = average_contributions(query_maps[query], bank, model.head, cancel=cancel)
    found = []
    for item in ranking["results"]:
        cancel.raise_if_cancelled()
        gallery_map = np.asarray(bank[item["gallery_index"]], dtype=np.float32)
        match = match_maps(query_maps[query], gallery_map, model.head, keep_query=mask)
        path = Path(item["path"])
        found.append(
            Candidate(
                ref=ImageRef(path, item["pid"], item["camid"], item["time"]),
                rank=item["rank"],
                logit=item["logit"],
                match=match,
                relative=None if crowd is None else relative(match, crowd),
                truth=item["truth"],
                decision=book.get(ranking["query_paths"][0], path),
                among=mask,
            )
        )
    return tuple(found)


def _part(ranking: dict[str, Any]) -> str:
    part = ranking.get("part")
    if part is None:
        return ""
    return (
        f"Ranked by {part['cells']} of {part['of']} cells of the query, which hold "
        f"{100 * part['evidence']:.0f} % of its evidence; boxes taken {part['part'] or 'all'}, "
        f"boxes left out {part['ignore'] or 'none'} (fractions of the picture)."
    )


def _notes(ranking: dict[str, Any]) -> tuple[str, ...]:
    notes = approximation_lines(ranking)
    names = [Path(path).name for path in ranking["query_paths"]]
    if len(names) == 1:
        return tuple(notes)
    return (
        *notes,
        f"Ranked by {len(names)} pictures together ({', '.join(names)}); lines and maps are of the "
        "first one.",
    )
