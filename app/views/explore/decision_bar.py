"""Buttons to decide about the candidate, beside its picture: confirm, reject, unsure, note."""

from __future__ import annotations

from PyQt5.QtCore import QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QIcon, QIconEngine, QPainter, QPaintEvent, QPalette, QPen
from PyQt5.QtWidgets import QApplication, QToolButton, QWidget

from app.items.decision_marks import paint_decided, paint_sign
from app.state.commands import BY_ID
from app.state.framing import Pane
from app.state.words import decided_sentence
from app.state.workspace import Workspace
from app.views.widgets.icons import PaintedIcon, colour_of, icon
from app.views.widgets.layouts import in_column

SIDE, GAP, SPACING = 20, 12, 4
TITLES = {
    "candidate.confirm": "Confirm",
    "candidate.reject": "Reject",
    "candidate.unsure": "Unsure",
    "candidate.note": "Note",
}
WITHDRAW = "candidate.withdraw"


class VerdictIcon(PaintedIcon):
    """A ring in the colour of text; filled in the decision's own colour where it is on."""

    def __init__(self, verdict: str) -> None:
        super().__init__()
        self._verdict = verdict

    def clone(self) -> QIconEngine:
        return VerdictIcon(self._verdict)

    def paint(self, painter: QPainter, rect: QRect, mode: int, state: int) -> None:
        side = min(rect.width(), rect.height()) - 2
        place = QRectF(0, 0, side, side)
        place.moveCenter(QRectF(rect).center())
        if state == QIcon.On:
            paint_decided(painter, place, self._verdict)
            return
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        ink = colour_of(QApplication.palette(), mode)
        painter.setPen(QPen(ink, 1))
        painter.drawEllipse(place.adjusted(0.5, 0.5, -0.5, -0.5))
        paint_sign(painter, place, self._verdict, ink)
        painter.restore()


class DecisionBar(QWidget):
    """Shows what was decided about the chosen candidate, and lets it be decided by the mouse.

    ``command_wanted`` carries the id of a command. A click on the verdict that is on withdraws it.
    """

    command_wanted = pyqtSignal(str)

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.setAccessibleName("Decision about the candidate")
        self.setCursor(Qt.ArrowCursor)
        self._stands: tuple[object, ...] = ()
        """What it has its present place for."""
        self.buttons = {id: self._button(id) for id in TITLES}
        in_column(*self.buttons.values(), into=self, margins=2, spacing=2)
        for event in (workspace.decided_changed, workspace.selection_changed):
            event.connect(self.refresh)
        self.refresh()

    def _button(self, id: str) -> QToolButton:
        button = QToolButton(self)
        verdict = id.split(".")[1]
        button.setIcon(icon("note-pencil") if verdict == "note" else QIcon(VerdictIcon(verdict)))
        button.setIconSize(QSize(SIDE, SIDE))
        button.setText(TITLES[id])
        button.setAccessibleName(TITLES[id])
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.TabFocus)
        button.clicked.connect(lambda _on, id=id: self._clicked(id))
        return button

    def _clicked(self, id: str) -> None:
        on = id != "candidate.note" and self._verdict() == id.split(".")[1]
        self.refresh()  # lit only once the decision is kept
        self.command_wanted.emit(WITHDRAW if on else id)

    def _verdict(self) -> str:
        decision = self.workspace.decided.get(self._candidate())
        return "" if decision is None else decision.verdict

    def _candidate(self) -> int:
        candidate = self.workspace.selection.candidate
        return -1 if candidate is None else candidate

    def refresh(self) -> None:
        """Show what was decided about the candidate that is chosen now."""
        decision = self.workspace.decided.get(self._candidate())
        verdict, note = ("", "") if decision is None else (decision.verdict, decision.note)
        for id, button in self.buttons.items():
            command, name = BY_ID[id], id.split(".")[1]
            on = bool(note) if name == "note" else verdict == name
            button.setChecked(on)
            tip = f"{command.tip} ({command.keys[0]})"
            if on and name == "note":
                tip = f"{note}\nClick to change this note ({command.keys[0]})"
            elif on:
                tip = f"{decided_sentence(name)}. Click to withdraw ({BY_ID[WITHDRAW].keys[0]})"
            button.setToolTip(tip)
            button.setAccessibleDescription(tip)

    @property
    def narrowest(self) -> int:
        """Pixels that it takes without words."""
        return SIDE + 3 * SPACING

    # ── where it stands ─────────────────────────────────────────────────────────────────────────

    def stand_beside(self, pane: Pane | None, right: bool) -> None:
        """At the outer side of the candidate's picture, where no line runs; hidden without one.

        Signs alone where there is no room for words.
        """
        wants = (pane and pane.home, right, self.parentWidget().width(), self.font().key())
        if wants == self._stands:
            return
        self._stands = wants
        self.setVisible(pane is not None)
        if pane is None:
            return
        home, whole = pane.home, self.parentWidget().width()
        room = (whole - home.x - home.width if right else home.x) - GAP
        for style in (Qt.ToolButtonTextBesideIcon, Qt.ToolButtonIconOnly):
            for button in self.buttons.values():
                button.setToolButtonStyle(style)
            size = self.layout().sizeHint()
            if size.width() <= room:
                break
        # Over a low picture it would cover the words below: keys and menu remain.
        self.setVisible(size.height() <= home.height + GAP)
        x = home.x + home.width + GAP if right else home.x - GAP - size.width()
        x = min(max(x, 0), whole - size.width())
        self.setGeometry(round(x), round(home.y), size.width(), size.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """A plate: a zoomed picture may lie behind."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(Qt.NoPen)
        painter.setBrush(self.palette().color(QPalette.Window))
        painter.drawRoundedRect(self.rect(), 4, 4)
        painter.end()
