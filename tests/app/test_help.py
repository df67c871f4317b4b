"""The help texts are whole, found by key, and say what must be said."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from app.state.commands import BY_ID
from app.state.insights import KINDS
from app.views.dialogs.help_dialog import TEXTS, HelpDialog, help_on, show_help
from app.views.dialogs.help_topics import OWN_KEYS, TOPICS
from qaconv_core.cli.parser import build_parser
from tests.app.real import press


def shown_text(dialog) -> str:
    return dialog.text.toPlainText()


@pytest.mark.parametrize("id", TEXTS)
def test_help_texts_are_shown_without_marks_of_html(qtbot, id):
    assert id in BY_ID
    assert BY_ID[id].title == TEXTS[id][0]
    dialog = show_help(id)
    dialog.setAttribute(Qt.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    text = shown_text(dialog)
    assert len(text) > 300
    assert "<" not in text
    assert "!" not in text
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert not dialog.isVisible()


def test_help_says_what_must_be_said(qapp):
    for id, parts in {
        "help.contribution": ("sum to", "not a probability", "not evidence"),
        "help.part": ("does not search for a thing", "evidence", "With several queries"),
        "help.what_if": ("not what a photograph", "from it alone"),
        "help.why": ("not which of the two is the person",),
        "help.crowd": ("not unusual in the world", "percentile"),
        "help.failures": ("margin", "clusters", "not by what"),
        "help.trust": ("control", "label maps", "not a probability"),
        "help.decisions": ("person's judgement", "undone", "CSV"),
        "help.adapt": ("one camera", "uniforms", "does not know who is who"),
        "help.gallery": ("Suggest pairs", "interval", "not of persons"),
        "help.scenes": ("16 × 32 pixels", "hidden by half"),
        "help.videos": ("Tracks by the mean", "Two tracks may be one person"),
        "help.words": ("junk", "mINP", "0.830 and 0.811", "sigmoid(logit / 10)"),
        "help.about": ("ECCV 2020", "CVPR 2022", "MIT", "CC0"),
    }.items():
        for part in parts:
            assert part in TEXTS[id][1], id


@pytest.mark.parametrize("topic", TOPICS.values(), ids=list(TOPICS))
def test_each_question_is_told_by_mouse_by_key_and_on_the_command_line(topic):
    assert topic.does
    assert topic.mouse
    assert topic.limits
    ids = [id for ids, _ in topic.keys for id in ids.split()]
    assert any(id in BY_ID and BY_ID[id].keys for id in ids)
    assert all(BY_ID[id].keys for id in ids if id not in OWN_KEYS)
    for id in ids:
        if id in BY_ID:
            assert BY_ID[id].keys[0] in topic.html


@pytest.mark.parametrize("line", [line for topic in TOPICS.values() for line in topic.lines])
def test_the_command_lines_that_help_names_are_understood(line):
    program, *words = line.split()
    assert program == "qaconv"
    arguments = build_parser().parse_args(words)
    assert isinstance(arguments, argparse.Namespace)
    assert callable(arguments.run)


def test_every_text_is_reached_by_arrows(qtbot):
    dialog = HelpDialog("help.contribution")
    qtbot.addWidget(dialog)
    dialog.show()
    titles = [dialog.windowTitle()]
    for _ in range(len(TEXTS) - 1):
        QTest.keyClick(dialog.topics, Qt.Key_Down)
        titles.append(dialog.windowTitle())
    assert titles == [title for title, _text in TEXTS.values()]
    assert "ECCV 2020" in shown_text(dialog)


def test_help_is_on_what_is_shown(space):
    assert help_on(space, "evaluate") == "help.words"
    assert help_on(space, "gallery") == "help.gallery"
    assert [help_on(space, kind) for kind in KINDS] == ["help.failures", "help.trust"]
    assert help_on(space, "explore") == "help.crowd"
    space.change_look(mode="hover")
    assert help_on(space, "explore") == "help.contribution"
    space.change_look(mode="compare")
    assert help_on(space, "explore") == "help.why"
    space.parts.choose_tool("lasso")
    assert help_on(space, "explore") == "help.part"
    space.parts.choose_tool("hide")
    assert help_on(space, "explore") == "help.what_if"
    space.parts.clear()
    mask = np.zeros(space.pair.match.grid, dtype=bool)
    mask[0] = True
    space.parts.choose_tool("box")
    space.parts.draw(mask)
    space.parts.choose_tool("box")
    assert help_on(space, "explore") == "help.part"


def test_shift_f1_opens_it_and_another_text_comes_into_the_same_window(qtbot, make_window):
    window = make_window()
    window.pages.choose("trust")
    press(window, Qt.Key_F1, modifiers=Qt.ShiftModifier)
    dialogs = window.findChildren(HelpDialog)
    assert [dialog.windowTitle() for dialog in dialogs] == [TOPICS["help.trust"].title]
    window.commands.by_id["help.why"].trigger()
    assert window.findChildren(HelpDialog) == dialogs
    assert dialogs[0].windowTitle() == TOPICS["help.why"].title
    assert "difference of the logits" in shown_text(dialogs[0])


def test_a_closed_help_dialog_is_gone(qtbot):
    dialog = show_help("help.words")
    with qtbot.waitSignal(dialog.destroyed):
        dialog.close()
    assert not [w for w in QApplication.topLevelWidgets() if w.isVisible()]
