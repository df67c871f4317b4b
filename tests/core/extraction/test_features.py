"""Extraction: only what is new is computed, nothing done is lost, bad files do not stop it."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from qaconv_core import device
from qaconv_core.device import resolve_precision
from qaconv_core.errors import Cancelled, ImageError, InputError, MemoryLimitError
from qaconv_core.extraction import completed_maps, decoding, map_writer
from qaconv_core.extraction import network_runner as network_module
from qaconv_core.extraction.features import extract_arrays, extract_features
from qaconv_core.extraction.network_runner import NetworkRunner
from qaconv_core.progress import CancelToken
from qaconv_core.store import shelf as shelf_module
from qaconv_core.store.features import FeatureStore
from qaconv_core.types import ImageRef
from tests.core.extraction import decoders

SIZE = (24, 16)
SHAPE = (3, 6, 4)
ROOT = Path(__file__).parents[3]


class Tiny(nn.Module):
    """Mean colours of 4×4 tiles, normalised; counts the pictures it sees."""

    def __init__(self, largest: int = 1000) -> None:
        super().__init__()
        self.largest, self.batches = largest, []

    def forward(self, images):
        if len(images) > self.largest:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        self.batches.append(len(images))
        return functional.normalize(functional.avg_pool2d(images, 4) + 0.01, dim=1)

    @property
    def seen(self):
        return sum(self.batches)


def picture(path, seed):
    values = np.random.default_rng(seed).integers(0, 256, (20, 10, 3), dtype=np.uint8)
    Image.fromarray(values).resize((20, 40)).save(path)
    return path


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "Büro 1"
    folder.mkdir()
    return [picture(folder / f"{i:02d}.png", i) for i in range(12)]


@pytest.fixture
def shelf(tmp_path):
    with FeatureStore(tmp_path / "store").open("a" * 32, SHAPE) as shelf:
        yield shelf


def extract(network, files, **options):
    options = {"spec_shape": SHAPE, "input_size": SIZE, "batch_size": 4, "workers": 0} | options
    return extract_features(network, files, **options)


def plain(files):
    """The obvious way: one picture at a time, by PIL and NumPy."""
    out = []
    for path in files:
        image = Image.open(path).convert("RGB").resize(SIZE[::-1], Image.Resampling.BICUBIC)
        values = np.asarray(image, np.float64).transpose(2, 0, 1) / 255
        tiles = values.reshape(3, SHAPE[1], 4, SHAPE[2], 4).mean(axis=(2, 4)) + 0.01
        out.append(tiles / np.linalg.norm(tiles, axis=0))
    return np.array(out).reshape(-1, *SHAPE)


def same(extraction, files):
    maps = extraction.bank.read(0, len(extraction.bank))
    np.testing.assert_allclose(maps, plain(files), atol=1e-3)


class TestResult:
    @pytest.mark.parametrize("where", ["shelf", "memory"])
    def test_maps_are_those_of_the_files_in_order(self, files, shelf, where):
        mixed = [ImageRef(files[5]), str(files[1]), files[9]]
        found = extract(Tiny(), mixed, shelf=shelf if where == "shelf" else None)
        same(found, [files[i] for i in (5, 1, 9)])
        assert found.kept.tolist() == [0, 1, 2]
        assert (found.cached, found.computed, found.rejected) == (0, 3, ())
        assert isinstance(found.bank.maps, np.memmap) == (where == "shelf")

    @pytest.mark.parametrize("batch", [1, 5, 12, 50])
    def test_batch_size_does_not_matter(self, files, batch):
        same(extract(Tiny(), files, batch_size=batch), files)

    def test_real_network_gives_one_answer_for_all_batch_sizes(self, files):
        from qaconv_core.models.backbone import FeatureNetwork

        torch.manual_seed(0)
        network = FeatureNetwork("resnet18", layer="layer2", neck=8).eval()
        banks = [
            extract(network, files, spec_shape=(8, 6, 4), input_size=(48, 32), batch_size=b).bank
            for b in (1, 5, 12)
        ]
        for bank in banks[1:]:
            np.testing.assert_allclose(bank.read(0, 12), banks[0].read(0, 12), atol=2e-3)

    @pytest.mark.parametrize("where", ["shelf", "memory"])
    def test_empty_list(self, shelf, where):
        found = extract(Tiny(), [], shelf=shelf if where == "shelf" else None)
        assert found.bank.shape == (0, *SHAPE)
        assert len(found.kept) == 0

    def test_duplicates_are_computed_once(self, files, shelf):
        network = Tiny()
        listed = [files[2], files[2], files[3], files[2]]
        found = extract(network, listed, shelf=shelf)
        assert network.seen == 2
        same(found, listed)
        assert (found.computed, len(shelf)) == (2, 2)

    def test_another_shape_than_said(self, files):
        with pytest.raises(InputError, match=r"shape \(3, 6, 4\).*\(3, 5, 4\) was expected"):
            extract(Tiny(), files, spec_shape=(3, 5, 4))


class TestReuse:
    def test_second_run_computes_nothing(self, files, shelf):
        extract(Tiny(), files, shelf=shelf)
        network, seen = Tiny(), []
        found = extract(network, files, shelf=shelf, progress=seen.append)
        assert network.batches == []
        assert (found.cached, found.computed) == (12, 0)
        same(found, files)
        assert [p.done for p in seen] == [12]

    def test_only_new_pictures_are_computed(self, files, shelf):
        extract(Tiny(), files[:2] + files[6:8], shelf=shelf)
        network, seen = Tiny(), []
        found = extract(network, files, shelf=shelf, progress=seen.append)
        assert network.seen == 8
        assert (found.cached, found.computed) == (4, 8)
        same(found, files)
        assert [p.done for p in seen] == [4, 8, 12]
        assert {p.total for p in seen} == {12}

    def test_changed_picture_is_computed_again(self, files, shelf):
        extract(Tiny(), files, shelf=shelf)
        picture(files[3], 99)
        os.utime(files[3], ns=(1, files[3].stat().st_mtime_ns + 1000))
        network = Tiny()
        same(extract(network, files, shelf=shelf), files)
        assert network.seen == 1

    def test_lost_data_are_computed_again(self, files, shelf):
        extract(Tiny(), files, shelf=shelf)
        os.truncate(shelf.data_path, 5 * shelf.row_bytes)
        network = Tiny()
        same(extract(network, files, shelf=shelf), files)
        assert network.seen == 7


class TestOnMaps:
    @pytest.fixture
    def seen(self):
        return []

    @pytest.fixture
    def on_maps(self, seen):
        return lambda positions, maps: seen.append((positions.tolist(), maps.copy()))

    @pytest.mark.parametrize("where", ["shelf", "memory"])
    @pytest.mark.parametrize("workers", [0, 1])
    def test_every_position_once_and_what_is_stored_first(
        self, files, shelf, where, workers, seen, on_maps
    ):
        text = files[0].with_name("text.jpg")
        text.write_text("no picture")
        listed = [files[3], text, *files, files[11], files[0].with_name("gone.png"), files[7]]
        shelf = shelf if where == "shelf" else None
        extract(Tiny(), [files[7], files[2]], shelf=shelf)
        found = extract(Tiny(), listed, shelf=shelf, workers=workers, on_maps=on_maps)
        if shelf is not None:
            assert sorted(seen[0][0]) == [4, 9, 16]
            assert len(seen) == 4
        positions = [place for places, _ in seen for place in places]
        assert sorted(positions) == found.kept.tolist()
        maps = np.concatenate([maps for _, maps in seen])[np.argsort(positions)]
        assert maps.dtype == np.float16
        assert np.array_equal(maps, found.bank.read(0, len(found.bank)))

    def test_stored_ones_come_in_portions(self, files, shelf, seen, on_maps, monkeypatch):
        monkeypatch.setattr(completed_maps, "_PORTION", 5)
        extract(Tiny(), files, shelf=shelf)
        found = extract(Tiny(), files[::-1], shelf=shelf, on_maps=on_maps)
        assert [len(places) for places, _ in seen] == [5, 5, 2]
        for places, maps in seen:
            for place, one in zip(places, maps, strict=True):
                assert np.array_equal(one, found.bank[place])

    def test_they_are_there_before_they_are_counted(self, files, seen, on_maps):
        counts = []
        extract(Tiny(), files, on_maps=on_maps, progress=lambda p: counts.append(len(seen)))
        assert counts == [0, 1, 2, 3]

    def test_cancel_in_the_callback_ends_after_the_batch(self, files, shelf, seen, on_maps):
        token = CancelToken()

        def stop(positions, maps):
            on_maps(positions, maps)
            token.cancel()

        with pytest.raises(Cancelled):
            extract(Tiny(), files, shelf=shelf, on_maps=stop, cancel=token)
        assert [places for places, _ in seen] == [[0, 1, 2, 3]]
        with pytest.raises(Cancelled):
            extract(Tiny(), files, shelf=shelf, on_maps=on_maps, cancel=token)
        assert len(seen) == 1
        assert len(shelf) == 4

    def test_what_the_callback_raises_is_passed_on_and_nothing_is_lost(self, files, shelf):
        def fail(positions, maps):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            extract(Tiny(), files, shelf=shelf, on_maps=fail)
        assert len(shelf) == 4


class TestBadFiles:
    @pytest.fixture
    def mixed(self, files, tmp_path):
        text, empty, cut = (tmp_path / name for name in ("text.jpg", "empty.jpg", "cut.jpg"))
        text.write_text("no picture")
        empty.touch()
        Image.new("RGB", (200, 400), "red").save(cut)
        cut.write_bytes(cut.read_bytes()[:400])
        return [text, *files[:3], tmp_path / "gone.jpg", empty, tmp_path, cut, files[3], text]

    @pytest.mark.parametrize("workers", [0, 2])
    def test_are_rejected_with_their_reason_and_the_rest_goes_on(self, mixed, shelf, workers):
        found = extract(Tiny(), mixed, shelf=shelf, workers=workers)
        assert found.kept.tolist() == [1, 2, 3, 8]
        same(found, [mixed[i] for i in (1, 2, 3, 8)])
        reasons = {r.path: r.reason for r in found.rejected}
        assert set(reasons) == {mixed[i] for i in (0, 4, 5, 6, 7)}
        assert len(found.rejected) == 5
        assert all("\n" not in reason and reason for reason in reasons.values())
        assert not any(reason.startswith(str(path)) for path, reason in reasons.items())
        assert (found.cached, found.computed) == (0, 4)

    def test_all_bad(self, mixed, shelf):
        network = Tiny()
        found = extract(network, [mixed[0], mixed[5]], shelf=shelf)
        assert found.bank.shape == (0, *SHAPE)
        assert len(found.rejected) == 2
        assert network.batches == []

    def test_unexpected_exceptions_of_decoders_too(self, files, monkeypatch):
        def fail(_):
            raise ZeroDivisionError("in a codec")

        monkeypatch.setattr(decoding, "read_image", fail)
        found = extract(Tiny(), files[:2])
        assert "ZeroDivisionError" in found.rejected[0].reason


class TestWorkers:
    def test_same_result_as_without(self, files):
        alone, helped = (extract(Tiny(), files, workers=w).bank for w in (0, 2))
        assert np.array_equal(alone.read(0, 12), helped.read(0, 12))
        assert multiprocessing.active_children() == []

    def test_picture_that_kills_its_worker_is_rejected(self, files, monkeypatch):
        bomb = picture(files[0].with_name("bomb.png"), 5)
        monkeypatch.setattr(decoding, "decode_many", decoders.crash_on_bombs)
        found = extract(Tiny(), [*files[:9], bomb, *files[9:]], workers=1)
        assert [r.path for r in found.rejected] == [bomb]
        assert "crashed" in found.rejected[0].reason
        same(found, files)

    def test_workers_that_cannot_work_are_done_without(self, files, monkeypatch, caplog):
        monkeypatch.setattr(decoding, "decode_many", decoders.crash_always)
        with caplog.at_level(logging.WARNING):
            same(extract(Tiny(), files, workers=2), files)
        assert "worker processes cannot be used" in caplog.text

    def test_no_more_processes_allowed(self, files, monkeypatch, caplog):
        def refuse(*_):
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

        monkeypatch.setattr(decoding.ProcessPoolExecutor, "submit", refuse)
        with caplog.at_level(logging.WARNING):
            same(extract(Tiny(), files, workers=2), files)
        assert "Resource temporarily unavailable" in caplog.text

    def test_cancelling_ends_them(self, files):
        token = CancelToken()
        with pytest.raises(Cancelled):
            extract(Tiny(), files, workers=2, cancel=token, progress=lambda p: token.cancel())
        late = time.monotonic() + 20
        while multiprocessing.active_children() and time.monotonic() < late:
            time.sleep(0.05)  # they are not waited for, and end by themselves
        assert multiprocessing.active_children() == []

    @pytest.mark.parametrize(
        ("count", "kind", "cores", "expected"),
        [
            (63, "cuda", 8, 0),
            (64, "cuda", 4, 4),
            (10**6, "cuda", 64, 8),
            (64, "cpu", 2, 1),
            (64, "cpu", 16, 2),
            (10**6, "cpu", 1, 0),
        ],
    )
    def test_default_number(self, monkeypatch, count, kind, cores, expected):
        monkeypatch.setattr(decoding, "usable_cores", lambda: cores)
        assert decoding.default_workers(count, kind) == expected

    @pytest.mark.parametrize("way", [["script.py"], ["-m", "script"]])
    def test_script_without_main_guard_runs_once(self, files, tmp_path, way):
        script = tmp_path / "script.py"
        script.write_text(
            "import sys\n"
            "print('begins', flush=True)\n"
            "from qaconv_core.extraction.decoding import decode_all\n"
            "print(sum(p.shape == (3, 24, 16) for p in decode_all(sys.argv[1:], (24, 16), 2)))\n"
        )
        done = subprocess.run(
            [sys.executable, *way, *files],
            cwd=tmp_path,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == ["begins", "12"], done.stderr

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
    def test_they_end_with_a_killed_parent(self, files):
        code = """
            import multiprocessing, sys, time
            from qaconv_core.extraction.decoding import decode_all
            pictures = decode_all(sys.argv[1:] * 50, (24, 16), 1)
            next(pictures)
            print(*(p.pid for p in multiprocessing.active_children()), flush=True)
            time.sleep(60)
        """
        parent = _python(code, *files)
        (worker,) = map(int, parent.stdout.readline().split())
        parent.kill()
        parent.wait()
        for _ in range(200):
            if not _alive(worker):
                return
            time.sleep(0.05)
        os.kill(worker, signal.SIGKILL)
        pytest.fail("the worker outlived its parent")


def _alive(pid):
    """Running, and not only waiting to be collected."""
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def _python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


class TestStopping:
    def test_cancel_between_batches_keeps_finished_maps(self, files, shelf):
        token = CancelToken()

        def stop_after_eight(progress):
            if progress.done == 8:
                token.cancel()

        with pytest.raises(Cancelled):
            extract(Tiny(), files, shelf=shelf, progress=stop_after_eight, cancel=token)
        network = Tiny()
        found = extract(network, files, shelf=shelf)
        assert (found.cached, network.seen) == (8, 4)
        same(found, files)

    def test_cancelled_before_it_begins(self, files, shelf):
        token = CancelToken()
        token.cancel()
        network = Tiny()
        with pytest.raises(Cancelled):
            extract(network, files, shelf=shelf, cancel=token)
        assert network.batches == []

    def test_interrupt_keeps_finished_maps(self, files, shelf):
        class Interrupted(Tiny):
            def forward(self, images):
                if self.seen == 8:
                    raise KeyboardInterrupt
                return super().forward(images)

        with pytest.raises(KeyboardInterrupt):
            extract(Interrupted(), files, shelf=shelf)
        assert len(shelf) == 8

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
    def test_killed_and_resumed(self, files, tmp_path, shelf):
        code = """
            import sys, time
            from qaconv_core.extraction import map_writer
            from qaconv_core.store.features import FeatureStore
            from tests.core.extraction.test_features import SHAPE, Tiny, extract

            map_writer._FLUSH_SECONDS = 0.0
            def tell(progress):
                print(progress.done, flush=True)
                if progress.done == 8:
                    time.sleep(60)

            shelf = FeatureStore(sys.argv[1]).open("a" * 32, SHAPE)
            extract(Tiny(), sys.argv[2:], shelf=shelf, progress=tell, batch_size=2)
        """
        job = _python(code, tmp_path / "store", *files)
        for line in job.stdout:
            if line == "8\n":
                break
        job.kill()
        assert job.wait() == -signal.SIGKILL
        network = Tiny()
        found = extract(network, files, shelf=shelf)
        assert (found.cached, network.seen) == (8, 4)
        same(found, files)


class TestStoreFails:
    @pytest.fixture
    def flushing(self, monkeypatch):
        monkeypatch.setattr(map_writer, "_FLUSH_SECONDS", 0.0)

    def test_disk_full_half_way(self, files, shelf, monkeypatch, caplog, flushing):
        extract(Tiny(), files[:2], shelf=shelf)
        real, calls = os.pwrite, []

        def full(handle, data, offset):
            calls.append(1)
            if len(calls) > 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(handle, data, offset)

        monkeypatch.setattr(shelf_module.os, "pwrite", full)
        with caplog.at_level(logging.WARNING):
            found = extract(Tiny(), files, shelf=shelf)
        same(found, files)
        assert (found.cached, found.computed) == (2, 10)
        assert len(shelf) == 6
        assert len(calls) == 2
        warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
        assert len(warnings) == 1
        assert str(shelf.data_path) in warnings[0]
        assert found.notes == tuple(warnings)

    def test_real_file_size_limit(self, files, tmp_path):
        """Data of one batch fit below the limit, the index does not."""
        pytest.importorskip("resource")
        code = """
            import resource, sys
            from qaconv_core.store.features import FeatureStore
            from tests.core.extraction.test_features import SHAPE, Tiny, extract, same

            shelf = FeatureStore(sys.argv[1]).open("a" * 32, SHAPE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            found = extract(Tiny(), sys.argv[2:], shelf=shelf)
            same(found, sys.argv[2:])
            print(found.computed, len(found.notes), len(shelf))
        """
        job = _python(code, tmp_path / "full store", *files)
        told, _ = job.communicate()
        assert job.returncode == 0
        assert told.split() == ["12", "1", "0"]

    def test_lookup_fails(self, files, shelf, caplog):
        shelf._index._db.execute("DROP TABLE maps")
        with caplog.at_level(logging.WARNING):
            found = extract(Tiny(), files, shelf=shelf)
        same(found, files)
        assert "index.sqlite" in found.notes[0]

    def test_not_enough_memory_for_the_maps(self, files, monkeypatch):
        monkeypatch.setattr(map_writer, "available_memory", lambda device: 12 * 144)
        network = Tiny()
        with pytest.raises(MemoryLimitError, match=r"12 feature maps need 1\.7 KiB.*store"):
            extract(network, files)
        assert network.batches == []

    def test_disk_full_and_not_enough_memory(self, files, shelf, monkeypatch, flushing):
        monkeypatch.setattr(map_writer, "available_memory", lambda device: 1000)

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(shelf_module.os, "pwrite", full)
        with pytest.raises(MemoryLimitError, match=r"No space left.*free some space"):
            extract(Tiny(), files, shelf=shelf)


class TestRunner:
    def test_too_large_batches_are_halved(self, files):
        network = Tiny(largest=3)
        found = extract(network, files, batch_size=8)
        same(found, files)
        assert max(network.batches) == 2
        assert any("did not fit" in note for note in found.notes)

    def test_not_even_one_picture_fits(self, files):
        with pytest.raises(MemoryLimitError, match="not even one picture"):
            extract(Tiny(largest=0), files)

    def test_other_runtime_errors_are_passed_on(self, files):
        class Broken(Tiny):
            def forward(self, images):
                raise RuntimeError("shapes do not fit")

        with pytest.raises(RuntimeError, match="shapes do not fit"):
            extract(Broken(), files)

    def test_nan_is_refused(self, files):
        class Empty(Tiny):
            def forward(self, images):
                return super().forward(images) * float("nan")

        with pytest.raises(InputError, match="not finite"):
            extract(Empty(), files)

    def test_overflow_of_half_precision_is_done_again(self, files):
        class Overflowing(Tiny):
            def forward(self, images):
                maps = super().forward(images)
                return maps / 0 if torch.is_autocast_enabled("cpu") else maps

        found = extract(Overflowing(), files, precision="bfloat16")
        same(found, files)
        assert "overflowed" in found.notes[0]

    def test_modes_of_the_modules_are_restored(self, files):
        network = nn.Sequential(Tiny(), nn.BatchNorm2d(3), nn.Dropout())
        network.train()
        network[1].eval()
        one, two = (extract(network, files).bank.read(0, 12) for _ in range(2))
        assert np.array_equal(one, two)
        assert [m.training for m in network] == [True, False, True]
        assert network.training

    def test_precision(self):
        assert resolve_precision("auto", "cpu") == "float32"
        assert resolve_precision("auto", "cuda") == "float16"
        assert resolve_precision("float32", "cuda") == "float32"
        assert resolve_precision("fast", "cuda:1") == "float16"
        with pytest.raises(InputError, match="unknown precision 'int3': use auto, fast, float32"):
            resolve_precision("int3", "cpu")

    @pytest.mark.parametrize(("knows", "expected"), [(True, "bfloat16"), (False, "float32")])
    def test_fast_is_bfloat16_where_the_processor_has_it(self, monkeypatch, knows, expected):
        monkeypatch.setattr(device, "cpu_knows_bfloat16", lambda: knows)
        assert resolve_precision("fast", "cpu") == expected
        assert resolve_precision("fast", "mps") == "float32"
        assert resolve_precision("bfloat16", "cpu") == "bfloat16"

    def test_batch_follows_the_memory(self, monkeypatch):
        for free, expected in ((2**40, 128), (2**30, 16), (0, 1)):
            monkeypatch.setattr(network_module, "available_memory", lambda _, free=free: free)
            assert network_module.default_batch(torch.device("cuda")) == expected
        with pytest.raises(InputError, match="at least 1"):
            NetworkRunner(Tiny(), "cpu", batch_size=0)

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
    def test_cuda_agrees(self, files):
        same(extract(Tiny(), files, device="cuda"), files)


class TestArrays:
    def test_paths_pictures_and_arrays(self, files):
        images = [files[0], str(files[1]), Image.open(files[2]), np.asarray(Image.open(files[3]))]
        maps = extract_arrays(Tiny(), images, input_size=SIZE, batch_size=3)
        assert maps.dtype == np.float32
        np.testing.assert_allclose(maps, plain(files[:4]), atol=1e-6)

    def test_nothing(self):
        assert extract_arrays(Tiny(), [], spec_shape=SHAPE).shape == (0, *SHAPE)

    def test_bad_ones_are_named(self, files, tmp_path):
        with pytest.raises(ImageError, match=r"gone\.jpg"):
            extract_arrays(Tiny(), [files[0], tmp_path / "gone.jpg"], input_size=SIZE)
        with pytest.raises(ImageError, match="image 1:"):
            extract_arrays(Tiny(), [files[0], np.zeros((5, 5, 3))], input_size=SIZE)
