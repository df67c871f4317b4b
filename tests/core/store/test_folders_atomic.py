"""The program's own folders, and files that are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from qaconv_core.errors import InputError, StoreError
from qaconv_core.store import atomic, folders


@pytest.mark.parametrize(
    ("function", "variable"),
    [(folders.cache_dir, "QACONV_CACHE_DIR"), (folders.data_dir, "QACONV_DATA_DIR")],
)
class TestFolders:
    def test_variable_moves_and_creates_it(self, function, variable, tmp_path, monkeypatch):
        monkeypatch.setenv(variable, str(tmp_path / "größe" / "a b"))
        assert function() == tmp_path / "größe" / "a b"
        assert function().is_dir()
        assert list(function().iterdir()) == []

    def test_default_is_per_user(self, function, variable, tmp_path, monkeypatch):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.setattr(
            folders.platformdirs, "user_cache_dir", lambda app, appauthor: str(tmp_path / app)
        )
        monkeypatch.setattr(
            folders.platformdirs, "user_data_dir", lambda app, appauthor: str(tmp_path / app)
        )
        assert function() == tmp_path / "qaconv-explorer"

    def test_unusable_one_names_folder_and_way_out(self, function, variable, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv(variable, str(tmp_path / "file" / "below"))
        with pytest.raises(StoreError, match=variable) as caught:
            function()
        assert str(tmp_path / "file" / "below") in str(caught.value)
        assert "\n" not in str(caught.value)


class TestAtomicWrite:
    def test_creates_and_replaces(self, tmp_path):
        path = tmp_path / "ü.json"
        atomic.atomic_write_text(path, "eins\n")
        atomic.atomic_write_bytes(path, b"zwei\r\n")
        assert path.read_bytes() == b"zwei\r\n"
        assert os.listdir(tmp_path) == ["ü.json"]

    @pytest.mark.parametrize("failing", ["fsync", "replace"])
    def test_failure_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch, failing):
        path = tmp_path / "report.json"
        path.write_text("old")

        def fail(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(atomic.os, failing, fail)
        with pytest.raises(InputError, match=r"report\.json.*No space left"):
            atomic.atomic_write_text(path, "new")
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["report.json"]

    def test_error_class_can_be_chosen(self, tmp_path):
        with pytest.raises(StoreError, match="nowhere"):
            atomic.atomic_write_text(tmp_path / "nowhere" / "x", "", error=StoreError)

    def test_a_folder_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="it is a folder"):
            atomic.atomic_write_text(tmp_path, "")

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights and links")
    def test_rights_and_links_are_kept(self, tmp_path):
        path, link = tmp_path / "x", tmp_path / "link"
        path.write_text("old")
        path.chmod(0o640)
        link.symlink_to(path)
        atomic.atomic_write_text(link, "new")
        assert link.is_symlink()
        assert path.read_text() == "new"
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
    def test_pipes_devices_and_sockets_are_refused_at_once(self, tmp_path):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        for path, what in ((pipe, "a pipe"), (Path("/dev/null"), "a device")):
            with pytest.raises(InputError, match=f"it is {what}"):
                atomic.atomic_write_text(path, "x")
            assert not path.is_file()

    def test_replacing_gives_a_path_with_the_suffix(self, tmp_path):
        with atomic.replacing(tmp_path / "figure.pdf") as temporary:
            assert temporary.suffix == ".pdf"
            assert temporary.parent == tmp_path
            temporary.write_text("pdf")
        assert (tmp_path / "figure.pdf").read_text() == "pdf"

    def test_replacing_passes_other_errors_on(self, tmp_path):
        def fail_half_way():
            with atomic.replacing(tmp_path / "a.npz") as temporary:
                temporary.write_text("half")
                raise KeyError

        with pytest.raises(KeyError):
            fail_half_way()
        assert os.listdir(tmp_path) == []
