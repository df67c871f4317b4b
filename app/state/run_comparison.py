"""Two evaluations query by query: which queries gained and which lost. No Qt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from app.state.evaluation import FinishedRun
from qaconv_core.evaluation.reports import method_label
from qaconv_core.galleries.values import OpenSet
from qaconv_core.readable import counted
from qaconv_core.types import UNKNOWN, MethodResult

SAME = 0.005
"""AP by which a query must change to count as gained or lost: half of what is shown."""


@dataclass(frozen=True)
class RunResult:
    """One method of a run, and what to call it among several."""

    run: FinishedRun
    result: MethodResult

    @property
    def title(self) -> str:
        """ "run 3 · QAConv + re-ranking"."""
        return f"{self.run.title} · {method_label(self.result.method)}"

    @property
    def aps(self) -> dict[str, float]:
        """AP of every valid query by its file; empty where the run did not keep the files."""
        paths, ap = self.run.query_paths, self.result.ap
        known = zip(paths, ap, strict=False)
        return {path: float(value) for path, value in known if np.isfinite(value)}


@dataclass(frozen=True)
class QueryChange:
    """A query's AP in two results, in [0, 1]; ``path`` is its file in the first run."""

    path: str
    before: float
    after: float

    @property
    def name(self) -> str:
        """The file's name."""
        return PurePath(self.path).name

    @property
    def gain(self) -> float:
        """How much AP it gained; negative: lost."""
        return self.after - self.before

    @property
    def outcome(self) -> str:
        """``won``, ``lost`` or ``same``."""
        if abs(self.gain) < SAME:
            return "same"
        return "won" if self.gain > 0 else "lost"


QueryCameras = dict[str, tuple[int, frozenset[int]]]
"""By a query's file: its camera, and the cameras of its true matches (0-based)."""


def cameras_of_queries(data: OpenSet | None) -> QueryCameras:
    """Of the queries of a set whose cameras are known."""
    if data is None:
        return {}
    seen: dict[int, set[int]] = {}
    for pid, camid in zip(data.gallery_pids.tolist(), data.gallery_camids.tolist(), strict=True):
        if UNKNOWN not in (pid, camid):
            seen.setdefault(pid, set()).add(camid)
    own = zip(data.query.paths, data.query_pids.tolist(), data.query_camids.tolist(), strict=True)
    return {
        str(path): (camid, frozenset(seen.get(pid, set()) - {camid}))
        for path, pid, camid in own
        if camid != UNKNOWN
    }


def results_of(runs: tuple[FinishedRun, ...]) -> list[RunResult]:
    """All methods of all runs, in their order."""
    return [RunResult(run, result) for run in runs for result in run.report.results]


def query_changes(before: RunResult, after: RunResult) -> tuple[QueryChange, ...]:
    """Queries that are valid in both, the largest change first; the same files, or, where the
    data set lay elsewhere, files of the same name."""
    old, new = before.aps, after.aps
    pairs = [(path, path) for path in old if path in new]
    if not pairs:
        there = _by_name(new)
        pairs = [(path, there[name]) for name, path in _by_name(old).items() if name in there]
    changes = [QueryChange(path, old[path], new[key]) for path, key in pairs]
    return tuple(sorted(changes, key=lambda change: (-abs(change.gain), change.path)))


def _by_name(aps: dict[str, float]) -> dict[str, str]:
    """Files by their name, as far as no other has it."""
    counts = Counter(PurePath(path).name for path in aps)
    names = ((PurePath(path).name, path) for path in aps)
    return {name: path for name, path in names if counts[name] == 1}


def comparison_words(changes: tuple[QueryChange, ...]) -> str:
    """ "34 queries gained, 12 lost, 196 stayed: mAP +2.1 over these 242."."""
    if not changes:
        return "These two have no query in common."
    counts = {name: sum(c.outcome == name for c in changes) for name in ("won", "lost", "same")}
    mean = 100 * float(np.mean([change.gain for change in changes]))
    gained = f"{counted(counts['won'], 'query', 'queries')} gained"
    sign = "+" if mean >= 0 else "−"
    return (
        f"{gained}, {counts['lost']:,} lost, {counts['same']:,} stayed: mAP {sign}{abs(mean):.1f} "
        f"over these {len(changes):,}."
    )
