"""Before Qt is there: other copies of Qt, no display, missing libraries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app import startup

ROOT = Path(__file__).parents[2]
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is for Linux")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh Python without the display and platform of this one."""
    unset = (startup.PLATFORM, "DISPLAY", "WAYLAND_DISPLAY", *startup.PLUGIN_PATHS)
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60,
        env={**kept, **environment},
    )  # fmt: skip


START = "import sys; from app.startup import main; sys.exit(main())"


@linux_only
def test_without_a_display_there_is_one_line():
    done = run(START)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    for way_out in ("ssh -X", "xvfb-run", "QT_QPA_PLATFORM=offscreen"):
        assert way_out in done.stderr


@linux_only
def test_a_display_that_does_not_answer_is_named():
    done = run(START, DISPLAY=":4711")
    if "X11 plugin" in done.stderr:
        pytest.skip("this machine lacks libraries of Qt's X11 plugin")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert ":4711" in done.stderr


def test_a_platform_that_was_asked_for_is_not_questioned():
    done = run(START, QT_QPA_PLATFORM="offscreen")
    assert (done.returncode, done.stderr) == (0, "")


FAKE_CV2 = """
import os
here = os.path.dirname(os.path.abspath(__file__))
os.environ["QT_QPA_PLATFORM_PLUGIN_PATH"] = os.path.join(here, "qt", "plugins")
os.environ["QT_QPA_FONTDIR"] = os.path.join(here, "qt", "fonts")
"""
OPEN_WINDOW = """
import cv2
{prepare}
from PyQt5.QtWidgets import QApplication, QLabel
application = QApplication([])
label = QLabel("words")
label.show()
application.processEvents()
print("shown", label.isVisible())
"""


def fake_cv2(folder: Path) -> Path:
    """opencv-python as far as it matters here: it points Qt at a plugin of another Qt."""
    plugins = startup.qt_plugins()
    own = None if plugins is None else plugins / "platforms" / "libqoffscreen.so"
    if own is None or not own.is_file():
        pytest.skip("PyQt5 comes without such a plugin here")
    package = folder / "cv2"
    platforms = package / "qt" / "plugins" / "platforms"
    platforms.mkdir(parents=True)
    other = own.read_bytes().replace(b"libQt5Core.so.5", b"libQt5Xyz0.so.5")
    (platforms / "libqoffscreen.so").write_bytes(other)
    (package / "__init__.py").write_text(FAKE_CV2)
    return folder


@linux_only
def test_opencvs_own_qt_does_no_harm(tmp_path):
    path = os.pathsep.join((str(fake_cv2(tmp_path)), str(ROOT)))
    code = OPEN_WINDOW.format(prepare="from app import startup; assert startup.prepare() == ''")
    done = run(code, PYTHONPATH=path, QT_QPA_PLATFORM="offscreen")
    assert done.stdout == "shown True\n", done.stderr
    unprepared = run(OPEN_WINDOW.format(prepare=""), PYTHONPATH=path, QT_QPA_PLATFORM="offscreen")
    assert unprepared.returncode != 0, "without the guard the fake package must do harm"


def test_only_traces_of_opencv_are_removed():
    environment = {
        "QT_QPA_PLATFORM_PLUGIN_PATH": "/x/site-packages/cv2/qt/plugins",
        "QT_QPA_FONTDIR": "/x/site-packages/cv2/qt/fonts",
        "QT_PLUGIN_PATH": "/opt/my/plugins",
        "HOME": "/cv2",
    }
    startup.shut_out_other_qts(environment)
    assert environment == {"QT_PLUGIN_PATH": "/opt/my/plugins", "HOME": "/cv2"}


def test_opengl_stays_out_unless_somebody_wants_it():
    environment: dict[str, str] = {}
    startup.keep_opengl_out(environment)
    assert environment == {"QT_XCB_GL_INTEGRATION": "none"}
    chosen = {"QT_XCB_GL_INTEGRATION": "xcb_egl"}
    startup.keep_opengl_out(chosen)
    assert chosen == {"QT_XCB_GL_INTEGRATION": "xcb_egl"}


@linux_only
@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs an X server")
def test_no_second_llvm_comes_with_the_first_window():
    code = "from app import startup; assert startup.prepare() == ''\n"
    code += OPEN_WINDOW.replace("import cv2", "").format(prepare="")
    code += "print('LLVM' in open('/proc/self/maps').read())"
    done = subprocess.run(
        ["xvfb-run", "-a", sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
        timeout=60, env={**os.environ, startup.PLATFORM: "xcb"},
    )  # fmt: skip
    if "Qt's X11 plugin" in done.stderr:
        pytest.skip("this machine lacks libraries of Qt's X11 plugin")
    assert done.stdout == "shown True\nFalse\n", done.stderr


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"QT_QPA_PLATFORM": "xcb"}, True),
        ({"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, False),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, False),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "w", "XDG_CURRENT_DESKTOP": "ubuntu:GNOME"}, True),
    ],
)
def test_when_x11_is_asked(environment, wanted):
    assert startup.wants_x11(environment) is wanted


@pytest.mark.parametrize(
    ("message", "soname"),
    [
        ("libxcb-icccm.so.4: cannot open shared object file: No such file or directory",
         "libxcb-icccm.so.4"),
        ("/lib/libGLX.so.0: undefined symbol: x", ""),
        ("libstdc++.so.6: version `GLIBCXX_3.4.99' not found (required by libqxcb.so)", ""),
    ],
)  # fmt: skip
def test_the_loaders_message_is_understood(message, soname):
    assert startup.soname_in(message) == soname


def test_a_library_that_is_not_there_is_named_with_its_packages(tmp_path, monkeypatch):
    """A plugin that needs two libraries, neither of them there."""
    platforms = tmp_path / "plugins" / "platforms"
    platforms.mkdir(parents=True)
    plugin = platforms / "libqxcb.so"
    plugin.write_bytes(b"\x7fELF libxcb-icccm.so.4\0libxkbcommon-x11.so.0\0libX11.so.6\0")
    absent = {"libxcb-icccm.so.4", "libxkbcommon-x11.so.0"}

    def load(name):
        if name == str(plugin):
            name = "libxcb-icccm.so.4"
        if name in absent:
            raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(startup.ctypes, "CDLL", load)
    line = startup.library_problem(plugin)
    assert "libxcb-icccm.so.4, libxkbcommon-x11.so.0" in line
    assert "apt install libxcb-icccm4 libxkbcommon-x11-0" in line
    assert "dnf install xcb-util-wm libxkbcommon-x11" in line
    assert "\n" not in line
    absent.clear()
    assert startup.library_problem(plugin) == ""


def test_a_plugin_that_cannot_be_loaded_for_another_reason_is_said(tmp_path):
    plugin = tmp_path / "a" / "b" / "libqxcb.so"
    plugin.parent.mkdir(parents=True)
    plugin.write_bytes(b"no library at all")
    assert "cannot be loaded" in startup.library_problem(plugin)
    assert startup.library_problem(None) == ""


def test_every_library_that_the_plugin_names_has_its_packages():
    plugin = startup.x11_plugin()
    if plugin is None:
        pytest.skip("PyQt5 comes without Qt here")
    needed = startup.needed_by(plugin)
    assert {"libxcb-icccm.so.4", "libxcb-keysyms.so.1", "libxkbcommon-x11.so.0"} <= set(needed)


def test_nothing_of_qt_is_loaded_for_these_checks():
    code = "import sys; from app import startup; startup.no_display({}); print([m for m in sys.modules if m.startswith(('PyQt5', 'torch'))])"  # noqa: E501
    assert run(code).stdout == "[]\n"


def test_the_window_waits_for_no_library_of_the_computations():
    slow = ("torch", "scipy", "cv2", "matplotlib", "pandas", "reportlab")
    code = f"import sys; import app.program; print([m for m in {slow} if m in sys.modules])"
    assert run(code).stdout == "[]\n"


def test_a_library_that_qt_itself_lacks_is_named_with_its_package():
    fault = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    line = startup.import_problem(fault)
    assert line.startswith("Qt needs libGL.so.1")
    assert "apt install libgl1" in line
    assert "pip install" in startup.import_problem(ImportError("No module named 'PyQt5'"))
