"""What of a widget a person can use or read, and what it must tell a screen reader."""

from __future__ import annotations

from PyQt5.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QDialogButtonBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QTabBar,
    QTextBrowser,
    QWidget,
)

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QTextBrowser,
)


def controls(widget: QWidget) -> list[QWidget]:
    """What can be used or read in a widget, without the inner parts of Qt's own controls."""
    inner = (QComboBox, QAbstractSpinBox, QLineEdit, QAbstractItemView, QTabBar)
    return [
        control
        for control in widget.findChildren(QWidget)
        if isinstance(control, CONTROLS)
        and not isinstance(control.parentWidget(), inner)
        and not control.objectName().startswith("qt_")
        and not control.parentWidget().inherits("QComboBoxPrivateContainer")
    ]


def name_of(control: QWidget) -> str:
    words = control.text() if isinstance(control, QAbstractButton) else ""
    return control.accessibleName() or words


def needs_tip(control: QWidget) -> bool:
    """Lists and texts explain themselves, and so do OK, Cancel and Close."""
    if isinstance(control.parentWidget(), QDialogButtonBox):
        return False
    return isinstance(control, (QAbstractButton, QComboBox, QAbstractSpinBox))


def words_of(control: QAbstractButton) -> str:
    """What is written on a button, without the mark of its letter."""
    return control.text().replace("&", "")
