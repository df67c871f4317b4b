"""The queries of the open set, filtered and sorted, as rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PyQt5.QtCore import QObject

from app.items.row_models import EntryModel
from app.items.row_texts import person_title, who_sentence
from app.jobs.images import ImageLoader
from app.state.listing import listed_queries
from app.state.values import Measures, QueryFilter
from app.state.words import JOIN, METHOD_NAMES, SIGNS, ap_text, score_text, short_camera
from app.state.workspace import Workspace
from qaconv_core.galleries.values import OpenSet
from qaconv_core.types import ImageRef, Int64, RankingResult


@dataclass(frozen=True, slots=True)
class QueryEntry:
    """One row. ``ap`` and ``top`` are NaN and ``first_true`` is 0 where not known."""

    query: int
    ref: ImageRef
    added: bool
    ap: float
    first_true: int
    top: float
    measured: bool
    """Whether ranks are known: without a first true rank there is then no true match. What labels
    alone say of persons is not measured."""

    @property
    def error(self) -> bool:
        """Whether its rank 1 is a false match."""
        return self.first_true > 1

    @property
    def title(self) -> str:
        """``Person 2 · c1``, and that the user brought it where so."""
        added = "Added picture" if self.added else ""
        return JOIN.join(filter(None, (added, person_title(self.ref), short_camera(self.ref))))

    @property
    def verdict(self) -> str:
        """``AP 0.812 · ✓ 3`` (the rank of the first true match), as far as it is known."""
        if self.first_true:
            return f"AP {ap_text(self.ap)} · {SIGNS[RankingResult.TRUE]} {self.first_true:,}"
        if self.ref.pid is None:
            return "person not known" if not self.added else ""
        return "no true match" if self.measured else ""


class QueryModel(EntryModel):
    """Queries in the order of :func:`~app.state.listing.listed_queries`; follows the workspace.

    New measures of a single query do not re-sort the list. It is sorted when filter, method or set
    change, and when the whole set has been measured.
    """

    def __init__(
        self, workspace: Workspace, thumbnails: ImageLoader, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.thumbnails = workspace, thumbnails
        self.rows: Int64 = np.empty(0, dtype=np.int64)
        self._data: OpenSet | None = None
        self._measures = Measures.unknown(0)
        self._sorted_for: tuple[str, frozenset[str], QueryFilter] | None = None
        workspace.data_changed.connect(self._relist)
        workspace.method_changed.connect(self._refresh)
        workspace.measures_changed.connect(self._refresh)
        workspace.filters_changed.connect(self._refresh)
        self._relist()

    # ── following the workspace ─────────────────────────────────────────────────────────────────

    def _refresh(self) -> None:
        space = self.workspace
        if space.data is not self._data:
            return  # another set is being opened; it tells when it is there
        now = (space.method, space.measures_complete, space.query_filter)
        if now != self._sorted_for or not len(self.rows):
            self._relist()
        else:
            self._measures = space.current_measures
            self.tell_changed()

    def _relist(self) -> None:
        space = self.workspace
        data, measures = space.data, space.current_measures
        listed = np.empty(0, dtype=np.int64)
        if data is not None:
            listed = listed_queries(data, measures, space.query_filter)
        self._sorted_for = (space.method, space.measures_complete, space.query_filter)
        if data is self._data and np.array_equal(listed, self.rows):
            self._measures = measures
            self.tell_changed()
            return
        self.beginResetModel()
        self._data, self._measures, self.rows = data, measures, listed
        self.endResetModel()

    # ── rows ────────────────────────────────────────────────────────────────────────────────────

    def row_of(self, query: int) -> int | None:
        """The row of a query, or None where it is not listed."""
        found = np.flatnonzero(self.rows == query)
        return int(found[0]) if len(found) else None

    def entry(self, row: int) -> QueryEntry:
        """What a row shows."""
        assert self._data is not None
        query = int(self.rows[row])
        known = self._measures
        ap, top, ref = float(known.ap[query]), float(known.top[query]), self._data.query[query]
        return QueryEntry(
            query=query,
            ref=ref,
            added=self._data.is_added(query),
            ap=ap,
            first_true=int(known.first_true[query]),
            top=top,
            measured=not math.isnan(top) and self._data.as_read.query[query].pid == ref.pid,
        )

    def sentences(self, entry: QueryEntry) -> list[str]:
        """What can be said of a query; the protocol comes last."""
        return [*self.spoken(entry), self._protocol()]

    def spoken(self, entry: QueryEntry) -> list[str]:
        """All but the protocol."""
        said = ["Added picture"] if entry.added else []
        said += [who_sentence(entry.ref), entry.ref.path.name]
        if entry.first_true:
            method = METHOD_NAMES[self.workspace.method]
            said.append(f"AP {ap_text(entry.ap)} by {method}")
            said.append(f"First true match at rank {entry.first_true:,}")
            if entry.error:
                said.append("Rank 1 is a false match")
        elif entry.measured:
            said.append("No true match in the gallery" if entry.ref.pid is not None else "")
        else:
            said.append("AP not known yet")
        if not math.isnan(entry.top):
            said.append(f"Score of the best candidate {score_text(entry.top)}")
        said.append(self.thumbnails.fault(entry.ref.path))
        return [sentence for sentence in said if sentence]

    def _protocol(self) -> str:
        if self._data is not None and not self._data.junk_rule:
            return "Protocol: step-wise AP; every gallery picture counts."
        return (
            "Protocol: step-wise AP; pictures of the query's person from its own camera (junk) "
            "are ignored."
        )
