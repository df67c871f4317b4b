"""The real program on the demo, driven by keys and mouse: for pictures and measurements of it.

Waits for what happened, never for a time only. Import this module before anything of PyQt5; it
puts this checkout first, so that no other installed copy is measured.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app import startup  # noqa: E402

PATIENCE = 600.0
"""Seconds after which something that does not happen is an error."""


def find_display(size: tuple[int, int], scale: float = 1.0) -> None:
    """Go on under a display: this process starts itself again below xvfb-run where there is none.

    Ends with one line where that is not installed either.
    """
    problem = startup.prepare()
    if not problem:
        return
    xvfb = shutil.which("xvfb-run")
    if xvfb is None or os.environ.get("QACONV_UNDER_XVFB"):
        sys.exit(f"{Path(sys.argv[0]).name}: {problem}")
    os.environ["QACONV_UNDER_XVFB"] = "1"
    screen = "x".join(str(round(side * scale)) for side in size)
    os.execv(xvfb, [xvfb, "-a", "-s", f"-screen 0 {screen}x24", sys.executable, *sys.argv])


def own_folders(fresh_cache: bool) -> Path:
    """Settings and runs in a new temporary folder, feature maps too if asked; returns it."""
    folder = Path(tempfile.mkdtemp(prefix="qaconv-"))
    os.environ["QACONV_DATA_DIR"] = str(folder / "data")
    if fresh_cache:
        os.environ["QACONV_CACHE_DIR"] = str(folder / "cache")
    return folder


class Driver:
    """One window of the program at a given size, and hands for it."""

    def __init__(self, size: tuple[int, int]) -> None:
        startup.hold_collector()
        from app.program import Program

        self.program = Program(sys.argv[:1])
        self.window = self.program.window
        self.space = self.window.workspace
        self.window.resize(*size)

    def start(self) -> None:
        """Show the window on the demo, as a first start does."""
        self.window.begin(None, None, None)
        self.window.show()
        self.program.application.setActiveWindow(self.window)

    def close(self) -> None:
        """Close the window and end the program."""
        self.program.end()
        self.turn()

    # ── waiting ─────────────────────────────────────────────────────────────────────────────────

    def turn(self) -> None:
        """Let Qt do everything that is queued, paintings included."""
        from PyQt5.QtCore import QCoreApplication, QEvent

        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
        """Until ``condition`` holds. Raises :class:`TimeoutError`."""
        from PyQt5.QtCore import QCoreApplication, QEventLoop

        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}")
            QCoreApplication.processEvents(QEventLoop.AllEvents, 20)
            time.sleep(0.0005)

    @property
    def shown(self) -> bool:
        """Whether ranking and match are those of what is chosen."""
        space, chosen = self.space, self.space.selection
        ranking, pair = space.ranking, space.pair
        if ranking is None or space.ranking_stale or pair is None or space.pair_stale:
            return False
        same = ranking.queries == chosen.queries and pair.candidate == chosen.candidate
        others = tuple(other.candidate for other in space.others)
        return same and (space.look.mode != "compare" or others == space.compared)

    @property
    def pictures_there(self) -> bool:
        """Whether no picture that is shown is still being read."""
        return not (self.window.explore.pictures.busy or self.window.explore.thumbnails.busy)

    def rest(self) -> None:
        """Until nothing works any more and everything is painted."""
        self.wait(lambda: not self.window.runner.busy, "the jobs")
        self.turn()  # painting is what asks for pictures
        self.wait(lambda: self.pictures_there and not self.window.runner.busy, "the pictures")
        self.turn()

    def measured(self) -> None:
        """Until the demo is ranked, explained and measured, with the evidence of its pairs."""
        complete = lambda: self.shown and self.space.measures_complete  # noqa: E731
        self.wait(complete, "the demo's measures", seconds=10 * PATIENCE)
        self.wait(lambda: self.space.evidence, "the evidence of pairs", seconds=10 * PATIENCE)
        self.rest()

    # ── hands ───────────────────────────────────────────────────────────────────────────────────

    def key(self, keys: str, widget: Any = None) -> None:
        """Press keys as in ``Ctrl+Shift+P``, in the widget or wherever the focus is."""
        from PyQt5.QtCore import Qt
        from PyQt5.QtGui import QKeySequence
        from PyQt5.QtTest import QTest
        from PyQt5.QtWidgets import QApplication

        active = QApplication.activeWindow()
        # After a popup a window manager gives the focus back; where there is none, this does.
        if active is None or not active.isVisible():
            QApplication.setActiveWindow(self.window)
        combined = QKeySequence(keys)[0]
        modifiers = Qt.KeyboardModifiers(combined & int(Qt.KeyboardModifierMask))
        key = Qt.Key(combined & ~int(Qt.KeyboardModifierMask))
        QTest.keyClick(widget or QApplication.focusWidget() or self.window, key, modifiers)

    def type(self, text: str, widget: Any) -> None:
        """Type letters into a field."""
        from PyQt5.QtTest import QTest

        QTest.keyClicks(widget, text)

    def click(self, widget: Any) -> None:
        """Click the middle of a widget."""
        self.click_at(widget, widget.rect().center())

    def click_at(self, widget: Any, at: Any) -> None:
        """Click a place of a widget; ``at`` a QPoint of it."""
        from PyQt5.QtCore import Qt
        from PyQt5.QtTest import QTest

        QTest.mouseClick(widget, Qt.LeftButton, Qt.NoModifier, at)

    def drop(self, *paths: Path) -> None:
        """Drag files over the middle of the window and let them go."""
        from PyQt5.QtCore import QMimeData, QPointF, Qt, QUrl
        from PyQt5.QtGui import QDragEnterEvent, QDropEvent
        from PyQt5.QtWidgets import QApplication

        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        at = self.window.rect().center()
        buttons = Qt.LeftButton, Qt.NoModifier
        QApplication.sendEvent(self.window, QDragEnterEvent(at, Qt.CopyAction, mime, *buttons))
        QApplication.sendEvent(self.window, QDropEvent(QPointF(at), Qt.CopyAction, mime, *buttons))
        self.turn()

    def command(self, words: str) -> None:
        """Find a command in the palette and run it."""
        palette = self.window.dialogs.palette
        self.key("Ctrl+Shift+P")
        self.wait(palette.isVisible, "the palette")
        self.type(words, palette.field)
        self.key("Return", palette.field)
        self.turn()

    def point(self, widget: Any, at: Any) -> None:
        """Move the pointer over a widget; ``at`` a QPointF of it."""
        from PyQt5.QtCore import QEvent, Qt
        from PyQt5.QtGui import QMouseEvent
        from PyQt5.QtWidgets import QApplication

        event = QMouseEvent(
            QEvent.MouseMove, at, widget.mapToGlobal(at.toPoint()), Qt.NoButton,
            Qt.NoButton, Qt.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    def drag(self, widget: Any, start: Any, end: Any) -> None:
        """Drag with the left button from one place of a widget to another; QPointF of it."""
        from PyQt5.QtCore import QEvent, Qt
        from PyQt5.QtGui import QMouseEvent
        from PyQt5.QtTest import QTest
        from PyQt5.QtWidgets import QApplication

        QTest.mousePress(widget, Qt.LeftButton, Qt.NoModifier, start.toPoint())
        for at in ((start + end) / 2, end):
            move = QMouseEvent(
                QEvent.MouseMove, at, Qt.NoButton, Qt.LeftButton, Qt.NoModifier
            )  # fmt: skip
            QApplication.sendEvent(widget, move)
        QTest.mouseRelease(widget, Qt.LeftButton, Qt.NoModifier, end.toPoint())

    def on_picture(self, panel: int, x: float, y: float) -> Any:
        """The point of the inspector at these shares of a picture's width and height."""
        from PyQt5.QtCore import QPointF

        box = self.window.explore.inspector.canvas.stage.boxes[panel]
        return QPointF(box.x + x * box.width, box.y + y * box.height)

    # ── dialogs ─────────────────────────────────────────────────────────────────────────────────

    def dialog(self, name: str) -> Any:
        """The dialog that a command has opened."""
        opened = self.window.dialogs._open
        self.wait(lambda: name in opened and opened[name].isVisible(), f"the dialog {name}")
        self.program.application.setActiveWindow(opened[name])
        return opened[name]

    def close_dialogs(self) -> None:
        """Close whatever stands over the window."""
        self.window.dialogs.close_all()
        modal = self.program.application.activeModalWidget()
        if modal is not None:
            modal.close()
        self.turn()
        self.window.activateWindow()
        self.program.application.setActiveWindow(self.window)
