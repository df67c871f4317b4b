"""Small charts: the curves stay, the legend goes first, then titles and numbers of the axes."""

from __future__ import annotations

import warnings

import pytest
from matplotlib.figure import Figure
from PyQt5.QtWidgets import QApplication

from app.views.widgets.chart import LEAST, Chart


def many_curves() -> Figure:
    figure = Figure(layout="constrained")
    axes = figure.add_subplot()
    for number in range(6):
        axes.plot([0, 1], [0, number], label=f"QAConv + normalisation + TLift of run {number}")
    axes.set_xlabel("rank k")
    axes.set_ylabel("queries with a true match")
    figure.legend(loc="outside lower center", ncols=1)
    return figure


@pytest.fixture
def chart(qtbot):
    made = Chart("curves", "nothing")
    qtbot.addWidget(made)
    made.draw(many_curves)
    made.show()
    qtbot.waitExposed(made)
    return made


def seen(chart, width, height):
    """Legend, numbers of the axes, and the axes' size in pixels, in a chart of that size."""
    chart.setMinimumSize(0, 0)
    chart.resize(width, height)
    QApplication.processEvents()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "axes sizes collapsed to zero"
        chart.canvas.draw()
    figure = chart.canvas.figure
    axes = figure.axes[0]
    box = axes.get_window_extent()
    return bool(figure.legends), axes.xaxis.get_visible(), box.width, box.height


def test_what_has_no_room_goes_in_this_order_and_comes_back(chart):
    assert (chart.minimumWidth(), chart.minimumHeight()) == LEAST
    assert seen(chart, 640, 480)[:2] == (True, True)
    legend, numbers, width, height = seen(chart, *LEAST)
    assert (legend, numbers) == (False, True)
    assert width >= 140
    assert height >= 80
    legend, numbers, width, height = seen(chart, 120, 80)
    assert (legend, numbers) == (False, False)
    assert width >= 90
    assert height >= 50
    assert seen(chart, 640, 480)[:2] == (True, True)


def test_the_title_of_the_upright_axis_is_never_cut(chart):
    title = chart.canvas.figure.axes[0].yaxis.label
    shown = 0
    for height in range(480, LEAST[1] - 1, -20):
        seen(chart, 640, height)
        assert chart.canvas.figure.axes[0].yaxis.label is title
        if not title.get_visible():
            continue
        shown += 1
        box, whole = title.get_window_extent(), chart.canvas.figure.bbox
        assert whole.y0 <= box.y0, height
        assert box.y1 <= whole.y1, height
    assert shown > 8, "there is room for it in most"
    assert title.get_position()[1] == 1.0, "it begins at the top"
    seen(chart, 640, 480)
    assert title.get_position()[1] == 0.5, "in the middle again"
