"""What the inspector shows of the workspace: which pictures, their captions, whose explanation.

No Qt. Empty states are sentences that say what comes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.state import words
from app.state.drawn_parts import NOTHING, Drawing
from app.state.values import NORMALISED
from app.state.workspace import Workspace
from app.state.zones import PairZones
from qaconv_core.galleries.values import PairView, Why
from qaconv_core.types import ImageRef, RankingResult, Side

CHOOSE_QUERY = "Choose a query on the left."
NO_QUERIES = (
    "This set has no queries. Choose a picture to search by in the gallery (Ctrl+5), or open one "
    "(Ctrl+I)."
)


@dataclass(frozen=True)
class Panel:
    """One picture: its side, which pair it belongs to (0: the candidate, 1 to 3: those that it is
    compared with).

    ``caption`` are lines of text, the first in bold. ``ref`` None: nothing is chosen there, and
    ``hint`` says what to do. ``truth`` as in the ranking, None where not known. ``decided`` is the
    verdict of a person, empty where there is none.
    """

    side: Side
    which: int
    ref: ImageRef | None
    caption: tuple[str, ...]
    truth: int | None = None
    hint: str = ""
    decided: str = ""
    outlined: bool = False
    """Whether it is the chosen one of several candidates."""

    @property
    def key(self) -> tuple[Side, int]:
        """Which of the pictures this is."""
        return self.side, self.which

    @property
    def spoken(self) -> str:
        """The caption for screen readers."""
        truth = "" if self.truth is None else words.TRUTHS.get(self.truth, "")
        title, *more = self.caption
        decided = words.DECIDED.get(self.decided, "")
        hint = self.hint.replace("\n", " ")
        return ", ".join(filter(None, (title, decided, truth, *more, hint)))


@dataclass(frozen=True)
class Scene:
    """Everything to draw. ``pairs`` holds the explained pairs, that of the candidate first.

    ``panels`` stand from left to right. Where more than two candidates are compared, those before
    the query stand above each other, and so do those after it.
    ``stale`` says that something newer is chosen; ``message`` stands where no pair is; ``why`` is
    the difference of the two, drawn over the query; ``drawn`` is what was drawn on the pictures;
    ``zones`` are those of the pairs.
    """

    panels: tuple[Panel, ...] = ()
    pairs: tuple[PairView, ...] = ()
    stale: bool = False
    message: str = ""
    why: Why | None = None
    drawn: Drawing = NOTHING
    zones: tuple[PairZones, ...] = ()

    def looks_like(self, other: Scene) -> bool:
        """Whether the same is to be drawn (staleness apart)."""
        return (
            self.panels == other.panels
            and self.message == other.message
            and self.why is other.why
            and self.drawn.looks_like(other.drawn)
            and len(self.pairs) == len(other.pairs)
            and all(a is b for a, b in zip(self.pairs, other.pairs, strict=True))
        )

    def in_order(self, pairs: Sequence[int]) -> list[int]:
        """Pairs in the order of their candidates, row by row."""
        query = self.find(("query", 0)) or 0

        def place(pair: int) -> tuple[int, bool]:
            number = self.find(("gallery", pair)) or 0
            return (number - query - 1, True) if number > query else (number, False)

        return sorted(pairs, key=place)

    @property
    def in_columns(self) -> bool:
        """Whether candidates stand above each other, at both sides of the query."""
        return len(self.panels) > 3

    def find(self, key: tuple[Side, int]) -> int | None:
        """The number of a panel."""
        return next((i for i, panel in enumerate(self.panels) if panel.key == key), None)


def scene_of(space: Workspace) -> Scene:
    """What is to be seen now."""
    if space.data is None:
        return Scene(message="Nothing is open. Open a data set, or the demo.")
    if space.pair is not None:
        scene = _explained(space, space.pair)
        zones = tuple(space.zones_of(pair) for pair in scene.pairs)
        return replace(scene, drawn=space.parts.now, zones=zones)
    if space.selection.query is None:
        return Scene(message=CHOOSE_QUERY if len(space.data.query) else NO_QUERIES)
    query = _query_panel(space, space.selection.query)
    candidate = _candidate_panel(space, space.selection.candidate, None)
    return Scene((query, candidate), message=_waiting_for(space))


def is_stale(space: Workspace) -> bool:
    """Whether something newer is chosen than the pair that is shown."""
    pair, chosen = space.pair, space.selection
    if pair is None or space.data is None:
        return False
    changed = (pair.query, pair.candidate) != (chosen.query, chosen.candidate)
    return space.pair_stale or changed


def _explained(space: Workspace, pair: PairView) -> Scene:
    query = _query_panel(space, pair.query)
    candidate = _candidate_panel(space, pair.candidate, pair)
    shown = space.shown_pair or pair
    if space.look.mode != "compare":
        return Scene((query, candidate), (shown,), is_stale(space))
    pairs = (shown, *space.others)
    # The query stands between its candidates, so that no line crosses a picture.
    stale = is_stale(space)
    if len(pairs) > 2:
        return Scene(_in_columns(space, query, candidate, pairs), pairs, stale)
    other = space.other_pair
    second = _candidate_panel(space, None if other is None else other.candidate, other, 1)
    return Scene((candidate, query, second), pairs, stale, why=space.why)


def _in_columns(
    space: Workspace, query: Panel, candidate: Panel, pairs: Sequence[PairView]
) -> tuple[Panel, ...]:
    """Three or four candidates in the order of the ranking, row by row, around the query."""
    panels = [replace(candidate, outlined=True)]
    panels += [
        _candidate_panel(space, other.candidate, other, number)
        for number, other in enumerate(pairs[1:], start=1)
    ]
    ranking = space.ranking
    if ranking is not None:
        panels.sort(key=lambda panel: ranking.place_of(pairs[panel.which].candidate))
    return (*panels[::2], query, *panels[1::2])


def _waiting_for(space: Workspace) -> str:
    if space.model is None:
        if space.model_loading:
            return "The model is being loaded. Matches are shown as soon as it is."
        return "No model is loaded. Load a checkpoint with Ctrl+Shift+O."
    if space.ranking is None or space.ranking_stale:
        return "The gallery is being ranked. Matches are shown as soon as it is."
    if space.selection.candidate is None:
        return "Choose a candidate from the ranking above."
    return "This match is being explained."


def _query_panel(space: Workspace, query: int) -> Panel:
    assert space.data is not None
    ref = space.data.query[query]
    count = len(space.selection.queries)
    title = "Query" if count < 2 else f"Query, first of {count}"
    return Panel("query", 0, ref, (title, words.who_text(ref), ref.path.name))


def _candidate_panel(
    space: Workspace, candidate: int | None, pair: PairView | None, which: int = 0
) -> Panel:
    assert space.data is not None
    role = "Compared candidate" if which else "Candidate"
    if candidate is None:
        hint = "C compares with the\nfirst true match" if which else "No candidate chosen"
        return Panel("gallery", which, None, (role,), hint=hint)
    ref = space.data.gallery[candidate]
    ranking = _ranking_of(space, pair)
    truth = None if ranking is None else ranking.truth_of(candidate)
    lines = [_candidate_title(role, ranking, candidate)]
    if pair is not None:
        lines.append(_numbers(ranking, pair))
        if ranking is not None and space.strangers is not None:
            lines.append(space.strangers.share_words(candidate).capitalize())
    lines += [words.who_text(ref), ref.path.name]
    decision = space.decided.get(candidate)
    decided = "" if decision is None else decision.verdict
    return Panel("gallery", which, ref, tuple(lines), truth, decided=decided)


def _ranking_of(space: Workspace, pair: PairView | None) -> RankingResult | None:
    """The ranking, where it is that of the query shown."""
    ranking = space.ranking
    shown = space.selection.query if pair is None else pair.query
    return ranking if ranking is not None and shown in ranking.queries else None


def _candidate_title(role: str, ranking: RankingResult | None, candidate: int) -> str:
    if ranking is None or ranking.place_of(candidate) < 0:
        return role
    rank = ranking.rank_of(candidate)
    return (f"Rank {rank}" if ranking.whole else f"Rank {rank} so far") if rank else "No rank"


def _numbers(ranking: RankingResult | None, pair: PairView) -> str:
    text = f"logit {words.logit_text(pair.logit)} · score {words.score_text(pair.score)}"
    if pair.part is not None:
        text += f" · by part {words.logit_text(pair.match.logit)}"
    by_n = ranking is not None and ranking.method == NORMALISED
    if ranking is not None and ranking.kind == "score" and not by_n:
        text += f" · {words.value_text(ranking.method, ranking.value_of(pair.candidate))}"
    if ranking is not None and (by_n or pair.normalised is not None):
        n = ranking.value_of(pair.candidate) if by_n else pair.total
        text = f"{words.value_text(NORMALISED, n)} · {text}"
    return text


def is_own_file(scene: Scene) -> bool:
    """Whether query and candidate are one and the same file."""
    refs = {panel.ref.path for panel in scene.panels if panel.ref is not None and not panel.which}
    return bool(scene.pairs) and len(refs) == 1


def second_candidate(space: Workspace) -> int | None:
    """The candidate to compare with: the first true match, else the best other one."""
    ranking, chosen = space.ranking, space.selection.candidate
    if ranking is None or space.ranking_stale or space.selection.query not in ranking.queries:
        return None
    found = [int(c) for c in ranking.order[ranking.truth == RankingResult.TRUE][:2]]
    found += [int(c) for c in ranking.order[ranking.truth != RankingResult.JUNK][:2]]
    return next((c for c in found if c != chosen), None)
