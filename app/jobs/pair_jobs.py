"""Explains the pair that is chosen, then compares it with what is average in the gallery."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.job import JobContext
from app.jobs.job_slots import JobSlots
from app.jobs.sources import Sources
from app.jobs.zone_maps import read_zones
from app.state.next_step import CompareWithAverage, Explain
from app.state.workspace import Workspace
from qaconv_core.explaining.zones import ZoneMap
from qaconv_core.galleries.values import PairView, Why

if TYPE_CHECKING:
    from qaconv_core.galleries.partial import PartialGallery
    from qaconv_core.galleries.search import GallerySearch

Explained = tuple[PairView, tuple[PairView, ...], Why | None]
Zoned = tuple[Explained, dict[Path, ZoneMap]]


def why_of(
    source: GallerySearch | PartialGallery, first: PairView, others: tuple[PairView, ...]
) -> Why | None:
    """The difference of two candidates; None where there are not two."""
    return source.why(first, others[0]) if len(others) == 1 else None


class PairJobs:
    """Takes the steps :class:`~app.state.next_step.Explain` and
    :class:`~app.state.next_step.CompareWithAverage`."""

    def __init__(self, workspace: Workspace, slots: JobSlots, sources: Sources) -> None:
        self._workspace, self._slots, self._sources = workspace, slots, sources

    def explain(self, step: Explain) -> None:
        """Explain query and candidate, and those that it is compared with."""
        space, source, matching = self._workspace, self._sources.best, self._sources.matching
        assert source is not None
        self._slots.stop("average")  # what is waited for comes first; it begins again afterwards

        data = space.data
        assert data is not None
        refs = [data.query[step.query]]
        refs += [data.gallery[c] for c in (step.candidate, *step.others)]

        def work(context: JobContext) -> Zoned:
            def explained(candidate: int) -> PairView:
                if not step.normalised:
                    return source.explain(step.query, candidate, step.part)
                assert matching is not None
                return matching.explain(step.query, candidate, step.part, True, context.cancel)

            others = tuple(map(explained, step.others))
            first = explained(step.candidate)
            zones = read_zones(refs, first.match.grid)
            return (first, others, why_of(source, first, others)), zones

        def apply(found: Zoned) -> None:
            explained, zones = found
            now = space.selection
            chosen = (now.query, now.candidate, space.compared)
            if chosen == (step.query, step.candidate, step.others) and (
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
        pair, others = step.pair, step.others
        assert matching is not None

        def work(context: JobContext) -> Explained:
            matching.measure_average(pair.query, context.cancel)
            known = tuple(map(matching.with_average, others))
            return matching.with_average(pair), known, why_of(matching, pair, known)

        def apply(explained: Explained) -> None:
            if space.pair is pair and space.others is others and not space.pair_stale:
                space.set_pair(*explained)

        self._slots.replace("average", "Comparing with the gallery", work, apply, quiet=True)
