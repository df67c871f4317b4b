"""The order in which listeners are told of a change is of no matter."""

from __future__ import annotations

import random

import numpy as np

from app.state.events import Event
from tests.app.real import WAIT, settled, tiny_market


def events_of(workspace) -> list[Event]:
    """Every event of the workspace and of what is drawn."""
    held = (*vars(workspace).values(), *vars(workspace.parts).values())
    return [one for one in held if isinstance(one, Event)]


def shuffle(window, seed: int) -> None:
    """Put the listeners of every event into a random order."""
    events = events_of(window.workspace)
    assert max(len(event._listeners) for event in events) > 5
    mix = random.Random(seed)
    for event in events:
        mix.shuffle(event._listeners)


def rest(qtbot, window):
    settled(qtbot, window)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=WAIT)


def state(window) -> dict[str, object]:
    """What is chosen and what is seen."""
    space, page = window.workspace, window.explore
    ranking, pair, other = space.ranking, space.pair, space.other_pair
    results, queries = page.results, page.queries
    return {
        "selection": space.selection,
        "history": (space.history.can_go_back, space.history.can_go_forward),
        "ranking": (ranking.queries, ranking.method, ranking.order.tolist(), ranking.whole),
        "part": None if ranking.part is None else ranking.part.tolist(),
        "pair": (pair.query, pair.candidate, pair.part is space.parts.part),
        "compared with the average": pair.relative is not None,
        "second": None if other is None else other.candidate,
        "why": space.why is not None,
        "measures": space.measures["qaconv"].first_true.tolist(),
        "listed": [results.model.candidate_at(row) for row in range(results.model.rowCount())],
        "row": results.view.currentIndex().row(),
        "query row": queries.list.currentIndex().row(),
        "count": results.header.count.text(),
        "read out": page.inspector.readout.text(),
        "pictures": [panel.caption for panel in page.inspector.canvas.scene.panels],
        "waiting": (results.view.waiting, space.ranking_stale, space.pair_stale),
        "problems": len(window.problems.problems),
        "commands": {id: window.commands.can_run(id) for id in window.commands.by_id},
    }


def browse(qtbot, window, data, model) -> list[dict[str, object]]:
    """Open, choose queries, step through candidates, search by part, compare; what is then seen.

    Beside that stand the jobs that were started for it, once the set is open.
    """
    space, seen, started = window.workspace, [], []
    start = window.runner.start

    def note(title, *arguments, **named):
        started.append(title)
        return start(title, *arguments, **named)

    def look() -> None:
        rest(qtbot, window)
        jobs = [title for title in started if title in ("Ranking", "Explaining")]
        seen.append({**state(window), "jobs": jobs})
        started.clear()

    window.begin(data, model)
    qtbot.waitUntil(lambda: window.controller.matching is not None, timeout=WAIT)
    rest(qtbot, window)
    window.runner.start = note
    look()
    window.commands.run("query.next")
    window.commands.run("query.next")
    look()
    space.select_queries((0, 3))
    look()
    space.select_queries((1,))
    rest(qtbot, window)
    for _ in range(3):
        window.commands.run("candidate.next")
    look()
    window.commands.run("match.compare")
    look()
    window.commands.run("candidate.next")
    window.commands.run("match.lines")
    look()
    space.parts.draw(np.arange(48).reshape(12, 4) < 20)
    look()
    space.select_queries((2,))
    look()
    window.commands.run("candidate.why_false")
    look()
    window.commands.run("view.back")
    look()
    return seen


def test_the_order_of_listeners_is_of_no_matter(qtbot, make_window, model, tmp_path):
    data = tiny_market(tmp_path)
    expected = browse(qtbot, make_window(), data, model)
    assert expected[3]["selection"].candidate != expected[3]["listed"][0]
    assert expected[4]["second"] is not None
    assert expected[6]["part"] is not None
    assert expected[7]["part"] is None
    assert expected[7]["jobs"] == ["Ranking", "Explaining"]
    for seed in (1, 2, 3):
        window = make_window()
        shuffle(window, seed)
        for step, (seen, usual) in enumerate(
            zip(browse(qtbot, window, data, model), expected, strict=True)
        ):
            assert seen == usual, f"seed {seed}, step {step}"
