"""The running program: Qt's application, settings, theme, hooks for errors, and the one window."""

from __future__ import annotations

from PyQt5.QtCore import QCoreApplication, QEvent, QTimer
from PyQt5.QtWidgets import QApplication

from app import startup
from app.state.session import Session, load_session
from app.state.settings import SettingsFile
from app.state.values import Problem
from app.views.shell.crash import CrashWatch
from app.views.shell.main_window import FIRST_SIZE, MainWindow
from app.views.widgets.error_hooks import install_excepthook
from app.views.widgets.theme import Theme, prepare_high_dpi

LONGEST_WAIT = 1000
"""Milliseconds after which jobs begin though the window, hidden by others, was never painted."""


class Program:
    """Makes everything in the order that Qt needs; :meth:`end` undoes it.

    No job runs until the window is on the screen: the first one loads torch, and the window would
    have to share the interpreter with it.
    """

    def __init__(self, arguments: list[str]) -> None:
        running = QApplication.instance()
        if running is None:
            prepare_high_dpi()
        self.application = running if isinstance(running, QApplication) else QApplication(arguments)
        self.application.setApplicationName("QAConv Explorer")
        self.application.setApplicationDisplayName("QAConv Explorer")
        self.settings = SettingsFile()
        self.session: Session | None = None
        if self.settings.path is not None and self.settings.value.restore_session:
            self.session = load_session(self.settings.path.parent)
        self.crash = CrashWatch()
        self.theme = Theme(self.application)
        self.theme.use(self.settings.value.theme)
        self.window = MainWindow(self.settings, self.theme)
        self.window.runner.hold()
        self.window.painted.connect(self._on_screen)
        self.hooks = install_excepthook(self.window.problems.add, self.window)
        if self.session is not None and self.session.note:
            self.window.problems.add(Problem(self.session.note))
        if self.crash.previous is not None:
            self.window.problems.add(self.crash.previous)

    def run(self) -> None:
        """Show the window until it is closed."""
        if not self.settings.value.geometry:
            self._first_size()
        self.window.show()
        QTimer.singleShot(LONGEST_WAIT, self._on_screen)
        self.application.exec_()

    def _on_screen(self) -> None:
        self.window.runner.release()
        startup.release_collector()

    def _first_size(self) -> None:
        screen = self.application.primaryScreen().availableGeometry()
        width, height = (min(a, b) for a, b in zip(FIRST_SIZE, (screen.width(), screen.height()),
                                                   strict=True))  # fmt: skip
        self.window.resize(width, height)

    def end(self) -> None:
        """Stop what may still run, and give back what was taken; the window is gone afterwards.

        Qt and Python take their objects apart in an order of their own when the process ends.
        Whatever is still open then (a dialog, a menu, a timer) may be told of it after its
        neighbours are gone, which is a segmentation fault; so nothing is left.
        """
        self.window.close()  # also where it was never shown: jobs have begun before
        self.application.closeAllWindows()
        self.window.deleteLater()
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)
        self.hooks.remove()
        self.crash.close()
        startup.release_collector()
