"""How the pair's evidence stands among the set's pairs: a line, and two shares as small bars."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QPainter, QPaintEvent, QPalette
from PyQt5.QtWidgets import QSizePolicy, QWidget

from app.items.colours import truth_colour
from app.items.share_bar import BAR, paint_share
from app.state import evidence_words as words
from app.state.workspace import Workspace
from app.views.widgets.fields import push_button
from app.views.widgets.labels import ElidedLabel
from app.views.widgets.layouts import in_column, in_row
from qaconv_core.explaining.evidence import share_text
from qaconv_core.types import RankingResult

GAP = 16
"""Pixels between the two shares."""
TRUTHS = (RankingResult.TRUE, RankingResult.FALSE)


class ShareBars(QWidget):
    """Two shares beside each other, each a name and a number over its bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shares: list[tuple[str, float | None]] = []
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)

    def show_shares(self, shares: list[tuple[str, float | None]]) -> None:
        """Show others."""
        self.shares = shares
        self.update()

    def sizeHint(self) -> QSize:
        """A line of text and the bars."""
        return QSize(200, self.fontMetrics().height() + BAR + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The bars in the colours of true and false matches, which are told apart by signs, too."""
        painter = QPainter(self)
        ink = self.palette().color(QPalette.WindowText)
        width = (self.width() - GAP) / 2
        for place, (name, share) in enumerate(self.shares):
            left = place * (width + GAP)
            line = QRectF(left, 0, width, self.fontMetrics().height())
            painter.setPen(ink)
            painter.drawText(line, int(Qt.AlignLeft | Qt.AlignVCenter), name)
            painter.drawText(line, int(Qt.AlignRight | Qt.AlignVCenter), share_text(share))
            room = QRectF(left, 0, width, self.height())
            paint_share(painter, room, share, ink, truth_colour(TRUTHS[place]) or ink)


class EvidenceLine(QWidget):
    """Hidden where there is nothing to compare. ``command_wanted`` carries a command's id."""

    command_wanted = pyqtSignal(str)

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.setAccessibleName("The evidence among the set's pairs")
        self.title, self.bars = ElidedLabel(parent=self), ShareBars(self)
        self.title.setForegroundRole(QPalette.PlaceholderText)
        self.start = push_button(
            words.COMPARE, words.COMPARE_TIP,
            lambda: self.command_wanted.emit("evaluate.evidence"),
        )  # fmt: skip
        self.start.setFlat(True)
        in_column(self.title, self.bars, in_row(self.start, None), into=self, spacing=2)
        for event in (
            workspace.pair_changed, workspace.look_changed, workspace.evidence_changed,
            workspace.parts.changed,
        ):  # fmt: skip
            event.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Follow the pair shown, and what is known of the set."""
        space = self.workspace
        standing, found = words.standing_of(space), space.evidence
        self.title.setVisible(standing is not None or space.evidence_running)
        self.bars.setVisible(standing is not None)
        self.start.setVisible(found is None and not space.evidence_running)
        text, tip = words.COMPARING, words.COMPARE_TIP
        if standing is not None and found is not None:
            text, tip = standing.where, words.standing_tip(standing, found)
            self.bars.show_shares(words.shares_of(standing))
        self.title.setText(text)
        self.setToolTip(tip)
        self.setAccessibleDescription(tip)
        wanted = words.can_stand(space) and (found is None or standing is not None)
        self.setVisible(wanted and space.can_compare_evidence)
