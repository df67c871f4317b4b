"""Ctrl-C at any moment: status 130, one line, no traceback, no process left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process")
ROOT = Path(__file__).parents[2]
SWALLOWED = """
            try: nap()
            except BaseException: raise ImportError("as libraries do")
"""
NAP = """
import time
def nap():
    for _ in range(600):  # one long sleep misses a signal that comes just before it
        time.sleep(0.1)
"""
LOADING = (
    NAP
    + """
import sys
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            print("here", flush=True)
            {act}
sys.meta_path.insert(0, Slow())
from qaconv_core.cli import program
sys.exit(program({arguments!r}))
"""
)


@contextlib.contextmanager
def started(script: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A script in a process group of its own, which is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def interrupted(script: str, folder: Path) -> tuple[int, str, float]:
    """Status, stderr and seconds of a script that gets Ctrl-C when it says where it is."""
    with started(script, folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        begin = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    return process.returncode, err, time.monotonic() - begin


@pytest.mark.parametrize("module", ["qaconv_core.cli.parser", "numpy", "torch", "torch._C"])
@pytest.mark.parametrize("act", ["nap()", SWALLOWED])
def test_while_modules_are_imported(tmp_path, own_folders, module, act):
    script = LOADING.format(module=module, act=act, arguments=["evaluate", "--no-cache"])
    status, err, seconds = interrupted(script, tmp_path)
    assert (status, err) == (130, "qaconv: interrupted\n")
    assert seconds < 20


def test_a_worker_that_starts_does_not_hear_it(tmp_path):
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(2)\ndef work(): return 7\n")
    script = (
        "import signal, sys\n"
        "sys.path.insert(0, '.')\n"
        "from qaconv_core.processes import fresh_pool, submit\n"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"
        "class Work:\n"
        "    def __reduce__(self): return (__import__, ('slow',))\n"
        "with fresh_pool(1, print, (Work(),)) as pool:\n"
        "    begun = submit(pool, pow, 7, 1)\n"
        "    print('here', flush=True)\n"
        "    sys.exit(begun.result())\n"
    )
    status, err, _ = interrupted(script, tmp_path)
    assert (status, err) == (7, "")


BUSY = """
import hashlib, sys, threading, time
from qaconv_core.cli import program, weights
def tell(cancel):
    while not cancel.cancelled: time.sleep(0.01)
    print("set", flush=True)
def run(arguments, cancel):
    threading.Thread(target=tell, args=(cancel,), daemon=True).start()
    print("here", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 2_000_000_000)
weights.run = run
sys.exit(program(["weights"]))
"""


def test_library_code_that_runs_no_python_hears_both(tmp_path, own_folders):
    """The token is set while it computes, and the second Ctrl-C ends the program."""
    with started(BUSY, tmp_path) as process:
        assert process.stdout.readline() == "here\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "set\n"
        begin = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "qaconv: interrupted"
    assert "Traceback" not in err
    assert time.monotonic() - begin < 20


MEASURING = (
    NAP
    + """
import sys
from qaconv_core.bench import suite, timing
from qaconv_core.cli import program
def slow(bench):
    print("here", flush=True)
    {act}
    yield
suite._MEASURES["query", "cpu"] = slow
suite.measure_peaks = lambda device: {{}}
sys.exit(program(["bench", "--quick", "--only", "query"]))
"""
)


@pytest.mark.parametrize("act", ["nap()", "timing.in_child(time.sleep, 60)"])
def test_a_measurement_is_broken_off_at_once(tmp_path, own_folders, act):
    status, err, seconds = interrupted(MEASURING.format(act=act), tmp_path)
    assert status == 130
    assert "qaconv: interrupted; what was measured so far is kept" in err
    assert "Traceback" not in err
    assert seconds < 20
