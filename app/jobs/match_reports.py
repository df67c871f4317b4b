"""The match report: a query and some candidates as a document, made in a worker thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.job import JobContext
from app.state.part_words import share_text
from app.state.words import METHOD_NAMES, TRUTHS
from qaconv_core.evaluation.labelled_line import LabelledLine
from qaconv_core.explaining.evidence import SetEvidence
from qaconv_core.explaining.limits import STRANGERS
from qaconv_core.explaining.values import RelativeMatch
from qaconv_core.galleries.values import OpenSet, PairView
from qaconv_core.ranking.strangers import Strangers
from qaconv_core.ranking.tracks import RULE_WORDS
from qaconv_core.store.cases import Case
from qaconv_core.store.decisions import Decision
from qaconv_core.types import RankingResult

if TYPE_CHECKING:
    from qaconv_core.documents.match_report import Candidate
    from qaconv_core.galleries.search import GallerySearch


@dataclass(frozen=True)
class ReportRequest:
    """What a report is to hold: ``candidates`` of a ranking's first query, in this order; ``data``
    is the set as it is shown.

    ``decided`` are decisions by gallery index, ``model`` words for the model, ``strangers`` how
    candidates stand among these, where they are normalised, ``labelled`` the line of labelled
    pairs; ``case`` is the open one, ``evidence`` that of the set's pairs, where it was measured.
    """

    matching: GallerySearch
    data: OpenSet
    ranking: RankingResult
    candidates: tuple[int, ...]
    decided: Mapping[int, Decision]
    model: str
    strangers: Strangers | None = None
    labelled: LabelledLine | None = None
    case: Case | None = None
    evidence: SetEvidence | None = None

    def write(self, path: Path, context: JobContext) -> None:
        """Write it whole or not at all, as HTML or PDF by the ending of ``path``."""
        from qaconv_core.documents.match_report import MatchReport, day_and_time
        from qaconv_core.documents.matches import write_match_report

        ranking, data = self.ranking, self.data
        query = ranking.queries[0]
        if ranking.part is None and self.strangers is None:
            self.matching.measure_average(query, context.cancel)
        rows = []
        for index in self.candidates:
            context.raise_if_cancelled()
            rows.append(self._candidate(index))
        report = MatchReport(
            query=data.query[query],
            candidates=tuple(rows),
            gallery=data.name,
            pictures=len(data.gallery),
            model=self.model,
            created=day_and_time(datetime.now().astimezone().isoformat()),
            part=part_words(ranking),
            cells=ranking.part,
            notes=notes(ranking, self.strangers, self.labelled),
            model_sha256=self.matching.model.spec.sha256,
            precision=self.matching.model.precision,
            case=self.case,
        )
        write_match_report(report, path, work=context)

    def _candidate(self, index: int) -> Candidate:
        from qaconv_core.documents.match_report import Candidate

        ranking, strangers = self.ranking, self.strangers
        normalised = strangers is not None
        pair = self.matching.explain(ranking.queries[0], index, ranking.part, normalised)
        return Candidate(
            ref=self.data.gallery[index],
            rank=ranking.rank_of(index),
            logit=pair.logit,
            part_logit=None if pair.part is None else pair.match.logit,
            match=pair.match,
            relative=pair.relative,
            truth=TRUTHS.get(ranking.truth_of(index), ""),
            decision=self.decided.get(index),
            alike="" if strangers is None else strangers.share_words(index),
            evidence=self._standing(pair),
        )

    def _standing(self, pair: PairView) -> str:
        if self.evidence is None or not isinstance(pair.relative, RelativeMatch):
            return ""
        data = self.matching.data
        refs = data.query[pair.query], data.gallery[pair.candidate]
        standing = self.evidence.of_pair(refs, pair.relative)
        return "" if standing is None else f"{standing.words}."


def part_words(ranking: RankingResult) -> str:
    """By which cells of the query the report's candidates were ranked; empty for all."""
    part = ranking.part
    if part is None:
        return ""
    return (
        f"Ranked by {int(part.sum())} of {part.size} cells of the query, which hold "
        f"{share_text(ranking.evidence)} of its evidence."
    )


def notes(
    ranking: RankingResult,
    strangers: Strangers | None = None,
    labelled: LabelledLine | None = None,
) -> tuple[str, ...]:
    """What the ranks are, where they are not those of the logits shown."""
    found = []
    if len(ranking.queries) > 1:
        found.append(
            f"Ranked by {len(ranking.queries)} pictures together; logits, lines and maps are of "
            "the first one."
        )
    if ranking.method != "qaconv" and (ranking.part is None or strangers is not None):
        found.append(
            f"Ranks are those of {METHOD_NAMES[ranking.method]}; logits are those of QAConv"
            + (", and so are lines and maps." if strangers is None else ".")
        )
    if strangers is not None:
        found += [strangers.line_words(ranking), *STRANGERS]
    if labelled is not None:
        found.append(labelled.line_words(ranking))
    if ranking.track_rule:
        found.append(RULE_WORDS[ranking.track_rule])
    if ranking.approximation:
        found.append(ranking.approximation)
    return tuple(found)
