"""What is to be done next for what is chosen: one pure function, and the steps it names.

The controller takes the step that :func:`next_step` names, each time that the workspace changed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from app.state.scene import second_candidate
from app.state.values import NORMALISED, Method, normalises
from app.state.workspace import Workspace
from qaconv_core.galleries.values import PairView
from qaconv_core.types import Bool, RankingResult


@dataclass(frozen=True)
class Available:
    """What there is to answer with.

    ``growing``: maps of a part of the gallery are there; ``whole``: all maps are.
    ``average_known``: the average contributions of the query shown have been computed.
    """

    growing: bool = False
    whole: bool = False
    average_known: bool = False


class Step:
    """Something to do. Two steps are equal where they ask for the same; masks are compared by
    identity, as they are never changed in place."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            same(getattr(self, field.name), getattr(other, field.name))
            for field in fields(self)  # type: ignore[arg-type]
        )

    def __hash__(self) -> int:
        return hash(type(self))


@dataclass(frozen=True, eq=False)
class Wait(Step):
    """Nothing can be done before maps are there. ``outdated``: the ranking shown is to be marked
    as stale."""

    outdated: bool = False


@dataclass(frozen=True, eq=False)
class Rank(Step):
    """Rank the gallery; not ``whole``: as much of it as there are maps of."""

    queries: tuple[int, ...]
    method: Method
    fuse: str
    exact: bool
    part: Bool | None
    whole: bool
    false_alarms: float
    tracks: str


@dataclass(frozen=True, eq=False)
class KeepRanking(Step):
    """The ranking shown was chosen again: drop another one that is on its way."""


@dataclass(frozen=True, eq=False)
class ChooseCandidate(Step):
    """Auto-select a candidate, as no person has chosen one."""

    candidate: int


@dataclass(frozen=True, eq=False)
class ChooseSecond(Step):
    """Select a second candidate to compare the first one with."""

    candidate: int


@dataclass(frozen=True, eq=False)
class Explain(Step):
    """Explain the pair of query and candidate, and those of the candidates to compare with.

    ``again``: the pair is shown already, explained before all maps were there. ``normalised``: by
    the parts of its normalised score.
    """

    query: int
    candidate: int
    others: tuple[int, ...]
    part: Bool | None
    whole: bool
    again: bool
    normalised: bool


@dataclass(frozen=True, eq=False)
class KeepPair(Step):
    """The pair shown was chosen again: drop another one that is on its way."""


@dataclass(frozen=True, eq=False)
class CompareWithAverage(Step):
    """Compute the query's average contributions, to compare the pair shown with them."""

    pair: PairView
    others: tuple[PairView, ...]


@dataclass(frozen=True, eq=False)
class Done(Step):
    """Everything that is chosen is shown."""


def next_step(space: Workspace, available: Available) -> Step:
    """What is to be done next, so that what is shown becomes what is chosen."""
    selection, part = space.selection, space.parts.part
    if not selection.queries or not (available.growing or available.whole):
        return Wait()
    if part is not None and not available.whole:  # a search by part needs all maps
        return Wait(outdated=not space.ranking_stale)
    if not ranking_is_current(space, available.whole):
        return rank_step(space, available.whole)
    if space.ranking_stale:
        return KeepRanking()
    if selection.candidate is None:
        best = best_candidate(space.ranking)
        return Done() if best is None else ChooseCandidate(best)
    if space.look.mode == "compare" and space.compared in ((), (selection.candidate,)):
        second = second_candidate(space)
        if second is not None:
            return ChooseSecond(second)
    if not pair_is_current(space, available.whole):
        assert selection.query is not None
        return Explain(
            selection.query, selection.candidate, space.compared, part, available.whole,
            again=_shows_selection(space), normalised=explains_normalised(space, available.whole),
        )  # fmt: skip
    if space.pair_stale:
        return KeepPair()
    pair = space.pair
    assert pair is not None
    unknown = pair.relative is None and not available.average_known
    if available.whole and unknown and pair.part is None:  # the average is of whole queries
        return CompareWithAverage(pair, space.others)
    return Done()


def rank_step(space: Workspace, whole: bool) -> Rank:
    """How the gallery is to be ranked for what is chosen."""
    queries, look = space.selection.queries, space.look
    method = method_of(space) if whole else "qaconv"
    fuse = look.fuse if len(queries) > 1 else ""
    share = look.false_alarms if normalises(method) else 0.0
    exact = whole and (look.exact or space.tracks_by_mean)  # a mean of estimates is none
    return Rank(queries, method, fuse, exact, space.parts.part, whole, share, look.tracks)


def ranking_is_current(space: Workspace, whole: bool) -> bool:
    """Whether the ranking shown is that of what is chosen; ``whole``: all maps are there."""
    ranking = space.ranking
    if ranking is None or ranking.queries != space.selection.queries:
        return False
    if whole and not ranking.whole:
        return False
    if len(ranking.queries) > 1 and space.ranking_fuse != space.look.fuse:
        return False
    if ranking.part is not space.parts.part or ranking.track_rule not in ("", space.look.tracks):
        return False
    if can_be_exact(space) and space.look.exact:
        return False
    strangers = space.strangers
    if whole and strangers is not None and strangers.line.false_alarms != space.look.false_alarms:
        return False
    return not whole or ranking.method == method_of(space)


def can_be_exact(space: Workspace) -> bool:
    """Whether scoring everything would make more of the ranking exact. With normalised scores it
    does once: what strangers look like stays estimated in a gallery that was prepared."""
    ranking = space.ranking
    return ranking is not None and ranking.exact_to is not None and not space.ranking_exact


def method_of(space: Workspace) -> Method:
    """What ranks the gallery for what is chosen: the method chosen, as far as it can.

    A part and added pictures are not re-ranked.
    """
    queries, method = space.selection.queries, space.method
    added = space.data is not None and any(map(space.data.is_added, queries))
    if added or space.parts.part is not None:
        return NORMALISED if normalises(method) else "qaconv"
    return method


def explains_normalised(space: Workspace, whole: bool) -> bool:
    """Whether pairs are explained by their normalised scores: where these rank."""
    return whole and normalises(method_of(space))


def pair_is_current(space: Workspace, whole: bool) -> bool:
    """Whether the pair shown (and what it is compared with) is what is chosen; ``whole``: all maps
    are there."""
    if whole and space.pair_provisional:
        return False
    pair = space.pair
    if pair is not None and (pair.normalised is not None) != explains_normalised(space, whole):
        return False
    return _shows_selection(space)


def _shows_selection(space: Workspace) -> bool:
    pair, selection = space.pair, space.selection
    if pair is None or (pair.query, pair.candidate) != (selection.query, selection.candidate):
        return False
    if pair.part is not space.parts.part:
        return False
    compared = tuple(other.candidate for other in space.others)
    return space.look.mode != "compare" or compared == space.compared


def best_candidate(ranking: RankingResult | None) -> int | None:
    """The best picture of a ranking that is not junk; None where there is none."""
    if ranking is None:
        return None
    counted = (ranking.truth != RankingResult.JUNK).nonzero()[0]
    return int(ranking.order[counted[0]]) if len(counted) else None


def candidate_of_new_ranking(space: Workspace, ranking: RankingResult) -> int | None:
    """The candidate to select with a ranking that is about to be shown; None: the present one.

    That is the best one of a search by part, and of a ranking that grew, unless a person has
    chosen a candidate. Candidates that are compared stay.
    """
    if space.look.mode == "compare":
        return None
    before = space.ranking
    grew = before is not None and not before.whole and before.queries == ranking.queries
    if ranking.part is None and not (grew and space.auto_selected):
        return None
    best = best_candidate(ranking)
    return None if best == space.selection.candidate else best


def same(a: object, b: object) -> bool:
    """Whether these are the very same things; numbers and texts: equal; tuples: of the same."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    plain = (int, float, str)
    return a is b or (isinstance(a, plain) and isinstance(b, plain) and a == b)
