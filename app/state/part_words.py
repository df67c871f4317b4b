"""Search by part and "what if" in words."""

from __future__ import annotations

from app.state import words
from app.state.drawn_parts import Drawing
from app.state.zones import zone_names
from qaconv_core.explaining.zones import ZoneMap
from qaconv_core.galleries.values import PairView, Regions, WhatIf
from qaconv_core.readable import counted
from qaconv_core.types import RankingResult

HINTS = {
    "box": "Drag a box on the query. Shift adds, Ctrl takes away, Esc ends.",
    "lasso": "Draw around a part of the query. Shift adds, Ctrl takes away, Esc ends.",
    "paint": "Paint cells of the query. Ctrl takes away, Esc ends.",
    "hide": "Drag a box on either picture to cover it. Shift adds, Ctrl takes away, Esc ends.",
}
SEEKING = "Every region is being hidden in turn…"


BY_PART = (
    "Ranked by {cells} of {size} cells, drawn on the query, by plain QAConv: terms of the other "
    "cells drop out. The evidence is how loudly these cells can speak, for or against, of all the "
    "query's. Each pair's share stands beside its picture."
)


def part_text(ranking: RankingResult, zones: ZoneMap) -> str:
    """ "By part: upper body, 31 % of the query's evidence"; empty for the whole query.

    ``zones`` (h, w) are the query's. The evidence is of what the query could say of a perfect copy;
    each pair has a share of its own.
    """
    part = ranking.part
    if part is None:
        return ""
    others = len(ranking.queries) - 1
    more = f"; {counted(others, 'more query', 'more queries')} whole" if others else ""
    share = share_text(ranking.evidence)
    return f"By part: {zone_names(part, zones)}, {share} of the query's evidence{more}"


def part_tip(ranking: RankingResult) -> str:
    """What that means, and how many cells it is; empty for the whole query."""
    part = ranking.part
    return "" if part is None else BY_PART.format(cells=int(part.sum()), size=part.size)


def ranked_by(ranking: RankingResult) -> str:
    """What ranks are by: "QAConv", "QAConv by part", "TLift, 3 queries together"."""
    by_part = "" if ranking.part is None else " by part"
    count = len(ranking.queries)
    together = f", {count} queries together" if count > 1 else ""
    return f"{words.METHOD_NAMES[ranking.method]}{by_part}{together}"


def share_text(share: float) -> str:
    """A share in percent; never "0 %" or "100 %" of what is not nothing or everything."""
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{round(100 * share)} %"


def evidence_sentence(share: float) -> str:
    """The long form for tooltips and screen readers."""
    return f"By part: {share_text(share)} of this pair's evidence remains"


def what_if_text(answer: WhatIf) -> str:
    """ "logit +6.10 → +4.32 (−1.78), rank 1 → 3, score 0.648 → 0.606"."""
    scores = [words.score_text(score) for score in answer.scores]
    parts = [f"logit {_step(answer.logit_before, answer.logit_after)}"]
    if answer.normalised is not None:
        parts.insert(0, f"above strangers {_step(*answer.normalised)}")
    if answer.rank_before and answer.rank_after:
        parts.append(f"rank {answer.rank_before} → {answer.rank_after}")
    elif answer.rank_before == 0:
        parts.append("no rank (same camera)")
    parts.append(f"score {scores[0]} → {scores[1]}")
    return ", ".join(parts)


def _step(before: float, after: float) -> str:
    """ "+6.10 → +4.32 (−1.78)": the difference of what is shown, so that the numbers agree."""
    change = round(after, 2) - round(before, 2)
    return f"{words.logit_text(before)} → {words.logit_text(after)} ({words.logit_text(change)})"


def hidden_text(drawn: Drawing) -> str:
    """How many cells are hidden where: "9 query cells hidden"."""
    counts = [
        f"{int(mask.sum())} {name} {'cell' if mask.sum() == 1 else 'cells'}"
        for name, mask in (("query", drawn.hidden_query), ("candidate", drawn.hidden_gallery))
        if mask is not None
    ]
    return f"{' and '.join(counts)} hidden" if counts else ""


def regions_text(regions: Regions) -> str:
    """What the map shows, and how many regions would change the order."""
    window = f"{regions.window[0]} × {regions.window[1]} cells hidden"
    if regions.rival is None and not regions.has_rank:
        return f"A picture of the same camera has no rank: there is no order to change ({window})."
    if regions.rival is None:
        return f"There is no other candidate to change places with ({window})."
    order = "the order" if regions.lead else f"the order with rank {regions.rival_rank}"
    count = sum(int(mask.sum()) for mask in regions.flips.values())
    if not count:
        return f"No place would change {order} ({window})."
    places = "place" if count == 1 else "places"
    return f"{count} outlined {places} would change {order} ({window})."


def drawn_text(drawn: Drawing) -> str:
    """What to say under the pictures about what is drawn; empty where that is nothing."""
    if drawn.notice:
        return drawn.notice
    if drawn.regions_wanted:
        return SEEKING if drawn.regions is None else regions_text(drawn.regions)
    if drawn.what_if is not None:
        return f"If hidden: {what_if_text(drawn.what_if)}"
    nothing = not drawn.hiding if drawn.tool == "hide" else drawn.region is None
    return HINTS.get(drawn.tool, "") if nothing else ""


def details_text(pair: PairView, drawn: Drawing) -> str:
    """What the sum of the details belongs to, and what if; empty where there is nothing to say."""
    lines = []
    if pair.part is not None and pair.full_logit is not None:
        share = share_text(pair.evidence).replace(" %", "\u00a0%")  # never broken
        lines.append(
            f"By part: the sum of {int(pair.part.sum())} of {pair.part.size} query cells and of "
            f"the candidate's cells matched with them, {share} of this pair's "
            f"evidence. By the whole query the logit is {words.logit_text(pair.full_logit)}."
        )
    if drawn.what_if is not None:
        lines.append(f"What if: {hidden_text(drawn)}.\n{what_if_text(drawn.what_if)}.")
    return "\n\n".join(lines)
