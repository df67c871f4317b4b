"""Greys a widget that is out of date, after a delay, so that a short wait does not flicker."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtGui import QColor, QPainter, QPalette
from PyQt5.QtWidgets import QWidget

from app.jobs.timers import pause_timer

AFTER_MS = 120


class StaleOverlay:
    """Greys ``widget`` :data:`AFTER_MS` after it became stale, until it is up to date."""

    def __init__(self, widget: QWidget, drawn: Callable[[], object] | None = None) -> None:
        """``drawn`` is called when the overlay appears."""
        self._widget, self._tell = widget, drawn
        self._stale = False
        self.drawn = False
        self._timer = pause_timer(widget, AFTER_MS, self._draw)

    def set(self, stale: bool) -> None:
        """Say whether what the widget shows is out of date."""
        if stale == self._stale:
            return
        self._stale = stale
        if stale:
            self._timer.start()
            return
        self._timer.stop()
        if self.drawn:
            self.drawn = False
            self._widget.update()

    def _draw(self) -> None:
        self.drawn = self._stale
        self._widget.update()
        if self._tell is not None:
            self._tell()

    def paint(self, painter: QPainter) -> None:
        """Paint the overlay over the widget, once the delay is over."""
        if self.drawn:
            colour = QColor(self._widget.palette().color(QPalette.Window))
            colour.setAlphaF(0.55)
            painter.fillRect(self._widget.rect(), colour)

    def stop(self) -> None:
        """Reset: the widget is hidden."""
        self._timer.stop()
        self._stale = self.drawn = False
