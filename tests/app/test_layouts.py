"""Sizes of dialogs."""

from __future__ import annotations

from PyQt5.QtWidgets import QApplication, QDialog

from app.views.widgets.layouts import size_on_screen


def test_a_dialog_that_grows_while_it_is_shown_stays_on_the_screen(qtbot):
    dialog = QDialog()
    qtbot.addWidget(dialog)
    size_on_screen(dialog, 400, 200)
    dialog.show()
    qtbot.waitExposed(dialog)
    screen = QApplication.primaryScreen().availableGeometry()
    dialog.move(screen.right() - 420, screen.bottom() - 240)
    size_on_screen(dialog, 400, 200)
    assert (dialog.x(), dialog.y()) == (screen.right() - 420, screen.bottom() - 240)
    size_on_screen(dialog, 500, 400)
    assert screen.contains(dialog.frameGeometry())
    assert dialog.height() == 400
