"""``qaconv rank --report``: chosen results as an HTML or PDF file to hand over."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaconv_core.cli.search import Listing
from qaconv_core.cli.terminal import say
from qaconv_core.evaluation.ranked_lists import TRUTH_WORDS, ranking_record
from qaconv_core.explaining.limits import STRANGERS
from qaconv_core.progress import CancelToken, WorkContext
from qaconv_core.types import ImageRef, ModelSpec

if TYPE_CHECKING:
    from qaconv_core.documents.matches import Candidate
    from qaconv_core.galleries.search import GallerySearch


def model_words(spec: ModelSpec) -> str:
    """What a model is, and of which file."""
    return f"{spec.in_full()}; checkpoint {spec.sha256[:12]}"


def numbered(file: str, number: int, count: int) -> Path:
    """The file of ranking ``number`` (from 1): of several, the names are numbered."""
    path = Path(file)
    return path if count == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def write_match_reports(
    arguments: argparse.Namespace,
    search: GallerySearch,
    listings: list[Listing],
    cancel: CancelToken,
) -> None:
    """One report for each ranking."""
    from qaconv_core.documents.match_report import day_and_time
    from qaconv_core.documents.matches import MatchReport, write_match_report

    data, spec = search.data, search.model.spec
    for number, listing in enumerate(listings, start=1):
        report = MatchReport(
            query=_query(listing),
            candidates=_candidates(listing, search, cancel),
            gallery=f"{data.name}, {data.layout}",
            pictures=listing.others,
            model=model_words(spec),
            created=day_and_time(datetime.now().astimezone().isoformat()),
            part=_part(listing.part),
            cells=listing.cells,
            notes=_notes(listing),
            precision=search.model.precision,
        )
        path = numbered(arguments.report, number, len(listings))
        write_match_report(report, path, work=WorkContext(cancel=cancel))
        say(f"report: {path}")


def _query(listing: Listing) -> ImageRef:
    """The first query, with its person and camera where all queries have the same."""
    record, first = ranking_record(listing.queries, listing.others), listing.queries[0]
    pid, camid = record["pid"], record["camid"]
    return replace(
        first, pid=pid, camid=camid, time=None, track=None,
        person="" if pid is None else first.person,
        camera="" if camid is None else first.camera,
    )  # fmt: skip


def _candidates(
    listing: Listing, search: GallerySearch, cancel: CancelToken
) -> tuple[Candidate, ...]:
    """Each result with its explanation, beside the average, and what was decided about it."""
    from qaconv_core.documents.matches import Candidate
    from qaconv_core.store.decisions import DecisionLog

    ranking = listing.ranking
    book = DecisionLog(search.data.name, search.data.root)
    mask = listing.cells
    found_n = listing.normalised
    if mask is None and found_n is None:  # a part has averages of its own: another pass
        search.measure_average(ranking.query, cancel)
    found = []
    for place, index in enumerate(map(int, ranking.order)):
        cancel.raise_if_cancelled()
        pair = search.explain(ranking.query, index, mask, found_n is not None, cancel)
        ref = search.data.gallery[index]
        found.append(
            Candidate(
                ref=ref,
                rank=int(ranking.ranks[place]),
                logit=listing.logit(place),
                part_logit=None if mask is None else pair.match.logit,
                match=pair.match,
                relative=pair.relative,
                truth=TRUTH_WORDS[int(ranking.truth[place])],
                decision=book.get(str(listing.queries[0].path), ref.path),
                alike="" if found_n is None else found_n.share_words(index),
            )
        )
    return tuple(found)


def _part(part: dict[str, Any] | None) -> str:
    if part is None:
        return ""
    return (
        f"Ranked by {part['cells']} of {part['of']} cells of the query, which hold "
        f"{100 * part['evidence']:.0f} % of its evidence; boxes taken {part['part'] or 'all'}, "
        f"boxes left out {part['ignore'] or 'none'} (fractions of the picture)."
    )


def _notes(listing: Listing) -> tuple[str, ...]:
    names, notes = [query.path.name for query in listing.queries], list(listing.notes)
    if listing.normalised is not None:
        notes += STRANGERS
    if len(names) == 1:
        return tuple(notes)
    return (
        *notes,
        f"Ranked by {len(names)} pictures together ({', '.join(names)}); lines and maps are of the "
        "first one.",
    )
