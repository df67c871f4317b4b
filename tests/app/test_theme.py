"""Themes can be read, are switched while the program runs, and icons follow them."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PyQt5.QtWidgets import (
    QApplication,
    QCheckBox,
    QRadioButton,
    QStyle,
    QStyleOptionButton,
    QToolButton,
)

from app.state.commands import COMMANDS
from app.views.explore import welcome
from app.views.widgets.icons import icon
from app.views.widgets.labels import ElidedLabel, Mark
from app.views.widgets.theme import Theme, contrast, is_dark, palette_of

TEXT_ON = (
    (QPalette.WindowText, QPalette.Window),
    (QPalette.Text, QPalette.Base),
    (QPalette.Text, QPalette.AlternateBase),
    (QPalette.ButtonText, QPalette.Button),
    (QPalette.ButtonText, QPalette.Window),
    (QPalette.ToolTipText, QPalette.ToolTipBase),
    (QPalette.HighlightedText, QPalette.Highlight),
    (QPalette.Link, QPalette.Base),
    (QPalette.Link, QPalette.Window),
    (QPalette.PlaceholderText, QPalette.Base),
)

LEAST_OUTLINE = {"light": 1.5, "dark": 3.0}


@pytest.fixture
def theme(qapp):
    made = Theme(qapp)
    yield made
    made.use("system")


def test_contrast_is_that_of_wcag():
    assert contrast(QColor("#000000"), QColor("#ffffff")) == pytest.approx(21.0)
    assert contrast(QColor("#777777"), QColor("#ffffff")) == pytest.approx(4.48, abs=0.01)
    assert contrast(QColor("red"), QColor("red")) == 1.0


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("pair", TEXT_ON)
def test_text_can_be_read(name, pair):
    palette = palette_of(name)
    text, ground = (palette.color(QPalette.Active, role) for role in pair)
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("pair", TEXT_ON[:7])
def test_text_that_is_not_available_can_be_read_too(name, pair):
    palette = palette_of(name)
    text, ground = (palette.color(QPalette.Disabled, role) for role in pair)
    assert contrast(text, ground) >= 3
    if pair[0] == QPalette.HighlightedText:
        assert contrast(text, palette.color(QPalette.Active, QPalette.Highlight)) >= 3


def test_themes_are_switched_at_once_and_back(qapp, qtbot, theme):
    before = qapp.palette().color(QPalette.Window)
    button = QToolButton()
    qtbot.addWidget(button)
    theme.use("dark")
    assert theme.dark
    assert is_dark(button.palette())
    theme.use("light")
    assert not theme.dark
    assert button.palette().color(QPalette.Window) == palette_of("light").color(QPalette.Window)
    theme.use("system")
    assert qapp.palette().color(QPalette.Window) == before


@pytest.mark.parametrize("name", ["system", "light", "dark"])
def test_a_quiet_label_is_seen(qapp, qtbot, theme, name):
    theme.use(name)
    label = ElidedLabel("As much in the bag")
    label.setForegroundRole(QPalette.PlaceholderText)
    qtbot.addWidget(label)
    label.resize(200, 30)
    picture = label.grab().toImage()
    ground = label.palette().color(QPalette.Window)
    pixels = (picture.pixelColor(x, y) for x in range(200) for y in range(30))
    assert max(contrast(pixel, ground) for pixel in pixels) > 3


@pytest.mark.parametrize("name", sorted({c.icon for c in COMMANDS if c.icon}))
def test_every_icon_of_the_table_is_in_the_set(qapp, name):
    assert not icon(name).isNull()


@pytest.mark.parametrize(
    "name",
    [*(c.name for c in welcome.CHOICES), "warning", "x", "copy", "info", "lightbulb", "folder"],
)
def test_icons_of_views_are_in_the_set(qapp, name):
    assert not icon(name).isNull()


def test_a_name_that_is_not_in_the_set_is_an_error(qapp):
    with pytest.raises(KeyError):
        icon("no-such-icon")
    assert icon("").isNull()


def darkest(picture) -> QColor:
    """The colour of the pixel that is covered most."""
    image = picture.toImage()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return max(pixels, key=lambda colour: colour.alpha())


@pytest.mark.parametrize("name", ["light", "dark"])
def test_an_icon_takes_the_palettes_colour_when_it_is_painted(qapp, theme, name):
    made_before = icon("check")
    theme.use(name)
    for mode, group in ((QIcon.Normal, QPalette.Active), (QIcon.Disabled, QPalette.Disabled)):
        colour = darkest(made_before.pixmap(QSize(32, 32), mode))
        assert colour.alpha() > 200
        wanted = qapp.palette().color(group, QPalette.ButtonText)
        assert abs(colour.lightness() - wanted.lightness()) < 12


def test_a_mark_is_painted_anew_in_another_theme(qtbot, theme):
    mark = Mark("warning", 32)
    mark.setAttribute(Qt.WA_DontShowOnScreen)
    qtbot.addWidget(mark)
    theme.use("light")
    light = mark.grab().toImage()
    theme.use("dark")
    dark = mark.grab().toImage()
    assert light.pixelColor(0, 0).lightness() > dark.pixelColor(0, 0).lightness()
    assert QApplication.palette().color(QPalette.Window) == dark.pixelColor(0, 0)


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
def test_what_is_not_ticked_can_be_seen(theme, qtbot, name, kind):
    theme.use(name)
    box = kind()
    qtbot.addWidget(box)
    picture = box.grab().toImage()
    ground = box.palette().color(QPalette.Window)
    colours = {picture.pixel(x, y) for x in range(picture.width()) for y in range(picture.height())}
    assert max(contrast(QColor(colour), ground) for colour in colours) >= LEAST_OUTLINE[name]


def test_outlines_leave_the_palette_of_the_option_alone(theme, qtbot):
    theme.use("dark")
    option = QStyleOptionButton()
    option.palette = palette_of("dark")
    picture = QPixmap(16, 16)
    painter = QPainter(picture)
    style = QApplication.style()
    style.drawPrimitive(QStyle.PE_IndicatorCheckBox, option, painter)
    painter.end()
    assert option.palette == palette_of("dark")
