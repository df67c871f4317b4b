"""The borders of the code: who may import whom, and what may be loaded by it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "qaconv_core"
APP = ROOT / "app"
APP_LAYERS = ("state", "jobs", "items", "views")
LAYERS = (
    ("errors", "readable"),
    ("types", "files", "paths", "progress", "processes", "threads"),
    ("device",),
    ("store",),
    ("data",),
    ("models",),
    ("matching",),
    ("extraction", "searching"),
    ("model",),
    ("ranking",),
    ("explaining",),
    ("evaluation",),
    ("training",),
    ("figures", "bench"),
    ("documents",),
    ("people",),
    ("cli",),
    ("__main__",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
WITHOUT_TORCH = (
    "qaconv_core",
    "qaconv_core.types",
    "qaconv_core.errors",
    "qaconv_core.progress",
    "qaconv_core.store.features",
    "qaconv_core.store.runs",
    "qaconv_core.data",
    "qaconv_core.ranking",
    "qaconv_core.matching.cells",
    "qaconv_core.explaining.masks",
    "qaconv_core.explaining.values",
    "qaconv_core.evaluation",
    "qaconv_core.evaluation.measures",
    "qaconv_core.evaluation.saved_scores",
    "qaconv_core.figures.match",
    "qaconv_core.cli",
)
QT = ("PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "app")


def modules() -> list[Path]:
    return sorted(CORE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def package_of(name: str) -> str | None:
    """``store`` of ``qaconv_core.store.features``; None outside the engine or for itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "qaconv_core" and len(parts) > 1 and parts[1] in LEVEL else None


def test_every_module_of_the_engine_has_a_layer():
    found = {p.relative_to(CORE).parts[0].removesuffix(".py") for p in modules()}
    assert found - {"__init__"} <= set(LEVEL)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(CORE)))
def test_imports_point_one_way(path):
    own = path.relative_to(CORE).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for name in imported(path):
        package = package_of(name)
        assert package is None or package == own or LEVEL[package] < LEVEL[own], (
            f"{path.name} of layer {own} imports {name}"
        )


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(CORE)))
def test_the_engine_has_never_heard_of_a_window(path):
    assert not {name.split(".")[0] for name in imported(path)} & set(QT)


def app_modules() -> list[Path]:
    return sorted(APP.rglob("*.py"))


def app_layer(name: str) -> int | None:
    """Place of ``app.views.x`` in the order of the window's packages; None for anything else."""
    parts = name.split(".")
    known = parts[0] == "app" and len(parts) > 1 and parts[1] in APP_LAYERS
    return APP_LAYERS.index(parts[1]) if known else None


@pytest.mark.parametrize("path", app_modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_windows_imports_point_one_way(path):
    own = app_layer(".".join(path.relative_to(ROOT).parts[:-1]) + ".x")
    for name in imported(path):
        layer = app_layer(name)
        assert own is None or layer is None or layer <= own, f"{path} imports {name}"


@pytest.mark.parametrize("path", sorted(APP.glob("state/**/*.py")), ids=lambda p: p.name)
def test_state_knows_nothing_of_qt(path):
    tops = {name.split(".")[0] for name in imported(path)}
    assert not tops & ({*QT, "matplotlib", "torch"} - {"app"})


@pytest.mark.parametrize(
    "path",
    [p for layer in ("state", "items", "views") for p in sorted((APP / layer).rglob("*.py"))],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_what_is_seen_never_names_torch(path):
    assert "torch" not in {name.split(".")[0] for name in imported(path)}


def test_the_window_opens_without_torch():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in app_modules()
    ]
    # These are loaded by workers, with torch.
    skipped = tuple(
        f"app.jobs.{name}"
        for name in (
            "growing_set",
            "large_gallery",
            "matching_set",
            "pairs",
            "part_search",
            "machine_rates",
        )
    )
    code = "import sys\n" + "".join(f"import {n}\n" for n in names if n not in skipped)
    done = subprocess.run(
        [sys.executable, "-c", code + "print('torch' in sys.modules)"],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "False"


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_torch_is_not_loaded_by(module):
    code = f"import sys, {module}; print([m for m in ('torch', 'PyQt5') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "path", [*modules(), *app_modules()], ids=lambda p: str(p.relative_to(ROOT))
)
def test_files_of_others_are_never_executed(path):
    text = path.read_text(encoding="utf-8")
    assert "allow_pickle=True" not in text
    assert "weights_only=False" not in text
    tree = ast.parse(text)
    calls = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not calls & {"eval", "exec"}
    assert not {"pickle", "cloudpickle", "dill"} & {name.split(".")[0] for name in imported(path)}
