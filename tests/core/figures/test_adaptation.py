"""The curves of an adaptation show every check, and which model was written."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest

from qaconv_core.figures.adaptation import rounds_figure, stages
from qaconv_core.figures.style import figure_bytes
from tests.core.adaptation.small import adaptation_result


def points(axes) -> dict[tuple[int, float], int]:
    """How often each point is drawn, without the line that marks a model."""
    drawn = [line.get_xydata() for line in axes.lines if line.get_marker() != "None"]
    found: dict[tuple[int, float], int] = {}
    for line in drawn:
        for x, y in line:
            found[int(x), float(y)] = found.get((int(x), float(y)), 0) + 1
    return found


@pytest.mark.parametrize(
    ("kept", "mirrored", "written"), [(2, None, 2), (1, True, 3), (0, None, 0)]
)
def test_every_check_is_a_point_and_the_written_model_is_marked(kept, mirrored, written):
    result = adaptation_result(kept, mirrored)
    figure = rounds_figure(result)
    worth, gain, maps = figure.axes
    count = len(result.checks)
    assert points(worth) == {(x, 0.5): 1 for x in range(count)}
    assert points(gain) == {(x, 0.25): 1 for x in range(count)}
    assert points(maps) == {(x, y): 1 for x in range(count) for y in (0.75, 0.125)}
    for axes in figure.axes:
        assert [text.get_text() for text in axes.get_xticklabels()] == stages(result)
        marks = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"]
        assert marks == [written]


def test_cameras_alone_and_mirrored_pictures_are_not_joined_to_the_rounds():
    result = adaptation_result(2, True)
    alone = replace(result.rounds[1], learned=0)
    result = replace(result, rounds=(result.rounds[0], alone))
    assert stages(result) == ["old", "1", "cameras\nalone", "mirrored\ntoo"]
    joined, beside = rounds_figure(result).axes[1].lines[:2]
    assert [joined.get_xdata().tolist(), beside.get_xdata().tolist()] == [[0, 1], [2, 3]]
    assert beside.get_linestyle() == "None"


def test_what_is_not_known_is_left_out():
    result = replace(adaptation_result(1, None), maps_before=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = rounds_figure(result)
        assert figure_bytes(figure, ".png", 50)
    assert {x for x, _ in points(figure.axes[2])} == {1, 2}
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["groups' worth"], "no person is known, so there is no mAP"
