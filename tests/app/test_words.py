"""The window uses the words of docs/words.md, and none of the left column of its table."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"[a-z0-9_.\-]+")
"""Ids, keys and option values, which nobody reads."""
AFTER = re.compile(r"qaconv [a-z]+ .*")
"""Lines for a terminal keep their options."""
ENTRY = re.compile(r"^\| (?P<old>[^|]+) \| (?P<new>[^|]+) \|$", re.MULTILINE)
SPECIAL = {
    "adds (as the name of a number)": r"^adds$", "sim": r"^sim$", "beyond": r"\bbeyond\b",
    "gallery r4 c4": r"\b(query|gallery) r\d+ c\d+",
    "junk": r"(?<!\()\bjunk\b",
}  # fmt: skip


def table() -> list[str]:
    """Patterns of the words that the window does not use."""
    text = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
    part = text.split("## In the window")[1].split("\n## ")[0]
    rows = [row["old"] for row in ENTRY.finditer(part) if row["old"] not in ("not", "---")]
    words = [word.strip() for row in rows for word in row.split(",")]
    return [SPECIAL.get(word, rf"\b{re.escape(word)}\b") for word in words]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string of a module that is not a docstring or an id."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = {
        id(statement.value)
        for node in ast.walk(tree)
        for statement in (node.body if isinstance(getattr(node, "body", None), list) else ())
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) not in documented and not NAME.fullmatch(node.value):
            yield node.lineno, AFTER.sub("", node.value)


def test_the_table_is_read():
    assert len(table()) > 12
    assert any(re.search(pattern, "what any junk is", re.I) for pattern in table())
    assert not any(re.search(pattern, "own camera (junk) not counted", re.I) for pattern in table())


@pytest.mark.parametrize("package", ["state", "items", "views", "jobs"])
def test_the_window_uses_no_word_of_the_left_column(package):
    patterns = [re.compile(pattern, re.I) for pattern in table()]
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[:80]!r}"
        for path in sorted((ROOT / "app" / package).rglob("*.py"))
        for line, text in texts(path)
        if any(pattern.search(text) for pattern in patterns)
    ]
    assert not found, "\n".join(found)


def test_a_score_is_said_to_be_no_probability_in_few_places():
    said = [
        path.name
        for path in sorted((ROOT / "app").rglob("*.py"))
        for _, text in texts(path)
        if "not a probability" in text
    ]
    assert set(said) <= {"words.py", "help_dialog.py", "help_topics.py"}
