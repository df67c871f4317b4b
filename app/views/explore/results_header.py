"""The line above the ranked gallery: method, filters, counts, and how the candidates are shown."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QEvent, QSignalBlocker, pyqtSignal
from PyQt5.QtWidgets import QCheckBox, QLabel, QToolButton, QWidget

from app.items.result_model import ResultModel
from app.items.row_texts import count_text, shown_of
from app.state.commands import BY_ID
from app.state.next_step import can_be_exact
from app.state.part_words import part_text, part_tip
from app.state.values import (
    CANDIDATE_VIEWS,
    FALSE_ALARM_CHOICES,
    FALSE_PAIR_CHOICES,
    METHODS,
    NORMALISED,
    CandidateView,
    Method,
    normalises,
)
from app.state.words import deviations_text, logit_text
from app.state.workspace import Workspace
from app.views.widgets.choice import Choice
from app.views.widgets.fields import tick_box
from app.views.widgets.filter_choices import CameraChoice, TimeChoice, camera_chip, time_chip
from app.views.widgets.filter_field import ChipText, FilterField
from app.views.widgets.flow_layout import FlowLayout
from app.views.widgets.hints import LinkButton
from app.views.widgets.labels import heading, small_button
from app.views.widgets.layouts import boxed, in_column, in_row
from app.views.widgets.tile_view import SizeSlider
from qaconv_core.evaluation.labelled_line import LabelledLine
from qaconv_core.ranking.line import percent_words
from qaconv_core.ranking.strangers import Strangers
from qaconv_core.ranking.tracks import BEST, MEAN
from qaconv_core.readable import counted
from qaconv_core.types import RankingResult

METHOD_WORDS: dict[Method, tuple[str, str]] = dict(
    zip(
        METHODS,
        (
            ("QAConv", "Rank by the logit of each match."),
            ("+ re-ranking", "Rank by k-reciprocal re-ranking of the QAConv distances."),
            ("+ TLift", "Re-ranked, and lifted by when and where the person's company was seen."),
            (
                "+ camera normalisation",
                "Rank by how far each score stands above those of strangers between the two "
                "cameras, in standard deviations: no probability.",
            ),
            ("+ normalisation + re-ranking", "Re-ranked distances of normalised scores."),
            ("+ normalisation + TLift", "Normalised, re-ranked, and lifted by when and where."),
        ),
        strict=True,
    )
)
NORMALISED_IDS: dict[Method, str] = {
    METHODS[3]: "candidate.method_norm",
    METHODS[4]: "candidate.method_norm_rerank",
    METHODS[5]: "candidate.method_norm_tlift",
}
"""Commands of the methods for which strangers are measured first."""
LINE = (
    "A query whose person is not in the gallery has somebody above the line in this share of "
    "cases. It rests on normalised scores alone; no labels are used. Candidates below it are pale."
)
LABELS_LINE = (
    "Of the labelled pairs of two persons this share lies above the line. It rests on the persons "
    "that you gave to pictures on the page Gallery. Candidates below it are pale."
)
LINE_WORDS = {"strangers": "by the gallery itself", "labels": "by labelled pairs"}
HIDES = {
    "hide_junk": ("same camera (ignored)", "Hide pictures of the query's person from its camera."),
    "hide_same_camera": ("query's camera", "Hide all pictures from the camera of the query."),
    "hide_false": ("false", "Hide false matches: only true ones and unknown ones stay."),
    "hide_decided": ("decided", "Hide candidates that something was decided about."),
}
NO_FILTER = {
    "hide_junk": False,
    "hide_same_camera": False,
    "hide_false": False,
    "hide_decided": False,
    "every_picture": False,
    "camids": None,
    "time_range": None,
}
EVERY = (
    "every picture of a track",
    "List all pictures of who was followed through a video. Else each track is listed once, by "
    "the best of its pictures.",
)
BY_MEAN = (
    "tracks by the mean",
    "Rank who was followed through a video by the mean of all pictures, where else the best one "
    "counts. The best is shown and explained.",
)
UNMEASURED = "Not there yet: this needs the scores of all queries. Evaluate this data set first."
PARTLY = "Parts and added pictures are not re-ranked: ranked by normalised scores alone."
NO_MAPS = "Not there yet: this needs the feature maps of the whole gallery."
ALL_EXACT = "Score every picture of the gallery exactly, for this and all other queries."
ADDED_ONLY = (
    "Added pictures are ranked by plain QAConv: the other methods need the whole query set."
)
NARROW = 560
"""Pixels below which the word before the method goes."""


class ResultsHeader(QWidget):
    """Changes method and ``workspace.result_filter``, and shows them.

    One line; a second one only while several candidates are chosen, a part is searched or the
    ranking is an approximation. ``view_chosen`` tells one of the
    :data:`~app.state.values.CANDIDATE_VIEWS`, ``size_chosen`` a height of the grid's pictures.
    Whoever it stands above refreshes it when ranking or method change.
    """

    command_wanted = pyqtSignal(str)
    view_chosen = pyqtSignal(str)
    size_chosen = pyqtSignal(int)

    def __init__(
        self, workspace: Workspace, model: ResultModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.model = workspace, model
        self.method = Choice(
            "Ranked by", "How the gallery is ranked (Alt+1 to Alt+6).",
            {method: words for method, (words, _tip) in METHOD_WORDS.items()},
        )  # fmt: skip
        self.measure = self.method.menu().addAction("Evaluate this data set")
        self.measure.setToolTip("Measure all queries now: AP, re-ranking and TLift (Ctrl+Shift+E).")
        self.hides = self._make_hides()
        self.every, self.by_mean = (
            tick_box(words.capitalize(), tip) for words, tip in (EVERY, BY_MEAN)
        )
        self.cameras, self.times = CameraChoice(), TimeChoice()
        self.filters = FilterField("Choose which pictures are listed.", self._popup())
        self.count, self.truth, self.dot = QLabel(), QLabel(), QLabel("·")
        self.part = QLabel()
        self.part.setAccessibleName("Search by part")
        self.added_note = QLabel(ADDED_ONLY)
        self.whole = LinkButton("Whole query", "Rank by the whole query again (Backspace, Esc).")
        self.line = QLabel()
        self.line.setAccessibleName("Is anybody there?")
        self.line.setToolTip(LINE)
        self.few = QLabel()
        self.few.setAccessibleName("Few labelled pairs")
        self.alarms = Choice(
            "False alarms", "Share of queries without a match with somebody above the line.",
            {str(share): f"{100 * share:.0f} % false alarms" for share in FALSE_ALARM_CHOICES},
        )  # fmt: skip
        self.false_pairs = Choice(
            "False pairs", "Share of labelled pairs of two persons above the line.",
            {str(share): f"{100 * share:g} % false pairs" for share in FALSE_PAIR_CHOICES},
        )  # fmt: skip
        self.basis = Choice("Line", "What the line rests on.", LINE_WORDS)
        self.estimates = QLabel()
        self.estimates.setAccessibleName("Exactness")
        self.exact = LinkButton("Score all exactly", ALL_EXACT)
        self.chosen = QLabel()
        self.chosen.setAccessibleName("Candidates chosen")
        self.chosen.setToolTip("Ctrl+click and Shift+click choose several, Shift+→ one more.")
        self.report = LinkButton("Report…", "Save a report on the candidates chosen.")
        self.views = {view: self._view_button(view) for view in CANDIDATE_VIEWS}
        self.size_slider = SizeSlider()
        self.size_slider.valueChanged.connect(self.size_chosen)
        self.size_slider.hide()
        self._arrange()
        self._connect()
        self._show_data()

    # ── how it is put together ──────────────────────────────────────────────────────────────────

    def _make_hides(self) -> dict[str, QCheckBox]:
        return {
            name: tick_box(words, tip, name=f"Hide {words}") for name, (words, tip) in HIDES.items()
        }

    def _popup(self) -> QWidget:
        return boxed(
            in_column(
                heading("Hide"), *self.hides.values(), self.every, self.by_mean, heading("Cameras"),
                self.cameras, heading("Times"), self.times, margins=12, spacing=6,
            )
        )  # fmt: skip

    def _view_button(self, view: CandidateView) -> QToolButton:
        command = BY_ID[f"view.candidates_{view}"]
        tip = f"{command.title} ({command.keys[0]})"
        button = small_button(command.icon, command.title, tip=tip, size=18, checkable=True)
        button.clicked.connect(lambda _on: self.view_chosen.emit(view))
        return button

    def _arrange(self) -> None:
        self.by = QLabel("Ranked by")
        views = boxed(in_row(*self.views.values(), spacing=0))
        counts = boxed(in_row(self.count, self.dot, self.truth, spacing=6))
        first = in_row(
            boxed(in_row(self.by, self.method, spacing=4)), self.filters, counts,
            self.size_slider, views, grows=self.filters,
        )  # fmt: skip
        self.second = QWidget()
        states = FlowLayout(self.second, gap=12)
        self.by_part = _together(self.part, self.whole)
        self.estimated = _together(self.estimates, self.exact)
        self.several = _together(self.chosen, self.report)
        self.lined = _together(self.line, self.basis, self.alarms, self.false_pairs)
        self.states = (
            self.lined,
            self.few,
            self.by_part,
            self.estimated,
            self.several,
            self.added_note,
        )
        for state in self.states:
            states.addWidget(state)
        in_column(first, self.second, into=self, spacing=4)
        self.count.setAccessibleName("Pictures listed")
        self.count.setToolTip("How many of the gallery's pictures are listed.")
        self.truth.setAccessibleName("True matches")
        self.truth.setToolTip(
            "True matches of the query in the gallery, those of its own camera (junk) not counted."
        )

    def event(self, event: QEvent) -> bool:
        """Fix the height to that of the lines, so that layouts give it that height."""
        handled = super().event(event)
        if event.type() in (QEvent.Resize, QEvent.LayoutRequest, QEvent.Show):
            self.by.setVisible(self.width() >= NARROW)
            lines = self.layout()
            if event.type() == QEvent.Show:  # Qt lays out nothing whose height changed meanwhile
                lines.invalidate()
                lines.activate()
            flows = lines.hasHeightForWidth()
            wanted = lines.heightForWidth(self.width()) if flows else lines.sizeHint().height()
            self.setFixedHeight(wanted)
        return handled

    def _connect(self) -> None:
        space = self.workspace
        self.method.chosen.connect(self._choose_method)
        for name, box in self.hides.items():
            box.clicked.connect(lambda on, name=name: space.change_result_filter(**{name: on}))
        self.every.clicked.connect(lambda on: space.change_result_filter(every_picture=on))
        self.by_mean.clicked.connect(self._choose_mean)
        self.cameras.chosen.connect(lambda chosen: space.change_result_filter(camids=chosen))
        self.times.chosen.connect(lambda chosen: space.change_result_filter(time_range=chosen))
        self.filters.removed.connect(self._remove)
        self.whole.clicked.connect(space.parts.whole_query)
        self.alarms.chosen.connect(lambda share: space.change_look(false_alarms=float(share)))
        self.false_pairs.chosen.connect(lambda share: space.change_look(false_pairs=float(share)))
        self.basis.chosen.connect(lambda line: space.change_look(line=line))
        space.labelled_changed.connect(self._show_line)
        self.exact.clicked.connect(lambda: space.change_look(exact=True))
        self.measure.triggered.connect(lambda: self.command_wanted.emit("evaluate.current"))
        self.report.clicked.connect(lambda: self.command_wanted.emit("file.save_report"))
        space.data_changed.connect(self._show_data)
        space.filters_changed.connect(self.refresh)
        space.look_changed.connect(self.refresh)
        space.measures_changed.connect(self._show_methods)

    # ── following the workspace ─────────────────────────────────────────────────────────────────

    def _show_data(self) -> None:
        data = self.workspace.data
        cameras = () if data is None else np.unique(data.gallery_camids).tolist()
        self.cameras.set_cameras(cameras, {} if data is None else data.camera_names)
        for box in (self.every, self.by_mean):
            box.setVisible(self.workspace.has_tracks)
        limits = None if data is None else _limits(data.gallery_times)
        self.times.set_limits(limits, None if data is None else data.start)
        self.refresh()

    def refresh(self) -> None:
        """Show method, filters and counts as they are."""
        chosen = self.workspace.result_filter
        self._show_methods()
        for name, box in self.hides.items():
            box.setChecked(getattr(chosen, name))
        self.every.setChecked(chosen.every_picture)
        data = self.workspace.data
        names = {} if data is None else data.camera_names
        self.by_mean.setChecked(self.workspace.look.tracks == MEAN)
        tracks = tuple(
            ChipText(name, *words)
            for name, words, on in (
                ("every_picture", EVERY, self.workspace.has_tracks and chosen.every_picture),
                ("tracks", BY_MEAN, self.workspace.tracks_by_mean),
            )
            if on
        )
        self.cameras.show_chosen(chosen.camids)
        self.times.show_chosen(chosen.time_range)
        hidden = tuple(
            ChipText(name, f"{words} hidden", tip)
            for name, (words, tip) in HIDES.items()
            if getattr(chosen, name)
        )
        self.filters.show_chips(
            (*hidden, *tracks, *camera_chip(chosen.camids, names), *time_chip(chosen.time_range))
        )
        ranking = self.workspace.ranking
        self.count.setText("" if ranking is None else self._count_words(ranking))
        self.truth.setText(self._truth_words())
        self.added_note.setText(self._otherwise(ranking))
        self.added_note.setVisible(bool(self.added_note.text()))
        self.dot.setVisible(bool(self.count.text() and self.truth.text()))
        self.part.setText(self._part_words(ranking))
        self.part.setToolTip("" if ranking is None else part_tip(ranking))
        self.by_part.setVisible(bool(self.part.text()))
        self._show_line()
        self._show_exactness(ranking)
        self.show_chosen()

    def _show_line(self) -> None:
        """The line, what it rests on, and whether anybody is above it."""
        space = self.workspace
        line, ranking, lines = space.line, space.ranking, space.lines
        self.lined.setVisible(line is not None and ranking is not None)
        few = few_words(line) if isinstance(line, LabelledLine) and ranking is not None else ""
        self.few.setText(few)
        self.few.setVisible(bool(few))
        self.show_states()
        if line is None or ranking is None:
            return
        by_labels = line is not space.strangers
        self.line.setText(line_words(line, ranking))
        self.line.setToolTip(LABELS_LINE if by_labels else LINE)
        self.basis.setVisible(len(lines) > 1)
        self.basis.show_value("labels" if by_labels else "strangers")
        self.alarms.setVisible(not by_labels)
        self.false_pairs.setVisible(by_labels)
        for choice, share in (
            (self.alarms, space.look.false_alarms),
            (self.false_pairs, space.look.false_pairs),
        ):
            if str(share) in choice.actions_:
                choice.show_value(str(share))

    def show_chosen(self) -> None:
        """How many candidates are chosen, where that is more than the one looked at, and how many
        of them are compared, where that is not all."""
        chosen, compared = self.workspace.selection.chosen, self.workspace.compared
        shown = len(compared) + 1
        fewer = f", {shown} compared" if compared and shown < len(chosen) else ""
        self.chosen.setText(f"{count_text(len(chosen))} chosen{fewer}")
        self.several.setVisible(len(chosen) > 1)
        self.show_states()

    def show_states(self) -> None:
        """The second line is there while anything on it is."""
        self.second.setVisible(any(not state.isHidden() for state in self.states))

    def show_view(self, view: CandidateView, size: int) -> None:
        """Show how the candidates are shown, without telling."""
        for name, button in self.views.items():
            button.setChecked(name == view)
        self.size_slider.setVisible(view == "grid")
        with QSignalBlocker(self.size_slider):
            self.size_slider.setValue(size)

    def _show_exactness(self, ranking: RankingResult | None) -> None:
        """Up to which place a ranking is exact, where that is not the end."""
        told = "" if ranking is None else ranking.approximation
        self.estimates.setText(exactness_words(ranking) if ranking is not None and told else "")
        self.estimates.setToolTip(told)
        self.exact.setVisible(can_be_exact(self.workspace))
        self.estimated.setVisible(bool(told))

    def _part_words(self, ranking: RankingResult | None) -> str:
        data = self.workspace.data
        if data is None or ranking is None or ranking.part is None:
            return ""
        query = data.query[ranking.queries[0]]
        return part_text(ranking, self.workspace.zones_of_picture(query, ranking.part.shape))

    def _count_words(self, ranking: RankingResult) -> str:
        """How many are listed and, while maps are still computed, how many are ranked so far."""
        total, shown = len(ranking.order), self.model.rowCount()
        words = count_text(total) if shown == total else shown_of(shown, total)
        if ranking.gallery is None:
            return words if total else ""
        so_far = f"ranked {shown_of(total, ranking.gallery)} so far"
        return so_far if shown == total else f"{words} listed, {so_far}"

    def _show_methods(self) -> None:
        space = self.workspace
        self.method.show_value(space.method)
        whole = space.ranking is not None and space.ranking.whole
        for method in METHODS:
            on = whole if method == NORMALISED else method in space.methods
            action = self.method.actions_[method]
            action.setEnabled(on)
            action.setToolTip(METHOD_WORDS[method][1] if on else self.reason(method))
        ready = space.data is not None and space.data.added_from > 0 and space.model is not None
        self.measure.setVisible(ready and not space.measures_complete)

    def _choose_mean(self, on: bool) -> None:
        self.workspace.change_look(tracks=MEAN if on else BEST)

    def _remove(self, chip: str) -> None:
        """A filter no more, or tracks by their best picture again."""
        if chip == "tracks":
            self._choose_mean(False)
        else:
            self.workspace.change_result_filter(**{chip: NO_FILTER[chip]})

    def _choose_method(self, method: Method) -> None:
        if method in NORMALISED_IDS:  # what it needs is measured first
            self.method.show_value(self.workspace.method)
            self.command_wanted.emit(NORMALISED_IDS[method])
        else:
            self.workspace.set_method(method)

    def reason(self, method: Method) -> str:
        """Why a method cannot be chosen, where it cannot."""
        if method == NORMALISED:
            return NO_MAPS
        return self.workspace.method_notes.get(method) or UNMEASURED

    def _otherwise(self, ranking: RankingResult | None) -> str:
        """Why the gallery is ranked by another method than the one chosen; "" where it is not."""
        data, method = self.workspace.data, self.workspace.method
        if ranking is None or data is None or method in ("qaconv", NORMALISED):
            return ""
        if not any(data.is_added(query) for query in ranking.queries):
            return PARTLY if normalises(method) and ranking.part is not None else ""
        return PARTLY if normalises(method) else ADDED_ONLY

    def _truth_words(self) -> str:
        """What is known of true matches."""
        ranking, data = self.workspace.ranking, self.workspace.data
        if ranking is None or data is None:
            return ""
        true = int(np.count_nonzero(ranking.truth == RankingResult.TRUE))
        if true:
            return f"{count_text(true)} true"
        if not ranking.whole:
            return "no true match yet"
        query = ranking.queries[0]
        if data.query[query].pid != data.as_read.query[query].pid:
            return "No labelled match"
        known = data.query[query].pid is not None and (data.gallery_pids >= 0).any()
        return "No true match in the gallery" if known else "Person not known"


def line_words(line: Strangers | LabelledLine, ranking: RankingResult) -> str:
    """The line, what it rests on, and how many candidates are above it."""
    above = line.above(ranking)
    if isinstance(line, LabelledLine):
        share = percent_words(line.tpr)
        where = f"logit {logit_text(line.value)} ({share} of labelled true pairs are above it)"
    else:
        where = deviations_text(line.line.value)
    if not above:
        return f"Probably nobody, or nobody clear: none above the line at {where}"
    return f"{count_text(above)} above the line at {where}"


def few_words(line: LabelledLine) -> str:
    """That the line rests on too few pairs for the share that is chosen; "" where it does not."""
    pairs = counted(line.different, "labelled pair")
    return f"{pairs} of two persons: {line.too_few}" if line.too_few else ""


def exactness_words(ranking: RankingResult) -> str:
    """A few words on a ranking that is not exact throughout."""
    if not ranking.exact_to:
        return "≈ an approximation" if ranking.exact_to is None else "≈ by estimates"
    return f"≈ first {count_text(ranking.exact_to)} exact, then estimates"


def _together(*widgets: QWidget) -> QWidget:
    """Widgets that stay on one line."""
    return boxed(in_row(*widgets, spacing=6))


def _limits(times: np.ndarray) -> tuple[float, float] | None:
    known = times[~np.isnan(times)]
    return (float(known.min()), float(known.max())) if len(known) else None
