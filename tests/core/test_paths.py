"""Paths as people type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaconv_core.data import open_folder
from qaconv_core.errors import DatasetError
from qaconv_core.paths import typed_path


def test_the_home_folder_is_meant_by_its_sign(monkeypatch):
    monkeypatch.setenv("HOME", "/home/of/somebody")
    monkeypatch.setenv("USERPROFILE", "/home/of/somebody")
    assert typed_path("~/cameras") == Path("/home/of/somebody/cameras")
    assert typed_path(Path("~")) == Path("/home/of/somebody")
    assert typed_path("a ~ b /c.jpg ") == Path("a ~ b /c.jpg ")


def test_a_home_folder_of_nobody_is_a_name_like_any_other():
    assert typed_path("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")
    with pytest.raises(DatasetError, match="~nobody-of-that-name"):
        open_folder("~nobody-of-that-name")
