"""A matplotlib figure in a widget: drawn by Agg, dressed by the palette, with a layer over it.

The layer is painted by Qt, so that a line can be dragged without drawing the figure again.
"""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.colors import same_color, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PyQt5.QtCore import QEvent, QPointF, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPalette, QResizeEvent, QShowEvent
from PyQt5.QtWidgets import QLabel, QStackedLayout, QWidget

from app.views.widgets.chart_room import ChartRoom
from app.views.widgets.theme import contrast
from qaconv_core.errors import QAConvError
from qaconv_core.figures.style import INK, drawing

LEAST_CONTRAST = 3.0
"""Of a curve with the ground it is drawn on, in the dark."""

LEAST = 240, 160
"""Pixels of a chart: curves with numbers beside and below them have room, a legend may not."""

MakeFigure = Callable[[], Figure] | None


class Chart(QWidget):
    """Shows what ``make`` draws; drawn when it can be seen, and again when the palette changes.

    ``make`` is None, or raises an error of the engine, where there is nothing to draw; the chart
    then shows ``empty`` or the error's sentence.
    """

    def __init__(self, name: str, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMinimumSize(*LEAST)
        self.empty = empty
        self._make: MakeFigure = None
        self._stale = True
        self.canvas: FigureCanvasQTAgg | None = None
        self._hint = QLabel(empty)
        self._hint.setAlignment(Qt.AlignCenter)
        self._hint.setWordWrap(True)
        self._hint.setMargin(24)
        self._layer = _Layer(self)
        self._stack = QStackedLayout(self)
        self._stack.setStackingMode(QStackedLayout.StackAll)
        self._stack.addWidget(self._hint)
        self._stack.addWidget(self._layer)
        self._stack.setCurrentWidget(self._layer)

    def draw(self, make: MakeFigure) -> None:
        """Show another figure, now or as soon as the chart can be seen."""
        self._make, self._stale = make, True
        if self.isVisible():
            self._redraw()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what was asked for while nobody could see it."""
        super().showEvent(event)
        if self._stale:
            self._redraw()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.PaletteChange and hasattr(self, "_layer"):
            self.draw(self._make)

    def _redraw(self) -> None:
        self._stale = False
        text, figure = self.empty, None
        try:
            figure = None if self._make is None else self._make()
        except QAConvError as error:
            text = f"{error}"
        if self.canvas is not None:
            self._stack.removeWidget(self.canvas)
            self.canvas.deleteLater()
            self.canvas = None
        self._hint.setText(text)
        self._hint.setVisible(figure is None)
        self.setAccessibleDescription(text if figure is None else "")
        if figure is not None:
            colour_figure(figure, self.palette())
            with drawing():
                self.canvas = _Canvas(figure)
            self._stack.addWidget(self.canvas)
        self._stack.setCurrentWidget(self._layer)
        self._layer.raise_()
        self._layer.update()

    def update_layer(self) -> None:
        """Paint the layer once more."""
        self._layer.update()

    def paint_layer(self, painter: QPainter) -> None:
        """Paint over the figure, in logical pixels of the chart; for subclasses."""

    def to_point(self, x: float, y: float) -> QPointF:
        """Where data of the first axes lie, in logical pixels of the chart."""
        assert self.canvas is not None
        right, up = self.canvas.figure.axes[0].transData.transform((x, y))
        ratio = self.canvas.device_pixel_ratio
        return QPointF(right / ratio, self.canvas.height() - up / ratio)

    def to_data(self, point: QPointF) -> tuple[float, float]:
        """Data of the first axes at a place in the chart."""
        assert self.canvas is not None
        ratio = self.canvas.device_pixel_ratio
        place = (point.x() * ratio, (self.canvas.height() - point.y()) * ratio)
        x, y = self.canvas.figure.axes[0].transData.inverted().transform(place)
        return float(x), float(y)


class _Canvas(FigureCanvasQTAgg):
    """The figure alone: mouse and keys are the chart's."""

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.NoFocus)
        self._room = ChartRoom(figure)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Without what has no room at this size."""
        super().resizeEvent(event)
        self._room.fit(self, self.device_pixel_ratio)

    def draw(self) -> None:
        """With the engine's settings of matplotlib, as in saved figures."""
        with drawing():
            super().draw()


class _Layer(QWidget):
    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._chart = chart
        self.setAttribute(Qt.WA_TransparentForMouseEvents)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._chart.canvas is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        self._chart.paint_layer(painter)
        painter.end()


def colour_figure(figure: Figure, palette: QPalette) -> None:
    """Give everything that is no data the palette's colours."""
    ground, text = palette.color(QPalette.Base), palette.color(QPalette.Text)
    ink, faint, rule = text.name(), _mixed(text, ground, 0.35), _mixed(text, ground, 0.82)
    figure.set_facecolor(ground.name())
    for axes in figure.axes:
        axes.set_facecolor(ground.name())
        for spine in axes.spines.values():
            spine.set_edgecolor(faint)
        axes.tick_params(colors=faint)
        for line in (*axes.get_xgridlines(), *axes.get_ygridlines()):
            line.set_color(rule)
        # The three titles of the axes are among its children.
        texts = (child for child in axes.get_children() if isinstance(child, Text))
        for words in (axes.xaxis.label, axes.yaxis.label, *texts):
            words.set_color(ink)
        for line in axes.lines:
            line.set_color(ink if same_color(line.get_color(), INK) else _seen(line, ground))
    for legend in (*figure.legends, *(a.legend_ for a in figure.axes if a.legend_)):
        for words in legend.get_texts():
            words.set_color(ink)
        for line in legend.get_lines():
            line.set_color(ink if same_color(line.get_color(), INK) else _seen(line, ground))


def _seen(line: Line2D, ground: QColor) -> str:
    """The line's colour, or a lighter one of its hue where it is lost on a dark ground."""
    colour = QColor(to_hex(line.get_color()))
    while is_dark_ground(ground) and contrast(colour, ground) < LEAST_CONTRAST:
        colour = QColor(_mixed(colour, QColor("white"), 0.1))
    return colour.name()


def is_dark_ground(ground: QColor) -> bool:
    """Whether colours have to be lighter than it to be seen."""
    return ground.lightness() < 128


def _mixed(first: QColor, second: QColor, share: float) -> str:
    """``share`` of the second colour in the first."""
    parts = zip(first.getRgb()[:3], second.getRgb()[:3], strict=True)
    return QColor(*(round(a + (b - a) * share) for a, b in parts)).name()
