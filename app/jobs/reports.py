"""The report to hand over, made in a worker thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app.state.values import Ranking
from app.state.words import TRUTHS
from qaconv_core.store.decisions import Decision

if TYPE_CHECKING:
    from app.jobs.matching_set import MatchingSet


def decided_report(
    matching: MatchingSet,
    ranking: Ranking,
    candidates: Sequence[int],
    decided: Mapping[int, Decision],
    model: str,
) -> str:
    """Candidates of a ranking's first query, with lines, maps and decisions, as HTML."""
    from qaconv_core.documents.matches import Candidate, MatchReport, match_report_html

    query, data = ranking.queries[0], matching.data
    matching.measure_crowd(query)
    rows = []
    for index in candidates:
        pair = matching.explain(query, index)
        truth = TRUTHS.get(ranking.truth_of(index), "")
        rows.append(
            Candidate(
                data.gallery[index], ranking.rank_of(index), pair.match.logit, pair.match,
                pair.relative, truth, decided.get(index),
            )
        )  # fmt: skip
    created = f"{datetime.now():%Y-%m-%d %H:%M}"
    report = MatchReport(
        data.query[query], tuple(rows), data.name, len(data.gallery), model, created
    )
    return match_report_html(report)
