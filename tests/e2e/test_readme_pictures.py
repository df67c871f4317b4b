"""README's "Your own pictures in five minutes", command by command, from a clean folder."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from qaconv_core.data.resources import resource_path
from qaconv_core.store.folders import data_dir

README = Path(__file__).parents[2] / "README.md"
SECTION = re.compile(r"### Your own pictures in five minutes\n(.*?)\n### ", re.DOTALL)
COMMANDS = [
    line.strip()
    for line in SECTION.search(README.read_text(encoding="utf-8"))[1].splitlines()
    if line.startswith("    qaconv ")
]


@pytest.fixture
def shop(tmp_path):
    """The folder that README speaks of: crops by camera, of people of the demo."""
    people: dict[str, list[Path]] = {}
    for path in sorted(resource_path("demo", "bounding_box_test").glob("*.jpg")):
        people.setdefault(path.name[:4], []).append(path)
    several = [paths for pid, paths in people.items() if pid > "0000" and len(paths) >= 3]
    names = re.findall(r"(?:entrance|yard)/frame_\d+_\d+\.jpg", "\n".join(COMMANDS))
    ann, bob = several[:2]
    of = dict(zip(dict.fromkeys(names), [*ann[:3], *bob[:2]], strict=True))
    for place, paths in enumerate(several[2:6]):
        of |= {f"{'yard' if i % 2 else 'entrance'}/frame_00900{place}_{i}.jpg": p
               for i, p in enumerate(paths[:3])}  # fmt: skip
    for name, path in of.items():
        (tmp_path / "shop" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "shop" / name)
    return tmp_path / "shop"


def test_every_command_does_what_readme_says(qaconv, shop, tmp_path):
    said = {}
    for command in COMMANDS:
        program, *words = shlex.split(command, comments=True)
        assert program == "qaconv"
        said[" ".join(words[:1])] = qaconv(*words)
        if words[0] == "import" and "--pattern" not in words:
            assert "outermost folders (2: entrance, yard) are cameras" in said["import"].out
            assert (shop / "qaconv.toml").is_file()
    assert (tmp_path / "found.html").stat().st_size > 10_000
    rows = (tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()
    assert sum(",Ann," in row for row in rows) == 3
    assert "mAP" in said["evaluate"].out
    assert "by labels: " in said["rank"].out
    assert list(said)[-1] == "forget"
    kept = [path for path in data_dir().rglob("*") if path.is_file()]
    assert not [path for path in kept if b"shop" in path.read_bytes()]
    assert len(list(shop.rglob("*.jpg"))) == 5 + 12
