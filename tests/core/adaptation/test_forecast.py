"""What an adaptation takes: beforehand from a few pictures, and its steps as those of one job."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from qaconv_core import load_model
from qaconv_core.adaptation.forecast import Forecast, Steps, forecast_job, stage_of
from qaconv_core.adaptation.pictures import Pictures
from qaconv_core.adaptation.replay import replayed_count
from qaconv_core.adaptation.values import AdaptationJob
from qaconv_core.errors import DatasetError, MemoryLimitError
from qaconv_core.models import FeatureNetwork
from qaconv_core.progress import PhasedProgress, Progress
from qaconv_core.training.memory import step_bytes
from qaconv_core.types import ImageRef
from tests.core.adaptation.small import write_cameras, write_model


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_cameras(folder / "pictures")
    write_model(folder / "model.pth.tar")
    return folder


def job(world: Path, refs: list[ImageRef]) -> AdaptationJob:
    return AdaptationJob(
        Pictures(tuple(refs), "own"), world / "model.pth.tar", world / "new", device="cpu"
    )


def refs_of(world: Path) -> list[ImageRef]:
    return [ImageRef(path) for path in sorted((world / "pictures").rglob("*.png"))]


def test_a_job_is_forecast_from_some_of_its_pictures(world):
    refs = refs_of(world)
    found = forecast_job(job(world, refs))
    assert found.pictures == len(refs)
    assert found.seconds == pytest.approx(2 * found.steps.whole + found.steps.mirrored)
    assert found.steps.mirrored == pytest.approx(1.5 * found.steps.checking)
    assert found.steps.learning > found.steps.checking > 0
    broken = [ImageRef(world / f"none-{i}.png") for i in range(20)]
    assert forecast_job(job(world, refs + broken)).pictures == len(refs) + 20


def test_memory_for_pictures_is_counted_as_far_as_the_job_allows(world):
    refs = refs_of(world)
    kept, read_again = (
        forecast_job(replace(job(world, refs), memory=memory)).memory_bytes
        for memory in (1 << 40, 0)
    )
    height, width = load_model(world / "model.pth.tar", "cpu").spec.input_size
    picture = height * width * 3
    # All once; those learned from twice more, rendered ones and label maps beside them.
    learned = 0.8 * len(refs) + replayed_count(0.8 * len(refs))
    assert len(refs) * picture <= kept - read_again <= (len(refs) + 7 / 3 * learned + 3) * picture


def test_stages_that_do_not_learn_take_no_memory_for_learning():
    torch.manual_seed(2)
    network = FeatureNetwork("efficientnet_lite0", None, "layer3", 16, False, "zeros")
    whole, half = (step_bytes(network, (192, 96), 64, stage) for stage in ("nothing", "layer1"))
    assert half < 0.6 * whole


def test_pictures_that_cannot_be_read_are_met_beforehand(world):
    with pytest.raises(DatasetError, match="none of 9 pictures can be read"):
        forecast_job(job(world, [ImageRef(world / f"none-{i}.png") for i in range(9)]))


def test_more_than_there_is_memory_for_is_refused_beforehand(world, monkeypatch):
    monkeypatch.setattr("qaconv_core.adaptation.forecast.available_memory", lambda _device: 1 << 20)
    with pytest.raises(MemoryLimitError, match="close other programs, or give fewer pictures"):
        forecast_job(job(world, refs_of(world)))


def test_the_memory_that_is_told_is_that_of_the_whole_program():
    plan = Forecast(
        400, 1, Steps(1.0, {"grouping: pairs": 1.0}, 1.0, 1.0, 1.0), 3 << 30, 8 << 30, 1 << 30
    )
    assert "at most 4.0 GiB of memory (1.0 GiB in use already, 8.0 GiB free)" in plan.describe()
    unknown = replace(plan, held_bytes=0)
    assert "at most 3.0 GiB of memory (8.0 GiB free)" in unknown.describe()


COMPARING = [
    {"grouping: pairs": 20.0},
    {"grouping: lists": 3.0, "grouping: neighbours": 7.0, "grouping: cohorts": 10.0},
]


def steps_of_a_round(number: int, epochs: int, comparing: list[str]) -> list[str]:
    names = ["grouping: features", *comparing, "grouping: maps", "reading pictures"]
    names += [f"epoch {k}/{epochs}" for k in range(1, epochs + 1)]
    names += ["calibrating: features", "calibrating: scores", "learning: cameras"]
    names += ["checking: features"]
    return [stage_of(number, 2, name) for name in names]


@pytest.mark.parametrize("made", [1, 2, 4])
@pytest.mark.parametrize("pictures", [400, 3000])
@pytest.mark.parametrize("pairs", COMPARING)
def test_the_steps_of_all_rounds_are_one_job(made, pictures, pairs):
    plan = Forecast(pictures, 2, Steps(10.0, pairs, 50.0, 10.0, 10.0, 10.0), 0, 0)
    told: list[Progress] = []
    whole = PhasedProgress(plan.phases(4), told.append)
    rounds = [steps_of_a_round(number, made, list(pairs)) for number in (1, 2)]
    last = stage_of(2, 2, "checking: mirrored pictures")
    for stage in (*rounds[0], *rounds[1], last):
        for done in range(5):
            whole(Progress(stage, done, 4))
    shares = [progress.fraction for progress in told]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)
    first = 5 * len(rounds[0])
    assert shares[first - 1] == pytest.approx(100 / 210)
    assert shares[-6] == pytest.approx(200 / 210)
    assert max(b - a for a, b in pairwise(shares)) < 0.25
