"""What the documents say of the code is so: paths, links, the way of a click."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "resources" / "README.md"]
)
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOTS = ("", "qaconv_core", "app", "tests")
PATH = re.compile(r"`([\w-]+(?:/[\w.-]+)*(?:/|\.py|\.md))`")
OLD_NAME = re.compile(r"^\| `[\w./]+`")
"""The first column of the tables in the page on names: what is there no more."""


def paths_in(text: str) -> set[str]:
    """Folders of the repository, and files of code and text, that are named as such."""
    lines = (OLD_NAME.sub("", line) for line in text.splitlines())
    tops = ("app/", "docs/", "qaconv_core/", "resources/", "tests/", "tools/")
    found = set(PATH.findall("\n".join(lines)))
    return {path for path in found if not path.endswith("/") or path.startswith(tops)}


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level, up to the next one."""
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_that_are_named_exist(document):
    for path in paths_in(document.read_text(encoding="utf-8")):
        assert any((ROOT / root / path).exists() for root in ROOTS), f"{document.name}: {path}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8")):
        assert target.startswith("http") or (document.parent / target).exists(), target


def test_a_path_that_is_gone_is_found():
    assert paths_in("see `app/jobs/no_such.py` and `app/nothing/`; `GallerySearch`") == {
        "app/jobs/no_such.py",
        "app/nothing/",
    }
    assert paths_in("| `app/old.py` | `app/main.py` |") == {"app/main.py"}


def test_the_way_of_a_click_leads_over_twelve_files():
    way = re.findall(r"^\d+\. `([\w/.]+)`", section(ARCHITECTURE, "From key to pixels"), re.M)
    assert len(way) == 12 == len(set(way))
    assert way[0] == "app/state/commands.py"
    assert way[-1] == "app/views/explore/match_picture.py"


def test_every_old_file_on_the_page_of_names_is_gone():
    text = (ROOT / "docs" / "adr" / "0012-names.md").read_text(encoding="utf-8")
    old = re.findall(r"^\| `([\w/.]+\.py)` \|", text, flags=re.MULTILINE)
    assert len(old) > 50
    assert [path for path in old if (ROOT / path).exists()] == []
