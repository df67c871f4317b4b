"""The feature store: what was stored is found again, whatever happened meanwhile."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from qaconv_core.errors import InputError, StoreError
from qaconv_core.store import shelf as shelf_module
from qaconv_core.store.features import FeatureStore, FileKey, file_keys
from qaconv_core.types import ImageRef, Rejected

SHAPE = (4, 3, 2)
KEY = "a" * 32
ROOT = Path(__file__).parents[3]


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "store")


def keys_of(*numbers):
    return [FileKey(f"/pics/{n}.jpg", 100 + n, 10**18 + n) for n in numbers]


def maps_of(*numbers):
    """Maps that tell which picture they belong to."""
    return np.array([np.full(SHAPE, n) for n in numbers], np.float16).reshape(-1, *SHAPE)


def held(shelf, *numbers):
    """Check that exactly the maps of ``numbers`` are found, out of 0 … 99, and right."""
    rows = shelf.lookup(keys_of(*range(100)))
    assert np.flatnonzero(rows >= 0).tolist() == sorted(numbers)
    bank = shelf.bank(rows[rows >= 0])
    assert np.array_equal(bank.read(0, len(bank)), maps_of(*sorted(numbers)))


def run_python(code, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


class TestShelf:
    def test_finds_what_was_stored_also_after_closing(self, store):
        with store.open(KEY, SHAPE) as shelf:
            assert shelf.append(keys_of(1, 2), maps_of(1, 2)).tolist() == [0, 1]
            assert shelf.append(keys_of(9), maps_of(9)).tolist() == [2]
            held(shelf, 1, 2, 9)
        with store.open(KEY, SHAPE) as shelf:
            assert len(shelf) == 3
            held(shelf, 1, 2, 9)
            assert shelf.lookup(keys_of(9, 5, 1)).tolist() == [2, -1, 0]

    def test_empty(self, store):
        with store.open(KEY, SHAPE) as shelf:
            assert shelf.lookup([]).shape == (0,)
            assert shelf.lookup(keys_of(3)).tolist() == [-1]
            assert shelf.append([], np.empty((0, *SHAPE), np.float16)).shape == (0,)
            assert shelf.bank(np.empty(0, np.int64)).shape == (0, *SHAPE)

    def test_bank_is_mapped_and_outlives_the_shelf(self, store):
        with store.open(KEY, SHAPE) as shelf:
            shelf.append(keys_of(1, 2, 3), maps_of(1, 2, 3))
            bank = shelf.bank(np.array([2, 0]))
        assert isinstance(bank.maps, np.memmap)
        assert bank.read(0, 2)[:, 0, 0, 0].tolist() == [3, 1]

    def test_bank_outlives_clearing(self, store):
        with store.open(KEY, SHAPE) as shelf:
            bank = shelf.bank(shelf.append(keys_of(7), maps_of(7)))
            store.clear()
            assert np.array_equal(bank[0], maps_of(7)[0])
            with pytest.raises(StoreError, match="lost meanwhile"):
                shelf.bank(np.array([0]))

    def test_changed_file_takes_the_place_of_the_old(self, store):
        (old,) = keys_of(1)
        new = FileKey(old.path, old.size, old.mtime_ns + 1)
        with store.open(KEY, SHAPE) as shelf:
            before = shelf.bank(shelf.append([old], maps_of(1)))
            assert shelf.lookup([new]).tolist() == [-1]
            shelf.append([new], maps_of(2))
            assert shelf.lookup([old]).tolist() == [-1]
            assert shelf.bank(shelf.lookup([new]))[0][0, 0, 0] == 2
            assert before[0][0, 0, 0] == 1  # somebody may still be reading it
            assert len(shelf) == 1

    def test_names_that_are_not_utf8(self, store):
        key = FileKey(os.fsdecode(b"/pics/\xff\xfe.jpg"), 1, 2)
        with store.open(KEY, SHAPE) as shelf:
            shelf.append([key], maps_of(5))
            assert shelf.lookup([key, FileKey("/pics/größe.jpg", 1, 2)]).tolist() == [0, -1]

    def test_wrong_shape_is_a_mistake_of_the_caller(self, store):
        with store.open(KEY, SHAPE) as shelf, pytest.raises(ValueError, match="expected"):
            shelf.append(keys_of(1, 2), maps_of(1))


class TestDamage:
    def stored(self, store, *numbers):
        with store.open(KEY, SHAPE) as shelf:
            shelf.append(keys_of(*numbers), maps_of(*numbers))
            return shelf.data_path

    @pytest.mark.parametrize("rows", [0, 1, 2.5])
    def test_short_data_file_loses_only_what_is_missing(self, store, rows, caplog):
        data = self.stored(store, 0, 1, 2, 3)
        os.truncate(data, int(rows * 48))
        with store.open(KEY, SHAPE) as shelf:
            held(shelf, *range(int(rows)))
            with caplog.at_level(logging.WARNING):
                shelf.append(keys_of(8, 9), maps_of(8, 9))
            held(shelf, *range(int(rows)), 8, 9)
        assert "were lost" in caplog.text

    def test_data_file_gone(self, store):
        self.stored(store, 0, 1).unlink()
        with store.open(KEY, SHAPE) as shelf:
            held(shelf)

    def test_bytes_beyond_the_index_are_overwritten(self, store):
        data = self.stored(store, 0, 1)
        with data.open("ab") as stream:
            stream.write(b"half a map of a killed process")
        with store.open(KEY, SHAPE) as shelf:
            held(shelf, 0, 1)
            shelf.append(keys_of(2), maps_of(2))
            held(shelf, 0, 1, 2)

    @pytest.mark.parametrize(
        "content", [b"this is not a database" * 100, b"SQLite format 3\0" + b"\x07" * 5000]
    )
    def test_index_that_is_no_database_is_set_aside(self, store, content, caplog):
        data = self.stored(store, 0, 1)
        index = data.parent / "index.sqlite"
        index.write_bytes(content)
        with caplog.at_level(logging.WARNING), store.open(KEY, SHAPE) as shelf:
            held(shelf)
            shelf.append(keys_of(5), maps_of(5))
            held(shelf, 5)
        assert str(index) in caplog.text
        assert (data.parent / "index-damaged.sqlite").read_bytes() == content
        assert not data.exists()

    def test_damage_deep_in_a_large_index_is_found(self, store, caplog):
        numbers = range(2000)
        with store.open(KEY, (1, 1, 1)) as shelf:
            shelf.append(keys_of(*numbers), np.zeros((2000, 1, 1, 1), np.float16))
        index = store.root / KEY / "index.sqlite"
        content = bytearray(index.read_bytes())
        content[3 * 4096 : 6 * 4096] = b"\xa5" * (3 * 4096)
        index.write_bytes(content)
        with caplog.at_level(logging.WARNING), store.open(KEY, (1, 1, 1)) as shelf:
            assert (shelf.lookup(keys_of(*numbers)) == -1).all()
        assert "set aside" in caplog.text

    def test_damage_while_in_use_is_an_error_and_no_wrong_map(self, store):
        with store.open(KEY, SHAPE) as shelf:
            rows = shelf.append(keys_of(0), maps_of(0))
            with (store.root / KEY / "index.sqlite").open("r+b") as stream:
                stream.write(b"\x99" * 4096 * 3)
            with pytest.raises(StoreError, match=r"index\.sqlite"):
                shelf.append(keys_of(1), maps_of(1))
            assert np.array_equal(shelf.bank(rows)[0], maps_of(0)[0])

    def test_index_of_another_shape_or_program(self, store, caplog):
        self.stored(store, 0, 1)
        with caplog.at_level(logging.WARNING), store.open(KEY, (2, 2, 2)) as shelf:
            assert shelf.lookup(keys_of(0)).tolist() == [-1]
        assert "another shape" in caplog.text

    def test_data_name_cannot_leave_the_folder(self, store, tmp_path):
        import sqlite3

        self.stored(store, 0)
        (tmp_path / "maps-secret.f16").write_bytes(b"\0" * 480)
        index = sqlite3.connect(store.root / KEY / "index.sqlite")
        index.execute("UPDATE shelf SET data = '../../maps-secret.f16'")
        index.commit()
        index.close()
        with store.open(KEY, SHAPE) as shelf:
            assert shelf.data_path.parent == store.root / KEY
            held(shelf)

    def test_empty_index_file(self, store):
        (store.root / KEY).mkdir(parents=True)
        (store.root / KEY / "index.sqlite").touch()
        with store.open(KEY, SHAPE) as shelf:
            shelf.append(keys_of(4), maps_of(4))
            held(shelf, 4)


class TestWritingFails:
    def test_disk_full_keeps_what_was_there(self, store, monkeypatch):
        with store.open(KEY, SHAPE) as shelf:
            shelf.append(keys_of(0, 1), maps_of(0, 1))
            real, calls = os.pwrite, []

            def full(handle, data, offset):
                if calls:
                    raise OSError(errno.ENOSPC, "No space left on device")
                calls.append(1)
                return real(handle, data[:50], offset)

            with monkeypatch.context() as patch:
                patch.setattr(shelf_module.os, "pwrite", full)
                with pytest.raises(StoreError, match=r"maps-\w+\.f16.*No space left.*free some"):
                    shelf.append(keys_of(2, 3), maps_of(2, 3))
            assert shelf.data_path.stat().st_size == 2 * shelf.row_bytes
            held(shelf, 0, 1)
            shelf.append(keys_of(4), maps_of(4))
            held(shelf, 0, 1, 4)

    def test_portions_are_put_together(self, store, monkeypatch):
        real = os.pwrite
        monkeypatch.setattr(
            shelf_module.os, "pwrite", lambda handle, data, at: real(handle, data[:7], at)
        )
        with store.open(KEY, SHAPE) as shelf:
            shelf.append(keys_of(1, 2), maps_of(1, 2))
            held(shelf, 1, 2)

    def test_without_pwrite(self, store, monkeypatch):
        monkeypatch.delattr(shelf_module.os, "pwrite")
        with store.open(KEY, SHAPE) as shelf:
            shelf.append(keys_of(1, 2), maps_of(1, 2))
            shelf.append(keys_of(3), maps_of(3))
            held(shelf, 1, 2, 3)

    def test_interrupted_append_leaves_the_shelf_usable(self, store, monkeypatch):
        with store.open(KEY, SHAPE) as shelf:
            with monkeypatch.context() as patch:

                def interrupt(_):
                    raise KeyboardInterrupt

                patch.setattr(shelf_module, "sync", interrupt)
                with pytest.raises(KeyboardInterrupt):
                    shelf.append(keys_of(0), maps_of(0))
            held(shelf)
            shelf.append(keys_of(1), maps_of(1))
            held(shelf, 1)

    def test_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(StoreError, match="QACONV_CACHE_DIR"):
            FeatureStore(tmp_path / "file").open(KEY, SHAPE)

    def test_locked_by_another_process(self, store, monkeypatch):
        monkeypatch.setattr("qaconv_core.store.index._PATIENCE", 0.05)
        with store.open(KEY, SHAPE) as one, store.open(KEY, SHAPE) as two:
            with one._index.writing(), pytest.raises(StoreError, match="locked"):
                two.append(keys_of(0), maps_of(0))
            two.append(keys_of(0), maps_of(0))
            held(one, 0)

    def test_read_only_index_can_still_be_read(self, store, monkeypatch):
        with store.open(KEY, SHAPE) as shelf:
            shelf.append(keys_of(0), maps_of(0))
        with store.open(KEY, SHAPE) as shelf:
            shelf._index._db.execute("PRAGMA query_only = 1")
            held(shelf, 0)
            with pytest.raises(StoreError, match="readonly"):
                shelf.append(keys_of(1), maps_of(1))


KILLED = """
    import os, signal, sys
    import numpy as np
    from qaconv_core.store import index, shelf
    from qaconv_core.store.features import FeatureStore, FileKey

    root, moment = sys.argv[1:]
    die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)

    def half(handle, data, offset):
        pwrite(handle, data[: len(data) // 2], offset)
        die()

    one = FeatureStore(root).open("a" * 32, (4, 3, 2))
    for n in range(100):
        if n == 3 and moment == "half written":
            pwrite, os.pwrite = os.pwrite, half
        if n == 3 and moment == "written":
            shelf.sync = die
        if n == 3 and moment == "indexed, not committed":
            add, index.MapIndex.add = index.MapIndex.add, lambda *a: (add(*a), die())
        one.append(
            [FileKey(f"/pics/{n}.jpg", 100 + n, 10**18 + n)],
            np.full((1, 4, 3, 2), n, dtype=np.float16),
        )
        if n == 2 and moment == "between":
            die()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("moment", ["between", "half written", "written", "indexed, not committed"])
def test_killed_at_any_moment(store, moment):
    assert run_python(KILLED, store.root, moment).wait() == -signal.SIGKILL
    with store.open(KEY, SHAPE) as shelf:
        held(shelf, 0, 1, 2)
        shelf.append(keys_of(50), maps_of(50))
        held(shelf, 0, 1, 2, 50)


WRITER = """
    import sys
    import numpy as np
    from qaconv_core.store.features import FeatureStore, FileKey

    root, first = sys.argv[1], int(sys.argv[2])
    with FeatureStore(root).open("a" * 32, (4, 3, 2)) as shelf:
        print("ready", flush=True)
        sys.stdin.readline()
        for n in range(first, first + 80, 2):
            keys = [FileKey(f"/pics/{i}.jpg", 100 + i, 10**18 + i) for i in (n, n + 1)]
            maps = np.stack([np.full((4, 3, 2), i, dtype=np.float16) for i in (n, n + 1)])
            shelf.append(keys, maps)
"""


def test_two_processes_write_at_once(store):
    """They overlap in pictures 20 … 79, and both create the shelf."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(store.root), str(first)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in (0, 20)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    with store.open(KEY, SHAPE) as shelf:
        held(shelf, *range(100))


class TestKeys:
    def test_resolved_folder_size_and_time(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "größe 1.jpg").write_bytes(b"abc")
        (tmp_path / "link").symlink_to(tmp_path / "real")
        folders = ("real", "link/../real", "link")
        one, *others = file_keys(tmp_path / folder / "größe 1.jpg" for folder in folders)
        assert others == [one, one]
        assert one.size == 3
        assert one.mtime_ns == (tmp_path / "real" / "größe 1.jpg").stat().st_mtime_ns

    def test_relative_names(self, tmp_path, monkeypatch):
        (tmp_path / "a.jpg").write_bytes(b"x")
        monkeypatch.chdir(tmp_path)
        relative, absolute = file_keys(["a.jpg", tmp_path / "a.jpg"])
        assert relative == absolute

    def test_what_is_no_file_is_told(self, tmp_path):
        (tmp_path / "a.jpg").write_bytes(b"x")
        os.mkfifo(tmp_path / "pipe")
        names = [tmp_path / "a.jpg", tmp_path / "no.jpg", tmp_path, tmp_path / "pipe", "a\0b"]
        found = file_keys([ImageRef(names[0]), *names[1:]])
        assert isinstance(found[0], FileKey)
        assert all(isinstance(f, Rejected) for f in found[1:])
        assert "no such file" in found[1].reason
        assert "folder" in found[2].reason


class TestStore:
    def test_sizes_and_clear(self, store):
        assert store.sizes() == []
        assert store.clear() == 0
        for key, count in ((KEY, 2), ("b" * 32, 1)):
            with store.open(key, SHAPE, f"model {key[0]}") as shelf:
                numbers = range(count)
                shelf.append(keys_of(*numbers), maps_of(*numbers))
        os.utime(store.root / KEY / "meta.json", (5.0, 5.0))
        infos = store.sizes()
        assert [(i.key[0], i.description, i.images) for i in infos] == [
            ("b", "model b", 1),
            ("a", "model a", 2),
        ]
        assert infos[1].last_used == 5.0
        assert sum(i.bytes for i in infos) > 3 * 48
        assert store.clear(KEY) == infos[1].bytes
        assert not (store.root / KEY).exists()
        assert store.clear() == infos[0].bytes
        assert store.sizes() == []

    def test_clear_leaves_other_peoples_files(self, store):
        store.open(KEY, SHAPE).close()
        mine = [store.root / KEY / "thesis.tex", store.root / "photos" / "maps-x.f16"]
        mine[1].parent.mkdir()
        for path in mine:
            path.write_text("precious")
        store.clear()
        assert [path.read_text() for path in mine] == ["precious"] * 2
        with pytest.raises(InputError):
            store.clear("photos")

    @pytest.mark.parametrize("key", ["", "..", "../x", "a/b", ".hidden", "a" * 200])
    def test_keys_cannot_leave_the_root(self, store, key):
        with pytest.raises(InputError):
            store.open(key, SHAPE)
        with pytest.raises(InputError):
            store.clear(key)

    def test_meta_says_what_it_is_and_is_mended(self, store):
        meta = store.root / KEY / "meta.json"
        store.open(KEY, SHAPE, "ResNet-50").close()
        told = json.loads(meta.read_text())
        assert (told["description"], told["channels"], told["grid"]) == ("ResNet-50", 4, [3, 2])
        meta.write_text("[damaged")
        assert store.sizes()[0].description == ""
        store.open(KEY, SHAPE, "ResNet-50").close()
        assert store.sizes()[0].description == "ResNet-50"

    def test_default_root_is_in_the_cache(self, tmp_path, monkeypatch):
        monkeypatch.setenv("QACONV_CACHE_DIR", str(tmp_path))
        assert FeatureStore().root == tmp_path / "features"
