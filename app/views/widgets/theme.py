"""Light, dark, or as the system is: palettes, switched while the program runs.

Everything that is drawn asks the palette, so a change of theme is a change of palette and no
restart. Data colours are not part of a theme.
"""

from __future__ import annotations

import sys
from typing import Any, TypeVar

from PyQt5 import sip
from PyQt5.QtCore import QCoreApplication, QRect, QSettings, Qt
from PyQt5.QtGui import QColor, QPainter, QPalette
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QProxyStyle,
    QStyle,
    QStyleOption,
    QStyleOptionToolButton,
    QStyleOptionViewItem,
    QTableView,
    QTreeView,
    QWidget,
)

from app.items.selection import draw_focus, draw_ground

ACCENT = {"light": "#3b57c4", "dark": "#4a67d6"}
"""The one accent colour: selections, the default button, progress."""

_LIGHT = {
    QPalette.Window: "#f4f4f6",
    QPalette.WindowText: "#1d1d1f",
    QPalette.Base: "#ffffff",
    QPalette.AlternateBase: "#f7f7f9",
    QPalette.Text: "#1d1d1f",
    QPalette.PlaceholderText: "#6b6b70",
    QPalette.Button: "#ececef",
    QPalette.ButtonText: "#1d1d1f",
    QPalette.BrightText: "#ffffff",
    QPalette.ToolTipBase: "#ffffff",
    QPalette.ToolTipText: "#1d1d1f",
    QPalette.Light: "#ffffff",
    QPalette.Midlight: "#e2e2e6",
    QPalette.Mid: "#c4c4ca",
    QPalette.Dark: "#9a9aa2",
    QPalette.Shadow: "#6b6b70",
    QPalette.Highlight: ACCENT["light"],
    QPalette.HighlightedText: "#ffffff",
    QPalette.Link: "#2f4bb8",
    QPalette.LinkVisited: "#6b3fa0",
}
_DARK = {
    QPalette.Window: "#202124",
    QPalette.WindowText: "#e8e8ea",
    QPalette.Base: "#17181a",
    QPalette.AlternateBase: "#1d1e21",
    QPalette.Text: "#e8e8ea",
    QPalette.PlaceholderText: "#97979d",
    QPalette.Button: "#2e2f33",
    QPalette.ButtonText: "#e8e8ea",
    QPalette.BrightText: "#ffffff",
    QPalette.ToolTipBase: "#2e2f33",
    QPalette.ToolTipText: "#e8e8ea",
    QPalette.Light: "#44464b",
    QPalette.Midlight: "#37393d",
    QPalette.Mid: "#4a4c52",
    QPalette.Dark: "#101113",
    QPalette.Shadow: "#000000",
    QPalette.Highlight: ACCENT["dark"],
    QPalette.HighlightedText: "#ffffff",
    QPalette.Link: "#93a8ff",
    QPalette.LinkVisited: "#c3a0f0",
}
_FAINT = {"light": "#7e7e85", "dark": "#8b8b92"}
_FAINT_HIGHLIGHT = {"light": "#6b7390", "dark": "#44464b"}
_FAINT_HIGHLIGHTED = {"light": "#f0f1f6", "dark": "#d0d0d4"}
"""Read on the accent colour as well: lists draw a chosen row that is not available so."""


def palette_of(theme: str) -> QPalette:
    """Our ``light`` or ``dark`` palette."""
    palette = QPalette()
    for role, colour in (_DARK if theme == "dark" else _LIGHT).items():
        palette.setColor(QPalette.All, role, QColor(colour))
    for role in (QPalette.WindowText, QPalette.Text, QPalette.ButtonText):
        palette.setColor(QPalette.Disabled, role, QColor(_FAINT[theme]))
    palette.setColor(QPalette.Disabled, QPalette.Highlight, QColor(_FAINT_HIGHLIGHT[theme]))
    palette.setColor(QPalette.Disabled, QPalette.HighlightedText, QColor(_FAINT_HIGHLIGHTED[theme]))
    return palette


class OutlinedStyle(QProxyStyle):
    """Fusion, with boxes and circles to tick that can be seen on a dark ground too, and with rows
    of lists and tables that are outlined where they are chosen, as tiles are. Buttons and framed
    areas that Tab has reached are outlined too.

    Fusion takes the outline of boxes from the window's colour, made darker, which is next to black
    on a dark one.
    """

    _TICKED = (
        QStyle.PE_IndicatorCheckBox,
        QStyle.PE_IndicatorRadioButton,
        QStyle.PE_IndicatorViewItemCheck,
    )
    _ROWS = (QStyle.PE_PanelItemViewItem, QStyle.PE_PanelItemViewRow)

    def __init__(self) -> None:
        super().__init__("Fusion")
        self.setObjectName("fusion")

    def drawPrimitive(
        self,
        element: QStyle.PrimitiveElement,
        option: QStyleOption | None,
        painter: QPainter | None,
        widget: QWidget | None = None,
    ) -> None:
        """As Fusion does; for what can be ticked, under a lighter window's colour. Rows that are
        chosen are outlined."""
        row = _chosen_row(option) if element in self._ROWS else None
        if row is not None:
            if element == QStyle.PE_PanelItemViewItem:
                _outline_row(painter, row, widget)
            option = _not_chosen(row)
        if option is None or element not in self._TICKED or not is_dark(option.palette):
            super().drawPrimitive(element, option, painter, widget)  # type: ignore[arg-type]  # stub: None is allowed
            return
        before = QPalette(option.palette)
        lighter = QPalette(before)
        lighter.setColor(QPalette.Window, before.color(QPalette.WindowText))
        option.palette = lighter
        super().drawPrimitive(element, option, painter, widget)  # type: ignore[arg-type]  # stub: None is allowed
        option.palette = before

    def drawControl(
        self,
        element: QStyle.ControlElement,
        option: QStyleOption | None,
        painter: QPainter | None,
        widget: QWidget | None = None,
    ) -> None:
        """As Fusion does; words and icon of a chosen row are those of any other, in its outline."""
        row = _chosen_row(option) if element == QStyle.CE_ItemViewItem else None
        if row is not None:
            _outline_row(painter, row, widget)
            option = _not_chosen(row)
        super().drawControl(element, self.placed(element, option), painter, widget)  # type: ignore[arg-type]  # stub: None is allowed
        if option is not None and element in FOCUS_OUTLINES and _reached_by_tab(option):
            assert painter is not None
            painter.save()
            draw_focus(painter, option.rect, option.palette, FOCUS_OUTLINES[element])
            painter.restore()

    def placed(
        self, element: QStyle.ControlElement, option: QStyleOption | None
    ) -> QStyleOption | None:
        """The option that a control is drawn by: a style that moves something changes its place.

        Icon and words of a button stand in its middle; Fusion leaves the room of two spaces behind
        them.
        """
        if element != QStyle.CE_ToolButtonLabel or option is None:
            return option
        button = QStyleOptionToolButton(typed(option, QStyleOptionToolButton))
        if button.toolButtonStyle == Qt.ToolButtonTextBesideIcon:
            spaces = button.fontMetrics.horizontalAdvance("  ")
            button.rect = button.rect.adjusted(spaces // 2, 0, 0, 0)
        return button


FOCUS_OUTLINES = {QStyle.CE_PushButton: 2, QStyle.CE_ShapedFrame: 1}
"""Pixels of the outline of what has the focus. Fusion shows none on a flat button, on the default
button of a dialog, and on the frame of a list or a text."""


def _reached_by_tab(option: QStyleOption) -> bool:
    """Whether something has the focus, and the keys were used to move it."""
    wanted = QStyle.State_HasFocus | QStyle.State_KeyboardFocusChange
    return option.state & wanted == wanted


_Option = TypeVar("_Option", bound=QStyleOption)


def typed(option: QStyleOption, kind: type[_Option]) -> _Option:
    """The option as what it is. PyQt keeps the wrapper of an option whose palette or place was
    read until the next collection, and takes it for any other that lies at that address by then.
    """
    if isinstance(option, kind):
        return option
    untyped: Any = sip  # the stubs do not say that addresses are numbers
    found: _Option = untyped.wrapinstance(untyped.unwrapinstance(option), kind)
    return found


def _chosen_row(option: QStyleOption | None) -> QStyleOptionViewItem | None:
    """The option of a row that is chosen."""
    chosen = option is not None and option.state & QStyle.State_Selected
    return typed(option, QStyleOptionViewItem) if option is not None and chosen else None


def _not_chosen(option: QStyleOptionViewItem) -> QStyleOptionViewItem:
    """The same without a ground of its own, and without a frame where it has the keys."""
    plain = QStyleOptionViewItem(option)
    plain.state &= ~(QStyle.State_Selected | QStyle.State_HasFocus)
    return plain


def _chooses_rows(view: QAbstractItemView) -> bool:
    return view.selectionBehavior() == QAbstractItemView.SelectRows


def _outline_row(
    painter: QPainter | None, option: QStyleOptionViewItem, widget: QWidget | None
) -> None:
    """The part of the outline that lies in the option's cell: that of a table or tree goes
    around all columns."""
    assert painter is not None
    room = QRect(option.rect)
    if isinstance(widget, (QTableView, QTreeView)) and _chooses_rows(widget):
        tree = isinstance(widget, QTreeView)
        header = widget.header() if isinstance(widget, QTreeView) else widget.horizontalHeader()
        first = widget.visualRect(option.index.siblingAtColumn(0)) if tree else QRect()
        room.setLeft(first.left() if tree else -header.offset())
        room.setRight(min(header.length() - header.offset(), widget.viewport().width()) - 1)
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setClipRect(option.rect, Qt.IntersectClip)
    draw_ground(painter, option, room=room)
    painter.restore()


class Theme:
    """Switches the theme of the program; made once, after the QApplication.

    ``system`` is what the platform says: its own style and palette. Where it says "dark" by other
    means than its palette (as Windows does), ours is taken.
    """

    def __init__(self, application: QApplication) -> None:
        self._application = application
        self._style = application.style().objectName()
        self.name = "system"

    def use(self, name: str) -> None:
        """``system``, ``light`` or ``dark``, at once."""
        self.name = name
        if name == "system":
            self._set_style(self._style)
            self._application.setPalette(QPalette())  # an empty one stands for the platform's
            if self.dark or not _windows_is_dark():
                self._application.setPalette(_with_placeholder(self.dark))
                return
            name = "dark"
        self._set_style("fusion")
        self._application.setPalette(palette_of(name))

    def _set_style(self, name: str) -> None:
        """A style by its name; Fusion is ours."""
        self._application.setStyle(OutlinedStyle() if name.lower() == "fusion" else name)

    @property
    def dark(self) -> bool:
        """Whether what is shown now is dark."""
        return is_dark(self._application.palette())


def _with_placeholder(dark: bool) -> QPalette:
    """The platform's palette with our colour of quiet texts. Qt gives the platform's a brush that
    paints nothing: labels in that role would be invisible."""
    palette, colours = QPalette(), _DARK if dark else _LIGHT
    palette.setColor(QPalette.PlaceholderText, QColor(colours[QPalette.PlaceholderText]))
    return palette


def is_dark(palette: QPalette) -> bool:
    """Whether text is lighter than what it stands on."""
    return (
        palette.color(QPalette.WindowText).lightness() > palette.color(QPalette.Window).lightness()
    )


def _windows_is_dark() -> bool:
    """Windows tells programs of Qt 5's time of its dark mode in the registry only."""
    if sys.platform != "win32":
        return False
    key = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
    return QSettings(key, QSettings.NativeFormat).value("AppsUseLightTheme", 1) in (0, "0")


def prepare_high_dpi() -> None:
    """To be called before the QApplication is made: sharp at every scale.

    Windows names the scale that a person chose, 125 % and 150 % too. X11 derives one from the
    screen's size in millimetres; a factor of 1.04 would only blur, and fonts follow it anyway.
    """
    policy = Qt.HighDpiScaleFactorRoundingPolicy
    QCoreApplication.setAttribute(Qt.AA_EnableHighDpiScaling)
    QCoreApplication.setAttribute(Qt.AA_UseHighDpiPixmaps)
    QApplication.setHighDpiScaleFactorRoundingPolicy(
        policy.PassThrough if sys.platform == "win32" else policy.Round
    )


def contrast(first: QColor, second: QColor) -> float:
    """Contrast of two colours after WCAG 2, from 1 (equal) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: QColor) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
