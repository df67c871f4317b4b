"""Plays tracks: the pictures of who was followed through a video, in turn, in the tile."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QObject, QTimer
from PyQt5.QtGui import QMouseEvent

from app.items.result_delegate import ResultDelegate
from app.items.result_model import ResultModel
from app.jobs.images import ImageLoader
from app.views.widgets.tile_view import TileView

PAUSE = 300
"""Milliseconds that each picture is seen."""


class TrackPlayer(QObject):
    """One track at a time: of the tile under the pointer, or of the one that a key started."""

    def __init__(
        self, view: TileView, model: ResultModel, delegate: ResultDelegate, thumbnails: ImageLoader
    ) -> None:
        super().__init__(view)
        self._view, self._model = view, model
        self._delegate, self._thumbnails = delegate, thumbnails
        self._candidate: int | None = None
        self._place = 0
        self._by_key = False
        self._timer = QTimer(self)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._step)
        model.modelReset.connect(self.stop)
        view.viewport().installEventFilter(self)

    @property
    def playing(self) -> int | None:
        """The candidate whose track plays."""
        return self._candidate

    def can_play(self, candidate: int | None) -> bool:
        """Whether a candidate is listed and its track has several pictures."""
        row = self._model.row_of(candidate)
        return row is not None and self._model.entry(row).pictures > 1

    def toggle(self, candidate: int) -> None:
        """Play the track of a candidate until it is asked for again."""
        if self._candidate == candidate and self._by_key:
            self.stop()
        else:
            self._play(candidate, by_key=True)

    def stop(self) -> None:
        """Show the best picture again."""
        before, self._candidate, self._by_key = self._candidate, None, False
        self._timer.stop()
        self._delegate.playing.clear()
        self._update(before)

    def _play(self, candidate: int, by_key: bool) -> None:
        self.stop()
        self._candidate, self._place, self._by_key = candidate, 0, by_key
        self._timer.start()
        self._step()

    def _step(self) -> None:
        """The next picture, unless it is not read yet."""
        row = self._model.row_of(self._candidate)
        if row is None or self._candidate is None or not self._view.isVisible():
            self.stop()
            return
        paths = self._model.track_paths(row)
        path = paths[self._place % len(paths)]
        if self._thumbnails.get(path) is not None or self._thumbnails.fault(path):
            self._delegate.playing = {self._candidate: path}
            self._place += 1
            self._update(self._candidate)

    def _update(self, candidate: int | None) -> None:
        row = self._model.row_of(candidate)
        if row is not None:
            self._view.viewport().update(self._view.visualRect(self._model.index(row)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.MouseMove and isinstance(event, QMouseEvent):
            self._point(self._view.indexAt(event.pos()).row())
        elif event.type() in (QEvent.Leave, QEvent.Hide) and not self._by_key:
            self.stop()
        return False

    def _point(self, row: int) -> None:
        if self._by_key:
            return
        candidate = self._model.candidate_at(row) if row >= 0 else None
        if candidate == self._candidate:
            return
        if candidate is not None and self._model.entry(row).pictures > 1:
            self._play(candidate, by_key=False)
        else:
            self.stop()
