"""The tiny body, unpacked once."""

from __future__ import annotations

import pytest

from qaconv_core.people.body import Assets, open_assets
from tests.core.people.tiny_body import write_tiny_assets


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return write_tiny_assets(tmp_path_factory.mktemp("people") / "assets")


@pytest.fixture(scope="session")
def assets(tiny_folder) -> Assets:
    return open_assets(tiny_folder)
