"""Requests, estimates and the runs of runs: no Qt, no engine."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from app.state.evaluation import (
    Estimate,
    EvaluationRequest,
    FinishedRun,
    RunList,
    SetChoice,
    SetEstimate,
)
from qaconv_core.cli.evaluate import method_options
from qaconv_core.cli.parser import build_parser
from qaconv_core.evaluation.methods import MethodOptions
from qaconv_core.types import CheckpointRecord
from tests.core.records import make_report


def run(id, dataset="demo", **changes):
    return FinishedRun(id, "2026-01-02T03:04:05+00:00", "evaluate", make_report(dataset, **changes))


def runs_of(*ids):
    runs = RunList()
    runs.put(tuple(run(id) for id in ids))
    heard = []
    runs.shown_changed.connect(lambda: heard.append([shown.id for shown in runs.shown]))
    return runs, heard


@pytest.mark.parametrize(
    "options",
    [
        MethodOptions(),
        MethodOptions(rerank=True, tlift=True),
        MethodOptions(rerank=True, k1=7, k2=3, lambda_=0.5, rerank_top=40, ap="trapezoid"),
        MethodOptions(tlift=True, tau=50, sigma=90, k=4, alpha=0.05, junk_rule=False),
    ],
)
@pytest.mark.parametrize(
    "choice",
    [SetChoice("demo", "demo"), SetChoice("m", "market", Path("/a set/market")),
     SetChoice("own", "folder", Path("/own pictures"))],
)  # fmt: skip
def test_a_run_says_which_command_does_the_same(options, choice):
    request = EvaluationRequest(choice, "/models/a b.pth.tar", "cpu", options, on_disk=True)
    words = shlex.split(request.command())
    assert words[0] == "qaconv"
    arguments = build_parser().parse_args(words[1:])
    assert method_options(arguments, on_by_default=not options.rerank) == options
    assert arguments.on_disk
    assert (arguments.checkpoint, arguments.device) == ("/models/a b.pth.tar", "cpu")
    if choice.name == "folder":
        assert arguments.dataset == "/own pictures"
    else:
        assert arguments.dataset == choice.name
        if choice.root is not None:
            assert arguments.data_dir == choice.root


def test_the_newest_run_is_looked_at_until_another_is_chosen():
    runs, heard = runs_of(3, 2, 1)
    assert [shown.id for shown in runs.shown] == [3]
    runs.select(1)
    runs.select(99)
    assert [shown.id for shown in runs.shown] == [1]
    runs.add(run(4))
    assert [shown.id for shown in runs.shown] == [4]
    assert heard == [[1], [4]]


def test_ticked_runs_are_compared_in_the_order_they_were_ticked():
    runs, heard = runs_of(3, 2, 1)
    runs.tick(1, True)
    runs.tick(3, True)
    runs.tick(3, True)
    runs.add(run(4))
    runs.tick(1, False)
    runs.tick(42, True)
    assert heard == [[1], [1, 3], [1, 3, 4], [3, 4]]
    assert runs.current.id == 4


def test_what_was_deleted_is_not_looked_at_any_more():
    runs, _heard = runs_of(3, 2, 1)
    runs.tick(2, True)
    runs.select(2)
    runs.remove((2,))
    assert runs.current.id == 1
    assert [shown.id for shown in runs.shown] == [1]
    runs.put(())
    assert runs.shown == ()
    assert runs.current is None


def test_a_run_that_could_not_be_kept_stays_until_the_program_ends():
    runs, _heard = runs_of(2, 1)
    runs.add(run(-1))
    runs.put((run(3), run(2)))
    assert [known.id for known in runs.runs] == [-1, 3, 2]
    assert runs.current.title == "run not kept"


def test_an_estimate_adds_times_and_takes_the_most_memory():
    parts = (
        SetEstimate("a", seconds={"features": 2.0, "scoring": 3.0}, memory_bytes=10),
        SetEstimate("b", seconds={"scoring": 5.0}, memory_bytes=30),
        SetEstimate("c", problem="is not there"),
    )
    estimate = Estimate(parts)
    assert estimate.seconds == 10
    assert estimate.memory_bytes == 30
    assert estimate.problems == ("c: is not there",)


def test_a_checkpoint_is_told_by_what_it_holds():
    checkpoint = {
        "path": "checkpoint.pth.tar",
        "sha256": "0123456789",
        "model": "ResNet-50 to layer3, x",
    }
    assert run(1, checkpoint=CheckpointRecord.from_dict(checkpoint)).model == "ResNet-50 · 012345"
    assert run(1, checkpoint=CheckpointRecord(path="best.pth", sha256="01")).model == "best.pth"
    assert run(1, checkpoint=CheckpointRecord()).model == "–"


def test_several_runs_of_one_set_are_told_apart():
    assert run(7).named_report(several=True).dataset == "demo (run 7)"
    assert run(7).named_report(several=False).dataset == "demo"


def test_a_damaged_operating_curve_is_no_curve():
    assert run(1, separation={"operating": {"thresholds": "x"}}).operating is None
    assert run(1, separation={}).operating is None
