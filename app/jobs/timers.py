"""Timers for what is done once, after a pause."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject, QTimer


def pause_timer(owner: QObject, pause_ms: int, call: Callable[[], object]) -> QTimer:
    """A timer of ``owner``, not started yet, that calls once its pause is over.

    Starting it anew begins the pause anew.
    """
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(pause_ms)
    timer.timeout.connect(call)
    return timer
