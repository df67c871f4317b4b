"""The ranked gallery of the chosen query, filtered, as rows: nothing is made before it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PyQt5.QtCore import QObject

from app.items.row_models import EntryModel
from app.items.row_texts import move_sentence, track_sentence, who_sentence
from app.jobs.images import ImageLoader
from app.state.listing import listed_places, rank_moves
from app.state.part_words import evidence_sentence, share_text
from app.state.values import NORMALISED, ResultFilter
from app.state.words import (
    TRUTHS,
    decided_sentence,
    deviations_text,
    logit_text,
    score_text,
    time_text,
    value_sentence,
    value_text,
)
from app.state.workspace import Workspace
from qaconv_core.galleries.values import Found, OpenSet
from qaconv_core.types import Bool, ImageRef, Int64, RankingResult, score_of_logit

NONE = np.empty(0, dtype=np.int64)
MEAN_SIGN = "Ø"
"""Before a number that is the mean of a track's pictures."""


@dataclass(frozen=True, slots=True)
class ResultEntry:
    """One ranked picture. ``rank`` is 0 for junk, ``move`` None under plain QAConv.

    ``score`` and ``logit`` are of the whole pictures, ``part_logit`` by the part searched by,
    ``value`` what re-ranking, TLift or normalisation ranks by. ``aside`` is shown beside the
    score: the share of the part's evidence, or the normalised score. ``pictures`` is how
    many its track has. ``below``: it is below the line; ``first_below`` is the first of these in a
    row; ``strangers`` says how many look as much alike.
    ``mean`` is what its track is ranked by, where that is not the best picture.
    """

    candidate: int
    ref: ImageRef
    rank: int
    truth: int
    score: float
    logit: float | None
    move: int | None
    decided: str = ""
    note: str = ""
    found: Found | None = None
    part_logit: float | None = None
    value: float | None = None
    aside: str = ""
    below: bool = False
    first_below: bool = False
    strangers: str = ""
    pictures: int = 1
    mean: float | None = None

    @property
    def value_text(self) -> str:
        """The score of the whole pictures, also where they are ranked by a part; that of the mean
        logit (Ø) where a track is ranked by it."""
        by_logit = self.mean is not None and self.part_logit is None and self.value is None
        if by_logit and self.mean is not None:
            return f"{MEAN_SIGN} {score_text(score_of_logit(self.mean))}"
        return score_text(self.score)


class ResultModel(EntryModel):
    """Rows are the listed places of ``workspace.ranking``, best first; follows the workspace."""

    def __init__(
        self, workspace: Workspace, thumbnails: ImageLoader, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.thumbnails = workspace, thumbnails
        self.rows: Int64 = NONE
        self.ranking: RankingResult | None = None
        self.moves: Int64 | None = None
        self._data: OpenSet | None = None
        self._filter: ResultFilter | None = None
        self._below: Bool | None = None
        for event in (workspace.data_changed, workspace.ranking_changed, workspace.filters_changed):
            event.connect(self._update_rows)
        workspace.decided_changed.connect(self._update_decided)
        workspace.parts.found_changed.connect(self.tell_changed)
        for event in (workspace.labelled_changed, workspace.look_changed):
            event.connect(self._update_line)
        self._update_rows()

    def _update_rows(self) -> None:
        space = self.workspace
        same = space.ranking is self.ranking and space.result_filter == self._filter
        # Own queries may be added to the set: its gallery stays what it was.
        gallery = None if space.data is None else space.data.gallery
        if same and (self._data is None or self._data.gallery is gallery):
            return
        self.beginResetModel()
        self._data, self.ranking, self._filter = space.data, space.ranking, space.result_filter
        self.rows, self.moves = NONE, None
        if self._data is not None and self.ranking is not None:
            self.rows = listed_places(self._data, self.ranking, self._filter, space.decided)
            self.moves = rank_moves(self.ranking)
        self._below = self._places_below()
        self.endResetModel()

    def _update_line(self) -> None:
        before, below = self._below, self._places_below()
        self._below = below
        same = before is below or (before is not None and below is not None
                                   and np.array_equal(before, below))  # fmt: skip
        if not same:
            self.tell_changed()

    def _places_below(self) -> Bool | None:
        """(n,) which places of the ranking are below its line; None without one."""
        line = self.workspace.line
        if line is None or self.ranking is None:
            return None
        return ~line.above_places(self.ranking)

    # ── rows ────────────────────────────────────────────────────────────────────────────────────

    def candidate_at(self, row: int) -> int:
        """The gallery index that a row shows."""
        assert self.ranking is not None
        return int(self.ranking.order[self.rows[row]])

    def file_of(self, row: int) -> Path:
        """The file that a row shows."""
        assert self._data is not None
        return self._data.gallery[self.candidate_at(row)].path

    def row_of(self, candidate: int | None) -> int | None:
        """The row of a gallery picture, or None where it is not listed."""
        if candidate is None or self.ranking is None:
            return None
        place = self.ranking.place_of(candidate)
        row = int(np.searchsorted(self.rows, place))
        return row if row < len(self.rows) and self.rows[row] == place else None

    def row_beside(self, candidate: int | None, step: int, truth: int | None = None) -> int | None:
        """The next row after (``step`` 1) or before (−1) a picture, of that truth if one is given.

        The picture itself may be hidden; without one the search starts before the first row.
        """
        if self.ranking is None:
            return None
        place = -1 if candidate is None else self.ranking.place_of(candidate)
        wanted = np.ones(len(self.rows), dtype=bool)
        if truth is not None:
            wanted = self.ranking.truth[self.rows] == truth
        beside = self.rows > place if step > 0 else self.rows < place
        rows = np.flatnonzero(wanted & beside)
        if not len(rows):
            return None
        return int(rows[0] if step > 0 else rows[-1])

    def entry(self, row: int) -> ResultEntry:
        """What a row shows."""
        assert self._data is not None
        assert self.ranking is not None
        ranking, place = self.ranking, int(self.rows[row])
        candidate = int(ranking.order[place])
        decision, found = self.workspace.decided.get(candidate), self._found(candidate)
        aside = "" if found is None else share_text(found.evidence)
        strangers = self.workspace.strangers
        pictures = 1 if self._filter_every else self._data.track_size(candidate)
        followed = pictures > 1 and ranking.truth[place] != RankingResult.JUNK
        means = ranking.track_means if followed else None
        if strangers is not None:
            sign = "" if means is None else f"{MEAN_SIGN} "
            aside = sign + deviations_text(strangers.n_of(candidate, track=means is not None))
        return ResultEntry(
            candidate=candidate,
            ref=self._data.gallery[candidate],
            rank=int(ranking.ranks[place]),
            truth=int(ranking.truth[place]),
            score=ranking.score_at(place),
            logit=ranking.logit_at(place),
            move=None if self.moves is None else int(self.moves[place]),
            decided="" if decision is None else decision.verdict,
            note="" if decision is None else decision.note,
            found=found,
            part_logit=ranking.part_logit_at(place),
            value=float(ranking.values[place]) if ranking.kind == "score" else None,
            aside=aside,
            below=self._is_below(row),
            first_below=self._is_below(row) and (not row or not self._is_below(row - 1)),
            strangers="" if strangers is None else strangers.share_words(candidate),
            pictures=pictures,
            mean=None if means is None else float(means[place]),
        )

    def _is_below(self, row: int) -> bool:
        """Whether a row is below the line."""
        return self._below is not None and bool(self._below[self.rows[row]])

    @property
    def _filter_every(self) -> bool:
        return self._filter is not None and self._filter.every_picture

    def track_paths(self, row: int) -> list[Path]:
        """The pictures of a row's track, in order; one where it is in none."""
        assert self._data is not None
        return [
            self._data.gallery[int(i)].path for i in self._data.track_of(self.candidate_at(row))
        ]

    def _found(self, candidate: int) -> Found | None:
        """Where the part was found, where the rows are ranked by it and that is known already."""
        parts = self.workspace.parts
        by_part = self.ranking is not None and self.ranking.part is parts.part
        return parts.found.get(candidate) if by_part else None

    def _update_decided(self) -> None:
        """Other badges; other rows where those that were decided about are hidden."""
        if self.workspace.result_filter.hide_decided:
            self._filter = None
            self._update_rows()
        else:
            self.tell_changed()

    def sentences(self, entry: ResultEntry) -> list[str]:
        assert self.ranking is not None
        rank = f"Rank {entry.rank:,}" if entry.rank else "No rank"
        truth = TRUTHS.get(entry.truth, "person not known")
        said = [f"{rank}, {truth}", self._value(entry), self._track(entry)]
        if entry.truth != RankingResult.JUNK:
            said.append(move_sentence(entry.move))
        if self._below is not None:
            where = "Below the line" if entry.below else "Above the line"
            said.append("; ".join(text for text in (where, entry.strangers) if text))
        if entry.found is not None:
            said.append(evidence_sentence(entry.found.evidence))
        said.append(decided_sentence(entry.decided, entry.note))
        said.append(who_sentence(entry.ref))
        when = time_text(entry.ref.time)
        said += [f"Time {when}" if when else "", entry.ref.path.name]
        said.append(self.thumbnails.fault(entry.ref.path))
        return [sentence for sentence in said if sentence]

    def _track(self, entry: ResultEntry) -> str:
        """What its track is ranked by, where it is in one."""
        if entry.mean is None:
            return track_sentence(entry.pictures)
        assert self.ranking is not None
        by_logit = self.ranking.kind == "logit"
        mean = logit_text(entry.mean) if by_logit else value_text(self.ranking.method, entry.mean)
        return track_sentence(entry.pictures, f"logit {mean}" if by_logit else mean)

    def _value(self, entry: ResultEntry) -> str:
        assert self.ranking is not None
        said = f"Score {score_text(entry.score)}"
        if entry.logit is not None:
            said += f", logit {logit_text(entry.logit)}"
        if entry.part_logit is not None:
            said += f" (whole pictures); by part logit {logit_text(entry.part_logit)}"
        if entry.value is not None:
            said += f"; {value_sentence(self.ranking.method, entry.value)}"
        strangers = self.workspace.strangers
        if strangers is not None and self.ranking.method != NORMALISED:
            said += f"; {value_sentence(NORMALISED, float(strangers.n[entry.candidate]))}"
        return said
