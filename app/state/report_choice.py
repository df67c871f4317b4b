"""Which candidates a report can be about: the selected ones, the decided ones, the one shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.state.workspace import Workspace
from qaconv_core.types import RankingResult

NAMED = 12
"""The most ranks that are listed one by one."""


@dataclass(frozen=True)
class ReportChoice:
    """Candidates (gallery indices, best first) and what they are: "3 chosen in the ranking"."""

    name: str
    title: str
    candidates: tuple[int, ...]


def report_choices(space: Workspace) -> tuple[ReportChoice, ...]:
    """What can be reported on, the most likely first; nothing without a ranking of the query."""
    ranking, selection = space.ranking, space.selection
    if ranking is None or selection.query not in ranking.queries or selection.candidate is None:
        return ()
    chosen, decided = selection.chosen, space.decided
    found = []
    if len(chosen) > 1:
        title = f"The {len(chosen):,} candidates chosen in the ranking"
        found.append(ReportChoice("chosen", title, in_order(ranking, chosen)))
    if decided:
        what = "The decided candidate" if len(decided) == 1 else f"All {len(decided):,} decided"
        found.append(ReportChoice("decided", what, in_order(ranking, decided)))
    found.append(ReportChoice("shown", "The candidate looked at", (selection.candidate,)))
    return tuple(found)


def in_order(ranking: RankingResult, candidates: Iterable[int]) -> tuple[int, ...]:
    """Candidates as they are ranked."""
    return tuple(sorted(candidates, key=ranking.place_of))


def ranks_text(ranking: RankingResult, candidates: Sequence[int]) -> str:
    """ "Ranks 1, 2 and 5; 2 of the same camera (ignored)".

    "Ranks 1, 2, 3, … 90 (40 pictures)" where they are many.
    """
    ranks = [rank for rank in map(ranking.rank_of, candidates) if rank]
    junk = len(candidates) - len(ranks)
    if not ranks:
        count = "" if junk == 1 else f"{junk} of the "
        return f"{count}same camera (ignored), without a rank".capitalize()
    more = f"; {junk} of the same camera (ignored)" if junk else ""
    names = [f"{rank:,}" for rank in ranks]
    if len(names) > NAMED:
        return f"Ranks {', '.join(names[:NAMED])}, … {names[-1]} ({len(names):,} pictures){more}"
    if len(names) == 1:
        return f"Rank {names[0]}{more}"
    return f"Ranks {', '.join(names[:-1])} and {names[-1]}{more}"
