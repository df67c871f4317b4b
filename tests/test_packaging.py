"""What an installation carries."""

from __future__ import annotations

import configparser
from pathlib import Path

import qaconv_core

ROOT = Path(__file__).parents[1]


def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_package_of_the_checkout_is_installed():
    listed = set(config()["options"]["packages"].split())
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("qaconv_core", "app")
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert listed == found | {"qaconv_resources"}


def test_torch_has_a_lower_bound_only():
    needs = config()["options"]["install_requires"].split()
    for name in ("torch", "torchvision"):
        (need,) = [n for n in needs if n.split(">")[0] == name]
        assert "<" not in need
        assert "==" not in need
    assert not [n for n in needs if n.startswith("opencv-python>")], "the build with a second Qt"


def test_version_stands_in_one_place():
    assert config()["metadata"]["version"] == "attr: qaconv_core.__version__"
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {qaconv_core.__version__}" in citation
    assert "ECCV" in citation
    assert "CVPR" in citation
