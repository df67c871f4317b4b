"""What a match adds up to: the sum, the score and what it is, the list of correspondences."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QObject, QSize, Qt
from PyQt5.QtGui import QResizeEvent, QShowEvent
from PyQt5.QtWidgets import QFrame, QLabel, QScrollArea, QWidget

from app.jobs.images import ImageLoader
from app.state import words
from app.state.overlay import lines_of
from app.state.part_words import details_text
from app.state.workspace import Workspace
from app.views.explore.breakdown_chart import BreakdownChart
from app.views.explore.correspondence_table import CorrespondenceTable
from app.views.explore.evidence_line import EvidenceLine
from app.views.explore.score_context import ScoreContext
from app.views.widgets.layouts import boxed, in_column, in_splitter
from qaconv_core.galleries.values import PairView

SPACING = 8
LEAST, NARROWEST, WIDTH = 120, 280, 328


class DetailsPanel(QWidget):
    """The sum, the score and what it is, the correspondences."""

    def __init__(
        self, workspace: Workspace, pictures: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self._shared_out: bool | None = None
        """Whether the room was shared out for a difference of two; None: not yet."""
        self.chart = BreakdownChart(workspace, pictures, self)
        self.context = ScoreContext(workspace, self)
        self.score = QLabel(self)
        self.score.setWordWrap(True)
        self.score.setToolTip(words.SCORE)
        self.evidence = EvidenceLine(workspace, self)
        self.drawn = QLabel(self)
        self.drawn.setWordWrap(True)
        self.drawn.setAccessibleName("By part, and what if")
        self.shown = QLabel(self)
        self.table = CorrespondenceTable(workspace, self)
        self._lay_out()
        workspace.pair_changed.connect(self.refresh)
        workspace.look_changed.connect(self.refresh)
        workspace.parts.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        """The sum above, scrolled where there is little room; the list below."""
        total = boxed(
            in_column(
                self.context,
                self.evidence,
                self.chart,
                self.score,
                None,
                margins=SPACING,
                spacing=SPACING,
            )
        )
        listed = boxed(in_column(self.shown, self.table, margins=SPACING, spacing=SPACING))
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.NoFocus)
        scroll.setWidget(total)
        total.installEventFilter(self)
        scroll.setMinimumHeight(LEAST)
        listed.setMinimumHeight(LEAST)
        self.splitter = in_splitter(Qt.Vertical, scroll, listed, stretches=(0, 1))
        self.drawn.setContentsMargins(SPACING, SPACING, SPACING, 0)
        in_column(self.drawn, self.splitter, into=self, grows=self.splitter, spacing=0)
        self.setMinimumWidth(NARROWEST)

    def sizeHint(self) -> QSize:
        """Wide enough to read, as high as there is room."""
        return QSize(WIDTH, 640)

    def _wanted(self) -> int:
        """Pixels of height that the sum needs."""
        text = self.score.heightForWidth(self.width() - 2 * SPACING)
        parts = (self.chart, self.context, self.evidence)
        charts = sum(part.sizeHint().height() for part in parts if not part.isHidden())
        return charts + text + 5 * SPACING

    def _share_out(self) -> None:
        """The sum as high as it needs, the list takes the rest."""
        if self.splitter.moved or self.workspace.pair is None or not self.isVisible():
            return
        self._shared_out = self.workspace.shown_why is not None
        wanted = self._wanted()
        self.splitter.setSizes([wanted, max(self.splitter.height() - wanted, LEAST)])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What comes later, as averages and the set's pairs do, may need more height."""
        if event.type() == QEvent.LayoutRequest and self._wanted() > self.splitter.sizes()[0]:
            self._share_out()
        return super().eventFilter(watched, event)

    def showEvent(self, event: QShowEvent) -> None:
        """Share the room out."""
        super().showEvent(event)
        self._share_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room out anew."""
        super().resizeEvent(event)
        self._share_out()

    def _score_words(self, pair: PairView) -> str:
        """The score of the pair; of both where the sum above is their difference.

        That difference, and how a candidate stands in the gallery, are of pictures without covered
        cells.
        """
        space, other = self.workspace, self.workspace.other_pair
        covered = pair is not space.pair
        if space.shown_why is None or other is None:
            score = words.score_text(pair.match.score)
            if covered:
                return f"score {score} = sigmoid(logit / 10), with the cells covered"
            stands = self.context.words
            text = f"score {score} = sigmoid(logit / 10)" + (f", {stands}" if stands else "")
            known = None if pair.normalised is None else space.strangers
            return text if known is None else f"{text}; {known.share_words(pair.candidate)}"
        assert space.pair is not None
        pair, tail = space.pair, ", uncovered" if covered else ""
        score = words.score_text(pair.match.score)
        if pair.normalised is not None and other.normalised is not None:
            n = [words.logit_text(p.total) for p in (pair, other)]
            return f"{n[0]} − ({n[1]}), in standard deviations above strangers{tail}"
        logits = [words.logit_text(p.match.logit) for p in (pair, other)]
        return (
            f"logit {logits[0]} − ({logits[1]}); scores {score} and "
            f"{words.score_text(other.match.score)}, as sigmoid(logit / 10){tail}"
        )

    def _show_drawn(self) -> None:
        pair = self.workspace.pair
        text = "" if pair is None else details_text(pair, self.workspace.parts.now)
        self.drawn.setText(text)
        self.drawn.setVisible(bool(text))

    def refresh(self) -> None:
        """Show the workspace's pair."""
        pair = self.workspace.shown_pair
        for widget in (self.score, self.shown):
            widget.setVisible(pair is not None)
        self._show_drawn()
        if pair is None:
            return
        self.score.setText(self._score_words(pair))
        lines = lines_of(pair, self.workspace.look)
        self.shown.setText(words.shown_text(len(lines.drawn), lines.total))
        if self._shared_out != (self.workspace.shown_why is not None):
            self._share_out()  # that other pairs have fewer rows moves nothing
