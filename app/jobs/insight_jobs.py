"""Finds failures and measures trust over the whole open set, in the background.

The functions run in worker threads; :class:`InsightJobs` starts them and puts what they find into
:class:`~app.state.insights.Insights`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt5.QtCore import QObject, pyqtSignal

from app.jobs import engine
from app.jobs.job import LOST, JobContext
from app.jobs.job_slots import JobSlots, tell_stopped
from app.jobs.kept_findings import keep_findings, kept_findings
from app.jobs.phases import AVERAGES, check_phases, errors_phases, in_phases
from app.jobs.runner import JobRunner
from app.jobs.sources import Sources
from app.state.export_choices import JSON, Format
from app.state.insights import (
    KINDS,
    CheckFindings,
    ErrorFindings,
    Insights,
    InsightTimes,
    Kind,
    Picture,
)
from qaconv_core.readable import json_text
from qaconv_core.store.atomic import atomic_write_text

if TYPE_CHECKING:
    from app.jobs.machine_rates import Rates
    from qaconv_core.evaluation.errors_of_ranking import ErrorAnalysis
    from qaconv_core.galleries.search import GallerySearch

HTML = Format(".html", "HTML report")
REPORT_FORMATS = (HTML, JSON)
SHOWN_PICTURES = 8
"""Pictures that the network sees for a pair: query, candidate, and the candidate moved."""
CURVE_RATE = 3e7
"""Products of cells a second that removal curves go through, for the estimate of their time."""


def find_errors(matching: GallerySearch, clusters: int, context: JobContext) -> ErrorFindings:
    """All wrong Rank-1 results of the set, by camera pair and in clusters."""
    from app.jobs.machine_rates import usual_rates
    from qaconv_core.data.label_maps import LABELS, has_label_maps, read_label_map
    from qaconv_core.evaluation.errors_of_ranking import analyse_errors
    from qaconv_core.evaluation.evaluator import Job as EngineJob

    dataset = matching.data.dataset
    labelled = has_label_maps(dataset)
    rates = usual_rates(matching.model)
    phases = errors_phases(matching.data.added_from, len(matching.data.gallery), rates)
    context = in_phases(context, phases)
    with engine.open_shelf(matching.model) as shelf:
        found = analyse_errors(
            matching.model,
            dataset,
            clusters=clusters,
            junk_rule=matching.data.junk_rule,
            labels=read_label_map if labelled else None,
            part_names=dict(enumerate(LABELS)) if labelled else None,
            job=EngineJob(shelf=shelf, progress=context.progress, cancel=context.cancel),
        )
    return ErrorFindings(found, _averages(found, context), labelled)


def _averages(found: ErrorAnalysis, context: JobContext) -> dict[str, Picture]:
    from qaconv_core.documents.errors_of_ranking import average_picture
    from qaconv_core.progress import Tracker

    groups = [g for g in (found.together, *found.cameras, *found.clusters) if g is not None]
    tracker = Tracker(AVERAGES, len(groups), "groups", context.progress, context.cancel)
    made = {}
    for group in groups:
        picture = average_picture(found, group)
        if picture is not None:
            made[group.name] = stretched(np.asarray(picture))
        tracker.advance()
    return made


def stretched(picture: Picture) -> Picture:
    """The picture from black to white: an average has too little contrast to show a person."""
    low, high = np.percentile(picture, (2, 98))
    spread = (picture.astype(np.float64) - low) / max(1.0, high - low)
    return np.clip(255 * spread, 0, 255).astype(np.uint8)


def check_explanations(matching: GallerySearch, pairs: int, context: JobContext) -> CheckFindings:
    """Whether explanations show what decides, on so many pairs of each kind."""
    from app.jobs.machine_rates import usual_rates
    from qaconv_core.data.label_maps import PERSON, has_label_maps, read_label_map
    from qaconv_core.evaluation import explanation_checks as checks
    from qaconv_core.evaluation.evaluator import Job as EngineJob
    from qaconv_core.evaluation.explanations import PartNames

    dataset = matching.data.dataset
    labelled = has_label_maps(dataset)
    seconds = _seconds_of_a_pair(matching, usual_rates(matching.model))
    context = in_phases(context, check_phases(*(pairs * one for one in seconds)))
    with engine.open_shelf(matching.model) as shelf:
        report = checks.check_explanations(
            matching.model,
            dataset,
            pairs,
            labels=read_label_map if labelled else None,
            parts=PartNames(PERSON) if labelled else None,
            job=EngineJob(shelf=shelf, progress=context.progress, cancel=context.cancel),
        )
    return CheckFindings(report, pairs, labelled)


def forecast(matching: GallerySearch) -> InsightTimes:
    """About how long each will take, from a measurement of a second or two."""
    from app.jobs.machine_rates import measure_rates

    rates = measure_rates(matching.model)
    queries, galleries = matching.data.added_from, len(matching.data.gallery)
    return InsightTimes(
        queries * galleries / rates.pairs, 2 * sum(_seconds_of_a_pair(matching, rates))
    )


def _seconds_of_a_pair(matching: GallerySearch, rates: Rates) -> tuple[float, float]:
    """What the checks of one pair take: in the network, and in removal curves."""
    from qaconv_core.evaluation.explanation_checks import GALLERY_LIMIT

    h, w = matching.model.spec.grid
    galleries = min(len(matching.data.gallery), GALLERY_LIMIT)
    return SHOWN_PICTURES / rates.images, galleries * (h * w) ** 2 / CURVE_RATE


@dataclass(frozen=True)
class InsightExport:
    """Findings as a file: an HTML report as the command line writes it, or JSON."""

    stem: str
    page: Callable[[], str]
    record: Callable[[], dict[str, Any]]

    def write(self, path: Path, _width: float | None) -> None:
        """Write the file, by its suffix; in a worker thread."""
        if path.suffix.lower() == JSON.suffix:
            atomic_write_text(path, json_text(self.record(), 1))
        else:
            atomic_write_text(path, self.page())


def insight_export(insights: Insights, kind: Kind) -> InsightExport | None:
    """What there is to save; None where nothing was found yet."""
    if kind == "failures" and insights.failures is not None:
        analysis = insights.failures.analysis

        def failures_page() -> str:
            from qaconv_core.documents.errors_of_ranking import errors_html

            return errors_html(analysis)

        return InsightExport(f"errors_{analysis.dataset}", failures_page, analysis.to_dict)
    if kind == "trust" and insights.trust is not None:
        report = insights.trust.report

        def trust_page() -> str:
            from qaconv_core.documents.explanation_checks import explanation_checks_html

            return explanation_checks_html(report)

        return InsightExport(f"explanation_checks_{report.dataset}", trust_page, report.to_dict)
    return None


class InsightJobs(QObject):
    """Starts and stops the work. ``started`` carries the kind and its job."""

    started = pyqtSignal(str, object)

    def __init__(
        self, sources: Sources, runner: JobRunner, insights: Insights, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._sources, self.insights = sources, insights
        self._slots = JobSlots(runner, self)
        sources.changed.connect(self._restore)
        insights.forgotten.connect(self._cancel_all)

    @property
    def ready(self) -> bool:
        """Whether feature maps are there, so that work can begin."""
        return self._sources.matching is not None

    def running(self, kind: Kind) -> bool:
        """Whether that is under way, or waits for its turn."""
        return self._slots.has(kind)

    def cancel(self, kind: Kind) -> None:
        """Stop it; what was found before stays."""
        self._slots.cancel(kind)

    def _cancel_all(self) -> None:
        tell_stopped(self._slots, *KINDS)
        for kind in KINDS:
            self._slots.cancel(kind)

    def _restore(self) -> None:
        """All maps are there: show what an earlier start of the program found of them."""
        matching = self._sources.matching
        self.insights.changed.emit()
        if matching is None:
            return

        def work(_context: JobContext) -> list[ErrorFindings | CheckFindings | None]:
            return [kept_findings(matching, kind) for kind in KINDS]

        def apply(kept: list[ErrorFindings | CheckFindings | None]) -> None:
            if matching is self._sources.matching:
                for found in kept:
                    if found is not None:
                        self._show(found)

        self._slots.replace(
            "kept", "Reading findings", work, apply, lane="files", quiet=True
        )  # fmt: skip

    def _show(self, found: ErrorFindings | CheckFindings) -> None:
        if isinstance(found, ErrorFindings):
            self.insights.set_failures(found)
        else:
            self.insights.set_trust(found)

    def start(self, kind: Kind) -> None:
        """Begin, unless it is under way or there are no feature maps yet."""
        matching, insights = self._sources.matching, self.insights
        if matching is None or self.running(kind):
            return

        def work(context: JobContext) -> ErrorFindings | CheckFindings:
            found: ErrorFindings | CheckFindings
            if kind == "failures":
                found = find_errors(matching, insights.clusters, context)
            else:
                found = check_explanations(matching, insights.pairs, context)
            keep_findings(matching, kind, found)
            return found

        def apply(found: ErrorFindings | CheckFindings) -> None:
            if matching is self._sources.matching:
                self._show(found)

        name = matching.data.name
        title = f"Errors of {name}" if kind == "failures" else f"Explanation checks of {name}"
        job = self._slots.replace(
            kind, title, work, apply, lane="long", ended=lambda: insights.changed.emit(), loss=LOST
        )
        self.started.emit(kind, job)
        insights.changed.emit()

    def forecast(self) -> None:
        """Find out how long each takes, unless that is known or being found out."""
        matching = self._sources.matching
        if matching is None or self.insights.times is not None or self._slots.has("forecast"):
            return

        def apply(times: InsightTimes) -> None:
            if matching is self._sources.matching:
                self.insights.set_times(times)

        def ended() -> None:
            if matching is not self._sources.matching:
                self.insights.changed.emit()  # so that whoever wants to know asks again

        self._slots.replace(
            "forecast", "Estimating", lambda _context: forecast(matching), apply, lane="files",
            quiet=True, ended=ended,
        )  # fmt: skip
