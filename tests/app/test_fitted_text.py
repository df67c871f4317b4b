"""Lines of words lose whole parts before letters."""

from __future__ import annotations

import pytest
from PyQt5.QtGui import QFont, QFontMetrics

from app.items.colour_bar import ColourBar
from app.items.fitted_text import fitted
from app.state.overlay import Scale
from app.views.widgets.labels import ElidedLabel


@pytest.fixture
def metrics(qapp):
    return QFontMetrics(QFont())


FORMS = (
    "person 168 · camera 5 · 17:22",
    "person 168 · c5 · 17:22",
    "168 · c5 · 17:22",
    "168 · c5",
    "168",
)


@pytest.mark.parametrize("shown", FORMS)
def test_the_longest_form_that_has_room_is_shown(metrics, shown):
    assert fitted(FORMS[0], metrics, metrics.horizontalAdvance(shown)) == shown


def test_nothing_is_wider_than_its_room(metrics):
    for width in range(20, 400, 7):
        for text in (*FORMS, "IMG 0123456789", "AP 0.812 · ✓ 1,203", "logit −4.73 · score 0.384"):
            short = fitted(text, metrics, width)
            assert metrics.horizontalAdvance(short) <= width
            assert " · " not in short or "…" not in short


@pytest.mark.parametrize("number", ["+31.70", "−4.73"])
def test_a_number_loses_its_name_but_no_sign_and_no_digit(metrics, number):
    text = f"logit {number} · score 0.960"
    forms = (text, f"logit {number}", number, "…")
    shown = {fitted(text, metrics, width) for width in range(20, 400)}
    assert shown == set(forms)


def test_a_number_before_its_name_stays_whole(metrics):
    shown = {fitted("+3.10 above strangers", metrics, width) for width in range(20, 400)}
    assert shown == {"+3.10 above strangers", "+3.10", "…"}


def test_a_word_alone_loses_its_middle(metrics):
    short = fitted("IMG_0001_2026_edited", metrics, metrics.horizontalAdvance("IMG_00…edited"))
    assert short.startswith("IMG")
    assert short.endswith("ed")


def test_a_camera_with_a_name_loses_the_word_before_it(metrics):
    text, short = "Person not known · camera gate 2 · 17:22", "Person not known · gate 2 · 17:22"
    assert fitted(text, metrics, metrics.horizontalAdvance(short)) == short


@pytest.mark.parametrize("high", [0.5, 100.8, 12_345.6])
def test_the_number_at_the_end_of_the_colours_has_room(qtbot, high):
    bar = ColourBar()
    qtbot.addWidget(bar)
    bar.show_scale(Scale("hiding", -high, high))
    bar.resize(bar.sizeHint())
    whole = bar.grab().toImage()
    bar.resize(bar.width() + 200, bar.height())
    wider = bar.grab().toImage().copy(200, 0, whole.width(), whole.height())
    assert whole == wider, "nothing more is painted where there is more room"
    ends = [bar.fontMetrics().horizontalAdvance(end) for end in bar.ends]
    assert bar.sizeHint().width() > sum(ends) + 88


def test_a_line_loses_its_last_part_before_a_letter(qtbot):
    line, first = ElidedLabel("Mostly the bag (62 %) · 12 of 72 matches shown"), ElidedLabel()
    first.setText("Mostly the bag (62 %)")
    for label in (line, first):
        qtbot.addWidget(label)
    for spare, same in ((4, True), (400, False)):
        for label in (line, first):
            label.resize(first.fontMetrics().horizontalAdvance(first.text()) + spare, 20)
        assert (line.grab().toImage() == first.grab().toImage()) is same
