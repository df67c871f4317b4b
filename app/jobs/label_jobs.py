"""Persons given to pictures: read and changed in a worker thread, in the order they were made.

What is shown changes once a change is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal

from app.jobs import engine
from app.jobs.decision_jobs import DecisionJobs, Tell
from app.jobs.job import Job, JobContext
from app.jobs.job_slots import JobSlots
from app.jobs.runner import JobRunner
from app.jobs.sources import Sources
from app.state.gallery import Gallery
from app.state.words import logit_text
from qaconv_core.data.labelled import (
    PersonCount,
    called_pictures,
    labelled,
    labelled_pictures,
    persons_by_camera,
)
from qaconv_core.galleries.values import OpenSet
from qaconv_core.store.change_log import named_pictures
from qaconv_core.store.decisions import DecisionBook
from qaconv_core.store.labels import LabelChange, LabelLog, undo_own

if TYPE_CHECKING:
    from qaconv_core.evaluation.labelled_line import LabelledPairs
    from qaconv_core.galleries.search import GallerySearch
    from qaconv_core.galleries.suggestions import Suggestion, Suggestions

Act = Callable[[LabelLog, DecisionBook, OpenSet], LabelChange | None]
Stamp = tuple[int, int] | None
Found = tuple[dict[int, str], tuple[PersonCount, ...], OpenSet]
Done = tuple[LabelChange | None, str]
"""A change, None where there is none, and words about it."""


@dataclass(frozen=True)
class LabelMeasure:
    """What the model measures on the labelled pictures: Rank-1 in [0, 1], mAP with its interval in
    a sentence, and the line of labelled pairs in another."""

    rank1: float
    sentence: str
    queries: int
    threshold: str = ""


class LabelJobs(QObject):
    """The persons of the open set. Decisions, read and made, are those of ``decisions``: the data
    set's, or those of the open case. ``started`` carries a job that takes its time, ``measured`` a
    :class:`LabelMeasure`, ``suggested`` what :func:`suggest` found, ``asked_again`` the pair whose
    answer was undone."""

    started = pyqtSignal(object)
    measured = pyqtSignal(object)
    suggested = pyqtSignal(object)
    asked_again = pyqtSignal(object)

    def __init__(
        self,
        sources: Sources,
        runner: JobRunner,
        gallery: Gallery,
        decisions: DecisionJobs,
        tell: Tell,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._sources, self.runner, self.gallery, self._tell = sources, runner, gallery, tell
        self._decisions = decisions
        self._slots = JobSlots(runner, self)
        self._log: LabelLog | None = None
        self._own: list[LabelChange] = []
        self._seen: Stamp = None
        self._read: OpenSet | None = None
        self._answered: dict[tuple[str, ...], Suggestion] = {}
        self._paired: tuple[object, dict[int, str]] = (None, {})
        gallery.space.data_changed.connect(self._open)
        gallery.forgotten.connect(self._stop)
        sources.changed.connect(self._pair)
        gallery.people_changed.connect(self._pair)
        self._open()

    @property
    def open(self) -> bool:
        """Whether there is a set whose pictures can be given to persons."""
        return self._log is not None

    @property
    def ready(self) -> bool:
        """Whether the feature maps are there."""
        return self._sources.matching is not None

    def running(self, name: str) -> bool:
        """Whether ``suggest`` or ``evaluate`` is under way."""
        return self._slots.has(name)

    def _stop(self) -> None:
        self._slots.stop("suggest", "evaluate", "pairs")
        self._paired = (None, {})

    def _pair(self) -> None:
        """Compute the logits of labelled pairs, where labels or maps are others now: the line in
        the ranking is one of them."""
        matching, persons, space = self._sources.matching, self.gallery.persons, self.gallery.space
        if self._paired[0] is matching and self._paired[1] == persons:
            return
        self._paired = matching, dict(persons)
        self._slots.stop("pairs")
        if matching is None or not persons:
            space.set_labelled(None)
            return

        def work(_context: JobContext) -> LabelledPairs:
            from qaconv_core.galleries.suggestions import labelled_pairs

            return labelled_pairs(matching.model, matching.gallery, persons)

        self._slots.replace(
            "pairs", "Comparing labelled pictures", work, space.set_labelled, lane="long",
            quiet=True,
        )  # fmt: skip

    # ── reading and changing ────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        data = self.gallery.space.data
        former, self._read = self._read, None if data is None else data.as_read
        if data is None:
            self._log = None
        elif data.as_read is former:  # its pictures are called by the labels that were read
            return
        elif self._log is None or self._log.root != LabelLog(data.name, data.root).root:
            self._log = LabelLog(data.name, data.root)
            self._answered, self._own = {}, []
        self.read()

    def read(self) -> None:
        """Read the persons of the open set."""
        data, log = self.gallery.space.data, self._log
        if data is None or log is None:
            return
        self._slots.replace(
            "read", "Reading persons", lambda _context: (log.stamp, persons_of(log, data)),
            lambda found: self._show(log, *found), lane="records", quiet=True,
        )  # fmt: skip

    def follow(self) -> None:
        """Read the persons again where another program changed them."""
        if self._log is not None and self._log.stamp != self._seen:
            self.read()

    def _show(self, log: LabelLog, stamp: Stamp, found: Found) -> None:
        if log is not self._log:
            return
        self._seen = stamp
        persons, people, called = found
        self.gallery.set_persons(persons, people)
        shown = self.gallery.space.data
        if shown is not None and shown.as_read is called.as_read and shown != called:
            self.gallery.space.call_by_labels(called)

    def change(self, title: str, act: Act, nothing: str = "Nothing to change") -> None:
        """Make a change, show the persons as they are then, and say what was done."""
        own = self._own

        def make(log: LabelLog, decided: DecisionBook, data: OpenSet) -> Done:
            made = act(log, decided, data)
            if made is None:
                return None, nothing
            own.append(made)
            return made, made.what

        self._start_change(title, make)

    def undo(self) -> None:
        """Undo the last change of persons, or answer, that was made here."""
        own = self._own

        def take_back(log: LabelLog, decided: DecisionBook, _data: OpenSet) -> Done:
            undone, why = undo_own(log, decided, own)
            return undone, f"undone: {undone.what}" if undone else why

        def ask_again(undone: LabelChange) -> None:
            pair = self._answered.pop(undone.answer, None)
            if pair is not None:
                self.asked_again.emit(pair)

        self._start_change("Undoing", take_back, ask_again)

    def _start_change(
        self,
        title: str,
        make: Callable[[LabelLog, DecisionBook, OpenSet], Done],
        then: Callable[[LabelChange], None] = lambda _made: None,
    ) -> None:
        data, log, decided = self.gallery.space.data, self._log, self._decisions.log
        if data is None or log is None or decided is None:
            return

        def work(_context: JobContext) -> tuple[Stamp, Found, Done]:
            done = make(log, decided, data)
            return log.stamp, persons_of(log, data), done

        def apply(result: tuple[Stamp, Found, Done]) -> None:
            stamp, found, (made, words) = result
            self._show(log, stamp, found)
            self._tell(words[:1].upper() + words[1:])
            if made is not None:
                if made.answer:
                    self._decisions.kept.emit()  # an answer is a decision, too
                then(made)

        self.runner.start(title, work, lane="records", quiet=True, done=apply)

    def assign(self, pictures: Sequence[int], person: str | None) -> None:
        """Give gallery pictures to a person; None: to a new one."""
        self.change(
            "Giving pictures to a person",
            lambda log, _decided, data: log.assign(_paths(data, pictures), person),
        )

    def clear(self, pictures: Sequence[int]) -> None:
        """Take their person away from gallery pictures."""
        self.change(
            "Taking persons away", lambda log, _decided, data: log.clear(_paths(data, pictures))
        )

    def merge(self, person: str, others: Sequence[str]) -> None:
        """Make others' pictures those of a person."""
        self.change("Merging persons", lambda log, *_: log.merge(person, others))

    def rename(self, person: str, name: str) -> None:
        """Give a person another name."""
        self.change("Renaming a person", lambda log, *_: log.rename(person, name))

    def take_decisions(self) -> None:
        """Make persons of the candidates that were confirmed."""
        self.change(
            "Reading decisions",
            lambda log, decided, _data: log.take_decisions(decided.all()),
            "No confirmed candidate says anything new",
        )

    def answer(self, pair: Suggestion, same: bool) -> None:
        """A person answered whether two pictures show one person; kept as a decision, too."""

        def act(log: LabelLog, decided: DecisionBook, data: OpenSet) -> LabelChange | None:
            one, other = _paths(data, (pair.one, pair.other))
            verdict = "confirm" if same else "reject"
            decided.decide(one, other, verdict, logit=pair.logit)
            made = log.answer(one, other, same)
            self._answered[made.answer] = pair
            return made

        self.change("Keeping the answer", act)

    # ── longer work ─────────────────────────────────────────────────────────────────────────────

    def suggest(self) -> None:
        """Look for the pairs whose answer teaches most."""
        matching, decided = self._sources.matching, self._decisions.log
        if matching is None or decided is None:
            return
        persons = dict(self.gallery.persons)
        self._start(
            "suggest", f"Pairs to ask about in {matching.data.name}",
            lambda context: suggest(matching, decided, persons, context), self.suggested.emit,
        )  # fmt: skip

    def evaluate(self) -> None:
        """Measure the model on the labelled pictures."""
        matching, log = self._sources.matching, self._log
        if matching is None or log is None:
            return
        pairs = None if self._slots.has("pairs") else self.gallery.space.labelled
        self._start(
            "evaluate", f"Measuring labels of {matching.data.name}",
            lambda context: measure_labels(matching, log, pairs, context), self.measured.emit,
        )  # fmt: skip

    def _start(
        self, name: str, title: str, work: Callable[[JobContext], object],
        done: Callable[[object], None],
    ) -> None:  # fmt: skip
        def tell_end() -> None:
            self.gallery.people_changed.emit()

        job: Job = self._slots.replace(name, title, work, done, lane="long", ended=tell_end)
        self.started.emit(job)
        self.gallery.people_changed.emit()

    def export(self, target: Path) -> None:
        """Write the labels, by the suffix: CSV, COCO or a folder in Market-1501's layout; in a
        worker thread.

        Raises :class:`~qaconv_core.errors.InputError`.
        """
        from qaconv_core.data.label_export import export_labels

        data, log = self.gallery.space.data, self._log
        if data is not None and log is not None:
            export_labels(labelled(data.dataset, log), target)


def _paths(data: OpenSet, pictures: Sequence[int]) -> list[Path]:
    return [data.gallery[picture].path for picture in pictures]


def persons_of(log: LabelLog, data: OpenSet) -> Found:
    """The names of gallery pictures, by index, all persons with their counts, and the set with its
    pictures called by them."""
    read = data.as_read
    query, gallery = called_pictures((read.query, read.gallery), log)
    pairs = enumerate(zip(gallery, read.gallery, strict=True))
    known = {index: ref.person for index, (ref, before) in pairs if ref is not before}
    return known, tuple(persons_by_camera(data.dataset, log)), read.called(query, gallery)


def suggest(
    matching: GallerySearch, decided: DecisionBook, persons: dict[int, str], context: JobContext
) -> Suggestions:
    """Pairs to ask about; those that were decided about are left out."""
    from qaconv_core.galleries.suggestions import suggest_pairs

    data = matching.data
    made = decided.all()
    wanted = {name for decision in made for name in (decision.query, decision.gallery)}
    found = named_pictures(decided.root, data.gallery, wanted)
    places = {name: index for index, name in found.items()}
    apart = [
        (places[d.query], places[d.gallery])
        for d in made
        if d.query in places and d.gallery in places
    ]
    return suggest_pairs(matching.model, matching.gallery, persons, apart, context=context)


def measure_labels(
    matching: GallerySearch, log: LabelLog, pairs: LabelledPairs | None, context: JobContext
) -> LabelMeasure:
    """Rank-1 and mAP on the labelled pictures, by the data set's own protocol; ``pairs`` are their
    logits, where they are known."""
    from qaconv_core.evaluation.bootstrap import interval_sentence
    from qaconv_core.evaluation.evaluator import Job as EvaluationJob
    from qaconv_core.evaluation.evaluator import evaluate
    from qaconv_core.evaluation.methods import MethodOptions

    dataset = labelled(matching.data.dataset, log)
    options = MethodOptions(junk_rule=matching.data.junk_rule)
    with engine.open_shelf(matching.model) as shelf:
        job = EvaluationJob(shelf=shelf, progress=context.progress, cancel=context.cancel)
        found = evaluate(matching.model, dataset, options, job)
    result = found.report.results[0]
    sentence = interval_sentence("QAConv", result.ap, found.query.pids)
    threshold = _threshold_words(pairs or _pairs_of(matching, log))
    return LabelMeasure(result.rank(1), sentence, found.report.counts.valid_queries, threshold)


def _pairs_of(matching: GallerySearch, log: LabelLog) -> LabelledPairs:
    from qaconv_core.galleries.suggestions import labelled_pairs

    persons = labelled_pictures(matching.data.gallery, log)
    return labelled_pairs(matching.model, matching.gallery, persons)


def _threshold_words(pairs: LabelledPairs) -> str:
    """How many labelled pairs of one person lie above the logit that few pairs of two exceed."""
    if not pairs.enough:
        return ""
    line = pairs.line()
    return (
        f"Above a logit of {logit_text(line.value)} lie {100 * line.tpr:.1f} % of the "
        f"labelled pairs of one person and {100 * line.fpr:.1f} % of those of two."
    )
