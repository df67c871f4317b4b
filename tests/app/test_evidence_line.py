"""How the pair's evidence stands among the set's pairs: the line beside the breakdown."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from app.state import evidence_words as words
from app.state.zones import zone_sums
from app.views.explore.evidence_line import EvidenceLine
from qaconv_core.explaining.evidence import SetEvidence, share_text
from qaconv_core.explaining.zones import ZONES, leading_zones
from tests.app.real import WAIT, settled
from tests.app.samples import above_average, sample_pair


@pytest.fixture
def line(qtbot, space):
    """The line beside a pair of which contributions above average are known."""
    space.set_pair(above_average(sample_pair()))
    made = EvidenceLine(space)
    qtbot.addWidget(made)
    made.resize(300, 60)
    made.show()
    return made


def evidence_around(space, above: int, below: int) -> SetEvidence:
    """True pairs with twice and with none of the shown pair's evidence; no false pair has any."""
    pair = space.shown_pair
    sums = zone_sums(pair, space.zones_of(pair), "relative")
    true = np.stack([2 * np.abs(sums)] * above + [-np.abs(sums)] * below)
    return SetEvidence(true.astype(np.float32), -true[:1].astype(np.float32), 4, 9)


def test_it_says_the_shares_in_the_leading_zones(space, line):
    assert not line.bars.isVisible()
    assert line.start.isVisible()
    space.set_evidence(None, running=True)
    assert line.title.text() == words.COMPARING
    assert not line.start.isVisible()
    space.set_evidence(evidence_around(space, 3, 1))
    pair = space.shown_pair
    leading = leading_zones(zone_sums(pair, space.zones_of(pair), "relative"))
    assert line.title.text() == f"As much in {', '.join(ZONES[zone] for zone in leading)}"
    assert [share for _name, share in line.bars.shares] == [0.75, 0.0]
    assert "4 true and 1 false pairs of 4 queries" in line.toolTip()
    assert "It says nothing of how likely" in line.toolTip()


def test_it_is_hidden_where_nothing_can_be_compared(space, line):
    space.set_evidence(evidence_around(space, 1, 1))
    assert line.isVisible()
    space.set_pair(sample_pair(0, 3))  # its average is not known yet
    assert line.isHidden()
    space.set_pair(above_average(sample_pair(0, 3)))
    assert line.isVisible()


def test_a_click_measures_the_set_and_the_line_follows(qtbot, window):
    space, line = window.workspace, window.explore.details.evidence
    settled(qtbot, window)
    qtbot.waitUntil(lambda: space.pair.relative is not None, timeout=WAIT)
    QTest.mouseClick(line.start, Qt.LeftButton)
    qtbot.waitUntil(lambda: space.evidence is not None, timeout=WAIT)
    assert space.evidence.queries == 5
    assert words.standing_of(space) is not None
    assert line.bars.isVisibleTo(line)
    before = line.bars.shares
    QTest.keyClick(window, Qt.Key_Right)
    settled(qtbot, window)
    qtbot.waitUntil(lambda: space.pair.relative is not None, timeout=WAIT)
    assert line.bars.shares != before or line.isHidden()


def test_cancelling_leaves_the_button(qtbot, window):
    space, line = window.workspace, window.explore.details.evidence
    qtbot.waitUntil(lambda: space.pair.relative is not None, timeout=WAIT)
    window.commands.run("evaluate.evidence")
    (job,) = [job for job in window.runner.jobs if "evidence" in job.title]
    job.cancel()
    qtbot.waitUntil(lambda: not space.evidence_running, timeout=WAIT)
    assert space.evidence is None
    assert line.start.isVisibleTo(line)


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.0, "0 %"), (0.004, "< 1 %"), (0.126, "13 %"), (1.0, "100 %")],
)
def test_shares_are_whole_percents(share, text):
    assert share_text(share) == text
