"""Line icons that follow the palette: drawn anew in its colours each time they are shown.

The glyphs are Phosphor's, out of the qtawesome package. An icon that was made in the light theme is
right in the dark one too: its colour is looked up when it is painted.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path

from PyQt5.QtCore import QPoint, QRect, QSize, Qt
from PyQt5.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QIcon,
    QIconEngine,
    QPainter,
    QPalette,
    QPixmap,
)
from PyQt5.QtWidgets import QApplication

# Below this share of the box the glyphs' own margins make them look lost, above it they are cut.
_SHARE = 0.95

MOST_DRAWN = 16
"""Pixmaps of an icon that are kept: sizes, states, themes."""
_known: dict[str, QIcon] = {}


def icon(name: str) -> QIcon:
    """The icon of that Phosphor name (``folder-open``); a null icon for an empty name.

    Raises :class:`KeyError` for a name that the set does not have.
    """
    if not name:
        return QIcon()
    if name not in _known:
        _known[name] = QIcon(_Glyph(glyph_of(name)))
    return _known[name]


def glyph_of(name: str) -> str:
    """The character that draws an icon. Raises :class:`KeyError`."""
    return chr(int(_code_points()[name], 16))


@cache
def _code_points() -> dict[str, str]:
    """The hexadecimal number of each name's character."""
    text = _font_file("phosphor-charmap*.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _family() -> str:
    """The font of the glyphs, which Qt knows from the first call on."""
    number = QFontDatabase.addApplicationFont(str(_font_file("phosphor*.ttf")))
    return QFontDatabase.applicationFontFamilies(number)[0]


def _font_file(pattern: str) -> Path:
    """A file of the qtawesome package, found without importing it: that loads all of its fonts."""
    found = importlib.util.find_spec("qtawesome")
    assert found is not None  # the program requires it
    assert found.origin is not None
    return next((Path(found.origin).parent / "fonts").glob(pattern))


def colour_of(palette: QPalette, mode: int) -> QColor:
    """What an icon is drawn in: as the text beside it, in each of the four modes."""
    if mode == QIcon.Disabled:
        return palette.color(QPalette.Disabled, QPalette.ButtonText)
    if mode == QIcon.Selected:
        return palette.color(QPalette.Active, QPalette.HighlightedText)
    return palette.color(QPalette.Active, QPalette.ButtonText)


class PaintedIcon(QIconEngine):
    """An icon that its ``paint`` draws anew for every size and palette; drawn once, it is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn: dict[tuple[int, ...], QPixmap] = {}

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        colours = QApplication.palette().cacheKey()
        key = size.width(), size.height(), int(mode), int(state), colours
        if key not in self._drawn:
            if len(self._drawn) >= MOST_DRAWN:
                self._drawn.clear()
            self._drawn[key] = self._draw(size, mode, state)
        return self._drawn[key]

    def _draw(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap


class _Glyph(PaintedIcon):
    """Paints one character of the icon font into whatever box it is given."""

    def __init__(self, glyph: str) -> None:
        super().__init__()
        self._glyph = glyph

    def clone(self) -> QIconEngine:
        return _Glyph(self._glyph)

    def paint(self, painter: QPainter, rect: QRect, mode: int, state: int) -> None:
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(colour_of(QApplication.palette(), mode))
        font = QFont(_family())
        font.setPixelSize(max(1, round(min(rect.width(), rect.height()) * _SHARE)))
        painter.setFont(font)
        painter.drawText(rect, int(Qt.AlignCenter), self._glyph)
        painter.restore()
