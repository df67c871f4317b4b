"""Explains the pair that is chosen, then compares it with what is average in the gallery."""

from __future__ import annotations

from pathlib import Path

from app.jobs.job import JobContext
from app.jobs.job_slots import JobSlots
from app.jobs.sources import Sources
from app.jobs.zone_maps import read_zones
from app.state.next_step import CompareWithAverage, Explain
from app.state.workspace import Workspace
from qaconv_core.explaining.zones import ZoneMap
from qaconv_core.galleries.values import PairView, Why

Explained = tuple[PairView, PairView | None, Why | None]
Zoned = tuple[Explained, dict[Path, ZoneMap]]


class PairJobs:
    """Takes the steps :class:`~app.state.next_step.Explain` and
    :class:`~app.state.next_step.CompareWithAverage`."""

    def __init__(self, workspace: Workspace, slots: JobSlots, sources: Sources) -> None:
        self._workspace, self._slots, self._sources = workspace, slots, sources

    def explain(self, step: Explain) -> None:
        """Explain query and candidate, and the second candidate where there is one."""
        space, source, matching = self._workspace, self._sources.best, self._sources.matching
        assert source is not None
        self._slots.stop("average")  # what is waited for comes first; it begins again afterwards

        data = space.data
        assert data is not None
        refs = [data.query[step.query]]
        refs += [data.gallery[c] for c in (step.candidate, step.other) if c is not None]

        def work(context: JobContext) -> Zoned:
            def explained(candidate: int) -> PairView:
                if not step.normalised:
                    return source.explain(step.query, candidate, step.part)
                assert matching is not None
                return matching.explain(step.query, candidate, step.part, True, context.cancel)

            second = None if step.other is None else explained(step.other)
            first = explained(step.candidate)
            zones = read_zones(refs, first.match.grid)
            return (first, second, source.why(first, second)), zones

        def apply(found: Zoned) -> None:
            explained, zones = found
            now = space.selection
            chosen = (now.query, now.candidate, now.other)
            if chosen == (step.query, step.candidate, step.other) and (
                step.part is space.parts.part
            ):
                space.add_zones(zones)
                space.set_pair(*explained, provisional=not step.whole)

        self._slots.replace("explain", "Explaining", work, apply, quiet=True)
        if not step.again:
            space.set_pair_stale()

    def keep(self) -> None:
        """Keep the pair shown: drop another one that is being computed."""
        self._slots.stop("explain")
        self._workspace.keep_pair()

    def compare_with_average(self, step: CompareWithAverage) -> None:
        """What the query's cells contribute on average, and the pair shown beside that."""
        space, matching = self._workspace, self._sources.matching
        pair, other = step.pair, step.other
        assert matching is not None

        def work(context: JobContext) -> Explained:
            matching.measure_average(pair.query, context.cancel)
            second = None if other is None else matching.with_average(other)
            return matching.with_average(pair), second, matching.why(pair, second)

        def apply(explained: Explained) -> None:
            if space.pair is pair and space.other_pair is other and not space.pair_stale:
                space.set_pair(*explained)

        self._slots.replace("average", "Comparing with the gallery", work, apply, quiet=True)
