"""The line above the ranked gallery: method, what is hidden, cameras, times, and the count."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QEvent, pyqtSignal
from PyQt5.QtWidgets import QButtonGroup, QCheckBox, QLabel, QRadioButton, QWidget

from app.items.result_model import ResultModel
from app.items.row_texts import count_text, shown_of
from app.state.part_words import part_text
from app.state.values import METHODS, Method
from app.state.workspace import Workspace
from app.views.explore.filter_buttons import CameraButton, TimeButton
from app.views.widgets.flow_layout import FlowLayout
from app.views.widgets.hints import LinkButton
from app.views.widgets.layouts import boxed, in_row
from qaconv_core.types import RankingResult

METHOD_WORDS: dict[Method, tuple[str, str]] = dict(
    zip(
        METHODS,
        (
            ("QAConv", "Rank by the logit of each match."),
            ("+ re-ranking", "Rank by k-reciprocal re-ranking of the QAConv distances."),
            ("+ TLift", "Re-ranked, and lifted by when and where the person's company was seen."),
        ),
        strict=True,
    )
)
HIDES = {
    "hide_junk": ("junk", "Hide pictures of the query's person from its own camera."),
    "hide_same_camera": ("same camera", "Hide all pictures from the camera of the query."),
    "hide_false": ("false", "Hide false matches: only true ones and unknown ones stay."),
}
NO_FILTER = {
    "hide_junk": False,
    "hide_same_camera": False,
    "hide_false": False,
    "camids": None,
    "time_range": None,
}
UNMEASURED = "Not there yet: this needs the scores of all queries. Measure the set first."
BY_PART = (
    "Ranked by the cells drawn on the query alone, by plain QAConv: terms of the other cells drop "
    "out. The evidence is how loudly these cells can speak, for or against, of all the query's."
)
ALL_EXACT = "Score every picture of the gallery exactly, for this and all other queries."
ADDED_ONLY = "Own pictures are ranked by plain QAConv: the other methods need the whole query set."


class ResultsHeader(QWidget):
    """Changes method and ``workspace.result_filter``, and shows them."""

    command_wanted = pyqtSignal(str)

    def __init__(
        self, workspace: Workspace, model: ResultModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.model = workspace, model
        self.methods = self._make_methods()
        self.measure = LinkButton(
            "Measure the set", "Measure all queries now: AP, re-ranking and TLift (Ctrl+Shift+E)."
        )
        self.hides = self._make_hides()
        self.cameras, self.times = CameraButton(), TimeButton()
        self.count, self.truth, self.dot = QLabel(), QLabel(), QLabel("·")
        self.part = QLabel()
        self.part.setAccessibleName("Search by part")
        self.part.setToolTip(BY_PART)
        self.whole = LinkButton("Whole query", "Rank by the whole query again (Backspace, Esc).")
        self.estimates = QLabel()
        self.estimates.setAccessibleName("Exactness")
        self.exact = LinkButton("Score all exactly", ALL_EXACT)
        self.chosen = QLabel()
        self.chosen.setAccessibleName("Candidates chosen")
        self.chosen.setToolTip("Ctrl+click and Shift+click choose several, Shift+→ one more.")
        self.report = LinkButton("Report…", "Save a report on the candidates chosen.")
        self._arrange()
        self._connect()
        self._show_data()

    def _make_methods(self) -> dict[Method, QRadioButton]:
        group = QButtonGroup(self)
        buttons = {}
        for method, (words, _tip) in METHOD_WORDS.items():
            buttons[method] = QRadioButton(words)
            buttons[method].setAccessibleName(f"Rank by {words.lstrip('+ ')}")
            group.addButton(buttons[method])
        return buttons

    def _make_hides(self) -> dict[str, QCheckBox]:
        boxes = {}
        for name, (words, tip) in HIDES.items():
            boxes[name] = QCheckBox(words)
            boxes[name].setToolTip(tip)
            boxes[name].setAccessibleName(f"Hide {words}")
        return boxes

    def _arrange(self) -> None:
        layout = FlowLayout(self, gap=12)
        layout.addWidget(_together("Ranked by", *self.methods.values(), self.measure))
        layout.addWidget(_together("Hide", *self.hides.values()))
        layout.addWidget(_together("", self.cameras, self.times))
        layout.addWidget(_together("", self.count, self.dot, self.truth))
        self.by_part = _together("", self.part, self.whole)
        self.several = _together("", self.chosen, self.report)
        self.estimated = _together("", self.estimates, self.exact)
        layout.addWidget(self.by_part)
        layout.addWidget(self.estimated)
        layout.addWidget(self.several)
        self.count.setAccessibleName("Pictures listed")
        self.count.setToolTip("How many of the gallery's pictures are listed.")
        self.truth.setAccessibleName("True matches")
        self.truth.setToolTip("True matches of the query in the gallery, junk not counted.")

    def event(self, event: QEvent) -> bool:
        """Fix the height to that of the lines, so that layouts give it that height."""
        handled = super().event(event)
        if event.type() in (QEvent.Resize, QEvent.LayoutRequest):
            self.setFixedHeight(max(1, self.layout().heightForWidth(self.width())))
        return handled

    def _connect(self) -> None:
        space = self.workspace
        for method, button in self.methods.items():
            button.clicked.connect(lambda _on, method=method: space.set_method(method))
        for name, box in self.hides.items():
            box.clicked.connect(lambda on, name=name: space.change_result_filter(**{name: on}))
        self.cameras.chosen.connect(lambda chosen: space.change_result_filter(camids=chosen))
        self.times.chosen.connect(lambda chosen: space.change_result_filter(time_range=chosen))
        self.whole.clicked.connect(space.parts.whole_query)
        self.exact.clicked.connect(lambda: space.change_look(exact=True))
        self.measure.clicked.connect(lambda: self.command_wanted.emit("evaluate.current"))
        self.report.clicked.connect(lambda: self.command_wanted.emit("file.save_report"))
        space.data_changed.connect(self._show_data)
        space.filters_changed.connect(self.refresh)
        space.method_changed.connect(self.refresh)
        space.measures_changed.connect(self._show_methods)

    def _show_data(self) -> None:
        data = self.workspace.data
        self.cameras.set_cameras(() if data is None else np.unique(data.gallery_camids).tolist())
        self.times.set_limits(None if data is None else _limits(data.gallery_times))
        self.refresh()

    def refresh(self) -> None:
        """Show method, filters and counts as they are."""
        chosen = self.workspace.result_filter
        self._show_methods()
        for name, box in self.hides.items():
            box.setChecked(getattr(chosen, name))
        self.cameras.show_chosen(chosen.camids)
        self.times.show_chosen(chosen.time_range)
        ranking = self.workspace.ranking
        self.count.setText("" if ranking is None else self._count_words(ranking))
        self.truth.setText(self._truth_words())
        self.dot.setVisible(bool(self.count.text() and self.truth.text()))
        self.part.setText("" if ranking is None else part_text(ranking))
        self.by_part.setVisible(bool(self.part.text()))
        self._show_exactness(ranking)
        self.show_chosen()

    def show_chosen(self) -> None:
        """How many candidates are chosen, where that is more than the one looked at."""
        chosen = self.workspace.selection.chosen
        self.chosen.setText(f"{count_text(len(chosen))} chosen")
        self.several.setVisible(len(chosen) > 1)

    def _show_exactness(self, ranking: RankingResult | None) -> None:
        """Up to which place a ranking is exact, where that is not the end."""
        told = "" if ranking is None else ranking.approximation
        self.estimates.setText(exactness_words(ranking) if ranking is not None and told else "")
        self.estimates.setToolTip(told)
        self.exact.setVisible(ranking is not None and ranking.exact_to is not None)
        self.estimated.setVisible(bool(told))

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
        for method, button in self.methods.items():
            on = method in space.methods
            button.setEnabled(on)
            button.setChecked(method == space.method)
            button.setToolTip(METHOD_WORDS[method][1] if on else self.reason(method))
        ready = space.data is not None and space.data.added_from > 0 and space.model is not None
        self.measure.setVisible(ready and not space.measures_complete)

    def reason(self, method: Method) -> str:
        """Why a method cannot be chosen, where it cannot."""
        return self.workspace.method_notes.get(method) or UNMEASURED

    def _truth_words(self) -> str:
        """What is known of true matches, and what cannot be ranked otherwise."""
        space = self.workspace
        ranking, data = space.ranking, space.data
        if ranking is None or data is None:
            return ""
        if space.method != "qaconv" and any(data.is_added(q) for q in ranking.queries):
            return ADDED_ONLY
        true = int(np.count_nonzero(ranking.truth == RankingResult.TRUE))
        if true:
            return f"{count_text(true)} true"
        if not ranking.whole:
            return "no true match yet"
        known = data.query[ranking.queries[0]].pid is not None and (data.gallery_pids >= 0).any()
        return "No true match in the gallery" if known else "Person not known"


def exactness_words(ranking: RankingResult) -> str:
    """A few words on a ranking that is not exact throughout."""
    if not ranking.exact_to:
        return "≈ an approximation" if ranking.exact_to is None else "≈ by estimates"
    return f"≈ first {count_text(ranking.exact_to)} exact, then estimates"


def _together(words: str, *widgets: QWidget) -> QWidget:
    """Widgets that stay on one line, after a word that says what they are."""
    label = (QLabel(words),) if words else ()
    return boxed(in_row(*label, *widgets, spacing=6))


def _limits(times: np.ndarray) -> tuple[float, float] | None:
    known = times[~np.isnan(times)]
    return (float(known.min()), float(known.max())) if len(known) else None
