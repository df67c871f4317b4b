"""The pictures of a match side by side, and what joins them: painted and zoomed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt5.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal, pyqtSlot
from PyQt5.QtGui import QColor, QPainter, QPalette, QPixmap
from PyQt5.QtWidgets import QSizePolicy, QWidget

from app.items.captions import caption_height
from app.items.match_layers import paint_lines, paint_marks, paint_pictures, paint_responses
from app.items.match_painting import rect_of
from app.items.match_stage import Mark, Stage, mark_rects, marks_of, tags_of
from app.jobs.images import ImageLoader
from app.state.framing import Zoom, panes
from app.state.scene import Scene, scene_of
from app.state.values import Cell
from app.state.workspace import Workspace
from app.views.widgets.stale_overlay import StaleOverlay
from qaconv_core.types import Side

FADED = 0.3
ROOMY = 320  # less height, and captions say only the first things
ACCENT = QColor("#ffb000")
Key = tuple[Side, int]
KEYS: tuple[Key, ...] = (("query", 0), ("gallery", 0), ("gallery", 1))


class MatchPicture(QWidget):
    """Shows the workspace's pair, as the workspace's look asks for it.

    ``zoomed`` tells that :attr:`zoom` is another, ``scene_changed`` that what is shown is,
    ``staged`` that the pictures may have other places.
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
        self._second_hover: Cell | None = None
        self._stage: Stage | None = None
        self._base: QPixmap | None = None
        self._lines: QPixmap | None = None
        self._marks: tuple[Mark, ...] = ()
        self._covered = QRectF()
        self.veil = StaleOverlay(self, self.scene_changed.emit)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setAccessibleName("Match: query and candidate")
        self._listen()
        self._look_again()

    def _listen(self) -> None:
        space = self.workspace
        for event in (
            space.data_changed,
            space.model_changed,
            space.selection_changed,
            space.ranking_changed,
            space.pair_changed,
            space.parts.changed,
            space.decided_changed,
        ):
            event.connect(self._look_again)
        space.look_changed.connect(self._look_again)
        space.hover_changed.connect(self._mark_again)
        self.pictures.arrived.connect(self._on_picture)

    def sizeHint(self) -> QSize:
        """A comfortable size."""
        return QSize(760, 620)

    def minimumSizeHint(self) -> QSize:
        """Small, but not without sense."""
        return QSize(320, 200)

    # ── what is shown ───────────────────────────────────────────────────────────────────────────

    def _look_again(self) -> None:
        """The workspace changed: what is on the screen may be out of date."""
        scene = scene_of(self.workspace)
        look = self.workspace.look
        same = self._stage is not None and self._stage.look == look
        same = same and scene.looks_like(self.scene)
        self.scene = scene
        if not same:
            self.setAccessibleDescription(". ".join(panel.spoken for panel in scene.panels))
            self._marks = self._wanted_marks()  # those of before belong to other places
            self._forget()
        self.veil.set(scene.stale)
        self._mark_again()
        self.scene_changed.emit()

    def _forget(self) -> None:
        self._stage = self._base = self._lines = None
        self.update()
        self.staged.emit()

    @pyqtSlot(object)
    def _on_picture(self, path: Path) -> None:
        if any(panel.ref is not None and panel.ref.path == path for panel in self.scene.panels):
            self._forget()

    @property
    def stage(self) -> Stage:
        """What is painted, with its places on the widget."""
        if self._stage is None:
            paths = [None if p.ref is None else p.ref.path for p in self.scene.panels]
            images = tuple(None if path is None else self.pictures.get(path) for path in paths)
            faults = tuple("" if path is None else self.pictures.fault(path) for path in paths)
            usual = self._usual_aspect()
            aspects = [usual if i is None else i.width() / max(i.height(), 1) for i in images]
            lines = 4 if self.height() >= ROOMY else 2
            foot = caption_height(self.font(), lines)
            places = tuple(panes(self.width(), self.height(), aspects, foot))
            boxes = tuple(
                self.zoom_of(panel.key).box(pane.home)
                for panel, pane in zip(self.scene.panels, places, strict=True)
            )
            self._stage = Stage(
                self.scene, self.workspace.look, places, boxes, images, faults, lines,
                self._covered,
            )  # fmt: skip
        return self._stage

    def cover(self, area: QRectF) -> None:
        """Say where another widget stands before the pictures; tags keep out of there."""
        self._covered = area
        if self._stage is not None and self._stage.covered != area:
            self._stage = replace(self._stage, covered=area)
            self.update()

    def _usual_aspect(self) -> float:
        model = self.workspace.model
        return 0.5 if model is None else model.spec.input_size[1] / model.spec.input_size[0]

    # ── painting ────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event) -> None:
        """The layers one over the other; only what moved is painted anew."""
        painter = QPainter(self)
        painter.setClipRegion(event.region())
        if not self.scene.panels:
            self._paint_message(painter, QRectF(self.rect()))
            return
        stage = self.stage
        if self._base is None:
            self._base = self._layer(
                lambda p: paint_pictures(
                    p, stage, self.devicePixelRatioF(), self.font(), self.palette()
                )
            )
        painter.drawPixmap(0, 0, self._base)
        if stage.overlaid:
            self._paint_overlay(painter, stage)
        self.veil.paint(painter)

    def _paint_overlay(self, painter: QPainter, stage: Stage) -> None:
        marks = self._marks
        if stage.look.mode == "hover" and stage.scene.drawn.regions is None:
            paint_responses(painter, stage, marks, self.devicePixelRatioF(), self.palette())
        elif stage.look.mode in ("lines", "compare") and stage.scene.drawn.regions is None:
            if self._lines is None:
                self._lines = self._layer(lambda p: paint_lines(p, stage))
            painter.setOpacity(FADED if marks else 1.0)
            painter.drawPixmap(0, 0, self._lines)
            painter.setOpacity(1.0)
        pinned = self.workspace.selection.cell
        paint_marks(painter, stage, marks, pinned, self.font(), ACCENT)

    def _layer(self, paint: Callable[[QPainter], None]) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.transparent)
        painter = QPainter(pixmap)
        paint(painter)
        painter.end()
        return pixmap

    def _paint_message(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(self.palette().color(QPalette.WindowText))
        painter.drawText(area, int(Qt.AlignCenter) | int(Qt.TextWordWrap), self.scene.message)

    # ── one cell ────────────────────────────────────────────────────────────────────────────────

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What is marked now: the cell pointed at or pinned, and its matches."""
        return self._marks

    def _wanted_marks(self) -> tuple[Mark, ...]:
        cell, which = self.workspace.cell, 0
        if self._second_hover is not None:
            cell, which = self._second_hover, 1
        return marks_of(self.scene, cell, which)

    def _mark_again(self) -> None:
        marks = self._wanted_marks()
        if marks == self._marks:
            return
        before, self._marks = self._marks, marks
        if not self.isVisible():
            return
        if bool(before) != bool(marks) or self.scene.stale:
            self.update()
        else:
            self._update_marks(before)
            self._update_marks(marks)

    def _update_marks(self, marks: tuple[Mark, ...]) -> None:
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
    def zoom(self) -> Zoom:
        """Of the picture last pointed at."""
        return self.zoom_of(self._active)

    def zoom_by(self, times: float, at: QPointF | None = None) -> None:
        """Closer (> 1) or further, around a point of the widget or the middle of the picture."""
        x, y = 0.5, 0.5
        number = self.scene.find(self._active)
        if at is not None and number is not None:
            x, y = self.stage.panes[number].home.fractions(at.x(), at.y())
        self._set_zoom(self.zoom.by(times, x, y))

    def fit(self) -> None:
        """The whole pictures."""
        self._zooms.clear()
        self._set_zoom(Zoom())

    def _set_zoom(self, zoom: Zoom) -> None:
        keys = KEYS if self.workspace.look.linked else (self._active,)
        self._zooms.update(dict.fromkeys(keys, zoom))
        self._forget()
        self.zoomed.emit()

    def link(self) -> None:
        """All pictures as the one last pointed at."""
        self._set_zoom(self.zoom)

    def changeEvent(self, event) -> None:
        """Another theme or font."""
        if event.type() in (QEvent.PaletteChange, QEvent.FontChange, QEvent.StyleChange):
            self._forget()
        super().changeEvent(event)

    def resizeEvent(self, event) -> None:
        """Everything has another place."""
        self._forget()
        super().resizeEvent(event)
