"""How quick the window is: ``python tools/bench_window.py [--write docs/benchmarks.md]``.

Starts the real program on the demo in processes of its own, drives it by keys and pointer, and
prints a Markdown table: median and 95th percentile of what a person waits for, up to the painting
of it. ``--write`` puts the table between the marks of a Markdown file.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from driving import ROOT, Driver, find_display, own_folders

SIZE = (1440, 900)
STARTED = "QACONV_BENCH_STARTED"
BEGIN, END = "<!-- window: begin -->", "<!-- window: end -->"
Times = dict[str, list[float]]
WORDS = {
    "window": "start to first window",
    "processor": "the same, time of the processor",
    "warm": "start to first ranking and match, feature maps stored",
    "cold": "start to first ranking and match, feature maps computed",
    "candidate": "next candidate, with its match",
    "beside": "next candidate, while the set is measured in the background",
    "kept": "the window's thread kept at once, while the set is measured",
    "query": "new query: ranking and match",
    "hover": "hover: another cell under the pointer",
    "mode": "lines to heat maps and back",
    "scroll": "100,000 rows: scroll by a notch",
    "jump": "100,000 rows: jump anywhere",
    "find": "100,000 rows: find, each letter",
    "grid": "grid of 5,000: scroll by a notch, with the pictures that arrive",
}
LISTS = {
    "scroll by a notch": "scroll",
    "jump anywhere": "jump",
    "find, each letter": "find",
    "grid of 5,000: scroll by a notch": "grid",
}


# ── in the program's own process ────────────────────────────────────────────────────────────────


def start_once() -> Times:
    """Seconds from the start of this process to the first window, and to the first match."""
    began = float(os.environ[STARTED])
    driver = Driver(SIZE)
    driver.start()
    driver.wait(lambda: driver.window.windowHandle().isExposed(), "the window")
    driver.turn()
    window, processor = time.time() - began, time.process_time()
    driver.wait(lambda: driver.shown, "the first match")
    driver.turn()
    match = time.time() - began
    driver.close()
    return {"window": [window], "processor": [processor], "match": [match]}


def interact(steps: int) -> Times:
    """Seconds of the steps that a person repeats, on the demo."""
    driver = Driver(SIZE)
    driver.start()
    beside = beside_measuring(driver, steps)
    driver.measured()
    canvas = driver.window.explore.inspector.canvas
    times: Times = beside | {
        "candidate": [timed(lambda: step(driver, "Right")) for _ in range(steps)],
        "query": [timed(lambda: step(driver, "Down")) for _ in range(steps)],
    }
    driver.key("3")
    driver.rest()
    places = [(0.1 + 0.8 * (i * 37 % 100) / 100, 0.1 + 0.8 * (i * 61 % 100) / 100)
              for i in range(steps)]  # fmt: skip

    def hover(place: tuple[float, float]) -> None:
        driver.point(canvas, driver.on_picture(0, *place))
        driver.turn()

    times["hover"] = [timed(lambda place=place: hover(place)) for place in places]

    def mode(key: str) -> None:
        driver.key(key)
        driver.turn()

    times["mode"] = [timed(lambda i=i: mode("12"[i % 2])) for i in range(steps)]
    driver.close()
    return times


def beside_measuring(driver: Driver, most: int) -> Times:
    """Next candidates while the demo's queries are ranked by all methods, as after each start, and
    the times between two moments at which the window's thread was free."""
    from PyQt5.QtCore import QTimer

    moments: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: moments.append(time.perf_counter()))
    # Before, the ranking ends with the maps that are there, and a step beyond that is none.
    driver.wait(lambda: driver.window.controller.matching is not None, "the maps of the gallery")
    driver.wait(lambda: driver.shown, "the first match")
    steps: list[float] = []
    timer.start(1)
    while not driver.space.measures_complete and len(steps) < most:
        steps.append(timed(lambda: step(driver, "Right")))
    timer.stop()
    return {"beside": steps, "kept": [b - a for a, b in itertools.pairwise(moments)]}


def step(driver: Driver, key: str) -> None:
    """Press a key and wait until another match is shown."""
    before = driver.space.selection
    driver.key(key)
    driver.wait(lambda: driver.space.selection != before and driver.shown, "the next match")
    driver.turn()


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# ── from outside ────────────────────────────────────────────────────────────────────────────────


def child(part: str, steps: int, cache: Path | None = None) -> Times:
    """What a process of its own measured. Raises :class:`SystemExit` where it failed."""
    environment = dict(os.environ, **{STARTED: repr(time.time())})
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation keeps its bytecode
    if cache is not None:
        environment["QACONV_CACHE_DIR"] = str(cache)
        environment["PYTHONPYCACHEPREFIX"] = str(cache.parent / "bytecode")
    command = [sys.executable, __file__, "--part", part, "--steps", str(steps)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"bench_window.py: {part} failed:\n{done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(starts: int, steps: int, rows: int) -> Times:
    """Everything, one after another."""
    times: Times = {"window": [], "processor": [], "warm": [], "cold": []}
    with tempfile.TemporaryDirectory(prefix="qaconv-") as folder:
        warm, cold = Path(folder) / "warm", Path(folder) / "cold"
        child("start", steps, warm)  # writes bytecode and feature maps
        for _ in range(starts):
            times["cold"] += child("start", steps, cold)["match"]
            shutil.rmtree(cold, ignore_errors=True)
        for _ in range(starts):
            found = child("start", steps, warm)
            times["warm"] += found["match"]
            times["window"] += found["window"]
            times["processor"] += found["processor"]
        times |= child("interact", steps, warm)
    times |= list_times(rows)
    return times


def list_times(rows: int) -> Times:
    """Those of tools/bench_lists.py, as its medians and 95 %."""
    command = [sys.executable, str(ROOT / "tools" / "bench_lists.py"), str(rows)]
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    if environment.get("DISPLAY"):
        environment.setdefault("QT_QPA_PLATFORM", "xcb")  # as the rest is shown
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    times: Times = {}
    for line in done.stdout.splitlines()[1:]:
        name, middle, high = line.rsplit(maxsplit=2)
        if name.strip() in LISTS:
            times[LISTS[name.strip()]] = [float(middle) / 1000, float(high) / 1000]
    return times


def table(times: Times) -> str:
    """Markdown: the machine, and a row for each step."""
    import numpy as np

    lines = [machine(), "", "| what | median | 95 % | most | times |", "|---|---:|---:|---:|---:|"]
    for name, words in WORDS.items():
        spent = times.get(name, [])
        if not spent:
            continue
        listed = name in LISTS.values()
        middle, high = spent if listed else (np.median(spent), np.percentile(spent, 95))
        most, count = ("–", 100) if listed else (duration(max(spent)), len(spent))
        lines.append(f"| {words} | {duration(middle)} | {duration(high)} | {most} | {count} |")
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """``1.24 s``, ``38 ms``, ``0.8 ms``."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{1000 * seconds:.0f} ms" if seconds >= 0.01 else f"{1000 * seconds:.1f} ms"


def machine() -> str:
    """Processor, versions and how it was shown, in one line."""
    import torch
    from PyQt5.QtCore import PYQT_VERSION_STR, qVersion

    from qaconv_core import __version__
    from qaconv_core.bench.machine import machine_record

    record = machine_record(torch.device("cpu"))
    shown = os.environ.get("QT_QPA_PLATFORM") or "X11"
    return (
        f"{record['cpu']}, torch with {record['threads']} of them; "
        f"{record['system']}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"Qt {qVersion()}, PyQt {PYQT_VERSION_STR}, qaconv {__version__}; "
        f"window of {SIZE[0]}×{SIZE[1]} ({shown}); {time.strftime('%Y-%m-%d')}."
    )


def write_between(path: Path, text: str) -> None:
    """Replace what stands between the marks of a Markdown file."""
    content = path.read_text(encoding="utf-8")
    if content.count(BEGIN) != 1 or content.count(END) != 1:
        sys.exit(f"bench_window.py: --write {path}: needs the lines {BEGIN} and {END} once each")
    head, rest = content.split(BEGIN)
    tail = rest.split(END)[1]
    from qaconv_core.store.atomic import atomic_write_text

    atomic_write_text(path, f"{head}{BEGIN}\n{text}\n{END}{tail}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", type=Path, help="Markdown file whose table is replaced")
    parser.add_argument("--starts", type=int, default=5, help="starts of the program, each kind")
    parser.add_argument("--steps", type=int, default=60, help="repetitions of each step")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the large gallery")
    parser.add_argument("--part", choices=["start", "interact"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    find_display(SIZE)
    if chosen.part is None:
        text = table(measure(chosen.starts, chosen.steps, chosen.rows))
        print(text)
        if chosen.write is not None:
            write_between(chosen.write, text)
        return
    folder = own_folders(False)
    times = start_once() if chosen.part == "start" else interact(chosen.steps)
    shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(times))


if __name__ == "__main__":
    main()
