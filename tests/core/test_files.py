"""Pipes, sockets and devices are refused before they are opened, as input and as output."""

from __future__ import annotations

import os
import socket

import pytest

from qaconv_core.data import open_folder
from qaconv_core.errors import InputError, StoreError
from qaconv_core.evaluation.saved_scores import load_scores
from qaconv_core.files import check_input, check_output
from qaconv_core.models.checkpoints import load_checkpoint
from qaconv_core.store.runs import RunHistory

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")


@pytest.fixture
def odd(tmp_path):
    """Paths that are no ordinary files, and what they are."""
    pipe, place = tmp_path / "pipe", tmp_path / "s"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(tmp_path)  # a socket's path may not be long
        try:
            server.bind("s")
        finally:
            os.chdir(here)
        yield {pipe: "a pipe", place: "a socket", tmp_path: "a folder", "/dev/zero": "a device"}


def test_what_is_no_ordinary_file_is_named(odd):
    for path, kind in odd.items():
        with pytest.raises(InputError, match=f"is {kind}"):
            check_input(path)
        with pytest.raises(InputError, match=f"it is {kind}"):
            check_output(path)


def test_nothing_there(tmp_path):
    check_output(tmp_path / "new")
    with pytest.raises(InputError, match="no such table"):
        check_input(tmp_path / "new", "table")
    with pytest.raises(InputError, match="cannot be read"):
        check_input("a\0b")


def test_no_reader_waits_for_a_pipe(tmp_path):
    for name in ("c.pth.tar", "s.npz", "s.mat", "t.csv", "runs.sqlite"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="is a pipe"):
        load_checkpoint(tmp_path / "c.pth.tar")
    for name in ("s.npz", "s.mat"):
        with pytest.raises(InputError, match="is a pipe"):
            load_scores(tmp_path / name)
    with pytest.raises(InputError):
        open_folder(tmp_path / "t.csv")
    with pytest.raises(StoreError, match="is a pipe"):
        RunHistory(tmp_path / "runs.sqlite").list()
