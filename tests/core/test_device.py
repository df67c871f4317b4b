"""Names of devices and the memory that is free on them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from qaconv_core import device
from qaconv_core.errors import InputError
from qaconv_core.threads import usable_cores

GIB = 2**30


class TestResolve:
    def test_auto_follows_cuda(self, monkeypatch):
        for there, kind in ((False, "cpu"), (True, "cuda")):
            monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
            assert device.resolve_device("auto").type == kind

    def test_cpu(self):
        assert device.resolve_device("CPU") == torch.device("cpu")
        assert device.resolve_device(torch.device("cpu")) == torch.device("cpu")

    def test_absent_cuda(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(InputError, match="use auto or cpu"):
            device.resolve_device("cuda:1")

    def test_number_out_of_range_lists_what_is_there(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        assert device.resolve_device("cuda:1") == torch.device("cuda:1")
        with pytest.raises(InputError, match="cuda:0, cuda:1, auto or cpu"):
            device.resolve_device("cuda:2")

    @pytest.mark.parametrize("spec", ["gpu", "cuda:", "cuda:x", "cuda:-1", "", "xla"])
    def test_unknown(self, spec):
        with pytest.raises(InputError, match="unknown device"):
            device.resolve_device(spec)


class TestDescribe:
    def test_cpu_tells_cores(self):
        assert f"{usable_cores()} core" in device.describe_device("cpu")

    def test_model_name_is_read(self, tmp_path):
        (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some  CPU @ 3GHz\n")
        assert device.cpu_model(tmp_path / "cpuinfo") == "Some CPU @ 3GHz"
        assert device.cpu_model(tmp_path / "absent")


def _write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class TestHostMemory:
    MEMINFO = f"MemTotal: 1 kB\nMemAvailable:   {8 * GIB // 1024} kB\n"

    def test_kernel_alone(self, tmp_path):
        _write(tmp_path, {"proc/meminfo": self.MEMINFO})
        assert device.host_memory(tmp_path) == 8 * GIB

    def test_cgroup_2_counts_limit_of_every_level_and_frees_its_cache(self, tmp_path):
        files = {
            "proc/meminfo": self.MEMINFO,
            "proc/self/cgroup": "0::/slice/job\n",
            "sys/fs/cgroup/slice/job/memory.max": "max\n",
            "sys/fs/cgroup/slice/job/memory.current": f"{GIB}\n",
            "sys/fs/cgroup/slice/memory.max": f"{4 * GIB}\n",
            "sys/fs/cgroup/slice/memory.current": f"{3 * GIB}\n",
            "sys/fs/cgroup/slice/memory.stat": f"anon 5\ninactive_file {GIB}\n",
        }
        _write(tmp_path, files)
        assert device.host_memory(tmp_path) == 2 * GIB

    def test_cgroup_2_in_a_container(self, tmp_path):
        files = {
            "proc/meminfo": self.MEMINFO,
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{2 * GIB}\n",
            "sys/fs/cgroup/memory.current": f"{3 * GIB}\n",
        }
        _write(tmp_path, files)
        assert device.host_memory(tmp_path) == 0

    def test_cgroup_1(self, tmp_path):
        base = "sys/fs/cgroup/memory/docker/x"
        files = {
            "proc/meminfo": self.MEMINFO,
            "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/docker/x\n0::/\n",
            f"{base}/memory.limit_in_bytes": f"{3 * GIB}\n",
            f"{base}/memory.usage_in_bytes": f"{2 * GIB}\n",
            f"{base}/memory.stat": f"inactive_file 1\ntotal_inactive_file {GIB // 2}\n",
        }
        _write(tmp_path, files)
        assert device.host_memory(tmp_path) == 3 * GIB // 2

    def test_nothing_told(self, tmp_path, monkeypatch):
        assert device.host_memory(tmp_path) > 0

        def unknown(_):
            raise ValueError

        monkeypatch.setattr(device.os, "sysconf", unknown, raising=False)
        assert device.host_memory(tmp_path) == device.FALLBACK_MEMORY

    def test_this_machine(self):
        assert 2**20 < device.available_memory("cpu") < 2**50


def test_the_memory_that_a_process_holds(tmp_path):
    assert device.resident_memory(tmp_path) == 0
    _write(tmp_path, {"proc/self/status": "VmPeak:\t 99 kB\nVmRSS:\t  2048 kB\n"})
    assert device.resident_memory(tmp_path) == 2 << 20


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (49152, "48.0 KiB"),
        (4.5 * GIB, "4.5 GiB"),
        (3 * 2**40, "3.0 TiB"),
    ],
)
def test_format_bytes(amount, text):
    assert device.format_bytes(amount) == text


def test_host_questions_do_not_import_torch():
    """Also holds the rule that the store knows no torch."""
    code = (
        "import sys; from qaconv_core.device import available_memory; available_memory('cpu');"
        "import qaconv_core.store.features, qaconv_core.extraction.decoding;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
