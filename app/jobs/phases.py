"""The phases of the window's long jobs, so that each has one bar over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.jobs.job import JobContext
from qaconv_core.progress import Phase, PhasedProgress

if TYPE_CHECKING:
    from app.jobs.machine_rates import Rates
    from qaconv_core.evaluation.methods import MethodOptions

QUERY_MAPS, GALLERY_MAPS = "query features", "gallery features"
AVERAGES = "average pictures"
_PREPARING = 0.05  # of the time that the maps take


def in_phases(context: JobContext, phases: Sequence[Phase]) -> JobContext:
    """The context with one progress over all ``phases``."""
    return replace(context, progress=PhasedProgress(phases, context.progress))


def maps_phases(queries: int, galleries: int) -> list[Phase]:
    """Of opening a set: the maps of both sides, and what prepares them for searching."""
    counts = ((galleries, GALLERY_MAPS), (queries, QUERY_MAPS))
    maps = [Phase(float(count), (stage,)) for count, stage in counts]
    return [*maps, Phase(_PREPARING * galleries, ("preparing",))]


def evaluation_phases(
    queries: int,
    galleries: int,
    missing: int,
    options: MethodOptions,
    rates: Rates,
    *,
    lifts: bool = True,
) -> list[Phase]:
    """Of an evaluation in which ``missing`` maps have to be computed; ``rates`` are this
    machine's."""
    from qaconv_core.evaluation.evaluated_logits import COHORT_STAGE
    from qaconv_core.evaluation.evaluator import GALLERY_STAGE, QUERY_STAGE

    p, g = queries, galleries
    took = rates.seconds(missing, 0, p, g, options, lifts=lifts)
    features = took.get("features", 0.0) / max(1, p + g)
    phases = [
        Phase(features * p, (QUERY_MAPS,)),
        Phase(features * g, (GALLERY_MAPS,)),
        Phase(p * g / rates.pairs, ("scoring",)),
    ]
    times = 2 if options.normalise else 1
    rerank, lift = took.get("re-ranking", 0.0) / times, took.get("TLift", 0.0) / times
    inner = [
        Phase(p * p / 2 / rates.pairs, (QUERY_STAGE,)),
        Phase(g * g / 2 / rates.pairs, (GALLERY_STAGE, COHORT_STAGE)),
    ]
    ranked = []
    if rerank:
        ranked.append(Phase(rerank, ("re-ranking", "re-ranking the nearest")))
    if lift:
        ranked.append(Phase(lift, ("temporal lifting",)))
    if options.rerank and options.rerank_top is None:
        phases += inner
    elif options.normalise:
        phases += inner[1:]
    phases += ranked
    if options.normalise:
        pairs = 5 * rates.pairs  # arithmetic on logits that are there
        phases.append(Phase(p * g / pairs, ("normalising",)))
        if options.rerank:
            phases.append(Phase(p * p / pairs, ("normalised queries",)))
            phases.append(Phase(g * g / pairs, ("normalised gallery",)))
        phases += ranked
    return phases


def errors_phases(queries: int, galleries: int, rates: Rates) -> list[Phase]:
    """Of looking for errors in a set whose maps are stored."""
    return [
        Phase(0.0, (QUERY_MAPS,)),
        Phase(0.0, (GALLERY_MAPS,)),
        Phase(queries * galleries / rates.pairs, ("ranking",)),
        Phase(1.0, (AVERAGES,)),
    ]


def check_phases(network: float, curves: float) -> list[Phase]:
    """Of explanation checks: seconds that pairs take in the network, and in removal curves; each
    kind of pair comes in turn."""
    from qaconv_core.evaluation.check_pairs import curves_stage
    from qaconv_core.evaluation.equal_scores import STAGE
    from qaconv_core.evaluation.explanation_checks import CONTROL_PAIRS, FIRST_PAIRS

    phases = [Phase(0.0, (QUERY_MAPS,)), Phase(0.0, (GALLERY_MAPS,))]
    for names in (FIRST_PAIRS, CONTROL_PAIRS):
        phases.append(Phase(network, names))
        phases.append(Phase(curves, tuple(map(curves_stage, names))))
    return [*phases, Phase(curves / 8, (STAGE,))]
