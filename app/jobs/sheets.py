"""Sheets for papers: a query beside two to four candidates, and several queries × their first k.

All of it is made in worker threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.jobs.match_exports import short_name
from app.jobs.ranking_exports import ranked_picture
from app.jobs.sheet import Sheet
from app.state.values import FEWEST_COMPARED, MOST_COMPARED
from app.state.words import METHOD_NAMES, SIGNS, TRUTHS, logit_text, score_text
from app.state.workspace import Workspace
from app.state.zones import PairZones, zone_sums
from qaconv_core.evaluation.ranked_lists import ranked_item
from qaconv_core.explaining.zones import ZONES, zones_of_picture
from qaconv_core.galleries.truth import truth_by_labels
from qaconv_core.galleries.values import OpenSet, PairView
from qaconv_core.types import ImageRef, RankingResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qaconv_core.galleries.search import GallerySearch

SCALE = "speaks against  ←  contribution above average  →  speaks for the match"


# ── candidates beside each other ────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CompareRequest:
    """Candidates of one query, best first, as they are to be compared."""

    matching: GallerySearch
    ranking: RankingResult
    candidates: tuple[int, ...]
    model: str

    @property
    def stem(self) -> str:
        """A file name that says what it is: ``compare_0002_c1_3_candidates``."""
        query = self.matching.data.query[self.ranking.queries[0]]
        return f"compare_{short_name(query)}_{len(self.candidates)}_candidates"

    def sheet(self) -> Sheet:
        """Explain every pair, and make the sheet of them."""
        ranking, data = self.ranking, self.matching.data
        query = data.query[ranking.queries[0]]
        pairs = [self.matching.explain(ranking.queries[0], c) for c in self.candidates]
        refs = [data.gallery[c] for c in self.candidates]
        titles = [_title(ranking, c) for c in self.candidates]
        zones = [zones_of_picture(ref, pairs[0].match.grid) for ref in (query, *refs)]
        sums = [
            zone_sums(pair, PairZones(zones[0], own), "relative")
            for pair, own in zip(pairs, zones[1:], strict=True)
        ]
        rows = [
            ("logit", *(logit_text(pair.logit) for pair in pairs)),
            ("score", *(score_text(pair.score) for pair in pairs)),
        ]
        for number, zone in enumerate(ZONES):
            if any(one[number] for one in sums):
                rows.append((zone, *(logit_text(float(one[number])) for one in sums)))
        words = "; ".join(
            f"{title}: {ref.path.name}" for title, ref in zip(titles, refs, strict=True)
        )
        above = "above the average over the gallery" if pairs[0].relative is not None else "as is"
        caption = (
            f"Query {query.path.name} ({data.name}) beside {len(refs)} candidates ({words}). "
            f"Above, what each cell of the candidate contributes, below, of the query, {above}. "
            f"Model: {self.model}."
        )
        return Sheet(
            self.stem, caption, ("", *titles), tuple(rows),
            lambda: self._figure(query, refs, titles, pairs),
        )  # fmt: skip

    def _figure(
        self,
        query: ImageRef,
        refs: Sequence[ImageRef],
        titles: Sequence[str],
        pairs: Sequence[PairView],
    ) -> Figure:
        from qaconv_core.data.images import read_image
        from qaconv_core.figures.heat import HeatItem, heat_figure

        picture = read_image(query.path)
        above, below = [], []
        for ref, title, pair in zip(refs, titles, pairs, strict=True):
            match, known = pair.match, pair.relative
            sides = (match.query_contribution, match.gallery_contribution)
            own, other = sides if known is None else known.sides
            numbers = f"score {score_text(pair.score)} · logit {logit_text(pair.logit)}"
            above.append(HeatItem(title, other, numbers, read_image(ref.path)))
            below.append(HeatItem("query", own, f"for {title}", picture))
        return heat_figure([*above, *below], SCALE, len(refs))


def _title(ranking: RankingResult, candidate: int) -> str:
    """ "rank 3 ✕"; junk has no rank."""
    rank, truth = ranking.rank_of(candidate), ranking.truth_of(candidate)
    return f"rank {rank} {SIGNS.get(truth, '')}".strip() if rank else "same camera"


def compare_request(space: Workspace, matching: GallerySearch | None) -> CompareRequest | None:
    """The candidates that are compared, or the chosen ones (two to four, best first); where one is
    chosen, it and the one ranked before or after it. None where there is nothing to compare."""
    ranking, chosen = space.ranking, space.selection
    if matching is None or ranking is None or not ranking.whole or ranking.part is not None:
        return None
    if chosen.candidate is None or chosen.query not in ranking.queries:
        return None
    if space.compared:
        wanted = {chosen.candidate, *space.compared}  # what is on the screen
    elif chosen.other is not None:
        wanted = {chosen.candidate, chosen.other}
    else:
        wanted = set(chosen.chosen)
    if len(wanted) == 1:
        place = ranking.place_of(chosen.candidate)
        wanted.add(int(ranking.order[place - 1 if place else min(1, len(ranking.order) - 1)]))
    found = sorted(wanted, key=ranking.place_of)
    if not FEWEST_COMPARED <= len(found) <= MOST_COMPARED:
        return None
    model = "" if space.model is None else space.model.spec.describe()
    return CompareRequest(matching, ranking, tuple(found), model)


# ── queries × first k ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class GridRequest:
    """Several queries, each with its first ``count`` candidates by a method, junk left out.

    ``data`` is the set as it is shown.
    """

    matching: GallerySearch
    data: OpenSet
    queries: tuple[int, ...]
    count: int
    method: str
    model: str

    @property
    def stem(self) -> str:
        """A file name that says what it is: ``grid_market_5x10``."""
        return f"grid_{self.data.name}_{len(self.queries)}x{self.count}"

    def sheet(self) -> Sheet:
        """Rank all queries, and make the sheet of them."""
        data = self.data
        ranked = [self._first(query) for query in self.queries]
        truths = {truth for row in ranked for _item, truth in row}
        signs = ", ".join(f"{SIGNS[t]} {TRUTHS[t]}" for t in sorted(truths & set(SIGNS))[::-1])
        caption = (
            f"The first {self.count} candidates of {len(self.queries)} queries of {data.name} by "
            f"{METHOD_NAMES[self.method]}{f' ({signs})' if signs else ''}. Model: {self.model}."
        )
        rows = [
            (
                data.query[query].path.name,
                *(f"{score_text(item['score'])} {SIGNS.get(truth, '')}" for item, truth in row),
            )
            for query, row in zip(self.queries, ranked, strict=True)
        ]
        longest = max(map(len, rows))
        head = ("query", *(f"rank {k}" for k in range(1, longest)))
        filled = tuple((*row, *[""] * (longest - len(row))) for row in rows)
        return Sheet(self.stem, caption, head, filled, lambda: self._figure(ranked))

    def _first(self, query: int) -> list[tuple[dict[str, Any], int]]:
        """The first candidates of a query, each with its truth."""
        ranking = truth_by_labels(self.matching.rank((query,), self.method), self.data)
        places = np.flatnonzero(ranking.truth != RankingResult.JUNK)[: self.count].tolist()
        gallery = self.data.gallery
        return [(ranked_item(gallery, ranking, k), int(ranking.truth[k])) for k in places]

    def _figure(self, ranked: Sequence[Sequence[tuple[dict[str, Any], int]]]) -> Figure:
        from qaconv_core.data.images import read_image
        from qaconv_core.figures.ranking import RankedRow, ranking_grid

        rows = []
        for query, row in zip(self.queries, ranked, strict=True):
            path = self.data.query[query].path
            pictures = [ranked_picture(item, truth) for item, truth in row]
            rows.append(RankedRow(read_image(path), path.name, pictures))
        return ranking_grid(rows)


def grid_request(
    space: Workspace, matching: GallerySearch | None, listed: Sequence[int], rows: int, count: int
) -> GridRequest | None:
    """Those of several queries that are chosen; where one is, it and those ``listed`` after it."""
    chosen = space.selection.queries
    if matching is None or space.data is None or not chosen:
        return None
    queries = chosen
    if len(chosen) == 1 and chosen[0] in listed:
        place = list(listed).index(chosen[0])
        queries = tuple(int(query) for query in listed[place : place + rows])
    method = space.method if space.method in matching_methods(matching) else "qaconv"
    model = "" if space.model is None else space.model.spec.describe()
    return GridRequest(matching, space.data, queries[:rows], count, method, model)


def matching_methods(matching: GallerySearch) -> tuple[str, ...]:
    """The methods that any query can be ranked by at once."""
    measured = matching.measured
    return ("qaconv",) if measured is None else ("qaconv", *measured.scores)
