"""The match inspector: query and candidate, and which part was matched with which."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QRectF, pyqtSignal
from PyQt5.QtWidgets import QWidget

from app.items.colour_bar import ColourBar
from app.jobs.images import ImageLoader
from app.state import reading_line as readout
from app.state.begun import Begun
from app.state.part_words import drawn_text
from app.state.values import MODES, MOST_LINES, Mode
from app.state.workspace import Workspace
from app.views.explore.adjust_row import AdjustRow
from app.views.explore.decision_bar import DecisionBar
from app.views.explore.match_canvas import STEP, MatchCanvas
from app.views.explore.match_controls import MatchControls
from app.views.explore.picture_tools import PictureTools, Zooming
from app.views.explore.swipe_handle import STEP as SWIPE_STEP
from app.views.explore.welcome import HintStrip
from app.views.widgets.actions import Handler, Handlers
from app.views.widgets.labels import ElidedLabel, Sheltered
from app.views.widgets.layouts import in_column, in_row
from qaconv_core.matching.strongest import DIRECTIONS

SPACING = 8
THRESHOLD_STEP = 0.05
LOWEST_CANVAS = 144
"""Pixels that the pictures have at least, captions included."""


class Inspector(QWidget):
    """Controls, the line of words, tools and canvas. Answers the ``match.*`` commands.

    ``command_wanted``: run this command of the table.
    """

    command_wanted = pyqtSignal(str)

    def __init__(
        self, workspace: Workspace, pictures: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.pictures = workspace, pictures
        self.canvas = MatchCanvas(workspace, pictures, self)
        self.decisions = DecisionBar(workspace, self.canvas)
        self.decisions.command_wanted.connect(self.command_wanted)
        self.readout = ElidedLabel()
        self._sentence = Sheltered(self.readout)
        self.readout.setAccessibleName("What is shown")
        self.bar = ColourBar(self, named=False)
        self.controls = MatchControls(workspace, self.choose_mode, self)
        zooming = Zooming(self.canvas.zoom_by, self.canvas.fit, STEP)
        self.adjust = AdjustRow(workspace, self)
        self.adjust.hide()
        self.adjust.closed.connect(self.switch_adjust)
        self.tools = PictureTools(workspace, zooming, self.switch_adjust, self)
        self.hint = HintStrip()
        self.canvas.setMinimumHeight(LOWEST_CANVAS)
        self._lay_out()
        self.hint.dismissed.connect(self._read_out)  # the line of words takes its place
        self.canvas.zoomed.connect(self._show_zoom)
        self.canvas.scene_changed.connect(self._read_out)
        self.canvas.staged.connect(self._place_decisions)
        workspace.look_changed.connect(self._on_look)
        workspace.queue.afterwards(self._read_out, workspace.hover_changed)
        workspace.hover_changed.connect(self._follow_hint)
        workspace.pair_changed.connect(self._prepare)
        self._linked = workspace.look.linked
        self._mode_before: Mode = "lines"
        """That of before a comparison."""
        self._endings = {
            "comparing": lambda: self.choose_mode(self._mode_before),
            "swiping": lambda: workspace.change_look(swipe=""),
            "adjusting": self.switch_adjust,
            "drawing": workspace.parts.clear,
            "pinning": lambda: workspace.pin(None),
        }
        self._begun = self._follow_beginnings()
        self._prepare()
        self._read_out()

    def _lay_out(self) -> None:
        line = in_row(
            self.hint, self._sentence, self.bar, grows=self._sentence, margins=(4, 0, 0, 0),
            spacing=2 * SPACING,
        )  # fmt: skip
        line.setStretchFactor(self.hint, 1)
        pictures = in_row(self.tools, self.canvas, grows=self.canvas, spacing=SPACING // 2)
        in_column(
            self.controls, line, self.adjust, pictures, into=self, grows=pictures,
            margins=(SPACING, SPACING // 2, SPACING, 0), spacing=SPACING // 2,
        )  # fmt: skip

    # ── following the workspace ─────────────────────────────────────────────────────────────────

    def _on_look(self) -> None:
        if self.workspace.look.linked and not self._linked:
            self.canvas.link()
        self._linked = self.workspace.look.linked
        if self.workspace.look.mode != "compare":
            self._mode_before = self.workspace.look.mode

    def _follow_hint(self) -> None:
        """The hint says to point at a place: once that was done it goes for good."""
        if self.workspace.hover is not None and not self.hint.isHidden():
            self.hint.dismiss()

    def _prepare(self) -> None:
        """Decode the pictures of the neighbouring ranks before they are requested."""
        space = self.workspace
        if space.pair is not None and space.data is not None and space.ranking is not None:
            place = space.ranking.place_of(space.pair.candidate)
            for near in space.ranking.order[max(place - 1, 0) : place + 2]:
                self.pictures.get(space.data.gallery[int(near)].path)

    def _place_decisions(self) -> None:
        """At the outer side of the candidate, where no line runs."""
        scene, room = self.canvas.scene, self.decisions.narrowest + SPACING
        number, query = scene.find(("gallery", 0)), scene.find(("query", 0))
        right = number is None or query is None or number > query
        self.canvas.leave_free(*((0, room) if right else (room, 0)))
        stage = self.canvas.stage
        chosen = number is not None and scene.panels[number].ref is not None
        pane = stage.panes[number] if number is not None and chosen else None
        self.decisions.stand_beside(pane, right=right)
        shown = not self.decisions.isHidden()
        self.canvas.cover(QRectF(self.decisions.geometry()) if shown else QRectF())

    def _show_zoom(self) -> None:
        self.tools.show_zoom(self.canvas.zoom.factor)
        self._read_out()

    def _read_out(self) -> None:
        """The line of words, and what the colours mean."""
        canvas, look = self.canvas, self.workspace.look
        stage = canvas.stage
        self.bar.show_scale(stage.legend)
        tip = ""
        if canvas.stale_overlay.drawn:
            text = readout.WAIT
        elif canvas.marks:
            marks = canvas.marks
            answers = [mark.answer for mark in marks]
            text = readout.answers_text(canvas.scene, answers, [mark.pair for mark in marks])
            tip = f"{text}\n{readout.cells_text(canvas.scene, answers[0])}"
        elif drawn_text(self.workspace.parts.now):
            text = drawn_text(self.workspace.parts.now)
        else:
            hidden = stage.lines_in_sight[1]
            text = readout.shown_text(canvas.scene, look, stage.lines, hidden)
            tip = f"{text}\n{readout.explained_text(canvas.scene, look)}".strip()
        if text != self.readout.text():
            self.readout.setText(text)
            self.readout.update()
        if (tip or text) != self.readout.toolTip():  # may change where the line does not
            self.readout.setToolTip(tip or text)
        self._sentence.setVisible(self.hint.isHidden())

    # ── commands ────────────────────────────────────────────────────────────────────────────────

    def handlers(self) -> Handlers:
        """The ``match.*`` commands."""
        space = self.workspace

        def mode_of(mode: Mode) -> Handler:
            return Handler(lambda: self.choose_mode(mode), checked=lambda: mode == space.look.mode)

        def of_lines(run: Callable[[], object]) -> Handler:
            return Handler(run, lambda: space.look.mode in ("lines", "compare"))

        def swiping() -> bool:
            return self.canvas.swiping

        return {
            **{f"match.{mode}": mode_of(mode) for mode in MODES},
            "match.more_lines": of_lines(lambda: self.change_count(1)),
            "match.fewer_lines": of_lines(lambda: self.change_count(-1)),
            "match.raise_threshold": of_lines(lambda: self.change_threshold(THRESHOLD_STEP)),
            "match.lower_threshold": of_lines(lambda: self.change_threshold(-THRESHOLD_STEP)),
            "match.direction": of_lines(self.next_direction),
            "match.unpin": Handler(self.release, lambda: bool(self._next_to_end())),
            "match.swipe_left": Handler(
                lambda: self.canvas.swipe_to(self.canvas.swipe_at - SWIPE_STEP), swiping
            ),
            "match.swipe_right": Handler(
                lambda: self.canvas.swipe_to(self.canvas.swipe_at + SWIPE_STEP), swiping
            ),
            **self.tools.handlers(),
        }

    def _follow_beginnings(self) -> Begun:
        space, parts = self.workspace, self.workspace.parts
        begun = Begun(
            {
                "comparing": lambda: space.look.mode == "compare",
                "swiping": lambda: space.look.swipe,
                "adjusting": lambda: not self.adjust.isHidden(),
                "drawing": lambda: parts.now.anything,
                "pinning": lambda: space.selection.cell,
            }
        )
        for event in (space.look_changed, space.selection_changed, parts.changed):
            event.connect(begun.follow)
        return begun

    def _next_to_end(self) -> str:
        """What Esc ends: what was begun last; "" where nothing is going on."""
        swiping = self.canvas.swiping  # not without a line to drag
        going_on = [name for name in self._begun.latest_first if name != "swiping" or swiping]
        first = next(iter(going_on), "")
        # The pinned cell may have been taken into what is drawn: it is the inner one.
        return "pinning" if first == "drawing" and "pinning" in going_on else first

    def release(self) -> None:
        """Esc: cancel the stroke; else end what was begun last."""
        name = self._next_to_end()
        if not self.canvas.drop_stroke() and name:
            self._endings[name]()

    def switch_adjust(self) -> None:
        """Show the sliders above the pictures, or close them."""
        if self.adjust.isVisible():
            self.adjust.hide()
            self.canvas.setFocus()
        else:
            self.adjust.begin()
        self._begun.follow()

    def choose_mode(self, mode: Mode) -> None:
        """Show the match in another way."""
        self.workspace.change_look(mode=mode)

    def change_count(self, sign: int) -> None:
        """More or fewer lines, in larger steps where there are many."""
        count = self.workspace.look.count
        step = max(1, count // 6)
        self.workspace.change_look(count=min(max(count + sign * step, 0), MOST_LINES))

    def change_threshold(self, by: float) -> None:
        """Draw lines from another similarity on."""
        wanted = round(self.workspace.look.threshold + by, 2)
        self.workspace.change_look(threshold=min(max(wanted, -1.0), 1.0))

    def next_direction(self) -> None:
        """Query → gallery, gallery → query, mutual, and again."""
        place = DIRECTIONS.index(self.workspace.look.direction)
        self.workspace.change_look(direction=DIRECTIONS[(place + 1) % len(DIRECTIONS)])
