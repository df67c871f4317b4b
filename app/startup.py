"""What can go wrong before Qt is there, told in one line instead of an abort.

Qt ends the process itself when it finds no display or when a library of its X11 plugin is missing.
Everything here runs before the first window is made, loads no Qt library into this process but
the plugin that is tried, and can be tested as plain functions.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import re
import socket
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

BAD_INPUT = 2
PLATFORM = "QT_QPA_PLATFORM"
PLUGIN_PATHS = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_PLUGIN_PATH")
FONT_FOLDER = "QT_QPA_FONTDIR"
WAYS_OUT = (
    "log in with 'ssh -X', run under 'xvfb-run -a', or set QT_QPA_PLATFORM=offscreen to run unseen"
)

PACKAGES: dict[str, tuple[str, str]] = {
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil"),
    "libxcb-util.so.1": ("libxcb-util1", "xcb-util"),
    "libxcb-xinerama.so.0": ("libxcb-xinerama0", "libxcb"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb"),
    "libxcb-render.so.0": ("libxcb-render0", "libxcb"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb"),
    "libxcb-shm.so.0": ("libxcb-shm0", "libxcb"),
    "libxcb-sync.so.1": ("libxcb-sync1", "libxcb"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb"),
    "libxcb.so.1": ("libxcb1", "libxcb"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb"),
    "libX11.so.6": ("libx11-6", "libX11"),
    "libXext.so.6": ("libxext6", "libXext"),
    "libGL.so.1": ("libgl1", "mesa-libGL"),
    "libEGL.so.1": ("libegl1", "mesa-libEGL"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig"),
    "libfreetype.so.6": ("libfreetype6", "freetype"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
}
"""Libraries of Qt's X11 plugin: their packages in Debian and Ubuntu, and in Fedora."""

_SONAME = re.compile(r"\b(lib[\w.+-]+?\.so[.\d]*)")


def prepare() -> str:
    """Make this process fit for Qt; empty, or one line that says why it cannot show a window.

    To be called before anything of PyQt5 is imported.
    """
    shut_out_other_qts(os.environ)
    keep_opengl_out(os.environ)
    if not sys.platform.startswith("linux"):
        return ""
    problem = no_display(os.environ)
    if problem or not wants_x11(os.environ):
        return problem
    return library_problem(x11_plugin()) or unreachable(os.environ)


# ── the collector of garbage ────────────────────────────────────────────────────────────────────


def hold_collector() -> None:
    """Look for no garbage until :func:`release_collector`.

    What modules, classes and widgets are made of stays to the end, so that a tenth of the start
    would be spent on looking at it again and again.
    """
    gc.disable()


def release_collector() -> None:
    """Look for garbage again, but not among what the start has made."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


# ── other copies of Qt ──────────────────────────────────────────────────────────────────────────


def qt_plugins() -> Path | None:
    """The plugins of PyQt5's own Qt; None where PyQt5 comes from the system without one."""
    found = importlib.util.find_spec("PyQt5")
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        for folder in ("Qt5", "Qt"):
            plugins = Path(place) / folder / "plugins"
            if plugins.is_dir():
                return plugins
    return None


def shut_out_other_qts(environment: MutableMapping[str, str]) -> None:
    """Let Qt find its own plugins and fonts, not OpenCV's.

    Importing opencv-python (the build with a window of its own) points Qt at plugins of another
    copy of Qt, which end the process; so does a parent process that has imported it. Folders that
    have nothing to do with cv2 were chosen by somebody and stay.
    """
    for name in (*PLUGIN_PATHS, FONT_FOLDER):
        if _is_of_cv2(environment.get(name, "")):
            del environment[name]


def keep_opengl_out(environment: MutableMapping[str, str]) -> None:
    """Draw without OpenGL, which this program does not use.

    Mesa's software OpenGL brings LLVM into the process, and so does Triton, which torch loads:
    the second copy ends the process with a segmentation fault.
    """
    environment.setdefault("QT_XCB_GL_INTEGRATION", "none")


def _is_of_cv2(folder: str) -> bool:
    return any("cv2" in Path(part).parts for part in folder.split(os.pathsep))


# ── a display ───────────────────────────────────────────────────────────────────────────────────


def no_display(environment: Mapping[str, str]) -> str:
    """One line where no screen is named at all, and none is asked for by name."""
    if environment.get(PLATFORM):
        return ""
    if environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"):
        return ""
    return f"there is no display (DISPLAY and WAYLAND_DISPLAY are not set): {WAYS_OUT}"


def wants_x11(environment: Mapping[str, str]) -> bool:
    """Whether Qt will load its X11 plugin."""
    wanted = environment.get(PLATFORM, "").split(";")[0].split(":")[0]
    if wanted:
        return wanted == "xcb"
    # Under Wayland Qt 5 has a plugin of its own, which it does not use on GNOME.
    gnome = "gnome" in environment.get("XDG_CURRENT_DESKTOP", "").lower()
    return bool(environment.get("DISPLAY")) and (gnome or not environment.get("WAYLAND_DISPLAY"))


def unreachable(environment: Mapping[str, str]) -> str:
    """One line where the X server that DISPLAY names does not let us in."""
    display = environment.get("DISPLAY", "")
    if not display:
        return f"there is no display (DISPLAY is not set): {WAYS_OUT}"
    answer = _x_server_answers(display)
    if answer is None:
        answer = _port_answers(display)
    return "" if answer else f"the display {display} (DISPLAY) cannot be reached: {WAYS_OUT}"


def _x_server_answers(display: str) -> bool | None:
    """Whether libxcb can connect (with the user's keys); None without libxcb."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return None
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.POINTER(ctypes.c_int))
    xcb.xcb_connection_has_error.argtypes = (ctypes.c_void_p,)
    xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(display.encode(), None)
    fine = not xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return fine


def _port_answers(display: str) -> bool:
    """Whether anything listens where the X server of that name would."""
    host, _, number = display.rpartition(":")
    screen = number.split(".")[0]
    if not screen.isdecimal():
        return False
    try:
        if host in ("", "unix"):
            with socket.socket(socket.AF_UNIX) as pipe:
                pipe.settimeout(2)
                pipe.connect(f"/tmp/.X11-unix/X{screen}")
        else:
            socket.create_connection((host, 6000 + int(screen)), timeout=2).close()
    except OSError:
        return False
    return True


# ── libraries ───────────────────────────────────────────────────────────────────────────────────


def x11_plugin() -> Path | None:
    """The file of PyQt5's X11 plugin."""
    plugins = qt_plugins()
    path = None if plugins is None else plugins / "platforms" / "libqxcb.so"
    return path if path is not None and path.is_file() else None


def library_problem(plugin: Path | None) -> str:
    """One line where the plugin cannot be loaded; empty where it can."""
    fault = load_fault(plugin) if plugin is not None else ""
    if plugin is None or not fault:
        return ""
    missing = soname_in(fault)
    if not missing:
        return f"Qt's X11 plugin cannot be loaded ({fault})"
    # The loader names one at a time, so the others that are needed are tried as well.
    others = [name for name in needed_by(plugin) if name != missing and load_fault(Path(name))]
    return missing_line((missing, *others))


def import_problem(error: ImportError) -> str:
    """One line where a module of Qt cannot be loaded, which names the library that is not there."""
    missing = soname_in(str(error))
    if missing:
        return missing_line((missing,)).replace("Qt's X11 plugin", "Qt", 1)
    return f"the window cannot be loaded ({error}); run 'python -m pip install -e .' again"


def needed_by(plugin: Path) -> tuple[str, ...]:
    """Which of :data:`PACKAGES` the plugin and Qt's library behind it refer to."""
    files = (plugin, plugin.parents[2] / "lib" / "libQt5XcbQpa.so.5")
    content = b"".join(file.read_bytes() for file in files if file.is_file())
    return tuple(name for name in PACKAGES if name.encode() + b"\0" in content)


def load_fault(library: Path) -> str:
    """What the loader says against a library; empty when it can be loaded."""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return " ".join(str(error).split())
    return ""


def soname_in(message: str) -> str:
    """The library that a loader's message is about, e.g. ``libxcb-icccm.so.4``."""
    missing = message.split(": cannot open shared object file")[0]
    found = _SONAME.findall(missing)
    return str(found[-1]) if found and "cannot open shared object file" in message else ""


def missing_line(missing: tuple[str, ...]) -> str:
    """One line that names libraries and the packages that have them."""
    debian = dict.fromkeys(PACKAGES[name][0] for name in missing if name in PACKAGES)
    fedora = dict.fromkeys(PACKAGES[name][1] for name in missing if name in PACKAGES)
    line = f"Qt's X11 plugin needs {', '.join(missing)}, not found on this system"
    if not debian:
        return f"{line}; install the package that has it"
    return (
        f"{line}; on Debian or Ubuntu: apt install {' '.join(debian)}; "
        f"on Fedora: dnf install {' '.join(fedora)}"
    )


def main() -> int:
    """Status 0 where a window can be shown; else one line on stderr and status 2."""
    problem = prepare()
    if problem:
        print(f"qaconv: {problem}", file=sys.stderr)
        return BAD_INPUT
    return 0
