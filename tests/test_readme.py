"""What the README points at is there: pictures, pages, commands, files."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from qaconv_core.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURES = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", README)
LINKS = re.findall(r"(?<!!)\[[^\]]*\]\(([^)#]+)\)", README)
LARGEST = 400_000
COMMANDS = {
    name
    for action in build_parser()._actions
    if isinstance(action, argparse._SubParsersAction)
    for name in action.choices
}


def test_pictures_are_there_with_words_for_those_who_cannot_see_them():
    assert PICTURES
    for words, target in PICTURES:
        assert len(words.split()) > 3, target
        path = ROOT / target
        assert path.is_file(), target
        assert path.stat().st_size <= LARGEST, target


def test_the_window_comes_first():
    assert PICTURES[0][1].startswith("docs/images/window/")
    assert README.index("docs/images/window/") < README.index("## The two commands")


@pytest.mark.parametrize("target", LINKS)
def test_links_lead_to_files(target):
    assert target.startswith("http") or (ROOT / target).exists()


def test_headings_that_are_linked_are_there():
    for anchor in re.findall(r"\]\(#([\w-]+)\)", README):
        headings = re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)
        assert anchor in [heading.lower().replace(" ", "-") for heading in headings]


def test_every_command_is_in_the_table_and_no_other():
    listed = re.findall(r"^\| `qaconv (\w+)` \|", README, flags=re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_commands_and_scripts_that_are_written_out_exist():
    for name in re.findall(r"`qaconv ([a-z]+)", README):
        assert name in COMMANDS
    for script in re.findall(r"python ((?:\w+/)?\w+\.py)", README):
        assert (ROOT / script).is_file(), script
