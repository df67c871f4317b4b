"""Lines of words lose whole parts before letters."""

from __future__ import annotations

import pytest
from PyQt5.QtGui import QFont, QFontMetrics

from app.items.fitted_text import fitted


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
