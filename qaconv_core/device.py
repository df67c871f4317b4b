"""Where the arithmetic runs and how much memory is free there.

Torch is imported inside the functions: asking for the host's memory must not cost its start-up.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from qaconv_core.errors import InputError
from qaconv_core.readable import counted
from qaconv_core.threads import usable_cores

if TYPE_CHECKING:
    import torch

FALLBACK_MEMORY = 4 * 2**30
"""Bytes taken to be free where the system tells nothing."""


PRECISIONS = ("auto", "fast", "float32", "bfloat16", "float16")
"""Arithmetics of the feature network that can be asked for; see :func:`resolve_precision`."""


def check_device_name(spec: object) -> str:
    """The name of a device in lower case; whether it is there is not looked at.

    Raises :class:`InputError` for a name that is none.
    """
    name = str(spec).strip().lower()
    kind, _, number = name.partition(":")
    if name == "auto" or (kind in ("cpu", "cuda", "mps") and (kind == name or number.isdecimal())):
        return name
    raise InputError(f"unknown device '{spec}': use auto, cpu, cuda, cuda:0, cuda:1, … or mps")


def resolve_device(spec: str | torch.device = "auto") -> torch.device:
    """The device named by ``spec``: ``auto`` (CUDA if there, else CPU), ``cpu``, ``cuda``,
    ``cuda:1``, ``mps``.

    Raises :class:`InputError` when the name is unknown or the device is not in this machine.
    """
    import torch

    name = check_device_name(spec)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = name.partition(":")
    if kind == "cuda":
        _require_cuda(name, int(number or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise InputError("device 'mps' needs an Apple GPU, and there is none: use auto or cpu")
    return torch.device(name)


def _require_cuda(name: str, number: int) -> None:
    import torch

    if not torch.cuda.is_available():
        raise InputError(
            f"device '{name}' needs an NVIDIA GPU with a driver that this torch can use, "
            "and there is none: use auto or cpu"
        )
    count = torch.cuda.device_count()
    if number >= count:
        known = ", ".join(f"cuda:{i}" for i in range(count))
        raise InputError(f"there is no device '{name}' in this machine: use {known}, auto or cpu")


def describe_device(device: torch.device | str) -> str:
    """One line for people: the GPU's name, or the CPU's model and its number of usable cores."""
    import torch

    device = torch.device(device)
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({_cuda_name(device)})"
    if device.type == "mps":
        return f"Apple GPU (mps), {cpu_model()}"
    cores = usable_cores()
    return f"{cpu_model()}, {counted(cores, 'core')}"


def _cuda_name(device: torch.device) -> str:
    return "cuda" if device.index is None else f"cuda:{device.index}"


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The CPU's model name as the system gives it, else its architecture."""
    try:
        for line in cpuinfo.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip().lower() == "model name" and value.strip():
                return " ".join(value.split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "CPU"


def resolve_precision(precision: str, device: torch.device | str) -> str:
    """The arithmetic that ``precision`` (see :data:`PRECISIONS`) means on ``device``: float32,
    float16 or bfloat16.

    ``auto`` is mixed precision with float16 on CUDA and float32 elsewhere; ``fast`` is the same but
    for bfloat16 on CPUs that compute in it.
    """
    kind = str(device).partition(":")[0]
    if precision in ("auto", "fast"):
        if kind == "cuda":
            return "float16"
        fast = precision == "fast" and kind == "cpu" and cpu_knows_bfloat16()
        return "bfloat16" if fast else "float32"
    if precision not in PRECISIONS:
        raise InputError(f"unknown precision '{precision}': use {', '.join(PRECISIONS)}")
    return precision


def cpu_knows_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16, and not only by way of float32.

    Asked of torch where it can tell; where it cannot, False is the safe answer.
    """
    import torch

    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        with contextlib.suppress(Exception):
            if getattr(torch.cpu, name)():
                return True
    return False


@functools.lru_cache(maxsize=1)
def second_level_cache(root: Path = Path("/")) -> int:
    """Bytes of one core's second-level cache, 1 MiB where the system does not tell."""
    for index in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        size = _lines(index / "size")
        if _lines(index / "level") == ["2"] and size and size[0].endswith("K"):
            return min(max(int(size[0][:-1]) << 10, 256 << 10), 4 << 20)
    return 1 << 20


def available_memory(device: torch.device | str = "cpu") -> int:
    """Bytes free for this process on ``device``.

    Host: the least of what the kernel calls available and what the limits of our control groups
    (containers, batch systems) leave. CUDA: what the driver has free, plus what torch keeps in
    reserve and does not use.
    """
    if str(device).startswith("cuda"):
        return _cuda_memory(device)
    return host_memory()


def _cuda_memory(device: torch.device | str) -> int:
    import torch

    device = torch.device(device)
    free, _ = torch.cuda.mem_get_info(device)
    reserve = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(free) + max(0, int(reserve))


def host_memory(root: Path = Path("/")) -> int:
    """Bytes of host memory free for this process; ``root`` is where /proc and /sys are found."""
    amounts = [*_kernel_available(root), *_cgroup_room(root)]
    if amounts:
        return max(0, min(amounts))
    try:
        return int(os.sysconf("SC_AVPHYS_PAGES")) * int(os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return FALLBACK_MEMORY


def resident_memory(root: Path = Path("/")) -> int:
    """Bytes of host memory that this process holds; 0 where the system does not tell."""
    return process_memory("VmRSS", root) or 0


def process_memory(what: str, root: Path = Path("/")) -> int | None:
    """Bytes of host memory of this process, by Linux's name (``VmRSS``: all that is resident,
    ``RssAnon``: without mapped files); None where the system does not tell."""
    for line in _lines(root / "proc/self/status"):
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    return None


def _kernel_available(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _cgroup_room(root: Path) -> Iterator[int]:
    """What each control group from ours up to the top leaves free, in bytes."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            base, names = "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base = "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        path = PurePosixPath(group.lstrip("/"))
        for part in (path, *path.parents):
            yield from _group_room(root / base / part, *names)


def _group_room(folder: Path, limit: str, usage: str, cache: str) -> Iterator[int]:
    """Limit − usage of one group; cached files count as free, the kernel drops them on demand."""
    most, used = _number(folder / limit), _number(folder / usage)
    if most is None or used is None:
        return
    for line in _lines(folder / "memory.stat"):
        if line.startswith(f"{cache} "):
            used -= int(line.split()[1])
    yield most - max(0, used)


def _number(path: Path) -> int | None:
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def format_bytes(amount: float) -> str:
    """``amount`` bytes for people, in powers of 1024: ``0 B``, ``48.0 KiB``, ``4.5 GiB``."""
    if abs(amount) < 1024:
        return f"{amount:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        amount /= 1024
        if abs(amount) < 1024:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1024:.1f} TiB"
