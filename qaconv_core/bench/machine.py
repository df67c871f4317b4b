"""The machine that was measured on: its hardware, versions and peak rates."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Callable
from typing import Any

import torch

from qaconv_core import __version__
from qaconv_core.device import cpu_knows_bfloat16, describe_device
from qaconv_core.threads import usable_cores

_SIZE = 2048
_BYTES = 256 << 20


def machine_record(device: torch.device) -> dict[str, Any]:
    """Device, cores, system and versions."""
    versions = {"qaconv": __version__, "python": platform.python_version()}
    for name in ("torch", "numpy", "scipy", "triton"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "device": describe_device(device),
        "cpu": describe_device("cpu"),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
    }


def measure_peaks(device: torch.device) -> dict[str, float]:
    """Rates that this machine reaches: products in GFLOP/s by type, memory in GB/s.

    Types that a processor only imitates are left out: one such product takes most of a minute.
    """
    peaks = {"float32": _matmul(torch.float32, device)}
    if device.type == "cuda" or cpu_knows_bfloat16():
        peaks["bfloat16"] = _matmul(torch.bfloat16, device)
    if device.type == "cuda":
        peaks["float16"] = _matmul(torch.float16, device)
    else:
        whole = _int8()
        if whole is not None:
            peaks["int8"] = whole
    numbers = torch.zeros(_BYTES // 4, device=device)
    copy = torch.empty_like(numbers)
    seconds = best_seconds(lambda: copy.copy_(numbers), device)
    peaks["memory"] = 2 * _BYTES / seconds / 1e9
    return peaks


def best_seconds(work: Callable[[], Any], device: torch.device, repeats: int = 5) -> float:
    """The shortest of a few runs, in seconds, the device's own work included."""
    found = []
    for _ in range(repeats + 1):
        wait(device)
        begun = time.perf_counter()
        work()
        wait(device)
        found.append(time.perf_counter() - begun)
    return min(found[1:])


def wait(device: torch.device) -> None:
    """Wait until the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _matmul(dtype: torch.dtype, device: torch.device) -> float:
    size = 8192 if device.type == "cuda" else _SIZE
    one = torch.ones(size, size, dtype=dtype, device=device)
    out = torch.empty_like(one)
    return 2 * size**3 / best_seconds(lambda: torch.mm(one, one, out=out), device) / 1e9


def _int8() -> float | None:
    """8-bit products summed in 32 bits; None where torch has them in plain loops only."""
    from qaconv_core.searching.integer_estimates import fast_bytes

    if not fast_bytes(128):
        return None
    one = torch.ones(_SIZE, _SIZE, dtype=torch.int8)
    out = torch.empty(_SIZE, _SIZE, dtype=torch.int32)
    work = lambda: torch._int_mm(one, one, out=out)  # noqa: E731
    return 2 * _SIZE**3 / best_seconds(work, torch.device("cpu")) / 1e9
