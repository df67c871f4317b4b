"""Pictures of the window: starts the real program on the demo, drives it, writes PNG files.

    python tools/screenshots.py                              # the README's, into docs/images/window
    python tools/screenshots.py --of small                   # 1280×800, for docs/window.md
    python tools/screenshots.py --of large                   # 2560×1440, for docs/window.md
    python tools/screenshots.py --of sharp                   # at 200 %, for docs/window.md
    python tools/screenshots.py --out DIR                    # every view
    python tools/screenshots.py --out DIR --size 1280x800 --scale 2 --only hover
    python tools/screenshots.py --out DIR --size 1280x800 --size 2560x1440 --only heat-dark

Without a display it runs itself under xvfb-run. Settings and runs of whoever calls it are not
touched; feature maps come from the usual cache unless ``--fresh``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from driving import PATIENCE, ROOT, Driver, find_display, own_folders

FOLDER = ROOT / "docs" / "images" / "window"
LARGEST = 400_000
"""Bytes of a picture for the README; a larger one gets 256 colours."""
TORSO = (0.5, 0.36)
TITLE = 28
"""Pixels of the bar above a dialog."""
PAIRS = 20
"""Pairs of each kind that trust is measured on: enough for a picture of the page."""


# ── views ───────────────────────────────────────────────────────────────────────────────────────


def browse(driver: Driver) -> None:
    """As a first start leaves it: ranked, the first candidate explained by lines."""


def explore(driver: Driver, mode: str) -> None:
    """Look at a match in one of the modes."""
    driver.key("Ctrl+1")
    hint = driver.window.explore.hint
    if hint.isVisible():
        driver.click(hint.button)
    driver.key(mode)
    driver.wait(lambda: driver.shown, "the match")


def lines(driver: Driver) -> None:
    """The next true match, with more lines."""
    explore(driver, "1")
    driver.key("N")
    driver.key("+")
    driver.wait(lambda: driver.shown, "the next true match")


def heat(driver: Driver) -> None:
    """What every cell adds."""
    explore(driver, "2")


def hover(driver: Driver) -> None:
    """Pointing at the query's torso."""
    explore(driver, "3")
    driver.rest()
    canvas = driver.window.explore.inspector.canvas
    driver.point(canvas, driver.on_picture(0, *TORSO))
    driver.wait(lambda: driver.space.hover is not None, "a cell under the pointer")


def compare(driver: Driver) -> None:
    """A query whose rank 1 is false: that match beside the first true one."""
    driver.key("Ctrl+1")
    driver.key("E")
    driver.rest()
    driver.wait(lambda: driver.shown, "the next error")
    driver.key("C")
    driver.wait(lambda: driver.shown, "both candidates")


def grid(driver: Driver) -> None:
    """The whole ranking."""
    explore(driver, "1")
    driver.key("A")


def gallery(driver: Driver) -> None:
    """The gallery by likeness, before any query."""
    driver.key("Ctrl+5")
    page = driver.window.gallery
    driver.wait(lambda: page.jobs.ready, "the maps")
    driver.command("sort by likeness")
    driver.wait(lambda: page.gallery.look.sort == "likeness", "the order")


def persons(driver: Driver) -> None:
    """Some persons named, and a pair that is asked about."""
    driver.key("Ctrl+5")
    page, data = driver.window.gallery, driver.space.data
    driver.wait(lambda: page.jobs.ready, "the maps")
    for pid in (53, 57, 7, 39):
        page.gallery.choose(tuple((data.gallery_pids == pid).nonzero()[0].tolist()))
        driver.key("Ctrl+N")
        driver.rest()
    driver.command("evaluate labels")
    driver.wait(page.persons.result.isVisible, "the measure")
    driver.command("suggest pairs")
    driver.wait(lambda: page.persons.box.asking, "a pair")


def line_of_labels(driver: Driver) -> None:
    """Explore with the line of the pairs that were labelled."""
    persons(driver)
    driver.key("Ctrl+1")
    header = driver.window.explore.results.header
    driver.wait(lambda: header.height() > 40, "the line")
    driver.key("A")  # pale candidates, too


def weights(driver: Driver) -> None:
    """What weights there are, one of the published chosen."""
    driver.key("Ctrl+1")
    driver.command("weights")
    dialog = driver.dialog("weights")
    driver.wait(lambda: dialog.list.topLevelItemCount() == 3, "the list")
    dialog.list.setCurrentItem(dialog.list.topLevelItem(2).child(0))


def import_pictures(driver: Driver) -> None:
    """How the demo's gallery is understood as a folder of somebody's own."""
    driver.key("Ctrl+1")
    driver.command("import pictures")
    dialog = driver.dialog("import")
    dialog.choose([driver.space.data.gallery[0].path.parent])
    driver.wait(dialog.save.isEnabled, "the preview")
    driver.rest()
    dialog.where.setText("~/pictures")  # not the place of this copy


def import_boxes(driver: Driver) -> None:
    """People of a rendered scene by a file of boxes, dropped on the window with it."""
    driver.key("Ctrl+1")
    own = Path(os.environ["QACONV_DATA_DIR"])
    own.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="scenes-", dir=own))  # goes with it
    boxes = [(317, 140, 31, 102), (564, 380, 70, 152), (251, 144, 39, 67), (40, 312, 48, 131)]
    rows = ["file,x,y,w,h"]
    for number in range(1, 7):
        name = f"street-{number}.jpg"
        shutil.copy(ROOT / "tests" / "data" / "scene.jpg", folder / name)
        rows += [",".join(map(str, (name, *box))) for box in boxes[: 1 + number % 4]]
    table = folder / "boxes.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    driver.drop(folder, table)
    dialog = driver.dialog("import")
    driver.wait(dialog.save.isEnabled, "the boxes")
    last = dialog.table.item(dialog.table.rowCount() - 1, 0)
    size = dialog.table.iconSize()
    shown = lambda: last.icon().pixmap(size).toImage().pixelColor(5, 24).alpha() > 0  # noqa: E731
    driver.wait(shown, "the people")
    dialog.where.setText("~/street, ~/boxes.csv")  # not the place of this copy
    dialog.possible.setText(dialog.possible.text().replace(str(folder), "~/street"))


def forget(driver: Driver) -> None:
    """What is kept of the demo, before it is forgotten."""
    driver.key("Ctrl+1")
    driver.command("forget this data set")
    dialog = driver.dialog("forget")
    driver.wait(dialog.forget.isEnabled, "the count")


def panels(driver: Driver) -> None:
    """The pictures alone, under heat maps."""
    explore(driver, "2")
    driver.key("S")
    driver.key("F")


def decisions(driver: Driver) -> None:
    """The first candidates decided by keys, the last by the buttons beside it."""
    choose(driver, BACKPACK[0])
    truth = driver.space.ranking.truth[:6].tolist()
    for known in truth[:-1]:
        driver.key({1: "Y", 0: "R"}.get(known, "U"))
        driver.rest()
        driver.key("Right")
        driver.rest()
    verdict = "confirm" if truth[-1] == 1 else "reject"
    button = driver.window.explore.inspector.decisions.buttons[f"candidate.{verdict}"]
    if not button.isChecked():  # once more would take it away
        driver.click(button)


def report(driver: Driver) -> None:
    """Several candidates chosen, and what a report on them would hold."""
    choose(driver, BACKPACK[0])
    for _ in range(4):
        driver.rest()
        driver.key("Shift+Right")
    driver.rest()
    driver.click(driver.window.explore.results.header.report)
    application = driver.program.application
    driver.wait(application.activeModalWidget, "the report's dialog")
    # Where this machine keeps its files is nobody's business.
    application.activeModalWidget().path.setText(
        f"~/report_{BACKPACK[0].removesuffix('.jpg')}.html"
    )


def box(driver: Driver, panel: int, corners: tuple[float, float, float, float]) -> None:
    """Drag a box over a picture; corners in shares of its width and height."""
    start, end = driver.on_picture(panel, *corners[:2]), driver.on_picture(panel, *corners[2:])
    driver.drag(driver.window.explore.inspector.canvas, start, end)
    driver.wait(lambda: not driver.window.runner.busy and driver.shown, "the answer")


BACKPACK = ("0002_c5", (0.24, 0.22, 0.64, 0.5))
"""A query of the demo, and where its white backpack is."""


def choose(driver: Driver, name: str) -> None:
    """The query whose file begins so, and its first candidate."""
    explore(driver, "1")
    paths = driver.space.data.query.paths
    number = next((i for i, path in enumerate(paths) if path.name.startswith(name)), 0)
    driver.space.select_queries((number,))
    driver.wait(lambda: driver.shown, "the ranking")
    driver.key("Home")
    driver.rest()


def part(driver: Driver) -> None:
    """The gallery ranked by the backpack alone: where it was found in each picture."""
    name, corners = BACKPACK
    choose(driver, name)
    driver.key("B")
    box(driver, 0, corners)
    driver.key("B")
    driver.key("N")
    driver.wait(lambda: driver.shown, "the next true match")


def what_if(driver: Driver) -> None:
    """The backpack covered in a true match."""
    name, corners = BACKPACK
    choose(driver, name)
    driver.key("N")
    driver.rest()
    driver.key("H")
    box(driver, 0, corners)
    driver.key("H")


def region(driver: Driver) -> None:
    """What hiding each region would do to the first true match."""
    choose(driver, BACKPACK[0])
    driver.key("N")
    driver.rest()
    driver.key("O")
    driver.wait(lambda: driver.space.parts.now.regions is not None, "the map")


def why(driver: Driver) -> None:
    """A query whose rank 1 is false: what that one shares that the first true one lacks."""
    explore(driver, "1")
    driver.key("E")
    driver.rest()
    driver.key("W")
    driver.wait(lambda: driver.shown and driver.space.why is not None, "both candidates")


def strangers(driver: Driver) -> None:
    """Ranked and explained by how far each candidate stands above strangers."""
    explore(driver, "2")
    driver.key("Alt+4")
    driver.wait(lambda: driver.space.strangers is not None, "the strangers")
    driver.wait(lambda: driver.shown and driver.space.pair.normalised is not None, "the match")


def crowd(driver: Driver) -> None:
    """What is distinctive: heat maps beyond the average over the gallery."""
    explore(driver, "2")
    driver.wait(lambda: driver.space.pair.relative is not None, "the crowd")


def found(driver: Driver, kind: str) -> Any:
    """The page of errors or of trust with its findings, started by its button."""
    driver.key("Ctrl+3" if kind == "failures" else "Ctrl+4")
    page = driver.window.insights.page(kind)
    if page.found is None:
        driver.window.insights.insights.pairs = PAIRS
        driver.wait(page.empty.button.isEnabled, "the button")
        driver.click(page.empty.button)
        driver.wait(lambda: page.found is not None, f"the {kind}", seconds=10 * PATIENCE)
    driver.rest()
    return page


def failures(driver: Driver) -> None:
    """What misleads over the whole set: the largest cell chosen, its examples in order."""
    page = found(driver, "failures")
    page.insights.choose_cell(None)
    mean = page.insights.group.mean
    driver.click_at(page.map, page.map.centre_of(int(mean.argmax())))


def trust(driver: Driver) -> None:
    """Whether explanations show what decides."""
    found(driver, "trust")


def trust_pairs(driver: Driver) -> None:
    """The pairs that trust was measured on."""
    page = found(driver, "trust")
    bar = page.tabs.tabBar()
    driver.click_at(bar, bar.tabRect(1).center())


def no_findings(driver: Driver) -> None:
    """The page of trust before anything was measured."""
    driver.key("Ctrl+4")
    driver.wait(lambda: driver.window.insights.page("trust").isVisible(), "the page")


def help_text(driver: Driver) -> None:
    """Help on what is shown."""
    part(driver)
    driver.key("Shift+F1")
    driver.dialog("help")


def evaluate(driver: Driver, tab: int) -> None:
    """A run of the demo with every method, started by the button, and one of its tabs."""
    driver.key("Ctrl+2")
    page = driver.window.evaluate
    driver.rest()
    if not page.runs.runs:
        driver.wait(page.content.form.start_button.isEnabled, "the start button")
        driver.click(page.content.form.start_button)
        driver.wait(lambda: page.runs.shown, "the run")
    driver.wait(lambda: not page.estimating, "the estimate")
    bar = page.content.tabs.tabBar()
    driver.click_at(bar, bar.tabRect(tab).center())


def measures(driver: Driver, protocol: bool) -> None:
    """Measures and curves of the run, the protocol folded out or in."""
    evaluate(driver, 0)
    fold = driver.window.evaluate.content.table.fold
    if fold.isChecked() != protocol:
        driver.click(fold)


def table(driver: Driver) -> None:
    """The measures of the run, the protocol folded out."""
    measures(driver, protocol=True)


def cmc(driver: Driver) -> None:
    """The measures and CMC curves of the run."""
    measures(driver, protocol=False)


def scores(driver: Driver) -> None:
    """Scores of true and false pairs, the threshold moved by keys."""
    evaluate(driver, 1)
    chart = driver.window.evaluate.content.scores.chart
    for _ in range(4):
        driver.key("Right", chart)


def queries(driver: Driver) -> None:
    """AP of every query."""
    evaluate(driver, 2)


def gains(driver: Driver) -> None:
    """Plain QAConv against all methods of the run, query by query."""
    evaluate(driver, 3)


def rankings(driver: Driver) -> None:
    """The query that gained most, as both methods rank it."""
    gains(driver)
    view = driver.window.evaluate.content.changes.view
    driver.click_at(view.viewport(), view.visualRect(view.model().index(0, 0)).center())
    driver.dialog("answers")


def case(driver: Driver) -> None:
    """A case: two queries of a person, confirmed sightings, notes."""
    from qaconv_core.store.cases import SUFFIX

    choose(driver, BACKPACK[0])
    commands = driver.window.case_commands
    path = Path(driver.window.settings.path).parent / f"station{SUFFIX}"
    if path.exists():
        commands.open(path)
        driver.wait(lambda: commands.jobs.ready and driver.shown, "the case")
        driver.rest()
        return
    commands.jobs.create(path, "Bag at the station", "2026/17", "A. E.")
    driver.wait(lambda: commands.jobs.ready, "the case")
    driver.key("Ctrl+D")
    for _ in range(6):
        driver.rest()
        known = driver.space.ranking.truth_of(driver.space.selection.candidate)
        driver.key({1: "Y", 0: "R"}.get(known, "U"))
        driver.rest()
        driver.key("Right")
    driver.type("Seen at four cameras within a minute.", commands.panel.notes)
    driver.rest()
    driver.wait(lambda: driver.shown, "the match")


def choose_first(driver: Driver, count: int) -> None:
    """So many candidates of the query with the backpack."""
    choose(driver, BACKPACK[0])
    for _ in range(count - 1):
        driver.rest()
        driver.key("Shift+Right")
    driver.rest()


def sheet(driver: Driver) -> None:
    """Three candidates beside each other, as a figure for a paper."""
    choose_first(driver, 3)
    driver.key("Shift+C")
    modal = driver.program.application.activeModalWidget
    driver.wait(lambda: modal() is not None and modal().sheet is not None, "the sheet")
    # Where this machine keeps its files is nobody's business.
    modal().path.setText(f"~/{Path(modal().path.text()).name}")


def compare_several(driver: Driver) -> None:
    """Four candidates under one query, joined at a place of the query."""
    choose_first(driver, 4)
    driver.key("4")
    driver.wait(lambda: len(driver.space.others) == 3 and driver.shown, "four candidates")
    driver.rest()
    canvas = driver.window.explore.inspector.canvas
    driver.point(canvas, driver.on_picture(canvas.scene.find(("query", 0)), *TORSO))
    driver.wait(lambda: driver.space.hover is not None, "a cell under the pointer")


def swipe(driver: Driver) -> None:
    """The query over the candidate, left of a line."""
    explore(driver, "2")
    driver.key("Shift+K")
    driver.wait(lambda: driver.window.explore.inspector.canvas.swiping, "the line")


def adjust(driver: Driver) -> None:
    """Pictures adjusted right of a line, as they are left of it."""
    explore(driver, "1")
    driver.key("Space")
    driver.key("K")
    row = driver.window.explore.inspector.adjust
    for _ in range(4):
        driver.key("PgUp", row.sliders["brightness"])
        driver.key("PgUp", row.sliders["sharpness"])
    driver.click(row.swipe)


def answers(driver: Driver) -> None:
    """What two queries find first: two cameras' pictures of one person."""
    choose(driver, BACKPACK[0])
    view, model = driver.window.explore.queries.list, driver.window.explore.queries.model
    row = model.row_of(driver.space.selection.query) + 1
    view.selectionModel().select(model.index(row), view.selectionModel().Select)
    driver.rest()
    driver.key("Shift+Q")
    driver.dialog("answers")


def matrix(driver: Driver) -> None:
    """Who is confused with whom, by camera."""
    explore(driver, "1")
    driver.wait(lambda: "qaconv" in driver.space.measures_complete, "the measures")
    driver.key("Ctrl+Shift+M")
    driver.dialog("matrix")


def open_data(driver: Driver) -> None:
    """The report on a data set before it is opened."""
    driver.key("Ctrl+1")
    driver.key("Ctrl+O")
    dialog = driver.dialog("data")
    driver.click_at(dialog.names.viewport(), demo_row(dialog.names))
    driver.wait(dialog.open_button.isEnabled, "the report")


def demo_row(names: Any) -> Any:
    """Where the last data set, the demo, stands in the dialog's list."""
    return names.visualItemRect(names.item(names.count() - 1)).center()


def scene(driver: Driver) -> None:
    """A rendered scene: its people found, one of them chosen."""
    driver.key("Ctrl+1")
    driver.window.dialogs.open_scenes([ROOT / "tests" / "data" / "scene.jpg"])
    dialog = driver.dialog("scenes")
    driver.wait(lambda: dialog.scene.found == "found" and dialog.scene.size, "the people")
    driver.rest()
    for _ in range(5):
        driver.key("N", dialog.canvas)


def scenes(driver: Driver) -> None:
    """Two scenes, people chosen on both."""
    scene(driver)
    dialog = driver.dialog("scenes")
    dialog.open_scenes([ROOT / "docs" / "images" / "detect.jpg"])
    looked = lambda: all(scene.found == "found" for scene in dialog.scenes)  # noqa: E731
    driver.wait(looked, "the people")
    driver.rest()
    driver.key("N", dialog.canvas)
    driver.key("+", dialog.canvas)
    driver.key("+", dialog.canvas)


def videos(driver: Driver) -> None:
    """Two rendered cameras before people are looked for in them."""
    import cv2
    import numpy as np

    shown = cv2.imread(str(ROOT / "tests" / "data" / "scene.jpg"))
    own = Path(os.environ["QACONV_DATA_DIR"])
    own.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="videos-", dir=own))  # goes with it
    paths = [folder / name for name in ("north_20240501_080000.avi", "yard.avi")]
    for path in paths:
        size = (shown.shape[1], shown.shape[0])
        video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, size)
        for number in range(20):
            video.write(np.roll(shown, 3 * number, axis=1))
        video.release()
    driver.window.dialogs.open_videos(paths)
    dialog = driver.dialog("videos")
    dialog.out.setText("~/people")  # where this machine keeps its files is nobody's business
    driver.wait(dialog.start.isEnabled, "the videos")
    driver.rest()


def tracks(driver: Driver) -> None:
    """People followed through a video: the gallery searched for one of them."""
    videos(driver)
    dialog = driver.dialog("videos")
    dialog.out.setText(str(dialog.paths[0].parent / "people"))
    driver.click(dialog.start)
    driver.wait(lambda: driver.space.data.gallery_tracks is not None, "the set")
    driver.wait(lambda: driver.window.controller.matching is not None, "the maps")
    driver.window.file_input.take([driver.space.data.gallery[0].path])
    driver.wait(lambda: driver.space.ranking is not None and driver.shown, "the ranking")
    driver.rest()
    driver.key("S")


def open_model(driver: Driver) -> None:
    """What was read from the bundled checkpoint before it is used."""
    driver.key("Ctrl+1")
    driver.key("Ctrl+Shift+O")
    dialog = driver.dialog("model")
    driver.click(dialog.bundled)
    driver.wait(dialog.use_button.isEnabled, "the checkpoint")


def adapt(driver: Driver) -> None:
    """What an adaptation to the demo would take."""
    driver.command("adapt to these")
    dialog = driver.dialog("adapt")
    driver.wait(lambda: dialog.adaptation.forecast, "the forecast")
    # Where this machine keeps its files is nobody's business.
    dialog.path.setText(f"~/models/{Path(dialog.path.text()).name}")


def adapt_groups(driver: Driver) -> None:
    """The groups of the first round, a group and a picture of another one taken out."""
    driver.command("adapt to these")
    dialog = driver.dialog("adapt")
    driver.wait(dialog.begin.isEnabled, "the button")
    driver.click(dialog.begin)
    driver.wait(lambda: dialog.adaptation.waiting, "the groups")
    for key in ("Down", "Space", "Down", "Right", "Right", "X", "Down"):
        driver.key(key, dialog.groups)
    driver.wait(lambda: not dialog.groups.delegate.thumbnails.busy, "the pictures")


ADAPTED_WITHIN = 1800.0
"""Seconds that an adaptation to the demo may take on a busy machine."""


def adapt_outcome(driver: Driver) -> None:
    """What an adaptation to the demo came to, round by round."""
    driver.command("adapt to these")
    dialog = driver.dialog("adapt")
    driver.wait(dialog.begin.isEnabled, "the button")
    driver.key("Space", dialog.review)  # groups as they are found
    driver.click(dialog.begin)
    driver.wait(lambda: dialog.adaptation.result, "the outcome", ADAPTED_WITHIN)
    # Where this machine keeps its files is nobody's business.
    result = dialog.adaptation.result
    dialog.told.setText(dialog.told.text().replace(str(result.out), f"~/models/{result.out.name}"))


def settings(driver: Driver) -> None:
    """Folders, device, theme and the feature store."""
    driver.key("Ctrl+,")
    driver.dialog("settings")


def save_match(driver: Driver) -> None:
    """How a match figure is saved."""
    explore(driver, "1")
    driver.key("Ctrl+S")
    driver.wait(driver.program.application.activeModalWidget, "the dialog")


def palette(driver: Driver) -> None:
    """Some letters typed into the list of all commands."""
    driver.key("Ctrl+1")
    driver.key("Ctrl+Shift+P")
    found = driver.window.dialogs.palette
    driver.wait(found.isVisible, "the palette")
    driver.type("match", found.field)


def keys(driver: Driver) -> None:
    """The sheet of keys."""
    driver.key("F1")
    driver.dialog("keys")


def welcome(driver: Driver) -> None:
    """Nothing is open."""
    driver.window.controller.close_data()
    driver.wait(driver.window.welcome.isVisible, "the welcome")


def no_runs(driver: Driver) -> None:
    """The page of evaluations before any run."""
    driver.key("Ctrl+2")
    driver.rest()
    driver.wait(lambda: not driver.window.evaluate.estimating, "the estimate")


def no_errors(driver: Driver) -> None:
    """The page of errors before they were looked for."""
    driver.key("Ctrl+3")
    driver.wait(lambda: driver.window.insights.page("failures").isVisible(), "the page")


def cameras(driver: Driver) -> None:
    """Measures by camera pair."""
    evaluate(driver, 4)


def find(driver: Driver) -> None:
    """A person looked for in the gallery."""
    explore(driver, "1")
    driver.key("Ctrl+F")
    bar = driver.window.explore.results.find_bar
    driver.wait(bar.isVisible, "the bar")
    driver.type("0047", bar.field)


def new_case(driver: Driver) -> None:
    """What a new case is about."""
    explore(driver, "1")
    driver.key("Ctrl+Alt+N")
    modal = driver.program.application.activeModalWidget
    driver.wait(modal, "the dialog")


def save_grid(driver: Driver) -> None:
    """Several queries with their first candidates, as a figure for a paper."""
    explore(driver, "1")
    driver.key("Ctrl+Alt+S")
    driver.wait(driver.program.application.activeModalWidget, "the dialog")


def jobs(driver: Driver) -> None:
    """The browser with the dock of jobs and problems open."""
    explore(driver, "1")
    driver.key("Ctrl+J")
    driver.wait(driver.window.problems_dock.isVisible, "the dock")


VIEWS: dict[str, Callable[[Driver], None]] = {
    "browse": browse,
    "trust-empty": no_findings,
    "failures-empty": no_errors,
    "evaluate-empty": no_runs,
    "lines": lines,
    "heat": heat,
    "hover": hover,
    "compare": compare,
    "compare-several": compare_several,
    "swipe": swipe,
    "answers": answers,
    "adjust": adjust,
    "part": part,
    "what-if": what_if,
    "region": region,
    "why": why,
    "crowd": crowd,
    "strangers": strangers,
    "failures": failures,
    "trust": trust,
    "trust-pairs": trust_pairs,
    "grid": grid,
    "decisions": decisions,
    "report": report,
    "help": help_text,
    "table": table,
    "cmc": cmc,
    "scores": scores,
    "queries": queries,
    "gains": gains,
    "cameras": cameras,
    "rankings": rankings,
    "case": case,
    "sheet": sheet,
    "matrix": matrix,
    "open-data": open_data,
    "open-model": open_model,
    "scene": scene,
    "scenes": scenes,
    "videos": videos,
    "tracks": tracks,
    "adapt": adapt,
    "adapt-groups": adapt_groups,
    "adapt-outcome": adapt_outcome,
    "settings": settings,
    "save-match": save_match,
    "palette": palette,
    "keys": keys,
    "jobs": jobs,
    "find": find,
    "new-case": new_case,
    "save-grid": save_grid,
    "welcome": welcome,
    "panels": panels,
    "gallery": gallery,
    "persons": persons,
    "line-of-labels": line_of_labels,
    "weights": weights,
    "import": import_pictures,
    "import-boxes": import_boxes,
    "forget": forget,
}
QUESTIONS = (
    "part",
    "what-if",
    "region",
    "why",
    "crowd",
    "failures",
    "trust",
    "decisions",
    "report",
)
"""What the seven questions look like."""
DARK = "-dark"
ALL = (*VIEWS, *(f"{name}{DARK}" for name in VIEWS))
README = (
    "lines",
    "heat",
    "hover",
    "compare",
    "compare-several",
    "answers",
    *QUESTIONS,
    "grid",
    "persons",
    "line-of-labels",
    "import",
    "cmc",
    "scores",
    "lines-dark",
    "cmc-dark",
    "case",
)
SMALL = ("decisions",)
LARGE = (
    "browse",
    "grid-dark",
    "gallery",
    "table-dark",
    "queries",
    "failures-dark",
    "trust",
    "adapt-groups-dark",
    "tracks",
    "scenes-dark",
)
SHARP = (
    "welcome",
    "swipe-dark",
    "scores-dark",
    "gains",
    "matrix-dark",
    "weights",
    "videos-dark",
    "sheet",
    "settings-dark",
    "palette",
    "keys-dark",
    "help",
)


@dataclass(frozen=True)
class Document:
    """Pictures of a document: their ``views``, the window's ``size``, pixels for each of the
    window's (``scale``), what stands behind the view in a file's name."""

    views: tuple[str, ...]
    size: str
    scale: float = 1.0
    suffix: str = ""


DOCUMENTS = {
    "readme": Document(README, "1440x900"),
    "small": Document(SMALL, "1280x800", suffix="-1280x800"),
    "large": Document(LARGE, "2560x1440", suffix="-2560x1440"),
    "sharp": Document(SHARP, "1280x800", 2.0, "-200"),
}
"""What is taken without ``--out``: the README's, and the small, large and sharp ones of
docs/window.md."""


# ── pictures ────────────────────────────────────────────────────────────────────────────────────


def picture_of(driver: Driver) -> Any:
    """The window with the dialogs over it, as a QPixmap of the screen's sharpness."""
    from PyQt5.QtCore import QPoint
    from PyQt5.QtGui import QPainter, QPalette
    from PyQt5.QtWidgets import QApplication, QDialog

    window = driver.window
    pixmap = window.grab()
    origin = window.mapToGlobal(QPoint(0, 0))
    painter = QPainter(pixmap)
    for widget in QApplication.topLevelWidgets():
        if widget is window or not widget.isVisible():
            continue
        place = widget.mapToGlobal(QPoint(0, 0)) - origin
        titled = isinstance(widget, QDialog) and bool(widget.windowTitle())
        place.setY(max(place.y(), TITLE if titled else 0))
        painter.drawPixmap(place, widget.grab())
        frame = widget.rect().translated(place).adjusted(-1, -1, 0, 0)
        if titled:
            frame.setTop(frame.top() - TITLE)
            draw_title(painter, widget, frame)
        painter.setPen(widget.palette().color(QPalette.Mid))
        painter.drawRect(frame)
    painter.end()
    return pixmap


def draw_title(painter: Any, dialog: Any, frame: Any) -> None:
    """The bar that a window manager would put above a dialog."""
    from PyQt5.QtCore import QRect, Qt
    from PyQt5.QtGui import QPalette

    bar = QRect(frame.left(), frame.top(), frame.width(), TITLE + 1)
    painter.fillRect(bar, dialog.palette().color(QPalette.Midlight))
    painter.setPen(dialog.palette().color(QPalette.WindowText))
    font = dialog.font()
    font.setBold(True)
    painter.setFont(font)
    painter.drawText(bar, Qt.AlignCenter, dialog.windowTitle())


def save(pixmap: Any, path: Path, few_colours: bool) -> None:
    """As a PNG file; with 256 colours where it would be too large for the README and that matters
    (``few_colours``)."""
    from PIL import Image
    from PyQt5.QtGui import QImage

    image = pixmap.toImage().convertToFormat(QImage.Format_RGB888)
    width, height = image.width(), image.height()
    data = image.constBits().asstring(image.sizeInBytes())
    picture = Image.frombytes("RGB", (width, height), data, "raw", "RGB", image.bytesPerLine())
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=few_colours)
    for colours in (256, 128, 64, 32):
        if not few_colours or path.stat().st_size <= LARGEST:
            return
        # Coverage keeps the few data colours, k-means the tones of the pictures; a part of the
        # pixels says which, since that takes long.
        some = picture.resize((width // 3, height // 3), Image.Resampling.NEAREST)
        palette = some.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=2)
        few = picture.quantize(palette=palette, dither=Image.Dither.NONE)
        few.save(path, optimize=True)


@dataclass(frozen=True)
class Wish:
    """Which pictures are taken of every view: ``folder`` and window ``sizes`` by the suffix of the
    file's name, ``small`` for those that a document shows."""

    folder: Path
    sizes: Mapping[str, tuple[int, int]]
    small: bool


def take(driver: Driver, name: str, themes: Iterable[str], wish: Wish) -> None:
    """Show a view and keep its pictures, in every size and theme."""
    VIEWS[name](driver)
    driver.rest()
    for theme in themes:
        driver.program.theme.use(theme)
        for suffix, size in wish.sizes.items():
            driver.window.resize(*size)
            driver.rest()
            path = wish.folder / f"{name}{DARK if theme == 'dark' else ''}{suffix}.png"
            save(picture_of(driver), path, wish.small)
            print(f"{path.name:32} {path.stat().st_size / 1000:6.0f} kB", flush=True)


def themes_of(names: Iterable[str]) -> dict[str, list[str]]:
    """The themes that each view is wanted in; ``lines-dark`` is ``lines`` under the dark one."""
    themes: dict[str, list[str]] = {}
    for name in names:
        view = name.removesuffix(DARK)
        themes.setdefault(view, []).append("light" if view == name else "dark")
    return themes


def put_back(driver: Driver, size: tuple[int, int]) -> None:
    """The window as at a first start, on the demo: nothing of one view is in the next picture."""
    from app.jobs.decision_jobs import Pair
    from app.state.values import Look, QueryFilter, ResultFilter

    window, space = driver.window, driver.space
    driver.close_dialogs()
    driver.program.theme.use("light")
    window.resize(*size)
    window.problems_dock.hide()
    window.case_commands.jobs.close()
    if space.data is None or space.data.name != "demo":
        driver.start()
        driver.measured()
    driver.key("Ctrl+1")
    window.explore.arrange()
    window.explore.inspector.adjust.hide()
    window.explore.results.find_bar.close_bar()
    space.pin(None)
    space.parts.clear()
    space.set_method("qaconv")
    space.change_look(**vars(Look()))
    space.change_query_filter(**vars(QueryFilter()))
    space.change_result_filter(**vars(ResultFilter()))
    for candidate in space.decided:
        window.decision_commands.jobs.withdraw(Pair(space.selection.query, candidate))
    labels = window.gallery.labels
    if labels.gallery.persons:
        labels.clear(list(labels.gallery.persons))
    labels.gallery.choose(())
    driver.rest()
    space.select_queries((0,))
    driver.wait(lambda: driver.shown, "the first query")
    driver.key("Home")
    driver.rest()
    window.statusBar().clearMessage()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="folder for every view (else the README's)")
    parser.add_argument(
        "--only", action="append", choices=ALL, metavar="VIEW",
        help=f"this view only: {', '.join(VIEWS)}; each with {DARK} after it for the dark theme",
    )  # fmt: skip
    parser.add_argument(
        "--size", action="append", help="of the window, 1440x900 unless told; may be repeated"
    )
    parser.add_argument(
        "--scale", type=float, help="pixels for each of the window's, 1 unless told"
    )
    parser.add_argument(
        "--of", choices=DOCUMENTS, default="readme", help="whose pictures, without --out"
    )
    parser.add_argument("--fresh", action="store_true", help="compute feature maps anew")
    return parser.parse_args()


def sizes_of(words: Sequence[str], usual: str) -> dict[str, tuple[int, int]]:
    """Window sizes by suffix: the ``usual`` one for a single one, else ``-1280x800``."""
    sizes = {}
    for word in words:
        try:
            width, height = (int(side) for side in word.split("x"))
        except ValueError:
            sys.exit(f"--size {word}: give width and height in pixels, as in 1280x800")
        sizes[f"-{word}" if len(words) > 1 else usual] = (width, height)
    return sizes


def main() -> None:
    chosen = arguments()
    document = DOCUMENTS[chosen.of]
    sizes = sizes_of(chosen.size or [document.size], "" if chosen.out else document.suffix)
    size, scale = next(iter(sizes.values())), chosen.scale or document.scale
    os.environ["QT_SCALE_FACTOR"] = f"{scale:g}"
    find_display((max(w for w, _h in sizes.values()), max(h for _w, h in sizes.values())), scale)
    folder = own_folders(chosen.fresh)
    driver = Driver(size)
    wish = Wish(chosen.out or FOLDER, sizes, chosen.out is None)
    failed: list[str] = []
    try:
        driver.start()
        driver.measured()
        driver.program.theme.use("light")
        names = chosen.only or (document.views if chosen.out is None else ALL)
        for name, themes in themes_of(names).items():
            try:
                take(driver, name, themes, wish)
            except Exception as error:  # the others are still wanted
                failed.append(f"{name}: {type(error).__name__}: {error}")
            put_back(driver, size)
    except TimeoutError as error:
        failed.append(str(error))
    finally:
        driver.close()
        shutil.rmtree(folder, ignore_errors=True)
    if failed:
        sys.exit("\n".join(f"screenshots.py: {line}" for line in failed))


if __name__ == "__main__":
    main()
