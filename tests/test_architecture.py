"""The borders of the code: who may import whom, and what may be loaded by it."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Container
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "qaconv_core"
APP = ROOT / "app"
APP_LAYERS = ("state", "jobs", "items", "views")
LAYERS = (
    ("errors", "lazy", "readable"),
    ("caching", "types", "files", "heap", "naming", "paths", "progress", "threads"),
    ("device", "processes"),
    ("ranking",),
    ("store",),
    ("data",),
    ("models",),
    ("matching",),
    ("extraction", "searching"),
    ("model",),
    ("detection", "explaining"),
    ("evaluation",),
    ("galleries",),
    ("training",),
    ("adaptation",),
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
    "qaconv_core.searching.choice",
    "qaconv_core.explaining.masks",
    "qaconv_core.explaining.values",
    "qaconv_core.evaluation",
    "qaconv_core.galleries.truth",
    "qaconv_core.galleries.values",
    "qaconv_core.evaluation.measures",
    "qaconv_core.evaluation.saved_scores",
    "qaconv_core.figures.match",
    "qaconv_core.cli",
)
QT = ("PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "app")


def modules() -> list[Path]:
    return sorted(CORE.rglob("*.py"))


@functools.cache
def imports_and_calls(path: Path) -> tuple[list[ast.Import | ast.ImportFrom], set[str]]:
    """The imports of a file, anywhere in it, and the names that it calls: it is read once."""
    imports: list[ast.Import | ast.ImportFrom] = []
    calls: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.append(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            calls.add(node.func.id)
    return imports, calls


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in imports_and_calls(path)[0]:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        else:
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


def test_the_drawing_has_every_package_in_the_order_of_the_layers():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = page.split("subgraph engine", 1)[1].split("```", 1)[0]
    boxes = re.findall(r'\w\["([\w· ]+)(?:<br>[^"]*)?"\]', drawing)
    expected = [set(names) for names in LAYERS if names != ("__main__",)]
    assert [set(box.split(" · ")) for box in boxes] == expected[::-1]


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


PAGES = ("explore", "gallery", "evaluate", "insights")
VIEWS_MAY_IMPORT = {
    "widgets": ("widgets",),
    "dialogs": ("widgets", "dialogs"),
    **{page: ("widgets", "dialogs", page) for page in PAGES},
    "shell": ("widgets", "dialogs", *PAGES, "shell"),
}


def view_modules() -> list[Path]:
    return sorted(path for path in (APP / "views").rglob("*.py") if path.parent.name != "views")


@pytest.mark.parametrize("path", view_modules(), ids=lambda p: str(p.relative_to(APP / "views")))
def test_widgets_know_no_page_and_pages_know_no_shell_nor_each_other(path):
    allowed = VIEWS_MAY_IMPORT[path.parent.name]
    for name in imported(path):
        view = name.removeprefix("app.views.").split(".")[0]
        of_views = name.startswith("app.views.")
        assert not of_views or view in allowed, f"{path} imports {name}"


def test_the_pointer_uses_only_public_names_of_the_match_picture():
    tree = ast.parse((APP / "views" / "explore" / "match_canvas.py").read_text(encoding="utf-8"))
    private = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr[1] != "_"
    ]
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    own |= {"_pressed", "_dragged_to"}
    assert {node.attr for node in private} <= own


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


def module_graph() -> dict[str, set[str]]:
    """Every module of window and engine, and those of them that it imports anywhere in its text.

    Imports within functions and for type checkers count like others.
    """
    paths = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (*modules(), *app_modules())
    }
    return {name: _imported_modules(path, paths) - {name} for name, path in paths.items()}


def _imported_modules(path: Path, known: Container[str]) -> set[str]:
    found = set()
    for node in imports_and_calls(path)[0]:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        else:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found.update(name if name in known else str(node.module) for name in names)
    return {name for name in found if name in known}


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """Modules of which each imports the next, the first one again at the end; empty without."""
    done: set[str] = set()

    def search(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for imported_name in sorted(graph[name]):
            if found := search(imported_name, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := search(name, []))), [])


def test_no_modules_import_each_other_in_a_circle():
    graph = module_graph()
    assert "app.state.workspace" in graph["app.jobs.controller"]
    assert not (circle := circle_in(graph)), " → ".join(circle)


def test_a_circle_is_found_and_named():
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}
    assert circle_in(graph) == ["b", "d", "b"]
    assert circle_in({**graph, "d": {"c"}}) == []


def test_the_window_opens_without_torch():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in app_modules()
    ]
    # These are loaded by workers, with torch.
    skipped = tuple(f"app.jobs.{name}" for name in ("machine_rates",))
    code = "import sys\n" + "".join(f"import {n}\n" for n in names if n not in skipped)
    done = subprocess.run(
        [sys.executable, "-c", code + "print('torch' in sys.modules)"],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "False"


def test_the_first_window_imports_no_dialog_and_no_page_that_it_does_not_show():
    unseen = (
        "app.views.dialogs.", "app.views.evaluate", "app.views.insights.errors", "qaconv_core.cli",
        "qaconv_core.evaluation.reports", "matplotlib", "ssl",
    )  # fmt: skip
    code = f"import sys, app.program; print(*(m for m in sys.modules if m.startswith({unseen})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


def test_a_command_does_not_wait_for_the_modules_of_others():
    code = (
        "import sys; from qaconv_core.cli import main; main(['check', '--help']); "
        "print(*sorted(m for m in sys.modules if m.startswith('qaconv_core.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    loaded = done.stdout.splitlines()[-1].split()
    assert "qaconv_core.cli.check" in loaded
    assert not {"qaconv_core.cli.train", "qaconv_core.cli.evaluate"} & {*loaded}


def test_a_command_that_draws_nothing_does_not_load_matplotlib():
    code = (
        "import sys; from qaconv_core.cli import main; main(['rank', '--query', 'no.jpg', "
        "'--gallery', 'demo']); print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines() == ["False"], done.stdout + done.stderr
    assert "no.jpg" in done.stderr


AT_FIRST_USE = [
    path.parent
    for path in (*modules(), *app_modules())
    if path.name == "__init__.py" and "names_at_first_use(" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("folder", AT_FIRST_USE, ids=lambda p: str(p.relative_to(ROOT)))
def test_names_that_wait_for_their_first_use_are_there(folder):
    package = importlib.import_module(".".join(folder.relative_to(ROOT).parts))
    modules_in_it = {path.stem for path in folder.glob("*.py")}
    for name, home in package._HOMES.items():
        assert name in package.__all__
        assert name not in modules_in_it, "the module would hide the name"
        assert getattr(package, name) is getattr(
            importlib.import_module(f"{package.__name__}.{home}"), name
        )
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


@pytest.fixture(scope="module")
def loaded_by() -> dict[str, list[str]]:
    """Which of torch and Qt each module is the first to load.

    One process for all; each module is imported as if it were the first one of the engine.
    """
    code = (
        "import importlib, json, sys\n"
        "found = {}\n"
        f"for name in {WITHOUT_TORCH}:\n"
        "    for own in [m for m in sys.modules if m.split('.')[0] == 'qaconv_core']:\n"
        "        del sys.modules[own]\n"
        "    before = {*sys.modules}\n"
        "    importlib.import_module(name)\n"
        "    found[name] = sorted({'torch', 'PyQt5'} & {*sys.modules} - before)\n"
        "print(json.dumps(found))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_torch_is_not_loaded_by(module, loaded_by):
    assert loaded_by[module] == []


@pytest.mark.parametrize(
    "path", [*modules(), *app_modules()], ids=lambda p: str(p.relative_to(ROOT))
)
def test_files_of_others_are_never_executed(path):
    text = path.read_text(encoding="utf-8")
    assert "allow_pickle=True" not in text
    assert "weights_only=False" not in text
    assert not imports_and_calls(path)[1] & {"eval", "exec"}
    assert not {"pickle", "cloudpickle", "dill"} & {name.split(".")[0] for name in imported(path)}
