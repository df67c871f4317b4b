"""The pictures of a match side by side, and what joins them: places, zoom and painting.

Knows nothing of mouse and keys: :class:`~app.views.explore.match_canvas.MatchCanvas` handles
them, through the public methods here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt5.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal, pyqtSlot
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPixmap, QResizeEvent
from PyQt5.QtWidgets import QSizePolicy, QWidget

from app.items.captions import caption_height
from app.items.match_layers import (
    paint_grey,
    paint_lines,
    paint_marks,
    paint_pictures,
    paint_responses,
)
from app.items.match_painting import rect_of
from app.items.match_stage import Mark, Stage, mark_rects, marks_of, swipes_pair, tags_of
from app.jobs.images import ImageLoader
from app.state.framing import Box, Pane, Zoom, panes, panes_around, swiped
from app.state.overlay import cell_at
from app.state.scene import Panel, Scene, scene_of
from app.state.values import MOST_COMPARED, Adjustment, Cell
from app.state.workspace import Workspace
from app.views.explore.swipe_handle import SwipeHandle
from app.views.widgets.stale_overlay import StaleOverlay
from qaconv_core.types import Side

FADED = 0.3
FULL_CAPTIONS_FROM = 720
"""Pixels of height below which captions have two lines instead of four."""
ACCENT = QColor("#ffb000")
Key = tuple[Side, int]
KEYS: tuple[Key, ...] = (("query", 0), *(("gallery", which) for which in range(MOST_COMPARED)))


class MatchPicture(QWidget):
    """Shows the workspace's pair, as the workspace's look asks for it.

    ``zoomed`` tells that :attr:`zoom` changed, ``scene_changed`` that the scene or what is pointed
    at changed, ``staged`` that the pictures may have other places.
    """

    zoomed = pyqtSignal()
    staged = pyqtSignal()
    scene_changed = pyqtSignal()

    def __init__(
        self, workspace: Workspace, pictures: ImageLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self.pictures = workspace, pictures
        self.scene = Scene()
        self._zooms: dict[Key, Zoom] = {}
        self._active: Key = ("query", 0)
        self._other_hover: tuple[int, Cell] | None = None
        self._stage: Stage | None = None
        self._base: QPixmap | None = None
        self._lines: QPixmap | None = None
        self._grey: dict[int, QPixmap] = {}
        self._marks: tuple[Mark, ...] = ()
        self._covered = QRectF()
        self._free = 0, 0
        self.swipe_at = 0.5
        self.handles: list[SwipeHandle] = []
        self.staged.connect(self._place_handles)
        self.stale_overlay = StaleOverlay(self, self.scene_changed.emit)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setAccessibleName("Match: query and candidate")
        self.setAttribute(Qt.WA_OpaquePaintEvent)  # nothing behind is painted at every move
        self._listen()
        self._update_scene()

    def _listen(self) -> None:
        space = self.workspace
        space.queue.afterwards(
            self._update_scene,
            space.data_changed,
            space.model_changed,
            space.selection_changed,
            space.ranking_changed,
            space.pair_changed,
            space.pair_stale_changed,
            space.parts.changed,
            space.decided_changed,
            space.look_changed,
        )
        space.hover_changed.connect(self._update_marks)
        self.pictures.loaded.connect(self._on_picture)

    def sizeHint(self) -> QSize:
        """A comfortable size."""
        return QSize(760, 620)

    def minimumSizeHint(self) -> QSize:
        """Small, but not without sense."""
        return QSize(320, 200)

    # ── what is shown ───────────────────────────────────────────────────────────────────────────

    def _update_scene(self) -> None:
        """The workspace changed: what is on the screen may be out of date."""
        scene = scene_of(self.workspace)
        look = self.workspace.look
        same = self._stage is not None and self._stage.look == look
        same = same and scene.looks_like(self.scene)
        self.scene = scene
        if not same:
            self.setAccessibleDescription(". ".join(panel.spoken for panel in scene.panels))
            self._marks = self._wanted_marks()  # those of before belong to other places
            self._drop_layers()
        self.stale_overlay.set(scene.stale)
        self._update_marks()
        self.scene_changed.emit()

    def _drop_layers(self) -> None:
        self._stage = self._base = self._lines = None
        self._grey.clear()
        self.update()
        self.staged.emit()

    @pyqtSlot(object)
    def _on_picture(self, path: Path) -> None:
        if any(panel.ref is not None and panel.ref.path == path for panel in self.scene.panels):
            self._drop_layers()

    @property
    def stage(self) -> Stage:
        """What is painted, with its places on the widget."""
        if self._stage is None:
            paths = [None if p.ref is None else p.ref.path for p in self.scene.panels]
            images = tuple(None if path is None else self.pictures.get(path) for path in paths)
            faults = tuple("" if path is None else self.pictures.fault(path) for path in paths)
            usual = self._usual_aspect()
            aspects = [usual if i is None else i.width() / max(i.height(), 1) for i in images]
            lines = 4 if self.height() >= FULL_CAPTIONS_FROM else 2
            foot = caption_height(self.font(), lines)
            left, right = self._free
            inside = self._panes(self.width() - left - right, aspects, foot)
            places = tuple(pane.moved(left) for pane in inside)
            boxes = tuple(
                self.zoom_of(panel.key).box(pane.home)
                for panel, pane in zip(self.scene.panels, places, strict=True)
            )
            self._stage = Stage(
                self.scene, self.workspace.look, places, boxes, images, faults, lines,
                self.swipe_at, self._covered,
            )  # fmt: skip
        return self._stage

    def _panes(self, width: float, aspects: list[float], foot: float) -> list[Pane]:
        height = float(self.height())
        if swipes_pair(self.scene, self.workspace.look):
            return swiped(width, height, aspects, foot, self.swipe_at)
        if not self.scene.in_columns:
            return panes(width, height, aspects, foot)
        query = self.scene.find(("query", 0))
        assert query is not None
        columns = aspects[:query], aspects[query : query + 1], aspects[query + 1 :]
        return panes_around(width, height, columns, foot)

    def leave_free(self, left: int, right: int) -> None:
        """Keep so many pixels at either side free of pictures."""
        if (left, right) != self._free:
            self._free = left, right
            self._drop_layers()

    def cover(self, area: QRectF) -> None:
        """Say where another widget stands before the pictures; tags keep out of there."""
        self._covered = area
        if self._stage is not None and self._stage.covered != area:
            self._stage = replace(self._stage, covered=area)
            self.update()

    def _usual_aspect(self) -> float:
        model = self.workspace.model
        return 0.5 if model is None else model.spec.input_size[1] / model.spec.input_size[0]

    # ── swiping ─────────────────────────────────────────────────────────────────────────────────

    def swipe_to(self, at: float) -> None:
        """Move the line of swiping to a fraction of the pictures' width."""
        at = min(max(at, 0.0), 1.0)
        if at != self.swipe_at:
            self.swipe_at = at
            self._drop_layers()

    @property
    def swiping(self) -> bool:
        """Whether there is a line to drag."""
        return bool(self._handle_places())

    def _handle_places(self) -> list[Box]:
        """The pictures that a line stands over."""
        look = self.workspace.look
        if not self.scene.pairs:
            return []
        homes = [pane.home for pane in self.stage.panes]
        if self.stage.swiped:
            return [max(homes, key=lambda home: home.width)]
        return homes if look.swipe == "original" and look.adjust != Adjustment() else []

    def _place_handles(self) -> None:
        places = self._handle_places()
        while len(self.handles) < len(places):
            handle = SwipeHandle(f"Line over picture {len(self.handles) + 1}", self)
            handle.moved.connect(self.swipe_to)
            self.handles.append(handle)
        for number, handle in enumerate(self.handles):
            handle.setVisible(number < len(places))
            if number < len(places):
                handle.stand(places[number], self.swipe_at)

    # ── what lies under a point ─────────────────────────────────────────────────────────────────

    def panel_at(self, at: QPointF) -> Panel | None:
        """The panel whose picture lies under a point of the widget."""
        for panel, pane in zip(self.scene.panels, self.stage.panes, strict=True):
            if pane.clip.holds(at.x(), at.y()):
                return panel
        return None

    def cell_under(self, at: QPointF) -> tuple[Key, Cell] | None:
        """Which picture, and which cell of it, lies under a point of the widget."""
        panel = self.panel_at(at)
        if panel is None or panel.which >= len(self.scene.pairs):
            return None
        place = self.scene.find(panel.key)
        assert place is not None
        fractions = self.stage.boxes[place].fractions(at.x(), at.y())
        number = cell_at(*fractions, self.scene.pairs[0].match.grid)
        return None if number is None else (panel.key, Cell(panel.side, number))

    def active_fractions(self, at: QPointF) -> tuple[float, float]:
        """A point of the widget as fractions of the active picture."""
        number = self.scene.find(self._active)
        assert number is not None
        return self.stage.boxes[number].fractions(at.x(), at.y())

    # ── painting ────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        """The layers one over the other; only what moved is painted anew."""
        painter = QPainter(self)
        painter.setClipRegion(event.region())
        if not self.scene.panels:
            painter.fillRect(self.rect(), self.palette().color(QPalette.Window))
            self._paint_message(painter, QRectF(self.rect()))
            return
        stage = self.stage
        painter.drawPixmap(0, 0, self._pictures(stage))
        if stage.overlaid:
            self._paint_overlay(painter, stage)
        self.stale_overlay.paint(painter)

    def _paint_overlay(self, painter: QPainter, stage: Stage) -> None:
        marks = self._marks
        if stage.look.mode == "hover" and stage.scene.drawn.regions is None:
            paint_responses(painter, stage, marks, self._grey_of, self.palette())
        elif stage.draws_lines:
            if self._lines is None:
                blank = self._blank(QColor(Qt.transparent))
                self._lines = self._layer(lambda p: paint_lines(p, stage), blank)
            painter.setOpacity(FADED if marks else 1.0)
            painter.drawPixmap(0, 0, self._lines)
            painter.setOpacity(1.0)
        pinned = self.workspace.selection.cell
        paint_marks(painter, stage, marks, pinned, self.font(), ACCENT)

    def _pictures(self, stage: Stage) -> QPixmap:
        """The lowest layer: it is opaque, so that it is copied and not blended."""
        if self._base is None:
            ratio, font, palette = self.devicePixelRatioF(), self.font(), self.palette()
            self._base = self._layer(
                lambda p: paint_pictures(p, stage, ratio, font, palette),
                self._blank(palette.color(QPalette.Window)),
            )
        return self._base

    def _grey_of(self, number: int) -> QPixmap:
        """The lowest layer with one picture in grey: kept, since it is painted at every move."""
        stage, ratio, palette = self.stage, self.devicePixelRatioF(), self.palette()
        if number not in self._grey:
            self._grey[number] = self._layer(
                lambda p: paint_grey(p, stage, number, ratio, palette),
                QPixmap(self._pictures(stage)),
            )
        return self._grey[number]

    def _blank(self, colour: QColor) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(math.ceil(self.width() * ratio), math.ceil(self.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(colour)
        return pixmap

    def _layer(self, paint: Callable[[QPainter], None], on: QPixmap) -> QPixmap:
        painter = QPainter(on)
        paint(painter)
        painter.end()
        return on

    def _paint_message(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(self.palette().color(QPalette.WindowText))
        painter.drawText(area, int(Qt.AlignCenter) | int(Qt.TextWordWrap), self.scene.message)

    # ── marked cells ──────────────────────────────────────────────────────────────────────────────

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What is marked now: the cell pointed at or pinned, and its matches."""
        return self._marks

    def point_at(self, under: tuple[Key, Cell] | None) -> None:
        """Mark a cell that is pointed at; one of another candidate is marked here only."""
        other = None if under is None or not under[0][1] else (under[0][1], under[1])
        changed = other != self._other_hover
        self._other_hover = other
        self.workspace.set_hover(None if under is None or other is not None else under[1])
        if changed:
            self._update_marks()
            self.scene_changed.emit()

    def _wanted_marks(self) -> tuple[Mark, ...]:
        if self._other_hover is not None:
            which, cell = self._other_hover
            return marks_of(self.scene, cell, which)
        return marks_of(self.scene, self.workspace.cell)

    def _update_marks(self) -> None:
        marks = self._wanted_marks()
        if marks == self._marks:
            return
        before, self._marks = self._marks, marks
        if not self.isVisible():
            return
        if bool(before) != bool(marks) or self.scene.stale:
            self.update()
        else:
            self._repaint_marks(before)
            self._repaint_marks(marks)

    def _repaint_marks(self, marks: tuple[Mark, ...]) -> None:
        """Ask for painting of no more than the marks, and the pictures that answer."""
        stage = self.stage
        for mark in marks:
            start, end = mark_rects(stage, mark)
            area = start.united(end).adjusted(-8, -8, 8, 8)
            if stage.look.mode == "hover":
                area = area.united(rect_of(stage.panes[mark.end].clip))
            self.update(area.toAlignedRect())
        for _, rect, _ in tags_of(stage, marks, self.font()):
            self.update(rect.adjusted(-2, -2, 2, 2).toAlignedRect())

    # ── zoom ────────────────────────────────────────────────────────────────────────────────────

    def zoom_of(self, key: Key) -> Zoom:
        """How one of the pictures is looked at."""
        return self._zooms.get(key, Zoom())

    @property
    def active(self) -> Key:
        """The picture last pointed at."""
        return self._active

    def activate(self, key: Key) -> None:
        """Zoom that picture from now on."""
        if key != self._active:
            self._active = key
            self.zoomed.emit()

    @property
    def zoom(self) -> Zoom:
        """Zoom of the active picture."""
        return self.zoom_of(self._active)

    def zoom_by(self, times: float, at: QPointF | None = None) -> None:
        """Closer (> 1) or further, around a point of the widget or the middle of the picture."""
        x, y = 0.5, 0.5
        number = self.scene.find(self._active)
        if at is not None and number is not None:
            x, y = self.stage.panes[number].home.fractions(at.x(), at.y())
        self.set_zoom(self.zoom.by(times, x, y))

    def fit(self) -> None:
        """The whole pictures."""
        self._zooms.clear()
        self.set_zoom(Zoom())

    def set_zoom(self, zoom: Zoom) -> None:
        """Zoom the active picture, or all of them where they are linked."""
        keys = KEYS if self.workspace.look.linked else (self._active,)
        self._zooms.update(dict.fromkeys(keys, zoom))
        self._drop_layers()
        self.zoomed.emit()

    def link(self) -> None:
        """All pictures as the one last pointed at."""
        self.set_zoom(self.zoom)

    def changeEvent(self, event: QEvent) -> None:
        """Another theme or font."""
        if event.type() in (QEvent.PaletteChange, QEvent.FontChange, QEvent.StyleChange):
            self._drop_layers()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Everything has another place."""
        self._drop_layers()
        super().resizeEvent(event)
